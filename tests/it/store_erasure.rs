//! What is one person's, and nobody else's: what an erasure takes away and what an export shows; on both databases.

use convened::domain::attendance::MarkStatus;
use convened::domain::connection::{Connection, Room, Source};
use convened::domain::erasure::Words;
use convened::store::appointment::{self, AttendeeRow, Via};
use convened::store::correction::{self, Word};
use convened::store::due::DueKind;
use convened::store::erasure::{self, heard, own, scan};
use convened::store::inbox::{self, Heading, NewEvent};
use convened::store::person::{self, PersonRow};
use convened::store::{Conn, export, participant, pin, story};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde_json::{Value, json};

use crate::support::bookings::{at, book, due, meeting_of, now, person, policy, row, zoom_says};
use crate::support::database::on_each_database;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The rows of a query with one column `line`.
fn lines(conn: &mut Conn, sql: &str) -> Vec<String> {
    let rows: Vec<Line> = diesel::sql_query(sql).load(conn).unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

fn number(conn: &mut Conn, sql: &str) -> i64 {
    diesel::sql_query(sql).get_result::<Number>(conn).unwrap().number
}

fn known(conn: &mut Conn, ref_: &str, name: &str, email: &str) -> PersonRow {
    let row = PersonRow {
        name: name.to_owned(),
        email: Some(email.to_owned()),
        email_key: Some(email.to_lowercase()),
        ..person(conn, ref_, "attendee")
    };
    person::save(conn, &row).unwrap();
    row
}

/// A lesson with these people; its meeting's id.
fn lesson(conn: &mut Conn, id: &str, people: &[&str]) -> String {
    book(conn, row(id, 0, None, "allow"), &policy(&[]));
    let attendee = |(position, person): (usize, &&str)| AttendeeRow {
        appointment_id: id.to_owned(),
        person_ref: (*person).to_owned(),
        position: i64::try_from(position).unwrap(),
        via: Via::Direct,
    };
    let roster: Vec<AttendeeRow> = people.iter().enumerate().map(attendee).collect();
    appointment::add_roster(conn, &roster).unwrap();
    let number = format!("UPDATE zoom_meetings SET zoom_meeting_id = '7-{id}' WHERE appointment_id = '{id}'");
    conn.batch_execute(&number).unwrap();
    meeting_of(conn, id)
}

/// Somebody is seen in a meeting under a name, and was found to be `person`.
fn seen(conn: &mut Conn, meeting: &str, key: &str, name: &str, person: Option<&str>) {
    let connection = Connection {
        instance: format!("uuid-{meeting}"),
        key: key.to_owned(),
        room: Room::Main,
        source: Source::Webhook,
        participant_uuid: Some(format!("pu-{key}")),
        user_id: None,
        zoom_user_id: None,
        registrant_id: None,
        customer_key: None,
        email: None,
        name: name.to_owned(),
        join_time: Some(at(2).into()),
        leave_time: None,
        leave_reason: None,
    };
    participant::save(conn, meeting, &[connection], at(3).into()).unwrap();
    if let Some(person) = person {
        let sql =
            format!("UPDATE zoom_participants SET person_ref = '{person}' WHERE connection_key = '{key}'");
        conn.batch_execute(&sql).unwrap();
    }
}

fn registered(conn: &mut Conn, meeting: &str, booking: &str, person: &str, email: &str, registrant: &str) {
    let sql = format!(
        "INSERT INTO meeting_registrants (id, meeting_id, zoom_meeting_id, person_ref, email, email_key, name,
            zoom_registrant_id, status, barred, alone, attempts, created_at, updated_at)
         SELECT 'reg-{person}', '{meeting}', '7-{booking}', '{person}', '{email}', '{email}', 'Name of {person}',
            '{registrant}', 'approved', {no}, {no}, 0, created_at, created_at FROM appointments WHERE id = '{booking}'",
        no = if matches!(conn, Conn::Sqlite(_)) { "0" } else { "FALSE" },
    );
    conn.batch_execute(&sql).unwrap();
}

fn webhook(conn: &mut Conn, event: &str, booking: &str, part: &str, what: Value) {
    let body =
        json!({ "event": event, "payload": { "object": { "id": format!("7-{booking}"), part: what } } });
    let heading = Heading {
        event: event.to_owned(),
        zoom_meeting_id: Some(format!("7-{booking}")),
        ..Heading::default()
    };
    let event = NewEvent::new(body.to_string().into_bytes(), Ok(heading), at(2).into(), 0);
    inbox::insert(conn, &[&event]).unwrap();
}

/// All steps of an erasure, as the janitor takes them; the `ref` under which the history goes on.
fn erase(conn: &mut Conn, ref_: &str) -> String {
    let person = person::by_ref(conn, ref_).unwrap().unwrap();
    let row = erasure::begin(conn, &person, format!("fingerprint of {ref_}"), now()).unwrap();
    let words: Words = row.words.unwrap().parse("erasures.words").unwrap();
    let trail = heard::trail(conn, &words).unwrap();
    for numbers in heard::stretches(&trail) {
        let mut after = Some(i64::MIN);
        while let Some(from) = after {
            let (changes, next) = heard::look(conn, &trail, numbers, &words.erased, from).unwrap();
            heard::write(conn, &changes).unwrap();
            after = next;
        }
    }
    own::clear(conn, &words, now()).unwrap();
    own::clear_proofs(conn, &words, "").unwrap();
    for place in scan::refs().chain(scan::texts()) {
        let mut after = None::<String>;
        loop {
            let looked = scan::look(conn, place, &words, after.as_deref()).unwrap();
            scan::write(conn, place, &looked.changes).unwrap();
            match looked.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    erasure::finish(conn, &words.erased, 0, now()).unwrap();
    words.erased
}

on_each_database! {
    a_namesake_keeps_the_name(database) {
        let conn = &mut database.conn();
        known(conn, "jan-1", "Jan Novák", "jan1@school.example");
        known(conn, "jan-2", "Jan Novák", "jan2@school.example");
        known(conn, "eva-1", "Eva Malá", "eva@school.example");
        known(conn, "mark-1", "Mark", "mark@school.example");
        let meeting = lesson(conn, "b", &["jan-1", "jan-2", "eva-1", "mark-1"]);
        for (key, name, whose) in [
            ("k1", "Jan Novák", Some("jan-1")),
            ("k2", "Jan Novák", Some("jan-2")),
            ("k3", "Jan Novák", None),
            ("k4", "Eva Malá", None),
            ("k5", "Eva Malá", Some("jan-2")),
        ] {
            seen(conn, &meeting, key, name, whose);
        }
        story::tell(conn, "b", at(5).into(), "x", "a mark was corrected; jan-1-b and jan-1 left", None).unwrap();
        for (key, name) in [("k1", "Honza's iPad"), ("k2", "Honza's iPad")] {
            let what = json!({ "user_name": name, "participant_uuid": format!("pu-{key}"), "email": "" });
            webhook(conn, "meeting.participant_joined", "b", "participant", what);
        }
        let jan = erase(conn, "jan-1");
        let eva = erase(conn, "eva-1");
        erase(conn, "mark-1");
        let names = lines(conn, "SELECT connection_key || ' ' || name AS line FROM zoom_participants ORDER BY 1");
        let eva_was_here = format!("k4 {eva}");
        assert_eq!(names, ["k1 ", "k2 Jan Novák", "k3 Jan Novák", &eva_was_here, "k5 Eva Malá"]);
        let told = lines(conn, "SELECT text AS line FROM story WHERE kind = 'x'");
        assert_eq!(told, [format!("a mark was corrected; jan-1-b and {jan} left")]);
        let bodies = lines(conn, "SELECT body AS line FROM webhook_events ORDER BY id");
        assert!(bodies[0].contains(&jan) && !bodies[0].contains("Honza"), "found by the connection: {bodies:?}");
        assert!(bodies[1].contains("Honza"), "{bodies:?}");
    }

    siblings_with_one_address_keep_the_registration(database) {
        let conn = &mut database.conn();
        known(conn, "kid-1", "Ida Malá", "mum@school.example");
        known(conn, "kid-2", "Ota Malý", "mum@school.example");
        known(conn, "ann-1", "Ann Lee", "ann@school.example");
        let meeting = lesson(conn, "b", &["kid-1", "kid-2", "ann-1"]);
        for (person, email, registrant) in [
            ("kid-1", "mum@school.example", "r-1"),
            ("kid-2", "mum@school.example", "r-1"),
            ("ann-1", "ann@school.example", "r-2"),
        ] {
            registered(conn, &meeting, "b", person, email, registrant);
        }
        let of_family = json!({ "id": "r-1", "email": "mum@school.example", "first_name": "Ota" });
        webhook(conn, "meeting.registration_created", "b", "registrant", of_family);
        for host in ["ann@school.example", "joann@school.example"] {
            let spent = format!("INSERT INTO rate_budgets (scope, key, day, used) VALUES ('host', '{host}', '1', 1)");
            conn.batch_execute(&spent).unwrap();
        }
        due(conn, DueKind::Register);
        let (kid, ann) = (erase(conn, "kid-1"), erase(conn, "ann-1"));
        let rows = "SELECT person_ref || ' ' || email || ' ' || COALESCE(zoom_registrant_id, '-') || ' ' || status
            AS line FROM meeting_registrants WHERE person_ref =";
        let of = |conn: &mut Conn, person: &str| lines(conn, &format!("{rows} '{person}'"));
        assert_eq!(of(conn, &kid), [format!("{kid}  - cancelled")], "nothing is taken back at Zoom for it");
        assert_eq!(of(conn, "kid-2"), ["kid-2 mum@school.example r-1 approved"]);
        assert_eq!(of(conn, &ann), [format!("{ann}  r-2 approved")], "by its number it is taken back");
        assert_eq!(due(conn, DueKind::Register), [meeting]);
        let body = lines(conn, "SELECT body AS line FROM webhook_events").remove(0);
        assert!(body.contains("Ota") && body.contains("mum@"), "{body}");
        assert_eq!(lines(conn, "SELECT key AS line FROM rate_budgets"), ["joann@school.example"]);
    }

    a_ref_is_replaced_however_often_it_stands(database) {
        let conn = &mut database.conn();
        known(conn, "teach", "Ana Reyes", "reyes@school.example");
        person(conn, "ada", "attendee");
        let meeting = lesson(conn, "b", &["ada"]);
        let word = |note: String| Word { status: Some(MarkStatus::Late), note: Some(note), author: "teach".to_owned(), at: at(1) };
        for place in 0..450 {
            correction::say(conn, "b", "ada", &word(format!("note {place}"))).unwrap();
            let settled = format!("INSERT INTO participant_matches (meeting_id, identity, person_ref, author, created_at)
                SELECT '{meeting}', 'name:{place}', 'ada', 'teach', created_at FROM appointments WHERE id = 'b'");
            conn.batch_execute(&settled).unwrap();
        }
        let erased = erase(conn, "teach");
        for table in ["attendance_corrections", "participant_matches"] {
            let count = |conn: &mut Conn, author: &str| {
                number(conn, &format!("SELECT COUNT(*) AS number FROM {table} WHERE author = '{author}'"))
            };
            assert_eq!((count(conn, "teach"), count(conn, &erased)), (0, 450), "{table}");
        }
    }

    an_erasure_waits_for_classes_that_run_or_have_no_final_marks(database) {
        let conn = &mut database.conn();
        let ada = person(conn, "ada", "attendee");
        let meeting = lesson(conn, "b", &["ada"]);
        let waits = |conn: &mut Conn, given_up: i64, now: i64| erasure::waits_for(conn, "ada", at(given_up), at(now)).unwrap();
        assert!(waits(conn, -4000, -10).is_empty(), "she leaves what has not begun");
        assert_eq!(waits(conn, -4000, 10), ["b"]);
        assert!(waits(conn, 31, 5000).is_empty(), "not for ever");
        let ended = format!("UPDATE appointments SET status = 'completed' WHERE id = 'b';
            UPDATE zoom_meetings SET started_at = created_at WHERE id = '{meeting}'");
        conn.batch_execute(&ended).unwrap();
        assert_eq!(waits(conn, -4000, 35), ["b"], "ended and not scored");
        pin::keep(conn, "b", "standard@1", at(40)).unwrap();
        assert!(waits(conn, -4000, 45).is_empty());
        // Until it is done the class knows her by name.
        erasure::begin(conn, &ada, "fingerprint".to_owned(), at(10)).unwrap();
        let roster = convened::store::roster::of_appointment(conn, "b", None).unwrap();
        let names: Vec<_> = roster.iter().map(|one| (one.person.as_str(), one.email.as_deref())).collect();
        assert_eq!(names, [("ada", Some("ada@school.example"))]);
    }

    an_export_has_nothing_of_others_and_all_of_ones_own(database) {
        let conn = &mut database.conn();
        let pupil = known(conn, "s-1", "Ida Malá", "mum@school.example");
        known(conn, "s-12", "Ota Malý", "mum@school.example");
        zoom_says(conn, "zoom-9", "s-1", 1);
        conn.batch_execute("UPDATE zoom_users SET person_ref = 's-1', display_name = 'Ida M.'").unwrap();
        let meeting = lesson(conn, "b", &["s-1", "s-12"]);
        for (person, registrant) in [("s-1", "r-1"), ("s-12", "r-1")] {
            registered(conn, &meeting, "b", person, "mum@school.example", registrant);
        }
        seen(conn, &meeting, "k1", "Ida's iPad", Some("s-1"));
        seen(conn, &meeting, "k2", "Ota's iPad", Some("s-12"));
        let mark = |person: &str| json!({ "person": person, "from": "absent", "to": "late" });
        for (kind, text, details) in [
            ("final", "attendance is final", Some(json!({ "changed": [mark("s-1"), mark("s-12")], "people": 2 }))),
            ("other", "a mark was corrected by hand", Some(mark("s-12"))),
            ("own", "a mark was corrected by hand", Some(mark("s-1"))),
            ("left", "s-12 left the roster", None),
            ("joined", "the head invited s-1", None),
        ] {
            story::tell(conn, "b", at(5).into(), kind, text, details).unwrap();
        }
        for (key, name) in [("k1", "Ida's iPad"), ("k2", "Ota's iPad")] {
            let what = json!({ "user_name": name, "participant_uuid": format!("pu-{key}"), "email": "mum@school.example" });
            webhook(conn, "meeting.participant_joined", "b", "participant", what);
        }
        webhook(conn, "meeting.registration_created", "b", "registrant",
            json!({ "id": "r-9", "email": "ida@school.example", "first_name": "Ida", "join_url": "https://zoom.example/secret" }));
        let word = Word { status: Some(MarkStatus::Late), note: None, author: "s-1".to_owned(), at: at(1) };
        correction::say(conn, "b", "nobody", &word).unwrap();

        let found = export::of_person(conn, &pupil).unwrap();
        let kinds: Vec<&Value> = found.story.iter().map(|line| &line["kind"]).collect();
        assert_eq!(kinds, ["final", "own", "joined"]);
        assert_eq!(found.story[0]["details"]["changed"], json!([mark("s-1")]));
        let all = format!("{found:?}");
        assert!(!all.contains("s-12") && !all.contains("Ota"), "{all}");
        let registration = &found.registrations[0];
        assert_eq!((&registration["name"], &registration["email"]), (&json!("Name of s-1"), &json!("mum@school.example")));
        assert_eq!(found.zoom_users[0]["display_name"], "Ida M.");
        assert_eq!((&found.authored[0]["what"], &found.authored[0]["person"]), (&json!("correction"), &json!("nobody")));
        assert_eq!(found.webhooks.len(), 1);
        assert!(found.truncated.is_empty());
        // With an address of her own, what Zoom said of it is hers.
        let moved = PersonRow {
            email: Some("ida@school.example".to_owned()),
            email_key: Some("ida@school.example".to_owned()),
            ..pupil
        };
        person::save(conn, &moved).unwrap();
        let found = export::of_person(conn, &moved).unwrap();
        assert_eq!(found.webhooks[1]["registrant"]["first_name"], "Ida");
        assert!(!format!("{found:?}").contains("secret"), "links are no part of it");
    }
}
