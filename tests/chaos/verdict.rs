//! The invariants, from what the account holds and has recorded, never from the daemon's own tables.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use convened::domain::marker::Marker;
use convened::sandbox::deliveries::{DeliveryFilter, DeliveryState};
use convened::sandbox::ledger::LedgerFilter;
use convened::sandbox::model::SandboxMeeting;
use convened::sandbox::timetable::Role;
use serde_json::{Value, json};

use crate::book::{Expected, Promise, State, Violation};
use crate::inbox;
use crate::rest;
use crate::stage::{POOL, Stage};
use crate::storm::Storm;

/// How many violations of a kind are told.
const TOLD_MAX: usize = 20;

/// Everything that is not as it was promised.
pub(crate) async fn pass(stage: &Stage, storm: &Storm, shown: &[Value]) -> Result<Vec<Violation>> {
    let mut violations = stage.book.violations();
    let meetings = stage.sandbox.state().meetings();
    violations.extend(lost_or_invented(&stage.book.promises(), shown));
    for promise in stage.book.promises() {
        violations.extend(one_meeting(stage, &promise, &meetings, shown));
    }
    violations.extend(ownerless(stage, &meetings));
    violations.extend(doubled(&meetings));
    violations.extend(too_fast(stage));
    violations.extend(lost_webhooks(stage)?);
    for played in &storm.played {
        violations.extend(marks(stage, &played.appointment, &played.tag, played.class).await?);
    }
    Ok(violations)
}

/// Every acknowledged booking is there, as often as it was acknowledged, and no other.
fn lost_or_invented(promises: &[Promise], shown: &[Value]) -> Vec<Violation> {
    let mut left: BTreeMap<&str, &Promise> =
        promises.iter().map(|promise| (promise.id.as_str(), promise)).collect();
    let mut violations = Vec::new();
    for booking in shown {
        let id = booking.get("id").and_then(Value::as_str).unwrap_or_default();
        let status = booking.get("status").and_then(Value::as_str).unwrap_or_default();
        match left.remove(id) {
            None => violations.push(Violation::new(
                None,
                "only bookings that were acknowledged",
                booking.to_string(),
            )),
            Some(promise) if !fits(promise.state, status) => {
                let expected = format!("a booking that is {:?}", promise.state);
                violations.push(Violation::new(Some(&promise.tag), expected, status));
            }
            Some(_) => {}
        }
    }
    violations.extend(
        left.values().map(|promise| {
            Violation::new(Some(&promise.tag), format!("the booking {}", promise.id), "nothing")
        }),
    );
    violations
}

fn fits(state: State, status: &str) -> bool {
    match state {
        State::Requested => status == "requested",
        State::Confirmed => status == "confirmed",
        State::Cancelled => status == "cancelled",
        State::Played => ["completed", "no_show"].contains(&status),
        State::Lapsed => status != "cancelled",
    }
}

/// A confirmed booking has exactly one live meeting, as it was acknowledged; any other has none.
fn one_meeting(
    stage: &Stage,
    promise: &Promise,
    meetings: &[SandboxMeeting],
    shown: &[Value],
) -> Vec<Violation> {
    let tag = Some(promise.tag.as_str());
    let live: Vec<&SandboxMeeting> = meetings
        .iter()
        .filter(|meeting| meeting.deleted_at.is_none() && Stage::tag_of(meeting) == tag)
        .collect();
    let waits = shown.iter().any(|booking| {
        booking.get("id") == Some(&json!(promise.id))
            && booking.pointer("/meeting/sync/state") == Some(&json!("waiting_for_host"))
    });
    let expected = match promise.state {
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
    let compared = |meeting: &&SandboxMeeting| differences(stage, promise, meeting);
    match promise.state {
        State::Lapsed => Vec::new(),
        State::Confirmed if waits => needless_wait(stage, promise, meetings).into_iter().collect(),
        _ => live.iter().flat_map(compared).collect(),
    }
}

fn differences(stage: &Stage, promise: &Promise, meeting: &SandboxMeeting) -> Vec<Violation> {
    let host = stage.sandbox.state().user(&meeting.host_id).map(|user| user.email).unwrap_or_default();
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

/// Whoever waits in line for a shared host waits because all of them have a meeting then.
fn needless_wait(stage: &Stage, promise: &Promise, meetings: &[SandboxMeeting]) -> Option<Violation> {
    let padding = chrono::Duration::minutes(5);
    let (from, until) =
        (promise.start - padding, promise.start + chrono::Duration::minutes(promise.minutes) + padding);
    let busy = |host: &&&str| {
        let user = stage.sandbox.state().user(&Stage::email(host)).map(|user| user.id);
        meetings.iter().any(|meeting| {
            meeting.deleted_at.is_none()
                && user.as_ref() == Some(&meeting.host_id)
                && meeting.start < until
                && from < meeting.end()
        })
    };
    let free: Vec<&&str> = POOL.iter().filter(|host| !busy(host)).collect();
    let found = format!("{free:?} is free and the booking waits in line");
    (!free.is_empty()).then(|| Violation::new(Some(&promise.tag), "a host, because one is free", found))
}

/// No meeting with our mark is left that no booking stands for.
fn ownerless(stage: &Stage, meetings: &[SandboxMeeting]) -> Vec<Violation> {
    let known: BTreeSet<String> = stage.book.promises().into_iter().map(|promise| promise.tag).collect();
    let marked = meetings
        .iter()
        .filter(|meeting| meeting.deleted_at.is_none() && Marker::at_head_of(&meeting.agenda).is_some());
    marked
        .filter(|meeting| !Stage::tag_of(meeting).is_some_and(|tag| known.contains(tag)))
        .map(|meeting| {
            let found = format!("{} `{}` {}", meeting.number, meeting.topic, meeting.agenda);
            Violation::new(Stage::tag_of(meeting), "no marked meeting without a booking", found)
        })
        .collect()
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

/// No request was one too many, but for those that were refused by a fault.
fn too_fast(stage: &Stage) -> Vec<Violation> {
    let refused =
        stage.sandbox.state().ledger(&LedgerFilter { status: Some(429), ..LedgerFilter::default() });
    refused
        .iter()
        .filter(|entry| !entry.faults.contains(&"rate_limit"))
        .take(TOLD_MAX)
        .map(|entry| {
            let found = format!("{} {} at {}", entry.method, entry.path, entry.at);
            Violation::new(None, "no 429 that we have caused", found)
        })
        .collect()
}

/// Every webhook that was answered with 200 is there and was applied.
fn lost_webhooks(stage: &Stage) -> Result<Vec<Violation>> {
    let rows = inbox::rows(stage)?;
    let stored: BTreeMap<String, &inbox::InboxRow> =
        rows.iter().map(|row| (row.sha256_head(), row)).collect();
    let delivered = DeliveryFilter { state: Some(DeliveryState::Delivered), ..DeliveryFilter::default() };
    let mut violations = Vec::new();
    for record in stage.sandbox.delivery().records(&delivered) {
        let found = stored.iter().find(|(head, _)| record.sha256.starts_with(head.as_str()));
        let fault = match found {
            None => "nothing".to_owned(),
            Some((_, row)) if row.state == "dead" => format!("a dead letter, `{}`", row.event),
            Some(_) => continue,
        };
        violations.push(Violation::new(None, format!("webhook {} `{}`", record.seq, record.event), fault));
    }
    violations.truncate(TOLD_MAX);
    Ok(violations)
}

/// The final marks of a class are what really happened.
async fn marks(stage: &Stage, appointment: &str, tag: &str, class: u64) -> Result<Vec<Violation>> {
    let view = stage.sandbox.classes().view(class).context("the sandbox forgot a class")?;
    let booking = stage.api.get(&format!("/api/appointments/{appointment}")).await?;
    let records = rest::records(stage, &booking).await?;
    let mut violations = Vec::new();
    for person in view.truth.persons.iter().filter(|person| person.role == Role::Attendee) {
        let record =
            records.iter().find(|record| record.pointer("/student/name") == Some(&json!(person.name)));
        let score =
            record.and_then(|record| record.get("score")?.as_f64()).map(|score| (score * 1000.0).round());
        let status = record.and_then(|record| record.get("status")).cloned().unwrap_or_default();
        let truth = serde_json::to_value(person.status)?;
        if status != truth || score != Some(person.score_milli as f64) {
            let expected = format!("{} {truth} with {}", person.name, person.score_milli);
            let found = format!("{status} with {score:?}: {}", record.cloned().unwrap_or_default());
            violations.push(Violation::new(Some(tag), expected, found));
        }
    }
    Ok(violations)
}
