//! The rules of attendance: named, versioned thresholds. A mark names the rules it was made by.
//!
//! [`Rules`] answers the questions that scoring asks; what a set of rules may say is in `thresholds`.

use chrono::TimeDelta;
use serde::Serialize;

mod thresholds;

pub use thresholds::{CountedTime, PresentNeeds, RulesError, Thresholds};

/// The thresholds that turn attended time into a mark. Shares are parts of the effective window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rules {
    /// The name, such as `standard`.
    pub name: String,
    /// The version; every change makes a new one.
    pub version: i64,
    /// The thresholds.
    #[serde(flatten)]
    pub thresholds: Thresholds,
}

impl Rules {
    /// The rules that hold where nothing else is said, with the house's thresholds.
    #[must_use]
    pub fn standard(thresholds: Thresholds) -> Self {
        Self { name: "standard".to_owned(), version: 1, thresholds }
    }

    /// How marks name these rules: `standard@1`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// The name and the version in a label; a name may have an `@` of its own.
    #[must_use]
    pub fn parse_label(label: &str) -> Option<(&str, i64)> {
        let (name, version) = label.rsplit_once('@')?;
        Some((name, version.parse().ok()?))
    }

    /// The attended time from which somebody is present in a window of that length.
    ///
    /// A needed time of zero would make absent people present; at least a millisecond is asked.
    #[must_use]
    pub fn needed(&self, window: TimeDelta) -> TimeDelta {
        let asked = &self.thresholds;
        let (time, share) = (minutes(asked.present_after_minutes), share_of(window, asked.present_share));
        let needed = match asked.present_needs {
            PresentNeeds::Either => time.min(share),
            PresentNeeds::Both => time.max(share),
            PresentNeeds::Minutes => time,
            PresentNeeds::Share => share,
        };
        let most = share_of(window, asked.present_at_most_share);
        needed.max(minutes(asked.present_at_least_minutes)).min(most).max(TimeDelta::milliseconds(1))
    }

    /// How long after the effective start an admission is still in time.
    #[must_use]
    pub fn late_after(&self, window: TimeDelta) -> TimeDelta {
        lesser(self.thresholds.late_after_minutes, self.thresholds.late_after_share, window)
    }

    /// How long before the effective end a departure is still no early one.
    #[must_use]
    pub fn left_early(&self, window: TimeDelta) -> TimeDelta {
        lesser(self.thresholds.left_early_minutes, self.thresholds.left_early_share, window)
    }

    /// How long after the planned start a host is still in time.
    #[must_use]
    pub fn host_late(&self) -> TimeDelta {
        minutes(self.thresholds.host_late_minutes)
    }

    /// Whether only the time together with a host counts.
    #[must_use]
    pub fn count_together(&self) -> bool {
        self.thresholds.counted_time == CountedTime::Together
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::standard(Thresholds::default())
    }
}

fn minutes(count: i64) -> TimeDelta {
    TimeDelta::try_minutes(count).unwrap_or(TimeDelta::MAX)
}

/// So many minutes or, in a short window, that share of it, whichever is less.
fn lesser(count: i64, share: Option<f64>, window: TimeDelta) -> TimeDelta {
    let time = minutes(count);
    share.map_or(time, |share| time.min(share_of(window, share)))
}

/// A share of a window, rounded up to whole milliseconds: with half of 3 ms asked, 1 ms is not enough.
fn share_of(window: TimeDelta, share: f64) -> TimeDelta {
    let millionths = (share * 1_000_000.0).round() as i64;
    let share = window.num_milliseconds().saturating_mul(millionths);
    TimeDelta::milliseconds(share.div_euclid(1_000_000) + i64::from(share % 1_000_000 != 0))
}

#[cfg(test)]
mod tests;
