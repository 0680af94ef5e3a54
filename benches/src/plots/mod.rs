//! Line charts as SVG, without fonts or scripts, in colours that are readable on light and on dark.

mod drawing;

use std::ops::Range;

use plotters::coord::combinators::IntoLogRange;

use crate::latencies::Latency;

/// The shortest time that a chart of times shows.
const MIN_MS: f64 = 0.001;

/// A chart of lines.
#[derive(Debug, Clone)]
pub struct Chart {
    /// From left to right.
    pub x: Axis,
    /// From bottom to top.
    pub y: Axis,
    /// The lines. At most six have colours of their own.
    pub series: Vec<Series>,
}

/// One direction of a chart.
#[derive(Debug, Clone)]
pub struct Axis {
    /// What it shows, with its unit.
    pub label: String,
    /// How values lie on it.
    pub scale: Scale,
    /// How values are written.
    pub labels: Labels,
}

/// How values lie on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, from 0.
    Linear,
    /// Each power of ten takes as much room as the next. What is not above 0 is left out.
    Log,
}

/// How values are written on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// As numbers.
    Plain,
    /// The value x = 1/(1-p) as the percentile p.
    Percentile,
}

/// A line with its name.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// A distribution as a line for an axis of [`Labels::Percentile`], in milliseconds. Percentiles that are finer
/// than the number of times are left out.
pub fn percentiles(name: &str, latency: &Latency) -> Series {
    let finest = latency.count.max(1) as f64;
    let points = latency.curve.iter();
    let points = points.map(|(share, us)| (1.0 / (1.0 - share), (us / 1e3).max(MIN_MS)));
    Series {
        name: name.to_owned(),
        points: points.filter(|(x, _)| *x <= finest).collect(),
    }
}

impl Chart {
    /// Draws it: one `<svg>` element.
    ///
    /// # Errors
    ///
    /// When a point is no number.
    pub fn to_svg(&self) -> anyhow::Result<String> {
        let (x, y) = (
            self.range(self.x.scale, |point| point.0),
            self.range(self.y.scale, |point| point.1),
        );
        match (self.x.scale, self.y.scale) {
            (Scale::Linear, Scale::Linear) => self.draw(x, y),
            (Scale::Log, Scale::Linear) => self.draw(x.log_scale(), y),
            (Scale::Linear, Scale::Log) => self.draw(x, y.log_scale()),
            (Scale::Log, Scale::Log) => self.draw(x.log_scale(), y.log_scale()),
        }
    }

    /// The values that an axis shows; never an empty range.
    fn range(&self, scale: Scale, of: fn(&(f64, f64)) -> f64) -> Range<f64> {
        let values = self.series.iter().flat_map(|series| &series.points).map(of);
        let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let highest = values.iter().copied().fold(f64::MIN, f64::max);
        match scale {
            Scale::Linear if highest > 0.0 => 0.0..highest * 1.05,
            Scale::Linear => 0.0..1.0,
            Scale::Log => {
                let lowest = values.into_iter().filter(|value| *value > 0.0);
                let lowest = lowest.fold(f64::MAX, f64::min);
                match lowest < highest {
                    true => power_below(lowest)..highest * 1.05,
                    false if highest > 0.0 => power_below(highest)..power_below(highest) * 10.0,
                    false => 1.0..10.0,
                }
            }
        }
    }
}

impl Axis {
    fn write(&self, value: f64) -> String {
        // Between powers of ten there is no room for more than two.
        let leading = value / power_below(value);
        let has_room = [1.0, 2.0, 5.0].iter().any(|n| (leading - n).abs() < 0.01);
        match self.scale == Scale::Linear || has_room {
            true => self.labels.write(value),
            false => String::new(),
        }
    }
}

impl Labels {
    fn write(self, value: f64) -> String {
        match self {
            Self::Percentile => format!("{} %", rounded(100.0 - 100.0 / value)),
            Self::Plain if value >= 1e6 => format!("{} M", rounded(value / 1e6)),
            Self::Plain if value >= 1e4 => format!("{} k", rounded(value / 1e3)),
            Self::Plain => rounded(value),
        }
    }
}

/// Without the noise of binary fractions.
fn rounded(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn power_below(value: f64) -> f64 {
    10_f64.powf(value.log10().floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(scale: Scale, points: &[(f64, f64)]) -> String {
        let axis = Axis {
            label: "a < b & c".to_owned(),
            scale,
            labels: Labels::Plain,
        };
        let series = |name: &str| Series {
            name: name.to_owned(),
            points: points.to_vec(),
        };
        let chart = Chart {
            x: axis.clone(),
            y: axis,
            series: vec![series("<one>"), series("two")],
        };
        chart.to_svg().unwrap()
    }

    /// Whether every element is closed, in order, and no text is taken for markup.
    fn assert_well_formed(svg: &str) {
        let mut open = Vec::new();
        for tag in svg.split('<').skip(1) {
            let (tag, text) = tag.split_once('>').unwrap();
            assert!(!text.contains('>'), "{text}");
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            let name = tag.split([' ', '\n', '/']).find(|part| !part.is_empty());
            match (tag.strip_prefix('/'), tag.ends_with('/')) {
                (Some(name), _) => assert_eq!(open.pop(), Some(name)),
                (None, true) => {}
                (None, false) => open.extend(name),
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn charts_are_well_formed_and_text_is_escaped() {
        for scale in [Scale::Linear, Scale::Log] {
            let svg = chart(scale, &[(1.0, 2.0), (10.0, 300.0), (100.0, 4.0)]);
            assert_well_formed(&svg);
            assert!(svg.starts_with("<svg"));
            assert!(svg.contains("a &lt; b &amp; c"), "{svg}");
            assert!(svg.contains("&lt;one&gt;"), "{svg}");
            // Its line, and the one in the legend.
            assert_eq!(svg.matches(r##"stroke="#2B7CE9""##).count(), 2);
        }
    }

    #[test]
    fn nothing_one_point_zeros_and_what_is_no_number_can_be_drawn() {
        let all: [&[(f64, f64)]; 4] = [
            &[],
            &[(5.0, 5.0)],
            &[(0.0, 0.0), (0.0, 0.0)],
            &[(f64::NAN, 1.0), (2.0, f64::INFINITY), (3.0, 3.0)],
        ];
        for points in all {
            assert_well_formed(&chart(Scale::Linear, points));
            assert_well_formed(&chart(Scale::Log, points));
        }
    }

    #[test]
    fn labels_are_short() {
        assert_eq!(Labels::Percentile.write(1_000.0), "99.9 %");
        assert_eq!(Labels::Percentile.write(1.0), "0 %");
        assert_eq!(Labels::Plain.write(0.1 + 0.2), "0.3");
        assert_eq!(Labels::Plain.write(150_000.0), "150 k");
        assert_eq!(Labels::Plain.write(2_000_000.0), "2 M");
    }

    #[test]
    fn percentiles_go_as_far_as_there_are_times() {
        let latency = Latency {
            count: 100,
            mean_us: 0.0,
            p50_us: 0.0,
            p99_us: 0.0,
            p999_us: 0.0,
            max_us: 0.0,
            curve: vec![(0.5, 1_000.0), (0.9, 2_000.0), (0.999, 9.0), (1.0, 9.0)],
        };
        let points = percentiles("x", &latency).points;
        assert_eq!(points.len(), 2);
        assert_eq!(points[0], (2.0, 1.0));
    }
}
