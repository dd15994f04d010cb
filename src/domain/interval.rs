//! Sets of half-open time intervals: the arithmetic under attendance.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The time from `start` up to, not including, `end`. Empty when `end` is not after `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Interval {
    /// The first instant.
    pub start: DateTime<Utc>,
    /// The first instant after it.
    pub end: DateTime<Utc>,
}

impl Interval {
    /// The time from `start` to `end`.
    #[must_use]
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Self {
        Self { start, end }
    }

    /// Whether there is no time in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }

    /// How long it is; never negative.
    #[must_use]
    pub fn length(&self) -> TimeDelta {
        (self.end - self.start).max(TimeDelta::zero())
    }

    /// Whether the two share any time.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        !self.intersection(other).is_empty()
    }

    /// The time in both; possibly empty.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }
    }
}

/// A set of instants, kept as sorted intervals that neither overlap nor touch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Interval>")]
pub struct IntervalSet(Vec<Interval>);

impl From<Vec<Interval>> for IntervalSet {
    /// Whatever was stored is sorted and united again.
    fn from(intervals: Vec<Interval>) -> Self {
        intervals.into_iter().collect()
    }
}

impl FromIterator<Interval> for IntervalSet {
    fn from_iter<I: IntoIterator<Item = Interval>>(intervals: I) -> Self {
        let mut sorted: Vec<Interval> = intervals.into_iter().filter(|i| !i.is_empty()).collect();
        sorted.sort_unstable();
        sorted.dedup_by(|next, kept| {
            let joined = next.start <= kept.end;
            if joined {
                kept.end = kept.end.max(next.end);
            }
            joined
        });
        Self(sorted)
    }
}

impl IntervalSet {
    /// The intervals, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Interval] {
        &self.0
    }

    /// Whether there is no time in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first instant.
    #[must_use]
    pub fn start(&self) -> Option<DateTime<Utc>> {
        self.0.first().map(|i| i.start)
    }

    /// The end of the last interval.
    #[must_use]
    pub fn end(&self) -> Option<DateTime<Utc>> {
        self.0.last().map(|i| i.end)
    }

    /// The time in all of it.
    #[must_use]
    pub fn total(&self) -> TimeDelta {
        self.0.iter().fold(TimeDelta::zero(), |sum, i| sum + i.length())
    }

    /// The time in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).copied().collect()
    }

    /// The part inside `bounds`.
    #[must_use]
    pub fn clip(&self, bounds: &Interval) -> Self {
        Self(self.0.iter().map(|i| i.intersection(bounds)).filter(|i| !i.is_empty()).collect())
    }

    /// The time in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        let (mut mine, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(a), Some(b)) = (mine.peek(), theirs.peek()) {
            let common = a.intersection(b);
            if !common.is_empty() {
                both.push(common);
            }
            // The one that ends first meets nothing more.
            if a.end <= b.end {
                mine.next()
            } else {
                theirs.next()
            };
        }
        Self(both)
    }

    /// The part that is not in `other`.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        let mut left = Vec::with_capacity(self.0.len());
        for interval in &self.0 {
            let mut rest = *interval;
            for hole in &other.0 {
                let before = Interval::new(rest.start, rest.end.min(hole.start));
                if !before.is_empty() {
                    left.push(before);
                }
                rest.start = rest.start.max(hole.end);
            }
            if !rest.is_empty() {
                left.push(rest);
            }
        }
        Self(left)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECONDS: i64 = 40;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn set(pairs: &[(i64, i64)]) -> IntervalSet {
        pairs.iter().map(|(start, end)| Interval::new(at(*start), at(*end))).collect()
    }

    /// The slow and obvious model: one flag a second.
    fn flags(pairs: &[(i64, i64)]) -> Vec<bool> {
        (0..SECONDS).map(|t| pairs.iter().any(|(start, end)| (*start..*end).contains(&t))).collect()
    }

    fn flags_of(set: &IntervalSet) -> Vec<bool> {
        let inside = |t: i64| set.as_slice().iter().any(|i| i.start <= at(t) && at(t) < i.end);
        (0..SECONDS).map(inside).collect()
    }

    fn pairs() -> impl Strategy<Value = Vec<(i64, i64)>> {
        proptest::collection::vec((0..SECONDS, 0..SECONDS), 0..8)
    }

    #[test]
    fn touching_intervals_become_one_and_empty_ones_vanish() {
        assert_eq!(set(&[(5, 9), (1, 5), (9, 9), (20, 10)]), set(&[(1, 9)]));
        assert_eq!(set(&[(1, 2), (3, 4)]).as_slice().len(), 2);
    }

    #[test]
    fn the_total_counts_no_instant_twice() {
        assert_eq!(set(&[(0, 10), (5, 15), (20, 21)]).total(), TimeDelta::seconds(16));
        assert_eq!(IntervalSet::default().total(), TimeDelta::zero());
    }

    proptest! {
        #[test]
        fn the_sets_agree_with_one_flag_a_second(a in pairs(), b in pairs(), bounds in (0..SECONDS, 0..SECONDS)) {
            let both = |f: fn(bool, bool) -> bool, x: &[(i64, i64)], y: &[(i64, i64)]| {
                flags(x).into_iter().zip(flags(y)).map(|(x, y)| f(x, y)).collect::<Vec<_>>()
            };
            prop_assert_eq!(flags_of(&set(&a)), flags(&a));
            prop_assert_eq!(flags_of(&set(&a).union(&set(&b))), both(|x, y| x || y, &a, &b));
            prop_assert_eq!(flags_of(&set(&a).subtract(&set(&b))), both(|x, y| x && !y, &a, &b));
            prop_assert_eq!(flags_of(&set(&a).intersection(&set(&b))), both(|x, y| x && y, &a, &b));
            let clipped = set(&a).clip(&Interval::new(at(bounds.0), at(bounds.1)));
            prop_assert_eq!(flags_of(&clipped), both(|x, y| x && y, &a, &[bounds]));
            let seconds = flags(&a).into_iter().filter(|inside| *inside).count();
            prop_assert_eq!(set(&a).total().num_seconds(), i64::try_from(seconds).unwrap());
        }

        #[test]
        fn equal_sets_of_time_are_equal_values(a in pairs(), b in pairs()) {
            prop_assert_eq!(set(&a) == set(&b), flags(&a) == flags(&b));
            let common = set(&a).intersection(&set(&b));
            prop_assert_eq!(&common, &common.union(&IntervalSet::default()));
            prop_assert_eq!(set(&a).subtract(&set(&b)), set(&a).subtract(&set(&b)).union(&IntervalSet::default()));
        }
    }
}
