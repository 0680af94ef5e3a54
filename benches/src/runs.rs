//! What all parts of a run share.

use std::time::{Duration, Instant, UNIX_EPOCH};

use anyhow::Context;

use crate::noise::Noise;
use crate::plan::Plan;
use crate::processes::{Process, Usage};
use crate::tokens::Tokens;
use crate::visitors::Visitor;
use crate::wire::{Target, Transport};

/// Is told from time to time how far a run is, in a short sentence.
pub type Progress<'a> = &'a (dyn Fn(&str) + Sync);

/// A run that has begun.
pub struct Run {
    /// Tells this run's messages from those of others.
    pub id: u32,
    /// What is done.
    pub plan: Plan,
    /// The server.
    pub target: Target,
    /// When the run began; stamps count from here.
    pub began: Instant,
    /// What is heard by those who wait.
    pub noise: Noise,
    server: Option<Process>,
    tokens: Tokens,
}

impl Run {
    /// Finds the server and, if it runs here, its process.
    pub async fn begin(plan: &Plan) -> anyhow::Result<Self> {
        let target = Target::find(&plan.url, &plan.path).await?;
        let server = match plan.pid {
            Some(pid) => Some(Process::new(pid)?),
            None if target.is_local() => Process::listening_on(target.port()),
            None => None,
        };
        Ok(Self {
            // Runs may be as close as a restart of this process; the low bits of the clock differ then.
            id: std::process::id() ^ nanoseconds(UNIX_EPOCH.elapsed()?) as u32,
            target,
            began: Instant::now(),
            noise: Noise::default(),
            server,
            tokens: Tokens::new(plan.secret.as_deref()),
            plan: plan.clone(),
        })
    }

    /// Time since the run began.
    pub fn now_ns(&self) -> u64 {
        nanoseconds(self.began.elapsed())
    }

    /// The nth user, counted from the plan's first.
    pub fn user(&self, nth: usize) -> u64 {
        self.plan.first_user + nth as u64
    }

    /// A user who comes over that connection, by polling if its turn it is.
    pub fn visitor(&self, number: usize, user: u64) -> anyhow::Result<Visitor> {
        Ok(Visitor {
            number,
            user,
            transport: transport(number, self.plan.polling),
            token: self.tokens.of(user)?,
        })
    }

    /// The login of a user, if logins are asked for.
    pub fn token(&self, user: u64) -> anyhow::Result<Option<String>> {
        self.tokens.of(user)
    }

    /// What the server has used so far; `None` if it runs elsewhere.
    pub fn usage(&self) -> anyhow::Result<Option<Usage>> {
        let usage = self.server.map(|server| server.usage()).transpose();
        usage.context("the server's process is gone")
    }
}

/// A time as stamps have it.
pub fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Which connections poll: as many as the share says, spread evenly.
fn transport(number: usize, polling_share: f64) -> Transport {
    let polls_before = |n: usize| (n as f64 * polling_share) as usize;
    match polls_before(number + 1) > polls_before(number) {
        true => Transport::Polling,
        false => Transport::WebSocket,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_that_polls_is_the_one_that_was_asked_for_and_spread_evenly() {
        let polls = |share: f64| {
            let of = (0..100).map(|number| transport(number, share));
            of.filter(|transport| *transport == Transport::Polling)
                .count()
        };
        assert_eq!((polls(0.0), polls(0.25), polls(1.0)), (0, 25, 100));
        assert_eq!(transport(3, 0.25), Transport::Polling);
        assert_eq!(transport(4, 0.25), Transport::WebSocket);
    }
}
