//! What all runs gave.

use serde::Serialize;
use sohbet_bench::Faults;

use crate::contenders::Contender;
use crate::figures::{Figure, Figures};
use crate::statistics::Spread;

/// Where something was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// The row.
    pub row: &'static str,
    /// The place on the row's curve; `None` if the row is no curve.
    pub x: Option<u64>,
}

impl Spot {
    /// That of a row which is no curve.
    pub fn of(row: &'static str) -> Self {
        Self { row, x: None }
    }

    /// A place on a curve.
    pub fn on(row: &'static str, x: u64) -> Self {
        Self { row, x: Some(x) }
    }
}

/// What one run of one contender gave.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Where it was measured.
    #[serde(flatten)]
    pub spot: Spot,
    /// Of whom.
    pub contender: Contender,
    /// In which round, from 1.
    pub round: usize,
    /// The numbers.
    pub figures: Figures,
    /// What was wrong.
    pub faults: Faults,
    /// Why there are no numbers.
    pub failure: Option<String>,
}

/// All of them.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Samples(Vec<Sample>);

impl Samples {
    /// Adds what a run gave.
    pub fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// All that was measured of somebody at a spot.
    pub fn of(&self, spot: Spot, contender: Contender) -> impl Iterator<Item = &Sample> {
        let all = self.0.iter();
        all.filter(move |sample| sample.spot == spot && sample.contender == contender)
    }

    /// Everybody who was measured at a spot, in the order of the contenders.
    pub fn contenders(&self, spot: Spot) -> Vec<Contender> {
        let found = self.0.iter().filter(|sample| sample.spot == spot);
        let mut found: Vec<_> = found.map(|sample| sample.contender).collect();
        found.sort();
        found.dedup();
        found
    }

    /// Places on the curve of a row, from left to right.
    pub fn places(&self, row: &'static str) -> Vec<u64> {
        let found = self.0.iter().filter(|sample| sample.spot.row == row);
        let mut found: Vec<_> = found.filter_map(|sample| sample.spot.x).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// A number over all rounds.
    pub fn spread(&self, spot: Spot, contender: Contender, figure: Figure) -> Option<Spread> {
        let values = self.of(spot, contender);
        let values: Vec<_> = values
            .filter_map(|sample| sample.figures.get(&figure).copied())
            .collect();
        Spread::of(&values)
    }

    /// How many times as much one needs as another, round by round.
    pub fn ratio(
        &self,
        spot: Spot,
        (one, other): (Contender, Contender),
        figure: Figure,
    ) -> Option<Spread> {
        let ratios: Vec<_> = self
            .of(spot, one)
            .filter_map(|sample| {
                let beside = self.of(spot, other).find(|it| it.round == sample.round)?;
                let beside = *beside.figures.get(&figure)?;
                let value = *sample.figures.get(&figure)?;
                (beside > 0.0).then_some(value / beside)
            })
            .collect();
        Spread::of(&ratios)
    }

    /// Adds to each round what the floors come to: the wire and the writer of that database together.
    pub fn add_floors(&mut self, spot: Spot) {
        for (floor, writer) in [
            (Contender::FloorSqlite, Contender::InsertsSqlite),
            (Contender::FloorPostgres, Contender::InsertsPostgres),
        ] {
            let figure = Figure::CpuUsPerMessage;
            let sums: Vec<_> = self
                .of(spot, Contender::Bare)
                .filter_map(|wire| {
                    let writer = self.of(spot, writer).find(|it| it.round == wire.round)?;
                    let sum = wire.figures.get(&figure)? + writer.figures.get(&figure)?;
                    Some(Sample {
                        contender: floor,
                        figures: Figures::from([(figure, sum)]),
                        // They are those of the wire, which has them in its own line.
                        faults: Faults::default(),
                        ..wire.clone()
                    })
                })
                .collect();
            self.0.extend(sums);
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A run that gave one number.
    pub fn sample(
        spot: Spot,
        contender: Contender,
        round: usize,
        (figure, value): (Figure, f64),
    ) -> Sample {
        Sample {
            spot,
            contender,
            round,
            figures: Figures::from([(figure, value)]),
            faults: Faults::default(),
            failure: None,
        }
    }

    const CPU: Figure = Figure::CpuUsPerMessage;

    fn samples(all: &[(Contender, usize, f64)]) -> Samples {
        let spot = Spot::of("pairs");
        let all = all.iter();
        Samples(
            all.map(|(who, round, cpu)| sample(spot, *who, *round, (CPU, *cpu)))
                .collect(),
        )
    }

    #[test]
    fn ratios_are_those_of_the_same_round() {
        let (ours, theirs) = (Contender::SohbetSqlite, Contender::NodePg);
        let samples = samples(&[
            (ours, 1, 10.0),
            (theirs, 1, 100.0),
            (theirs, 2, 600.0),
            (ours, 2, 20.0),
            (theirs, 3, 5.0),
        ]);
        let ratio = samples.ratio(Spot::of("pairs"), (theirs, ours), CPU);
        let ratio = ratio.unwrap();
        assert_eq!(
            (ratio.lowest, ratio.median, ratio.highest),
            (10.0, 20.0, 30.0)
        );
        assert!(
            samples
                .ratio(Spot::of("rooms"), (theirs, ours), CPU)
                .is_none()
        );
        assert!(
            samples
                .ratio(Spot::on("pairs", 7), (theirs, ours), CPU)
                .is_none()
        );
    }

    #[test]
    fn a_floor_is_the_wire_and_the_writer_of_the_same_round() {
        let mut samples = samples(&[
            (Contender::Bare, 1, 10.0),
            (Contender::InsertsSqlite, 1, 5.0),
            (Contender::Bare, 2, 12.0),
            (Contender::InsertsPostgres, 2, 3.0),
        ]);
        let spot = Spot::of("pairs");
        samples.add_floors(spot);
        let floor = |which| samples.spread(spot, which, CPU).unwrap();
        assert_eq!(floor(Contender::FloorSqlite).highest, 15.0);
        assert_eq!(floor(Contender::FloorPostgres).lowest, 15.0);
        assert_eq!(samples.contenders(spot).len(), 5);
    }
}
