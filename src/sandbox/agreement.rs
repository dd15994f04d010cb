//! The player and the judge must agree: for any class, what the reports say is what the walk has seen.
//!
//! The reports are scored here in the daemon's way (intervals, union, clipping), the truth in the walk's way
//! (second by second); neither knows the other.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::play::{Facts, Performance, perform};
use super::timetable::{Act, Move, Offset, Person, Planned, Role, Timetable};
use super::truth::Truth;
use crate::clock::Instant;

const PLANNED_MINUTES: u32 = 45;

fn facts() -> Facts {
    Facts {
        account_id: "account".to_owned(),
        number: "81234567890".to_owned(),
        uuid: "Jt4PAh1jSaiRSDnd90ssWA==".to_owned(),
        host_id: "host".to_owned(),
        host_email: "host@school.example".to_owned(),
        topic: "Algebra".to_owned(),
        kind: 2,
        timezone: "UTC".to_owned(),
        planned: Planned { start: Instant::default(), duration: PLANNED_MINUTES },
    }
}

/// A legal walk of one device: from a start, a gap and a choice for each move, left at last.
fn moves() -> impl Strategy<Value = Vec<Move>> {
    let step = (1i64..1200, 0u8..4, 30i64..120);
    (-600i64..2000, prop::collection::vec(step, 0..7)).prop_map(|(start, steps)| {
        let mut at = start;
        let mut moves: Vec<Move> = Vec::new();
        for (gap, choice, span) in steps {
            let act = match (moves.last().map(|last| &last.act), choice) {
                (None | Some(Act::Leave | Act::Die { .. }), 0) => Act::Wait,
                (None | Some(Act::Leave | Act::Die { .. }), _) => Act::Join,
                (Some(Act::Wait), 0 | 1) => Act::Admit,
                (Some(Act::Join | Act::Admit | Act::Return), 0) => Act::Wait,
                (Some(Act::Join | Act::Admit | Act::Return), 1) => Act::Breakout("Blue".to_owned()),
                (Some(Act::Breakout(_)), 0 | 1) => Act::Return,
                (Some(_), 2) => Act::Die { noticed_after: span },
                (Some(_), _) => Act::Leave,
            };
            moves.push(Move { at: Offset(at), act });
            at += gap;
        }
        if moves.last().is_some_and(|last| !matches!(last.act, Act::Leave | Act::Die { .. })) {
            moves.push(Move { at: Offset(at), act: Act::Leave });
        }
        moves
    })
}

fn classes() -> impl Strategy<Value = Timetable> {
    let devices = || prop::collection::vec(moves(), 1..3);
    (any::<u64>(), devices(), prop::collection::vec(devices(), 1..5)).prop_map(|(seed, host, others)| {
        let mut persons = vec![person("Host", Role::Host, host)];
        for (index, devices) in others.into_iter().enumerate() {
            persons.push(person(&format!("Person {index}"), Role::Attendee, devices));
        }
        let class = serde_json::json!({"meeting": "81234567890", "seed": seed});
        Timetable { persons, ..serde_json::from_value(class).unwrap() }
    })
}

fn person(name: &str, role: Role, devices: Vec<Vec<Move>>) -> Person {
    let bare: Person = serde_json::from_value(serde_json::json!({"name": name})).unwrap();
    Person { role, devices, ..bare }
}

/// Seconds each name was in the meeting between `start` and `end`, from the report rows alone.
fn attended_by_report(performance: &Performance, start: Instant, end: Instant) -> BTreeMap<String, i64> {
    let mut spans: BTreeMap<String, Vec<(Instant, Instant)>> = BTreeMap::new();
    let rows = performance.instances.iter().flat_map(|instance| &instance.rows);
    for row in rows.filter(|row| row.status.as_deref() == Some("in_meeting")) {
        let span = (row.join_time.unwrap().max(start), row.leave_time.unwrap().min(end));
        spans.entry(row.name.clone().unwrap()).or_default().push(span);
    }
    let union = |mut spans: Vec<(Instant, Instant)>| {
        spans.sort_unstable();
        let mut reached = start;
        let mut seconds = 0;
        for (from, to) in spans {
            seconds += (to - from.max(reached)).num_seconds().max(0);
            reached = reached.max(to);
        }
        seconds
    };
    spans.into_iter().map(|(name, spans)| (name, union(spans))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_reports_add_up_to_the_truth(class in classes()) {
        class.check().unwrap();
        let performance = perform(&class, &facts()).unwrap();
        let truth = Truth::of(&class, facts().planned);
        let reported = attended_by_report(&performance, truth.window_start, truth.window_end);
        for person in &truth.persons {
            let seconds = reported.get(&person.name).copied().unwrap_or(0);
            prop_assert_eq!(person.attended_seconds, seconds, "{}", &person.name);
        }
    }

    #[test]
    fn instances_follow_each_other_and_hold_their_stays(class in classes()) {
        let performance = perform(&class, &facts()).unwrap();
        for pair in performance.instances.windows(2) {
            prop_assert!(pair[0].ended <= pair[1].started && pair[0].uuid != pair[1].uuid);
        }
        for instance in &performance.instances {
            for row in instance.rows.iter().filter(|row| row.status.as_deref() == Some("in_meeting")) {
                prop_assert!(instance.started <= row.join_time.unwrap());
                prop_assert!(row.leave_time.unwrap() <= instance.ended);
                prop_assert_eq!(row.duration, (row.leave_time.unwrap() - row.join_time.unwrap()).num_seconds());
            }
        }
    }

    #[test]
    fn every_stay_is_told_twice_and_every_instance_begins_and_ends_once(class in classes()) {
        let performance = perform(&class, &facts()).unwrap();
        let count = |name: &str| performance.sendings.iter().filter(|s| s.event.name == name).count();
        let rows: usize = performance.instances.iter().map(|instance| instance.rows.len()).sum();
        let framing = 2 * performance.instances.len() + count("meeting.participant_jbh_joined");
        prop_assert_eq!(performance.sendings.len(), 2 * rows + framing);
        prop_assert_eq!(count("meeting.started"), performance.instances.len());
        prop_assert_eq!(count("meeting.ended"), performance.instances.len());
        prop_assert!(performance.sendings.is_sorted_by_key(|sending| sending.at));
    }
}
