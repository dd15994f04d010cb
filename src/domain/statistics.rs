//! What many marks come to: counts, and the rate of attendance.
//!
//! The rate is the share of those who were there (present or late) among the marks that count. A mark counts when it is
//! held against its person (nobody can attend what the host did not open) and when they were not excused. `partial` is
//! no attendance: whoever was there long enough is `present` or `late` by the rules.

use super::attendance::MarkStatus;

/// Whether a mark goes into rates.
#[must_use]
pub fn counts(status: MarkStatus, held_against: bool) -> bool {
    held_against && status != MarkStatus::Excused
}

/// Whether a mark says that its person was in the meeting at all.
#[must_use]
pub fn was_there(status: MarkStatus) -> bool {
    matches!(status, MarkStatus::Present | MarkStatus::Late | MarkStatus::Partial)
}

/// How many marks there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// There long enough, and in time.
    pub present: i64,
    /// There long enough, but late.
    pub late: i64,
    /// There, but not long enough.
    pub partial: i64,
    /// Not there.
    pub absent: i64,
    /// Excused by hand.
    pub excused: i64,
    /// Of all of these, those that count in the rate …
    pub counted: i64,
    /// … and of those that count, those who were there.
    pub attended: i64,
}

impl Tally {
    /// Adds `count` marks of one kind; a status that is no word of ours adds nothing.
    pub fn add(&mut self, status: &str, held_against: bool, count: i64) {
        let Some(status) = MarkStatus::parse(status) else { return };
        let kind = match status {
            MarkStatus::Present => &mut self.present,
            MarkStatus::Late => &mut self.late,
            MarkStatus::Partial => &mut self.partial,
            MarkStatus::Absent => &mut self.absent,
            MarkStatus::Excused => &mut self.excused,
        };
        *kind += count;
        if counts(status, held_against) {
            self.counted += count;
            if matches!(status, MarkStatus::Present | MarkStatus::Late) {
                self.attended += count;
            }
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        self.present += other.present;
        self.late += other.late;
        self.partial += other.partial;
        self.absent += other.absent;
        self.excused += other.excused;
        self.counted += other.counted;
        self.attended += other.attended;
    }

    /// All marks.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.present + self.late + self.partial + self.absent + self.excused
    }

    /// Those whose person was in the meeting at all.
    #[must_use]
    pub fn were_there(&self) -> i64 {
        self.present + self.late + self.partial
    }

    /// The rate of attendance in per cent, with one decimal; `None` where nothing counts.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        per_cent(self.attended, self.counted)
    }
}

/// `part` of `whole` in per cent, with one decimal; `None` of nothing.
#[must_use]
pub fn per_cent(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| (1000.0 * part as f64 / whole as f64).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_rate_leaves_out_who_was_excused_and_what_is_nobodys_fault() {
        let mut tally = Tally::default();
        for (status, held_against) in [
            ("present", true),
            ("late", true),
            ("partial", true),
            ("excused", true),
            ("absent", false),
            ("present", false),
        ] {
            tally.add(status, held_against, 1);
        }
        assert_eq!((tally.total(), tally.counted, tally.attended), (6, 3, 2));
        assert_eq!(tally.rate(), Some(66.7));
    }

    #[test]
    fn where_nothing_counts_there_is_no_rate() {
        let mut tally = Tally::default();
        assert_eq!(tally.rate(), None);
        tally.add("absent", false, 25);
        tally.add("nonsense", true, 3);
        assert_eq!((tally.rate(), tally.absent, tally.total()), (None, 25, 25));
    }

    proptest! {
        #[test]
        fn a_rate_is_a_share_and_the_order_of_counting_is_nothing(
            marks in prop::collection::vec((prop::sample::select(MarkStatus::ALL.to_vec()), any::<bool>()), 0..60),
            cut in 0usize..60,
        ) {
            let cut = cut.min(marks.len());
            let of = |marks: &[(MarkStatus, bool)]| {
                let mut tally = Tally::default();
                marks.iter().for_each(|(status, held)| tally.add(status.as_str(), *held, 1));
                tally
            };
            let mut parts = of(&marks[cut..]);
            parts.merge(&of(&marks[..cut]));
            prop_assert_eq!(parts, of(&marks));
            // The obvious way.
            let counting: Vec<_> = marks.iter().filter(|(status, held)| *held && *status != MarkStatus::Excused).collect();
            let there = counting.iter().filter(|(s, _)| *s == MarkStatus::Present || *s == MarkStatus::Late).count();
            let rate = (!counting.is_empty()).then(|| (there as f64 / counting.len() as f64 * 1000.0).round() / 10.0);
            prop_assert_eq!(parts.rate(), rate);
            prop_assert!(parts.rate().is_none_or(|rate| (0.0..=100.0).contains(&rate)));
        }
    }
}
