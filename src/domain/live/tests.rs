//! The live view: cases by name, and its agreement with scoring about who is still there.

use proptest::prelude::*;

use super::*;
use crate::domain::attendance::{Assessment, assess};
use crate::domain::connection::Connections;
use crate::domain::rules::Rules;

const AS_OF: i64 = 1000;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

fn stay(who: &str, device: &str, room: Room, join: Option<i64>, leave: Option<i64>) -> Connection {
    let step = match room {
        Room::Waiting => format!("@waiting-{join:?}{leave:?}"),
        Room::Main | Room::Breakout => String::new(),
    };
    Connection {
        instance: "U".to_owned(),
        key: format!("{device}{step}"),
        room,
        source: Source::Webhook,
        participant_uuid: Some(device.to_owned()),
        user_id: None,
        zoom_user_id: None,
        registrant_id: None,
        customer_key: Some(who.to_owned()).filter(|who| !who.starts_with('?')),
        email: None,
        name: who.to_owned(),
        join_time: join.map(at),
        leave_time: leave.map(at),
        leave_reason: None,
    }
}

fn roster() -> Vec<RosterPerson> {
    let person = |person: &str| RosterPerson { person: person.to_owned(), ..RosterPerson::default() };
    vec![person("ann"), person("ben"), RosterPerson { host: true, ..person("reyes") }]
}

fn run(ended: Option<i64>) -> Vec<InstanceSpan> {
    let started = Some(at(0));
    vec![InstanceSpan { uuid: "U".to_owned(), started, ended: ended.map(at), report_complete: false }]
}

fn scored(roster: &[RosterPerson], instances: &[InstanceSpan], connections: &[Connection]) -> Assessed {
    assess(&Assessment {
        planned_start: at(-10_000),
        planned_end: at(10_000),
        as_of: at(AS_OF),
        roster,
        instances,
        connections,
        settled: &BTreeMap::from([("name:?robot".to_owned(), NOBODY.to_owned())]),
        rules: &Rules::default(),
    })
}

fn seen(instances: &[InstanceSpan], connections: &[Connection]) -> Live {
    let roster = roster();
    let assessed = scored(&roster, instances, connections);
    look(&Scene { as_of: at(AS_OF), roster: &roster, instances, connections, assessed: &assessed })
}

#[test]
fn who_joined_and_did_not_leave_is_there_and_who_did_is_missing() {
    let live = seen(
        &run(None),
        &[stay("ann", "a", Room::Main, Some(10), None), stay("ben", "b", Room::Main, Some(10), Some(20))],
    );
    assert!(live.running);
    let here = Here { since: at(10), devices: 1, room: Room::Main };
    assert_eq!(live.people["ann"], Whereabouts::Here(here));
    assert_eq!(live.people["ben"], Whereabouts::Left(at(20)));
    assert_eq!(live.people["reyes"], Whereabouts::NeverCame);
    assert_eq!(live.last_change, Some(at(20)));
}

#[test]
fn an_unbroken_stay_on_changing_devices_began_with_the_first_of_them() {
    let devices = [
        stay("ann", "a", Room::Main, Some(10), Some(60)),
        stay("ann", "b", Room::Main, Some(50), None),
        stay("ann", "b2", Room::Breakout, Some(70), None),
    ];
    let here = Here { since: at(10), devices: 1, room: Room::Breakout };
    assert_eq!(seen(&run(None), &devices).people["ann"], Whereabouts::Here(here));
}

#[test]
fn before_the_door_is_neither_in_nor_out() {
    let knock = stay("ann", "a", Room::Waiting, Some(10), None);
    assert_eq!(seen(&run(None), std::slice::from_ref(&knock)).people["ann"], Whereabouts::Waiting(at(10)));
    let admitted = stay("ann", "a", Room::Main, Some(11), Some(30));
    let live = seen(&run(None), &[knock.clone(), admitted.clone()]);
    assert_eq!(live.people["ann"], Whereabouts::Left(at(30)));
    let sent_back = stay("ann", "a", Room::Waiting, Some(40), None);
    let live = seen(&run(None), &[knock.clone(), admitted, sent_back]);
    assert_eq!(live.people["ann"], Whereabouts::Waiting(at(40)));
    let still_open = stay("ann", "a", Room::Main, Some(11), None);
    let sent_back = stay("ann", "a", Room::Waiting, Some(40), None);
    let live = seen(&run(None), &[knock.clone(), still_open.clone(), sent_back.clone()]);
    assert_eq!(live.people["ann"], Whereabouts::Waiting(at(40)), "Zoom tells no leave of who is sent back");
    let let_in = stay("ann", "a", Room::Waiting, None, Some(45));
    let live = seen(&run(None), &[knock.clone(), still_open, sent_back, let_in]);
    assert!(matches!(live.people["ann"], Whereabouts::Here(_)));
    let gave_up = stay("ann", "a", Room::Waiting, None, Some(50));
    assert_eq!(seen(&run(None), &[knock, gave_up]).people["ann"], Whereabouts::NeverCame);
}

#[test]
fn the_end_of_the_meeting_empties_it_whatever_leaves_were_lost() {
    let live = seen(&run(Some(90)), &[stay("ann", "a", Room::Main, Some(10), None)]);
    assert!(!live.running);
    assert_eq!(live.people["ann"], Whereabouts::Left(at(90)));
}

#[test]
fn strangers_are_shown_while_they_are_there_and_buttons_prove_nothing() {
    let button = Connection { source: Source::App, ..stay("ann", "a", Room::Main, Some(10), None) };
    let live = seen(
        &run(None),
        &[
            button,
            stay("?iPhone", "p", Room::Main, Some(10), None),
            stay("?robot", "r", Room::Main, Some(10), None),
            stay("?gone", "g", Room::Main, Some(10), Some(20)),
        ],
    );
    assert_eq!(live.people["ann"], Whereabouts::NeverCame);
    let strangers: Vec<_> = live.strangers.iter().map(|s| (s.name.as_str(), s.settled)).collect();
    assert_eq!(strangers, [("?iPhone", false), ("?robot", true)]);
}

fn a_stay(rooms: &'static [Room]) -> impl Strategy<Value = Connection> {
    let time = || proptest::option::weighted(0.8, 0..AS_OF);
    let rooms = proptest::sample::select(rooms);
    (prop_oneof![Just("ann"), Just("ben")], 0..4, rooms, time(), time())
        .prop_map(|(who, device, room, join, leave)| stay(who, &format!("{who}{device}"), room, join, leave))
}

proptest! {
    #[test]
    fn whoever_scoring_takes_for_still_there_is_there(
        stays in proptest::collection::vec(a_stay(&[Room::Main, Room::Breakout]), 0..8),
        ended in proptest::option::weighted(0.3, 500..AS_OF),
    ) {
        let connections = Connections::from_iter(stays).into_vec();
        let (roster, instances) = (roster(), run(ended));
        let assessed = scored(&roster, &instances, &connections);
        let live = seen(&instances, &connections);
        for mark in &assessed.marks {
            let there = mark.first_join.is_some() && mark.last_leave.is_none();
            let here = matches!(live.people[&mark.person], Whereabouts::Here(_));
            prop_assert_eq!(here, there, "{}: {:?}", mark.person, connections);
        }
    }

    #[test]
    fn the_order_of_the_rows_makes_no_difference(
        stays in proptest::collection::vec(a_stay(&[Room::Main, Room::Breakout, Room::Waiting]), 0..8),
        turn in 0_usize..8,
    ) {
        let connections = Connections::from_iter(stays).into_vec();
        let mut turned = connections.clone();
        turned.rotate_left(turn % connections.len().max(1));
        prop_assert_eq!(seen(&run(None), &connections), seen(&run(None), &turned));
    }
}
