//! The invariants, found from what the account holds and has recorded, never from the daemon's own tables.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use convened::domain::marker::Marker;
use convened::sandbox::model::SandboxMeeting;
use convened::sandbox::timetable::Role;
use serde_json::{Value, json};

use crate::book::{Expected, Promise, State, Violation};
use crate::evidence::{Class, Evidence};
use crate::stage::{POOL, Stage};

/// How many violations of a kind are told.
const TOLD_MAX: usize = 20;
/// `meetings.host_padding`.
const PADDING_MINUTES: i64 = 5;

/// Everything that is not as it was promised.
pub(crate) fn pass(evidence: &Evidence) -> Vec<Violation> {
    let mut violations = lost_or_invented(evidence);
    for promise in &evidence.promises {
        violations.extend(one_meeting(evidence, promise));
    }
    violations.extend(ownerless(evidence));
    violations.extend(doubled(&evidence.meetings));
    violations.extend(too_fast(evidence));
    violations.extend(lost_webhooks(evidence));
    violations.extend(evidence.classes.iter().flat_map(marks));
    violations
}

/// Every acknowledged booking is there, as often as it was acknowledged, and no other.
fn lost_or_invented(evidence: &Evidence) -> Vec<Violation> {
    let promises = evidence.promises.iter();
    let mut left: BTreeMap<&str, &Promise> = promises.map(|promise| (promise.id.as_str(), promise)).collect();
    let mut violations = Vec::new();
    for booking in &evidence.shown {
        let id = booking.get("id").and_then(Value::as_str).unwrap_or_default();
        let status = booking.get("status").and_then(Value::as_str).unwrap_or_default();
        match left.remove(id) {
            None => {
                let expected = "only bookings that were acknowledged, once each";
                violations.push(Violation::new(None, expected, booking.to_string()));
            }
            Some(promise) if !fits(promise.state, status) => {
                let expected = format!("a booking that is {:?}", promise.state);
                violations.push(Violation::new(Some(&promise.tag), expected, status));
            }
            Some(_) => {}
        }
    }
    let lost = |promise: &&Promise| {
        Violation::new(Some(&promise.tag), format!("the acknowledged booking {}", promise.id), "nothing")
    };
    violations.extend(left.values().map(lost));
    violations
}

fn fits(state: State, status: &str) -> bool {
    match state {
        State::Requested => status == "requested",
        State::Confirmed => status == "confirmed",
        State::Cancelled => status == "cancelled",
        State::Played => status == "completed",
        State::Lapsed => status != "cancelled",
    }
}

/// A confirmed booking has exactly one live meeting, as it was acknowledged; any other has none.
fn one_meeting(evidence: &Evidence, promise: &Promise) -> Vec<Violation> {
    let tag = Some(promise.tag.as_str());
    let live: Vec<&SandboxMeeting> =
        alive(&evidence.meetings).filter(|meeting| Stage::tag_of(meeting) == tag).collect();
    let waits = evidence.shown.iter().any(|booking| {
        booking.get("id") == Some(&json!(promise.id))
            && booking.pointer("/meeting/sync/state") == Some(&json!("waiting_for_host"))
    });
    let expected: RangeInclusive<usize> = match promise.state {
        State::Requested | State::Cancelled => 0..=0,
        State::Confirmed if waits => 0..=0,
        State::Confirmed | State::Played => 1..=1,
        State::Lapsed => 0..=1,
    };
    if !expected.contains(&live.len()) {
        let numbers: Vec<u64> = live.iter().map(|meeting| meeting.number).collect();
        let expected = format!("{expected:?} live meetings of a booking that is {:?}", promise.state);
        return vec![Violation::new(tag, expected, format!("{numbers:?}"))];
    }
    match promise.state {
        State::Lapsed => Vec::new(),
        State::Confirmed if waits => needless_wait(evidence, promise).into_iter().collect(),
        _ => live.iter().flat_map(|meeting| differences(evidence, promise, meeting)).collect(),
    }
}

fn differences(evidence: &Evidence, promise: &Promise, meeting: &SandboxMeeting) -> Vec<Violation> {
    let host = evidence.users.get(&meeting.host_id).map(String::as_str).unwrap_or_default();
    let is_pool = POOL.iter().any(|shared| Stage::email(shared) == host);
    let right_host = match &promise.host {
        Expected::Person(reference) => host == Stage::email(reference),
        Expected::Pool => is_pool,
        Expected::PersonOrPool(reference) => is_pool || host == Stage::email(reference),
    };
    let compared = [
        ("topic", promise.title.clone(), meeting.topic.clone()),
        ("start", promise.start.to_rfc3339(), meeting.start.to_rfc3339()),
        ("minutes", promise.minutes.to_string(), meeting.duration.to_string()),
        ("time zone", promise.zone.clone(), meeting.timezone.clone()),
    ];
    let tag = Some(promise.tag.as_str());
    let number = meeting.number;
    let mut violations: Vec<Violation> = compared
        .into_iter()
        .filter(|(_, expected, found)| expected != found)
        .map(|(what, expected, found)| {
            Violation::new(tag, format!("meeting {number} with {what} {expected}"), found)
        })
        .collect();
    if !right_host {
        violations.push(Violation::new(tag, format!("meeting {number} under {:?}", promise.host), host));
    }
    violations
}

/// Whoever waits in line for a shared host waits because each of them is promised to somebody then.
fn needless_wait(evidence: &Evidence, promise: &Promise) -> Option<Violation> {
    let padding = chrono::Duration::minutes(PADDING_MINUTES);
    let (from, until) = (promise.start - padding, end(promise) + padding);
    // A booking that is only requested holds its place at a host as well, and nobody outside can see at which.
    let held = |promise: &&Promise| {
        promise.state == State::Requested
            && !matches!(promise.host, Expected::Person(_))
            && promise.start < until
            && from < end(promise)
    };
    let held = evidence.promises.iter().filter(held).count();
    let busy = |host: &&&str| {
        alive(&evidence.meetings).any(|meeting| {
            evidence.users.get(&meeting.host_id) == Some(&Stage::email(host))
                && meeting.start < until
                && from < meeting.end()
        })
    };
    let free: Vec<&&str> = POOL.iter().filter(|host| !busy(host)).collect();
    let found = format!("{free:?} free, {held} of them perhaps promised, and the booking waiting in line");
    (free.len() > held).then(|| Violation::new(Some(&promise.tag), "a host, because one is free", found))
}

fn end(promise: &Promise) -> convened::clock::Instant {
    promise.start + chrono::Duration::minutes(promise.minutes)
}

/// No meeting with our mark is left that no booking stands for.
fn ownerless(evidence: &Evidence) -> Vec<Violation> {
    let known: BTreeSet<&str> = evidence.promises.iter().map(|promise| promise.tag.as_str()).collect();
    alive(&evidence.meetings)
        .filter(|meeting| Marker::at_head_of(&meeting.agenda).is_some())
        .filter(|meeting| !Stage::tag_of(meeting).is_some_and(|tag| known.contains(tag)))
        .map(|meeting| {
            let found = format!("{} `{}` {}", meeting.number, meeting.topic, meeting.agenda);
            Violation::new(Stage::tag_of(meeting), "no marked meeting without a booking", found)
        })
        .collect()
}

fn alive(meetings: &[SandboxMeeting]) -> impl Iterator<Item = &SandboxMeeting> {
    meetings.iter().filter(|meeting| meeting.deleted_at.is_none())
}

/// At no instant were there two meetings with the same marker.
fn doubled(meetings: &[SandboxMeeting]) -> Vec<Violation> {
    let mut by_marker: BTreeMap<&str, Vec<&SandboxMeeting>> = BTreeMap::new();
    for meeting in meetings {
        if let Some(marker) = Marker::at_head_of(&meeting.agenda) {
            by_marker.entry(marker.id).or_default().push(meeting);
        }
    }
    let mut violations = Vec::new();
    for of_one in by_marker.values_mut() {
        of_one.sort_by_key(|meeting| (meeting.created_at, meeting.number));
        for pair in of_one.windows(2) {
            let [first, second] = pair else { continue };
            if first.deleted_at.is_none_or(|deleted| deleted > second.created_at) {
                let found = format!(
                    "{} from {} to {:?} and {} from {}",
                    first.number, first.created_at, first.deleted_at, second.number, second.created_at
                );
                violations.push(Violation::new(Stage::tag_of(second), "one meeting at a time", found));
            }
        }
    }
    violations
}

/// No request was one too many, but for those that a fault refused.
fn too_fast(evidence: &Evidence) -> Vec<Violation> {
    let caused = evidence.refused.iter().filter(|entry| !entry.faults.contains(&"rate_limit"));
    caused
        .take(TOLD_MAX)
        .map(|entry| {
            let found = format!("{} {} at {}", entry.method, entry.path, entry.at);
            Violation::new(None, "no 429 that we have caused", found)
        })
        .collect()
}

/// Every webhook that was answered with 200 is there and was applied.
fn lost_webhooks(evidence: &Evidence) -> Vec<Violation> {
    let stored: BTreeMap<String, &str> =
        evidence.inbox.iter().map(|row| (row.sha256_head(), row.state.as_str())).collect();
    let fault = |sha256: &str| match stored.iter().find(|(head, _)| sha256.starts_with(head.as_str())) {
        None => Some("nothing"),
        Some((_, &"dead")) => Some("a dead letter"),
        Some(_) => None,
    };
    let told = |seq: u64, event: &str, found| Violation::new(None, format!("webhook {seq} `{event}`"), found);
    let delivered = evidence.delivered.iter();
    delivered
        .filter_map(|record| Some(told(record.seq, &record.event, fault(&record.sha256)?)))
        .take(TOLD_MAX)
        .collect()
}

/// The final marks of a class are what really happened.
fn marks(class: &Class) -> Vec<Violation> {
    let mut violations = Vec::new();
    for person in class.truth.iter().filter(|person| person.role == Role::Attendee) {
        let named = |record: &&Value| record.pointer("/student/name") == Some(&json!(person.name));
        let record = class.records.iter().find(named);
        let score =
            record.and_then(|record| record.get("score")?.as_f64()).map(|score| (score * 1000.0).round());
        let status = record.and_then(|record| record.get("status")).cloned().unwrap_or_default();
        let truth = json!(person.status);
        if status != truth || score != Some(person.score_milli as f64) {
            let expected = format!("{} {truth} with {}", person.name, person.score_milli);
            let found = format!("{status} with {score:?}: {}", record.cloned().unwrap_or_default());
            violations.push(Violation::new(Some(&class.tag), expected, found));
        }
    }
    violations
}
