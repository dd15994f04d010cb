//! What the story of a booking keeps of every mark: what it is and how it was found, with the way to all of it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::domain::attendance::{Assessed, Mark};

/// More marks than this are not put into one line.
const MARKS_MAX: usize = 1000;

/// The marks of an assessment, those of hosts last, as fields of a line. What they have in common is said once: the
/// window, the rules, and where the evidence of each is shown.
pub(super) fn of(assessed: &Assessed, meeting: &str, rules: &str) -> Map<String, Value> {
    let people = || assessed.marks.iter().chain(&assessed.hosts);
    let marks: Vec<Value> = people().take(MARKS_MAX).map(line).collect();
    let fields = [
        ("rules", json!(rules)),
        ("window", json!(assessed.window)),
        ("evidence", json!(format!("/api/zoom/meetings/{meeting}/attendance/{{person}}/evidence"))),
        ("marks_left_out", json!(people().count() - marks.len())),
        ("marks", json!(marks)),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The facts of a line, with these fields.
pub(super) fn with(mut facts: Value, proof: &Map<String, Value>) -> Value {
    if let Some(facts) = facts.as_object_mut() {
        facts.extend(proof.clone());
    }
    facts
}

fn line(mark: &Mark) -> Value {
    let counted = mark.evidence.connections.iter().filter(|connection| connection.counted);
    let matched: BTreeSet<&str> = counted.map(|connection| connection.matched_by.as_str()).collect();
    json!({
        "person": mark.person,
        "status": mark.status,
        "score_milli": mark.score_milli,
        "attended_seconds": mark.attended_secs,
        "finding": mark.evidence.finding,
        "matched_by": matched,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::DateTime;

    use super::*;
    use crate::domain::attendance::{Assessment, RosterPerson, Rules, Thresholds, assess};
    use crate::domain::connection::{Connection, Room, Source};

    fn assessed(people: usize) -> Assessed {
        let at = |minute: i64| DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap();
        let roster: Vec<RosterPerson> = (0..people)
            .map(|number| RosterPerson {
                person: format!("p{number}"),
                name: format!("Pupil {number}"),
                host: number == 0,
                ..RosterPerson::default()
            })
            .collect();
        let came = |name: &str| Connection {
            instance: "U".to_owned(),
            key: name.to_owned(),
            room: Room::Main,
            source: Source::Webhook,
            participant_uuid: None,
            user_id: Some(name.to_owned()),
            zoom_user_id: None,
            registrant_id: None,
            customer_key: None,
            email: None,
            name: name.to_owned(),
            join_time: Some(at(0)),
            leave_time: Some(at(30)),
            leave_reason: None,
        };
        assess(&Assessment {
            planned_start: at(0),
            planned_end: at(30),
            as_of: at(60),
            roster: &roster,
            instances: &[],
            connections: &[came("Pupil 0"), came("Pupil 1")],
            settled: &BTreeMap::new(),
            rules: &Rules::standard(Thresholds::default()),
        })
    }

    #[test]
    fn every_mark_is_told_with_what_it_rests_on() {
        let told = of(&assessed(3), "m1", "standard@1");
        let mark = |person: &str, status: &str, seconds: i64, finding: &str, by: &[&str]| {
            json!({ "person": person, "status": status, "score_milli": seconds * 1000 / 1800,
                "attended_seconds": seconds, "finding": finding, "matched_by": by })
        };
        assert_eq!(
            told["marks"],
            json!([
                mark("p1", "present", 1800, "attended", &["name"]),
                mark("p2", "absent", 0, "not_seen", &[]),
                mark("p0", "present", 1800, "attended", &["name"]),
            ])
        );
        assert_eq!((&told["rules"], &told["marks_left_out"]), (&json!("standard@1"), &json!(0)));
        assert_eq!(told["window"]["start"], "2027-01-15T08:00:00Z");
        assert_eq!(told["evidence"], "/api/zoom/meetings/m1/attendance/{person}/evidence");
    }

    #[test]
    fn a_line_has_an_end_and_says_so() {
        let told = of(&assessed(1_200), "m1", "standard@1");
        assert_eq!(
            (told["marks"].as_array().unwrap().len(), &told["marks_left_out"]),
            (MARKS_MAX, &json!(200))
        );
        assert!(Value::Object(told).to_string().len() < 200_000);
    }
}
