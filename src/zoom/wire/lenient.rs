//! Reading what Zoom means rather than what it writes: numbers as strings, `""` for nothing.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serializer};
use serde_json::Value;

/// Reads a number that may come as a string; `""` and `null` are nothing.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// Reads a whole number that may come as a string or with a fraction; everything else is nothing.
pub(super) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(whole(&Value::deserialize(deserializer)?))
}

/// As [`integer`], with 0 for nothing.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(integer(deserializer)?.unwrap_or_default())
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(cut)),
        Value::String(text) => {
            text.trim().parse().ok().or_else(|| text.trim().parse::<f64>().ok().and_then(cut))
        }
        _ => None,
    }
}

/// The whole part of a number, if it is one that Zoom could mean.
fn cut(number: f64) -> Option<i64> {
    // Numbers up to here are exact in both types.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if !number.is_finite() || number.abs() > EXACT {
        return None;
    }
    format!("{:.0}", number.trunc()).parse().ok()
}

/// Reads yes or no, also as a text or a number; everything else is no.
pub(super) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Bool(flag) => flag,
        Value::String(text) => text.trim().eq_ignore_ascii_case("true") || text.trim() == "1",
        Value::Number(number) => number.as_i64().is_some_and(|number| number != 0),
        _ => false,
    })
}

/// Reads a list entry by entry: `None` for one that is no `T`, so that it spoils none of the others.
pub(super) fn entries<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Option<T>>, D::Error> {
    let entries = Vec::<Value>::deserialize(deserializer)?;
    // Only an object is an entry: serde takes a list for one, too, by the order of the fields.
    let read = |entry: Value| entry.is_object().then(|| T::deserialize(entry).ok()).flatten();
    Ok(entries.into_iter().map(read).collect())
}

/// As [`entries`], without those that are none; nothing for what is no list.
pub(super) fn those_readable<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(entries(value).unwrap_or_default().into_iter().flatten().collect())
}

/// Reads a text that may come as a number; `""` and `null` are nothing.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// Reads a moment in UTC; `""`, `null` and nonsense are nothing.
pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let Some(text) = text(deserializer)? else { return Ok(None) };
    let with_zone = DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc());
    let without = || NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S").map(|time| time.and_utc());
    Ok(with_zone.or_else(|_| without()).ok())
}

/// Writes a moment as Zoom does: whole seconds, UTC, `Z`.
pub(super) fn write_time<S: Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(&time.format("%Y-%m-%dT%H:%M:%SZ")),
        None => serializer.serialize_none(),
    }
}

/// Writes a text as Zoom does where a field is always there: `""` for nothing.
pub(super) fn write_text<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use crate::zoom::wire::{Meeting, PastParticipant};

    #[test]
    fn numbers_and_strings_are_the_same_number() {
        for json in [r#"{"id": 83320360000}"#, r#"{"id": "83320360000"}"#] {
            let meeting: Meeting = serde_json::from_str(json).unwrap();
            assert_eq!(meeting.id, Some(83_320_360_000));
        }
    }

    #[test]
    fn an_empty_text_is_nothing() {
        let json =
            r#"{"id": "", "join_time": "", "user_id": 16778240, "leave_time": "2022-03-23T07:02:28Z"}"#;
        let row: PastParticipant = serde_json::from_str(json).unwrap();
        assert_eq!((row.id, row.join_time, row.user_id), (None, None, Some("16778240".to_owned())));
        assert_eq!(row.leave_time.unwrap().timestamp(), 1_648_018_948);
    }

    #[test]
    fn times_are_written_in_whole_seconds() {
        let meeting =
            Meeting { start_time: chrono::DateTime::from_timestamp_millis(1_500), ..Meeting::default() };
        assert_eq!(serde_json::to_string(&meeting).unwrap(), r#"{"start_time":"1970-01-01T00:00:01Z"}"#);
    }
}
