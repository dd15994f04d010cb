//! From an HTTP answer to what it means. The only place that looks at status codes and Zoom's texts.
//!
//! Zoom's own code decides, then its words, and the HTTP status only where there is neither: "token expired"
//! comes as 400 and as 401, and five different limits come as 429. Broken characters in a name are no reason to
//! refuse an answer.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use serde_json::Value;

use super::error::{Doubt, Limit, ZoomError};
use super::http::header::{HeaderMap, RETRY_AFTER};
use super::repair;

/// What Zoom calls a thing it does not know: users, meetings, recordings, transcripts.
const NOT_FOUND: [i64; 4] = [1001, 3001, 3301, 3322];
/// The access token is no good (expired, revoked by a newer one).
const TOKEN_INVALID: [i64; 2] = [124, 4741];
/// The app has too few permissions, today's code and the older one.
const SCOPE_MISSING: [i64; 2] = [4711, 4700];
/// The codes of "too much", whatever the status.
const TOO_MUCH: [i64; 2] = [429, 4001];
/// A wait longer than this is not about calls per second.
const QPS_PAUSE_MAX: Duration = Duration::from_secs(60);
/// No allowance is longer than a day; what asks for more patience is a clock gone wrong.
const UNTIL_MAX: TimeDelta = TimeDelta::hours(25);
/// The least patience, for a date that is already past by our clock.
const UNTIL_MIN: TimeDelta = TimeDelta::seconds(1);

/// How far Zoom's clock may be behind ours.
const CLOCKS_APART_MAX: TimeDelta = TimeDelta::minutes(2);

/// Zoom's error body, as far as it can be made out.
struct Fault {
    code: Option<i64>,
    message: String,
}

/// What an answer means: its JSON (null for an empty body), or why it is none.
pub(super) fn judge(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<Value, ZoomError> {
    let json = repair::json(body);
    match (status, json) {
        (200..=299, Some(value)) => Ok(value),
        (200..=299, None) if body.is_empty() => Ok(Value::Null),
        // The answer to a request that took too long to arrive is as uncertain as a failure.
        (408 | 500.., _) => Err(unknown(Doubt::ServerFailure, status)),
        (429, None) => Err(ZoomError::RateLimited(which_limit("", headers, now))),
        (401, None) => Err(ZoomError::TokenInvalid),
        (400..=499, Some(value @ Value::Object(_))) => Err(fault(status, headers, &read_fault(&value), now)),
        _ => Err(unknown(Doubt::NotJson, status)),
    }
}

fn unknown(doubt: Doubt, status: u16) -> ZoomError {
    ZoomError::Unknown { doubt, status: Some(status) }
}

fn fault(status: u16, headers: &HeaderMap, fault: &Fault, now: DateTime<Utc>) -> ZoomError {
    let Fault { code, message } = fault;
    let is = |known: &[i64]| code.is_some_and(|code| known.contains(&code));
    if status == 429 || is(&TOO_MUCH) && mentions_a_limit(message) {
        return ZoomError::RateLimited(which_limit(message, headers, now));
    }
    // Some answers about scopes carry the code of an invalid token; renewing it would not help.
    if is(&SCOPE_MISSING) || lacks_permission(message) {
        return ZoomError::ScopeMissing { scopes: named_scopes(message) };
    }
    if is(&TOKEN_INVALID) || status == 401 && code.is_none() {
        return ZoomError::TokenInvalid;
    }
    match code {
        Some(code) if NOT_FOUND.contains(code) => {
            ZoomError::NotFound { code: *code, message: message.clone() }
        }
        code => ZoomError::Rejected { status, code: *code, message: message.clone() },
    }
}

/// Zoom's error object; the code may come as text, faulty fields are added to the message.
fn read_fault(body: &Value) -> Fault {
    let code = match body.get("code") {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    let text =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut message = text(body, "message");
    for field in body.get("errors").and_then(Value::as_array).into_iter().flatten() {
        message = format!("{message} {}: {}", text(field, "field"), text(field, "message"));
    }
    Fault { code, message: message.trim().to_owned() }
}

fn mentions_a_limit(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("rate limit") || message.contains("too many")
}

fn lacks_permission(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("does not contain scopes") || message.contains("does not contain permissions")
}

/// The names between the brackets of "does not contain scopes:[a, b]."
fn named_scopes(message: &str) -> Vec<String> {
    let inside = message.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    let names = inside.map(|(names, _)| names).unwrap_or_default();
    names.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// Which of the limits a 429 speaks of. The limits of one host and one registrant come without the headers
/// that tell the others apart, and with the label's figures, so the words go first.
fn which_limit(message: &str, headers: &HeaderMap, now: DateTime<Utc>) -> Limit {
    let message = message.to_ascii_lowercase();
    let says = |text: &str| message.contains(text);
    let kind = headers.get("x-ratelimit-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let until = retry_after.and_then(|text| read_retry_after(text, now));
    let patient = until.filter(|until| *until - now > TimeDelta::from_std(QPS_PAUSE_MAX).unwrap_or_default());

    if says("too many concurrent") {
        Limit::LockKey
    } else if says("registrant") {
        Limit::RegistrantDaily { until: patient.unwrap_or_else(|| end_of_day(now)) }
    } else if says("meeting create/update") || says("particular user") {
        Limit::HostDaily { until: patient.unwrap_or_else(|| end_of_day(now)) }
    } else if kind.eq_ignore_ascii_case("qps") || says("per-second") {
        Limit::Qps { retry_after: until.and_then(|until| (until - now).to_std().ok()) }
    } else if kind.eq_ignore_ascii_case("daily-limit") || says("daily rate limit") || patient.is_some() {
        Limit::Daily { until: until.unwrap_or_else(|| end_of_day(now)) }
    } else if says("gmt 00:00:00") {
        // Unknown words about a day. Of all that lasts a day, one host is the smallest that can be parked.
        Limit::HostDaily { until: end_of_day(now) }
    } else {
        Limit::Qps { retry_after: until.and_then(|until| (until - now).to_std().ok()) }
    }
}

/// `Retry-After` as Zoom writes it (an ISO 8601 instant) and as HTTP does (seconds, or a date).
fn read_retry_after(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let in_seconds = || text.parse::<i64>().ok().and_then(TimeDelta::try_seconds);
    let until = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc2822(text))
        .map(|until| until.to_utc())
        .ok()
        .or_else(|| in_seconds().and_then(|span| now.checked_add_signed(span)))?;
    Some(until.clamp(now + UNTIL_MIN, now + UNTIL_MAX))
}

/// When to try again after a day's limit that came without a date. Just after midnight it is most likely
/// yesterday's, counted by a clock behind ours: believing it would lose a whole day.
fn end_of_day(now: DateTime<Utc>) -> DateTime<Utc> {
    let midnight = now.date_naive().and_time(NaiveTime::MIN).and_utc();
    if now - midnight < CLOCKS_APART_MAX { midnight + CLOCKS_APART_MAX } else { next_day(now) }
}

/// When Zoom's daily counts start anew: midnight in UTC.
#[must_use]
pub(crate) fn next_day(now: DateTime<Utc>) -> DateTime<Utc> {
    let today = now.date_naive();
    today.checked_add_days(Days::new(1)).unwrap_or(today).and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests;
