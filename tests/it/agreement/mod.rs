//! The player, the judge and the daemon agree about any class.
//!
//! The sandbox's player makes reports and webhooks of a class, its judge walks through it second by second, and the
//! daemon's attendance works with intervals. None of the three knows the others.

mod classes;

use std::collections::BTreeMap;

use convened::clock::Instant;
use convened::domain::attendance::{Assessed, Assessment, InstanceSpan, RosterPerson, Rules, assess};
use convened::domain::connection::{Connection, Connections, Room, Source};
use convened::sandbox::play::{Instance as Run, Performance, perform};
use convened::sandbox::timetable::{Person, Role, Timetable};
use convened::sandbox::truth::{Status, Truth};
use convened::zoom::event::parse;
use convened::zoom::types::ReportParticipant;
use proptest::prelude::*;

use self::classes::{classes, facts};

/// What the daemon makes of these connections.
fn assessed(
    class: &Timetable,
    performance: &Performance,
    connections: &[Connection],
    final_: bool,
) -> Assessed {
    let planned = facts().planned;
    let person = |(index, person): (usize, &Person)| RosterPerson {
        person: index.to_string(),
        name: person.name.clone(),
        email: person.email.clone(),
        zoom_user_id: match person.role {
            Role::Host => Some(facts().host_id),
            Role::Attendee => person.zoom_user_id.clone(),
        },
        registrant_ids: person.registrant_id.iter().cloned().collect(),
        host: person.role == Role::Host,
    };
    let span = |run: &Run| InstanceSpan {
        uuid: run.uuid.clone(),
        started: Some(run.started),
        ended: Some(run.ended),
        report_complete: final_,
    };
    assess(&Assessment {
        planned_start: planned.start,
        planned_end: planned.start + chrono::Duration::minutes(i64::from(planned.duration)),
        as_of: planned.start + chrono::Duration::days(2),
        roster: &class.persons.iter().enumerate().map(person).collect::<Vec<_>>(),
        instances: &performance.instances.iter().map(span).collect::<Vec<_>>(),
        connections,
        settled: &BTreeMap::new(),
        rules: &Rules::default(),
    })
}

/// A report's row as the daemon keeps it.
pub(crate) fn connection(instance: &str, row: &ReportParticipant) -> Connection {
    Connection {
        instance: instance.to_owned(),
        key: row.user_id.clone().unwrap(),
        room: match (row.status.as_deref(), &row.bo_mtg_id) {
            (Some("in_waiting_room"), _) => Room::Waiting,
            (_, Some(_)) => Room::Breakout,
            _ => Room::Main,
        },
        source: Source::Report,
        participant_uuid: None,
        user_id: row.user_id.clone(),
        zoom_user_id: row.participant_user_id.clone(),
        registrant_id: row.registrant_id.clone(),
        customer_key: row.customer_key.clone(),
        email: row.user_email.clone(),
        name: row.name.clone().unwrap(),
        join_time: row.join_time,
        leave_time: row.leave_time,
        leave_reason: None,
    }
}

fn assert_agreement(class: &Timetable, assessed: &Assessed) -> Result<(), TestCaseError> {
    let truth = Truth::of(class, facts().planned);
    prop_assert_eq!((truth.window_start, truth.window_end), (assessed.window.start, assessed.window.end));
    let attendees = truth.persons.iter().filter(|person| person.role == Role::Attendee);
    for (truth, mark) in attendees.zip(&assessed.marks) {
        let status = match truth.status {
            Some(Status::Present) => "present",
            Some(Status::Late) => "late",
            Some(Status::Partial) => "partial",
            Some(Status::Absent) | None => "absent",
        };
        let marked = (mark.status.as_str(), mark.score_milli, mark.attended_secs);
        prop_assert_eq!(marked, (status, truth.score_milli, truth.attended_seconds), "{}", &truth.name);
    }
    Ok(())
}

/// Seconds each name was in the meeting between `start` and `end`, from the report rows alone.
fn attended_by_report(performance: &Performance, start: Instant, end: Instant) -> BTreeMap<String, i64> {
    let mut spans: BTreeMap<String, Vec<(Instant, Instant)>> = BTreeMap::new();
    let rows = performance.instances.iter().flat_map(|instance| &instance.rows);
    for row in rows.filter(|row| row.status.as_deref() == Some("in_meeting")) {
        let span = (row.join_time.unwrap().max(start), row.leave_time.unwrap().min(end));
        spans.entry(row.name.clone().unwrap()).or_default().push(span);
    }
    let union = |mut spans: Vec<(Instant, Instant)>| {
        spans.sort_unstable();
        let mut reached = start;
        let mut seconds = 0;
        for (from, to) in spans {
            seconds += (to - from.max(reached)).num_seconds().max(0);
            reached = reached.max(to);
        }
        seconds
    };
    spans.into_iter().map(|(name, spans)| (name, union(spans))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_daemons_final_marks_are_the_truth(class in classes()) {
        let performance = perform(&class, &facts()).unwrap();
        let rows = performance.instances.iter().flat_map(|run| run.rows.iter().map(|row| connection(&run.uuid, row)));
        let connections: Vec<_> = rows.collect();
        assert_agreement(&class, &assessed(&class, &performance, &connections, true))?;
    }

    #[test]
    fn the_daemons_provisional_marks_are_the_truth_when_no_webhook_is_lost(
        class in classes(),
        order in any::<u64>(),
    ) {
        let mut mischief = class.delivery.clone();
        (mischief.seed, mischief.double, mischief.shuffle, mischief.delay) = (order, 0.3, 0.5, 0.2);
        let performance = perform(&Timetable { delivery: mischief, ..class.clone() }, &facts()).unwrap();
        let mut connections = Connections::default();
        for sending in &performance.sendings {
            connections.see(&parse(sending.event.body.as_ref()).unwrap());
        }
        assert_agreement(&class, &assessed(&class, &performance, connections.as_slice(), false))?;
    }

    #[test]
    fn the_reports_add_up_to_the_truth(class in classes()) {
        let performance = perform(&class, &facts()).unwrap();
        let truth = Truth::of(&class, facts().planned);
        let reported = attended_by_report(&performance, truth.window_start, truth.window_end);
        for person in &truth.persons {
            let seconds = reported.get(&person.name).copied().unwrap_or(0);
            prop_assert_eq!(person.attended_seconds, seconds, "{}", &person.name);
        }
    }

    #[test]
    fn instances_follow_each_other_and_hold_their_stays(class in classes()) {
        let performance = perform(&class, &facts()).unwrap();
        for pair in performance.instances.windows(2) {
            prop_assert!(pair[0].ended <= pair[1].started && pair[0].uuid != pair[1].uuid);
        }
        for instance in &performance.instances {
            for row in instance.rows.iter().filter(|row| row.status.as_deref() == Some("in_meeting")) {
                prop_assert!(instance.started <= row.join_time.unwrap());
                prop_assert!(row.leave_time.unwrap() <= instance.ended);
                prop_assert_eq!(row.duration, (row.leave_time.unwrap() - row.join_time.unwrap()).num_seconds());
            }
        }
    }

    #[test]
    fn every_stay_is_told_twice_and_every_instance_begins_and_ends_once(
        class in classes(),
    ) {
        class.check().unwrap();
        let performance = perform(&class, &facts()).unwrap();
        let count = |name: &str| performance.sendings.iter().filter(|s| s.event.name == name).count();
        let rows: usize = performance.instances.iter().map(|instance| instance.rows.len()).sum();
        let framing = 2 * performance.instances.len() + count("meeting.participant_jbh_joined");
        prop_assert_eq!(performance.sendings.len(), 2 * rows + framing);
        prop_assert_eq!(count("meeting.started"), performance.instances.len());
        prop_assert_eq!(count("meeting.ended"), performance.instances.len());
        prop_assert!(performance.sendings.is_sorted_by_key(|sending| sending.at));
    }
}
