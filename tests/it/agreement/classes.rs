//! Any class: a host and some attendees with devices that come, wait, are admitted, change rooms, die and leave.

use convened::clock::Instant;
use convened::sandbox::play::Facts;
use convened::sandbox::timetable::{Act, Move, Offset, Person, Planned, Role, Timetable};
use proptest::prelude::*;
use serde_json::json;

const PLANNED_MINUTES: u32 = 45;

/// The meeting they come to.
pub(crate) fn facts() -> Facts {
    Facts {
        account_id: "account".to_owned(),
        number: "81234567890".to_owned(),
        uuid: "Jt4PAh1jSaiRSDnd90ssWA==".to_owned(),
        host_id: "host-of-the-meeting".to_owned(),
        host_email: "host@school.example".to_owned(),
        topic: "Algebra".to_owned(),
        kind: 2,
        timezone: "UTC".to_owned(),
        planned: Planned {
            start: "2026-03-02T09:00:00Z".parse::<Instant>().unwrap(),
            duration: PLANNED_MINUTES,
        },
    }
}

/// Any class of one host and up to four attendees, who are known to Zoom in different ways.
pub(crate) fn classes() -> impl Strategy<Value = Timetable> {
    let devices = || prop::collection::vec(moves(), 1..3);
    let ends = prop::collection::vec(600i64..3600, 0..3);
    (any::<u64>(), ends, devices(), prop::collection::vec(devices(), 1..5)).prop_map(
        |(seed, ends, host, others)| {
            let mut persons = vec![person("Host", Role::Host, host)];
            for (index, devices) in others.into_iter().enumerate() {
                let person = person(&format!("Person {index}"), Role::Attendee, devices);
                persons.push(known_as(person, index));
            }
            for device in persons.iter_mut().flat_map(|person| &mut person.devices) {
                ends.iter().for_each(|end| throw_out(device, *end));
            }
            let bare: Timetable =
                serde_json::from_value(json!({"meeting": "81234567890", "seed": seed})).unwrap();
            Timetable { persons, host_ends: ends.into_iter().map(Offset).collect(), ..bare }
        },
    )
}

/// Whoever is thrown out by the host's end can only come again.
fn throw_out(device: &mut Vec<Move>, end: i64) {
    let mut out = true;
    device.retain(|action| {
        out &= action.at.0 < end || !matches!(action.act, Act::Wait | Act::Join);
        action.at.0 < end || !out
    });
}

fn person(name: &str, role: Role, devices: Vec<Vec<Move>>) -> Person {
    let bare: Person = serde_json::from_value(json!({"name": name})).unwrap();
    Person { role, devices, ..bare }
}

/// The customer key is our own reference of a person, which here is their place on the roster.
fn known_as(person: Person, index: usize) -> Person {
    let email = Some(format!("person-{index}@school.example"));
    match index {
        0 => Person { email, registrant_id: Some("registrant-0".to_owned()), ..person },
        1 => Person { email, zoom_user_id: Some("user-1".to_owned()), ..person },
        2 => Person { customer_key: Some((index + 1).to_string()), ..person },
        _ => person,
    }
}

/// A legal walk of one device: from a start, a gap and a choice for each move, left at last.
fn moves() -> impl Strategy<Value = Vec<Move>> {
    let step = (1i64..1200, 0u8..4, 30i64..120);
    (-600i64..2000, prop::collection::vec(step, 0..7)).prop_map(|(start, steps)| {
        let mut at = start;
        let mut moves: Vec<Move> = Vec::new();
        for (gap, choice, noticed_after) in steps {
            let act = next(moves.last().map(|last| &last.act), choice, noticed_after);
            moves.push(Move::new(Offset(at), act));
            at += gap;
        }
        if moves.last().is_some_and(|last| !is_gone(Some(&last.act))) {
            moves.push(Move::new(Offset(at), Act::Leave));
        }
        moves
    })
}

fn is_gone(last: Option<&Act>) -> bool {
    matches!(last, None | Some(Act::Leave | Act::Die { .. }))
}

fn next(last: Option<&Act>, choice: u8, noticed_after: i64) -> Act {
    match (last, choice) {
        (last, 0) if is_gone(last) => Act::Wait,
        (last, _) if is_gone(last) => Act::Join,
        (Some(Act::Wait), 0 | 1) => Act::Admit,
        (Some(Act::Join | Act::Admit | Act::Return), 0) => Act::Wait,
        (Some(Act::Join | Act::Admit | Act::Return), 1) => Act::Breakout("Blue".to_owned()),
        (Some(Act::Breakout(_)), 0) => Act::Breakout("Red".to_owned()),
        (Some(Act::Breakout(_)), 1) => Act::Return,
        (_, 2) => Act::Die { noticed_after },
        (_, _) => Act::Leave,
    }
}
