//! What a mark rests on, in a form that people can check and JSON can carry.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{EffectiveWindow, MatchedBy};
use crate::domain::connection::{Room, Source};
use crate::domain::interval::IntervalSet;

/// Everything that made a mark.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// The rules, such as `standard@1`.
    pub rules: String,
    /// The time that attendance was measured by.
    pub window: EffectiveWindow,
    /// The person's connections, counted or not.
    pub connections: Vec<ConnectionEvidence>,
    /// The time counted: united, without waiting rooms, inside the window.
    pub attended: IntervalSet,
    /// The numbers.
    pub arithmetic: Arithmetic,
}

/// One connection as evidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// Whether it counted (or, in the waiting room, was taken off).
    pub counted: bool,
    /// What the person was recognised by.
    pub matched_by: MatchedBy,
    /// The value they were recognised by.
    pub identity: String,
}

/// The numbers of a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Arithmetic {
    /// Attended time in whole seconds.
    pub attended_seconds: i64,
    /// The effective window's length.
    pub window_seconds: i64,
    /// The attended time from which the rules say present.
    pub needed_seconds: i64,
    /// How long after the effective start they came; `None` when they did not.
    pub late_by_seconds: Option<i64>,
    /// How long before the effective end they went; `None` when they were not there.
    pub left_before_end_seconds: Option<i64>,
}
