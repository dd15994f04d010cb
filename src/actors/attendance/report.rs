//! Reads Zoom's report of one instance, page by page, to the end; only then is it stored, as a whole.
//!
//! - [`mod@read`]: one attempt. `rows`: its rows as connections. Here: what comes of it.

mod read;
mod rows;

use chrono::{DateTime, Utc};
use serde_json::json;

use self::read::{Lack, Outcome, read};
use self::rows::Lines;
use crate::actors::engine::Engine;
use crate::domain::report::{Patience, Why};
use crate::store::due::{self, DueKind};
use crate::store::instance::{self, InstanceRow};
use crate::store::report::{self, ReportRow, ReportState};
use crate::store::shard::Fence;
use crate::store::{Conn, StoreError, UtcMillis, meeting, participant, story};
use crate::zoom::types::PastMeeting;

/// How often Zoom is asked in vain for a report that somebody wants read again.
const REREADS_MAX: i64 = 20;

/// Reads the report of `instance` if it is still wanted, and notes how that came out.
pub(super) async fn run(engine: &Engine, instance: &str) -> Result<(), StoreError> {
    let fences = engine.shards.fences();
    let uuid = instance.to_owned();
    let (due_at, row, span) = engine
        .store
        .read(move |conn| {
            // Before everything else: whoever wants it read again from now on makes it due at another time.
            let due_at = due::at(conn, DueKind::Report, &uuid)?;
            Ok((due_at, report::by_instance(conn, &uuid)?, instance::by_uuid(conn, &uuid)?))
        })
        .await?;
    let (Some(row), Some(span)) = (row.filter(ReportRow::is_wanted), span) else {
        let uuid = instance.to_owned();
        return engine
            .store
            .write(move |conn| due::replace(conn, DueKind::Report, &uuid, due_at, None))
            .await;
    };
    // Another process's by now: it reads the report itself.
    let Some(fence) = fences.of(&row.meeting_id) else { return Ok(()) };
    let (past, outcome) = read(engine, &span).await;
    let attempt = Attempt::new(engine, row, span, past);
    let concluded = attempt.conclude(outcome)?;
    engine.store.write(move |conn| concluded.write(conn, &fence, due_at)).await
}

/// An attempt at a report, with what is known before it is judged.
struct Attempt {
    row: ReportRow,
    span: InstanceRow,
    /// Its end is another one than was known.
    ended_otherwise: bool,
    /// It was read or given up before.
    again: bool,
    patience: Patience,
    now: DateTime<Utc>,
}

/// What came of an attempt.
struct Concluded {
    row: ReportRow,
    /// The report; `None` leaves what is known of it.
    lines: Option<Lines>,
    /// The run with the end that Zoom tells now, where it was known otherwise or guessed.
    ended: Option<InstanceRow>,
    /// For the booking's story.
    tale: Option<(&'static str, String)>,
    now: DateTime<Utc>,
}

impl Attempt {
    fn new(engine: &Engine, mut row: ReportRow, mut span: InstanceRow, past: Option<PastMeeting>) -> Self {
        let (now, told) = (engine.clock.now(), past.is_some());
        let again = row.state != ReportState::Waiting;
        // Whoever wants it again begins anew.
        row.attempts = if again && row.next_attempt_at.is_none() { 1 } else { row.attempts + 1 };
        row.updated_at = UtcMillis::from(now);
        if let Some(past) = past {
            row.zoom_started_at = past.start_time.map(UtcMillis::from);
            row.zoom_ended_at = past.end_time.map(UtcMillis::from);
            row.duration_minutes = past.duration;
            row.total_minutes = past.total_minutes;
            row.participants_count = past.participants_count;
        }
        let end = zoom_end(&row, &span, now).filter(|_| told);
        if let Some(end) = end {
            (span.ended_at, span.updated_at) = (Some(end), now.into());
        }
        let patience =
            Patience { delay: engine.attendance.report_delay, give_up: engine.attendance.report_give_up };
        Self { row, span, ended_otherwise: end.is_some(), again, patience, now }
    }

    fn conclude(self, outcome: Outcome) -> Result<Concluded, StoreError> {
        Ok(match outcome {
            Outcome::Whole(whole) => {
                let lines = rows::lines(&self.span, &whole.rows)?;
                // A word of Zoom's that changed, say: better the webhooks than everybody absent.
                if lines.count_nothing() {
                    self.put_off(Lack::word("no row of the report can be counted"))
                } else {
                    self.complete(lines, whole.unreadable, whole.pages)
                }
            }
            // What was read once is not lost for a count that Zoom gives today.
            Outcome::Alone if self.row.judges() => self.stays("Zoom says now that one person was there"),
            Outcome::Alone => self.alone(),
            Outcome::Never(reason) => self.give_up(reason),
            Outcome::NotYet(lack) => self.put_off(lack),
        })
    }

    fn complete(mut self, lines: Lines, unreadable: usize, pages: usize) -> Concluded {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let oddities: Vec<String> = [
            (unreadable, "entries are no rows and were left out"),
            (lines.unknown_status, "rows have a status that is not known and count nothing"),
            (lines.without_times, "rows have no time that can be counted"),
        ]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
        self.row.note =
            (!oddities.is_empty()).then(|| format!("Zoom's report is odd: {}", oddities.join("; ")));
        self.row.participants = count(lines.lines.len());
        self.row.unreadable = count(unreadable);
        self.row.pages_read = count(pages);
        let which = if self.again { "was read again" } else { "was read" };
        let odd = self.row.note.as_ref().map(|note| format!(". {note}")).unwrap_or_default();
        let text = format!("Zoom's report {which}: {} rows on {pages} pages{odd}", lines.lines.len());
        self.done(ReportState::Complete, Some(lines), ("report.read", text))
    }

    fn alone(mut self) -> Concluded {
        let note = "one person was there, and Zoom makes no report of that: the webhooks decide".to_owned();
        self.row.note = Some(note.clone());
        (self.row.participants, self.row.pages_read) = (0, 0);
        self.done(ReportState::Complete, None, ("report.none", note))
    }

    /// There will be no report, or none any more.
    fn give_up(mut self, reason: &str) -> Concluded {
        if self.again {
            return self.stays(reason);
        }
        let note = format!("Zoom never gave its report ({reason}): final from the webhooks");
        (self.row.note, self.row.last_error) = (Some(note.clone()), Some(reason.to_owned()));
        let mut concluded = self.done(ReportState::GivenUp, None, ("report.given_up", note));
        concluded.row.completed_at = None;
        concluded.row.last_error = Some(reason.to_owned());
        concluded
    }

    /// It was wanted again, and what was known of it stays.
    fn stays(mut self, reason: &str) -> Concluded {
        self.row.reread_served = self.row.reread_wanted;
        self.row.next_attempt_at = None;
        self.row.last_error = Some(reason.to_owned());
        let text = format!("Zoom's report was asked for again, and what was known stays: {reason}");
        Concluded {
            row: self.row,
            lines: None,
            ended: None,
            tale: Some(("report.stays", text)),
            now: self.now,
        }
    }

    fn done(
        mut self,
        state: ReportState,
        lines: Option<Lines>,
        (kind, text): (&'static str, String),
    ) -> Concluded {
        self.row.state = state;
        self.row.completed_at = Some(UtcMillis::from(self.now));
        self.row.next_attempt_at = None;
        self.row.last_error = None;
        self.row.reread_served = self.row.reread_wanted;
        let ended = Some(self.span).filter(|_| self.ended_otherwise && state == ReportState::Complete);
        Concluded { row: self.row, lines, ended, tale: Some((kind, text)), now: self.now }
    }

    /// Sets the next attempt, or gives up; either way there are no rows.
    fn put_off(mut self, lack: Lack) -> Concluded {
        let ended = self.span.ended_at.map_or(self.now, DateTime::<Utc>::from);
        let next = match (self.again, lack.why) {
            (true, Why::Word) => None,
            (true, Why::Silence) => (self.row.attempts < REREADS_MAX).then(|| self.now + self.patience.delay),
            (false, why) => self.patience.next(ended, self.now, self.row.attempts, why),
        };
        let Some(next) = next else { return self.give_up(&lack.reason) };
        if lack.why == Why::Word {
            // Zoom was asked: the wish is served, and the first reading goes on by itself.
            self.row.reread_served = self.row.reread_wanted;
        }
        self.row.next_attempt_at = Some(UtcMillis::from(lack.until.unwrap_or(next).max(self.now)));
        self.row.last_error = Some(lack.reason);
        Concluded { row: self.row, lines: None, ended: None, tale: None, now: self.now }
    }
}

/// The end of the run that Zoom tells, where it is another one than is known, and possible.
fn zoom_end(row: &ReportRow, span: &InstanceRow, now: DateTime<Utc>) -> Option<UtcMillis> {
    let possible = |end: &UtcMillis| *end <= now.into() && span.started_at.is_none_or(|began| *end >= began);
    row.zoom_ended_at.filter(|end| Some(*end) != span.ended_at).filter(possible)
}

impl Concluded {
    fn write(self, conn: &mut Conn, fence: &Fence, due_at: Option<UtcMillis>) -> Result<(), StoreError> {
        fence.hold(conn)?;
        let Self { row, lines, ended, tale, now } = self;
        if let Some(lines) = &lines {
            participant::replace_report(conn, &row.meeting_id, &row.instance_uuid, &lines.lines, now)?;
        }
        report::save(conn, &row)?;
        due::replace(conn, DueKind::Report, &row.instance_uuid, due_at, row.next_attempt_at)?;
        let (Some((kind, text)), Some(meeting)) = (tale, meeting::by_id(conn, &row.meeting_id)?) else {
            return Ok(());
        };
        let details = json!({ "instance": row.instance_uuid, "rows": row.participants,
            "unreadable": row.unreadable, "pages": row.pages_read });
        story::tell(conn, &meeting.appointment_id, now, kind, &text, Some(details))?;
        if let Some(run) = ended {
            instance::save(conn, &run)?;
            // The end of the meeting, and perhaps whether this run is the class at all, is seen anew.
            due::set(conn, DueKind::WindowEnd, &meeting.appointment_id, UtcMillis::from(now))?;
        }
        due::set(conn, DueKind::Score, &meeting.appointment_id, UtcMillis::from(now))
    }
}
