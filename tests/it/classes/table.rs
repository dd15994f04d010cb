//! Every class of the table, through the sandbox's player and the daemon's scoring, without a daemon.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use convened::clock::Instant;
use convened::domain::attendance::{
    Assessed, Assessment, InstanceSpan, Mark, RosterPerson, Rules, Thresholds, assess,
};
use convened::domain::connection::{Connection, Connections};
use convened::domain::events::EventKind;
use convened::sandbox::play::{Facts, Performance, perform};
use convened::sandbox::timetable::Planned;
use convened::zoom::event::parse;

use super::script::{Entry, ExpectedMark, Identities, Part, Script, all};
use crate::agreement::connection;

/// How many classes the table has at least.
const CLASSES_MIN: usize = 60;

fn start() -> Instant {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

fn facts(script: &Script) -> Facts {
    Facts {
        account_id: "account".to_owned(),
        number: "81234567890".to_owned(),
        uuid: "Jt4PAh1jSaiRSDnd90ssWA==".to_owned(),
        host_id: "host-of-the-meeting".to_owned(),
        host_email: "host@school.example".to_owned(),
        topic: script.name.clone(),
        kind: 2,
        timezone: "UTC".to_owned(),
        planned: Planned { start: start(), duration: script.minutes },
    }
}

fn email(entry: &Entry) -> String {
    let own = || format!("{}@school.example", reference(entry));
    entry.email.clone().unwrap_or_else(own)
}

/// Two pupils may have one name, but no two have one mark, one identity and one name.
fn reference(entry: &Entry) -> String {
    let email = entry.email.as_deref().unwrap_or_default();
    format!("{} {email}", entry.name)
}

fn account(entry: &Entry) -> String {
    format!("account of {}", reference(entry))
}

fn registrant(entry: &Entry) -> String {
    format!("registration of {}", reference(entry))
}

const IDENTITIES: Identities<'static> =
    Identities { person: &reference, email: &email, account: &account, registrant: &registrant };

fn roster(script: &Script) -> Vec<RosterPerson> {
    let expected = script.person.iter().filter(|entry| entry.role != Part::Stranger);
    let mut hosts = 0;
    expected
        .map(|entry| {
            let host = entry.role == Part::Host;
            hosts += usize::from(host);
            RosterPerson {
                person: reference(entry),
                name: entry.name.clone(),
                email: Some(email(entry)),
                // The meeting belongs to its first host.
                zoom_user_id: Some(match host && hosts == 1 {
                    true => facts(script).host_id,
                    false => account(entry),
                }),
                registrant_ids: vec![registrant(entry)],
                host,
            }
        })
        .collect()
}

/// What the webhooks alone tell of the runs.
fn told_runs(performance: &Performance) -> Vec<InstanceSpan> {
    let mut spans: BTreeMap<String, InstanceSpan> = BTreeMap::new();
    for sending in &performance.sendings {
        let event = parse(&sending.event.body).unwrap();
        let (started, ended): (Option<DateTime<Utc>>, Option<DateTime<Utc>>) = match event.kind {
            EventKind::Started { start_time } => (start_time, None),
            EventKind::Ended { start_time, end_time } => (start_time, end_time),
            _ => continue,
        };
        let uuid = event.meeting.unwrap().uuid.unwrap();
        let span = spans.entry(uuid.clone()).or_insert(InstanceSpan { uuid, ..InstanceSpan::default() });
        span.started = span.started.or(started);
        span.ended = span.ended.or(ended);
    }
    spans.into_values().collect()
}

fn reported_runs(performance: &Performance) -> Vec<InstanceSpan> {
    let span = |run: &convened::sandbox::play::Instance| InstanceSpan {
        uuid: run.uuid.clone(),
        started: Some(run.started),
        ended: Some(run.ended),
        report_complete: true,
    };
    performance.instances.iter().map(span).collect()
}

/// The reports; Zoom makes none of a meeting of one.
fn rows(performance: &Performance) -> Vec<Connection> {
    let mut rows = Vec::new();
    for run in &performance.instances {
        let inside = run.rows.iter().filter(|row| row.status.as_deref() == Some("in_meeting"));
        if inside.map(|row| &row.name).collect::<BTreeSet<_>>().len() > 1 {
            rows.extend(run.rows.iter().map(|row| connection(&run.uuid, row)));
        }
    }
    rows
}

fn heard(performance: &Performance) -> Vec<Connection> {
    let mut connections = Connections::default();
    for sending in &performance.sendings {
        connections.see(&parse(sending.event.body.as_ref()).unwrap());
    }
    connections.into_vec()
}

fn assessed(script: &Script, instances: &[InstanceSpan], connections: &[Connection]) -> Assessed {
    let thresholds: Option<Thresholds> =
        script.rules.clone().map(|rules| serde_json::from_value(rules.into()).unwrap());
    assess(&Assessment {
        planned_start: start(),
        planned_end: start() + Duration::minutes(script.minutes.into()),
        as_of: start() + Duration::days(3),
        roster: &roster(script),
        instances,
        connections,
        settled: &BTreeMap::new(),
        rules: &thresholds.map_or_else(Rules::default, Rules::standard),
    })
}

fn flags(mark: &Mark) -> Vec<String> {
    Entry::flags_of(&serde_json::to_value(mark).unwrap())
}

/// What is not as the file says.
fn faults(script: &Script, found: &Assessed, live: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let offset = |at: DateTime<Utc>| (at - start()).num_seconds();
    let window = (offset(found.window.start), offset(found.window.end));
    if window != script.window() && !live {
        faults.push(format!("window {window:?} instead of {:?}", script.window()));
    }
    for entry in script.person.iter().filter(|entry| entry.role == Part::Attendee) {
        let mark = found.marks.iter().find(|mark| mark.person == reference(entry)).unwrap();
        let other = entry.live.as_ref().filter(|_| live);
        let expected = other.or(entry.mark.as_ref()).unwrap_or_else(|| panic!("{} has no mark", entry.name));
        let status = mark.status.as_str().to_owned();
        let is = ExpectedMark { status, attended_secs: mark.attended_secs };
        let score = script.score_milli(expected);
        if is != *expected || (!live && mark.score_milli != score) {
            faults.push(format!("{}: {is}, {} instead of {expected}, {score}", entry.name, mark.score_milli));
        }
        if !live && flags(mark) != entry.flags {
            faults.push(format!("{}: {:?} instead of {:?}", entry.name, flags(mark), entry.flags));
        }
    }
    faults
}

#[test]
fn the_table_has_classes_enough_and_each_says_what_it_is_about() {
    let scripts = all();
    assert!(scripts.len() >= CLASSES_MIN, "{} classes", scripts.len());
    for script in &scripts {
        assert!(script.says.len() > 20, "{} says too little", script.name);
        script
            .timetable("81234567890", &IDENTITIES)
            .check()
            .unwrap_or_else(|e| panic!("{}: {e}", script.name));
    }
}

#[test]
fn the_marks_are_those_of_the_table_after_the_report_and_live_where_the_webhooks_tell() {
    let mut faults_found = Vec::new();
    for script in all() {
        let performance = perform(&script.timetable("81234567890", &IDENTITIES), &facts(&script)).unwrap();
        let heard = heard(&performance);
        let all = [heard.clone(), rows(&performance)].concat();
        let last = assessed(&script, &reported_runs(&performance), &all);
        let mut judge = |found: &Assessed, live: bool| {
            let when = if live { "live" } else { "at last" };
            let faults = faults(&script, found, live);
            faults_found.extend(faults.into_iter().map(|fault| format!("{} {when}: {fault}", script.name)));
        };
        judge(&last, false);
        if script.untold.is_none() {
            judge(&assessed(&script, &told_runs(&performance), &heard), true);
        }
    }
    assert!(faults_found.is_empty(), "{}", faults_found.join("\n"));
}
