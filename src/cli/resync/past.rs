//! `convened resync --from DATE`: Zoom's runs and reports of meetings that are over are read again.
//!
//! The daemon is asked for a portion at a time, so that classes of today do not wait behind those of last year. How far
//! a span has come is in the database: interrupted, the next run with the same span goes on.

use std::io::IsTerminal as _;
use std::str::FromStr;
use std::time::{Duration, Instant as RealInstant};

use anyhow::bail;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use indicatif::{ProgressBar, ProgressStyle};

use super::LOOK_EVERY;
use crate::clock::Instant;
use crate::store::{Conn, StoreError, UtcMillis, judging, resync, savepoint, story};

/// Meetings that the daemon has in hand at once.
const PORTION: usize = 200;
/// How often progress is told where nobody looks at a terminal.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// A day in UTC, or an instant, as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct When {
    begin: DateTime<Utc>,
    end: DateTime<Utc>,
    text: String,
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let when = |begin, end| Self { begin, end, text: text.to_owned() };
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
            return Ok(when(midnight(day), midnight(day.succ_opt().unwrap_or(day))));
        }
        match DateTime::parse_from_rfc3339(text) {
            Ok(at) => Ok(when(at.to_utc(), at.to_utc())),
            Err(_) => Err("is no day such as 2026-01-15 and no time such as 2026-01-15T10:00:00Z".to_owned()),
        }
    }
}

/// Meetings that began from one instant to before another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    /// As it was asked for: who asks for the same again goes on.
    key: String,
}

impl Span {
    /// From the beginning of `from` to the end of `to`, or to `now`.
    pub(super) fn new(from: &When, to: Option<&When>, now: Instant) -> anyhow::Result<Self> {
        let word = to.map_or("now", |to| to.text.as_str());
        let key = format!("{} {word}", from.text);
        let span = Self { from: from.begin, to: to.map_or(now, |to| to.end), key };
        if span.from >= span.to {
            bail!("there is no time from `{}` to `{word}`", from.text);
        }
        Ok(span)
    }

    fn bounds(&self) -> (UtcMillis, UtcMillis) {
        (self.from.into(), self.to.into())
    }
}

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Done {
    /// Meetings of the span.
    pub(super) asked: usize,
    /// Those that were read again.
    pub(super) done: usize,
}

/// Has everything of the span read again. Ends when all is done, or nothing was for `patience`.
pub(super) async fn read_again(
    conn: &mut Conn,
    span: Span,
    now: Instant,
    patience: Duration,
) -> anyhow::Result<Done> {
    let mut pump = Pump::begin(conn, span, now)?;
    let progress = Progress::start(pump.total, patience.is_zero());
    let (mut moved_at, mut told_at) = (RealInstant::now(), RealInstant::now());
    loop {
        while pump.has_room(patience) && pump.ask(conn)? {}
        let before = pump.done;
        pump.look(conn)?;
        if pump.done > before {
            moved_at = RealInstant::now();
        }
        progress.at(pump.done, &mut told_at);
        if pump.is_through() {
            resync::finish(conn, &pump.span.key)?;
            break;
        }
        if moved_at.elapsed() >= patience {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    progress.end();
    Ok(Done { asked: pump.total, done: pump.done })
}

/// Asks for one portion after the other.
struct Pump {
    span: Span,
    now: Instant,
    /// What was begun to be read since then is done.
    since: UtcMillis,
    after: Option<(UtcMillis, String)>,
    exhausted: bool,
    waiting: Vec<String>,
    total: usize,
    done: usize,
}

impl Pump {
    fn begin(conn: &mut Conn, span: Span, now: Instant) -> Result<Self, StoreError> {
        let since = resync::begin(conn, &span.key, now.into())?;
        let total = resync::count(conn, span.bounds(), now.into())?;
        let total = usize::try_from(total).unwrap_or_default();
        let waiting = Vec::new();
        Ok(Self { span, now, since, after: None, exhausted: false, waiting, total, done: 0 })
    }

    /// Whoever does not wait asks for all of it.
    fn has_room(&self, patience: Duration) -> bool {
        !self.exhausted && (patience.is_zero() || self.waiting.len() < PORTION)
    }

    fn is_through(&self) -> bool {
        self.exhausted && self.waiting.is_empty()
    }

    /// Asks for the next portion; `false` when there is none.
    fn ask(&mut self, conn: &mut Conn) -> Result<bool, StoreError> {
        let (bounds, now, after) = (self.span.bounds(), self.now, self.after.clone());
        let limit = i64::try_from(PORTION).unwrap_or(i64::MAX);
        let past = resync::past(conn, bounds, now.into(), after, limit)?;
        self.exhausted = past.len() < PORTION;
        self.after = past.last().map(|last| (last.start_at, last.meeting_id.clone())).or(self.after.take());
        let since = self.since;
        let portion: Vec<(String, bool)> = savepoint(conn, |conn| {
            past.iter()
                .map(|row| {
                    let begun = row.served_at.is_some_and(|at| at >= since);
                    if !begun && row.wanted <= row.served {
                        judging::want(conn, &row.meeting_id, &row.appointment_id, now.into())?;
                        let text = "the command line asked that Zoom's runs and reports be read again";
                        story::tell(conn, &row.appointment_id, now, "booking.resync", text, None)?;
                    }
                    Ok((row.meeting_id.clone(), begun))
                })
                .collect::<Result<_, StoreError>>()
        })?;
        // What an earlier run began may still be under way: it is looked at like the rest.
        self.waiting.extend(portion.into_iter().map(|(id, _)| id));
        Ok(!self.exhausted)
    }

    /// Sees what is done.
    fn look(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let left = judging::unserved(conn, &self.waiting)?;
        self.done += self.waiting.len() - left.len();
        self.waiting = left;
        Ok(())
    }
}

/// Progress on standard error: a bar for people, lines for logs.
struct Progress {
    bar: ProgressBar,
    lines: bool,
    total: usize,
}

impl Progress {
    fn start(total: usize, hidden: bool) -> Self {
        let lines = !hidden && !std::io::stderr().is_terminal();
        let bar = if hidden || lines {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX))
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} meetings  {eta} left") {
            bar.set_style(style);
        }
        Self { bar, lines, total }
    }

    fn at(&self, done: usize, told_at: &mut RealInstant) {
        self.bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        if self.lines && told_at.elapsed() >= TELL_EVERY {
            eprintln!("{done} of {} meetings read again", self.total);
            *told_at = RealInstant::now();
        }
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Instant {
        DateTime::parse_from_rfc3339("2026-03-01T12:00:00Z").unwrap().to_utc()
    }

    #[test]
    fn a_span_goes_from_the_beginning_of_a_day_to_the_end_of_one() {
        let day: When = "2026-01-15".parse().unwrap();
        let span = Span::new(&day, Some(&day), now()).unwrap();
        assert_eq!((span.to - span.from).num_hours(), 24);
        let instant: When = "2026-01-15T10:00:00+01:00".parse().unwrap();
        assert_eq!(Span::new(&instant, None, now()).unwrap().to, now());
    }

    #[test]
    fn a_span_that_holds_no_time_is_refused() {
        let when = |text: &str| text.parse::<When>().unwrap();
        assert!(Span::new(&when("2026-01-15"), Some(&when("2026-01-14")), now()).is_err());
        assert!(Span::new(&when("2026-04-01"), None, now()).is_err(), "it is to come");
        assert!("yesterday".parse::<When>().is_err());
    }
}
