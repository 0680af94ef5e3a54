// Socket.IO without a database: what the library and the events cost by themselves. Nothing is kept.

import { serve } from "./server.mjs";

let lastId = 0;

serve({
  async send(draft) {
    const now = new Date();
    return {
      id: ++lastId,
      ...draft,
      // Without a store no pair has a conversation, so the one that was sent is always free.
      conversationId: draft.conversationId ?? lastId,
      read: false,
      readAt: null,
      createdAt: now,
      updatedAt: now,
      sender: { id: draft.senderId, fullName: null, profilePicture: null },
      receiver: { id: draft.receiverId, fullName: null, profilePicture: null },
    };
  },

  async history() {
    return [];
  },

  async conversations() {
    return [];
  },

  async markRead() {
    return { updatedCount: 0, readAt: new Date(), otherUserId: null };
  },

  async close() {},
});
