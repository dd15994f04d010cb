//! `convened resync`: has the daemon look at Zoom now and put right what differs, for one booking or for all; or read
//! again what Zoom knows of meetings that are over.
//!
//! It writes the wish into the database, where the daemon finds it within a second; without one running, the next
//! start does.

mod past;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::ExposeSecret as _;
use serde_json::json;

use self::past::{Done, Span, When};
use super::{FAULT, output};
use crate::clock::Instant;
use crate::config::{Settings, Sources};
use crate::store::connection::{Manager, Role};
use crate::store::judging::Wish;
use crate::store::{
    Conn, DatabaseUrl, StoreError, appointment, judging, look, meeting, migrate, savepoint, story, sweep,
};

/// Meetings written in one transaction.
const CHUNK: i64 = 500;
/// How often the progress is asked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Look at Zoom now and put right what differs.
#[derive(Debug, Args)]
#[command(
    after_help = "A running daemon does the work; this command only asks for it, and waits until it is done.\n\
        With --from, Zoom's list of runs and its reports are read again, also those that were read or given up; each\n\
        report takes the place of the former one, and corrections by hand stay. Interrupted, a second run with the\n\
        same days goes on. Exit code 1 when something is left.\n\n\
        Examples:\n  \
        convened resync --appointment algebra-2026-01-15\n  \
        convened resync --from 2026-01-01 --to 2026-01-31"
)]
pub(super) struct Resync {
    #[command(flatten)]
    which: Which,
    /// With --from: meetings that began up to the end of this day (UTC), or before this time; now when left out.
    #[arg(long, value_name = "DATE", requires = "from")]
    to: Option<When>,
    /// Wait no longer than this, with --from no longer than this without any progress; 0s does not wait at all.
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = humantime::parse_duration)]
    wait: Duration,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// One booking, by its id or the caller's own ref.
    #[arg(long, value_name = "ID")]
    appointment: Option<String>,
    /// Every booking that is to come, and cancelled ones that are still at Zoom.
    #[arg(long)]
    all: bool,
    /// Every meeting that is over and began on this day (UTC) or later: its runs and reports are read again.
    #[arg(long, value_name = "DATE")]
    from: Option<When>,
}

impl Resync {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let settings = super::settings(sources)?;
        let mut conn = open(&settings)?;
        let now = settings.clock.build().now();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let mut note = None;
        let Done { asked, done } = match &self.which {
            Which { from: Some(from), .. } => {
                let span = Span::new(from, self.to.as_ref(), now)?;
                runtime.block_on(past::read_again(&mut conn, span, now, self.wait))?
            }
            Which { appointment, .. } => {
                let meetings = match appointment {
                    Some(key) => {
                        let (meeting, wish) = one(&mut conn, key, now)?;
                        note = wish.refusal();
                        vec![meeting]
                    }
                    None => all(&mut conn, now)?,
                };
                let left = runtime.block_on(wait(&mut conn, &meetings, self.wait))?;
                Done { asked: meetings.len(), done: meetings.len() - left }
            }
        };
        let verb = if self.which.from.is_some() { "read again" } else { "looked at and put right" };
        if self.json {
            let mut said = json!({ "asked": asked, "done": done });
            if let (Some(note), Some(said)) = (note, said.as_object_mut()) {
                said.insert("note".to_owned(), note.into());
            }
            output::line(said)?;
        } else if self.wait.is_zero() {
            output::line(format_args!("{asked} meetings will be looked at"))?;
        } else {
            output::line(format_args!("{done} of {asked} meetings {verb}"))?;
        }
        if let Some(note) = note.filter(|_| !self.json) {
            output::line(note)?;
        }
        Ok(if done == asked || self.wait.is_zero() { ExitCode::SUCCESS } else { ExitCode::from(FAULT) })
    }
}

fn open(settings: &Settings) -> anyhow::Result<Conn> {
    let url = DatabaseUrl::parse(settings.database.url.expose_secret())?;
    must_be_ready(&url)?;
    Manager::new(url, Role::Writer).open().context("the database cannot be opened")
}

/// That the database is there and has this program's tables.
pub(super) fn must_be_ready(url: &DatabaseUrl) -> anyhow::Result<()> {
    if url.sqlite_path().is_some_and(|path| !path.exists()) {
        bail!("{url:?} does not exist: no daemon has been started with this configuration");
    }
    let pending = migrate::pending(url)?;
    if !pending.is_empty() {
        bail!("{url:?} has not this program's tables yet: `convened migrate` brings it there");
    }
    Ok(())
}

/// Asks for one booking's meeting; gives also what became of the wish to read its runs and reports again.
fn one(conn: &mut Conn, key: &str, now: Instant) -> anyhow::Result<(String, Wish)> {
    let booking =
        appointment::by_id_or_ref(conn, key)?.with_context(|| format!("there is no booking `{key}`"))?;
    let meeting = meeting::by_appointment(conn, &booking.id)?
        .with_context(|| format!("the booking `{key}` is {} and has no meeting", booking.status))?;
    let wish = savepoint(conn, |conn| {
        look::want_resync(conn, &meeting.id, now.into())?;
        let mut wish = Wish::Noted;
        if booking.end_at <= now.into() {
            wish = judging::want(conn, &meeting.id, &booking.id, now.into())?;
        }
        let text = "the command line asked that Zoom be looked at now";
        story::tell(conn, &booking.id, now, "booking.resync", text, None)?;
        Ok::<_, StoreError>(wish)
    })?;
    Ok((meeting.id, wish))
}

/// Asks for all of them, some at a time: the daemon writes, too.
fn all(conn: &mut Conn, now: Instant) -> anyhow::Result<Vec<String>> {
    let mut asked: Vec<String> = Vec::new();
    loop {
        let after = asked.last().cloned().unwrap_or_default();
        let ids = sweep::resyncable(conn, now.into(), &after, CHUNK)?;
        if ids.is_empty() {
            return Ok(asked);
        }
        savepoint(conn, |conn| ids.iter().try_for_each(|id| look::want_resync(conn, id, now.into())))?;
        asked.extend(ids);
    }
}

/// Waits until the daemon has served the wishes; gives how many are left when the time is over.
async fn wait(conn: &mut Conn, meetings: &[String], limit: Duration) -> anyhow::Result<usize> {
    let bar = if meetings.len() > 1 && !limit.is_zero() {
        ProgressBar::new(u64::try_from(meetings.len()).unwrap_or(u64::MAX))
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} meetings  {eta} left") {
        bar.set_style(style);
    }
    let began = std::time::Instant::now();
    loop {
        let left = look::unserved(conn, meetings)?.max(judging::unserved(conn, meetings)?.len());
        bar.set_position(u64::try_from(meetings.len() - left).unwrap_or(0));
        if left == 0 || began.elapsed() >= limit {
            bar.finish_and_clear();
            return Ok(left);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
