//! A report in words, for the terminal and for the page.

use super::Report;
use crate::latencies::Latency;
use crate::plan::{Pace, Plan, Scenario};

/// Names and what is said about them.
pub type Rows = Vec<(&'static str, String)>;

/// What was done.
pub fn done(plan: &Plan) -> Rows {
    let mut rows = vec![
        ("scenario", plan.scenario.name().to_owned()),
        ("server", plan.url.clone()),
    ];
    if plan.scenario.reads() {
        rows.push(("readers", count(plan.connections as u64)));
    } else {
        rows.push(("connections", count(plan.connections as u64)));
    }
    if plan.polling > 0.0 {
        rows.push(("of them polling", format!("{:.0} %", plan.polling * 100.0)));
    }
    rows.extend(about_conversations(plan));
    if plan.scenario.talks() || plan.scenario == Scenario::Reconnect {
        rows.push(("senders", count(plan.senders as u64)));
        rows.push(("pace", pace(plan.pace)));
        rows.push(("text", bytes(plan.text_bytes as f64)));
    }
    if matches!(plan.scenario, Scenario::Storm | Scenario::Reconnect) {
        rows.push(("coming in at a time", count(plan.at_once as u64)));
    }
    rows
}

fn about_conversations(plan: &Plan) -> Rows {
    let each = count(plan.conversations as u64);
    match plan.scenario {
        Scenario::History => vec![("messages in the history", count(plan.messages as u64))],
        Scenario::List => vec![("conversations in the list", each)],
        Scenario::Storm | Scenario::Idle | Scenario::Reconnect => {
            vec![("conversations of each", each)]
        }
        _ => vec![("in a conversation", count(plan.size as u64))],
    }
}

fn pace(pace: Pace) -> String {
    match pace {
        Pace::Open { per_second } => format!("{per_second} a second, whether answered or not"),
        Pace::Closed { in_flight: 1 } => "the next after each answer".to_owned(),
        Pace::Closed { in_flight } => format!("{in_flight} under way for each sender"),
    }
}

/// What was found; only what the scenario is about.
pub fn found(report: &Report) -> Rows {
    let figures = &report.figures;
    let scenario = report.plan.scenario;
    let took = match scenario {
        Scenario::Storm => "all were in after",
        Scenario::Reconnect => "all were back after",
        _ => "measured for",
    };
    let a_second = |rate: f64| format!("{} a second", count(rate.round() as u64));
    let us = |us: f64| format!("{} of the server's CPU", microseconds(us));
    let rows = [
        (took, Some(format!("{:.2} s", report.seconds))),
        ("messages", figures.messages_per_second.map(a_second)),
        ("deliveries", figures.deliveries_per_second.map(a_second)),
        ("connections", figures.connections_per_second.map(a_second)),
        ("reads", figures.reads_per_second.map(a_second)),
        ("a message takes", figures.cpu_us_per_message.map(us)),
        ("a delivery takes", figures.cpu_us_per_delivery.map(us)),
        ("a connection takes", figures.cpu_us_per_connection.map(us)),
        ("a read takes", figures.cpu_us_per_read.map(us)),
        (
            "a silent connection takes",
            figures.bytes_per_connection.map(bytes),
        ),
        (
            "and in each second",
            figures.idle_cpu_us_per_connection_second.map(us),
        ),
        ("server's memory", report.server.map(memory)),
    ];
    let rows = rows.into_iter();
    rows.filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn memory(server: super::Server) -> String {
    let (now, peak) = (server.resident_bytes as f64, server.peak_bytes as f64);
    format!("{}, at most {}", bytes(now), bytes(peak))
}

/// Distributions with their names.
pub fn latencies(report: &Report) -> Vec<(String, &Latency)> {
    let all = [
        ("send to ack", &report.send_to_ack),
        ("send to receive", &report.send_to_receive),
        ("connect", &report.connect),
        ("read", &report.read),
    ];
    let all = all
        .into_iter()
        .filter_map(|(name, found)| Some((name.to_owned(), found.as_ref()?)));
    let places = report.reads_by_place.iter();
    let places = places.map(|place| (format!("read {}", place.place), &place.latency));
    all.chain(places).collect()
}

/// What was wrong, a sentence each; one sentence if nothing was.
pub fn verdict(report: &Report) -> Vec<String> {
    let faults = &report.faults;
    let counts = [
        (faults.lost, "lost: acknowledged, and somebody never got it"),
        (faults.doubled, "doubled: somebody got it more than once"),
        (faults.reordered, "out of order"),
        (
            faults.strayed,
            "strayed: it came to somebody who has no part in it",
        ),
        (faults.refused, "refused"),
        (
            faults.unanswered,
            "not answered: neither acknowledged nor refused",
        ),
        (
            faults.unsent,
            "not sent: the sender was too far behind its pace",
        ),
        (faults.broken, "connections that ended by themselves"),
    ];
    let found = counts.iter().filter(|(n, _)| *n > 0);
    let found: Vec<_> = found
        .map(|(n, what)| format!("{} {what}", count(*n)))
        .collect();
    match found.is_empty() {
        true if report.plan.scenario.reads() => vec!["every answer was right".to_owned()],
        true if report.messages == 0 => vec!["every connection lasted".to_owned()],
        true => vec!["nothing lost, doubled or out of order".to_owned()],
        false => found,
    }
}

/// A number with its thousands set apart.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut set_apart = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            set_apart.push(',');
        }
        set_apart.push(digit);
    }
    set_apart
}

/// A time in the unit that suits it.
pub fn microseconds(us: f64) -> String {
    match us {
        us if us < 1_000.0 => format!("{us:.1} µs"),
        us if us < 1_000_000.0 => format!("{:.2} ms", us / 1e3),
        us => format!("{:.2} s", us / 1e6),
    }
}

fn bytes(n: f64) -> String {
    match n.abs() {
        small if small < 1_000.0 => format!("{n:.0} B"),
        medium if medium < 1_000_000.0 => format!("{:.1} kB", n / 1e3),
        _ => format!("{:.1} MB", n / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(microseconds(12.34), "12.3 µs");
        assert_eq!(microseconds(12_340.0), "12.34 ms");
        assert_eq!(microseconds(1_500_000.0), "1.50 s");
        assert_eq!(bytes(45_678.0), "45.7 kB");
        assert_eq!(bytes(-2_000_000.0), "-2.0 MB");
    }

    #[test]
    fn every_kind_of_fault_is_named() {
        let mut report = Report::empty(&Plan::usual(Scenario::Pairs));
        report.messages = 5;
        assert_eq!(verdict(&report), ["nothing lost, doubled or out of order"]);
        report.faults.lost = 1_000;
        report.faults.broken = 2;
        let found = verdict(&report);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("1,000 lost"));
    }
}
