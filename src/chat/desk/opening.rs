//! What a socket of Sohbet's own dialect does for itself: begin, open a conversation on a screen,
//! leave it there.

use std::sync::Arc;

use sohbet_entity::enums::ParticipantRole;
use sohbet_entity::ids::ConversationId;

use super::{DeskReply, Greeting, Step, in_turn, told};
use crate::auth::Permission;
use crate::chat::handling::InTurn;
use crate::chat::{
    Caller, Chat, Conversation, Dialect, HistoryQuery, Reply, Session, Since, Version,
};
use crate::error::{Error, Result};
use crate::store;

/// Messages that are shown when a conversation is opened.
const N_SHOWN: u32 = 50;

impl Chat {
    /// Listens for the caller from now on. What happens meanwhile waits for the answer.
    pub(super) async fn greet(
        &self,
        session: &Arc<Session>,
        caller: Caller,
        since: Option<Since>,
    ) -> Result<Step> {
        session.hold();
        let user = caller.user.clone();
        let joining = self.come(session, Dialect::Native, &user, false);
        if let Some(gallery) = &caller.gallery {
            self.sessions.listen_gallery(session, gallery);
        }
        let greeting = self.greeting(caller, since).await?;
        joining.complete().await;
        let told = greeting.caught_up.as_ref();
        Ok(Step::InTurn(Box::new(InTurn {
            told: told.map(|it| it.versions()).unwrap_or_default(),
            reply: Reply::Desk(DeskReply::Greeting(Box::new(greeting))),
            replay: Vec::new(),
            then: Vec::new(),
        })))
    }

    async fn greeting(&self, caller: Caller, since: Option<Since>) -> Result<Greeting> {
        let may_read = caller.permissions.has(Permission::Read);
        let caught_up = match since.filter(|_| may_read) {
            Some(since) => Some(self.catch_up(&caller, &since).await?),
            None => None,
        };
        let unread_total = match may_read {
            true => self.total_unread(&caller.viewer()).await?,
            false => 0,
        };
        Ok(Greeting {
            profile: self.profile(&caller.user).await?,
            epoch: self.store.epoch.clone(),
            now: store::now(),
            unread_total,
            max_text_bytes: self.config.max_text_bytes,
            caught_up,
            caller,
        })
    }

    /// Shows a conversation on a screen. Whoever opens a room that is open takes part from now on.
    pub(super) async fn open(
        &self,
        session: &Arc<Session>,
        caller: &Caller,
        id: ConversationId,
    ) -> Result<Step> {
        let conversation = self.enter_or_join(session, caller, &id).await?;
        session.hold();
        session.unmute(&id);
        // An administrator who looks in is no participant, and hears what this socket asked for.
        if !conversation.has_member(&caller.user) && conversation.galleries().is_none() {
            self.listen_as(session, caller, &conversation)?;
        }
        let newest = HistoryQuery {
            before: None,
            after: None,
            around: None,
            limit: N_SHOWN,
        };
        let page = self.read_history(caller, &id, newest).await?;
        let view = self.view(caller, &conversation).await?;
        let told = page
            .messages
            .iter()
            .map(|it| Version::from(&*it.row))
            .collect();
        Ok(in_turn(DeskReply::Opened(view, page.messages), told))
    }

    async fn enter_or_join(
        &self,
        session: &Session,
        caller: &Caller,
        id: &ConversationId,
    ) -> Result<Arc<Conversation>> {
        let refused = match self.enter(caller, id).await {
            Err(refused @ Error::NotFound(_)) => refused,
            entered => return entered,
        };
        let found = self.find_conversation(id).await?.ok_or(refused.clone())?;
        let is_open = found.room().is_some_and(|room| room.is_open);
        if !is_open || found.galleries().is_some() {
            return Err(refused);
        }
        caller.check(Permission::Write)?;
        // It hears of its own joining after the answer.
        session.hold();
        self.add_member(&found, &caller.user, ParticipantRole::Member)
            .await
    }

    /// Tells this socket nothing more of a conversation; its user still takes part.
    pub(super) async fn leave_screen(
        &self,
        session: &Arc<Session>,
        caller: &Caller,
        id: ConversationId,
    ) -> Result<Step> {
        let conversation = self.enter(caller, &id).await?;
        self.stop_typing_by(session.id, Some(&id)).await;
        self.sessions.unlisten(session, &id);
        session.mute(&conversation.id)?;
        Ok(told(DeskReply::Nothing))
    }
}
