//! Listening: for a user, to a conversation.

use std::sync::Arc;

use sohbet_entity::ids::{ConversationId, UserId};

use super::{InTurn, Told};
use crate::auth::{Permission, Trust};
use crate::chat::dialects::Access;
use crate::chat::{Chat, Conversation, Dialect, Listening, Reply, Session, Version};
use crate::error::{Error, Result};
use crate::store::Page;

impl Chat {
    /// Listens to a room and reads its newest messages. What is said meanwhile waits for the answer,
    /// so that nothing is missed and nothing is told twice. An open room takes the user in.
    pub(super) async fn open_conversation(
        &self,
        session: &Arc<Session>,
        dialect: Dialect,
        id: ConversationId,
        user: Option<&UserId>,
        n_messages: u32,
        spelling: u8,
    ) -> Result<InTurn> {
        let (caller, known) = match self.speaker(session, dialect, user).await {
            Ok(caller) => {
                self.take_in(&caller, &id).await?;
                // Who only writes joins as well: some dialects want that before anything is said.
                let permission = match session.may_hear() {
                    true => Permission::Read,
                    false => Permission::Write,
                };
                let known = self.approach_to(permission, &caller, &id).await?;
                (Some(caller), known)
            }
            // A server that checks nothing does not ask who joins either.
            Err(Error::Unauthenticated(_) | Error::NotFound(_))
                if is_unguarded(session, dialect) =>
            {
                (None, self.find_conversation(&id).await?)
            }
            Err(error) => return Err(error),
        };
        let is_pair = |known: &Arc<Conversation>| known.pair().is_some();
        if known.as_ref().is_some_and(is_pair) {
            return Err(Error::NO_CONVERSATION);
        }
        if let Some(user) = user.filter(|_| session.identity().trust == Trust::Claimed) {
            session.assert_user(user.clone());
        }
        session.hold();
        // What it hears from here on is written in this spelling.
        session.set_spelling(spelling);
        match caller.as_ref().zip(known.as_ref()) {
            Some((caller, known)) => self.listen_as(session, caller, known)?,
            None => self.sessions.listen(session, &id, Listening::Guest)?,
        }
        if let Some(before) = session
            .set_room(Some(id.clone()))
            .filter(|before| *before != id)
        {
            self.stop_typing_by(session.id, Some(&before)).await;
            self.sessions.unlisten(session, &before);
        }
        let newest = Page {
            after: None,
            before: None,
            limit: n_messages,
        };
        let messages = match known.filter(|_| session.may_hear()) {
            Some(known) => self.read_page(&known, newest).await?,
            None => Vec::new(),
        };
        Ok(InTurn {
            told: messages
                .iter()
                .map(|message| Version::from(&*message.row))
                .collect(),
            reply: Reply::Opened {
                conversation: id,
                messages,
            },
            replay: Vec::new(),
            then: Vec::new(),
        })
    }

    pub(super) async fn join_conversation(
        &self,
        session: &Arc<Session>,
        dialect: Dialect,
        conversation: ConversationId,
    ) -> Result<Told> {
        // A server that checks nothing does not ask who joins either.
        if is_unguarded(session, dialect) {
            self.sessions
                .listen(session, &conversation, Listening::Guest)?;
        } else {
            let caller = self.speaker(session, dialect, None).await;
            let caller = caller.map_err(|_| Error::NO_CONVERSATION)?;
            let known = self.enter(&caller, &conversation).await?;
            self.listen_as(session, &caller, &known)?;
        }
        Ok((Reply::Conversation(conversation), Vec::new()))
    }

    /// Listens for a user. Delivery answers, so that the list of who is online fits the events
    /// around it.
    pub(super) async fn join_user(
        &self,
        session: &Arc<Session>,
        dialect: Dialect,
        user: UserId,
        name: Option<String>,
        wants_waiting: bool,
    ) -> Result<InTurn> {
        let asserted = session.asserted();
        let acting = session.identity().acting(Some(&user), asserted.as_ref());
        let user = acting.map_err(|_| Error::Forbidden("Authentication error"))?;
        self.introduce(&user, name.as_deref()).await?;
        if wants_waiting {
            session.hold();
        }
        let joining = self.come(session, dialect, &user, wants_waiting);
        let mut replay = match session.awaits_waiting() {
            true => self.waiting_messages(&user).await?,
            false => Vec::new(),
        };
        replay.retain(|message| !session.was_told_early(&message.row));
        joining.complete().await;
        Ok(InTurn {
            reply: Reply::JoinedUser {
                user,
                online: Vec::new(),
            },
            told: replay
                .iter()
                .map(|message| Version::from(&*message.row))
                .collect(),
            replay,
            then: Vec::new(),
        })
    }
}

/// Whether the socket is believed as the server did that the dialect comes from.
fn is_unguarded(session: &Session, dialect: Dialect) -> bool {
    session.identity().trust == Trust::Claimed && dialect.access() == Access::Open
}
