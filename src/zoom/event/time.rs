//! Instants as Zoom writes them.

use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};

/// Below this a bare number is seconds, from here on milliseconds: 1973 in milliseconds, 5138 in seconds.
const FIRST_MILLIS: i64 = 100_000_000_000;

/// An RFC 3339 time, one without an offset (then UTC), or a number since 1970; cut to milliseconds.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let parsed = if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        Some(time.to_utc())
    } else if let Ok(number) = text.parse::<i64>() {
        epoch(number)
    } else {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|time| time.and_utc())
    };
    // Zoom's own years only: a garbage year would be written to databases that cannot hold it.
    parsed.map(|time| time.trunc_subsecs(3)).filter(|time| (0..=FIRST_MILLIS).contains(&time.timestamp()))
}

/// Seconds or milliseconds since 1970.
fn epoch(number: i64) -> Option<DateTime<Utc>> {
    if number < FIRST_MILLIS {
        DateTime::from_timestamp(number, 0)
    } else {
        DateTime::from_timestamp_millis(number)
    }
}

#[cfg(test)]
mod tests {
    use super::instant;

    #[test]
    fn every_way_of_writing_an_instant_is_the_same_instant() {
        for text in [
            "2021-07-13T21:44:51Z",
            "2021-07-13T21:44:51.000Z",
            "2021-07-13T14:44:51-07:00",
            "2021-07-13T21:44:51",
            " 1626212691 ",
            "1626212691000",
        ] {
            assert_eq!(instant(text).unwrap().timestamp_millis(), 1_626_212_691_000, "{text}");
        }
    }

    #[test]
    fn garbage_is_unknown() {
        for text in ["", "soon", "-1", "808591414808591414", "9999999999999999999999", "2021-13-13T21:44:51Z"]
        {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
