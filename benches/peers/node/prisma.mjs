// Socket.IO with Prisma over `pg`: the stack of the systems that Sohbet replaces. The pool and the tables are those of
// pg.mjs, everything else is Prisma's way and its defaults.

import { PrismaPg } from "@prisma/adapter-pg";
import { MAX_CONNECTIONS, createConversation, openDatabase, pairOf } from "./database.mjs";
import generated from "./generated/index.js";
import { serve } from "./server.mjs";

const adapter = new PrismaPg({ connectionString: await openDatabase(), max: MAX_CONNECTIONS });
const prisma = new generated.PrismaClient({ adapter });

const PERSON = { select: { id: true, fullName: true, profilePicture: true } };
const PEOPLE = { sender: PERSON, receiver: PERSON };
const NEWEST_FIRST = [{ createdAt: "desc" }, { id: "desc" }];

serve({
  async send(draft) {
    const pair = pairOf(draft);
    const conversationId = (await find(pair)) ?? (await create(pair, draft.conversationId));
    const message = await prisma.message.create({ data: { ...draft, conversationId }, include: PEOPLE });
    await prisma.conversation.update({ where: { id: conversationId }, data: { lastMessageAt: message.createdAt } });
    return message;
  },

  async history(conversationId, limit) {
    const newest = await prisma.message.findMany({
      where: { conversationId }, orderBy: NEWEST_FIRST, take: limit, include: PEOPLE,
    });
    return newest.reverse();
  },

  async conversations(userId) {
    const found = await prisma.conversation.findMany({
      where: { OR: [{ user1Id: userId }, { user2Id: userId }] },
      orderBy: { lastMessageAt: "desc" },
      include: {
        user1: PERSON,
        user2: PERSON,
        messages: { orderBy: NEWEST_FIRST, take: 1, select: { content: true, type: true, createdAt: true } },
        _count: { select: { messages: { where: { receiverId: userId, read: false } } } },
      },
    });
    return found.map((conversation) => toItem(conversation, userId));
  },

  async markRead(conversationId, userId) {
    const readAt = new Date();
    const { count } = await prisma.message.updateMany({
      where: { conversationId, receiverId: userId, read: false }, data: { read: true, readAt },
    });
    const conversation = await prisma.conversation.findUnique({ where: { id: conversationId } });
    return { updatedCount: count, readAt, otherUserId: otherOf(conversation, userId) };
  },

  async close() {
    await prisma.$disconnect();
  },
});

async function find(pair) {
  const conversation = await prisma.conversation.findUnique({ where: { user1Id_user2Id: pair }, select: { id: true } });
  return conversation?.id;
}

// Users come into being with their first conversation, so that the messages after it need not ask for them.
async function create(pair, sentId) {
  await prisma.user.createMany({ data: [{ id: pair.user1Id }, { id: pair.user2Id }], skipDuplicates: true });
  return createConversation(pair, sentId, insertConversation, find);
}

async function insertConversation(pair, id) {
  const [made] = await prisma.conversation.createManyAndReturn({
    data: [{ ...pair, id }], skipDuplicates: true, select: { id: true },
  });
  return made?.id;
}

function otherOf(conversation, userId) {
  if (conversation?.user1Id === userId) return conversation.user2Id;
  return conversation?.user2Id === userId ? conversation.user1Id : null;
}

function toItem(conversation, userId) {
  const other = conversation.user1Id === userId ? conversation.user2 : conversation.user1;
  return {
    id: conversation.id,
    otherUserId: other.id,
    otherUserName: other.fullName ?? "Unknown User",
    otherUserProfilePicture: other.profilePicture,
    lastMessage: conversation.messages[0] ?? null,
    unreadCount: conversation._count.messages,
    lastMessageAt: conversation.lastMessageAt,
  };
}
