//! Which evidence counts, and what is done where some of it is missing.

use super::*;

fn waiting(class: Class, key: &str, step_in: Option<i64>, out: Option<i64>) -> Class {
    let mut class = class.row("U", Source::Webhook, Room::Waiting, "Ann", step_in, out);
    if let Some(row) = class.connections.last_mut() {
        row.participant_uuid = Some(key.to_owned());
    }
    class
}

#[test]
fn waiting_does_not_count_and_lateness_counts_from_the_admission() {
    let class = waiting(
        waiting(Class::new().with("Ann", Some(0), Some(60)), "Ann-1", Some(0), None),
        "Ann-1",
        None,
        Some(12),
    );
    assert_eq!(class.ann(), (Late, 48, 800));
    assert_eq!(class.assess().marks[0].first_join, Some(minute(12)));
}

#[test]
fn sent_back_to_the_waiting_room_only_the_wait_is_taken_off() {
    let mut class = Class::new().with("Ann", Some(5), Some(60));
    for (step_in, out) in [(Some(0), None), (None, Some(5)), (Some(20), None), (None, Some(30))] {
        class = waiting(class, "Ann-1", step_in, out);
    }
    assert_eq!(class.ann(), (Present, 45, 750));
    // Never let in again: nothing after the second step in counts.
    class.connections.pop();
    assert_eq!(class.ann(), (Present, 15, 250));
}

#[test]
fn a_lost_admission_is_proven_by_the_join_after_it() {
    assert_eq!(
        waiting(Class::new().with("Ann", Some(5), Some(60)), "Ann-1", Some(0), None).ann(),
        (Present, 55, 917)
    );
}

#[test]
fn another_device_in_the_waiting_room_takes_nothing_off() {
    let class = Class::new().with("Ann", Some(0), Some(60)).row(
        "U",
        Source::Webhook,
        Room::Waiting,
        "Ann",
        Some(5),
        Some(50),
    );
    assert_eq!(class.ann(), (Present, 60, 1000));
}

#[test]
fn never_admitted_is_absent_with_that_as_evidence() {
    let mark = waiting(Class::new(), "P", Some(0), None).assess().marks.swap_remove(0);
    assert_eq!((mark.status, mark.evidence.finding), (Absent, Finding::NeverAdmitted));
    assert_eq!((mark.evidence.connections.len(), mark.evidence.connections[0].counted), (1, false));
}

#[test]
fn only_before_the_lesson_is_absent_with_that_as_evidence() {
    let mark = Class::new().with("Ann", Some(-5), Some(0)).assess().marks.swap_remove(0);
    assert_eq!((mark.status, mark.evidence.finding), (Absent, Finding::OutsideWindow));
}

#[test]
fn a_lost_leave_is_closed_by_the_end_of_the_run() {
    let mark = Class::new().with("Ann", Some(30), None).assess().marks.swap_remove(0);
    assert_eq!((mark.attended_secs, mark.last_leave), (30 * 60, Some(minute(60))));
    assert_eq!(mark.evidence.connections[0].taken_as, Some(Interval::new(minute(30), minute(60))));
    assert_eq!(mark.evidence.connections[0].left, None);
}

#[test]
fn a_lost_leave_is_closed_by_the_next_join() {
    let class = Class::new().with("Ann", Some(0), None).with("Ann", Some(20), Some(40));
    assert_eq!(class.ann(), (Present, 40, 667));
}

#[test]
fn a_leave_whose_join_has_another_key_closes_it() {
    let class = Class::new().with("Ann", Some(10), None).with("Ann", None, Some(30));
    assert_eq!(class.ann(), (Present, 20, 333));
}

#[test]
fn an_end_nobody_told_is_at_the_latest_the_next_start() {
    let mut class = Class::new().with("Ann", Some(0), None);
    class.instances = vec![run("U", -5, None), run("V", 30, Some(60))];
    assert_eq!(class.ann(), (Present, 30, 500));
}

#[test]
fn a_lost_join_counts_from_the_last_sign_or_from_the_start_of_the_run() {
    assert_eq!(Class::new().with("Ann", None, Some(40)).ann(), (Present, 40, 667));
    assert_eq!(
        Class::new().with("Ann", Some(0), Some(20)).with("Ann", None, Some(40)).ann(),
        (Present, 40, 667)
    );
    let waited = waiting(Class::new().with("Ann", None, Some(40)), "P", None, Some(30));
    assert_eq!(waited.ann(), (Partial, 10, 167));
    let mut unknown = Class::new().with("Ann", None, Some(40));
    unknown.instances[0].started = None;
    assert_eq!(unknown.ann(), (Absent, 0, 0));
}

#[test]
fn in_a_running_meeting_open_means_still_there() {
    let mut class = Class::new().with("Ann", Some(0), None).with("Ann", Some(10), Some(12));
    class.instances[0].ended = None;
    class.as_of = minute(20);
    let mark = class.assess().marks.swap_remove(0);
    assert_eq!((mark.attended_secs, mark.last_leave, mark.left_early), (20 * 60, None, false));
}

#[test]
fn a_complete_report_replaces_the_webhooks_of_its_run() {
    let mut class = Class::new().with("Ann", Some(0), Some(60)).row(
        "U",
        Source::Report,
        Room::Main,
        "Ann",
        Some(30),
        Some(40),
    );
    assert_eq!(class.ann(), (Present, 60, 1000), "half a report counts nothing");
    assert!(class.assess().provisional);
    class.instances[0].report_complete = true;
    assert_eq!(class.ann(), (Partial, 10, 167));
    assert!(!class.assess().provisional);
}

#[test]
fn a_complete_report_without_rows_replaces_nothing() {
    let mut class = Class::new().with("Ann", Some(0), Some(60));
    class.instances[0].report_complete = true;
    assert_eq!(class.ann(), (Present, 60, 1000));
}

#[test]
fn a_button_counts_only_where_nothing_else_is_known() {
    let clicked = |class: Class| class.row("", Source::App, Room::Main, "Ann", Some(0), Some(60));
    assert_eq!(clicked(Class::new()).ann(), (Absent, 0, 0), "Zoom knows the meeting and not Ann");
    let mut unheard = clicked(Class::new());
    unheard.instances.clear();
    unheard.connections.remove(0);
    assert_eq!(unheard.ann(), (Present, 60, 1000));
    unheard.connections[0].leave_time = None;
    assert_eq!(unheard.ann(), (Absent, 0, 0), "a click proves no stay");
    assert_eq!(unheard.assess().marks[0].evidence.connections.len(), 1);
}

#[test]
fn what_the_staff_entered_counts_beside_any_report() {
    let mut class = Class::new().row("U", Source::Hand, Room::Main, "Ann", Some(0), Some(60));
    class.instances[0].report_complete = true;
    assert_eq!(class.ann(), (Present, 60, 1000));
}

#[test]
fn evidence_is_readable_json() {
    let mark = Class::new().with("Ann", Some(0), Some(30)).assess().marks.swap_remove(0);
    let json = serde_json::to_value(&mark.evidence).unwrap();
    assert_eq!(json["rules"], "standard@1");
    assert_eq!(json["finding"], "attended");
    assert_eq!(json["attended"][0]["end"], json["connections"][0]["left"]);
    assert_eq!(json["connections"][0]["matched_by"], "name");
    assert_eq!(json["connections"][0]["source"], "webhook");
    assert_eq!(json["arithmetic"]["needed_seconds"], 900);
    assert_eq!(json["arithmetic"]["left_before_end_seconds"], 1800);
}
