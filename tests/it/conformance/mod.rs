//! The sandbox and the daemon speak Zoom's language, as Zoom has written it down: every request the daemon makes,
//! every answer and every event the sandbox makes is held against Zoom's OpenAPI documents. Where Zoom itself does
//! not keep to them, neither does the sandbox; each such place is listed with its reason in `deviations`.

mod deviations;
mod spec;
mod stops;
mod tour;

use std::collections::BTreeSet;

use convened::sandbox::Sandbox;

use self::deviations::assert_only_known;
use self::spec::Spec;
use self::tour::Tour;

#[actix_web::test]
async fn requests_answers_and_events_are_as_zoom_publishes_them() {
    let Some(spec) = Spec::load() else { return };
    let mut tour = Tour::start().await;
    stops::visit_all(&mut tour).await;
    let mut found = BTreeSet::new();
    let mut endpoints = BTreeSet::new();
    for exchange in &tour.exchanges {
        let Some(operation) = spec.operation(&exchange.method, &exchange.path) else {
            panic!("{} {} is no operation of Zoom's", exchange.method, exchange.path);
        };
        if exchange.ours {
            found.extend(operation.request(&exchange.query, exchange.body.as_ref()));
        }
        found.extend(operation.answer(exchange.status, exchange.answer.as_ref()));
        if exchange.status < 400 {
            endpoints.insert(without_names(&operation.name));
        }
    }
    let mut events = BTreeSet::new();
    for event in tour.events(EVENTS).await {
        let name = event["event"].as_str().unwrap().to_owned();
        // The documents at hand have no schemas for the events of users.
        match spec.event(&event) {
            Some(violations) => found.extend(violations),
            None => assert!(name.starts_with("user."), "{name} is no event of Zoom's"),
        }
        events.insert(name);
    }
    tour.stop().await;

    assert_only_known(&found);
    let left_out: Vec<_> =
        Sandbox::endpoints().filter(|name| !endpoints.contains(&without_names(name))).collect();
    assert!(left_out.is_empty(), "the tour has left out {left_out:?}");
    let left_out: Vec<_> = EVENTS.iter().filter(|name| !events.contains(**name)).collect();
    assert!(left_out.is_empty(), "the tour has not caused {left_out:?}");
}

/// What the tour must cause.
const EVENTS: &[&str] = &[
    "meeting.created",
    "meeting.updated",
    "meeting.deleted",
    "meeting.started",
    "meeting.ended",
    "meeting.participant_jbh_joined",
    "meeting.participant_joined",
    "meeting.participant_left",
    "meeting.participant_joined_waiting_room",
    "meeting.participant_left_waiting_room",
    "meeting.participant_put_in_waiting_room",
    "meeting.participant_admitted",
    "meeting.participant_joined_breakout_room",
    "meeting.participant_left_breakout_room",
    "meeting.registration_created",
    "meeting.registration_approved",
    "meeting.registration_cancelled",
    "meeting.registration_denied",
    "recording.completed",
];

/// An operation without the names of its placeholders, which differ.
fn without_names(operation: &str) -> String {
    let blank = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    operation.split('/').map(blank).collect::<Vec<_>>().join("/")
}
