//! Whatever Zoom or anybody else sends: never a panic, and the bounds hold.

use proptest::prelude::*;

use super::*;
use crate::domain::connection::{Connections, Room, Source};

/// What holds of every mark there is.
pub(super) fn within_bounds(found: &Assessed) -> Result<(), TestCaseError> {
    let window = found.window.interval().length().num_seconds();
    for mark in found.hosts.iter().chain(&found.marks) {
        let arithmetic = &mark.evidence.arithmetic;
        prop_assert!((0..=1000).contains(&mark.score_milli));
        prop_assert!((0..=window).contains(&mark.attended_secs));
        prop_assert!((0..=window).contains(&mark.together_secs));
        prop_assert!(mark.together_secs <= arithmetic.attended_seconds);
        prop_assert!(mark.attended_secs <= arithmetic.attended_seconds);
        prop_assert_eq!(mark.status == MarkStatus::Absent, mark.first_join.is_none());
        prop_assert!(mark.status != MarkStatus::Absent || mark.attended_secs == 0);
        prop_assert!(mark.held_against || mark.host_absent || mark.status != MarkStatus::Present);
        prop_assert!(!(mark.host_absent && mark.host_late));
    }
    Ok(())
}

/// A time near the lesson, or any that the calendar has.
fn time() -> impl Strategy<Value = Option<DateTime<Utc>>> {
    prop_oneof![
        2 => Just(None),
        4 => (-90_i64..150).prop_map(|at| Some(minute(at))),
        1 => (-8_000_000_000_000_i64..8_000_000_000_000).prop_map(|at| DateTime::from_timestamp(at, 0)),
        1 => prop_oneof![Just(DateTime::<Utc>::MIN_UTC), Just(DateTime::<Utc>::MAX_UTC)].prop_map(Some),
    ]
}

/// Text in any script, often of somebody on the roster, often none.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("ann".to_owned()),
        Just("BEN".to_owned()),
        Just("Host".to_owned()),
        "\\PC{0,12}"
    ]
}

fn connection() -> impl Strategy<Value = Connection> {
    let source =
        prop_oneof![Just(Source::Webhook), Just(Source::Report), Just(Source::App), Just(Source::Hand)];
    let room = prop_oneof![Just(Room::Main), Just(Room::Breakout), Just(Room::Waiting)];
    let ids = proptest::array::uniform6(proptest::option::of(text()));
    ("[UV ]", "[a-c]{0,2}", source, room, ids, text(), time(), time()).prop_map(
        |(instance, key, source, room, ids, name, join_time, leave_time)| {
            let [participant_uuid, user_id, zoom_user_id, registrant_id, customer_key, email] = ids;
            Connection {
                instance,
                key,
                room,
                source,
                participant_uuid,
                user_id,
                zoom_user_id,
                registrant_id,
                customer_key,
                email,
                leave_reason: None,
                name,
                join_time,
                leave_time,
            }
        },
    )
}

fn instance() -> impl Strategy<Value = InstanceSpan> {
    ("[UV]", time(), time(), any::<bool>()).prop_map(|(uuid, started, ended, report_complete)| InstanceSpan {
        uuid,
        started,
        ended,
        report_complete,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn anything_at_all_keeps_the_bounds(
        connections in proptest::collection::vec(connection(), 0..12),
        instances in proptest::collection::vec(instance(), 0..4),
        (start, end, as_of) in (time(), time(), time()),
    ) {
        let class = Class::new();
        let found = assess(&Assessment {
            planned_start: start.unwrap_or(minute(0)),
            planned_end: end.unwrap_or(minute(60)),
            as_of: as_of.unwrap_or(minute(90)),
            roster: &class.roster,
            instances: &instances,
            connections: &connections,
            settled: &class.settled,
            rules: &class.rules,
        });
        within_bounds(&found)?;
        prop_assert_eq!(found.matched.len() + found.unmatched.len(), connections.len());
        // Merging them first must not panic either.
        prop_assert!(Connections::from_iter(connections).as_slice().len() <= found.matched.len() + found.unmatched.len());
    }
}

#[test]
fn ten_thousand_rows_of_one_person_are_only_many() {
    let mut class = Class::new();
    for step in 0..5_000 {
        let at = step % 60;
        class =
            class.with("Ann", Some(at), None).row("U", Source::Webhook, Room::Waiting, "Ann", None, Some(at));
    }
    let assessed = class.assess();
    assert_eq!(assessed.marks[0].evidence.connections.len(), 10_000);
    assert_eq!(assessed.marks[0].attended_secs, 60 * 60);
}

#[test]
fn ten_thousand_strangers_are_all_listed() {
    let mut class = Class::new();
    for number in 0..10_000 {
        class = class.with(&format!("\u{1f642} {number} \u{202e}"), Some(0), Some(60));
    }
    assert_eq!(class.assess().unmatched.len(), 10_000);
    assert_eq!(class.ann(), (Absent, 0, 0));
}

#[test]
fn a_leave_before_its_join_is_an_open_join() {
    let mut class = Class::new().with("Ann", Some(5), Some(-2));
    assert_eq!(class.ann(), (Present, 55, 917), "closed by the end of the run");
    class.connections[1].join_time = None;
    class.connections[1].leave_time = None;
    assert_eq!(class.ann(), (Absent, 0, 0), "without any time there is nothing to count");
}

#[test]
fn nobody_stays_in_a_meeting_that_is_over() {
    let mut class = Class::new().with("Ann", Some(0), Some(40));
    class.instances = vec![run("U", -5, Some(20)), run("V", 50, Some(60))];
    assert_eq!(class.ann(), (Present, 20, 333), "a leave long after the end that Zoom told");
    class.instances[0].ended = None;
    assert_eq!(class.ann(), (Present, 40, 667), "an end that is only guessed cuts nothing off");
}

#[test]
fn two_leaves_at_once_without_joins_count_from_the_beginning() {
    let class = Class::new().with("Ann", None, Some(40)).with("Ann", None, Some(40));
    assert_eq!(class.ann(), (Present, 40, 667));
}
