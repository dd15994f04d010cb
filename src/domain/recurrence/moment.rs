//! The end of a rule and its exceptions: an instant, a wall time, or a whole day.

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use super::Occurrence;

/// Zones are less than this away from UTC (the farthest is 14 hours ahead).
const OFFSET_MAX: Duration = Duration::days(1);

/// A time as a rule can name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// An instant.
    Instant(DateTime<Utc>),
    /// A time on the clock on the wall, in the zone of the series.
    Wall(NaiveDateTime),
    /// A day there.
    Day(NaiveDate),
}

impl Moment {
    /// Reads the compact form of RFC 5545: `20270331`, `20270331T100000`, `20270331T080000Z`.
    pub(super) fn compact(text: &str) -> Option<Self> {
        let wall = |text: &str| NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").ok();
        if let Some(utc) = text.strip_suffix('Z') {
            return wall(utc).map(|at| Self::Instant(at.and_utc()));
        }
        // The parser would take a shorter year.
        if text.len() == 8 {
            return NaiveDate::parse_from_str(text, "%Y%m%d").ok().map(Self::Day);
        }
        wall(text).map(Self::Wall)
    }

    /// Whether this names the occurrence.
    #[must_use]
    pub fn names(self, occurrence: &Occurrence) -> bool {
        match self {
            Self::Instant(at) => at == occurrence.landed.at,
            Self::Wall(wall) => wall == occurrence.wall,
            Self::Day(day) => day == occurrence.wall.date(),
        }
    }

    /// Whether the occurrence comes no later than this.
    pub(super) fn not_before(self, occurrence: &Occurrence) -> bool {
        match self {
            Self::Instant(at) => occurrence.landed.at <= at,
            Self::Wall(wall) => occurrence.wall <= wall,
            Self::Day(day) => occurrence.wall.date() <= day,
        }
    }

    /// No occurrence up to this has a later wall time.
    pub(super) fn horizon(self) -> NaiveDateTime {
        let far = NaiveDateTime::MAX;
        match self {
            Self::Instant(at) => at.naive_utc().checked_add_signed(OFFSET_MAX).unwrap_or(far),
            Self::Wall(wall) => wall,
            Self::Day(day) => day.succ_opt().map_or(far, |next| next.and_time(NaiveTime::MIN)),
        }
    }
}
