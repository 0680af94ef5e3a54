//! A report as a page: one file without scripts, readable in light and dark.

use std::fmt::Write;

use super::summary::{self, Rows};
use super::text::{HEAD, cells};
use super::{Latency, Report, Second};
use crate::plots::{self, Axis, Chart, Labels, Scale, Series};

const STYLE: &str = "\
:root { color-scheme: light dark; --line: #8884 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse } td, th { padding: .2rem 1rem .2rem 0; text-align: left; font-weight: normal }
tr + tr > * { border-top: 1px solid var(--line) }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
svg { max-width: 100%; height: auto }
";

/// The whole report with its plots.
///
/// # Errors
///
/// When a plot cannot be drawn.
pub fn to_html(report: &Report) -> anyhow::Result<String> {
    let name = report.plan.scenario.name();
    let mut body = format!("<h1>sohbet bench {name}</h1>\n");
    body += "<ul>\n";
    for sentence in summary::verdict(report) {
        writeln!(body, "<li>{}</li>", escape(&sentence))?;
    }
    body += "</ul>\n<h2>What was found</h2>\n";
    body += &two_columns(&summary::found(report));
    body += &latency_part(&summary::latencies(report))?;
    body += &seconds_part(&report.by_second)?;
    body += "<h2>What was done</h2>\n";
    body += &two_columns(&summary::done(&report.plan));
    let json = escape(&serde_json::to_string_pretty(&report.plan)?);
    writeln!(
        body,
        "<details><summary>The plan</summary><pre>{json}</pre></details>"
    )?;
    Ok(page(&format!("sohbet bench {name}"), &body))
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n{body}</html>\n",
        escape(title)
    )
}

fn two_columns(rows: &Rows) -> String {
    let rows = rows.iter().map(|(name, value)| {
        let (name, value) = (escape(name), escape(value));
        format!("<tr><th>{name}</th><td>{value}</td></tr>\n")
    });
    format!("<table>\n{}</table>\n", rows.collect::<String>())
}

fn latency_part(latencies: &[(String, &Latency)]) -> anyhow::Result<String> {
    if latencies.is_empty() {
        return Ok(String::new());
    }
    let head: String = HEAD.iter().map(|name| cell("th", name)).collect();
    let rows = latencies.iter().map(|(name, latency)| {
        let cells: String = cells(latency).iter().map(|text| cell("td", text)).collect();
        format!("<tr><th>{}</th>{cells}</tr>\n", escape(name))
    });
    let rows: String = rows.collect();
    let series = latencies.iter();
    let series = series.map(|(name, latency)| plots::percentiles(name, latency));
    let chart = Chart {
        x: Axis {
            label: "percentile".to_owned(),
            scale: Scale::Log,
            labels: Labels::Percentile,
        },
        y: Axis {
            label: "milliseconds".to_owned(),
            scale: Scale::Log,
            labels: Labels::Plain,
        },
        series: series.collect(),
    };
    let svg = chart.to_svg()?;
    Ok(format!(
        "<h2>How long it took</h2>\n<table>\n<tr><th></th>{head}</tr>\n{rows}</table>\n{svg}\n"
    ))
}

fn seconds_part(seconds: &[Second]) -> anyhow::Result<String> {
    let series = [
        by_second("messages", seconds, |second| second.messages),
        by_second("deliveries", seconds, |second| second.deliveries),
        by_second("reads", seconds, |second| second.reads),
    ];
    let has_any = |series: &Series| series.points.iter().any(|(_, y)| *y > 0.0);
    let series: Vec<_> = series.into_iter().filter(has_any).collect();
    if series.is_empty() {
        return Ok(String::new());
    }
    let axis = |label: &str| Axis {
        label: label.to_owned(),
        scale: Scale::Linear,
        labels: Labels::Plain,
    };
    let chart = Chart {
        x: axis("second"),
        y: axis("in that second"),
        series,
    };
    Ok(format!("<h2>Second by second</h2>\n{}\n", chart.to_svg()?))
}

fn by_second(name: &str, seconds: &[Second], of: fn(&Second) -> u64) -> Series {
    let counts = seconds.iter().map(|second| of(second) as f64);
    Series {
        name: name.to_owned(),
        points: (1..).map(f64::from).zip(counts).collect(),
    }
}

fn cell(tag: &str, text: &str) -> String {
    format!("<{tag} class=\"number\">{}</{tag}>", escape(text))
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Plan, Scenario};

    #[test]
    fn a_page_has_the_plots_and_nothing_of_the_plan_is_taken_for_markup() {
        let mut report = Report::empty(&Plan::usual(Scenario::Pairs));
        report.plan.url = "http://x/<script>".to_owned();
        report.by_second = vec![
            Second {
                messages: 3,
                deliveries: 3,
                reads: 0,
            };
            4
        ];
        let html = to_html(&report).unwrap();
        assert_eq!(html.matches("<svg").count(), 1);
        assert!(html.contains("Second by second"));
        assert!(html.contains("http://x/&lt;script&gt;"));
        assert!(!html.contains("<script"));
    }

    #[test]
    fn a_report_without_anything_is_a_page_still() {
        let report = Report::empty(&Plan::usual(Scenario::Idle));
        let html = to_html(&report).unwrap();
        assert!(!html.contains("<svg"));
    }
}
