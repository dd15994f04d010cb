//! What hands settle and correct, on both databases: how far a word reaches, and that it is kept.

use std::collections::BTreeMap;

use convened::domain::attendance::{MarkStatus, RosterPerson};
use convened::domain::connection::{Connection, Room, Source};
use convened::domain::identity::NOBODY;
use convened::store::attendance::{self, MarkRow, effective_status};
use convened::store::correction::{self, Corrected, Word};
use convened::store::participant::{self, Match};
use convened::store::settlement::{self, Settlement};
use convened::store::{Conn, Json};

use crate::support::bookings::{at, book, meeting_of, person, policy, row};
use crate::support::database::on_each_database;

/// A booking with a meeting; gives the meeting's id.
fn meeting(conn: &mut Conn, id: &str, from: i64) -> String {
    book(conn, row(id, from, None, "allow"), &policy(&[]));
    meeting_of(conn, id)
}

fn stay(name: &str, email: Option<&str>) -> Connection {
    Connection {
        instance: format!("U-{name}"),
        key: name.to_owned(),
        room: Room::Main,
        source: Source::Webhook,
        participant_uuid: Some(name.to_owned()),
        user_id: None,
        zoom_user_id: None,
        registrant_id: None,
        customer_key: None,
        email: email.map(str::to_owned),
        name: name.to_owned(),
        join_time: Some(at(1).into()),
        leave_time: Some(at(20).into()),
        leave_reason: None,
    }
}

fn word<'a>(identity: &'a str, person: Option<&'a str>, author: &'a str) -> Settlement<'a> {
    Settlement { identity, person, author, at: at(50) }
}

fn hand(status: Option<MarkStatus>, note: &str) -> Word {
    Word { status, note: Some(note.to_owned()), author: "reyes".to_owned(), at: at(40) }
}

fn mark(appointment: &str, person: &str) -> MarkRow {
    MarkRow {
        appointment_id: appointment.to_owned(),
        person_ref: person.to_owned(),
        role: "attendee".to_owned(),
        status: "absent".to_owned(),
        score_milli: 0,
        attended_seconds: 0,
        first_join: None,
        last_leave: None,
        left_early: false,
        host_absent: false,
        host_late: false,
        held_against: true,
        together_seconds: 0,
        provisional: true,
        evidence: Json::of(&serde_json::json!({})).unwrap(),
        rules: "standard@1".to_owned(),
        created_at: at(45),
        updated_at: at(45),
    }
}

fn standing(conn: &mut Conn, person: &str) -> Option<String> {
    let marks = attendance::of_appointment(conn, "b1").unwrap();
    let found = marks.iter().find(|(mark, _)| mark.person_ref == person);
    found.map(|(mark, correction)| effective_status(mark, correction).to_owned())
}

on_each_database! {
    what_is_settled_of_an_address_holds_in_later_meetings_and_of_a_name_does_not(database) {
        let conn = &mut database.conn();
        let (first, second) = (meeting(conn, "b1", 0), meeting(conn, "b2", 2000));
        let seen = [stay("Mum", Some("Mum@home.example")), stay("iPad", None)];
        let roster = [RosterPerson { person: "ann".to_owned(), ..RosterPerson::default() }];
        for identity in ["email:mum@home.example", "name:ipad"] {
            settlement::settle(conn, &first, &word(identity, Some("ann"), "reyes")).unwrap();
        }
        settlement::remember(conn, &word("email:mum@home.example", Some("ann"), "reyes")).unwrap();
        let both: BTreeMap<String, String> = ["email:mum@home.example", "name:ipad"]
            .map(|key| (key.to_owned(), "ann".to_owned())).into();
        assert_eq!(settlement::settled(conn, &first, &roster, &seen).unwrap(), both);
        let later = settlement::settled(conn, &second, &roster, &seen).unwrap();
        assert_eq!(later.into_iter().collect::<Vec<_>>(), [("email:mum@home.example".to_owned(), "ann".to_owned())]);
        // Another word about the second meeting comes first there; nobody is a word too.
        settlement::settle(conn, &second, &word("email:mum@home.example", None, "reyes")).unwrap();
        let later = settlement::settled(conn, &second, &roster, &seen).unwrap();
        assert_eq!(later["email:mum@home.example"], NOBODY);
        assert!(settlement::unsettle(conn, &second, &["email:mum@home.example".to_owned()]).unwrap());
        assert!(!settlement::unsettle(conn, &second, &["email:mum@home.example".to_owned()]).unwrap());
        assert_eq!(settlement::author_of_memory(conn, "email:mum@home.example").unwrap().as_deref(), Some("reyes"));
        assert!(settlement::forget(conn, "email:mum@home.example").unwrap());
        assert!(settlement::settled(conn, &second, &roster, &seen).unwrap().is_empty());
        let elsewhere = settlement::elsewhere(conn, &second, &["name:ipad".to_owned()]).unwrap();
        assert_eq!(elsewhere, [("name:ipad".to_owned(), "ann".to_owned())]);
    }

    who_was_settled_to_be_nobody_waits_for_nobody(database) {
        let conn = &mut database.conn();
        let id = meeting(conn, "b1", 0);
        diesel::Connection::transaction(conn, |conn| {
            participant::save(conn, &id, &[stay("robot", None)], at(1).into())
        }).unwrap();
        convened::store::meeting::save_run(conn, &id, "ended", Some(at(0)), Some(at(30)), at(30)).unwrap();
        let waiting = |conn: &mut Conn| settlement::waiting(conn, at(-1), at(1), None, 10).unwrap().len();
        assert_eq!(waiting(conn), 1);
        let row = participant::of_meeting(conn, &id).unwrap().remove(0);
        participant::save_matches(conn, &[Match { id: row.id, person: None, matched: Some("hand") }]).unwrap();
        assert_eq!(waiting(conn), 0);
        let rows = participant::of_meeting(conn, &id).unwrap();
        assert_eq!((rows[0].person_ref.as_deref(), rows[0].matched_by.as_deref()), (None, Some("hand")));
    }

    a_word_waits_for_its_mark_and_stays_beside_it(database) {
        let conn = &mut database.conn();
        meeting(conn, "b1", 0);
        person(conn, "ann", "attendee");
        let excused = hand(Some(MarkStatus::Excused), "ill");
        let said = correction::say(conn, "b1", "ann", &excused).unwrap();
        assert_eq!(said, Corrected::Changed { computed: None, from: None, to: Some("excused".to_owned()) });
        assert_eq!(correction::say(conn, "b1", "ann", &excused).unwrap(), Corrected::Same);
        assert_eq!(standing(conn, "ann"), None, "there is no mark yet");
        let marks = [mark("b1", "ann"), mark("b1", "ben")];
        attendance::save(conn, "b1", &marks).unwrap();
        assert_eq!(standing(conn, "ann").as_deref(), Some("excused"));
        assert_eq!(standing(conn, "ben").as_deref(), Some("absent"));
        // Scored again, by a roster on which only the corrected one is left out.
        attendance::save(conn, "b1", &marks[1..]).unwrap();
        assert_eq!(standing(conn, "ann").as_deref(), Some("excused"), "a hand's word is not lost");
        let lifted = Word { status: None, note: None, ..excused };
        let said = correction::say(conn, "b1", "ann", &lifted).unwrap();
        let absent = || Some("absent".to_owned());
        assert_eq!(said, Corrected::Changed { computed: absent(), from: Some("excused".to_owned()), to: absent() });
        assert_eq!(correction::say(conn, "b1", "ann", &lifted).unwrap(), Corrected::Same);
        attendance::save(conn, "b1", &marks).unwrap();
        assert_eq!(standing(conn, "ann"), absent(), "a lifted word does not come back");
        assert_eq!(correction::history(conn, "b1", "ann").unwrap().len(), 2);
    }
}
