//! The rules of attendance: named, versioned thresholds. A mark names the rules it was made by.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// The longest threshold in minutes: a booking lasts a day at most.
const MAX_MINUTES: i64 = 1440;

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

/// What a set of rules says; the body of `PUT /api/attendance-rules/{name}`. Absent fields keep their default.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Present from this many minutes on…
    pub present_after_minutes: i64,
    /// …or from this share of the effective window on, whichever is less.
    pub present_share: f64,
    /// Late when the first admission is more than this many minutes after the effective start.
    pub late_after_minutes: i64,
    /// Left early when gone more than this many minutes before the effective end.
    pub left_early_minutes: i64,
    /// The host is late when the first of them comes more than this many minutes after the planned start.
    pub host_late_minutes: i64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            present_after_minutes: 15,
            present_share: 0.5,
            late_after_minutes: 10,
            left_early_minutes: 10,
            host_late_minutes: 10,
        }
    }
}

/// A threshold that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {message}")]
pub struct RulesError {
    /// The field at fault.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
}

impl Thresholds {
    /// Every threshold that makes no sense, not only the first.
    ///
    /// # Errors
    /// When there is at least one.
    pub fn validate(&self) -> Result<(), Vec<RulesError>> {
        let minutes = [
            ("present_after_minutes", self.present_after_minutes),
            ("late_after_minutes", self.late_after_minutes),
            ("left_early_minutes", self.left_early_minutes),
            ("host_late_minutes", self.host_late_minutes),
        ];
        let mut faults: Vec<RulesError> = minutes
            .into_iter()
            .filter(|(_, value)| !(0..=MAX_MINUTES).contains(value))
            .map(|(field, _)| RulesError { field, message: format!("must be from 0 to {MAX_MINUTES}") })
            .collect();
        if !(0.0..=1.0).contains(&self.present_share) {
            faults.push(RulesError { field: "present_share", message: "must be from 0 to 1".to_owned() });
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
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

    /// The attended time from which somebody is present in a window of that length.
    ///
    /// A needed time of zero would make absent people present; at least a millisecond is asked.
    #[must_use]
    pub fn needed(&self, window: TimeDelta) -> TimeDelta {
        let millionths = (self.thresholds.present_share * 1_000_000.0).round() as i64;
        let share = window.num_milliseconds().saturating_mul(millionths);
        // Rounded up: with half of 3 ms asked, 1 ms is not enough.
        let share = TimeDelta::milliseconds(share.div_euclid(1_000_000) + i64::from(share % 1_000_000 != 0));
        share.min(minutes(self.thresholds.present_after_minutes)).max(TimeDelta::milliseconds(1))
    }

    /// How long after the effective start an admission is still in time.
    #[must_use]
    pub fn late_after(&self) -> TimeDelta {
        minutes(self.thresholds.late_after_minutes)
    }

    /// How long before the effective end a departure is still no early one.
    #[must_use]
    pub fn left_early(&self) -> TimeDelta {
        minutes(self.thresholds.left_early_minutes)
    }

    /// How long after the planned start a host is still in time.
    #[must_use]
    pub fn host_late(&self) -> TimeDelta {
        minutes(self.thresholds.host_late_minutes)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_rules_are_those_of_the_contract() {
        let rules = Rules::default();
        assert_eq!(rules.label(), "standard@1");
        assert_eq!(rules.needed(TimeDelta::minutes(60)), TimeDelta::minutes(15));
        assert_eq!(rules.needed(TimeDelta::minutes(20)), TimeDelta::minutes(10));
        assert_eq!(rules.needed(TimeDelta::zero()), TimeDelta::milliseconds(1));
    }

    #[test]
    fn a_share_is_rounded_up_to_whole_milliseconds() {
        assert_eq!(Rules::default().needed(TimeDelta::milliseconds(3)), TimeDelta::milliseconds(2));
    }

    #[test]
    fn json_may_leave_fields_out_but_not_invent_them() {
        let read: Thresholds = serde_json::from_str(r#"{"late_after_minutes": 5}"#).unwrap();
        assert_eq!(read, Thresholds { late_after_minutes: 5, ..Thresholds::default() });
        assert!(serde_json::from_str::<Thresholds>(r#"{"late_after": 5}"#).is_err());
    }

    #[test]
    fn every_bad_threshold_is_named() {
        let bad = Thresholds { present_share: f64::NAN, late_after_minutes: -1, ..Thresholds::default() };
        let fields: Vec<_> = bad.validate().unwrap_err().into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["late_after_minutes", "present_share"]);
        assert_eq!(Thresholds::default().validate(), Ok(()));
    }
}
