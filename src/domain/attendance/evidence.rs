//! What a mark rests on, in a form that people can check and JSON can carry.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{EffectiveWindow, MatchedBy};
use crate::domain::connection::{Room, Source};
use crate::domain::interval::{Interval, IntervalSet};
use crate::domain::rules::CountedTime;

/// Everything that made a mark. What is stored is read again by [`Evidence`]'s own `Deserialize`; parts that are
/// younger than a stored mark are empty then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The rules, such as `standard@1`.
    pub rules: String,
    /// What was found, in one word.
    pub finding: Finding,
    /// The booking's time.
    pub planned: Interval,
    /// The time that attendance was measured by.
    pub window: EffectiveWindow,
    /// Why the window is what it is.
    #[serde(default)]
    pub window_reason: WindowReason,
    /// What the hosts did.
    #[serde(default)]
    pub host: HostEvidence,
    /// The person's connections, counted or not.
    pub connections: Vec<ConnectionEvidence>,
    /// The time attended: united, without waiting rooms, inside the window.
    pub attended: IntervalSet,
    /// The part of it with a host; for a host, with an attendee.
    #[serde(default)]
    pub together: IntervalSet,
    /// The numbers.
    pub arithmetic: Arithmetic,
}

/// Why the effective window is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WindowReason {
    /// Why it begins then.
    pub start: StartReason,
    /// Why it ends then.
    pub end: EndReason,
}

/// Why an effective window begins when it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartReason {
    /// As planned.
    #[default]
    Planned,
    /// The first host came later than planned.
    HostOpenedLate,
    /// No host came, and the meeting itself began later than planned.
    OpenedLate,
}

/// Why an effective window ends when it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// As planned.
    #[default]
    Planned,
    /// The last run of the meeting ended before.
    ClosedEarly,
}

/// What the hosts did, as far as it concerns everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostEvidence {
    /// Whether a host is on the roster at all.
    pub expected: bool,
    /// The first moment of a host in a run of this lesson, possibly before the planned start.
    pub opened: Option<DateTime<Utc>>,
    /// How long after the planned start that was; 0 in time or before.
    pub late_by_seconds: Option<i64>,
}

/// What was found of a person: an absence has reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// They were in the meeting during the window.
    Attended,
    /// They were in the meeting, but before or after the window only.
    OutsideWindow,
    /// They came as far as the waiting room.
    NeverAdmitted,
    /// Nothing that counts was seen of them.
    NotSeen,
}

/// One connection as evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectionEvidence {
    /// The instance's UUID.
    pub instance: String,
    /// Who says so.
    pub source: Source,
    /// Where.
    pub room: Room,
    /// When it began, as told.
    pub joined: Option<DateTime<Utc>>,
    /// When it ended, as told.
    pub left: Option<DateTime<Utc>>,
    /// The time it was taken for, where a missing time had to be closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_as: Option<Interval>,
    /// Whether it gave time to the mark.
    pub counted: bool,
    /// What the person was recognised by.
    pub matched_by: MatchedBy,
    /// The value they were recognised by: personal data, to be erased with the person.
    pub identity: String,
}

/// The numbers of a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arithmetic {
    /// What of the time below made the mark and the score.
    #[serde(default)]
    pub counted_time: CountedTime,
    /// Attended time in whole seconds.
    pub attended_seconds: i64,
    /// The part of it together with a host; for a host, with an attendee.
    #[serde(default)]
    pub together_seconds: i64,
    /// The effective window's length.
    pub window_seconds: i64,
    /// The counted time from which the rules say present.
    pub needed_seconds: i64,
    /// How long after the effective start they came; `None` when they did not.
    pub late_by_seconds: Option<i64>,
    /// How long before the effective end they went; `None` when they were not there.
    pub left_before_end_seconds: Option<i64>,
}
