-- The tables of both peers with a database. schema.prisma must say the same.

CREATE TABLE IF NOT EXISTS "User" (
  id SERIAL PRIMARY KEY,
  "fullName" TEXT,
  "profilePicture" TEXT
);

CREATE TABLE IF NOT EXISTS "Conversation" (
  id SERIAL PRIMARY KEY,
  "user1Id" INTEGER NOT NULL REFERENCES "User" (id) ON DELETE CASCADE,
  "user2Id" INTEGER NOT NULL REFERENCES "User" (id) ON DELETE CASCADE,
  "lastMessageAt" TIMESTAMP(3),
  "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" TIMESTAMP(3) NOT NULL
);

-- user1Id is the smaller id.
CREATE UNIQUE INDEX IF NOT EXISTS "Conversation_user1Id_user2Id_key" ON "Conversation" ("user1Id", "user2Id");
CREATE INDEX IF NOT EXISTS "Conversation_user2Id_idx" ON "Conversation" ("user2Id");

CREATE TABLE IF NOT EXISTS "Message" (
  id SERIAL PRIMARY KEY,
  "conversationId" INTEGER NOT NULL REFERENCES "Conversation" (id) ON DELETE CASCADE,
  "senderId" INTEGER NOT NULL REFERENCES "User" (id) ON DELETE CASCADE,
  "receiverId" INTEGER NOT NULL REFERENCES "User" (id) ON DELETE CASCADE,
  content TEXT,
  type TEXT NOT NULL DEFAULT 'text',
  "fileUrl" TEXT,
  "fileName" TEXT,
  "fileSize" INTEGER,
  "fileType" TEXT,
  read BOOLEAN NOT NULL DEFAULT false,
  "readAt" TIMESTAMP(3),
  "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updatedAt" TIMESTAMP(3) NOT NULL
);

CREATE INDEX IF NOT EXISTS "Message_conversationId_createdAt_idx" ON "Message" ("conversationId", "createdAt");
-- The unread messages of a user, for the list of conversations and for mark_read.
CREATE INDEX IF NOT EXISTS "Message_receiverId_read_idx" ON "Message" ("receiverId", read);
