//! Reading Zoom's report of a run: when it is whole, how long to wait for it, and who judges in the end.
//!
//! Zoom answers page by page while it may still be counting, so a reading is believed only when nothing moved under
//! it: every page told the same total, as many rows came as were told, and none came on two pages. A reading that
//! moved is begun anew, and two in succession that agree are believed.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// The shortest and the longest wait between two attempts.
const WAIT_MIN: Duration = Duration::from_secs(60);
const WAIT_MAX: Duration = Duration::from_secs(6 * 3600);
/// One "I have none" may be false; the second is believed.
const WORDS_MIN: i64 = 2;
/// While Zoom cannot be asked, its report is waited for this many times as long, and asked for this often at least.
const SILENCE_FACTOR: u32 = 2;
const SILENCES_MIN: i64 = 5;
/// No meeting has more rows than this; a greater total is none.
const ROWS_MAX: usize = 60_000;

/// By what the marks of a class became final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgedBy {
    /// Zoom's report of every run.
    Report,
    /// The webhooks, where Zoom gave no report of a run.
    Webhooks,
    /// Zoom told of no run until `attendance.report_give_up`, and no webhook did.
    NoRun,
}

impl JudgedBy {
    /// The word for it in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Webhooks => "webhooks",
            Self::NoRun => "no_run",
        }
    }
}

/// The rows of a report, page by page.
#[derive(Debug)]
pub struct Pages<T> {
    rows: Vec<T>,
    /// On which page each row came first.
    seen: HashMap<T, usize>,
    /// Everything that came, doubled rows and unreadable ones included.
    came: usize,
    unreadable: usize,
    told: Option<usize>,
    moved: bool,
    pages: usize,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        let (rows, seen) = (Vec::new(), HashMap::new());
        Self { rows, seen, came: 0, unreadable: 0, told: None, moved: false, pages: 0 }
    }
}

/// A report read to its last page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole<T> {
    /// Each row once, in the order of their coming.
    pub rows: Vec<T>,
    /// Entries that were no rows.
    pub unreadable: usize,
    /// How many pages there were.
    pub pages: usize,
}

/// What a reading to the last page is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading<T> {
    /// It is the report.
    Whole(Whole<T>),
    /// The pages moved while they were read: worth something only when the next reading is the same.
    Moved(Whole<T>),
    /// Fewer rows came than were told.
    Short {
        /// How many came.
        came: usize,
        /// How many there should be.
        told: usize,
    },
    /// Nobody is in it.
    Empty,
}

impl<T: Clone + Eq + Hash> Pages<T> {
    /// Takes in a page: its rows (`None` for an entry that is no row) and the total that it tells; a total of 0 or
    /// less, or beyond any meeting, is none.
    pub fn take(&mut self, rows: impl IntoIterator<Item = Option<T>>, total: i64) {
        self.pages += 1;
        let told = usize::try_from(total).ok().filter(|told| (1..=ROWS_MAX).contains(told));
        self.moved |= self.pages > 1 && told != self.told;
        self.told = self.told.max(told);
        for row in rows {
            self.came += 1;
            let Some(row) = row else {
                self.unreadable += 1;
                continue;
            };
            match self.seen.get(&row) {
                Some(page) => self.moved |= *page != self.pages,
                None => {
                    self.seen.insert(row.clone(), self.pages);
                    self.rows.push(row);
                }
            }
        }
    }

    /// Everything is read.
    #[must_use]
    pub fn close(self) -> Reading<T> {
        if let Some(told) = self.told.filter(|told| self.came < *told) {
            return Reading::Short { came: self.came, told };
        }
        if self.rows.is_empty() {
            return Reading::Empty;
        }
        let whole = Whole { rows: self.rows, unreadable: self.unreadable, pages: self.pages };
        if self.moved { Reading::Moved(whole) } else { Reading::Whole(whole) }
    }
}

impl<T: Eq + Hash> Whole<T> {
    /// Whether another reading found the same rows.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let (mine, theirs): (HashSet<&T>, HashSet<&T>) =
            (self.rows.iter().collect(), other.rows.iter().collect());
        mine == theirs && self.unreadable == other.unreadable
    }
}

/// Why there is no report yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Zoom says that it has none, or not all of it.
    Word,
    /// Zoom could not be asked.
    Silence,
}

/// How long a report is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// After the first attempt; each further one waits twice as long, up to six hours.
    pub delay: Duration,
    /// From the end of the run; after it the webhooks have to do.
    pub give_up: Duration,
}

impl Patience {
    /// When to look again for the runs of a booking that ended at `end`: each look comes twice as long after the end
    /// as the one before, but no more than six hours later, and one when each of the limits is reached.
    #[must_use]
    pub fn look_again(&self, end: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        let shortest = self.delay.clamp(WAIT_MIN, WAIT_MAX);
        let wait = (now - end).to_std().unwrap_or_default().clamp(shortest, WAIT_MAX);
        let limits = [Why::Word, Why::Silence].map(|why| end + self.limit(why));
        let next = now + wait;
        limits.into_iter().find(|limit| *limit > now).map_or(next, |limit| limit.min(next))
    }

    /// Whether a booking that ended at `end` is waited for no longer.
    #[must_use]
    pub fn is_over(&self, end: DateTime<Utc>, now: DateTime<Utc>, why: Why) -> bool {
        now >= end + self.limit(why)
    }

    fn limit(&self, why: Why) -> Duration {
        match why {
            Why::Word => self.give_up,
            Why::Silence => self.give_up.saturating_mul(SILENCE_FACTOR),
        }
    }

    /// When to try again after the `attempts`th attempt, at `now`, for a run that ended at `ended`; `None` to give
    /// up. Only Zoom's word gives up in time: one that cannot be asked is waited for longer, but not for ever.
    #[must_use]
    pub fn next(
        &self,
        ended: DateTime<Utc>,
        now: DateTime<Utc>,
        attempts: i64,
        why: Why,
    ) -> Option<DateTime<Utc>> {
        let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(16);
        let wait = self.delay.saturating_mul(2_u32.saturating_pow(doublings)).clamp(WAIT_MIN, WAIT_MAX);
        let limit = ended + self.limit(why);
        let enough = match why {
            Why::Word => attempts >= WORDS_MIN,
            Why::Silence => attempts >= SILENCES_MIN,
        };
        match (now >= limit, enough) {
            (true, true) => None,
            (true, false) => Some(now + self.delay.clamp(WAIT_MIN, WAIT_MAX).min(wait)),
            // The last attempt is made when the time is over, not long after it.
            (false, _) => Some((now + wait).min(limit)),
        }
    }
}

#[cfg(test)]
mod tests;
