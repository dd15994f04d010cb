//! When: wall time to instants, and stretches of time that clash. Who is free then is the business of [`super::seats`].

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, SubsecRound, TimeZone, Utc};

/// Proposed starts fall on this grid, as people plan.
const GRID_MINUTES: i64 = 5;

/// A wall time as an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// The instant.
    pub at: DateTime<Utc>,
    /// The wall time comes twice that day; this is the earlier.
    pub twice: bool,
}

/// The instant of a wall time in `zone`; `None` when the clocks jump over it.
pub fn resolve<Z: TimeZone>(wall: NaiveDateTime, zone: &Z) -> Option<Resolved> {
    match zone.from_local_datetime(&wall) {
        LocalResult::Single(at) => Some(Resolved { at: at.with_timezone(&Utc), twice: false }),
        LocalResult::Ambiguous(one, other) => {
            Some(Resolved { at: one.with_timezone(&Utc).min(other.with_timezone(&Utc)), twice: true })
        }
        LocalResult::None => None,
    }
}

/// A stretch of time, without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When it starts.
    pub from: DateTime<Utc>,
    /// When it is over.
    pub until: DateTime<Utc>,
}

impl Span {
    /// `minutes` from `from` on.
    #[must_use]
    pub fn of_minutes(from: DateTime<Utc>, minutes: i64) -> Self {
        Self { from, until: from + Duration::minutes(minutes) }
    }

    /// This span with `padding` on both sides.
    #[must_use]
    pub fn padded(self, padding: Duration) -> Self {
        Self { from: self.from - padding, until: self.until + padding }
    }

    /// Whether two spans are nearer to each other than `padding`.
    #[must_use]
    pub fn clashes(self, other: Self, padding: Duration) -> bool {
        let padded = self.padded(padding);
        padded.from < other.until && other.from < padded.until
    }
}

/// The first time on the grid that is not before `at`.
#[must_use]
pub fn on_grid(at: DateTime<Utc>) -> DateTime<Utc> {
    let earlier = earlier_on_grid(at);
    if earlier == at { at } else { earlier + Duration::minutes(GRID_MINUTES) }
}

/// The last time on the grid that is not after `at`.
#[must_use]
pub fn earlier_on_grid(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(0) - Duration::seconds(at.timestamp().rem_euclid(GRID_MINUTES * 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;
    use chrono_tz::Europe::Berlin;
    use proptest::prelude::*;

    fn wall(month: u32, day: u32, hour: u32, minute: u32) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2026, month, day).unwrap().and_hms_opt(hour, minute, 0).unwrap()
    }

    #[test]
    fn a_wall_time_in_the_spring_gap_does_not_exist() {
        assert_eq!(resolve(wall(3, 29, 2, 30), &Berlin), None);
        assert_eq!(resolve(wall(3, 29, 3, 0), &Berlin).unwrap().at.to_rfc3339(), "2026-03-29T01:00:00+00:00");
    }

    #[test]
    fn a_wall_time_that_comes_twice_is_the_earlier() {
        let resolved = resolve(wall(10, 25, 2, 30), &Berlin).unwrap();
        assert!(resolved.twice);
        assert_eq!(resolved.at.to_rfc3339(), "2026-10-25T00:30:00+00:00");
    }

    fn span(from: i64, minutes: i64) -> Span {
        Span::of_minutes(DateTime::from_timestamp(1_800_000_000 + from * 60, 0).unwrap(), minutes)
    }

    #[test]
    fn bookings_that_only_touch_clash_when_a_pause_is_wanted() {
        assert!(!span(0, 45).clashes(span(45, 45), Duration::zero()));
        assert!(span(0, 45).clashes(span(45, 45), Duration::minutes(5)));
        assert!(!span(0, 45).clashes(span(50, 45), Duration::minutes(5)));
    }

    proptest! {
        #[test]
        fn clashing_is_mutual(a in (0_i64..500, 1_i64..90), b in (0_i64..500, 1_i64..90), padding in 0_i64..30) {
            let (a, b) = (span(a.0, a.1), span(b.0, b.1));
            let padding = Duration::minutes(padding);
            prop_assert_eq!(a.clashes(b, padding), b.clashes(a, padding));
        }
    }
}
