//! `sohbet check`: what would keep the server from working, with cause and remedy.

mod database;
mod logins;
mod origins;
mod port;
mod uploads;

use std::process::ExitCode;

use super::flags::SettingFlags;
use super::say;
use crate::config::{Faults, Settings, table};

/// What `sohbet check` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: SettingFlags,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Ok,
    /// Works, but probably not as meant.
    Warn,
    /// The server or its clients will not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    level: Level,
    /// What was looked at, one word.
    subject: &'static str,
    /// What is there.
    cause: String,
    /// The line to change.
    remedy: Option<String>,
}

impl Finding {
    fn ok(subject: &'static str, cause: impl Into<String>) -> Self {
        Self {
            level: Level::Ok,
            subject,
            cause: cause.into(),
            remedy: None,
        }
    }

    fn warn(subject: &'static str, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self {
            level: Level::Warn,
            subject,
            cause: cause.into(),
            remedy,
        }
    }

    fn fail(subject: &'static str, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self {
            level: Level::Fail,
            subject,
            cause: cause.into(),
            remedy,
        }
    }
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let findings = match Settings::load(args.settings.0) {
        Ok(settings) => look(&settings),
        Err(faults) => wrong_settings(faults),
    };
    say(&report(&findings));
    let failed = findings.iter().any(|finding| finding.level == Level::Fail);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn look(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![Finding::ok(
        "settings",
        "all are valid; sohbet serve --print-config shows them",
    )];
    findings.extend(logins::look(settings));
    findings.extend(origins::look(settings));
    findings.push(port::look(&settings.hosts, settings.port));
    findings.push(database::look(settings));
    findings.extend(uploads::look(settings));
    findings
}

/// Nothing else can be looked at before these are right.
fn wrong_settings(faults: Faults) -> Vec<Finding> {
    let fail = |fault: String| match fault.split_once(": ") {
        Some((cause, remedy)) => Finding::fail("settings", cause, remedy),
        None => Finding::fail("settings", fault, "the setting it names"),
    };
    faults.0.into_iter().map(fail).collect()
}

/// The environment name to change, and where its value stands now.
fn place(settings: &Settings, setting: &table::Setting) -> String {
    let row = settings
        .effective()
        .iter()
        .find(|row| row.name == setting.name);
    let origin = row.map_or("default", |row| row.origin.as_str());
    format!("{} (now: {origin})", setting.names[0])
}

fn report(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let word = match finding.level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "FAIL",
        };
        text.push_str(&format!(
            "{word:<6}{:<10}{}\n",
            finding.subject, finding.cause
        ));
        if let Some(remedy) = &finding.remedy {
            text.push_str(&format!("{:<16}change: {remedy}\n", ""));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_line_by_line() {
        let findings = [
            Finding::ok("port", "3001 is free"),
            Finding::fail("database", "no answer", "DATABASE_URL"),
        ];
        assert_eq!(
            report(&findings),
            "ok    port      3001 is free\nFAIL  database  no answer\n                change: DATABASE_URL\n"
        );
    }

    #[test]
    fn wrong_settings_name_cause_and_remedy() {
        let fault = "environment PORT = \"x\": write a whole number".to_owned();
        let findings = wrong_settings(Faults(vec![fault]));
        assert_eq!(findings[0].cause, "environment PORT = \"x\"");
        assert_eq!(findings[0].remedy.as_deref(), Some("write a whole number"));
    }
}
