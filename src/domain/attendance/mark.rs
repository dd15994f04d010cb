//! What a person's time in the meeting comes to.

use chrono::TimeDelta;

use super::evidence::{Arithmetic, ConnectionEvidence, Evidence, Finding, WindowReason};
use super::hosts::Company;
use super::presence::{Held, Presence};
use super::{EffectiveWindow, Mark, MarkStatus, RosterPerson};
use crate::domain::identity;
use crate::domain::interval::{Interval, IntervalSet};
use crate::domain::rules::{CountedTime, Rules};

/// What all marks of one assessment have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure<'a> {
    pub(super) planned: Interval,
    pub(super) window: EffectiveWindow,
    pub(super) reason: WindowReason,
    pub(super) rules: &'a Rules,
    pub(super) company: &'a Company,
}

impl Measure<'_> {
    /// One person's mark.
    pub(super) fn mark(&self, person: &RosterPerson, held: &[Held<'_>], presence: &Presence) -> Mark {
        let window = self.window.interval();
        let attended = presence.time.clip(&window);
        let together = self.company.of(person, &attended);
        let counted_time = self.counted_time(person);
        let counted = match counted_time {
            CountedTime::Attended => attended.total(),
            CountedTime::Together => together.total(),
        };
        let needed = self.rules.needed(window.length());
        let late_by = attended.start().map(|came| came - window.start);
        let early_by = attended.end().map(|went| window.end - went);
        let left_early = early_by.is_some_and(|by| by > self.rules.left_early(window.length()));
        let (first_join, last_leave) = first_and_last(&presence.time, &window);
        let late_after = self.rules.late_after(window.length());
        let status = status(counted, needed, late_by, late_after);
        let enough = attended.total() >= needed;
        Mark {
            person: person.person.clone(),
            status,
            score_milli: score_milli(counted, window.length()),
            attended_secs: counted.num_seconds(),
            first_join,
            last_leave: last_leave.filter(|_| !presence.still_there),
            left_early: !presence.still_there && left_early,
            host_absent: self.company.absent,
            host_late: self.company.late,
            held_against: person.host || !self.excused_by_host(status, enough),
            together_secs: together.total().num_seconds(),
            evidence: Evidence {
                rules: self.rules.label(),
                finding: finding(&attended, presence),
                planned: self.planned,
                window: self.window,
                window_reason: self.reason,
                host: self.company.evidence,
                connections: connections(held, presence, &window),
                arithmetic: Arithmetic {
                    counted_time,
                    attended_seconds: attended.total().num_seconds(),
                    together_seconds: together.total().num_seconds(),
                    window_seconds: window.length().num_seconds(),
                    needed_seconds: needed.num_seconds(),
                    late_by_seconds: late_by.map(|by| by.num_seconds()),
                    left_before_end_seconds: early_by.map(|by| by.num_seconds()),
                },
                attended,
                together,
            },
        }
    }

    /// Time together is asked of attendees who have a host to be together with; hosts have their own.
    fn counted_time(&self, person: &RosterPerson) -> CountedTime {
        if self.rules.count_together() && self.company.evidence.expected && !person.host {
            CountedTime::Together
        } else {
            CountedTime::Attended
        }
    }

    /// Whether the hosts may be the reason for an attendee's mark. A lesson without a host says nothing about
    /// anybody; a late host may have sent away those who came in time; and where only time together counts,
    /// who was there long enough and is short of it lacked the host.
    fn excused_by_host(&self, status: MarkStatus, enough: bool) -> bool {
        let short = matches!(status, MarkStatus::Absent | MarkStatus::Partial);
        self.company.absent || (short && (self.company.late || enough))
    }
}

/// Who was in the meeting at all is never absent, however little of it counts.
fn status(
    counted: TimeDelta,
    needed: TimeDelta,
    late_by: Option<TimeDelta>,
    late_after: TimeDelta,
) -> MarkStatus {
    match late_by {
        None => MarkStatus::Absent,
        Some(_) if counted < needed => MarkStatus::Partial,
        Some(by) if by > late_after => MarkStatus::Late,
        Some(_) => MarkStatus::Present,
    }
}

/// The attended part of the window in thousandths, rounded half up.
fn score_milli(attended: TimeDelta, window: TimeDelta) -> i64 {
    let (attended, window) = (i128::from(attended.num_milliseconds()), i128::from(window.num_milliseconds()));
    if window <= 0 {
        return 0;
    }
    i64::try_from((2000 * attended + window) / (2 * window)).unwrap_or(1000)
}

/// When the stays that reach into the window began and ended.
fn first_and_last(
    time: &IntervalSet,
    window: &Interval,
) -> (Option<chrono::DateTime<chrono::Utc>>, Option<chrono::DateTime<chrono::Utc>>) {
    let mut inside = time.as_slice().iter().filter(|stay| stay.overlaps(window));
    let first = inside.next();
    let last = inside.next_back().or(first);
    (first.map(|stay| stay.start), last.map(|stay| stay.end))
}

fn finding(attended: &IntervalSet, presence: &Presence) -> Finding {
    if !attended.is_empty() {
        Finding::Attended
    } else if !presence.time.is_empty() {
        Finding::OutsideWindow
    } else if presence.waited {
        Finding::NeverAdmitted
    } else {
        Finding::NotSeen
    }
}

fn connections(held: &[Held<'_>], presence: &Presence, window: &Interval) -> Vec<ConnectionEvidence> {
    held.iter()
        .zip(&presence.stays)
        .map(|(Held { connection, by, .. }, stay)| ConnectionEvidence {
            instance: connection.instance.clone(),
            source: connection.source,
            room: connection.room,
            joined: connection.join_time,
            left: connection.leave_time,
            taken_as: stay.filter(|stay| {
                (connection.join_time, connection.leave_time) != (Some(stay.start), Some(stay.end))
            }),
            counted: stay.is_some_and(|stay| stay.overlaps(window)),
            matched_by: *by,
            identity: identity::shown_identity(connection, *by),
        })
        .collect()
}
