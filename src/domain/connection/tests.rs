//! Merging is a semilattice, and events fold into the connections they show.

use proptest::prelude::*;

use super::*;
use crate::domain::events::{ConnectionKey, EventKind, MeetingRef, ParticipantEvent, ZoomEvent};

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

fn participant(key: &str, second: i64) -> ParticipantEvent {
    ParticipantEvent {
        connection: ConnectionKey::new(Some(key), None, None, ""),
        participant_uuid: Some(key.to_owned()),
        name: "Ann".to_owned(),
        at: Some(at(second)),
        ..ParticipantEvent::default()
    }
}

fn event(kind: EventKind) -> ZoomEvent {
    let meeting = MeetingRef { number: "1".into(), uuid: Some("U".into()), host_id: None };
    ZoomEvent { name: String::new(), event_ts: Some(at(99)), meeting: Some(meeting), kind }
}

fn folded(kinds: impl IntoIterator<Item = EventKind>) -> Vec<Connection> {
    let events: Vec<ZoomEvent> = kinds.into_iter().map(event).collect();
    let mut connections = events.iter().collect::<Connections>().into_vec();
    connections.sort_unstable_by_key(Connection::id);
    connections
}

#[test]
fn a_join_and_a_leave_are_one_connection_in_either_order() {
    let (join, leave) = (EventKind::Joined(participant("P", 10)), EventKind::Left(participant("P", 20)));
    let connections = folded([join.clone(), leave.clone()]);
    assert_eq!(connections.len(), 1);
    assert_eq!((connections[0].join_time, connections[0].leave_time), (Some(at(10)), Some(at(20))));
    assert_eq!(connections, folded([leave.clone(), join, leave]));
}

#[test]
fn a_late_leave_of_the_old_connection_does_not_end_the_new_one() {
    let connections = folded([
        EventKind::Joined(participant("old", 10)),
        EventKind::Joined(participant("new", 30)),
        EventKind::Left(participant("old", 40)),
    ]);
    let open: Vec<_> =
        connections.iter().filter(|c| c.leave_time.is_none()).map(|c| c.key.as_str()).collect();
    assert_eq!(open, ["new"]);
}

#[test]
fn every_step_at_the_waiting_rooms_door_is_kept() {
    let connections = folded([
        EventKind::WaitingJoined(participant("P", 1)),
        EventKind::Admitted(participant("P", 2)),
        EventKind::WaitingLeft(participant("P", 2)),
        EventKind::Joined(participant("P", 2)),
        EventKind::PutInWaiting(participant("P", 10)),
        EventKind::Admitted(participant("P", 12)),
        EventKind::Left(participant("P", 20)),
    ]);
    let waiting = connections.iter().filter(|c| c.room == Room::Waiting);
    let mut steps: Vec<_> = waiting.map(|c| (c.join_time, c.leave_time)).collect();
    steps.sort_unstable();
    let (some, none) = (|s| Some(at(s)), None);
    assert_eq!(steps, [(none, some(2)), (none, some(12)), (some(1), none), (some(10), none)]);
    assert!(connections.iter().all(|c| c.device() == "P"));
}

#[test]
fn a_payload_without_a_time_falls_back_on_when_it_was_sent() {
    let mut timeless = participant("P", 0);
    timeless.at = None;
    assert_eq!(folded([EventKind::Joined(timeless)])[0].join_time, Some(at(99)));
}

#[test]
fn events_of_no_connection_show_none() {
    assert_eq!(
        folded([EventKind::Other, EventKind::JbhJoined(participant("P", 1)), EventKind::MeetingDeleted]),
        []
    );
    let mut nowhere = event(EventKind::Joined(participant("P", 1)));
    nowhere.meeting = None;
    assert_eq!(Connections::default().see(&nowhere), None);
}

#[test]
fn the_words_for_rooms_and_sources_read_back() {
    for room in [Room::Main, Room::Breakout, Room::Waiting] {
        assert_eq!(Room::parse(room.as_str()), Some(room));
    }
    for source in [Source::Webhook, Source::Report, Source::App, Source::Hand] {
        assert_eq!(Source::parse(source.as_str()), Some(source));
    }
}

fn word() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[ab]{1,2}")
}

/// Any view of one connection.
fn view() -> impl Strategy<Value = Connection> {
    let time = || proptest::option::of((0_i64..9).prop_map(at));
    ((word(), word(), word(), word()), (word(), word(), word()), time(), time(), "[ab]{0,2}").prop_map(
        |(
            (participant_uuid, user_id, zoom_user_id, registrant_id),
            (customer_key, email, leave_reason),
            join_time,
            leave_time,
            name,
        )| {
            Connection {
                instance: "U".into(),
                key: "P".into(),
                room: Room::Main,
                source: Source::Webhook,
                participant_uuid,
                user_id,
                zoom_user_id,
                registrant_id,
                customer_key,
                email,
                name,
                join_time,
                leave_time,
                leave_reason,
            }
        },
    )
}

fn merged(a: &Connection, b: &Connection) -> Connection {
    let mut merged = a.clone();
    merged.merge(b);
    merged
}

proptest! {
    #[test]
    fn merging_is_a_semilattice(a in view(), b in view(), c in view()) {
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert_eq!(merged(&a, &a), a.clone());
        prop_assert_eq!(merged(&merged(&a, &b), &b), merged(&a, &b));
    }
}
