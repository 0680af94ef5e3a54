//! What a plan must be like to be one.

use anyhow::{bail, ensure};

use super::{Pace, Plan, Scenario};
use crate::stamps;

/// The shortest secret that servers take for HS256, in bytes (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;
/// Conversations must have numbers below this, and so do made-up ones, which count up from the first user.
const MAX_USER: u64 = 1 << 31;

impl Plan {
    /// Fails if the plan cannot be done, and says what to change.
    pub fn check(&self) -> anyhow::Result<()> {
        self.check_numbers()?;
        self.check_pace()?;
        match self.scenario {
            scenario if scenario.talks() => self.check_seats(),
            Scenario::Reconnect => self.check_reconnect(),
            Scenario::History => {
                let enough = self.messages >= 50;
                ensure!(enough, "a history has 50 messages or more, one page");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_numbers(&self) -> anyhow::Result<()> {
        ensure!(self.connections > 0, "there must be a connection");
        ensure!(self.at_once > 0, "one connection must be opened at a time");
        ensure!(!self.duration.is_zero(), "nothing is measured in no time");
        let is_share = (0.0..=1.0).contains(&self.polling);
        ensure!(is_share, "the share that polls is from 0 to 1");
        ensure!(
            self.text_bytes >= stamps::LENGTH,
            "a text has {} bytes or more, because it tells which message it is",
            stamps::LENGTH
        );
        if !self.scenario.talks() && self.scenario != Scenario::History {
            ensure!(self.conversations > 0, "there must be a conversation");
        }
        let n_users = self.connections.max(self.conversations) as u64 + 1;
        let fits = self.first_user > 0 && self.first_user.saturating_add(n_users) < MAX_USER;
        ensure!(fits, "users have numbers from 1 to {}", MAX_USER - 1);
        let secret = self.secret.as_deref();
        let is_long = secret.is_none_or(|secret| secret.len() >= MIN_SECRET_BYTES);
        ensure!(is_long, "the secret has {MIN_SECRET_BYTES} bytes or more");
        Ok(())
    }

    fn check_pace(&self) -> anyhow::Result<()> {
        match self.pace {
            Pace::Open { .. } if self.scenario.reads() => bail!(
                "{} is read in a closed loop: each reader asks again when it has its answer",
                self.scenario.name()
            ),
            Pace::Open { per_second } if !(per_second > 0.0 && per_second.is_finite()) => {
                bail!("the rate is a number above 0")
            }
            Pace::Closed { in_flight: 0 } => bail!("a sender keeps 1 message or more under way"),
            _ => Ok(()),
        }
    }

    fn check_seats(&self) -> anyhow::Result<()> {
        let (connections, size, senders) = (self.connections, self.size, self.senders);
        ensure!(size >= 2, "a conversation has two connections or more");
        ensure!(
            connections >= size && connections % size == 0,
            "{connections} connections do not fill conversations of {size}; take a multiple of it"
        );
        let n_conversations = connections / size;
        ensure!(
            (n_conversations..=connections).contains(&senders) && senders % n_conversations == 0,
            "there are {n_conversations} conversations with as many senders each: \
             take a multiple of it up to {connections}, not {senders}"
        );
        Ok(())
    }

    fn check_reconnect(&self) -> anyhow::Result<()> {
        ensure!(
            self.connections > 1,
            "two connections or more make a conversation"
        );
        let n_pairs = self.connections / 2;
        ensure!(
            (1..=n_pairs).contains(&self.senders),
            "of 1 to {n_pairs} conversations each has one sender, not of {}",
            self.senders
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(scenario: Scenario, change: impl FnOnce(&mut Plan)) -> String {
        let mut plan = Plan::usual(scenario);
        change(&mut plan);
        plan.check().unwrap_err().to_string()
    }

    #[test]
    fn what_is_usual_can_be_done() {
        for (name, scenario) in Scenario::ALL {
            assert!(Plan::usual(scenario).check().is_ok(), "{name}");
            let more = Plan::usual(scenario).sized(Some(3_000), None);
            assert!(more.check().is_ok(), "{name}");
        }
        let room = Plan::usual(Scenario::BigRoom).sized(Some(200), None);
        assert_eq!((room.size, room.senders), (200, 10));
        let room = Plan::usual(Scenario::BigRoom).sized(None, Some(5));
        assert_eq!((room.connections, room.senders), (5, 5));
    }

    #[test]
    fn shares_rates_and_counts_have_limits() {
        let pairs = Scenario::Pairs;
        assert!(complaint(pairs, |p| p.polling = 1.5).contains("from 0 to 1"));
        assert!(complaint(pairs, |p| p.polling = f64::NAN).contains("from 0 to 1"));
        assert!(complaint(pairs, |p| p.connections = 0).contains("connection"));
        assert!(complaint(pairs, |p| p.at_once = 0).contains("at a time"));
        assert!(complaint(pairs, |p| p.text_bytes = 10).contains("46 bytes"));
        assert!(complaint(pairs, |p| p.first_user = 0).contains("numbers from 1"));
        assert!(complaint(pairs, |p| p.secret = Some("short".into())).contains("32 bytes"));
        for per_second in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let rate = |p: &mut Plan| p.pace = Pace::Open { per_second };
            assert!(complaint(pairs, rate).contains("above 0"), "{per_second}");
        }
        let none = |p: &mut Plan| p.pace = Pace::Closed { in_flight: 0 };
        assert!(complaint(pairs, none).contains("under way"));
        assert!(complaint(Scenario::History, |p| p.messages = 49).contains("50 messages"));
        let rate = |p: &mut Plan| p.pace = Pace::Open { per_second: 1.0 };
        assert!(complaint(Scenario::List, rate).contains("closed loop"));
    }

    #[test]
    fn connections_fill_conversations_and_senders_are_spread_evenly() {
        let rooms = Scenario::Rooms;
        assert!(complaint(rooms, |p| p.connections = 150).contains("do not fill"));
        assert!(complaint(rooms, |p| p.size = 1).contains("two connections"));
        assert!(complaint(rooms, |p| p.senders = 15).contains("multiple"));
        assert!(complaint(rooms, |p| p.senders = 9).contains("10 conversations"));
        assert!(complaint(rooms, |p| p.senders = 1_010).contains("up to 1000"));
        assert!(complaint(Scenario::Reconnect, |p| p.senders = 0).contains("one sender"));
    }
}
