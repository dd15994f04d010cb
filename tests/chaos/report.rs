//! What a run leaves behind: numbers, and for every violation the story of the booking.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use convened::sandbox::ledger::{LedgerEntry, LedgerFilter};
use serde_json::Value;

use crate::book::Violation;
use crate::options::{Engine, Run};
use crate::stage::Stage;
use crate::storm::Storm;

/// What was done and found in one run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) bookings: usize,
    pub(crate) requests: usize,
    pub(crate) faults: usize,
    pub(crate) kills: u32,
    pub(crate) webhooks: u64,
    pub(crate) classes: usize,
}

impl Tally {
    /// Counts a run.
    pub(crate) fn of(stage: &Stage, storm: &Storm) -> Self {
        let ledger = stage.sandbox.state().ledger(&LedgerFilter::default());
        Self {
            bookings: stage.book.promises().len(),
            requests: ledger.len(),
            faults: ledger.iter().filter(|entry| !entry.faults.is_empty()).count(),
            kills: storm.kills,
            webhooks: stage.sandbox.delivery().counts().delivered,
            classes: storm.played.len(),
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.bookings += other.bookings;
        self.requests += other.requests;
        self.faults += other.faults;
        self.kills += other.kills;
        self.webhooks += other.webhooks;
        self.classes += other.classes;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { bookings, requests, faults, kills, webhooks, classes } = self;
        write!(
            f,
            "{bookings} bookings, {requests} requests to Zoom ({faults} struck by faults), {kills} kills, \
             {webhooks} webhooks, {classes} classes"
        )
    }
}

/// Writes everything down that helps to understand the violations, beside the daemon's log; says where.
pub(crate) async fn write(stage: &Stage, run: Run, violations: &[Violation]) -> Result<PathBuf> {
    let mut text = format!("{}\n", run.replay());
    for violation in violations {
        writeln!(text, "\nVIOLATION {violation}")?;
    }
    let tags: BTreeSet<&str> = violations.iter().filter_map(|violation| violation.tag.as_deref()).collect();
    for tag in tags {
        tell(stage, tag, &mut text).await?;
    }
    let path = stage.folder.join("report.txt");
    std::fs::write(&path, text)?;
    std::fs::write(stage.folder.join("ledger.txt"), ledger_of_all(stage)?)?;
    if run.engine == Engine::Sqlite {
        let database = PathBuf::from(stage.database.text.trim_start_matches("sqlite://"));
        for suffix in ["", "-wal"] {
            let from = database.with_extension(format!("db{suffix}"));
            if from.exists() {
                std::fs::copy(&from, stage.folder.join(format!("convened.db{suffix}")))?;
            }
        }
    }
    Ok(path)
}

/// The story of one booking: as its caller, as the account and as the daemon saw it.
async fn tell(stage: &Stage, tag: &str, text: &mut String) -> Result<()> {
    writeln!(text, "\n== {tag}")?;
    for promise in stage.book.promises().iter().filter(|promise| promise.tag == tag) {
        writeln!(text, "-- its caller\n{promise:#?}")?;
        writeln!(text, "-- the daemon's story")?;
        let story = stage.api.get(&format!("/api/appointments/{}/story", promise.id)).await?;
        for line in story.get("story").and_then(Value::as_array).into_iter().flatten() {
            let part = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
            writeln!(
                text,
                "{} {} {} {}",
                part("at"),
                part("kind"),
                part("text"),
                line.get("details").unwrap_or(&Value::Null)
            )?;
        }
        let booking = stage.api.get(&format!("/api/appointments/{}", promise.id)).await?;
        writeln!(text, "-- the daemon's view\n{booking:#}")?;
    }
    let meetings = stage.sandbox.state().meetings();
    let numbers: BTreeSet<u64> = meetings
        .iter()
        .filter(|meeting| Stage::tag_of(meeting) == Some(tag))
        .map(|meeting| meeting.number)
        .collect();
    writeln!(text, "-- Zoom's meetings")?;
    for meeting in meetings.iter().filter(|meeting| numbers.contains(&meeting.number)) {
        writeln!(
            text,
            "{} `{}` {} for {} min under {}, made {}, deleted {:?}",
            meeting.number,
            meeting.topic,
            meeting.start,
            meeting.duration,
            meeting.host_id,
            meeting.created_at,
            meeting.deleted_at
        )?;
    }
    writeln!(text, "-- Zoom's ledger")?;
    let mark = format!("tag={tag};");
    for entry in stage.sandbox.state().ledger(&LedgerFilter::default()) {
        let about = entry.meeting.is_some_and(|number| numbers.contains(&number))
            || numbers.iter().any(|number| entry.path.contains(&number.to_string()))
            || entry.body.as_ref().is_some_and(|body| body.to_string().contains(&mark));
        if about {
            writeln!(text, "{}", line(&entry))?;
        }
    }
    Ok(())
}

fn ledger_of_all(stage: &Stage) -> Result<String> {
    let mut text = String::new();
    for entry in stage.sandbox.state().ledger(&LedgerFilter::default()) {
        writeln!(text, "{}", line(&entry))?;
    }
    Ok(text)
}

fn line(entry: &LedgerEntry) -> String {
    let LedgerEntry { seq, at, method, path, status, code, answered, faults, meeting, body, .. } = entry;
    let body = body.as_ref().map_or_else(String::new, Value::to_string);
    let at = at.format("%H:%M:%S%.3f");
    format!(
        "{seq:>4} {at} {method} {path} → {status:?} {code:?} answered={answered} {faults:?} {meeting:?} {body}"
    )
}
