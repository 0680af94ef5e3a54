//! How many files, and so connections, this process may have open.

use anyhow::ensure;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::plan::{Plan, Scenario};

/// Files beside connections: the runtime's, standard ones, those that are read in `/proc`.
const OTHER_FILES: u64 = 64;

/// Raises the soft limit to the hard one. Fails if the plan's connections do not fit.
pub fn make_room(plan: &Plan) -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let most = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        // Nobody forbids it usually; what there is may do.
        Err(_) => limit.current,
    };
    fits(needed(plan), most)
}

/// Files that a plan needs at the worst moment.
fn needed(plan: &Plan) -> u64 {
    // A session that polls has one request waiting and another under way.
    let polling = (plan.connections as f64 * plan.polling).ceil() as u64;
    let extra = match plan.scenario {
        // Those who stay, and calls of those who come back.
        Scenario::Reconnect => plan.senders + plan.at_once,
        _ => 0,
    };
    // The set-up has connections of its own.
    let connections = (plan.connections + extra).max(plan.at_once) as u64;
    connections + polling + OTHER_FILES
}

fn fits(needed: u64, most: Option<u64>) -> anyhow::Result<()> {
    let fits = most.is_none_or(|most| needed <= most);
    ensure!(
        fits,
        "the run needs about {needed} open files and this process may have {}: raise its hard limit \
         (ulimit -Hn), or take fewer connections",
        most.unwrap_or_default()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_polls_needs_two_files() {
        let plan = Plan {
            connections: 100,
            polling: 0.5,
            ..Plan::usual(Scenario::Storm)
        };
        assert_eq!(needed(&plan), 150 + OTHER_FILES);
    }

    #[test]
    fn too_many_connections_are_refused_with_both_numbers() {
        assert!(fits(1_024, Some(1_024)).is_ok());
        assert!(fits(1 << 40, None).is_ok());
        let complaint = fits(1_025, Some(1_024)).unwrap_err().to_string();
        assert!(complaint.contains("1025") && complaint.contains("1024"));
    }
}
