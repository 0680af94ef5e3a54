//! Curves: what a thing costs as there is more of something.

use sohbet_bench::plots::{Axis, Chart, Labels, Scale, Series};

use super::numbers;
use crate::contenders::Contender;
use crate::figures::Figure;
use crate::samples::{Samples, Spot};

/// The colours of a chart suffice for so many.
const MAX_SERIES: usize = 6;

/// A row of measurements as a curve.
pub struct Curve {
    /// The row, and the marker.
    pub name: &'static str,
    x: &'static str,
    figures: &'static [Figure],
}

/// All curves.
pub const ALL: [Curve; 4] = [
    Curve {
        name: "connections",
        x: "connections",
        figures: &[Figure::CpuUsPerMessage],
    },
    Curve {
        name: "size",
        x: "people in a room",
        figures: &[Figure::CpuUsPerDelivery],
    },
    Curve {
        name: "messages",
        x: "messages in the long conversation",
        figures: &[Figure::CpuUsPerMessage, Figure::CpuUsPerRead],
    },
    Curve {
        name: "lists",
        x: "messages in the long conversation",
        figures: &[Figure::CpuUsPerRead],
    },
];

/// The plots of all curves, with their names.
pub fn draw(samples: &Samples) -> anyhow::Result<Vec<(&'static str, String)>> {
    let drawn = ALL
        .iter()
        .map(|curve| Ok((curve.name, curve.to_svg(samples)?)));
    drawn.collect()
}

impl Curve {
    /// The plot's place in the page, and its numbers; empty if nothing was measured.
    pub fn to_markdown(&self, samples: &Samples) -> String {
        let (places, lines) = (samples.places(self.name), self.lines(samples));
        if places.is_empty() {
            return String::new();
        }
        let heads: String = lines
            .iter()
            .map(|line| format!(" {} |", line.name))
            .collect();
        let mut text = format!(
            "![{}]({}/{}.svg)\n\n| {} |{heads}\n|--:|{}\n",
            self.x,
            super::FOLDER,
            self.name,
            self.x,
            "--:|".repeat(lines.len())
        );
        for place in places {
            let cells: String = lines.iter().map(|line| cell(line, place)).collect();
            text += &format!("| {} |{cells}\n", numbers::rounded(place as f64));
        }
        text
    }

    fn to_svg(&self, samples: &Samples) -> anyhow::Result<String> {
        let axis = |label: &str| Axis {
            label: label.to_owned(),
            scale: Scale::Log,
            labels: Labels::Plain,
        };
        let mut series = self.lines(samples);
        series.truncate(MAX_SERIES);
        let chart = Chart {
            x: axis(self.x),
            y: axis("microseconds"),
            series,
        };
        chart.to_svg()
    }

    /// One for each contender and figure, of medians.
    fn lines(&self, samples: &Samples) -> Vec<Series> {
        let places = samples.places(self.name);
        let mut contenders: Vec<Contender> = places
            .iter()
            .flat_map(|x| samples.contenders(Spot::on(self.name, *x)))
            .collect();
        contenders.sort();
        contenders.dedup();
        let pairs = contenders.iter().flat_map(|who| {
            let figures = self.figures.iter();
            figures.map(|figure| (*who, *figure))
        });
        let lines = pairs.map(|(who, figure)| Series {
            name: self.title(who, figure),
            points: points(samples, self.name, &places, (who, figure)),
        });
        lines.collect()
    }

    /// Whoever is alone is told apart by what is measured.
    fn title(&self, contender: Contender, figure: Figure) -> String {
        match self.figures.len() {
            1 => contender.title().to_owned(),
            _ => figure.title().to_owned(),
        }
    }
}

fn points(
    samples: &Samples,
    row: &'static str,
    places: &[u64],
    (contender, figure): (Contender, Figure),
) -> Vec<(f64, f64)> {
    let points = places.iter().filter_map(|x| {
        let spread = samples.spread(Spot::on(row, *x), contender, figure)?;
        Some((*x as f64, spread.median))
    });
    points.collect()
}

fn cell(line: &Series, place: u64) -> String {
    let found = line.points.iter().find(|(x, _)| *x == place as f64);
    let text = found.map_or_else(String::new, |(_, y)| format!("{} µs", numbers::rounded(*y)));
    format!(" {text} |")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::tests::sample;

    #[test]
    fn a_curve_is_a_plot_and_a_table_with_holes_where_nothing_was_measured() {
        let mut samples = Samples::default();
        for (x, who, us) in [
            (1_000, Contender::SohbetSqlite, 28.0),
            (100, Contender::SohbetSqlite, 30.0),
            (100, Contender::NodeMemory, 90.0),
        ] {
            let found = (Figure::CpuUsPerMessage, us);
            samples.push(sample(Spot::on("connections", x), who, 1, found));
        }
        let text = ALL[0].to_markdown(&samples);
        assert!(text.contains("(performance/connections.svg)"), "{text}");
        assert!(text.contains("\n| 100 | 30 µs | 90 µs |\n"), "{text}");
        assert!(text.contains("\n| 1,000 | 28 µs |  |\n"), "{text}");
        assert!(ALL[0].to_svg(&samples).unwrap().contains("Sohbet, SQLite"));
        assert_eq!(ALL[1].to_markdown(&samples), "");
    }
}
