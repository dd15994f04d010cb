//! Seats and the waiting line: who gets one, who waits, and what follows when licences change; on both databases.

use convened::store::booking::{BookingError, line, overbooked};
use convened::store::due::DueKind;
use convened::store::{appointment, meeting, person, seat};
use diesel::connection::SimpleConnection as _;

use crate::support::bookings::{
    at, book, cancel, due, edit, host_of, meeting_of, moved_to, now, person, policy, row, story_of, try_book,
    zoom_says,
};
use crate::support::database::on_each_database;

on_each_database! {
    a_host_has_as_many_meetings_at_once_as_zoom_lets_them(database) {
        let conn = &mut database.conn();
        person(conn, "reyes", "host");
        let policy = policy(&[]);
        zoom_says(conn, "Z1", "reyes", 1);
        book(conn, row("a", 0, Some("reyes"), "reject"), &policy);
        let Err(BookingError::HostTaken { clashes, next_free, .. }) =
            try_book(conn, row("b", 10, Some("reyes"), "reject"), &policy)
        else {
            panic!("a Basic host was given two meetings at once");
        };
        assert_eq!(clashes.iter().map(|clash| clash.appointment_id.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(next_free, [at(35), at(70), at(105)]);
        zoom_says(conn, "Z1", "reyes", 2);
        book(conn, row("b", 10, Some("reyes"), "reject"), &policy);
        // Overlaps both, but when it begins the first is over.
        book(conn, row("c", 35, Some("reyes"), "reject"), &policy);
        assert!(try_book(conn, row("d", 36, Some("reyes"), "reject"), &policy).is_err());
    }

    a_host_known_by_address_and_by_id_is_one_host(database) {
        let conn = &mut database.conn();
        let policy = policy(&[]);
        person(conn, "reyes", "host");
        let mut other = person(conn, "twin", "host");
        book(conn, row("a", 0, Some("reyes"), "reject"), &policy);
        assert_eq!(host_of(conn, "a").as_deref(), Some("reyes@school.example"));
        zoom_says(conn, "Z1", "reyes", 1);
        assert_eq!(host_of(conn, "a").as_deref(), Some("Z1"), "the seat follows as soon as the id is known");
        for name in ["Z1", "Reyes@school.example"] {
            other.zoom_user = Some(name.to_owned());
            person::save(conn, &other).unwrap();
            assert!(try_book(conn, row("b", 0, Some("twin"), "reject"), &policy).is_err(), "{name}");
        }
    }

    who_waits_gets_the_seat_that_a_cancel_frees_in_the_order_of_the_line(database) {
        let conn = &mut database.conn();
        let policy = policy(&["pool@school.example"]);
        book(conn, row("a", 0, None, "reject"), &policy);
        for id in ["b", "c"] {
            let waiting = book(conn, row(id, 10, None, "reject"), &policy);
            assert_eq!(waiting.meeting.unwrap().sync_state, "waiting_for_host");
            assert_eq!(host_of(conn, id), None);
        }
        due(conn, DueKind::Sync);
        let cancelled = cancel(conn, "a", &policy);
        assert_eq!(cancelled.handed_on, [meeting_of(conn, "b")]);
        assert!(host_of(conn, "b").is_some() && host_of(conn, "c").is_none());
        let due = due(conn, DueKind::Sync);
        assert!(due.contains(&meeting_of(conn, "b")), "{due:?}");
        assert_eq!(story_of(conn, "b"), ["booking.created", "seat.waiting", "seat.given"]);
        cancel(conn, "c", &policy);
        assert!(cancel(conn, "b", &policy).handed_on.is_empty(), "who was cancelled does not wait");
    }

    a_seat_is_freed_by_a_move_and_by_a_shorter_time_and_a_failing_move_changes_nothing(database) {
        let conn = &mut database.conn();
        let policy = policy(&["pool@school.example"]);
        book(conn, row("a", 0, None, "reject"), &policy);
        book(conn, row("b", 100, None, "reject"), &policy);
        book(conn, row("w", 20, None, "reject"), &policy);
        let before = appointment::by_id(conn, "b").unwrap().unwrap();
        let refused = edit(conn, "b", &policy, moved_to(0));
        assert!(matches!(refused, Err(BookingError::HostTaken { .. })));
        assert_eq!(appointment::by_id(conn, "b").unwrap().unwrap(), before);
        assert_eq!(seat::of_appointment(conn, "b").unwrap().unwrap().from_at, at(100));
        let shorter = edit(conn, "a", &policy, |row| row.end_at = at(15)).unwrap();
        assert_eq!(shorter.handed_on, [meeting_of(conn, "w")]);
        assert!(host_of(conn, "w").is_some());
        // Nobody is in its way now: the booking goes where it wanted to.
        edit(conn, "a", &policy, moved_to(300)).unwrap();
        cancel(conn, "w", &policy);
        edit(conn, "b", &policy, moved_to(0)).unwrap();
        assert_eq!(seat::of_appointment(conn, "b").unwrap().unwrap().from_at, at(0));
    }

    a_booking_whose_own_host_is_busy_may_run_under_a_shared_one_or_wait_for_either(database) {
        let conn = &mut database.conn();
        let policy = policy(&["pool@school.example"]);
        person(conn, "reyes", "host");
        book(conn, row("a", 0, Some("reyes"), "reject"), &policy);
        book(conn, row("b", 0, Some("reyes"), "reassign"), &policy);
        assert_eq!(host_of(conn, "b").as_deref(), Some("pool@school.example"));
        book(conn, row("c", 0, Some("reyes"), "reassign"), &policy);
        assert_eq!(host_of(conn, "c"), None, "nobody is free: it waits");
        cancel(conn, "a", &policy);
        assert_eq!(host_of(conn, "c").as_deref(), Some("reyes@school.example"));
        // A move keeps the host where it can, so that the link stays.
        edit(conn, "b", &policy, |row| row.title = "Other".to_owned()).unwrap();
        assert_eq!(host_of(conn, "b").as_deref(), Some("pool@school.example"));
    }

    more_licences_and_more_shared_hosts_let_the_line_move(database) {
        let conn = &mut database.conn();
        let small = policy(&["pool@school.example"]);
        zoom_says(conn, "P1", "pool", 1);
        for id in ["a", "b", "c"] {
            book(conn, row(id, 0, None, "reject"), &small);
        }
        due(conn, DueKind::Seats);
        zoom_says(conn, "P1", "pool", 2);
        assert_eq!(due(conn, DueKind::Seats), ["P1"], "the change says that the host is to be looked through");
        assert_eq!(line::hand_on_all(conn, &small, now()).unwrap(), [meeting_of(conn, "b")]);
        let larger = policy(&["pool@school.example", "second@school.example"]);
        assert_eq!(line::hand_on_all(conn, &larger, now()).unwrap(), [meeting_of(conn, "c")]);
        assert_eq!(host_of(conn, "c").as_deref(), Some("second@school.example"));
    }

    a_host_who_lost_the_licence_keeps_who_came_first_and_the_others_go_on(database) {
        let conn = &mut database.conn();
        let policy = policy(&["pool@school.example", "second@school.example"]);
        person(conn, "reyes", "host");
        zoom_says(conn, "P1", "pool", 2);
        zoom_says(conn, "Z1", "reyes", 2);
        for id in ["a", "b", "c"] {
            book(conn, row(id, 0, None, "reject"), &policy);
        }
        for id in ["own1", "own2"] {
            book(conn, row(id, 0, Some("reyes"), "reject"), &policy);
        }
        let of_second: Vec<&str> =
            ["a", "b", "c"].into_iter().filter(|id| host_of(conn, id).as_deref() != Some("P1")).collect();
        cancel(conn, of_second[0], &policy);
        let at_first: Vec<&str> =
            ["a", "b", "c"].into_iter().filter(|id| host_of(conn, id).as_deref() == Some("P1")).collect();
        zoom_says(conn, "P1", "pool", 1);
        zoom_says(conn, "Z1", "reyes", 1);
        let woken = overbooked::relieve(conn, "P1", &policy, now()).unwrap();
        assert_eq!(woken, [meeting_of(conn, at_first[1])]);
        assert_eq!(host_of(conn, at_first[0]).as_deref(), Some("P1"));
        assert_eq!(host_of(conn, at_first[1]).as_deref(), Some("second@school.example"));
        assert!(story_of(conn, at_first[1]).contains(&"seat.moved".to_owned()));
        for _ in 0..2 {
            assert!(overbooked::relieve(conn, "Z1", &policy, now()).unwrap().is_empty());
        }
        assert_eq!(host_of(conn, "own2").as_deref(), Some("Z1"), "it is not ours to give to another");
        let told = story_of(conn, "own2").into_iter().filter(|kind| kind == "seat.overbooked").count();
        assert_eq!(told, 1, "said once");
    }

    a_booking_whose_shared_host_is_gone_waits_at_the_place_it_had(database) {
        let conn = &mut database.conn();
        let policy = policy(&["pool@school.example", "second@school.example"]);
        zoom_says(conn, "P1", "pool", 2);
        zoom_says(conn, "P2", "second", 1);
        for id in ["a", "b", "c"] {
            book(conn, row(id, 0, None, "reject"), &policy);
        }
        let mut late = row("late", 0, None, "reject");
        late.created_at = at(-5000);
        book(conn, late, &policy);
        zoom_says(conn, "P1", "pool", 1);
        overbooked::relieve(conn, "P1", &policy, now()).unwrap();
        let lost: Vec<&str> = ["a", "b", "c"].into_iter().filter(|id| host_of(conn, id).is_none()).collect();
        assert_eq!(lost.len(), 1);
        zoom_says(conn, "P1", "pool", 2);
        line::hand_on_all(conn, &policy, now()).unwrap();
        assert!(host_of(conn, lost[0]).is_some(), "before who never had a seat");
        assert_eq!(host_of(conn, "late"), None);
    }

    a_meeting_that_another_host_keeps_is_woken_when_its_new_host_can_take_it_over(database) {
        let conn = &mut database.conn();
        let policy = policy(&[]);
        person(conn, "reyes", "host");
        book(conn, row("a", 0, Some("reyes"), "reject"), &policy);
        due(conn, DueKind::Sync);
        conn.batch_execute("UPDATE zoom_meetings SET zoom_meeting_id = '81', next_attempt_at = '2096-01-01 00:00:00'")
            .unwrap();
        assert!(due(conn, DueKind::Sync).is_empty());
        zoom_says(conn, "Z1", "reyes", 1);
        assert_eq!(due(conn, DueKind::Sync), [meeting_of(conn, "a")]);
        assert_eq!(meeting::by_appointment(conn, "a").unwrap().unwrap().next_attempt_at, None);
    }

    a_booking_whose_time_has_passed_leaves_the_line(database) {
        let conn = &mut database.conn();
        let policy = policy(&["pool@school.example"]);
        book(conn, row("a", 0, None, "reject"), &policy);
        book(conn, row("b", 0, None, "reject"), &policy);
        let larger = self::policy(&["pool@school.example", "second@school.example"]);
        assert!(line::hand_on_all(conn, &larger, at(31)).unwrap().is_empty());
        assert!(line::hand_on_all(conn, &larger, now()).unwrap().is_empty(), "it is not in line any more");
    }
}
