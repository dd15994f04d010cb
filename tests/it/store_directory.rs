//! What becomes of future bookings when people leave or change, and groups do; on both databases.

use convened::store::appointment::AppointmentRow;
use convened::store::booking::directory;
use convened::store::group::{self, GroupRow, MemberRow};
use convened::store::person::PersonRow;
use convened::store::{Conn, appointment, person};

use crate::support::bookings::{book, host_of, meeting_of, now, person, policy, row, try_book, zoom_says};
use crate::support::database::on_each_database;

on_each_database! {
    a_deactivated_host_hands_their_seats_on_and_comes_back_without_bookings(database) {
        let conn = &mut database.conn();
        let policy = policy(&["pool@school.example"]);
        let mut shared = person(conn, "reyes", "host");
        shared.zoom_user = Some("pool@school.example".to_owned());
        person::save(conn, &shared).unwrap();
        book(conn, row("own", 0, Some("reyes"), "reject"), &policy);
        book(conn, AppointmentRow { status: "requested".to_owned(), ..row("asked", 0, Some("reyes"), "reject") }, &policy);
        book(conn, row("waits", 0, None, "reject"), &policy);
        assert_eq!(host_of(conn, "waits"), None);
        let aftermath = directory::person_left(conn, "reyes", "tests", &policy, now()).unwrap();
        assert_eq!(aftermath.cancelled, ["asked", "own"]);
        assert!(aftermath.meetings.contains(&meeting_of(conn, "waits")));
        assert!(host_of(conn, "waits").is_some(), "in the same transaction");
        let back = directory::person_returned(conn, "reyes", now()).unwrap();
        assert_eq!(back, directory::Aftermath::default());
        assert_eq!(appointment::by_id(conn, "own").unwrap().unwrap().status, "cancelled");
    }

    a_new_address_is_not_a_new_host(database) {
        let conn = &mut database.conn();
        let policy = policy(&[]);
        let before = person(conn, "reyes", "host");
        let renamed = |address: &str| PersonRow { email_key: Some(address.to_owned()), ..before.clone() };
        // Zoom was not asked yet: whoever has the new address is meant.
        book(conn, row("a", 0, Some("reyes"), "reject"), &policy);
        let after = renamed("r@school.example");
        person::save(conn, &after).unwrap();
        let aftermath = directory::person_changed(conn, &before, &after, &policy, now()).unwrap();
        assert_eq!(aftermath.moved, ["a"]);
        assert_eq!(host_of(conn, "a").as_deref(), Some("r@school.example"));
        assert_eq!(appointment::by_id(conn, "a").unwrap().unwrap().generation, 2, "Zoom is asked anew");
        // Zoom knows them: the Zoom user stays, and another booking at that time still clashes.
        zoom_says(conn, "Z1", "r", 1);
        let last = renamed("ana@school.example");
        person::save(conn, &last).unwrap();
        let aftermath = directory::person_changed(conn, &after, &last, &policy, now()).unwrap();
        assert_eq!(aftermath, directory::Aftermath::default());
        assert_eq!(host_of(conn, "a").as_deref(), Some("Z1"));
        assert!(try_book(conn, row("b", 0, Some("reyes"), "reject"), &policy).is_err());
        // They name another Zoom user: that is a host of their own.
        let named = PersonRow { zoom_user: Some("Z2".to_owned()), ..last.clone() };
        person::save(conn, &named).unwrap();
        let aftermath = directory::person_changed(conn, &last, &named, &policy, now()).unwrap();
        assert_eq!(aftermath.moved, ["a"]);
        assert_eq!(host_of(conn, "a").as_deref(), Some("Z2"));
    }

    a_class_whose_teacher_left_goes_to_the_next_who_is_free(database) {
        let conn = &mut database.conn();
        let policy = policy(&[]);
        for host in ["reyes", "gauss", "noether"] {
            person(conn, host, "host");
        }
        let class = GroupRow {
            ref_: "9b".to_owned(),
            kind: "class".to_owned(),
            name: "9b".to_owned(),
            dissolved_at: None,
            version: 1,
            created_at: now(),
            updated_at: now(),
            attendance_rules: None,
        };
        let members = |hosts: &[&str]| -> Vec<MemberRow> {
            let hosts = hosts.iter().zip(0..);
            hosts
                .map(|(host, position)| MemberRow {
                    group_ref: "9b".to_owned(),
                    person_ref: (*host).to_owned(),
                    role: "host".to_owned(),
                    position,
                })
                .collect()
        };
        let before = members(&["reyes"]);
        group::save(conn, &class, &before).unwrap();
        for (id, from) in [("a", 0), ("b", 100)] {
            let row = AppointmentRow { group_ref: Some("9b".to_owned()), ..row(id, from, None, "reject") };
            assert_eq!(book(conn, row, &policy).appointment.host_ref.as_deref(), Some("reyes"));
        }
        book(conn, row("busy", 0, Some("gauss"), "reject"), &policy);
        let after = members(&["gauss", "noether"]);
        group::save(conn, &class, &after).unwrap();
        let aftermath = directory::group_changed(conn, "9b", &before, "tests", &policy, now()).unwrap();
        assert_eq!(aftermath.moved, ["a", "b"]);
        let host = |conn: &mut Conn, id| appointment::by_id(conn, id).unwrap().unwrap().host_ref.unwrap();
        assert_eq!((host(conn, "a"), host(conn, "b")), ("noether".to_owned(), "gauss".to_owned()));
        group::save(conn, &class, &[]).unwrap();
        directory::group_changed(conn, "9b", &after, "tests", &policy, now()).unwrap();
        assert_eq!(host(conn, "a"), "noether", "a group without hosts leaves its bookings theirs");
        let aftermath = directory::group_dissolved(conn, "9b", "tests", &policy, now()).unwrap();
        assert_eq!(aftermath.cancelled, ["a", "b"]);
        assert_eq!(aftermath.meetings.len(), 2, "also those that are not at Zoom yet");
    }
}
