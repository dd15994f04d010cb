//! From connections to marks: who was there, how long, and by what evidence.
//!
//! [`assess`] is one pure function over everything known about a booking. The steps have a file each:
//! `window` (when was there a lesson?), `presence` (when was each person in it?), `mark` (what does that make
//! them?), `evidence` (and how can anybody check it?).
//!
//! What counts:
//! - Where the report of an instance is complete, its rows replace the webhooks' of that instance. Zoom makes no
//!   report for somebody alone in a meeting, so a complete report without rows replaces nothing.
//! - A report still being read counts nothing: half a report would mark people absent who are on page two.
//! - The calling system's own buttons (`Source::App`) prove an intention, not an admission: they count only where
//!   no run of the meeting is known and nothing else of the person, and only with both times. They are always shown.
//! - What the staff entered (`Source::Hand`) always counts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use super::identity::MatchedBy;
pub use super::rules::{CountedTime, PresentNeeds, Rules, Thresholds};

use super::connection::{Connection, ConnectionId};
use super::identity::{Directory, Who};
use super::interval::Interval;

mod evidence;
mod hosts;
mod mark;
mod presence;
mod runs;
mod signs;
#[cfg(test)]
mod tests;
mod waiting;
mod window;

pub use evidence::{
    Arithmetic, ConnectionEvidence, EndReason, Evidence, Finding, HostEvidence, StartReason, WindowReason,
};

use hosts::Hosts;
use mark::Measure;
use presence::{Held, Presence};
use runs::Runs;

/// A person who is expected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RosterPerson {
    /// Our `ref` of the person.
    pub person: String,
    /// The name that the calling system told us.
    pub name: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The Zoom account's id.
    pub zoom_user_id: Option<String>,
    /// The registrations of this person for this meeting.
    pub registrant_ids: Vec<String>,
    /// Whether they host; hosts are assessed apart.
    pub host: bool,
}

/// One run of the meeting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstanceSpan {
    /// The instance's UUID.
    pub uuid: String,
    /// The actual start, once known.
    pub started: Option<DateTime<Utc>>,
    /// The actual end, once known.
    pub ended: Option<DateTime<Utc>>,
    /// Whether Zoom's report of it has been read to the last page.
    pub report_complete: bool,
}

/// Everything an assessment looks at.
#[derive(Debug, Clone, Copy)]
pub struct Assessment<'a> {
    /// The booking's start.
    pub planned_start: DateTime<Utc>,
    /// The booking's end.
    pub planned_end: DateTime<Utc>,
    /// The present: how long those who are still there have been there. Nothing else depends on it.
    pub as_of: DateTime<Utc>,
    /// Who is expected, hosts included.
    pub roster: &'a [RosterPerson],
    /// The runs of the meeting.
    pub instances: &'a [InstanceSpan],
    /// What is known about who was where.
    pub connections: &'a [Connection],
    /// What the staff settled: a connection's identity (`identity::settlement_key`) to a person.
    pub settled: &'a BTreeMap<String, String>,
    /// The thresholds.
    pub rules: &'a Rules,
}

/// What a person's attendance comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkStatus {
    /// There long enough, and in time.
    Present,
    /// There long enough, but came late.
    Late,
    /// There, but not long enough.
    Partial,
    /// Not there.
    Absent,
    /// Not expected to be there; given by hand only.
    Excused,
}

impl MarkStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Present, Self::Late, Self::Partial, Self::Absent, Self::Excused];

    /// The word for it in the database and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Late => "late",
            Self::Partial => "partial",
            Self::Absent => "absent",
            Self::Excused => "excused",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// One person's mark and its proof.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// Our `ref` of the person.
    pub person: String,
    /// Present, late, partial or absent.
    pub status: MarkStatus,
    /// Counted time by effective window, in thousandths, rounded half up.
    pub score_milli: i64,
    /// The time that counts, in whole seconds: attended or, where the rules ask for it, together with a host.
    pub attended_secs: i64,
    /// When they first came in, waiting rooms aside; possibly before the window. `None` when absent.
    pub first_join: Option<DateTime<Utc>>,
    /// When they left; possibly after the window. `None` when absent, or still there.
    pub last_leave: Option<DateTime<Utc>>,
    /// Whether they were there but left before the end.
    pub left_early: bool,
    /// Whether hosts were expected and none came.
    pub host_absent: bool,
    /// Whether the first host came later than the rules allow a host to.
    pub host_late: bool,
    /// Whether the mark says something about the person: rates leave it out where it does not, because the host
    /// was absent, or so late or short that the mark may be their doing.
    pub held_against: bool,
    /// The time in the effective window when a host and this attendee were both in, in whole seconds; for a host,
    /// the time with any attendee.
    pub together_secs: i64,
    /// How it was found.
    pub evidence: Evidence,
}

/// The time that attendance is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectiveWindow {
    /// The planned start, or later when the host opened late.
    pub start: DateTime<Utc>,
    /// The planned end, or earlier when the meeting was closed early.
    pub end: DateTime<Utc>,
}

/// What an assessment found.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessed {
    /// The time that attendance was measured by.
    pub window: EffectiveWindow,
    /// The marks, in the roster's order, without hosts.
    pub marks: Vec<Mark>,
    /// The hosts, assessed alike but never counted.
    pub hosts: Vec<Mark>,
    /// Which connection is whose, and by what.
    pub matched: Vec<(ConnectionId, String, MatchedBy)>,
    /// Connections of nobody we know.
    pub unmatched: Vec<ConnectionId>,
    /// Whether Zoom's reports may still change the marks.
    pub provisional: bool,
}

/// Assesses everybody on the roster.
#[must_use]
pub fn assess(a: &Assessment<'_>) -> Assessed {
    let planned = Interval::new(a.planned_start, a.planned_end);
    let runs = Runs::new(a);
    let Sorted { held, matched, unmatched } = sort_out(a, &runs);
    let presences: Vec<Presence> =
        held.iter().map(|held| Presence::new(held, runs.is_silent(), &planned, a.as_of)).collect();

    let hosts = Hosts::of(a, &presences);
    let (window, reason) = window::effective(planned, &runs, hosts.came);
    let company = hosts.company(&window.interval(), a, &presences);

    let measure = Measure { planned, window, reason, rules: a.rules, company: &company };
    let (mut marks, mut host_marks) = (Vec::with_capacity(a.roster.len()), Vec::new());
    for ((person, held), presence) in a.roster.iter().zip(&held).zip(&presences) {
        let list = if person.host { &mut host_marks } else { &mut marks };
        list.push(measure.mark(person, held, presence));
    }
    Assessed { window, marks, hosts: host_marks, matched, unmatched, provisional: runs.await_reports() }
}

/// The connections, by whose they are.
struct Sorted<'a> {
    /// By place on the roster.
    held: Vec<Vec<Held<'a>>>,
    matched: Vec<(ConnectionId, String, MatchedBy)>,
    unmatched: Vec<ConnectionId>,
}

fn sort_out<'a>(a: &Assessment<'a>, runs: &Runs<'a>) -> Sorted<'a> {
    let directory = Directory::new(a.roster, a.settled);
    let mut held: Vec<Vec<Held<'a>>> = vec![Vec::new(); a.roster.len()];
    let (mut matched, mut unmatched) = (Vec::with_capacity(a.connections.len()), Vec::new());
    for connection in a.connections {
        match directory.recognise(connection) {
            None => unmatched.push(connection.id()),
            Some((Who::Elsewhere(person), by)) => matched.push((connection.id(), person.to_owned(), by)),
            Some((Who::OnRoster(place), by)) => {
                if let (Some(person), Some(held)) = (a.roster.get(place), held.get_mut(place)) {
                    matched.push((connection.id(), person.person.clone(), by));
                    held.push(Held { connection, run: runs.of(connection), by });
                }
            }
        }
    }
    for held in &mut held {
        held.sort_unstable_by(|a, b| a.reading_order().cmp(&b.reading_order()));
        // What is told twice (a row on two pages of a report) is shown once.
        held.dedup_by(|a, b| a.connection == b.connection);
    }
    Sorted { held, matched, unmatched }
}
