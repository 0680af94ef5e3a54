//! Everything in turn, round by round.

use std::time::Instant;

use anyhow::{Context, bail, ensure};
use sohbet_bench::{Faults, Plan, Report};

use crate::contenders::{Contender, Server, Stage, measure_inserts};
use crate::figures::{self, Figure, Figures};
use crate::rows::{Row, Scale};
use crate::samples::{Sample, Samples};
use crate::seeds::Seeds;

/// What is done.
pub struct Rounds<'a> {
    /// What everybody is started with.
    pub stage: &'a Stage,
    /// What is measured.
    pub rows: Vec<Row>,
    /// How often.
    pub n_rounds: usize,
    /// How much.
    pub scale: Scale,
}

/// One run.
struct Run<'a> {
    row: &'a Row,
    contender: Contender,
    round: usize,
}

impl Rounds<'_> {
    /// Does everything. Fails when Sohbet did anything wrong, when somebody cannot be started, and, in a
    /// smoke, when what was counted cannot be. `say` is told how far it is.
    pub async fn measure(&self, say: impl Fn(&str)) -> anyhow::Result<Samples> {
        let runs = self.runs();
        let began = Instant::now();
        let (mut samples, mut seeds) = (Samples::default(), Seeds::default());
        for (nth, run) in runs.iter().enumerate() {
            let sample = self.sample(run, &mut seeds).await;
            let sample = sample.with_context(|| run.name())?;
            say(&progress(nth + 1, runs.len(), began, &run.name(), &sample));
            samples.push(sample);
        }
        for row in &self.rows {
            samples.add_floors(row.spot);
        }
        Ok(samples)
    }

    /// All runs in their order: whoever comes first in one round comes last in the next.
    fn runs(&self) -> Vec<Run<'_>> {
        let mut runs = Vec::new();
        for round in 1..=self.n_rounds {
            for row in self.rows.iter().filter(|row| round <= row.n_rounds) {
                let mut contenders = row.contenders.to_vec();
                contenders.rotate_left((round - 1) % row.contenders.len());
                runs.extend(contenders.into_iter().map(|contender| Run {
                    row,
                    contender,
                    round,
                }));
            }
        }
        runs
    }

    async fn sample(&self, run: &Run<'_>, seeds: &mut Seeds) -> anyhow::Result<Sample> {
        let mut sample = Sample {
            spot: run.row.spot,
            contender: run.contender,
            round: run.round,
            figures: Figures::new(),
            faults: Faults::default(),
            failure: None,
        };
        if run.contender.only_writes() {
            let n_conversations = run.row.plan.connections / run.row.plan.size;
            let n_batches = self.scale.n_batches();
            let written = measure_inserts(self.stage, run.contender, n_conversations, n_batches);
            sample.figures = written.await?;
            return Ok(sample);
        }
        let (report, start_seconds) = self.serve(run, seeds).await?;
        let judged = report.and_then(|report| match judge(&report) {
            // A smoke is there to find out whether everything counts right.
            Err(error) if self.scale.is_smoke => Ok(Err(error)),
            judged => judged.map(|()| Ok(report)),
        });
        let report = match judged {
            Ok(report) => report?,
            // A peer that breaks under a load is a finding.
            Err(error) if !run.contender.is_ours() => {
                let words = format!("{error:#}");
                // Behind the first line there may be a log, which says where this machine has what.
                sample.failure = words.lines().next().map(str::to_owned);
                return Ok(sample);
            }
            Err(error) => return Err(error),
        };
        sample.faults = report.faults;
        sample.figures = figures::of(&report);
        sample.figures.insert(Figure::StartSeconds, start_seconds);
        let is_fine = sample.faults == Faults::default();
        ensure!(
            is_fine || !run.contender.is_ours(),
            "Sohbet broke its word: {:?}",
            sample.faults
        );
        Ok(sample)
    }

    /// Starts a server, loads it, and stops it whatever came of that.
    async fn serve(
        &self,
        run: &Run<'_>,
        seeds: &mut Seeds,
    ) -> anyhow::Result<(anyhow::Result<Report>, f64)> {
        let stage = self.stage;
        let seed = match run.row.seed {
            Some(n_messages) => Some(seeds.folder(stage, n_messages).await?),
            None => None,
        };
        let secret = run.row.plan.secret.as_deref();
        let server = Server::start(stage, run.contender, secret, seed).await?;
        let plan = Plan {
            url: server.url(),
            pid: Some(server.pid()?),
            duration: run.row.plan.duration * run.contender.patience(),
            ..run.row.plan.clone()
        };
        let report = sohbet_bench::run(&plan, &|_| {}).await;
        let start_seconds = server.start_seconds;
        // Why a server has ended says more than that it could not be reached.
        let stopped = server.stop(stage).await;
        Ok((stopped.and(report), start_seconds))
    }
}

impl Run<'_> {
    fn name(&self) -> String {
        let place = self.row.spot.x.map(|x| format!(" at {x}"));
        format!(
            "round {}: {}{}, {}",
            self.round,
            self.row.spot.row,
            place.unwrap_or_default(),
            self.contender.title()
        )
    }
}

/// Fails if the run counted wrong. Whoever has faults has told of them already.
fn judge(report: &Report) -> anyhow::Result<()> {
    let plan = &report.plan;
    if plan.scenario.reads() {
        ensure!(report.reads > 0, "nothing was read");
        return Ok(());
    }
    if !plan.scenario.talks() {
        let (n_in, n_wanted) = (report.connections, plan.connections as u64);
        ensure!(n_in == n_wanted, "{n_in} of {n_wanted} connections came in");
        return Ok(());
    }
    ensure!(report.messages > 0, "no message was acknowledged");
    if report.faults != Faults::default() {
        return Ok(());
    }
    let (Some(acks), Some(heard)) = (&report.send_to_ack, &report.send_to_receive) else {
        bail!("nothing was timed");
    };
    let n_wanted = acks.count * (plan.size as u64 - 1);
    ensure!(
        heard.count == n_wanted,
        "{} deliveries of {} messages in conversations of {}",
        heard.count,
        acks.count,
        plan.size
    );
    Ok(())
}

fn progress(nth: usize, n_runs: usize, began: Instant, name: &str, sample: &Sample) -> String {
    let gone = began.elapsed().as_secs_f64() / 60.0;
    let left = gone / nth as f64 * (n_runs - nth) as f64;
    let found = match &sample.failure {
        Some(failure) => failure.clone(),
        None => {
            let found = sample.figures.iter().next();
            found.map_or_else(String::new, |(figure, value)| {
                format!("{} {value:.2}{}", figure.title(), figure.unit())
            })
        }
    };
    format!("{nth} of {n_runs}, {gone:.0} min gone, about {left:.0} left: {name}: {found}")
}
