// Socket.IO with PostgreSQL by hand: SQL, a pool, prepared statements.
//
// Two statements a message. The server keeps no state, like the systems that this stands for, so the conversation of
// the pair is looked up each time. Then one statement inserts the message, touches the conversation and joins the
// names: both rows or none, one commit, one round trip.

import pg from "pg";
import { MAX_CONNECTIONS, createConversation, openDatabase, pairOf } from "./database.mjs";
import { serve } from "./server.mjs";

const TIMESTAMP = 1114;
// The columns are TIMESTAMP without zone, in UTC; the driver would read them in the zone of the machine.
pg.types.setTypeParser(TIMESTAMP, (text) => new Date(`${text.replace(" ", "T")}Z`));

const pool = new pg.Pool({ connectionString: await openDatabase(), max: MAX_CONNECTIONS });
// An idle connection that breaks is replaced at the next query.
pool.on("error", (error) => console.error("PostgreSQL:", error.message));

const FIND_CONVERSATION = {
  name: "find-conversation",
  text: `SELECT id FROM "Conversation" WHERE "user1Id" = $1 AND "user2Id" = $2`,
};

const INSERT_MESSAGE = {
  name: "insert-message",
  text: `
    WITH message AS (
      INSERT INTO "Message" ("conversationId", "senderId", "receiverId", content, type,
        "fileUrl", "fileName", "fileSize", "fileType", "createdAt", "updatedAt")
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
      RETURNING *
    ), touched AS (
      UPDATE "Conversation" SET "lastMessageAt" = $10, "updatedAt" = $10 WHERE id = $1
    )
    SELECT message.*,
      sender."fullName" AS "senderName", sender."profilePicture" AS "senderPicture",
      receiver."fullName" AS "receiverName", receiver."profilePicture" AS "receiverPicture"
    FROM message
    JOIN "User" sender ON sender.id = message."senderId"
    JOIN "User" receiver ON receiver.id = message."receiverId"`,
};

const LIST_MESSAGES = {
  name: "list-messages",
  text: `
    SELECT message.*,
      sender."fullName" AS "senderName", sender."profilePicture" AS "senderPicture",
      receiver."fullName" AS "receiverName", receiver."profilePicture" AS "receiverPicture"
    FROM "Message" message
    JOIN "User" sender ON sender.id = message."senderId"
    JOIN "User" receiver ON receiver.id = message."receiverId"
    WHERE message."conversationId" = $1
    ORDER BY message."createdAt" DESC, message.id DESC
    LIMIT $2`,
};

const LIST_CONVERSATIONS = {
  name: "list-conversations",
  text: `
    SELECT conversation.id, conversation."lastMessageAt", other.id AS "otherUserId",
      other."fullName", other."profilePicture",
      last.id AS "lastId", last.content, last.type, last."createdAt",
      coalesce(unread.n_messages, 0) AS "unreadCount"
    FROM "Conversation" conversation
    JOIN "User" other ON other.id = conversation."user1Id" + conversation."user2Id" - $1
    LEFT JOIN LATERAL (
      SELECT id, content, type, "createdAt" FROM "Message"
      WHERE "conversationId" = conversation.id ORDER BY "createdAt" DESC, id DESC LIMIT 1
    ) last ON true
    LEFT JOIN (
      SELECT "conversationId", count(*)::int AS n_messages FROM "Message"
      WHERE "receiverId" = $1 AND NOT read GROUP BY "conversationId"
    ) unread ON unread."conversationId" = conversation.id
    WHERE conversation."user1Id" = $1 OR conversation."user2Id" = $1
    ORDER BY conversation."lastMessageAt" DESC`,
};

const MARK_READ = {
  name: "mark-read",
  text: `
    UPDATE "Message" SET read = true, "readAt" = $3, "updatedAt" = $3
    WHERE "conversationId" = $1 AND "receiverId" = $2 AND NOT read`,
};

const FIND_OTHER_USER = {
  name: "find-other-user",
  text: `SELECT "user1Id" + "user2Id" - $2 AS id FROM "Conversation" WHERE id = $1 AND $2 IN ("user1Id", "user2Id")`,
};

serve({
  async send(draft) {
    const pair = pairOf(draft);
    const conversationId = (await find(pair)) ?? (await create(pair, draft.conversationId));
    const now = new Date().toISOString();
    const { senderId, receiverId, content, type, fileUrl, fileName, fileSize, fileType } = draft;
    const row = await first(INSERT_MESSAGE, [
      conversationId, senderId, receiverId, content, type, fileUrl, fileName, fileSize, fileType, now,
    ]);
    return toMessage(row);
  },

  async history(conversationId, limit) {
    const { rows } = await pool.query(LIST_MESSAGES, [conversationId, limit]);
    return rows.reverse().map(toMessage);
  },

  async conversations(userId) {
    const { rows } = await pool.query(LIST_CONVERSATIONS, [userId]);
    return rows.map(toItem);
  },

  async markRead(conversationId, userId) {
    const readAt = new Date();
    const { rowCount } = await pool.query(MARK_READ, [conversationId, userId, readAt.toISOString()]);
    const other = await first(FIND_OTHER_USER, [conversationId, userId]);
    return { updatedCount: rowCount, readAt, otherUserId: other?.id ?? null };
  },

  async close() {
    await pool.end();
  },
});

async function find({ user1Id, user2Id }) {
  return (await first(FIND_CONVERSATION, [user1Id, user2Id]))?.id;
}

// Users come into being with their first conversation, so that the messages after it need not ask for them.
async function create(pair, sentId) {
  const { user1Id, user2Id } = pair;
  await pool.query(`INSERT INTO "User" (id) VALUES ($1), ($2) ON CONFLICT DO NOTHING`, [user1Id, user2Id]);
  return createConversation(pair, sentId, insertConversation, find);
}

async function insertConversation({ user1Id, user2Id }, id) {
  const row = await first(
    `INSERT INTO "Conversation" (id, "user1Id", "user2Id", "updatedAt")
     VALUES (coalesce($1, nextval('"Conversation_id_seq"')), $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id`,
    [id, user1Id, user2Id, new Date().toISOString()],
  );
  return row?.id;
}

async function first(statement, values) {
  const { rows } = await pool.query(statement, values);
  return rows[0];
}

function toMessage(row) {
  const { senderName, senderPicture, receiverName, receiverPicture, ...message } = row;
  message.sender = { id: row.senderId, fullName: senderName, profilePicture: senderPicture };
  message.receiver = { id: row.receiverId, fullName: receiverName, profilePicture: receiverPicture };
  return message;
}

function toItem(row) {
  const { content, type, createdAt } = row;
  return {
    id: row.id,
    otherUserId: row.otherUserId,
    otherUserName: row.fullName ?? "Unknown User",
    otherUserProfilePicture: row.profilePicture,
    lastMessage: row.lastId ? { content, type, createdAt } : null,
    unreadCount: row.unreadCount,
    lastMessageAt: row.lastMessageAt,
  };
}
