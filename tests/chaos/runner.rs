//! Runs the seeds, some at a time, and tells what came of them.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};

use crate::book::Violation;
use crate::options::{Options, Run};
use crate::plan::Plan;
use crate::report::{self, Tally};
use crate::stage::Stage;
use crate::storm::{self, Storm};
use crate::{evidence, proof, rest, verdict};

/// How many failing runs are told in full at the end; all are in their files.
const TOLD_IN_FULL_MAX: usize = 3;

/// A run that is over.
struct Ended {
    run: Run,
    seconds: f64,
    outcome: Result<Outcome>,
}

struct Outcome {
    tally: Tally,
    violations: Vec<Violation>,
    /// Where the violations are told, if there are any.
    report: Option<PathBuf>,
}

/// Runs everything that is asked for.
pub(crate) fn run(options: &Options) -> ExitCode {
    let runs = options.runs();
    let began = Instant::now();
    let count = runs.len();
    let bar = ProgressBar::new(count as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}") {
        bar.set_style(style);
    }
    let queue = Mutex::new(VecDeque::from(runs));
    let (sender, ended) = mpsc::channel();
    let mut tally = Tally::default();
    let (mut over, mut failed) = (0, Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..usize::from(options.jobs).min(count) {
            let (sender, queue) = (sender.clone(), &queue);
            scope.spawn(move || work(queue, &sender));
        }
        drop(sender);
        for ended in ended {
            bar.inc(1);
            over += 1;
            if let Ok(outcome) = &ended.outcome {
                tally.add(&outcome.tally);
            }
            if options.seed.is_some() || ended.is_failed() {
                bar.suspend(|| println!("{}", ended.line()));
            }
            if ended.is_failed() {
                failed.push(ended);
                bar.set_message(format!("{} failed", failed.len()));
            }
        }
    });
    bar.finish_and_clear();
    for ended in failed.iter().take(TOLD_IN_FULL_MAX) {
        println!("\n{}", ended.in_full());
    }
    let violations: usize = failed.iter().map(Ended::count).sum();
    println!(
        "chaos: {over} of {count} runs, {} failed, {violations} violations in {:.0} s: {tally}",
        failed.len(),
        began.elapsed().as_secs_f64()
    );
    if failed.is_empty() && over == count { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn work(queue: &Mutex<VecDeque<Run>>, ended: &mpsc::Sender<Ended>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(run) = next else { return };
        let began = Instant::now();
        let outcome = match one(run) {
            Ok(Some(outcome)) => Ok(outcome),
            // Whoever interrupts the runner wants none of the others either.
            Ok(None) => return queue.lock().unwrap_or_else(PoisonError::into_inner).clear(),
            Err(error) => Err(error),
        };
        // Nobody listens any more when the runner itself has died.
        if ended.send(Ended { run, seconds: began.elapsed().as_secs_f64(), outcome }).is_err() {
            return;
        }
    }
}

/// One run; nothing when it was interrupted. Its daemon and its database do not outlive it either way.
fn one(run: Run) -> Result<Option<Outcome>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            outcome = day(run) => outcome.map(Some),
            _ = terminate.recv() => Ok(None),
            _ = interrupt.recv() => Ok(None),
        }
    })
}

async fn day(run: Run) -> Result<Outcome> {
    let plan = Plan::draw(run.seed);
    let stage = Stage::build(run, &plan).await?;
    let outcome = play(&stage, run, plan).await;
    stage.daemon.kill().await?;
    if matches!(&outcome, Ok(outcome) if outcome.report.is_none()) {
        std::fs::remove_dir_all(&stage.folder)?;
    }
    outcome.with_context(|| format!("see {}", stage.daemon.log().display()))
}

async fn play(stage: &Stage, run: Run, plan: Plan) -> Result<Outcome> {
    let storm: Storm = storm::rage(stage, plan).await?;
    let (shown, restless) = rest::settle(stage, &storm).await?;
    let evidence = evidence::gather(stage, &storm, shown).await?;
    let mut violations = restless;
    violations.extend(stage.book.violations());
    violations.extend(verdict::pass(&evidence));
    if violations.is_empty() {
        violations = proof::blind_to(&evidence);
    }
    let report =
        if violations.is_empty() { None } else { Some(report::write(stage, run, &violations).await?) };
    Ok(Outcome { tally: Tally::of(stage, &storm), violations, report })
}

impl Ended {
    fn is_failed(&self) -> bool {
        self.outcome.as_ref().map_or(true, |outcome| !outcome.violations.is_empty())
    }

    fn count(&self) -> usize {
        self.outcome.as_ref().map_or(1, |outcome| outcome.violations.len())
    }

    /// One line: the seed, what came of it, and how to see it again.
    fn line(&self) -> String {
        let Run { seed, engine } = self.run;
        let head = format!("seed {seed} on {} ({:.1} s)", engine.name(), self.seconds);
        match &self.outcome {
            Ok(outcome) => match outcome.violations.first() {
                None => format!("{head}: {}", outcome.tally),
                Some(first) => {
                    let count = outcome.violations.len();
                    format!("{head}: {count} violations, first {first}; replay: {}", self.run.replay())
                }
            },
            Err(error) => format!("{head}: {error:#}; replay: {}", self.run.replay()),
        }
    }

    fn in_full(&self) -> String {
        let report = self.outcome.as_ref().ok().and_then(|outcome| outcome.report.as_ref());
        let told = report.map(|path| (path, std::fs::read_to_string(path).unwrap_or_default()));
        match told {
            Some((path, text)) => format!("{text}\n({}, with the daemon's log beside it)", path.display()),
            None => self.line(),
        }
    }
}
