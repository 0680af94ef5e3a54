//! Rates and costs, so that readers need not compute them.

use serde::Serialize;

use super::Report;
use crate::plan::Scenario;

/// What follows from what was counted. Each is there only if the scenario is about it and, for costs, if the
/// server's process could be seen.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Acknowledged messages a second.
    pub messages_per_second: Option<f64>,
    /// Deliveries a second.
    pub deliveries_per_second: Option<f64>,
    /// Connections that came in a second.
    pub connections_per_second: Option<f64>,
    /// REST calls a second.
    pub reads_per_second: Option<f64>,
    /// Processor time of the server for a message and all its deliveries, in microseconds.
    pub cpu_us_per_message: Option<f64>,
    /// The same, for one delivery.
    pub cpu_us_per_delivery: Option<f64>,
    /// Processor time of the server for a connection that comes in, in microseconds.
    pub cpu_us_per_connection: Option<f64>,
    /// Processor time of the server for a REST call, in microseconds.
    pub cpu_us_per_read: Option<f64>,
    /// Processor time of the server for a silent connection in each second, in microseconds.
    pub idle_cpu_us_per_connection_second: Option<f64>,
    /// Resident memory of the server for a connection, in bytes.
    pub bytes_per_connection: Option<f64>,
}

impl Figures {
    /// Those of a report.
    pub fn of(report: &Report) -> Self {
        let rate = |count: u64| (report.seconds > 0.0).then(|| count as f64 / report.seconds);
        let cpu_us = report.server.map(|server| server.cpu_seconds * 1e6);
        let cost = |count: u64| cpu_us.filter(|_| count > 0).map(|us| us / count as f64);
        match report.plan.scenario {
            Scenario::Pairs | Scenario::Rooms | Scenario::BigRoom => Self {
                messages_per_second: rate(report.messages),
                deliveries_per_second: rate(report.deliveries),
                cpu_us_per_message: cost(report.messages),
                cpu_us_per_delivery: cost(report.deliveries),
                ..Self::default()
            },
            Scenario::Storm | Scenario::Reconnect => Self {
                connections_per_second: rate(report.connections),
                cpu_us_per_connection: cost(report.connections),
                ..Self::default()
            },
            Scenario::Idle => Self {
                idle_cpu_us_per_connection_second: cost(report.connections)
                    .filter(|_| report.seconds > 0.0)
                    .map(|us| us / report.seconds),
                bytes_per_connection: report.server.and_then(|server| server.bytes_per_connection),
                ..Self::default()
            },
            Scenario::History | Scenario::List => Self {
                reads_per_second: rate(report.reads),
                cpu_us_per_read: cost(report.reads),
                ..Self::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::report::Server;

    fn report(scenario: Scenario) -> Report {
        let mut report = Report::empty(&Plan::usual(scenario));
        report.seconds = 2.0;
        report.messages = 100;
        report.deliveries = 1_000;
        report.connections = 50;
        report.server = Some(Server {
            cpu_seconds: 0.5,
            resident_bytes: 0,
            peak_bytes: 0,
            bytes_per_connection: Some(7.0),
        });
        report
    }

    #[test]
    fn a_scenario_has_the_figures_that_it_is_about() {
        let rooms = Figures::of(&report(Scenario::Rooms));
        assert_eq!(rooms.messages_per_second, Some(50.0));
        assert_eq!(rooms.cpu_us_per_delivery, Some(500.0));
        assert_eq!(rooms.cpu_us_per_connection, None);
        let idle = Figures::of(&report(Scenario::Idle));
        assert_eq!(idle.idle_cpu_us_per_connection_second, Some(5_000.0));
        assert_eq!(idle.bytes_per_connection, Some(7.0));
        assert_eq!(idle.messages_per_second, None);
    }

    #[test]
    fn nothing_is_divided_by_nothing() {
        let empty = Report::empty(&Plan::usual(Scenario::Pairs));
        assert_eq!(Figures::of(&empty), Figures::default());
        let list = Figures::of(&report(Scenario::List));
        assert_eq!(list.cpu_us_per_read, None);
    }
}
