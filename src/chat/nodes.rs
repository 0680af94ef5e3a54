//! What happens on other nodes that share the database: it is made true here, and told here.

mod news;
mod people;
mod positions;
mod repairs;
mod roster;
mod sight;

use std::sync::Arc;
use std::time::Duration;

use sohbet_entity::ids::ConversationId;
use tokio::time::Instant;

pub use news::News;
pub use positions::Moved;
use positions::moved;
pub use repairs::{Hole, Looks, Repair, Retold};
pub use roster::{Entry, Named, Roster, RosterNews, Stay};
pub use sight::{Seen, Sight};

use super::{Chat, Conversation, DeskEvent, Event, LobbyEvent, Message, SessionId};
use crate::error::Result;
use crate::store::{self, ChangedMessage, MessageRow, NumberedChange, ReactionRow, UserChange};

/// How long what other nodes say waits for the database, all news of one text together: what they say next
/// waits as long, and who is not heard for ten seconds is gone. What is given up is found by looking.
pub const HEARING_PATIENCE: Duration = Duration::from_secs(2);

/// Something that other nodes made, ready to be told here.
pub struct Heard {
    /// Where it stands in its conversation, if it takes a `rev`.
    pub at: Option<Moved>,
    /// What is told.
    pub events: Vec<Event>,
}

impl Chat {
    /// Whether other nodes may work on the same data.
    pub fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    /// Tells the other nodes something that only they have to know.
    pub(super) async fn tell_nodes(&self, news: News) {
        if self.is_shared() {
            self.publish(Event::Elsewhere(Box::new(news))).await;
        }
    }

    /// Makes true here what another node says, and says what is to be told here. `own` is what the
    /// others call this node. What the database does not say until then is given up.
    pub async fn take_news(
        &self,
        own: &str,
        node: &str,
        news: News,
        deadline: Instant,
    ) -> Result<Option<Heard>> {
        let event = match news {
            News::Roster(news) => {
                let (changes, want) = self.roster.hear(own, node, news);
                if let Some(want) = want {
                    self.tell_nodes(News::Roster(want)).await;
                }
                let events = self.changed_elsewhere(changes, deadline).await;
                return Ok(Some(Heard { at: None, events }));
            }
            News::Message {
                row,
                facts_in,
                echo,
                by_socket,
                dialect,
            } => {
                let at = moved(&row, row.seq, facts_in);
                self.forget_if_older(&at);
                let Some(message) = store::until(deadline, self.find_and_dress(row)).await? else {
                    return Ok(None);
                };
                let event = Event::Message {
                    message,
                    echo,
                    origin: by_socket.then_some(SessionId::ELSEWHERE),
                    dialect,
                };
                return Ok(Some(Heard {
                    at: Some(at),
                    events: vec![event],
                }));
            }
            News::Changed {
                row,
                last_seq,
                facts_in,
                reactions,
                emoji,
            } => {
                let at = moved(&row, last_seq, facts_in);
                self.forget_if_older(&at);
                let change = self.take_change(at, row, reactions, emoji);
                return store::until(deadline, change).await;
            }
            News::Moved(at) => {
                return Ok(Some(Heard {
                    at: Some(at),
                    events: Vec::new(),
                }));
            }
            News::Read {
                conversation,
                party,
                reader,
                outcome,
                dialect,
            } => Event::Read {
                known: store::until(deadline, self.find_conversation(&conversation)).await?,
                conversation,
                party,
                reader,
                outcome,
                origin: None,
                dialect,
            },
            News::Typing {
                dialect,
                conversation,
                user,
                is_typing,
            } => {
                let known = store::until(deadline, self.find_conversation(&conversation)).await?;
                store::until(deadline, self.profile(&user)).await?;
                self.type_elsewhere(dialect, conversation, user, is_typing, known)
            }
            News::Relayed {
                conversation,
                receiver,
                message,
            } => Event::Relayed {
                conversation,
                receiver,
                message,
            },
            News::Facts(id) => {
                self.refresh_conversation(&id, i64::MAX, deadline).await?;
                return Ok(None);
            }
            News::Parted {
                conversation,
                user,
                reason,
            } => {
                self.conversations.renew_without(&conversation, &user);
                let read = store::until(deadline, self.part(&conversation, &user)).await;
                if read.is_ok_and(|now| !self.is_still_to_part(&now, &user)) {
                    return Ok(None);
                }
                Event::Desk(DeskEvent::Parted {
                    conversation,
                    user,
                    reason,
                })
            }
            News::Profile(user) => {
                self.forget_profile(&user);
                return Ok(None);
            }
            News::Gallery {
                number,
                user,
                old,
                new,
            } => {
                self.follow_change(&NumberedChange {
                    number,
                    user,
                    change: UserChange::Gallery { old, new },
                });
                return Ok(None);
            }
            News::LobbyRead {
                author,
                message,
                reader,
            } => Event::Lobby(LobbyEvent::Read {
                author,
                message,
                reader: reader.into(),
            }),
            News::LobbyRooms(names) => {
                self.forget_lobby_rooms();
                Event::Lobby(LobbyEvent::Rooms {
                    names,
                    except: None,
                })
            }
            News::LobbyTyping {
                socket_id,
                is_typing,
            } => match self.lobby_typing_elsewhere(&socket_id, is_typing) {
                Some(event) => event,
                None => return Ok(None),
            },
        };
        Ok(Some(Heard {
            at: None,
            events: vec![event],
        }))
    }

    async fn find_and_dress(&self, row: MessageRow) -> Result<Option<Message>> {
        match self.find_conversation(&row.conversation_id).await? {
            Some(conversation) => Ok(Some(self.dress(&conversation, row).await?)),
            None => Ok(None),
        }
    }

    async fn take_change(
        &self,
        at: Moved,
        row: MessageRow,
        reactions: Vec<ReactionRow>,
        emoji: Option<String>,
    ) -> Result<Option<Heard>> {
        let Some(conversation) = self.find_conversation(&row.conversation_id).await? else {
            return Ok(None);
        };
        let changed = ChangedMessage {
            last_seq: at.seq,
            facts_in: at.facts_in,
            reactions,
            has_changed: true,
            row: Arc::new(row),
        };
        let sender = self.profile(&changed.row.sender_id).await?;
        let (_, events) = self.tell_of_change(emoji, changed, sender, conversation);
        Ok(Some(Heard {
            at: Some(at),
            events,
        }))
    }

    /// Batches of this node's writer that were begun so far.
    pub fn n_begun(&self) -> u64 {
        self.writer.n_begun()
    }

    /// Forgets who takes part in a conversation, if that is known from before the last change of it.
    /// Says whether that was so.
    pub fn forget_if_older(&self, at: &Moved) -> bool {
        let known = self.conversations.peek(&at.conversation);
        let is_older = known.is_some_and(|known| known.facts_in < at.facts_in);
        if is_older {
            self.conversations.doubt(&at.conversation);
        }
        is_older
    }

    /// A conversation as it is now, if it was changed since it was read. Another node may have let
    /// somebody in just now, whom this one would refuse.
    pub(super) async fn renewed(&self, known: &Conversation) -> Result<Option<Arc<Conversation>>> {
        if !self.is_shared() || self.store.find_facts(&known.id).await? <= known.facts_in {
            return Ok(None);
        }
        self.conversations.doubt(&known.id);
        self.find_conversation(&known.id).await
    }

    /// How far a conversation had come when it was read, if that is in memory.
    pub fn head_when_read(&self, id: &ConversationId) -> Option<Moved> {
        let known = self.conversations.peek(id)?;
        let (rev, seq) = known.head;
        Some(Moved {
            conversation: id.clone(),
            rev,
            seq,
            facts_in: known.facts_in,
        })
    }

    /// Tells how a conversation is now that has changed elsewhere, in that transaction or later, and what is
    /// different. What the database does not say until then is asked again with the next look.
    async fn refresh_conversation(
        &self,
        id: &ConversationId,
        facts_in: i64,
        deadline: Instant,
    ) -> Result<()> {
        self.conversations.renew(id);
        self.try_tell_changed(id, facts_in, deadline).await
    }
}
