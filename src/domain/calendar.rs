//! Days, weeks and months as the people of a place count them, as stretches of time.
//!
//! A day begins at midnight on the clock on the wall; where the clocks jump over midnight, at the first instant after
//! the jump; where midnight comes twice, at the earlier. So days are 23, 24 or 25 hours long, and follow each other
//! without a gap.

use chrono::{DateTime, Datelike, Days, Duration, Months, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::schedule::{Span, resolve};

/// How far the clocks jump at a time is looked for in steps of this: every change of a zone so far is a multiple.
const STEP_MINUTES: i64 = 15;
/// Samoa left out a whole day in 2011; nobody ever left out more.
const GAP_MAX_STEPS: i64 = 2 * 24 * 60 / STEP_MINUTES;
/// When the night's work begins, on the clock on the wall: after every zone's change of clocks.
const NIGHT_HOUR: u32 = 4;

/// The first instant of a day in `zone`.
#[must_use]
pub fn day_start(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    (0..=GAP_MAX_STEPS)
        .find_map(|step| resolve(midnight + Duration::minutes(step * STEP_MINUTES), &zone))
        .map_or_else(|| midnight.and_utc(), |resolved| resolved.at)
}

/// The time from the first day to the last, both whole.
#[must_use]
pub fn days(first: NaiveDate, last: NaiveDate, zone: Tz) -> Span {
    let after = last.checked_add_days(Days::new(1)).unwrap_or(last);
    Span { from: day_start(first, zone), until: day_start(after, zone) }
}

/// The next beginning of the night's work in `zone`, after `now`.
#[must_use]
pub fn next_night(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let today = now.with_timezone(&zone).date_naive();
    (0..=2_u64)
        .filter_map(|ahead| today.checked_add_days(Days::new(ahead))?.and_hms_opt(NIGHT_HOUR, 0, 0))
        .filter_map(|wall| resolve(wall, &zone))
        .map(|resolved| resolved.at)
        .find(|at| *at > now)
        .unwrap_or(now + Duration::hours(24))
}

/// By what time is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// Days.
    Day,
    /// Weeks, from Monday on (ISO 8601).
    Week,
    /// Months.
    Month,
}

impl Bucket {
    /// The words for them.
    pub const WORDS: [&'static str; 3] = ["day", "week", "month"];

    /// The bucket of that name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "day" => Some(Self::Day),
            "week" => Some(Self::Week),
            "month" => Some(Self::Month),
            _ => None,
        }
    }

    /// The first day of the bucket that `day` is in.
    #[must_use]
    pub fn first_day(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => {
                let since_monday = u64::from(day.weekday().num_days_from_monday());
                day.checked_sub_days(Days::new(since_monday)).unwrap_or(day)
            }
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }

    fn next(self, first: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => first.checked_add_days(Days::new(1)),
            Self::Week => first.checked_add_days(Days::new(7)),
            Self::Month => first.checked_add_months(Months::new(1)),
        }
    }
}

/// One bucket: the day it is named by, and the part of it that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The first day of the bucket, also when less of it was asked for.
    pub first_day: NaiveDate,
    /// The time in it that was asked for.
    pub span: Span,
}

/// The first and the last day that a stretch of time is in.
#[must_use]
pub fn first_and_last(span: Span, zone: Tz) -> (NaiveDate, NaiveDate) {
    let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    (day(span.from), day(span.until - Duration::milliseconds(1)))
}

/// The buckets that a stretch of time is in, in order, empty ones and all; `None` when there are more than `max`.
#[must_use]
pub fn buckets(whole: Span, zone: Tz, bucket: Bucket, max: usize) -> Option<Vec<Part>> {
    let (first, last) = first_and_last(whole, zone);
    let mut parts = Vec::new();
    let mut begins = bucket.first_day(first);
    while begins <= last {
        if parts.len() == max {
            return None;
        }
        let next = bucket.next(begins)?;
        let span = Span {
            from: day_start(begins, zone).max(whole.from),
            until: day_start(next, zone).min(whole.until),
        };
        // Where midnight comes twice, the clock shows yesterday once more after today has begun.
        if span.from <= span.until {
            parts.push(Part { first_day: begins, span });
        }
        begins = next;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn hours(first: &str, zone: &str) -> i64 {
        let span = days(day(first), day(first), zone.parse().unwrap());
        (span.until - span.from).num_minutes() * 100 / 60
    }

    #[test]
    fn a_day_is_as_long_as_the_clocks_of_its_place_make_it() {
        assert_eq!(hours("2026-03-28", "Europe/Berlin"), 2400);
        assert_eq!(hours("2026-03-29", "Europe/Berlin"), 2300);
        assert_eq!(hours("2026-10-25", "Europe/Berlin"), 2500);
        assert_eq!(hours("2026-04-05", "Australia/Lord_Howe"), 2450);
        // Midnight itself is jumped over.
        assert_eq!(hours("2026-04-24", "Africa/Cairo"), 2300);
        // A day that never was.
        assert_eq!(hours("2011-12-30", "Pacific/Apia"), 0);
    }

    #[test]
    fn a_day_begins_after_the_jump_over_midnight() {
        let cairo = "Africa/Cairo".parse().unwrap();
        assert_eq!(day_start(day("2026-04-24"), cairo), at("2026-04-23T22:00:00Z"));
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let utc = Tz::UTC;
        let weeks = buckets(days(day("2026-01-01"), day("2026-01-12"), utc), utc, Bucket::Week, 10).unwrap();
        let names: Vec<String> = weeks.iter().map(|part| part.first_day.to_string()).collect();
        assert_eq!(names, ["2025-12-29", "2026-01-05", "2026-01-12"]);
        assert_eq!(weeks[0].span.from, at("2026-01-01T00:00:00Z"), "only what was asked for is counted");
        assert_eq!(weeks[2].span.until, at("2026-01-13T00:00:00Z"));
        let months =
            buckets(days(day("2026-01-31"), day("2026-03-01"), utc), utc, Bucket::Month, 10).unwrap();
        let names: Vec<String> = months.iter().map(|part| part.first_day.to_string()).collect();
        assert_eq!(names, ["2026-01-01", "2026-02-01", "2026-03-01"]);
    }

    #[test]
    fn more_buckets_than_allowed_are_none() {
        let from_first =
            |last: &str| buckets(days(day("2026-01-01"), day(last), Tz::UTC), Tz::UTC, Bucket::Day, 3);
        assert_eq!(from_first("2026-01-04"), None);
        assert!(from_first("2026-01-03").is_some());
        assert_eq!(from_first("2025-12-31"), Some(vec![]));
    }

    #[test]
    fn of_less_than_a_day_only_that_is_counted() {
        let berlin = "Europe/Berlin".parse().unwrap();
        let whole = Span { from: at("2026-07-01T08:00:00Z"), until: at("2026-07-02T22:00:00Z") };
        let parts = buckets(whole, berlin, Bucket::Day, 9).unwrap();
        let found: Vec<_> =
            parts.iter().map(|part| (part.first_day, part.span.from, part.span.until)).collect();
        assert_eq!(
            found,
            [
                (day("2026-07-01"), whole.from, at("2026-07-01T22:00:00Z")),
                (day("2026-07-02"), at("2026-07-01T22:00:00Z"), whole.until),
            ]
        );
    }

    #[test]
    fn the_night_comes_once_a_day() {
        let berlin: Tz = "Europe/Berlin".parse().unwrap();
        assert_eq!(next_night(at("2026-07-01T01:59:59Z"), berlin), at("2026-07-01T02:00:00Z"));
        assert_eq!(next_night(at("2026-07-01T02:00:00Z"), berlin), at("2026-07-02T02:00:00Z"));
        assert_eq!(next_night(at("2026-10-24T12:00:00Z"), berlin), at("2026-10-25T03:00:00Z"));
    }

    /// The slow, obvious way: which day a clock on the wall shows at an instant.
    fn shown(at: DateTime<Utc>, zone: Tz, bucket: Bucket) -> NaiveDate {
        bucket.first_day(at.with_timezone(&zone).date_naive())
    }

    proptest! {
        #[test]
        fn an_instant_is_in_the_bucket_that_the_clock_on_the_wall_shows(
            minute in 0i64..=(3 * 366 * 24 * 60),
            zone in prop::sample::select(vec!["Europe/Berlin", "Africa/Cairo", "America/St_Johns", "Pacific/Apia",
                "Australia/Lord_Howe", "UTC", "America/Sao_Paulo"]),
            bucket in prop::sample::select(vec![Bucket::Day, Bucket::Week, Bucket::Month]),
        ) {
            let zone: Tz = zone.parse().unwrap();
            // Around the turn of 2018, when Sao Paulo still jumped over midnight.
            let at = at("2017-01-10T00:00:00Z") + Duration::minutes(minute);
            let first = at.with_timezone(&zone).date_naive() - Days::new(40);
            let parts = buckets(days(first, first + Days::new(80), zone), zone, bucket, 100).unwrap();
            prop_assert!(parts.windows(2).all(|two| two[0].span.until == two[1].span.from), "no gap, no overlap");
            let holding: Vec<&Part> =
                parts.iter().filter(|part| part.span.from <= at && at < part.span.until).collect();
            prop_assert_eq!(holding.len(), 1);
            prop_assert_eq!(holding[0].first_day, shown(at, zone, bucket));
        }
    }
}
