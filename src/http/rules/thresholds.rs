//! What a set of rules says, in requests and answers.

use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use crate::domain::rules::{CountedTime, PresentNeeds, Thresholds};
use crate::http::validate::Fields;

/// Thresholds to be written; those left out keep their default.
#[derive(Debug, Clone, ToSchema)]
#[expect(dead_code, reason = "describes the body, which is read field by field so that every fault is named")]
pub(in crate::http) struct RulesBody {
    /// Present from this many minutes on: 15.
    present_after_minutes: Option<i64>,
    /// Present from this share of the effective window on: 0.5.
    present_share: Option<f64>,
    /// What of the two is asked: `either` (the default: whichever is less), `both`, `minutes` alone or `share` alone.
    present_needs: Option<String>,
    /// Never fewer minutes than these are asked, however short the lesson: 0.
    present_at_least_minutes: Option<i64>,
    /// Never more than this share of the effective window is asked, however many minutes: 1.0.
    present_at_most_share: Option<f64>,
    /// Late when the first admission is more than this many minutes after the effective start: 10.
    late_after_minutes: Option<i64>,
    /// Or more than this share of the effective window, whichever is less; null asks for minutes alone.
    late_after_share: Option<f64>,
    /// Left early when gone more than this many minutes before the effective end: 10.
    left_early_minutes: Option<i64>,
    /// Or more than this share of the effective window, whichever is less; null asks for minutes alone.
    left_early_share: Option<f64>,
    /// The host is late when the first of them comes more than this many minutes after the planned start: 10.
    host_late_minutes: Option<i64>,
    /// What time makes the mark: all that was `attended`, or only that `together` with a host.
    counted_time: Option<String>,
}

/// Thresholds, all of them.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::http) struct ThresholdsView {
    /// Present from this many minutes on.
    present_after_minutes: i64,
    /// Present from this share of the effective window on.
    present_share: f64,
    /// What of the two is asked: `either` (whichever is less), `both`, `minutes` alone or `share` alone.
    present_needs: &'static str,
    /// Never fewer minutes than these are asked, however short the lesson.
    present_at_least_minutes: i64,
    /// Never more than this share of the effective window is asked, however many minutes.
    present_at_most_share: f64,
    /// Late when the first admission is more than this many minutes after the effective start.
    late_after_minutes: i64,
    /// Or more than this share of the effective window, whichever is less.
    late_after_share: Option<f64>,
    /// Left early when gone more than this many minutes before the effective end.
    left_early_minutes: i64,
    /// Or more than this share of the effective window, whichever is less.
    left_early_share: Option<f64>,
    /// The host is late when the first of them comes more than this many minutes after the planned start.
    host_late_minutes: i64,
    /// What time makes the mark: all that was `attended`, or only that `together` with a host.
    counted_time: &'static str,
}

impl From<Thresholds> for ThresholdsView {
    fn from(thresholds: Thresholds) -> Self {
        Self {
            present_after_minutes: thresholds.present_after_minutes,
            present_share: thresholds.present_share,
            present_needs: thresholds.present_needs.as_str(),
            present_at_least_minutes: thresholds.present_at_least_minutes,
            present_at_most_share: thresholds.present_at_most_share,
            late_after_minutes: thresholds.late_after_minutes,
            late_after_share: thresholds.late_after_share,
            left_early_minutes: thresholds.left_early_minutes,
            left_early_share: thresholds.left_early_share,
            host_late_minutes: thresholds.host_late_minutes,
            counted_time: thresholds.counted_time.as_str(),
        }
    }
}

/// Reads thresholds; every fault is noted in `fields`.
pub(super) fn read(fields: &mut Fields) -> Thresholds {
    let default = Thresholds::default();
    let needs = fields.choice(&["present_needs"], &PresentNeeds::WORDS).and_then(PresentNeeds::parse);
    let counted = fields.choice(&["counted_time"], &CountedTime::WORDS).and_then(CountedTime::parse);
    let mut minutes = |name, default| fields.integer(&[name], 0..=1440).unwrap_or(default);
    let thresholds = Thresholds {
        present_after_minutes: minutes("present_after_minutes", default.present_after_minutes),
        present_at_least_minutes: minutes("present_at_least_minutes", default.present_at_least_minutes),
        late_after_minutes: minutes("late_after_minutes", default.late_after_minutes),
        left_early_minutes: minutes("left_early_minutes", default.left_early_minutes),
        host_late_minutes: minutes("host_late_minutes", default.host_late_minutes),
        present_share: share(fields, "present_share").unwrap_or(default.present_share),
        present_at_most_share: share(fields, "present_at_most_share")
            .unwrap_or(default.present_at_most_share),
        late_after_share: share(fields, "late_after_share"),
        left_early_share: share(fields, "left_early_share"),
        present_needs: needs.unwrap_or(default.present_needs),
        counted_time: counted.unwrap_or(default.counted_time),
    };
    for fault in thresholds.validate().err().unwrap_or_default() {
        fields.fault(fault.field, fault.message);
    }
    thresholds
}

fn share(fields: &mut Fields, name: &'static str) -> Option<f64> {
    let value = fields.take(&[name]).filter(|value| !value.is_null())?;
    let share = value.as_number().and_then(Number::as_f64);
    if share.is_none() {
        fields.fault(name, "must be a number from 0 to 1");
    }
    share
}
