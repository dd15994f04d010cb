//! What is written after Zoom was asked how a booking came out.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::ask::Asked;
use super::run_of;
use crate::actors::meeting::live::advance_booking;
use crate::domain::appointment::AppointmentStatus;
use crate::domain::lifecycle::{MeetingStatus, Planned, Run, meeting_status};
use crate::store::due::{self, DueKind};
use crate::store::instance::{self, InstanceRow};
use crate::store::judging::{self, JudgingRow};
use crate::store::meeting::{self, SyncView};
use crate::store::outbox::Event;
use crate::store::{Conn, StoreError, UtcMillis, lifecycle, news, participant, story};

/// A meeting that Zoom says so often in succession it does not know has no runs that it would tell of.
const MISSES: i64 = 2;
/// While Zoom cannot be asked for the runs of a booking, that is waited for so many times as long as for a report.
const SILENCE_FACTOR: u32 = 2;

/// What is known of a booking's runs after Zoom was asked.
pub(super) struct Look {
    pub(super) view: SyncView,
    pub(super) planned: Planned,
    pub(super) judging: JudgingRow,
    pub(super) spans: Vec<InstanceRow>,
    pub(super) asked: Asked,
    pub(super) give_up: Duration,
    pub(super) now: DateTime<Utc>,
}

impl Look {
    /// Writes it, and has the reports read. Gives whether there is nothing more to look for.
    pub(super) fn write(mut self, conn: &mut Conn) -> Result<bool, StoreError> {
        // Only Zoom's word that there was nothing is one: a failing Zoom makes nobody absent.
        let over = self.now >= self.planned.end + self.give_up && self.asked.hidden.is_none();
        let (was_listed, wanted) = (self.is_listed(), self.judging.is_wanted());
        self.note_list();
        let served = wanted && !self.judging.is_wanted();
        if over {
            self.close_open(conn)?;
        }
        self.save_runs(conn, served)?;
        let silent = !self.runs().iter().any(|run| self.planned.covers(run));
        let open = self.runs().iter().any(|run| run.ended.is_none() && self.planned.may_cover(run));
        if silent && over {
            self.judging.listed_at = Some(self.now.into());
            self.no_show(conn)?;
        } else {
            self.advance(conn)?;
        }
        judging::save(conn, &self.judging)?;
        if served || self.is_listed() && !was_listed {
            due::set(conn, DueKind::Score, &self.view.booking.id, self.now.into())?;
        }
        Ok(if silent { over } else { !open && self.is_listed() && !self.judging.is_wanted() })
    }

    fn runs(&self) -> Vec<Run> {
        self.spans.iter().map(run_of).collect()
    }

    fn is_listed(&self) -> bool {
        self.judging.is_listed(self.view.booking.end_at)
    }

    /// Notes whether Zoom gave its list of runs, or will not give it.
    fn note_list(&mut self) {
        let long_over = self.now >= self.planned.end + self.give_up.saturating_mul(SILENCE_FACTOR);
        let (word, listed) = match &self.asked.list {
            None => return,
            Some(Ok(())) => {
                self.judging.misses = 0;
                (true, true)
            }
            Some(Err(error)) if error.keeps_from_knowing() => (false, long_over),
            Some(Err(_)) => {
                self.judging.misses += 1;
                (true, self.judging.misses >= MISSES)
            }
        };
        if listed {
            self.judging.listed_at = Some(self.now.into());
        }
        if word && self.judging.is_wanted() {
            self.judging.served = self.judging.wanted;
            self.judging.served_at = Some(self.now.into());
        }
    }

    /// Zoom never told when a run ended: it is taken to have lasted until the last that was seen of it.
    fn close_open(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let planned = self.planned;
        for span in &mut self.spans {
            if span.ended_at.is_some() || !planned.may_cover(&run_of(span)) {
                continue;
            }
            let seen = participant::last_seen(conn, &span.uuid)?.max(span.started_at);
            span.ended_at = Some(seen.unwrap_or(self.view.booking.start_at).min(self.now.into()));
            span.updated_at = self.now.into();
            let text = "Zoom never told when a run ended: it is taken to have lasted until the last that was seen of it";
            let details =
                json!({ "instance": span.uuid, "ended_at": span.ended_at.map(DateTime::<Utc>::from) });
            story::tell(conn, &self.view.booking.id, self.now, "meeting.closed", text, Some(details))?;
        }
        Ok(())
    }

    /// Writes the runs and expects the reports of those that belong to the booking.
    fn save_runs(&self, conn: &mut Conn, again: bool) -> Result<(), StoreError> {
        let now = UtcMillis::from(self.now);
        for span in &self.spans {
            instance::save(conn, span)?;
            let covers = self.planned.covers(&run_of(span));
            if covers && span.ended_at.is_some() {
                judging::expect_report(conn, &span.uuid, &self.view.meeting.id, now, now, again)?;
            }
            if covers && self.asked.found.contains(&span.uuid) {
                let text = "Zoom tells of a run that no webhook had told of";
                let details = json!({ "instance": span.uuid,
                    "started_at": span.started_at.map(DateTime::<Utc>::from),
                    "ended_at": span.ended_at.map(DateTime::<Utc>::from) });
                story::tell(conn, &self.view.booking.id, self.now, "meeting.run_found", text, Some(details))?;
            }
        }
        Ok(())
    }

    /// Brings meeting and booking to the status that the runs give them.
    fn advance(&self, conn: &mut Conn) -> Result<(), StoreError> {
        let (runs, now) = (self.runs(), UtcMillis::from(self.now));
        let meeting = &self.view.meeting;
        let status = meeting_status(&self.planned, &runs, meeting.zoom_meeting_id.is_some());
        // What the webhooks told already is not told again.
        let event = match status {
            MeetingStatus::Started => Event::MeetingStarted,
            MeetingStatus::Ended => Event::MeetingEnded,
            _ => return Ok(()),
        };
        let ours = || runs.iter().filter(|run| self.planned.covers(run));
        let started = ours().filter_map(|run| run.started).min();
        let ended = ours().filter_map(|run| run.ended).max().filter(|_| status == MeetingStatus::Ended);
        let (started_at, ended_at) = (started.map(UtcMillis::from), ended.map(UtcMillis::from));
        meeting::save_run(conn, &meeting.id, status.as_str(), started_at, ended_at, now)?;
        if meeting.status != status.as_str() {
            let times = json!({ "started_at": started, "ended_at": ended });
            news::of_meeting(conn, now, event, &meeting.id, times)?;
        }
        advance_booking(conn, &self.view.booking.id, status, self.now)
    }

    /// Zoom has had time enough to tell of a class: there was none.
    fn no_show(&self, conn: &mut Conn) -> Result<(), StoreError> {
        let (id, now) = (&self.view.booking.id, UtcMillis::from(self.now));
        let word = AppointmentStatus::NoShow.as_str();
        if self.view.booking.status != word {
            lifecycle::set_status(conn, id, word, now)?;
            let text = "Zoom knows of no class at this time";
            story::tell(conn, id, self.now, "appointment.no_show", text, None)?;
        }
        due::set(conn, DueKind::Score, id, now)
    }
}
