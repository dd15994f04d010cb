//! What the hosts did, and what everybody's mark makes of it.

use chrono::{DateTime, Utc};

use super::evidence::HostEvidence;
use super::presence::Presence;
use super::{Assessment, RosterPerson};
use crate::domain::interval::{Interval, IntervalSet};

/// The hosts of the lesson.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hosts {
    /// Whether any is on the roster.
    pub(super) expected: bool,
    /// Their first moment in a run of this lesson.
    pub(super) came: Option<DateTime<Utc>>,
}

impl Hosts {
    pub(super) fn of(a: &Assessment<'_>, presences: &[Presence]) -> Self {
        Self {
            expected: a.roster.iter().any(|person| person.host),
            came: of_kind(a, presences, true).filter_map(|host| host.came).min(),
        }
    }

    /// Who kept whom company inside the window.
    pub(super) fn company(self, window: &Interval, a: &Assessment<'_>, presences: &[Presence]) -> Company {
        let time_of = |hosts| united(of_kind(a, presences, hosts), window);
        let hosts = time_of(true);
        let late_by = self.came.map(|came| (came - a.planned_start).max(chrono::TimeDelta::zero()));
        let absent = self.expected && hosts.is_empty();
        Company {
            evidence: HostEvidence {
                expected: self.expected,
                opened: self.came,
                late_by_seconds: late_by.map(|by| by.num_seconds()),
            },
            absent,
            late: !absent && late_by.is_some_and(|by| by > a.rules.host_late()),
            // Without a host there is no time together, whoever was there.
            attendees: if hosts.is_empty() { IntervalSet::default() } else { time_of(false) },
            hosts,
        }
    }
}

/// The time of hosts and of attendees inside the window.
#[derive(Debug)]
pub(super) struct Company {
    pub(super) evidence: HostEvidence,
    /// Hosts were expected and none was there during the window.
    pub(super) absent: bool,
    /// The first host came later than the rules allow.
    pub(super) late: bool,
    hosts: IntervalSet,
    attendees: IntervalSet,
}

impl Company {
    /// The part of `attended` that the person spent with a host; a host, with an attendee.
    pub(super) fn of(&self, person: &RosterPerson, attended: &IntervalSet) -> IntervalSet {
        attended.intersection(if person.host { &self.attendees } else { &self.hosts })
    }
}

fn of_kind<'a>(
    a: &'a Assessment<'_>,
    presences: &'a [Presence],
    hosts: bool,
) -> impl Iterator<Item = &'a Presence> {
    a.roster
        .iter()
        .zip(presences)
        .filter(move |(person, _)| person.host == hosts)
        .map(|(_, presence)| presence)
}

fn united<'a>(presences: impl Iterator<Item = &'a Presence>, window: &Interval) -> IntervalSet {
    let stays = presences.flat_map(|presence| presence.time.as_slice());
    stays.map(|stay| stay.intersection(window)).collect()
}
