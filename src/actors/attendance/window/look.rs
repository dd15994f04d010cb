//! What is written after Zoom was asked how a booking came out.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::ask::{Asked, List};
use super::run_of;
use crate::actors::meeting::live::advance_booking;
use crate::domain::appointment::AppointmentStatus;
use crate::domain::lifecycle::{MeetingStatus, Planned, Run, meeting_status};
use crate::domain::report::{Patience, Why};
use crate::store::due::{self, DueKind};
use crate::store::instance::{self, InstanceRow};
use crate::store::judging::{self, JudgingRow};
use crate::store::meeting::{self, SyncView};
use crate::store::outbox::Event;
use crate::store::report::{self, ReportState};
use crate::store::{Conn, StoreError, UtcMillis, lifecycle, news, participant, story};

/// Once every run that is known has been read, a list of runs that Zoom so often in succession does not have, or has
/// without them, is waited for no longer.
const MISSES: i64 = 2;

/// Two looks in succession are no closer than this.
const SOON_MIN: Duration = Duration::from_secs(60);

/// What is known of a booking's runs after Zoom was asked.
pub(super) struct Look {
    pub(super) view: SyncView,
    pub(super) planned: Planned,
    pub(super) judging: JudgingRow,
    pub(super) spans: Vec<InstanceRow>,
    pub(super) asked: Asked,
    pub(super) patience: Patience,
    pub(super) now: DateTime<Utc>,
}

impl Look {
    /// Writes it, and has the reports read. Gives when to look again; `None` when there is nothing more to look for.
    pub(super) fn write(mut self, conn: &mut Conn) -> Result<Option<DateTime<Utc>>, StoreError> {
        if !self.is_still_asked(conn)? {
            return Ok(Some(self.soon()));
        }
        // Zoom's word that there was nothing is believed after a while, a Zoom that does not answer is waited for
        // longer.
        let why = if self.asked.hidden.is_some() { Why::Silence } else { Why::Word };
        let over = self.patience.is_over(self.planned.end, self.now, why);
        let (was_listed, wanted) = (self.is_listed(), self.judging.is_wanted());
        if over {
            self.close_open(conn)?;
        }
        self.note_list(conn, over)?;
        let served = wanted && !self.judging.is_wanted();
        self.save_runs(conn, served)?;
        let silent = !self.runs().iter().any(|run| self.planned.covers(run));
        // One "I know of none" may be false.
        let doubtful =
            matches!(self.asked.list, List::Behind | List::Refused) && self.judging.misses < MISSES;
        if silent && over && !doubtful {
            self.give_up(conn)?;
        } else {
            self.advance(conn)?;
        }
        judging::save(conn, &self.judging)?;
        if served || self.is_listed() && !was_listed {
            due::set(conn, DueKind::Score, &self.view.booking.id, self.now.into())?;
        }
        let known = if silent { over && !doubtful } else { !self.is_open() && self.is_listed() };
        if known && !self.judging.is_wanted() {
            return Ok(None);
        }
        // Whoever waits still is not kept waiting for hours.
        let is_urgent = over || self.judging.is_wanted();
        Ok(Some(if is_urgent { self.soon() } else { self.patience.look_again(self.planned.end, self.now) }))
    }

    fn soon(&self) -> DateTime<Utc> {
        self.now + self.patience.delay.max(SOON_MIN)
    }

    /// Takes over what webhooks told while Zoom was asked, or the older view would be written over it. Gives whether
    /// the booking still is at the time that Zoom was asked about.
    fn is_still_asked(&mut self, conn: &mut Conn) -> Result<bool, StoreError> {
        let Some(view) = meeting::sync_view(conn, &self.view.meeting.id)? else { return Ok(false) };
        self.view = view;
        take_over(&mut self.spans, instance::of_meeting(conn, &self.view.meeting.id)?);
        let booking = &self.view.booking;
        let planned = Planned { start: booking.start_at.into(), end: booking.end_at.into() };
        Ok(planned == self.planned && booking.status != AppointmentStatus::Cancelled.as_str())
    }

    /// A run that may be the class goes on, as far as known.
    fn is_open(&self) -> bool {
        self.runs().iter().any(|run| run.ended.is_none() && self.planned.may_cover(run))
    }

    fn runs(&self) -> Vec<Run> {
        self.spans.iter().map(run_of).collect()
    }

    fn is_listed(&self) -> bool {
        self.judging.is_listed(self.view.booking.end_at)
    }

    /// Notes whether Zoom gave its list of runs, or will not give it.
    fn note_list(&mut self, conn: &mut Conn, over: bool) -> Result<(), StoreError> {
        let listed = match self.asked.list {
            List::Unasked => return Ok(()),
            List::Whole => {
                self.judging.misses = 0;
                // One that goes on is not in it, nor what may come after it.
                !self.is_open()
            }
            List::Hidden => over && !self.is_listed(),
            List::Behind | List::Refused => {
                self.judging.misses += 1;
                self.judging.misses >= MISSES && (over || self.is_read(conn)?)
            }
        };
        if listed {
            self.judging.listed_at = Some(self.now.into());
            self.judging.unheard = self.asked.list.is_unheard();
        }
        if self.asked.list != List::Hidden && self.judging.is_wanted() {
            self.judging.served = self.judging.wanted;
            self.judging.served_at = Some(self.now.into());
        }
        Ok(())
    }

    /// Whether there is a run of the class, and every report of such runs has been read or given up.
    fn is_read(&self, conn: &mut Conn) -> Result<bool, StoreError> {
        let reports = report::of_meeting(conn, &self.view.meeting.id)?;
        let is_read = |span: &InstanceRow| {
            let report = reports.iter().find(|report| report.instance_uuid == span.uuid);
            report.is_some_and(|report| report.state != ReportState::Waiting)
        };
        let mut ours = self.spans.iter().filter(|span| self.planned.covers(&run_of(span))).peekable();
        Ok(ours.peek().is_some() && ours.all(is_read))
    }

    /// Zoom never told when a run ended: it is taken to have lasted until the last that was seen of it. Where nothing
    /// was, a run that began for the class is the class.
    fn close_open(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let planned = self.planned;
        for span in &mut self.spans {
            if span.ended_at.is_some() || !planned.may_cover(&run_of(span)) {
                continue;
            }
            let booking = &self.view.booking;
            let unseen = planned.covers(&run_of(span)).then_some(booking.end_at);
            let seen = participant::last_seen(conn, &span.uuid)?.or(unseen).max(span.started_at);
            span.ended_at = Some(seen.unwrap_or(booking.start_at).min(self.now.into()));
            span.updated_at = self.now.into();
            let text = "Zoom never told when a run ended: it is taken to have lasted until the last that was seen of it, or as planned";
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

    /// Zoom has had time enough to tell of a class. By its word there was none; where it could not be asked, nobody
    /// is said not to have come.
    fn give_up(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let unheard = self.asked.hidden.is_some() || self.asked.list.is_unheard();
        if unheard && self.judging.is_given_up(self.view.booking.end_at) {
            // Asked again for somebody, Zoom takes back nothing of what it said by not answering.
            return Ok(());
        }
        let (id, now) = (&self.view.booking.id, UtcMillis::from(self.now));
        (self.judging.listed_at, self.judging.given_up_at) = (Some(now), Some(now));
        self.judging.unheard = unheard;
        let (was, word) = (self.view.booking.status.as_str(), AppointmentStatus::NoShow.as_str());
        let told = if unheard {
            Some((
                "meeting.unheard",
                "Zoom never told whether there was a class: what the webhooks told decides",
            ))
        } else {
            // A booking that was cancelled meanwhile stays so.
            let is_news = was != word && lifecycle::set_status(conn, id, (was, word), now)?;
            is_news.then_some(("appointment.no_show", "Zoom knows of no class at this time"))
        };
        if let Some((kind, text)) = told {
            story::tell(conn, id, self.now, kind, text, None)?;
        }
        due::set(conn, DueKind::Score, id, now)
    }
}

/// Adds to `asked`, the runs as Zoom tells of them, what was `stored` meanwhile. What Zoom said just now stays: an end
/// that is stored may be a guess.
fn take_over(asked: &mut Vec<InstanceRow>, stored: Vec<InstanceRow>) {
    for row in stored {
        match asked.iter_mut().find(|span| span.uuid == row.uuid) {
            Some(span) => {
                span.started_at = span.started_at.or(row.started_at);
                span.ended_at = span.ended_at.or(row.ended_at);
            }
            None => asked.push(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(uuid: &str, started: Option<i64>, ended: Option<i64>) -> InstanceRow {
        let at =
            |minute: i64| UtcMillis::from(DateTime::<Utc>::UNIX_EPOCH + chrono::Duration::minutes(minute));
        InstanceRow {
            uuid: uuid.to_owned(),
            meeting_id: "m".to_owned(),
            zoom_meeting_id: "1".to_owned(),
            started_at: started.map(at),
            ended_at: ended.map(at),
            created_at: at(0),
            updated_at: at(0),
        }
    }

    #[test]
    fn an_end_that_a_webhook_told_while_zoom_was_asked_is_not_lost() {
        let mut asked = vec![run("a", Some(0), None), run("b", None, Some(90))];
        take_over(&mut asked, vec![run("a", Some(0), Some(60)), run("c", Some(95), None)]);
        let expected = [run("a", Some(0), Some(60)), run("b", None, Some(90)), run("c", Some(95), None)];
        assert_eq!(asked, expected);
    }

    #[test]
    fn an_end_that_zoom_tells_replaces_the_guess_that_is_stored() {
        let mut asked = vec![run("a", Some(0), Some(60))];
        take_over(&mut asked, vec![run("a", Some(0), Some(20))]);
        assert_eq!(asked, [run("a", Some(0), Some(60))]);
    }
}
