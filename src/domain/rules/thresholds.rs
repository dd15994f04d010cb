//! What a set of rules may say, and what would make no sense.

use serde::{Deserialize, Serialize};

/// The longest threshold in minutes: a booking lasts a day at most.
const MAX_MINUTES: i64 = 1440;

/// What a set of rules says; the body of `PUT /api/attendance-rules/{name}`. Absent fields keep their default, so
/// that bodies stored by older programs mean what they meant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Present from this many minutes on…
    pub present_after_minutes: i64,
    /// …or from this share of the effective window on.
    pub present_share: f64,
    /// Which of the two is asked.
    pub present_needs: PresentNeeds,
    /// Never fewer minutes than these are asked, however short the lesson…
    pub present_at_least_minutes: i64,
    /// …but never more than this share of the effective window: a quarter of an hour cannot be asked of a lesson
    /// of ten minutes.
    pub present_at_most_share: f64,
    /// Late when the first admission is more than this many minutes after the effective start…
    pub late_after_minutes: i64,
    /// …or, in a short lesson, more than this share of the effective window, whichever is less.
    pub late_after_share: Option<f64>,
    /// Left early when gone more than this many minutes before the effective end…
    pub left_early_minutes: i64,
    /// …or, in a short lesson, more than this share of the effective window, whichever is less.
    pub left_early_share: Option<f64>,
    /// The host is late when the first of them comes more than this many minutes after the planned start.
    pub host_late_minutes: i64,
    /// What time makes the mark.
    pub counted_time: CountedTime,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            present_after_minutes: 15,
            present_share: 0.5,
            present_needs: PresentNeeds::Either,
            present_at_least_minutes: 0,
            present_at_most_share: 1.0,
            late_after_minutes: 10,
            late_after_share: None,
            left_early_minutes: 10,
            left_early_share: None,
            host_late_minutes: 10,
            counted_time: CountedTime::Attended,
        }
    }
}

/// Which thresholds somebody has to reach to be present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresentNeeds {
    /// The minutes or the share, whichever is less.
    #[default]
    Either,
    /// The minutes and the share.
    Both,
    /// The minutes alone.
    Minutes,
    /// The share alone.
    Share,
}

impl PresentNeeds {
    /// Every word, in the order in which they are explained.
    pub const WORDS: [&'static str; 4] = ["either", "both", "minutes", "share"];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Either => "either",
            Self::Both => "both",
            Self::Minutes => "minutes",
            Self::Share => "share",
        }
    }

    /// What that word stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Either, Self::Both, Self::Minutes, Self::Share].into_iter().find(|need| need.as_str() == word)
    }
}

/// What time makes the mark of an attendee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedTime {
    /// All that they attended.
    #[default]
    Attended,
    /// What they attended together with a host: for lessons of one. Where no host is expected, all of it.
    Together,
}

impl CountedTime {
    /// Every word.
    pub const WORDS: [&'static str; 2] = ["attended", "together"];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attended => "attended",
            Self::Together => "together",
        }
    }

    /// What that word stands for.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Attended, Self::Together].into_iter().find(|counted| counted.as_str() == word)
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
            ("present_at_least_minutes", self.present_at_least_minutes),
            ("late_after_minutes", self.late_after_minutes),
            ("left_early_minutes", self.left_early_minutes),
            ("host_late_minutes", self.host_late_minutes),
        ];
        let shares = [
            ("present_share", Some(self.present_share)),
            ("present_at_most_share", Some(self.present_at_most_share)),
            ("late_after_share", self.late_after_share),
            ("left_early_share", self.left_early_share),
        ];
        let minutes = minutes
            .into_iter()
            .filter(|(_, value)| !(0..=MAX_MINUTES).contains(value))
            .map(|(field, _)| RulesError { field, message: format!("must be from 0 to {MAX_MINUTES}") });
        let shares = shares
            .into_iter()
            .filter(|(_, value)| value.is_some_and(|value| !(0.0..=1.0).contains(&value)))
            .map(|(field, _)| RulesError { field, message: "must be from 0 to 1".to_owned() });
        let faults: Vec<RulesError> = minutes.chain(shares).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}
