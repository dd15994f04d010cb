//! Rows that are not as they should be.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
}

fn span() -> InstanceRow {
    InstanceRow {
        uuid: "run==".to_owned(),
        meeting_id: "meeting".to_owned(),
        zoom_meeting_id: "81234567890".to_owned(),
        started_at: Some(at(0).into()),
        ended_at: Some(at(45).into()),
        created_at: at(0).into(),
        updated_at: at(0).into(),
    }
}

fn row(join: Option<i64>, leave: Option<i64>, minutes: i64) -> ReportParticipant {
    ReportParticipant {
        name: Some("Ann".to_owned()),
        user_id: Some("16778240".to_owned()),
        join_time: join.map(at),
        leave_time: leave.map(at),
        duration: minutes * 60,
        ..ReportParticipant::default()
    }
}

fn stay(row: &ReportParticipant) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let read = lines(&span(), std::slice::from_ref(row)).unwrap();
    (read.lines[0].connection.join_time, read.lines[0].connection.leave_time)
}

#[test]
fn a_missing_time_is_found_by_the_duration() {
    assert_eq!(stay(&row(Some(5), None, 10)), (Some(at(5)), Some(at(15))));
    assert_eq!(stay(&row(None, Some(15), 10)), (Some(at(5)), Some(at(15))));
    assert_eq!(stay(&row(Some(5), Some(15), 99)), (Some(at(5)), Some(at(15))), "times go before durations");
}

#[test]
fn a_leave_before_its_join_is_none() {
    assert_eq!(stay(&row(Some(20), Some(5), 10)), (Some(at(20)), Some(at(30))));
    assert_eq!(
        stay(&row(Some(20), Some(5), -10)),
        (Some(at(20)), Some(at(20))),
        "a moment is all that is told"
    );
    let second =
        ReportParticipant { leave_time: Some(at(5) - Duration::seconds(1)), ..row(Some(5), None, 0) };
    assert_eq!(stay(&second), (Some(at(5)), Some(at(5))));
}

#[test]
fn nothing_is_invented_beyond_the_run() {
    assert_eq!(stay(&row(Some(-5_000_000), Some(30), 0)), (None, Some(at(30))));
    assert_eq!(stay(&row(Some(30), Some(5_000_000), 0)), (Some(at(30)), None));
    assert_eq!(stay(&row(Some(40), None, 1_000)), (Some(at(40)), Some(at(105))));
    assert_eq!(stay(&row(Some(40), None, 5_000_000)), (Some(at(40)), None), "an absurd duration is none");
}

#[test]
fn a_row_with_a_duration_alone_is_evidence_that_counts_nothing() {
    let read = lines(&span(), &[row(None, None, 30)]).unwrap();
    assert_eq!((read.lines.len(), read.without_times), (1, 1));
    assert!(read.lines[0].told.as_str().contains("1800"));
}

#[test]
fn an_unknown_status_is_no_presence_and_none_at_all_is_one() {
    let with =
        |status: &str| ReportParticipant { status: Some(status.to_owned()), ..row(Some(0), Some(45), 45) };
    let read = lines(&span(), &[with("on_hold")]).unwrap();
    assert_eq!((read.unknown_status, read.lines[0].connection.join_time), (1, None));
    assert!(read.lines[0].told.as_str().contains("on_hold"));
    assert_eq!(lines(&span(), &[with("In_Meeting ")]).unwrap().unknown_status, 0);
    assert_eq!(stay(&row(Some(0), Some(45), 45)).0, Some(at(0)));
    assert_eq!(lines(&span(), &[with("in_waiting_room")]).unwrap().lines[0].connection.room, Room::Waiting);
}

#[test]
fn a_report_of_which_nothing_can_be_counted_is_known_as_one() {
    let odd = ReportParticipant { status: Some("joined".to_owned()), ..row(Some(0), Some(45), 45) };
    assert!(lines(&span(), &[odd.clone(), row(None, None, 9)]).unwrap().count_nothing());
    assert!(!lines(&span(), &[odd, row(Some(0), None, 0)]).unwrap().count_nothing());
}

#[test]
fn rows_that_are_alike_in_number_and_beginning_keep_keys_of_their_own() {
    let rows = [row(Some(0), Some(5), 5), row(Some(0), Some(9), 9), row(Some(0), None, 0)];
    let read = lines(&span(), &rows).unwrap();
    let keys: Vec<&str> = read.lines.iter().map(|line| line.connection.key.as_str()).collect();
    assert_eq!(keys, ["16778240@1800000000", "16778240@1800000000#2", "16778240@1800000000#3"]);
}

#[test]
fn sixty_thousand_rows_of_one_name_are_numbered_without_looking_for_a_free_key() {
    let unnumbered = ReportParticipant { user_id: None, ..row(Some(0), Some(5), 5) };
    let mut places = Places::default();
    let last = (0..60_000).map(|_| connection(&span(), &unnumbered, &mut places).0.key).last();
    assert_eq!(last.as_deref(), Some("Ann@1800000000#60000"));
    assert_eq!(
        places.0.into_values().collect::<Vec<_>>(),
        [60_000],
        "one number is all that is kept of them"
    );
}

proptest! {
    #[test]
    fn whatever_a_row_says_its_stay_lies_around_the_run_and_no_key_comes_twice(
        rows in proptest::collection::vec(
            (proptest::option::of(-1_000_i64..1_000), proptest::option::of(-1_000_i64..1_000), any::<i64>()), 0..12)
    ) {
        let rows: Vec<ReportParticipant> = rows
            .into_iter()
            .map(|(join, leave, duration)| ReportParticipant { duration, ..row(join, leave, 0) })
            .collect();
        let read = lines(&span(), &rows).unwrap();
        prop_assert_eq!(read.lines.len(), rows.len());
        let mut keys = BTreeSet::new();
        for line in &read.lines {
            let Connection { join_time, leave_time, key, .. } = &line.connection;
            prop_assert!(keys.insert(key.clone()));
            for time in [join_time, leave_time].into_iter().flatten() {
                prop_assert!((at(-60)..=at(105)).contains(time), "{time}");
            }
            if let (Some(join), Some(leave)) = (join_time, leave_time) {
                prop_assert!(join <= leave);
            }
        }
    }
}
