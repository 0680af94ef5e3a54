//! One user who comes, opens its conversations and stays.

use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::homes::Chat;
use crate::gathering::{Gathering, Ready};
use crate::latencies::Recorder;
use crate::runs::{Progress, Run};
use crate::visitors::{self, Visitor};
use crate::wire::Link;

/// What all members share.
pub struct House {
    /// The run.
    pub run: Arc<Run>,
    /// The end for everybody.
    pub over: CancellationToken,
}

/// A user before it connects.
pub struct Member {
    /// Its way in.
    pub visitor: Visitor,
    /// Ids of its conversations.
    pub conversations: Vec<u64>,
    /// How long the way in takes.
    pub connect: Recorder,
    /// What it shares with all.
    pub house: Arc<House>,
    /// Told when it is in.
    pub ready: Ready,
}

impl Member {
    /// Comes in: connects, says who it is, opens its conversations.
    pub async fn come(&mut self) -> anyhow::Result<Link> {
        let began = Instant::now();
        let run = &self.house.run;
        let mut link = self.visitor.enter(&run.target).await?;
        visitors::open(&mut link, &self.conversations, run.plan.acks).await?;
        self.connect.record(began.elapsed());
        self.connect.flush();
        Ok(link)
    }

    /// Comes and stays. Returns whether the connection lasted. Fails if it cannot come in.
    async fn stay(mut self) -> anyhow::Result<bool> {
        let mut link = self.come().await?;
        self.ready.say().await;
        let house = self.house;
        let stayed = link.hear_during(house.over.cancelled(), |_| house.run.noise.note());
        Ok(stayed.await.is_ok())
    }
}

/// Lets everybody come, as many at a time as the plan says, and waits until all are in.
pub async fn gather(
    house: &Arc<House>,
    homes: Vec<Vec<Chat>>,
    connect: impl Fn() -> Recorder,
    progress: Progress<'_>,
) -> anyhow::Result<Gathering<bool>> {
    let run = &house.run;
    let mut members = Gathering::new(run.plan.at_once);
    for (number, chats) in homes.into_iter().enumerate() {
        let member = Member {
            visitor: run.visitor(number, run.user(number))?,
            conversations: chats.iter().map(|chat| chat.id).collect(),
            connect: connect(),
            house: Arc::clone(house),
            ready: members.ready(),
        };
        members.begin(member.stay()).await?;
    }
    members.all_ready(progress).await?;
    Ok(members)
}
