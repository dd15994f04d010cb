//! The slow obvious model: every day is asked whether it belongs to the series.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::super::{Landed, Oddity};

const DAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Mon),
    ("TU", Weekday::Tue),
    ("WE", Weekday::Wed),
    ("TH", Weekday::Thu),
    ("FR", Weekday::Fri),
    ("SA", Weekday::Sat),
    ("SU", Weekday::Sun),
];

/// A rule that schools use.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// Every so many days.
    Daily { every: u32 },
    /// On these days (by their place in [`DAYS`]) of every so many weeks.
    Weekly { every: u32, days: Vec<usize> },
    /// On the same day of every so many months, where there is one.
    MonthlyByDate { every: u32 },
    /// On the first to fourth, or the last, such day of every so many months.
    MonthlyByWeekday { every: u32, nth: i32, day: usize },
}

impl Pattern {
    pub(super) fn any() -> impl Strategy<Value = Self> {
        let days = prop::collection::btree_set(0_usize..7, 1..4);
        prop_oneof![
            (1_u32..20).prop_map(|every| Self::Daily { every }),
            (1_u32..5, days)
                .prop_map(|(every, days)| Self::Weekly { every, days: days.into_iter().collect() }),
            (1_u32..7).prop_map(|every| Self::MonthlyByDate { every }),
            (1_u32..7, prop::sample::select(vec![1, 2, 3, 4, -1]), 0_usize..7)
                .prop_map(|(every, nth, day)| Self::MonthlyByWeekday { every, nth, day }),
        ]
    }
}

/// A pattern from a start on.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) pattern: Pattern,
    pub(super) start: NaiveDateTime,
}

impl Model {
    /// The rule, without its end.
    pub(super) fn rule(&self) -> String {
        match &self.pattern {
            Pattern::Daily { every } => format!("FREQ=DAILY;INTERVAL={every}"),
            Pattern::Weekly { every, days } => {
                let days: Vec<&str> = days.iter().map(|day| DAYS[*day].0).collect();
                format!("FREQ=WEEKLY;INTERVAL={every};BYDAY={}", days.join(","))
            }
            Pattern::MonthlyByDate { every } => format!("FREQ=MONTHLY;INTERVAL={every}"),
            Pattern::MonthlyByWeekday { every, nth, day } => {
                format!("FREQ=MONTHLY;INTERVAL={every};BYDAY={nth}{}", DAYS[*day].0)
            }
        }
    }

    /// The first day from the start on that fits the days of the pattern, as a start that is one of its times.
    pub(super) fn first(&self) -> NaiveDateTime {
        let mut at = self.start;
        while !self.day_fits(at.date()) {
            at = at + Days::new(1);
        }
        at
    }

    fn day_fits(&self, day: NaiveDate) -> bool {
        match &self.pattern {
            Pattern::Daily { .. } | Pattern::MonthlyByDate { .. } => true,
            Pattern::Weekly { days, .. } => days.iter().any(|fit| DAYS[*fit].1 == day.weekday()),
            Pattern::MonthlyByWeekday { nth, day: fit, .. } => {
                DAYS[*fit].1 == day.weekday()
                    && match nth {
                        -1 => (day + Days::new(7)).month() != day.month(),
                        nth => (day.day0() / 7 + 1) as i32 == *nth,
                    }
            }
        }
    }

    fn period_fits(&self, day: NaiveDate) -> bool {
        let start = self.start.date();
        let months = (day.year() - start.year()) * 12 + day.month() as i32 - start.month() as i32;
        match &self.pattern {
            Pattern::Daily { every } => (day - start).num_days() % i64::from(*every) == 0,
            Pattern::Weekly { every, .. } => {
                let monday =
                    |day: NaiveDate| day - Days::new(u64::from(day.weekday().num_days_from_monday()));
                (monday(day) - monday(start)).num_days() / 7 % i64::from(*every) == 0
            }
            Pattern::MonthlyByDate { every } => {
                day.day() == start.day() && months % i32::try_from(*every).unwrap() == 0
            }
            Pattern::MonthlyByWeekday { every, .. } => months % i32::try_from(*every).unwrap() == 0,
        }
    }

    /// The first `count` times, the start being one of them.
    pub(super) fn walls(&self, count: usize) -> Vec<NaiveDateTime> {
        let start = self.first();
        let model = Self { start, pattern: self.pattern.clone() };
        start
            .date()
            .iter_days()
            .filter(|day| model.day_fits(*day) && model.period_fits(*day))
            .take(count)
            .map(|day| day.and_time(start.time()))
            .collect()
    }
}

/// What a clock on the wall shows, asked minute by minute: the first instant at which it shows `wall`; in a gap,
/// the instant at which a clock that nobody moved would show it.
pub(super) fn land_slowly(wall: NaiveDateTime, zone: &Tz) -> Landed {
    let shows = |minute: i64| {
        let at = wall.and_utc() + chrono::Duration::minutes(minute);
        (at, zone.from_utc_datetime(&at.naive_utc()).naive_local())
    };
    let showing: Vec<_> = (-1500..1500).map(shows).filter(|(_, shown)| *shown == wall).collect();
    if let Some((at, _)) = showing.first() {
        return Landed { at: *at, oddity: (showing.len() > 1).then_some(Oddity::Twice) };
    }
    let (last, shown) = (-1500..1500).map(shows).take_while(|(_, shown)| *shown < wall).last().unwrap();
    Landed { at: (last + (wall - shown)).with_timezone(&Utc), oddity: Some(Oddity::Gap) }
}
