//! Times in requests: RFC 3339 instants, or wall times in a zone.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, SubsecRound, Timelike, Utc};
use chrono_tz::Tz;

use super::validate::Fields;
use crate::domain::recurrence::Moment;
use crate::domain::{calendar, schedule};

/// Times outside these years are mistakes, and some databases cannot order them.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2200;
/// How far a start may lie in the past: the request took a while, or a clock is wrong.
const PAST_MAX: chrono::Duration = chrono::Duration::minutes(5);

/// A time as it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// With an offset.
    Instant(DateTime<FixedOffset>),
    /// Without one.
    Wall(NaiveDateTime),
}

/// A start, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Start {
    /// The instant.
    pub(super) at: DateTime<Utc>,
    /// The wall time in the booking's zone.
    pub(super) wall: String,
    /// What the caller should know about it.
    pub(super) notice: Option<String>,
}

/// Reads a time.
pub(super) fn time(fields: &mut Fields, names: &[&str]) -> Option<Given> {
    let text = fields.text(names, 64)?;
    let given = parse(&text);
    if given.is_none() {
        let name = names.first().copied().unwrap_or_default();
        fields.fault(
            name,
            "must be a time such as 2026-01-15T10:00:00Z or, in `timezone`, 2026-01-15T10:00:00",
        );
    }
    given
}

/// Reads an instant for a filter; a time without an offset is wall time in `zone`, and a date alone is the beginning of
/// that day there (or, for `end`, of the next).
pub(super) fn instant(fields: &mut Fields, names: &[&str], end: bool, zone: Tz) -> Option<DateTime<Utc>> {
    let text = fields.text(names, 64)?;
    let name = names.first().copied().unwrap_or_default();
    match moment(&text) {
        Some(Moment::Day(day)) if end => Some(calendar::days(day, day, zone).until),
        Some(Moment::Day(day)) => Some(calendar::day_start(day, zone)),
        Some(Moment::Instant(at)) => Some(at),
        Some(Moment::Wall(wall)) => {
            let resolved = schedule::resolve(wall, &zone);
            if resolved.is_none() {
                fields.fault(name, gap(zone));
            }
            resolved.map(|resolved| resolved.at)
        }
        None => {
            fields.fault(name, "must be a time such as 2026-01-15T10:00:00Z or a date");
            None
        }
    }
}

/// Reads a filter's `from` and `to`.
pub(super) fn between(fields: &mut Fields, zone: Tz) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    (instant(fields, &["from"], false, zone), instant(fields, &["to"], true, zone))
}

fn gap(zone: Tz) -> String {
    format!("does not exist in {zone}: the clocks jump over it")
}

/// A time as a filter or an exception of a series names it: an instant, a wall time or a day.
pub(super) fn moment(text: &str) -> Option<Moment> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|day| YEARS.contains(&day.year()));
    day.map(Moment::Day).or_else(|| match parse(text)? {
        Given::Instant(at) => Some(Moment::Instant(at.with_timezone(&Utc))),
        Given::Wall(wall) => Some(Moment::Wall(wall)),
    })
}

/// Reads the name of a time zone.
pub(super) fn zone(fields: &mut Fields, names: &[&str]) -> Option<Tz> {
    let text = fields.text(names, 64)?;
    let zone = text.parse().ok();
    if zone.is_none() {
        fields.fault(
            names.first().copied().unwrap_or_default(),
            "must be an IANA time zone such as Europe/Berlin",
        );
    }
    zone
}

/// The start of a booking in its zone; a fault when there is no such time or it is over.
pub(super) fn start(fields: &mut Fields, given: Given, zone: Tz, now: DateTime<Utc>) -> Option<Start> {
    let Some(resolved) = resolve(given, zone) else {
        fields.fault("start_time", gap(zone));
        return None;
    };
    let at = resolved.at.trunc_subsecs(3);
    if is_past(at, now) {
        fields.fault("start_time", "is in the past");
        return None;
    }
    let notice = resolved.twice.then(|| {
        format!("start_time comes twice that day in {zone}; the earlier was taken: {}", at.to_rfc3339())
    });
    Some(Start { at, wall: wall_time(at, zone), notice })
}

fn resolve(given: Given, zone: Tz) -> Option<schedule::Resolved> {
    match given {
        Given::Instant(at) => Some(schedule::Resolved { at: at.with_timezone(&Utc), twice: false }),
        Given::Wall(wall) => schedule::resolve(wall, &zone),
    }
}

/// Whether a given time is `at`: who says again what is so already changes nothing, even if it is past by now.
pub(super) fn is_same(given: Given, zone: Tz, at: DateTime<Utc>) -> bool {
    resolve(given, zone).is_some_and(|resolved| resolved.at.trunc_subsecs(3) == at)
}

/// Whether a booking may no longer start then.
pub(super) fn is_past(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    at < now - PAST_MAX
}

/// An instant as a clock on the wall in `zone` shows it.
pub(super) fn wall_time(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).naive_local().format("%Y-%m-%dT%H:%M:%S%.f").to_string()
}

fn parse(text: &str) -> Option<Given> {
    let instant = DateTime::parse_from_rfc3339(text).ok().map(Given::Instant);
    let given = instant.or_else(|| {
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
            .map(Given::Wall)
    })?;
    let (year, nanosecond) = match given {
        Given::Instant(at) => (at.year(), at.nanosecond()),
        Given::Wall(wall) => (wall.year(), wall.nanosecond()),
    };
    // Neither Zoom nor the databases know leap seconds (chrono counts them beyond the billion).
    (YEARS.contains(&year) && nanosecond < 1_000_000_000).then_some(given)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::error::ApiError;

    fn faults(fields: Fields) -> String {
        match fields.finish() {
            Err(ApiError::Validation(faults)) => {
                faults.iter().map(|fault| fault.message.clone()).collect::<Vec<_>>().join("; ")
            }
            _ => String::new(),
        }
    }

    fn started(text: &str) -> (Option<Start>, String) {
        let mut fields = Fields::from_query(&format!("start_time={}", text.replace('+', "%2B")));
        let now = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
        let start = time(&mut fields, &["start_time"])
            .and_then(|given| start(&mut fields, given, chrono_tz::Europe::Berlin, now));
        (start, faults(fields))
    }

    #[test]
    fn a_time_without_an_offset_is_wall_time() {
        let (start, _) = started("2026-07-01T10:00");
        let start = start.unwrap();
        assert_eq!(start.at.to_rfc3339(), "2026-07-01T08:00:00+00:00");
        assert_eq!(start.wall, "2026-07-01T10:00:00");
    }

    #[test]
    fn a_gap_is_refused_and_a_double_is_told() {
        assert!(started("2026-03-29T02:30:00").1.contains("does not exist"));
        assert!(started("2026-10-25T02:30:00").0.unwrap().notice.unwrap().contains("twice"));
    }

    #[test]
    fn the_past_and_nonsense_are_refused() {
        assert!(started("2025-06-01T10:00:00Z").1.contains("in the past"));
        assert!(started("tomorrow").1.contains("must be a time"));
        assert!(started("9999-01-01T00:00:00Z").1.contains("must be a time"));
        assert!(started("2026-12-31T23:59:60Z").1.contains("must be a time"), "a leap second");
        assert!(started("2026-07-01T10:00:00+02:00").0.is_some());
    }

    #[test]
    fn a_filter_is_in_the_zone_where_it_names_none() {
        let read = |text: &str, zone: Tz| {
            let mut fields = Fields::from_query(&format!("from={0}&to={0}", text.replace('+', "%2B")));
            let (from, to) = between(&mut fields, zone);
            (from.map(|at| at.to_rfc3339()), to.map(|at| at.to_rfc3339()), faults(fields))
        };
        let (berlin, cairo) = (chrono_tz::Europe::Berlin, chrono_tz::Africa::Cairo);
        for (text, zone, from, to) in [
            ("2026-07-01", berlin, "2026-06-30T22:00:00+00:00", "2026-07-01T22:00:00+00:00"),
            ("2026-03-29", berlin, "2026-03-28T23:00:00+00:00", "2026-03-29T22:00:00+00:00"),
            ("2026-04-24", cairo, "2026-04-23T22:00:00+00:00", "2026-04-24T21:00:00+00:00"),
            ("2026-07-01T10:00", berlin, "2026-07-01T08:00:00+00:00", "2026-07-01T08:00:00+00:00"),
            ("2026-07-01T10:00:00Z", berlin, "2026-07-01T10:00:00+00:00", "2026-07-01T10:00:00+00:00"),
            ("2026-07-01T10:00:00+05:00", berlin, "2026-07-01T05:00:00+00:00", "2026-07-01T05:00:00+00:00"),
        ] {
            let found = read(text, zone);
            assert_eq!(found, (Some(from.to_owned()), Some(to.to_owned()), String::new()), "{text}");
        }
        assert!(read("2026-03-29T02:30:00", berlin).2.contains("does not exist"));
        assert!(read("soon", berlin).2.contains("must be a time"));
    }

    #[test]
    fn far_zones_are_as_good_as_near_ones() {
        for (zone, text, at) in [
            ("Pacific/Kiritimati", "2026-07-01T08:00", "2026-06-30T18:00:00+00:00"),
            ("Pacific/Pago_Pago", "2026-07-01T20:00", "2026-07-02T07:00:00+00:00"),
            ("America/St_Johns", "2026-07-01T10:00", "2026-07-01T12:30:00+00:00"),
            ("Asia/Kathmandu", "2026-07-01T10:00", "2026-07-01T04:15:00+00:00"),
            ("Australia/Lord_Howe", "2026-07-01T10:00", "2026-06-30T23:30:00+00:00"),
        ] {
            let zone: Tz = zone.parse().unwrap();
            let mut fields = Fields::from_query("");
            let now = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
            let start = start(&mut fields, parse(text).unwrap(), zone, now).unwrap();
            assert_eq!((start.at.to_rfc3339().as_str(), &start.wall[..16]), (at, text), "{zone}");
        }
    }

    #[test]
    fn what_is_said_again_is_the_same_however_it_is_said() {
        let at = DateTime::from_timestamp(1_782_892_800, 0).unwrap();
        let berlin = chrono_tz::Europe::Berlin;
        for text in ["2026-07-01T10:00:00", "2026-07-01T08:00:00Z", "2026-07-01T11:00:00+03:00"] {
            assert!(is_same(parse(text).unwrap(), berlin, at), "{text}");
        }
        assert!(!is_same(parse("2026-07-01T08:00:00").unwrap(), berlin, at));
        assert!(!is_same(parse("2026-03-29T02:30:00").unwrap(), berlin, at), "a gap is no time");
    }
}
