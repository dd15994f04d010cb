//! By which rules a booking is scored, and what moves that; on both databases.

use convened::domain::rules::{Rules, Thresholds};
use convened::store::appointment::AppointmentRow;
use convened::store::attendance::{self, MarkRow};
use convened::store::due::DueKind;
use convened::store::group::{self, GroupRow};
use convened::store::pin::{self, Scored, ScoredBooking};
use convened::store::{Conn, Json, rules};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::support::bookings::{at, book, due, meeting_of, now, policy, row};
use crate::support::database::{TestDatabase, on_each_database};

fn strict(minutes: i64) -> Thresholds {
    Thresholds { present_after_minutes: minutes, ..Thresholds::default() }
}

fn class(conn: &mut Conn, name: &str, rules: Option<&str>) {
    let row = GroupRow {
        ref_: name.to_owned(),
        kind: "class".to_owned(),
        name: name.to_owned(),
        dissolved_at: None,
        version: 1,
        created_at: now(),
        updated_at: now(),
        attendance_rules: rules.map(str::to_owned),
    };
    group::save(conn, &row, &[]).unwrap();
}

fn booked(conn: &mut Conn, id: &str, from: i64, group: Option<&str>, rules: Option<&str>) {
    let row = AppointmentRow {
        group_ref: group.map(str::to_owned),
        attendance_rules: rules.map(str::to_owned),
        ..row(id, from, None, "allow")
    };
    book(conn, row, &policy(&[]));
}

fn label(conn: &mut Conn, id: &str) -> String {
    rules::for_scoring(conn, id, &Rules::default()).unwrap().label()
}

fn found(conn: &mut Conn, which: &Scored) -> Vec<String> {
    pin::list(conn, which, 100).unwrap().into_iter().map(|booking| booking.appointment_id).collect()
}

/// A booking is scored by these rules, and has a mark.
fn scored(conn: &mut Conn, id: &str, label: &str) {
    pin::keep(conn, id, label, now()).unwrap();
    let mark = MarkRow {
        appointment_id: id.to_owned(),
        person_ref: "ada".to_owned(),
        role: "attendee".to_owned(),
        status: "present".to_owned(),
        score_milli: 1000,
        attended_seconds: 1800,
        first_join: None,
        last_leave: None,
        left_early: false,
        host_absent: false,
        host_late: false,
        held_against: true,
        together_seconds: 0,
        provisional: false,
        evidence: Json::of(&serde_json::json!({})).unwrap(),
        rules: label.to_owned(),
        created_at: now(),
        updated_at: now(),
    };
    attendance::save(conn, id, &[mark]).unwrap();
}

fn using(name: &str) -> Scored {
    Scored { rules: name.to_owned(), ..Scored::default() }
}

on_each_database! {
    the_booking_comes_before_its_group_and_the_group_before_the_standard(database) {
        let conn = &mut database.conn();
        for name in ["own", "groups"] {
            rules::write(conn, name, strict(5), "tests", now()).unwrap();
        }
        class(conn, "9b", Some("groups"));
        class(conn, "plain", None);
        booked(conn, "a", 0, Some("9b"), Some("own"));
        booked(conn, "b", 100, Some("9b"), None);
        booked(conn, "c", 200, Some("plain"), None);
        booked(conn, "d", 300, None, None);
        let labels = ["a", "b", "c", "d"].map(|id| label(conn, id));
        assert_eq!(labels, ["own@1", "groups@1", "standard@1", "standard@1"]);
        // Once scored, they are found by the rules they use.
        for (id, label) in [("a", "own@1"), ("b", "groups@1"), ("c", "standard@1"), ("d", "standard@1")] {
            scored(conn, id, label);
        }
        assert_eq!(found(conn, &using("own")), ["a"]);
        assert_eq!(found(conn, &using("groups")), ["b"]);
        assert_eq!(found(conn, &using("standard")), ["c", "d"]);
    }

    a_booking_keeps_the_version_of_its_first_scoring_until_it_is_moved(database) {
        let conn = &mut database.conn();
        booked(conn, "a", 0, None, None);
        booked(conn, "b", 100, None, None);
        booked(conn, "c", 200, None, None);
        assert_eq!(label(conn, "a"), "standard@1", "the configuration's, before anything is stored");
        rules::adopt(conn, &Rules::default(), now()).unwrap();
        scored(conn, "a", "standard@1");
        scored(conn, "b", "standard@1");
        rules::write(conn, "standard", strict(5), "tests", now()).unwrap();
        pin::keep(conn, "a", "standard@2", now()).unwrap();
        assert_eq!([label(conn, "a"), label(conn, "c")], ["standard@1", "standard@2"]);
        assert_eq!(rules::for_scoring(conn, "a", &Rules::default()).unwrap().thresholds, Thresholds::default());
        let others = Scored { not_by: Some("standard@2".to_owned()), to: Some(at(100)), ..using("standard") };
        let meant = pin::list(conn, &others, 10).unwrap();
        let meeting_id = meeting_of(conn, "a");
        assert_eq!(meant, [ScoredBooking { appointment_id: "a".into(), meeting_id, start_at: at(0) }]);
        pin::move_to(conn, &meant, "standard@2", "head", now()).unwrap();
        assert_eq!([label(conn, "a"), label(conn, "b")], ["standard@2", "standard@1"]);
        assert_eq!(pin::moved_by(conn, "a").unwrap().as_deref(), Some("head"));
        assert_eq!(due(conn, DueKind::Score), ["a"]);
        assert_eq!(found(conn, &Scored { to: None, ..others }), ["b"]);
    }

    scored_bookings_are_found_by_time_place_and_meeting(database) {
        let conn = &mut database.conn();
        for (id, from) in [("a", 0), ("b", 100), ("c", 200)] {
            booked(conn, id, from, None, None);
            scored(conn, id, "standard@1");
        }
        booked(conn, "never", 300, None, None);
        let all = using("standard");
        assert_eq!(found(conn, &all), ["a", "b", "c"]);
        assert_eq!(found(conn, &Scored { from: Some(at(100)), ..all.clone() }), ["b", "c"]);
        assert_eq!(found(conn, &Scored { after: Some((at(100), "b".to_owned())), ..all.clone() }), ["c"]);
        let meetings = vec![meeting_of(conn, "b"), "none such".to_owned()];
        assert_eq!(found(conn, &Scored { meetings, ..all.clone() }), ["b"]);
        conn.batch_execute("DELETE FROM attendance_records WHERE appointment_id = 'b'").unwrap();
        assert_eq!(found(conn, &all), ["a", "c"], "whose marks are forgotten is not scored again");
    }

    every_version_that_a_mark_may_name_can_be_read(database) {
        let conn = &mut database.conn();
        let house = Rules::default();
        rules::adopt(conn, &house, now()).unwrap();
        rules::adopt(conn, &house, now()).unwrap();
        assert_eq!(rules::newest(conn, "standard").unwrap().unwrap().label(), "standard@1");
        // The configuration changed: a version of its own, and the old one stays.
        rules::adopt(conn, &Rules::standard(strict(20)), now()).unwrap();
        let newest = rules::newest_version(conn, "standard").unwrap().unwrap();
        assert_eq!((newest.rules.version, newest.author.as_deref()), (2, Some("configuration")));
        assert_eq!(rules::version(conn, "standard", 1).unwrap().unwrap().rules, house);
        // What somebody wrote stays the newest, whatever the configuration says at the next start.
        rules::write(conn, "standard", strict(25), "head", now()).unwrap();
        rules::adopt(conn, &house, now()).unwrap();
        assert_eq!(rules::newest(conn, "standard").unwrap().unwrap().label(), "standard@3");
        rules::write(conn, "lenient", strict(1), "head", now()).unwrap();
        rules::write(conn, "lenient", strict(1), "head", now()).unwrap();
        let list = rules::list(conn, None, 10).unwrap();
        let labels: Vec<String> = list.iter().map(|version| version.rules.label()).collect();
        assert_eq!(labels, ["lenient@1", "standard@3"]);
        assert_eq!(rules::list(conn, Some("lenient"), 10).unwrap().len(), 1);
        assert_eq!(rules::version(conn, "standard", 9).unwrap(), None);
    }
}

#[test]
fn of_two_who_write_rules_at_once_the_second_writes_the_next_version() {
    let Some(database) = TestDatabase::postgres() else { return };
    let database = database.migrated();
    let (mut first, mut second) = (database.conn(), database.conn());
    first.batch_execute("BEGIN").unwrap();
    rules::write(&mut first, "own", strict(5), "first", now()).unwrap();
    let other = std::thread::spawn(move || {
        second.transaction(|conn| rules::write(conn, "own", strict(7), "second", now()))
    });
    let waits = "SELECT 1 FROM pg_stat_activity \
                 WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let mut watch = database.conn();
    while diesel::sql_query(waits).execute(&mut watch).unwrap() == 0 {
        std::thread::yield_now();
    }
    first.batch_execute("COMMIT").unwrap();
    let answered = other.join().unwrap().unwrap();
    assert_eq!(answered.rules.label(), "own@2");
    let stored = rules::version(&mut first, "own", 2).unwrap().unwrap();
    assert_eq!((stored.rules.thresholds, stored.author.as_deref()), (strict(7), Some("second")));
}
