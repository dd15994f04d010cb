//! Whose mark it is and that it stays theirs: rosters, words before a report, corrections and presses, on both
//! databases.

use convened::domain::attendance::MarkStatus;
use convened::domain::connection::{Connection, Room, Source};
use convened::domain::identity::MatchedBy;
use convened::domain::rules::Rules;
use convened::store::appointment::AppointmentRow;
use convened::store::attendance::{self, MarkRow};
use convened::store::booking::Invitee;
use convened::store::booking::create::{self, MeetingIds, NewBooking};
use convened::store::button::{Press, press};
use convened::store::correction::{self, Corrected, Word};
use convened::store::group::{self, GroupRow, MemberRow};
use convened::store::instance::InstanceRow;
use convened::store::participant::{self, ReportLine};
use convened::store::settlement::{self, Settlement};
use convened::store::{Conn, Json, case, hold, instance, judging, report, roster};
use diesel::connection::SimpleConnection;
use diesel::{Connection as _, RunQueryDsl};

use crate::support::bookings::{at, book, meeting_of, now, person, policy, row};
use crate::support::database::{TestDatabase, on_each_database};

fn mark(person: &str, role: &str, provisional: bool) -> MarkRow {
    MarkRow {
        appointment_id: "b1".to_owned(),
        person_ref: person.to_owned(),
        role: role.to_owned(),
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
        provisional,
        evidence: Json::of(&serde_json::json!({})).unwrap(),
        rules: "standard@1".to_owned(),
        created_at: at(45),
        updated_at: at(45),
    }
}

fn hand(status: Option<MarkStatus>, author: &str) -> Word {
    Word { status, note: status.map(|_| "ill".to_owned()), author: author.to_owned(), at: at(40) }
}

fn webhook(uuid: &str, number: &str, name: &str, account: Option<&str>) -> Connection {
    Connection {
        instance: "run".to_owned(),
        key: uuid.to_owned(),
        room: Room::Main,
        source: Source::Webhook,
        participant_uuid: Some(uuid.to_owned()),
        user_id: Some(number.to_owned()),
        zoom_user_id: account.map(str::to_owned),
        registrant_id: None,
        customer_key: None,
        email: None,
        name: name.to_owned(),
        join_time: Some(at(0).into()),
        leave_time: Some(at(30).into()),
        leave_reason: None,
    }
}

/// The same connection as Zoom's report shows it.
fn reported(webhook: &Connection) -> ReportLine {
    let connection = Connection {
        key: format!("{}@0", webhook.user_id.as_deref().unwrap()),
        source: Source::Report,
        participant_uuid: None,
        zoom_user_id: None,
        ..webhook.clone()
    };
    ReportLine { connection, told: Json::of(&serde_json::json!({})).unwrap() }
}

/// Who counts as present, and that a hand said so of all of them.
fn present_by_hand(conn: &mut Conn) -> Vec<String> {
    let assessed =
        case::of_appointment(conn, "b1").unwrap().unwrap().assess(&Rules::default(), at(60).into());
    let by_hand = |person: &str| {
        assessed.matched.iter().any(|(_, whose, by)| whose == person && *by == MatchedBy::Hand)
    };
    let present = assessed.marks.iter().filter(|mark| mark.status == MarkStatus::Present);
    present.map(|mark| mark.person.clone()).filter(|person| by_hand(person)).collect()
}

/// A booking of these people, by name.
fn book_with(conn: &mut Conn, row: AppointmentRow, people: &[&str]) {
    let invitees = people.iter().map(|one| Invitee::Known((*one).to_owned())).collect();
    let new = NewBooking { row, invitees, meeting: MeetingIds::draw() };
    convened::store::savepoint(conn, |conn| create::create(conn, new, &policy(&[]))).unwrap();
}

on_each_database! {
    who_is_attendee_and_host_of_the_group_is_expected_once(database) {
        let conn = &mut database.conn();
        for (one, role) in [("reyes", "host"), ("otto", "host"), ("kim", "host"), ("ada", "attendee")] {
            person(conn, one, role);
        }
        let class = GroupRow {
            ref_: "7b".to_owned(),
            kind: "class".to_owned(),
            name: "7b".to_owned(),
            dissolved_at: None,
            version: 1,
            created_at: now(),
            updated_at: now(),
            attendance_rules: None,
        };
        let members: Vec<MemberRow> = [("reyes", "host"), ("otto", "host"), ("kim", "host"), ("ada", "attendee")]
            .into_iter()
            .zip(0..)
            .map(|((one, role), position)| MemberRow {
                group_ref: "7b".to_owned(),
                person_ref: one.to_owned(),
                role: role.to_owned(),
                position,
            })
            .collect();
        group::save(conn, &class, &members).unwrap();
        let booking = AppointmentRow { group_ref: Some("7b".to_owned()), ..row("b1", 0, Some("reyes"), "allow") };
        book_with(conn, booking, &["otto"]);
        let expected = roster::of_appointment(conn, "b1", None).unwrap();
        let expected: Vec<(&str, bool)> = expected.iter().map(|one| (one.person.as_str(), one.host)).collect();
        assert_eq!(expected, [("otto", false), ("ada", false), ("reyes", true), ("kim", true)]);
        // Also where an attendee became the host later.
        conn.batch_execute("UPDATE appointments SET host_ref = 'ada' WHERE id = 'b1'").unwrap();
        let expected = roster::of_appointment(conn, "b1", None).unwrap();
        let expected: Vec<(&str, bool)> = expected.iter().map(|one| (one.person.as_str(), one.host)).collect();
        assert_eq!(expected, [("otto", false), ("ada", true), ("reyes", true), ("kim", true)]);
        let marks: Vec<MarkRow> = expected
            .iter()
            .map(|(one, host)| mark(one, if *host { "host" } else { "attendee" }, true))
            .collect();
        attendance::save(conn, "b1", &marks).unwrap();
        assert_eq!(attendance::of_appointment(conn, "b1").unwrap().len(), 4);
    }

    what_was_settled_before_the_report_holds_when_it_comes(database) {
        let conn = &mut database.conn();
        for one in ["ann", "ben", "cai"] {
            person(conn, one, "attendee");
        }
        book_with(conn, row("b1", 0, None, "allow"), &["ann", "ben", "cai"]);
        let meeting = meeting_of(conn, "b1");
        let run = InstanceRow {
            uuid: "run".to_owned(),
            meeting_id: meeting.clone(),
            zoom_meeting_id: "81234567890".to_owned(),
            started_at: Some(at(0)),
            ended_at: Some(at(30)),
            created_at: now(),
            updated_at: now(),
        };
        instance::save(conn, &run).unwrap();
        let seen = [
            webhook("P-ann", "16778240", "iPhone", None),
            webhook("P-ben", "16779264", "iPhone", None),
            webhook("P-cai", "16780288", "iPad", Some("account-of-her-mother")),
        ];
        conn.transaction(|conn| participant::save(conn, &meeting, &seen, at(1).into())).unwrap();
        for (identity, one) in [
            ("connection:run/P-ann", "ann"),
            ("connection:run/P-ben", "ben"),
            ("zoom_user_id:account-of-her-mother", "cai"),
        ] {
            let word = Settlement { identity, person: Some(one), author: "reyes", at: at(31) };
            settlement::settle(conn, &meeting, &word).unwrap();
        }
        assert_eq!(present_by_hand(conn), ["ann", "ben", "cai"]);
        judging::expect_report(conn, "run", &meeting, at(45), at(30), false).unwrap();
        let lines: Vec<ReportLine> = seen.iter().map(reported).collect();
        participant::replace_report(conn, &meeting, "run", &lines, at(50).into()).unwrap();
        let mut read = report::by_instance(conn, "run").unwrap().unwrap();
        read.state = report::ReportState::Complete;
        report::save(conn, &read).unwrap();
        assert_eq!(present_by_hand(conn), ["ann", "ben", "cai"], "the report judges");
        let identities = ["connection:run/P-ann".to_owned()];
        assert!(settlement::unsettle(conn, &meeting, &identities).unwrap());
        assert_eq!(present_by_hand(conn), ["ben", "cai"]);
    }

    a_mark_that_only_a_correction_keeps_becomes_final_and_goes_with_it(database) {
        let conn = &mut database.conn();
        book(conn, row("b1", 0, None, "allow"), &policy(&[]));
        for one in ["ann", "ben"] {
            person(conn, one, "attendee");
        }
        attendance::save(conn, "b1", &[mark("ann", "attendee", true), mark("ben", "attendee", true)]).unwrap();
        correction::say(conn, "b1", "ann", &hand(Some(MarkStatus::Excused), "reyes")).unwrap();
        let provisional = |conn: &mut Conn| -> Vec<(String, bool)> {
            let rows = attendance::of_appointment(conn, "b1").unwrap().into_iter();
            rows.map(|(mark, _)| (mark.person_ref, mark.provisional)).collect()
        };
        let both = |provisional: bool| [("ann".to_owned(), provisional), ("ben".to_owned(), provisional)];
        attendance::save(conn, "b1", &[mark("ben", "attendee", true)]).unwrap();
        assert_eq!(provisional(conn), both(true));
        attendance::save(conn, "b1", &[mark("ben", "attendee", false)]).unwrap();
        assert_eq!(provisional(conn), both(false), "nothing else would ever make it final");
        correction::say(conn, "b1", "ann", &hand(None, "reyes")).unwrap();
        attendance::save(conn, "b1", &[mark("ben", "attendee", false)]).unwrap();
        assert_eq!(provisional(conn), both(false)[1..]);
    }

    every_press_of_a_button_is_kept(database) {
        let conn = &mut database.conn();
        book(conn, row("b1", 0, None, "allow"), &policy(&[]));
        let meeting = meeting_of(conn, "b1");
        let presses = [
            (Press::Leave, 1),
            (Press::Join, 2),
            (Press::Join, 3),
            (Press::Leave, 4),
            (Press::Leave, 5),
        ];
        for (which, minute) in presses {
            let kept = conn.transaction(|conn| press(conn, &meeting, "ann", "Ann", which, at(minute).into()));
            assert!(kept.unwrap(), "{which:?} at {minute}");
        }
        let rows = participant::of_meeting(conn, &meeting).unwrap();
        let mut stays: Vec<_> = rows.into_iter().map(|row| (row.connection_key, row.join_time, row.leave_time)).collect();
        stays.sort();
        let stay = |number: usize, join: Option<i64>, leave: Option<i64>| {
            (format!("ann/{number}"), join.map(at), leave.map(at))
        };
        assert_eq!(
            stays,
            [stay(1, None, Some(1)), stay(2, Some(2), None), stay(3, Some(3), Some(4)), stay(4, None, Some(5))]
        );
        for minute in 6..300 {
            conn.transaction(|conn| press(conn, &meeting, "ann", "Ann", Press::Leave, at(minute).into())).unwrap();
        }
        assert_eq!(participant::of_meeting(conn, &meeting).unwrap().len(), 200, "without end is no evidence");
    }
}

/// Starts `then` in a transaction of its own while `first` has an open one, and ends that as `then` waits for it.
fn while_another_waits<T: Send + 'static>(
    database: &TestDatabase,
    first: &mut Conn,
    then: impl FnOnce(&mut Conn) -> T + Send + 'static,
) -> T {
    let mut second = database.conn();
    let other = std::thread::spawn(move || {
        second.transaction(|conn| Ok::<_, diesel::result::Error>(then(conn))).unwrap()
    });
    let waits = "SELECT 1 FROM pg_stat_activity \
                 WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let mut watch = database.conn();
    while !other.is_finished() && diesel::sql_query(waits).execute(&mut watch).unwrap() == 0 {
        std::thread::yield_now();
    }
    first.batch_execute("COMMIT").unwrap();
    other.join().unwrap()
}

#[test]
fn of_two_who_correct_at_once_the_second_sees_the_word_of_the_first() {
    let Some(database) = TestDatabase::postgres() else { return };
    let database = database.migrated();
    let mut first = database.conn();
    book(&mut first, row("b1", 0, None, "allow"), &policy(&[]));
    person(&mut first, "ann", "attendee");
    first.batch_execute("BEGIN").unwrap();
    correction::say(&mut first, "b1", "ann", &hand(Some(MarkStatus::Excused), "reyes")).unwrap();
    let seen = while_another_waits(&database, &mut first, |conn| {
        hold::booking(conn, "b1").unwrap();
        correction::history(conn, "b1", "ann").unwrap().len()
    });
    assert_eq!(seen, 1);
}

#[test]
fn a_word_that_is_said_while_the_first_marks_are_made_gets_to_its_mark() {
    let Some(database) = TestDatabase::postgres() else { return };
    let database = database.migrated();
    let mut first = database.conn();
    book(&mut first, row("b1", 0, None, "allow"), &policy(&[]));
    person(&mut first, "ann", "attendee");
    first.batch_execute("BEGIN").unwrap();
    attendance::save(&mut first, "b1", &[mark("ann", "attendee", true)]).unwrap();
    let said = while_another_waits(&database, &mut first, |conn| {
        correction::say(conn, "b1", "ann", &hand(Some(MarkStatus::Excused), "reyes")).unwrap()
    });
    let (from, to) = (Some("absent".to_owned()), Some("excused".to_owned()));
    assert_eq!(said, Corrected::Changed { computed: from.clone(), from, to });
    let marks = attendance::of_appointment(&mut first, "b1").unwrap();
    assert_eq!(marks[0].1.corrected_status.as_deref(), Some("excused"));
}
