//! The planned runs of a recurring meeting with fixed times (type 8).

use chrono::{DateTime, Datelike, Duration, Months, NaiveDate, TimeZone};
use chrono_tz::Tz;
use serde_json::Value;

use super::model::{Occurrence, SandboxMeeting};
use crate::clock::Instant;

/// The most runs Zoom plans.
const RUNS_MAX: usize = 60;
/// The farthest a plan looks, in days.
const DAYS_MAX: i64 = 3_660;

/// Whether a `recurrence` object is usable.
pub(super) fn is_valid(rule: &Value) -> bool {
    let number = |name: &str| rule.get(name).and_then(Value::as_i64);
    matches!(number("type"), Some(1..=3))
        && number("repeat_interval").is_none_or(|every| every >= 1)
        && number("end_times").is_none_or(|times| (0..=60).contains(&times))
        && number("monthly_week").is_none_or(|week| matches!(week, -1 | 1..=4))
        && number("monthly_week_day").is_none_or(|day| (1..=7).contains(&day))
}

/// The runs of a meeting; every one at the same time of day in the meeting's zone.
pub(super) fn occurrences(meeting: &SandboxMeeting, zone: Tz) -> Vec<Occurrence> {
    let Some(rule) = &meeting.recurrence else { return Vec::new() };
    let first = meeting.start.with_timezone(&zone);
    let most = rule.get("end_times").and_then(Value::as_u64).filter(|times| *times > 0);
    let until = rule
        .get("end_date_time")
        .and_then(Value::as_str)
        .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
        .map(|moment| moment.to_utc());
    // Without an end of any kind, Zoom plans one run.
    let most = match (most, until) {
        (Some(most), _) => usize::try_from(most).unwrap_or(RUNS_MAX).min(RUNS_MAX),
        (None, Some(_)) => RUNS_MAX,
        (None, None) => 1,
    };
    let start_of = |day: NaiveDate| -> Option<Instant> {
        zone.from_local_datetime(&day.and_time(first.time())).earliest().map(|moment| moment.to_utc())
    };
    (0..DAYS_MAX)
        .map(|offset| first.date_naive() + Duration::days(offset))
        .filter(|day| falls_on(rule, first.date_naive(), *day))
        .filter_map(start_of)
        .take_while(|start| until.is_none_or(|until| *start <= until))
        .take(most)
        .map(|start| Occurrence {
            occurrence_id: start.timestamp_millis().to_string(),
            start_time: start,
            duration: meeting.duration,
            deleted: false,
        })
        .collect()
}

/// Whether a day is one of the rule's.
fn falls_on(rule: &Value, first: NaiveDate, day: NaiveDate) -> bool {
    let number = |name: &str| rule.get(name).and_then(Value::as_i64);
    let every = number("repeat_interval").unwrap_or(1).max(1);
    let months =
        i64::from(day.year() - first.year()) * 12 + i64::from(day.month()) - i64::from(first.month());
    match number("type") {
        Some(1) => (day - first).num_days() % every == 0,
        Some(2) => {
            let week = |date: NaiveDate| date - Duration::days(date.weekday().num_days_from_sunday().into());
            (week(day) - week(first)).num_weeks() % every == 0
                && weekdays(rule, first).contains(&weekday(day))
        }
        Some(3) if months % every == 0 => match (number("monthly_week"), number("monthly_week_day")) {
            (Some(-1), Some(wanted)) => {
                weekday(day) == wanted && (day + Duration::days(7)).month() != day.month()
            }
            (Some(week), Some(wanted)) => weekday(day) == wanted && i64::from(day.day0() / 7) + 1 == week,
            _ => day == monthly_day(first, months, number("monthly_day")),
        },
        _ => false,
    }
}

/// Sunday is 1.
fn weekday(day: NaiveDate) -> i64 {
    i64::from(day.weekday().number_from_sunday())
}

/// The weekly rule's days: a list in a text, else the first day's.
fn weekdays(rule: &Value, first: NaiveDate) -> Vec<i64> {
    let listed = rule.get("weekly_days").and_then(Value::as_str).unwrap_or_default();
    let days: Vec<i64> = listed.split(',').filter_map(|day| day.trim().parse().ok()).collect();
    if days.is_empty() { vec![weekday(first)] } else { days }
}

/// The rule's day of a month, or the month's last if it is shorter.
fn monthly_day(first: NaiveDate, months: i64, wanted: Option<i64>) -> NaiveDate {
    let wanted = wanted.and_then(|day| u32::try_from(day).ok()).unwrap_or(first.day());
    let months = Months::new(u32::try_from(months).unwrap_or_default());
    let month = first.with_day(1).unwrap_or(first) + months;
    (1..=wanted).rev().find_map(|day| month.with_day(day)).unwrap_or(month)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn days(rule: Value) -> Vec<String> {
        let zone: Tz = "Europe/Berlin".parse().unwrap();
        let meeting = SandboxMeeting {
            start: "2026-03-27T09:00:00Z".parse().unwrap(),
            recurrence: Some(rule),
            ..crate::sandbox::meetings::blank(1, "host", Instant::default())
        };
        let runs = occurrences(&meeting, zone);
        runs.iter().map(|run| run.start_time.format("%m-%d %H:%M").to_string()).collect()
    }

    #[test]
    fn a_weekly_run_keeps_its_local_time_over_the_change_of_clocks() {
        let rule = json!({"type": 2, "weekly_days": "2,6", "end_times": 4});
        assert_eq!(days(rule), ["03-27 09:00", "03-30 08:00", "04-03 08:00", "04-06 08:00"]);
    }

    #[test]
    fn daily_and_monthly_rules_repeat_at_their_interval() {
        assert_eq!(
            days(json!({"type": 1, "repeat_interval": 2, "end_times": 2})),
            ["03-27 09:00", "03-29 08:00"]
        );
        let last_friday = json!({"type": 3, "monthly_week": -1, "monthly_week_day": 6, "end_times": 2});
        assert_eq!(days(last_friday), ["03-27 09:00", "04-24 08:00"]);
        let by_date = json!({"type": 3, "monthly_day": 31, "end_date_time": "2026-06-01T00:00:00Z"});
        assert_eq!(days(by_date), ["03-31 08:00", "04-30 08:00", "05-31 08:00"]);
    }
}
