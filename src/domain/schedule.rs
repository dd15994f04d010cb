//! When: wall time to instants, clashes of a host's bookings, and the next times they are free.

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, TimeZone, Utc};

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

/// The next `count` starts, from `wanted` on, at which as long a span clashes with none of `busy` and with none
/// of the starts before it.
#[must_use]
pub fn next_free(wanted: Span, busy: &[Span], padding: Duration, count: usize) -> Vec<DateTime<Utc>> {
    let length = wanted.until - wanted.from;
    let mut busy: Vec<Span> = busy.to_vec();
    busy.sort_by_key(|span| span.from);
    let mut free = Vec::with_capacity(count);
    let mut candidate = Span { from: on_grid(wanted.from), until: on_grid(wanted.from) + length };
    for taken in &busy {
        while free.len() < count && !taken.clashes(candidate, padding) && candidate.until <= taken.from {
            free.push(candidate.from);
            candidate = after(candidate, length, padding);
        }
        if taken.clashes(candidate, padding) {
            candidate = after(*taken, length, padding);
        }
    }
    while free.len() < count {
        free.push(candidate.from);
        candidate = after(candidate, length, padding);
    }
    free
}

/// The first span of this length after `span`.
fn after(span: Span, length: Duration, padding: Duration) -> Span {
    let from = on_grid(span.until + padding);
    Span { from, until: from + length }
}

/// The first time on the grid that is not before `at`.
fn on_grid(at: DateTime<Utc>) -> DateTime<Utc> {
    let grid = GRID_MINUTES * 60_000;
    let over = at.timestamp_millis().rem_euclid(grid);
    if over == 0 { at } else { at + Duration::milliseconds(grid - over) }
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

    #[test]
    fn the_next_free_starts_lie_in_the_gaps() {
        let busy = [span(0, 45), span(120, 60)];
        let free = next_free(span(10, 45), &busy, Duration::minutes(5), 3);
        assert_eq!(free, [span(50, 0).from, span(185, 0).from, span(235, 0).from]);
    }

    proptest! {
        #[test]
        fn a_proposed_start_never_clashes(
            wanted in (0_i64..2000, 1_i64..300),
            busy in prop::collection::vec((0_i64..2000, 1_i64..300), 0..20),
            padding in 0_i64..30,
        ) {
            let wanted = span(wanted.0, wanted.1);
            let padding = Duration::minutes(padding);
            let busy: Vec<Span> = busy.into_iter().map(|(from, minutes)| span(from, minutes)).collect();
            let free = next_free(wanted, &busy, padding, 3);
            prop_assert_eq!(free.len(), 3);
            prop_assert!(free.iter().all(|start| *start >= wanted.from));
            prop_assert!(free.is_sorted());
            for start in free {
                let proposed = Span { from: start, until: start + (wanted.until - wanted.from) };
                prop_assert!(!busy.iter().any(|taken| taken.clashes(proposed, padding)));
            }
        }

        #[test]
        fn clashing_is_mutual(a in (0_i64..500, 1_i64..90), b in (0_i64..500, 1_i64..90), padding in 0_i64..30) {
            let (a, b) = (span(a.0, a.1), span(b.0, b.1));
            let padding = Duration::minutes(padding);
            prop_assert_eq!(a.clashes(b, padding), b.clashes(a, padding));
        }
    }
}
