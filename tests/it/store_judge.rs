//! What the judge of a class writes: runs, reports, matches and the wish to read them again, on both databases.

use chrono::{DateTime, Utc};
use convened::domain::connection::{Connection, Room, Source};
use convened::domain::report::JudgedBy;
use convened::store::instance::InstanceRow;
use convened::store::judging::Wish;
use convened::store::participant::{Match, ReportLine};
use convened::store::report_history::Wanted;
use convened::store::{
    Conn, Json, case, due, instance, judging, lifecycle, participant, report, report_history, resync,
};

use crate::support::bookings::{at, book, meeting_of, now, person, policy, row};
use crate::support::database::on_each_database;

fn time(minute: i64) -> DateTime<Utc> {
    at(minute).into()
}

/// A booking with a run of its whole time; gives its meeting.
fn held(conn: &mut Conn, id: &str, from: i64) -> String {
    person(conn, "reyes", "host");
    book(conn, row(id, from, Some("reyes"), "allow"), &policy(&[]));
    let meeting = meeting_of(conn, id);
    instance::save(conn, &run(&meeting, &format!("run of {id}"), Some(from), Some(from + 30))).unwrap();
    meeting
}

fn run(meeting: &str, uuid: &str, started: Option<i64>, ended: Option<i64>) -> InstanceRow {
    InstanceRow {
        uuid: uuid.to_owned(),
        meeting_id: meeting.to_owned(),
        zoom_meeting_id: "81234567890".to_owned(),
        started_at: started.map(at),
        ended_at: ended.map(at),
        created_at: now(),
        updated_at: now(),
    }
}

fn line(instance: &str, key: usize) -> ReportLine {
    let connection = Connection {
        instance: instance.to_owned(),
        key: format!("{key}@0"),
        room: Room::Main,
        source: Source::Report,
        participant_uuid: None,
        user_id: Some(key.to_string()),
        zoom_user_id: None,
        registrant_id: None,
        customer_key: None,
        email: Some(format!("p{key}@school.example")),
        name: format!("Pupil {key}"),
        join_time: Some(time(0)),
        leave_time: Some(time(30)),
        leave_reason: None,
    };
    ReportLine { connection, told: Json::of(&serde_json::json!({ "duration": 1800 })).unwrap() }
}

on_each_database! {
    matches_are_written_where_they_changed_and_nowhere_else(database) {
        let conn = &mut database.conn();
        let meeting = held(conn, "a", 0);
        let lines: Vec<ReportLine> = (0..3).map(|key| line("run of a", key)).collect();
        participant::replace_report(conn, &meeting, "run of a", &lines, time(40)).unwrap();
        let ids: Vec<i64> = participant::of_meeting(conn, &meeting).unwrap().iter().map(|row| row.id).collect();
        let found = |id, person: Option<&str>, matched| Match { id, person: person.map(str::to_owned), matched };
        let both = [found(ids[0], Some("ann \"the\" 李"), Some("email")), found(ids[1], Some("bob"), Some("name"))];
        participant::save_matches(conn, &both).unwrap();
        participant::save_matches(conn, &[found(ids[1], None, None), found(999_999, Some("nobody"), None)]).unwrap();
        participant::save_matches(conn, &[]).unwrap();
        let rows = participant::of_meeting(conn, &meeting).unwrap();
        let people: Vec<_> = rows.iter().map(|row| (row.person_ref.as_deref(), row.matched_by.as_deref())).collect();
        assert_eq!(people, [(Some("ann \"the\" 李"), Some("email")), (None, None), (None, None)]);
    }

    a_report_takes_the_place_of_the_former_one_as_a_whole(database) {
        let conn = &mut database.conn();
        let meeting = held(conn, "a", 0);
        report::expect_one(conn, "run of a", &meeting, now()).unwrap();
        for keys in [0..5, 3..6] {
            let lines: Vec<ReportLine> = keys.map(|key| line("run of a", key)).collect();
            participant::replace_report(conn, &meeting, "run of a", &lines, time(40)).unwrap();
        }
        let rows = report_history::rows(conn, "run of a", 0, 100).unwrap();
        assert_eq!(rows.iter().map(|row| row.user_id.clone().unwrap()).collect::<Vec<_>>(), ["3", "4", "5"]);
        assert!(rows[0].told.as_ref().unwrap().as_str().contains("1800"));
        let rest = report_history::rows(conn, "run of a", rows[0].id, 1).unwrap();
        assert_eq!(rest[0].id, rows[1].id);
        let wanted = Wanted { meeting_id: Some(meeting), from: Some(at(0)), to: Some(at(1)), after: None };
        assert_eq!(report_history::list(conn, &wanted, 10).unwrap().len(), 1);
        let later = Wanted { from: Some(at(1)), ..wanted };
        assert!(report_history::list(conn, &later, 10).unwrap().is_empty());
    }

    a_time_that_is_known_of_a_run_stays_known(database) {
        let conn = &mut database.conn();
        let meeting = held(conn, "a", 0);
        instance::save(conn, &run(&meeting, "run of a", None, None)).unwrap();
        let known = instance::by_uuid(conn, "run of a").unwrap().unwrap();
        assert_eq!((known.started_at, known.ended_at), (Some(at(0)), Some(at(30))));
    }

    marks_are_not_final_before_zoom_was_asked_for_all_runs_and_each_report_is_read(database) {
        let conn = &mut database.conn();
        let meeting = held(conn, "a", 0);
        let judged = |conn: &mut Conn| case::of_appointment(conn, "a").unwrap().unwrap().judged_by.is_some();
        assert!(!judged(conn));
        judging::expect_report(conn, "run of a", &meeting, at(45), at(30), false).unwrap();
        let mut read = report::by_instance(conn, "run of a").unwrap().unwrap();
        read.state = report::ReportState::Complete;
        report::save(conn, &read).unwrap();
        assert!(!judged(conn), "another run may be in Zoom's list");
        let mut row = judging::of(conn, &meeting).unwrap();
        row.listed_at = Some(at(29));
        judging::save(conn, &row).unwrap();
        assert!(!judged(conn), "asked before the end");
        row.listed_at = Some(at(45));
        judging::save(conn, &row).unwrap();
        assert!(judged(conn));
        instance::save(conn, &run(&meeting, "second", Some(10), Some(20))).unwrap();
        assert!(!judged(conn), "a second run has no report yet");
    }

    a_list_without_a_run_and_a_room_that_is_open_make_nothing_final(database) {
        let conn = &mut database.conn();
        person(conn, "reyes", "host");
        book(conn, row("a", 0, Some("reyes"), "allow"), &policy(&[]));
        let meeting = meeting_of(conn, "a");
        let judged = |conn: &mut Conn| case::of_appointment(conn, "a").unwrap().unwrap().judged_by;
        let mut asked = judging::of(conn, &meeting).unwrap();
        asked.listed_at = Some(at(45));
        judging::save(conn, &asked).unwrap();
        assert_eq!(judged(conn), None, "the list was empty");
        asked.given_up_at = Some(at(29));
        judging::save(conn, &asked).unwrap();
        assert_eq!(judged(conn), None, "given up before it was moved");
        asked.given_up_at = Some(at(500));
        judging::save(conn, &asked).unwrap();
        assert_eq!(judged(conn), Some(JudgedBy::NoRun));
        asked.unheard = true;
        judging::save(conn, &asked).unwrap();
        let case = case::of_appointment(conn, "a").unwrap().unwrap();
        assert_eq!((case.judged_by, case.may_be_no_show), (Some(JudgedBy::Webhooks), false));
        assert_eq!(case.judge_notes.len(), 1);
        instance::save(conn, &run(&meeting, "opened early", Some(-70), None)).unwrap();
        assert_eq!(judged(conn), None, "it may turn out to be the class");
        instance::save(conn, &run(&meeting, "opened early", Some(-70), Some(-65))).unwrap();
        assert_eq!(judged(conn), Some(JudgedBy::Webhooks));
    }

    nothing_is_read_again_of_what_is_nameless_or_called_off(database) {
        let conn = &mut database.conn();
        let meeting = held(conn, "a", 0);
        let refused = |conn: &mut Conn, sql: &str, why| {
            diesel_execute(conn, sql);
            assert_eq!(judging::want(conn, &meeting, "a", at(50)).unwrap(), why);
            assert!(judging::unserved(conn, std::slice::from_ref(&meeting)).unwrap().is_empty());
            assert!(why.refusal().is_some());
        };
        refused(conn, "UPDATE appointments SET status = 'cancelled'", Wish::NotHeld);
        refused(conn, "UPDATE appointments SET status = 'completed', anonymised_at = updated_at", Wish::Nameless);
        diesel_execute(conn, "UPDATE appointments SET anonymised_at = NULL");
        assert_eq!(judging::want(conn, &meeting, "a", at(50)).unwrap(), Wish::Noted);
    }

    a_status_is_not_written_over_another_one_than_was_read(database) {
        let conn = &mut database.conn();
        held(conn, "a", 0);
        diesel_execute(conn, "UPDATE appointments SET status = 'cancelled'");
        assert!(!lifecycle::set_status(conn, "a", ("confirmed", "no_show"), at(60)).unwrap());
        assert_eq!(lifecycle::status(conn, "a").unwrap().as_deref(), Some("cancelled"));
        assert!(lifecycle::set_status(conn, "a", ("cancelled", "confirmed"), at(60)).unwrap());
    }

    what_is_wanted_again_is_unserved_until_it_is_asked_read_and_scored(database) {
        let conn = &mut database.conn();
        let meeting = held(conn, "a", 0);
        let ids = vec![meeting.clone()];
        assert!(judging::unserved(conn, &ids).unwrap().is_empty());
        judging::want(conn, &meeting, "a", at(50)).unwrap();
        assert_eq!(judging::unserved(conn, &ids).unwrap(), ids);
        let mut row = judging::of(conn, &meeting).unwrap();
        row.served = row.wanted;
        judging::save(conn, &row).unwrap();
        judging::expect_report(conn, "run of a", &meeting, at(50), at(50), true).unwrap();
        assert_eq!(judging::unserved(conn, &ids).unwrap(), ids);
        let mut read = report::by_instance(conn, "run of a").unwrap().unwrap();
        read.reread_served = read.reread_wanted;
        report::save(conn, &read).unwrap();
        assert!(judging::unserved(conn, &ids).unwrap().is_empty());
        due::set(conn, due::DueKind::Score, "a", at(51)).unwrap();
        assert_eq!(judging::unserved(conn, &ids).unwrap(), ids);
    }

    a_resync_of_the_past_means_what_is_over_in_order_and_goes_on(database) {
        let conn = &mut database.conn();
        let meetings: Vec<String> = (0..4).map(|n| held(conn, &format!("b{n}"), n * 60)).collect();
        let sql = "UPDATE zoom_meetings SET zoom_meeting_id = 'z' || id";
        diesel_execute(conn, sql);
        let past = |conn: &mut Conn, after| resync::past(conn, (at(60), at(1000)), at(200), after, 2).unwrap();
        let first = past(conn, None);
        let ids: Vec<&str> = first.iter().map(|row| row.meeting_id.as_str()).collect();
        assert_eq!(ids, [&meetings[1], &meetings[2]], "the first is too early, the last not over");
        let last = first.last().map(|row| (row.start_at, row.meeting_id.clone()));
        assert!(past(conn, last).is_empty());
        assert_eq!(resync::count(conn, (at(60), at(1000)), at(200)).unwrap(), 2);
        assert_eq!(resync::begin(conn, "span", at(1)).unwrap(), at(1));
        assert_eq!(resync::begin(conn, "span", at(2)).unwrap(), at(1), "it goes on");
        resync::finish(conn, "span").unwrap();
        assert_eq!(resync::begin(conn, "span", at(3)).unwrap(), at(3));
    }
}

fn diesel_execute(conn: &mut Conn, sql: &str) {
    use diesel::connection::SimpleConnection as _;
    match conn {
        Conn::Sqlite(conn) => conn.batch_execute(sql).unwrap(),
        Conn::Postgres(conn) => conn.batch_execute(sql).unwrap(),
    }
}
