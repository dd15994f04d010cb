//! The outbox on both databases: places without gaps, messages to whom they concern, each sent by one.

use chrono::{DateTime, Duration, Utc};
use convened::store::notification::{self, DisabledEndpoint, NotificationState};
use convened::store::outbox::{self, Event, Subscription};
use convened::store::{Conn, StoreError, UtcMillis, audience};
use diesel::Connection as _;
use serde_json::json;

use crate::support::database::on_each_database;

fn at(second: i64) -> UtcMillis {
    DateTime::<Utc>::from_timestamp(1_800_000_000 + second, 0).unwrap().into()
}

fn subscription(endpoint: &str, events: &[&str]) -> Subscription {
    let events = events.iter().map(|event| (*event).to_owned()).collect();
    Subscription { endpoint: endpoint.to_owned(), events }
}

fn tell(conn: &mut Conn, n: i64, event: Event) {
    outbox::tell(conn, at(n), event, json!({ "n": n })).unwrap();
}

fn place(conn: &mut Conn, subscriptions: &[Subscription]) -> Option<usize> {
    conn.transaction(|conn| outbox::place(conn, subscriptions, at(100), 500)).unwrap()
}

fn claim(conn: &mut Conn, endpoint: &str, now: i64) -> Vec<String> {
    let rows = conn.transaction(|conn| notification::claim(conn, endpoint, at(now), at(now + 60), 10));
    rows.unwrap().into_iter().map(|row| row.id).collect()
}

on_each_database! {
    told_events_get_places_without_gaps_and_only_those_that_were_committed(database) {
        let conn = &mut database.conn();
        tell(conn, 1, Event::AppointmentConfirmed);
        let undone: Result<(), StoreError> = conn.transaction(|conn| {
            tell(conn, 2, Event::AppointmentCancelled);
            Err(StoreError::NotFound)
        });
        assert!(undone.is_err());
        tell(conn, 3, Event::AppointmentChanged);
        assert!(outbox::any_unplaced(conn).unwrap());
        assert_eq!(place(conn, &[]), Some(2));
        assert!(!outbox::any_unplaced(conn).unwrap());
        let told = audience::after(conn, 0, 10).unwrap();
        let told: Vec<_> = told.iter().map(|told| (told.seq, told.fact.event)).collect();
        assert_eq!(told, [(1, Event::AppointmentConfirmed), (2, Event::AppointmentChanged)]);
    }

    an_endpoint_gets_what_it_asked_for_and_a_closed_one_nothing(database) {
        let conn = &mut database.conn();
        let closed = DisabledEndpoint { endpoint: "closed".to_owned(), reason: "gone".to_owned(), disabled_at: at(0) };
        notification::disable(conn, &closed).unwrap();
        tell(conn, 1, Event::AttendanceFinal);
        tell(conn, 2, Event::MeetingFailed);
        place(conn, &[subscription("all", &[]), subscription("final", &["attendance.final"]), subscription("closed", &[])]);
        assert_eq!(claim(conn, "all", 200).len(), 2);
        assert_eq!(claim(conn, "final", 200).len(), 1);
        assert!(claim(conn, "closed", 200).is_empty());
    }

    a_message_is_handed_out_once_and_again_when_its_sender_died(database) {
        let conn = &mut database.conn();
        tell(conn, 1, Event::MeetingEnded);
        place(conn, &[subscription("a", &[])]);
        let ids = claim(conn, "a", 200);
        assert_eq!(ids.len(), 1);
        assert!(claim(conn, "a", 201).is_empty());
        assert_eq!(claim(conn, "a", 260), ids);
        notification::settle(conn, &ids[0], NotificationState::Delivered, None, None).unwrap();
        assert!(claim(conn, "a", 10_000).is_empty());
        assert_eq!(notification::next_due(conn, &["a".to_owned()]).unwrap(), None);
    }

    closing_an_endpoint_makes_dead_letters_that_can_be_replayed(database) {
        let conn = &mut database.conn();
        tell(conn, 1, Event::MeetingEnded);
        place(conn, &[subscription("a", &[])]);
        let row = DisabledEndpoint { endpoint: "a".to_owned(), reason: "gone".to_owned(), disabled_at: at(200) };
        notification::disable(conn, &row).unwrap();
        let under_way = notification::dead_letters(conn, None, 10).unwrap().remove(0).id;
        notification::settle(conn, &under_way, NotificationState::Pending, Some(at(205)), Some("late")).unwrap();
        let letters = notification::dead_letters(conn, None, 10).unwrap();
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0].last_error.as_deref(), Some("gone"));
        assert!(notification::dead_letters(conn, Some(&letters[0].id), 10).unwrap().is_empty());
        notification::replay(conn, &letters[0].id, at(300)).unwrap();
        assert!(matches!(notification::replay(conn, &letters[0].id, at(300)), Err(StoreError::NotFound)));
        assert_eq!(notification::next_due(conn, &["a".to_owned()]).unwrap(), None, "it is closed still");
        notification::enable(conn, "a").unwrap();
        assert_eq!(claim(conn, "a", 300), [letters[0].id.clone()]);
    }

    old_events_go_and_the_stream_still_knows_where_it_is(database) {
        let conn = &mut database.conn();
        for n in 1..=3 {
            tell(conn, n, Event::MeetingStarted);
        }
        place(conn, &[subscription("a", &[])]);
        tell(conn, 4, Event::MeetingStarted);
        assert_eq!(outbox::prune(conn, at(1000), 10).unwrap(), 2);
        assert_eq!(notification::prune(conn, at(1000), 2).unwrap(), 2);
        assert_eq!(outbox::last_seq(conn).unwrap(), 3);
        place(conn, &[]);
        assert_eq!(outbox::last_seq(conn).unwrap(), 4);
    }
}

#[test]
fn of_two_processes_only_one_gives_places_and_none_waits() {
    let Some(database) = crate::support::database::TestDatabase::postgres() else { return };
    let database = database.migrated();
    let (mut one, mut other) = (database.conn(), database.conn());
    tell(&mut one, 1, Event::MeetingStarted);
    let placed = one.transaction(|one| {
        let placed = outbox::place(one, &[], at(1), 10)?;
        assert_eq!(place(&mut other, &[]), None, "somebody is at it");
        Ok::<_, StoreError>(placed)
    });
    assert_eq!(placed.unwrap(), Some(1));
    assert_eq!(place(&mut other, &[]), Some(0));
    let later = DateTime::<Utc>::from(at(0)) + Duration::days(1);
    assert_eq!(outbox::prune(&mut other, later.into(), 10).unwrap(), 0, "the last one stays");
}

#[test]
fn the_configuration_knows_every_event_that_can_be_told() {
    let source = include_str!("../../src/store/outbox.rs");
    let names = source.lines().filter_map(|line| line.trim().strip_suffix("\",")?.split_once(" = \""));
    let told: Vec<&str> = names.map(|(_, name)| name).collect();
    assert!(told.iter().all(|name| name.parse::<Event>().is_ok()), "{told:?}");
    assert_eq!(told, convened::config::EVENTS);
}
