//! What is kept of registrations, on both databases: by whom the rows are written, and whose links they are.

use std::collections::BTreeMap;

use convened::domain::registration::{Approval, Ask, Known, Standing};
use convened::store::booking::directory;
use convened::store::meeting::{self, MeetingRow};
use convened::store::registrant::{self, Learned, RegistrantRow, RegistrantStatus, View};
use convened::store::{Conn, appointment, person as people, roster};
use diesel::connection::SimpleConnection;

use crate::support::bookings::{at, book, meeting_of, now, person, policy, row};
use crate::support::database::on_each_database;

/// A booking of these people, whose meeting has this number and registration; gives the meeting's id.
fn class(conn: &mut Conn, number: &str, refs: &[&str]) -> String {
    let booking = book(conn, row("b1", 0, None, "allow"), &policy(&[])).appointment;
    for ref_ in refs {
        person(conn, ref_, "attendee");
        directory::invite(conn, &booking, ref_, "tests", now()).unwrap();
    }
    let meeting = meeting_of(conn, "b1");
    numbered(conn, number);
    told(conn, Some(0));
    meeting
}

fn numbered(conn: &mut Conn, number: &str) {
    let sql = format!(
        "UPDATE zoom_meetings SET zoom_meeting_id = '{number}', registration_url = 'https://zoom.example/r'"
    );
    conn.batch_execute(&sql).unwrap();
}

/// What Zoom has said of the meeting; `None` when that is uncertain.
fn told(conn: &mut Conn, approval: Option<i64>) {
    let told = approval.map_or("NULL".to_owned(), |approval| {
        format!(
            r#"'{{"topic":"","agenda":"","start":"2096-10-02T07:30:00Z","duration_minutes":30,"timezone":"UTC","settings":{{"approval_type":{approval}}}}}'"#
        )
    });
    conn.batch_execute(&format!("UPDATE zoom_meetings SET told = {told}")).unwrap();
}

/// Everybody has a row, and it is read.
fn seen(conn: &mut Conn, meeting: &str) -> View {
    let view = registrant::view(conn, meeting, None, now().into()).unwrap().unwrap();
    registrant::reconcile(conn, &view, now()).unwrap();
    registrant::view(conn, meeting, None, now().into()).unwrap().unwrap()
}

/// Zoom has registered everybody: the number is `R-` and the address, the link its sealed name.
fn registered(view: &View) -> (Known, BTreeMap<String, Learned>) {
    let mut known = view.known();
    known.entries.iter_mut().for_each(|entry| entry.standing = Standing::Approved);
    let learned = |address: &String| Learned {
        registrant: Some(format!("R-{address}")),
        link: Some(address.clone().into_bytes()),
        stranger: None,
    };
    let all = known.entries.iter().map(|entry| (entry.address.clone(), learned(&entry.address))).collect();
    (known, all)
}

fn conclude(conn: &mut Conn, view: &View) {
    let (known, learned) = registered(view);
    registrant::conclude(conn, view, &known, &learned, None, at(-9_000)).unwrap();
}

fn moves(conn: &mut Conn, ref_: &str, email: &str) {
    let mut row = people::by_ref(conn, ref_).unwrap().unwrap();
    (row.email, row.email_key) = (Some(email.to_owned()), Some(email.to_owned()));
    people::save(conn, &row).unwrap();
}

fn of_meeting(conn: &mut Conn, meeting: &str) -> Vec<RegistrantRow> {
    registrant::of_meeting(conn, meeting).unwrap()
}

fn meeting_row(conn: &mut Conn, meeting: &str) -> MeetingRow {
    meeting::by_id(conn, meeting).unwrap().unwrap()
}

fn link(conn: &mut Conn, meeting: &str, ref_: &str) -> Option<Vec<u8>> {
    let row = meeting_row(conn, meeting);
    registrant::link_of(conn, &row, ref_).unwrap()
}

on_each_database! {
    what_others_wrote_since_a_view_was_read_stays(database) {
        let conn = &mut database.conn();
        let meeting = class(conn, "81", &["ann", "ben"]);
        let view = seen(conn, &meeting);
        registrant::bar(conn, &view.rows[0], true, now()).unwrap();
        let id = &view.rows[1].id;
        let erase = format!("UPDATE meeting_registrants SET email = '', email_key = id, name = '' WHERE id = '{id}'");
        conn.batch_execute(&erase).unwrap();
        conclude(conn, &view);
        let rows = of_meeting(conn, &meeting);
        assert_eq!((rows[0].barred, rows[0].status), (true, RegistrantStatus::Approved));
        let erased = &rows[1];
        assert_eq!((erased.email_key == erased.id, erased.name.as_str(), &erased.join_url_enc), (true, "", &None));
    }

    what_is_known_already_is_not_written_again(database) {
        let conn = &mut database.conn();
        let meeting = class(conn, "81", &["ann"]);
        let view = seen(conn, &meeting);
        conclude(conn, &view);
        let before = of_meeting(conn, &meeting);
        assert_eq!(before[0].registered_at, Some(at(-9_000)));
        let view = seen(conn, &meeting);
        let (known, learned) = registered(&view);
        registrant::conclude(conn, &view, &known, &learned, None, at(-8_000)).unwrap();
        assert_eq!(of_meeting(conn, &meeting), before);
    }

    who_was_removed_stays_so_under_the_next_number(database) {
        let conn = &mut database.conn();
        let meeting = class(conn, "81", &["ann", "ben"]);
        let view = seen(conn, &meeting);
        conclude(conn, &view);
        registrant::bar(conn, &view.rows[0], true, now()).unwrap();
        registrant::close(conn, &meeting, "81", now()).unwrap();
        numbered(conn, "82");
        let barred = |view: &View| view.rows.iter().map(|row| row.barred).collect::<Vec<_>>();
        let view = seen(conn, &meeting);
        assert_eq!(barred(&view), [true, false]);
        registrant::bar(conn, &view.rows[0], false, now()).unwrap();
        registrant::close(conn, &meeting, "82", now()).unwrap();
        numbered(conn, "83");
        assert_eq!(barred(&seen(conn, &meeting)), [false, false], "the last word holds");
    }

    a_link_is_that_of_the_address_that_its_owner_has_now(database) {
        let conn = &mut database.conn();
        let meeting = class(conn, "81", &["ann", "ben"]);
        moves(conn, "ann", "ben@school.example");
        let view = seen(conn, &meeting);
        conclude(conn, &view);
        let shared = Some(b"ben@school.example".to_vec());
        assert_eq!((link(conn, &meeting, "ann"), link(conn, &meeting, "ben")), (shared.clone(), shared.clone()));
        let proofs = |conn: &mut Conn| -> BTreeMap<String, Vec<String>> {
            let roster = roster::of_appointment(conn, "b1", None).unwrap();
            roster.into_iter().map(|one| (one.person, one.registrant_ids)).collect()
        };
        let both = vec!["R-ben@school.example".to_owned()];
        assert_eq!((&proofs(conn)["ann"], &proofs(conn)["ben"]), (&both, &both), "who share an address share its proof");
        moves(conn, "ann", "ann@school.example");
        assert_eq!((link(conn, &meeting, "ann"), link(conn, &meeting, "ben")), (None, shared));
        let found = proofs(conn);
        assert!(found["ann"].is_empty() && found["ben"] == both, "{found:?}");
        moves(conn, "ben", "other@school.example");
        let found = proofs(conn);
        assert!(found["ann"] == both && found["ben"] == both, "nobody else has it: {found:?}");
    }

    without_registration_nobody_has_a_link_and_in_doubt_everybody_keeps_theirs(database) {
        let conn = &mut database.conn();
        let meeting = class(conn, "81", &["ann"]);
        let view = seen(conn, &meeting);
        conclude(conn, &view);
        told(conn, None);
        let view = seen(conn, &meeting);
        assert_eq!(view.approval, Approval::Automatic);
        assert!(link(conn, &meeting, "ann").is_some());
        told(conn, Some(2));
        assert!(link(conn, &meeting, "ann").is_none());
        assert!(registrant::view(conn, &meeting, None, now().into()).unwrap().is_none());
        registrant::suspend(conn, &meeting, "81", now()).unwrap();
        told(conn, Some(0));
        let view = seen(conn, &meeting);
        assert_eq!((view.rows[0].status, &view.rows[0].join_url_enc), (RegistrantStatus::New, &None));
    }

    what_an_erased_person_shared_is_not_taken_back_from_who_is_still_there(database) {
        let conn = &mut database.conn();
        let meeting = class(conn, "81", &["ann", "ben"]);
        moves(conn, "ann", "ben@school.example");
        let view = seen(conn, &meeting);
        conclude(conn, &view);
        let erase = "UPDATE meeting_registrants SET email = '', email_key = id, name = '' WHERE person_ref = 'ann';
            DELETE FROM appointment_attendees WHERE person_ref = 'ann'";
        conn.batch_execute(erase).unwrap();
        let booking = appointment::by_id(conn, "b1").unwrap().unwrap();
        let view = seen(conn, &meeting);
        assert_eq!(view.appointment_id, booking.id);
        let known = view.known();
        let gap = chrono::Duration::seconds(10);
        let step = convened::domain::registration::next_step(&view.wanted(), &known, now().into(), gap);
        let cancels = matches!(step, convened::domain::registration::Step::Ask(Ask::Cancel, _));
        assert!(!cancels && known.entries.len() == 1, "{step:?}");
    }
}
