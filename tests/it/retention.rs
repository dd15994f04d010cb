//! What is old is put away, and what is still needed is not.

use std::process::Command;

use chrono::{DateTime, Duration, Utc};
use convened::domain::attendance::MarkStatus;
use convened::domain::connection::{Connection, Room, Source};
use convened::domain::retention::Periods;
use convened::domain::rules::Rules;
use convened::store::appointment::{self, AttendeeRow, BookingFilter, Via};
use convened::store::attendance::{self, MarkRow};
use convened::store::correction::{self, Word};
use convened::store::inbox::{self, Heading, NewEvent};
use convened::store::participant::Match;
use convened::store::retention::{self, Sweep};
use convened::store::{Conn, Json, UtcMillis, case, participant, pin, story};
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::bookings::{at, book, cancel, meeting_of, now, person, policy, row};
use crate::support::database::{TestDatabase, on_each_database};
use crate::support::rig::Rig;

const PERIODS: Periods = Periods {
    participants: Duration::days(180),
    meetings: Duration::days(365),
    attendance: Duration::days(730),
    applied_webhooks: Duration::days(30),
    other_webhooks: Duration::days(60),
    audit: Duration::days(730),
};

/// So many days after the first minute of the tests' bookings.
fn after_days(days: i64) -> DateTime<Utc> {
    DateTime::from(at(0)) + Duration::days(days)
}

/// Puts away what is too old then; how many things.
fn sweep(conn: &mut Conn, sweep: Sweep, now: DateTime<Utc>) -> usize {
    let limits = PERIODS.limits(now);
    let (mut done, mut after) = (0, Some(String::new()));
    while let Some(from) = after {
        let batch = sweep.find(conn, &limits, &from).unwrap();
        done += sweep.put_away(conn, &batch, &limits, now.into()).unwrap();
        after = batch.next().map(str::to_owned);
    }
    done
}

/// A lesson of half an hour with one pupil, whom Zoom showed by their address.
fn lesson(conn: &mut Conn, id: &str, provisional: bool) {
    book(conn, row(id, 0, None, "allow"), &policy(&[]));
    let attendee = AttendeeRow {
        appointment_id: id.to_owned(),
        person_ref: "ada".to_owned(),
        position: 0,
        via: Via::Direct,
    };
    appointment::add_roster(conn, &[attendee]).unwrap();
    let connection = Connection {
        instance: format!("uuid-{id}"),
        key: format!("Ada L.@{id}"),
        room: Room::Main,
        source: Source::Report,
        participant_uuid: None,
        user_id: None,
        zoom_user_id: Some("zoom-1".to_owned()),
        registrant_id: None,
        customer_key: None,
        email: Some("ada@school.example".to_owned()),
        name: "Ada L.".to_owned(),
        join_time: Some(at(2).into()),
        leave_time: Some(at(30).into()),
        leave_reason: Some("Ada L. left".to_owned()),
    };
    let meeting = meeting_of(conn, id);
    participant::save(conn, &meeting, &[connection], at(31).into()).unwrap();
    let instance = format!(
        "INSERT INTO meeting_instances (uuid, meeting_id, zoom_meeting_id, started_at, ended_at, created_at, updated_at)
         SELECT 'uuid-{id}', id, '{id}', a.start_at, a.end_at, a.start_at, a.end_at FROM zoom_meetings m,
         (SELECT start_at, end_at FROM appointments WHERE id = '{id}') a WHERE m.appointment_id = '{id}'"
    );
    conn.batch_execute(&instance).unwrap();
    let report = format!(
        "INSERT INTO meeting_reports (instance_uuid, meeting_id, state, attempts, pages_read, participants, created_at,
         updated_at) SELECT uuid, meeting_id, 'complete', 1, 1, 1, created_at, updated_at FROM meeting_instances
         WHERE uuid = 'uuid-{id}'"
    );
    conn.batch_execute(&report).unwrap();
    score(conn, id, provisional);
}

fn score(conn: &mut Conn, id: &str, provisional: bool) {
    let case = case::of_appointment(conn, id).unwrap().unwrap();
    let assessed = case.assess(&Rules::default(), at(60).into());
    let found = |index: usize| assessed.matched.iter().find(|(id, ..)| *id == case.connections[index].id());
    let matches: Vec<Match> = (0..case.participants.len())
        .map(|index| Match {
            id: case.participants[index].id,
            person: found(index).map(|(_, person, _)| person.clone()),
            matched: found(index).map(|(.., by)| by.as_str()),
        })
        .collect();
    participant::save_matches(conn, &matches).unwrap();
    let rows: Vec<MarkRow> = assessed
        .marks
        .iter()
        .map(|mark| MarkRow {
            appointment_id: id.to_owned(),
            person_ref: mark.person.clone(),
            role: "attendee".to_owned(),
            status: mark.status.as_str().to_owned(),
            score_milli: mark.score_milli,
            attended_seconds: mark.attended_secs,
            first_join: mark.first_join.map(Into::into),
            last_leave: mark.last_leave.map(Into::into),
            left_early: mark.left_early,
            host_absent: mark.host_absent,
            host_late: mark.host_late,
            held_against: mark.held_against,
            together_seconds: mark.together_secs,
            provisional,
            evidence: Json::of(&mark.evidence).unwrap(),
            rules: "standard@1".to_owned(),
            created_at: at(60),
            updated_at: at(60),
        })
        .collect();
    attendance::save(conn, id, &rows).unwrap();
}

fn marks(conn: &mut Conn, id: &str) -> Vec<(String, String, i64)> {
    let rows = attendance::of_appointment(conn, id).unwrap();
    rows.into_iter().map(|(mark, _)| (mark.person_ref, mark.status, mark.score_milli)).collect()
}

fn listed(conn: &mut Conn, from: Option<UtcMillis>) -> Vec<String> {
    let filter = BookingFilter { from, ..BookingFilter::default() };
    appointment::list(conn, &filter, 100).unwrap().into_iter().map(|row| row.id).collect()
}

on_each_database! {
    a_booking_becomes_nameless_then_is_put_away_and_then_loses_its_marks(database) {
        let conn = &mut database.conn();
        person(conn, "ada", "attendee");
        lesson(conn, "old", false);
        lesson(conn, "unfinished", true);
        let before = marks(conn, "old");
        assert_eq!(before, [("ada".to_owned(), "present".to_owned(), 933)]);

        assert_eq!(sweep(conn, Sweep::Participants, after_days(179)), 0, "not old enough");
        assert_eq!(sweep(conn, Sweep::Meetings, after_days(400)), 0, "not before they are nameless");
        assert_eq!(sweep(conn, Sweep::Participants, after_days(181)), 1, "a provisional mark keeps its booking");
        assert_eq!(sweep(conn, Sweep::Participants, after_days(181)), 0, "once");
        let stored = attendance::of_appointment(conn, "old").unwrap();
        let evidence = stored[0].0.evidence.as_str();
        assert!(evidence.contains("\"identity\":\"ada\"") && !evidence.contains("school.example"), "{evidence}");
        let meeting = meeting_of(conn, "old");
        let seen = participant::of_meeting(conn, &meeting).unwrap().remove(0);
        assert_eq!((seen.name.as_str(), seen.email, seen.zoom_user_id, seen.leave_reason), ("", None, None, None));
        assert!(!seen.connection_key.contains("Ada"), "{}", seen.connection_key);
        score(conn, "old", false);
        assert_eq!(marks(conn, "old"), before, "scoring anew finds the same");

        assert_eq!(sweep(conn, Sweep::Meetings, after_days(364)), 0);
        assert_eq!(sweep(conn, Sweep::Meetings, after_days(366)), 1);
        assert_eq!(listed(conn, None), ["unfinished"]);
        assert_eq!(listed(conn, Some(at(0))).len(), 2, "who asks for that time finds it");

        assert_eq!(sweep(conn, Sweep::Attendance, after_days(731)), 1);
        assert_eq!((marks(conn, "old").len(), marks(conn, "unfinished").len()), (0, 1));
        assert!(participant::of_meeting(conn, &meeting).unwrap().is_empty());
        assert!(appointment::by_id(conn, "old").unwrap().is_some(), "the booking itself stays");
    }

    what_was_called_off_is_forgotten_too_and_once(database) {
        let conn = &mut database.conn();
        book(conn, row("off", 0, None, "allow"), &policy(&[]));
        let attendee = AttendeeRow {
            appointment_id: "off".to_owned(),
            person_ref: "ada".to_owned(),
            position: 0,
            via: Via::Direct,
        };
        appointment::add_roster(conn, &[attendee]).unwrap();
        let word = Word {
            status: Some(MarkStatus::Excused),
            note: Some("is ill".to_owned()),
            author: "school".to_owned(),
            at: now(),
        };
        correction::say(conn, "off", "ada", &word).unwrap();
        pin::keep(conn, "off", "standard@1", now()).unwrap();
        cancel(conn, "off", &policy(&[]));
        assert_eq!(sweep(conn, Sweep::Attendance, after_days(729)), 0);
        assert!(!retention::is_forgotten(conn, "off").unwrap());
        assert_eq!(sweep(conn, Sweep::Attendance, after_days(731)), 1);
        assert_eq!(sweep(conn, Sweep::Attendance, after_days(731)), 0, "once");
        assert!(retention::is_forgotten(conn, "off").unwrap());
        assert!(appointment::roster(conn, &["off".to_owned()]).unwrap().is_empty());
        assert!(correction::histories(conn, "off").unwrap().is_empty());
        assert_eq!(pin::of_appointment(conn, "off").unwrap(), None);
    }

    webhooks_go_by_what_became_of_them(database) {
        let conn = &mut database.conn();
        let events: Vec<NewEvent> = (0..5_u8)
            .map(|number| {
                let heading = Heading { event: "meeting.started".to_owned(), ..Heading::default() };
                NewEvent::new(vec![b'{', b'0' + number, b'}'], Ok(heading), after_days(0), 0)
            })
            .collect();
        let receipts = inbox::insert(conn, &events.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(receipts.len(), 5);
        for (number, state) in ["done", "ignored", "dead", "unowned", "pending"].iter().enumerate() {
            let update = format!("UPDATE webhook_events SET state = '{state}' WHERE body = '{{{number}}}'");
            conn.batch_execute(&update).unwrap();
        }
        assert_eq!(sweep(conn, Sweep::Webhooks, after_days(29)), 0);
        assert_eq!(sweep(conn, Sweep::Webhooks, after_days(31)), 2, "applied ones");
        assert_eq!(sweep(conn, Sweep::Webhooks, after_days(61)), 2, "and those that nobody could apply");
        assert_eq!(sweep(conn, Sweep::Webhooks, after_days(9999)), 0, "never one that is still to be applied");
    }

    a_story_is_kept_as_long_as_its_booking_is_not_over_for_long(database) {
        let conn = &mut database.conn();
        book(conn, row("old", 0, None, "allow"), &policy(&[]));
        book(conn, row("young", 800 * 24 * 60, None, "allow"), &policy(&[]));
        let lines = |conn: &mut Conn, id: &str| story::of_appointment(conn, id, 100).unwrap().len();
        let (old, young) = (lines(conn, "old"), lines(conn, "young"));
        assert_eq!(sweep(conn, Sweep::Stories, after_days(729)), 0);
        assert_eq!(sweep(conn, Sweep::Stories, after_days(731)), old);
        assert_eq!((lines(conn, "old"), lines(conn, "young")), (0, young));
    }

    kept_answers_go_after_a_day(database) {
        let conn = &mut database.conn();
        let keep = |conn: &mut Conn, key: &str, created_at: UtcMillis| {
            let row = convened::store::idempotency::AnswerRow {
                caller: "school".to_owned(),
                key: key.to_owned(),
                fingerprint: String::new(),
                state: convened::store::idempotency::AnswerState::Done,
                status: Some(201),
                body: Some("{}".to_owned()),
                appointment_id: None,
                created_at,
            };
            convened::store::idempotency::keep(conn, &row, now()).unwrap();
        };
        for number in 0..1200 {
            keep(conn, &format!("old-{number}"), at(0));
        }
        keep(conn, "young", at(100));
        assert_eq!(sweep(conn, Sweep::KeptAnswers, DateTime::from(at(24 * 60 + 1))), 1200, "in batches");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_count_first_and_then_clean_up() {
    let rig = Rig::start(TestDatabase::sqlite(), 1.0, "");
    let old = "INSERT INTO idempotency_keys (caller, key, fingerprint, state, status, body, appointment_id, created_at)
        VALUES ('x', 'k', '', 'done', 200, '{}', NULL, '2020-01-01 00:00:00')";
    rig.database.conn().batch_execute(old).unwrap();
    let post = |role: &'static str, body: Value| {
        let request =
            rig.http.post(rig.url("/api/admin/cleanup")).bearer_auth(rig.token(role, "ops")).json(&body);
        async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        }
    };
    assert_eq!(post("service", json!({})).await.0, 403);
    let (status, counted) = post("admin", json!({ "dry_run": true })).await;
    assert_eq!((status, &counted["counts"]["kept_answers"]), (200, &json!(1)), "{counted}");
    let cleanup = |arguments: &[&str]| {
        let config = rig.config_file(rig.port());
        let output = Command::new(env!("CARGO_BIN_EXE_convened"))
            .arg("--config")
            .arg(config)
            .arg("cleanup")
            .args(arguments)
            .env_remove("DATABASE_URL")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let counted: Value = serde_json::from_str(&cleanup(&["--dry-run", "--json"])).unwrap();
    assert_eq!((&counted["dry_run"], &counted["counts"]["kept_answers"]), (&json!(true), &json!(1)));
    assert!(cleanup(&[]).contains("1 kept answers deleted"));
    let (_, done) = post("admin", json!({})).await;
    assert_eq!((&done["dry_run"], &done["counts"]["kept_answers"]), (&json!(false), &json!(0)));
}
