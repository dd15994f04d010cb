//! How far a meeting and its booking have come, derived from the set of its instances.
//!
//! Nothing here remembers an order: the same instances give the same status however their events arrived.

use chrono::{DateTime, Duration, Utc};

use super::appointment::AppointmentStatus;

/// A run that began earlier than this before the planned start is somebody trying the link, not the class.
pub const EARLY_OPEN_MINUTES: i64 = 60;

/// One actual run of a meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// When it started, as far as known.
    pub started: Option<DateTime<Utc>>,
    /// When it ended; `None` while it runs.
    pub ended: Option<DateTime<Utc>>,
}

/// Where the Zoom counterpart stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeetingStatus {
    /// Not at Zoom yet.
    Pending,
    /// At Zoom, not begun.
    Scheduled,
    /// Runs.
    Started,
    /// Has run.
    Ended,
    /// Called off.
    Cancelled,
}

impl MeetingStatus {
    /// The word used in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Scheduled => "scheduled",
            Self::Started => "started",
            Self::Ended => "ended",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The planned time of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Planned start.
    pub start: DateTime<Utc>,
    /// Planned end.
    pub end: DateTime<Utc>,
}

impl Planned {
    /// Whether a run belongs to this booking: it overlaps the planned window, or opened shortly before it.
    #[must_use]
    pub fn covers(&self, run: &Run) -> bool {
        let opens = self.start - Duration::minutes(EARLY_OPEN_MINUTES);
        let began_in_time = run.started.is_none_or(|started| started < self.end);
        let reached_it = match (run.started, run.ended) {
            (_, Some(ended)) => ended > self.start,
            (Some(started), None) => started >= opens,
            (None, None) => false,
        };
        began_in_time && reached_it
    }

    /// Whether a run may turn out to belong to this booking: as [`Planned::covers`], and one whose end nobody has
    /// told yet may have gone on, however early it began.
    #[must_use]
    pub fn may_cover(&self, run: &Run) -> bool {
        let open = Run { started: run.started, ended: Some(run.ended.unwrap_or(DateTime::<Utc>::MAX_UTC)) };
        self.covers(&open)
    }
}

/// The meeting's status from its runs: a live run wins, then an ended one; else it waits.
#[must_use]
pub fn meeting_status(planned: &Planned, runs: &[Run], at_zoom: bool) -> MeetingStatus {
    let ours: Vec<&Run> = runs.iter().filter(|run| planned.covers(run)).collect();
    if ours.iter().any(|run| run.ended.is_none()) {
        MeetingStatus::Started
    } else if !ours.is_empty() {
        MeetingStatus::Ended
    } else if at_zoom {
        MeetingStatus::Scheduled
    } else {
        MeetingStatus::Pending
    }
}

/// What the runs make of a booking's status. `requested` and `cancelled` are the caller's word and stay;
/// `no_show` yields only to a run that turns up after all.
#[must_use]
pub fn appointment_status(current: AppointmentStatus, meeting: MeetingStatus) -> AppointmentStatus {
    match (current, meeting) {
        (AppointmentStatus::Requested | AppointmentStatus::Cancelled, _) => current,
        (_, MeetingStatus::Started) => AppointmentStatus::InProgress,
        (AppointmentStatus::NoShow, MeetingStatus::Ended) => current,
        (_, MeetingStatus::Ended) => AppointmentStatus::Completed,
        _ => current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
    }

    fn run(started: i64, ended: Option<i64>) -> Run {
        Run { started: Some(at(started)), ended: ended.map(at) }
    }

    const PLANNED: fn() -> Planned = || Planned { start: at(0), end: at(45) };

    #[test]
    fn a_night_visit_is_not_the_class() {
        let night = [run(-600, Some(-590))];
        assert_eq!(meeting_status(&PLANNED(), &night, true), MeetingStatus::Scheduled);
        assert_eq!(meeting_status(&PLANNED(), &[run(-600, None)], true), MeetingStatus::Scheduled);
        assert_eq!(meeting_status(&PLANNED(), &[run(300, Some(310))], true), MeetingStatus::Scheduled);
    }

    #[test]
    fn a_visit_whose_end_nobody_told_may_have_become_the_class() {
        let visit = run(-600, None);
        assert!(PLANNED().may_cover(&visit) && !PLANNED().covers(&visit));
        assert!(!PLANNED().may_cover(&run(46, None)), "it began after the end");
        assert!(!PLANNED().may_cover(&run(-600, Some(-590))));
        assert!(PLANNED().may_cover(&Run { started: None, ended: None }));
    }

    #[test]
    fn a_restart_makes_it_run_again_in_any_order() {
        let first = run(-2, Some(10));
        let second = run(12, None);
        for runs in [[first.clone(), second.clone()], [second, first]] {
            assert_eq!(meeting_status(&PLANNED(), &runs, true), MeetingStatus::Started);
        }
    }

    #[test]
    fn the_callers_cancel_stays_whatever_runs() {
        let status = appointment_status(AppointmentStatus::Cancelled, MeetingStatus::Started);
        assert_eq!(status, AppointmentStatus::Cancelled);
    }

    #[test]
    fn an_ended_run_completes_the_booking() {
        let meeting = meeting_status(&PLANNED(), &[run(0, Some(45))], true);
        assert_eq!(appointment_status(AppointmentStatus::Confirmed, meeting), AppointmentStatus::Completed);
    }
}
