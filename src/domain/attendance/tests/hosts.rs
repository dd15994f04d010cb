//! What the hosts did, and what it does to the others' marks.

use super::*;
use crate::domain::connection::{Room, Source};

fn host_came(join: i64, leave: i64) -> Class {
    let mut class = Class::new();
    class.connections[0].join_time = Some(minute(join));
    class.connections[0].leave_time = Some(minute(leave));
    class
}

fn ann(class: &Class) -> Mark {
    class.assess().marks.swap_remove(0)
}

#[test]
fn a_host_who_never_came_is_held_against_nobody_but_the_host() {
    let mut class = Class::new().with("Ann", Some(0), Some(60));
    class.connections.remove(0);
    let assessed = class.assess();
    assert_eq!((assessed.marks[0].status, assessed.marks[1].status), (Present, Absent));
    assert!(assessed.marks.iter().all(|mark| mark.host_absent && !mark.host_late && !mark.held_against));
    assert!(assessed.hosts[0].held_against);
    assert_eq!(assessed.marks[0].together_secs, 0);
}

#[test]
fn a_late_host_excuses_who_is_missing_or_short_but_not_who_came_late() {
    let late = |class: Class| {
        let mark = ann(&class);
        assert!(mark.host_late, "{mark:?}");
        (mark.status, mark.held_against)
    };
    assert_eq!(late(host_came(11, 60)), (Absent, false));
    assert_eq!(late(host_came(11, 60).with("Ann", Some(0), Some(15))), (Partial, false));
    assert_eq!(late(host_came(11, 60).with("Ann", Some(30), Some(60))), (Late, true));
    assert_eq!(late(host_came(11, 60).with("Ann", Some(0), Some(60))), (Present, true));
    let in_time = ann(&host_came(10, 60));
    assert_eq!((in_time.host_late, in_time.held_against), (false, true));
}

#[test]
fn evidence_says_when_the_host_opened_and_why_the_window_is_what_it_is() {
    let mark = ann(&host_came(20, 60));
    let reason = mark.evidence.window_reason;
    assert_eq!((reason.start, reason.end), (StartReason::HostOpenedLate, EndReason::Planned));
    let host = mark.evidence.host;
    assert_eq!((host.expected, host.opened, host.late_by_seconds), (true, Some(minute(20)), Some(1200)));
    let mut alone = Class::new();
    alone.connections.clear();
    alone.instances[0] = run("U", 12, Some(40));
    let reason = ann(&alone).evidence.window_reason;
    assert_eq!((reason.start, reason.end), (StartReason::OpenedLate, EndReason::ClosedEarly));
}

#[test]
fn time_together_is_that_of_both_and_no_more() {
    let class = host_came(0, 30).with("Ann", Some(20), Some(60)).with("Ben", Some(40), Some(60));
    let assessed = class.assess();
    let together: Vec<i64> = assessed.marks.iter().map(|mark| mark.together_secs / 60).collect();
    assert_eq!(together, [10, 0]);
    assert_eq!(assessed.hosts[0].together_secs / 60, 10);
    assert_eq!(assessed.marks[0].attended_secs / 60, 40, "it counts only where the rules say so");
}

#[test]
fn where_only_time_together_counts_a_host_who_left_is_not_held_against_the_pupil() {
    let mut class = host_came(0, 10).with("Ann", Some(0), Some(60)).with("Ben", Some(50), Some(60));
    class.rules =
        Rules::standard(Thresholds { counted_time: CountedTime::Together, ..Thresholds::default() });
    let assessed = class.assess();
    let [ann, ben] = &assessed.marks[..] else { panic!("two marks") };
    assert_eq!((ann.status, ann.attended_secs / 60, ann.score_milli), (Partial, 10, 167));
    assert!(!ann.held_against, "she was there long enough");
    assert_eq!((ben.status, ben.attended_secs, ben.held_against), (Partial, 0, true));
    assert_eq!(ann.evidence.arithmetic.attended_seconds, 3600);
    assert_eq!(assessed.hosts[0].attended_secs / 60, 10);
    class.roster.remove(0);
    assert_eq!(class.assess().marks[0].attended_secs / 60, 60, "nobody to be together with");
}

#[test]
fn bookings_back_to_back_share_a_host_and_nothing_else() {
    // The first lesson runs on into the second; its host opens the second from another device meanwhile.
    let first = || {
        let mut class = host_came(-5, 75).with("Ann", Some(0), Some(75));
        class.instances = vec![run("U", -5, Some(75))];
        class
    };
    let second = |class: Class| {
        let mut class = class.row("W", Source::Webhook, Room::Main, "Host", Some(62), Some(120)).row(
            "W",
            Source::Webhook,
            Room::Main,
            "Ann",
            Some(70),
            Some(120),
        );
        class.instances.push(run("W", 62, Some(120)));
        class
    };
    let alone = first().assess();
    assert_eq!((alone.marks[0].attended_secs / 60, alone.window.end), (60, minute(60)));
    // Even if they were one meeting with two runs, the second lesson would be outside the first one's window.
    let both = second(first()).assess();
    assert_eq!((both.window, &both.marks[0].status), (alone.window, &alone.marks[0].status));
    assert_eq!(both.marks[0].attended_secs, alone.marks[0].attended_secs);
    assert_eq!(both.hosts[0].attended_secs, alone.hosts[0].attended_secs);
}

#[test]
fn stored_evidence_is_read_back_also_that_of_older_programs() {
    let evidence = ann(&host_came(20, 60).with("Ann", Some(0), None)).evidence;
    let mut json = serde_json::to_value(&evidence).unwrap();
    assert_eq!(serde_json::from_value::<Evidence>(json.clone()).unwrap(), evidence);
    for young in ["window_reason", "host", "together"] {
        json.as_object_mut().unwrap().remove(young);
    }
    json["arithmetic"].as_object_mut().unwrap().remove("together_seconds");
    json["arithmetic"].as_object_mut().unwrap().remove("counted_time");
    let old: Evidence = serde_json::from_value(json).unwrap();
    assert_eq!((old.window_reason, old.attended), (WindowReason::default(), evidence.attended));
}
