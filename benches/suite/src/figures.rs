//! The numbers that are compared.

use std::collections::BTreeMap;

use serde::Serialize;
use sohbet_bench::{Latency, Report};

/// A number that a run gives. Of all that are compared, less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Figure {
    /// Processor time of the server for a message and all its deliveries, in microseconds.
    CpuUsPerMessage,
    /// The same, for one delivery.
    CpuUsPerDelivery,
    /// Processor time of the server for a connection that comes in, in microseconds.
    CpuUsPerConnection,
    /// Processor time of the server for a REST call, in microseconds.
    CpuUsPerRead,
    /// Resident memory of the server for a connection, in KiB.
    KibPerConnection,
    /// Acknowledged messages a second.
    MessagesPerSecond,
    /// Deliveries a second.
    DeliveriesPerSecond,
    /// Connections that came in a second.
    ConnectionsPerSecond,
    /// 99 of a hundred messages were acknowledged within so many milliseconds.
    AckP99Ms,
    /// 99 of a hundred REST calls were answered within so many milliseconds.
    ReadP99Ms,
    /// The same, for the newest page of a history.
    NewestP99Ms,
    /// The same, for the oldest page.
    OldestP99Ms,
    /// From the start of the process to its readiness, in seconds.
    StartSeconds,
    /// Size of the program, in MB of a million bytes.
    ProgramMb,
}

/// What a run gave.
pub type Figures = BTreeMap<Figure, f64>;

impl Figure {
    /// Its name at the head of a column.
    pub fn title(self) -> &'static str {
        match self {
            Self::CpuUsPerMessage => "server CPU a message",
            Self::CpuUsPerDelivery => "server CPU a delivery",
            Self::CpuUsPerConnection => "server CPU a connection",
            Self::CpuUsPerRead => "server CPU a call",
            Self::KibPerConnection => "memory a connection",
            Self::MessagesPerSecond => "messages a second",
            Self::DeliveriesPerSecond => "deliveries a second",
            Self::ConnectionsPerSecond => "connections a second",
            Self::AckP99Ms => "p99 to the ack",
            Self::ReadP99Ms => "p99 of a call",
            Self::NewestP99Ms => "p99, newest page",
            Self::OldestP99Ms => "p99, oldest page",
            Self::StartSeconds => "start",
            Self::ProgramMb => "size",
        }
    }

    /// What stands behind a number.
    pub fn unit(self) -> &'static str {
        match self {
            Self::CpuUsPerMessage
            | Self::CpuUsPerDelivery
            | Self::CpuUsPerConnection
            | Self::CpuUsPerRead => " µs",
            Self::KibPerConnection => " KiB",
            Self::MessagesPerSecond | Self::DeliveriesPerSecond | Self::ConnectionsPerSecond => "",
            Self::AckP99Ms | Self::ReadP99Ms | Self::NewestP99Ms | Self::OldestP99Ms => " ms",
            Self::StartSeconds => " s",
            Self::ProgramMb => " MB",
        }
    }
}

/// Those of a report.
pub fn of(report: &Report) -> Figures {
    let figures = &report.figures;
    let p99 = |latency: &Option<Latency>| latency.as_ref().map(|found| found.p99_us / 1e3);
    let at = |name: &str| {
        let mut places = report.reads_by_place.iter();
        let place = places.find(|place| place.place == name);
        place.map(|place| place.latency.p99_us / 1e3)
    };
    let all = [
        (Figure::CpuUsPerMessage, figures.cpu_us_per_message),
        (Figure::CpuUsPerDelivery, figures.cpu_us_per_delivery),
        (Figure::CpuUsPerConnection, figures.cpu_us_per_connection),
        (Figure::CpuUsPerRead, figures.cpu_us_per_read),
        (
            Figure::KibPerConnection,
            figures.bytes_per_connection.map(|bytes| bytes / 1_024.0),
        ),
        (Figure::MessagesPerSecond, figures.messages_per_second),
        (Figure::DeliveriesPerSecond, figures.deliveries_per_second),
        (Figure::ConnectionsPerSecond, figures.connections_per_second),
        (Figure::AckP99Ms, p99(&report.send_to_ack)),
        (Figure::ReadP99Ms, p99(&report.read)),
        (Figure::NewestP99Ms, at("newest")),
        (Figure::OldestP99Ms, at("oldest")),
    ];
    let found = all.into_iter();
    found
        .filter_map(|(figure, value)| Some((figure, value?)))
        .collect()
}
