//! Draws a chart with plotters, which needs no fonts for SVG.

use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

use super::{Chart, Scale, Series};

/// Width and height of a chart.
const SIZE: (u32, u32) = (760, 380);
/// Lines of the axes and text: as far from white as from black.
const NEUTRAL: RGBColor = RGBColor(128, 128, 128);
/// Of series, in this order. Readable on both, and told apart by most who see colours differently.
const COLOURS: [RGBColor; 6] = [
    RGBColor(43, 124, 233),
    RGBColor(232, 119, 34),
    RGBColor(0, 150, 115),
    RGBColor(200, 80, 160),
    RGBColor(150, 130, 20),
    RGBColor(110, 100, 220),
];
const FONT: &str = "system-ui, sans-serif";
const FONT_PX: u32 = 13;
/// Height of the legend, above the chart so that no line runs through it.
const LEGEND_PX: u32 = 34;
/// Length of a line in the legend.
const SAMPLE_PX: i32 = 18;
/// Room for a character; nothing here knows how wide it really is.
const CHARACTER_PX: i32 = 8;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

impl Chart {
    /// Draws the chart on axes of those kinds.
    pub(super) fn draw<X, Y>(&self, x: X, y: Y) -> anyhow::Result<String>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64> + Ranged<ValueType = f64>,
        Y::CoordDescType: ValueFormatter<f64> + Ranged<ValueType = f64>,
    {
        let mut svg = String::new();
        let drawn = self.draw_on(
            &SVGBackend::with_string(&mut svg, SIZE).into_drawing_area(),
            x,
            y,
        );
        drawn.map_err(|error| anyhow!("a chart cannot be drawn: {error}"))?;
        Ok(svg)
    }

    fn draw_on<X, Y>(&self, area: &Area<'_>, x: X, y: Y) -> Result<(), Box<dyn std::error::Error>>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64> + Ranged<ValueType = f64>,
        Y::CoordDescType: ValueFormatter<f64> + Ranged<ValueType = f64>,
    {
        let (legend, area) = area.split_vertically(LEGEND_PX);
        self.draw_legend(&legend)?;
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            // The last label of an axis stands beyond its end.
            .margin_right(32)
            .x_label_area_size(44)
            .y_label_area_size(72)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .x_desc(&self.x.label)
            .y_desc(&self.y.label)
            .label_style((FONT, FONT_PX, &NEUTRAL))
            .axis_style(NEUTRAL)
            .bold_line_style(NEUTRAL.mix(0.3))
            .light_line_style(NEUTRAL.mix(0.0))
            .max_light_lines(1)
            .x_label_formatter(&|value| self.x.write(*value))
            .y_label_formatter(&|value| self.y.write(*value))
            .draw()?;
        for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            let line = LineSeries::new(self.visible(series), colour.stroke_width(2));
            chart.draw_series(line)?;
        }
        Ok(area.present()?)
    }

    fn draw_legend(&self, area: &Area<'_>) -> Result<(), Box<dyn std::error::Error>> {
        let font = (FONT, FONT_PX).into_font().color(&NEUTRAL);
        let (mut x, y) = (80, LEGEND_PX as i32 / 2);
        for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            let sample = vec![(x, y), (x + SAMPLE_PX, y)];
            area.draw(&PathElement::new(sample, colour.stroke_width(2)))?;
            let at = (x + SAMPLE_PX + 6, y - FONT_PX as i32 / 2);
            area.draw(&Text::new(series.name.as_str(), at, font.clone()))?;
            x = at.0 + CHARACTER_PX * i32::try_from(series.name.chars().count())? + 16;
        }
        Ok(())
    }

    fn visible(&self, series: &Series) -> impl Iterator<Item = (f64, f64)> {
        let fits =
            |scale: Scale, value: f64| value.is_finite() && (scale == Scale::Linear || value > 0.0);
        let (x, y) = (self.x.scale, self.y.scale);
        let points = series.points.clone().into_iter();
        points.filter(move |point| fits(x, point.0) && fits(y, point.1))
    }
}
