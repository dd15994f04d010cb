//! What holds for every class: the marks agree with the grid of seconds, and the network cannot change them.

use proptest::prelude::*;

use super::oracle::{Expected, PLAN, Play, play, second};
use super::*;
use crate::domain::connection::{Room, Source, fold, from_event};
use crate::domain::events::ZoomEvent;

fn connections(events: &[ZoomEvent]) -> Vec<Connection> {
    fold(events.iter().filter_map(from_event))
}

fn assessed(play: &Play, connections: &[Connection]) -> Assessed {
    assess(&Assessment {
        planned_start: second(PLAN.start),
        planned_end: second(PLAN.end),
        as_of: second(4000),
        roster: &Play::roster(),
        instances: &play.instances(),
        connections,
        settled: &BTreeMap::new(),
        rules: &Rules::default(),
    })
}

/// The marks that people see, without the evidence that names connections.
fn results(assessed: &Assessed) -> Vec<Expected> {
    let all = assessed.hosts.iter().chain(&assessed.marks);
    all.map(|mark| Expected { status: mark.status, attended: mark.attended_secs, score: mark.score_milli })
        .collect()
}

/// The events as a bad network delivers them: in any order, some twice.
fn delivered() -> impl Strategy<Value = (Play, Vec<ZoomEvent>)> {
    play().prop_flat_map(|play| {
        let events = play.events();
        let doubles = proptest::sample::subsequence(events.clone(), 0..=events.len());
        let all = doubles.prop_map(move |doubles| [events.clone(), doubles].concat()).prop_shuffle();
        (Just(play), all)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_marks_agree_with_the_grid_of_seconds(play in play()) {
        let found = assessed(&play, &connections(&play.events()));
        let (start, end) = play.window();
        prop_assert_eq!(found.window, EffectiveWindow { start: second(start), end: second(end) });
        prop_assert_eq!(results(&found), play.expected());
        prop_assert!(found.unmatched.is_empty());
    }

    #[test]
    fn order_and_doubling_of_events_change_nothing((play, delivered) in delivered()) {
        let (told, heard) = (assessed(&play, &connections(&play.events())), assessed(&play, &connections(&delivered)));
        prop_assert_eq!(heard.window, told.window);
        prop_assert_eq!((heard.marks, heard.hosts), (told.marks, told.hosts));
        let sorted = |mut matched: Vec<_>| { matched.sort_unstable(); matched };
        prop_assert_eq!(sorted(heard.matched), sorted(told.matched));
    }

    #[test]
    fn splitting_a_stay_changes_no_result(play in play(), part in 0.0..1.0_f64) {
        let rows = connections(&play.events());
        let mut split = Vec::new();
        for row in &rows {
            if let (Room::Main | Room::Breakout, Some(join), Some(leave)) = (row.room, row.join_time, row.leave_time) {
                let seconds = ((leave - join).num_seconds() as f64 * part) as i64;
                let middle = join + chrono::TimeDelta::seconds(seconds);
                split.push(Connection { leave_time: Some(middle), ..row.clone() });
                split.push(Connection { join_time: Some(middle), key: format!("{}-split", row.key), ..row.clone() });
            } else {
                split.push(row.clone());
            }
        }
        prop_assert_eq!(results(&assessed(&play, &split)), results(&assessed(&play, &rows)));
    }

    #[test]
    fn marks_stay_within_their_bounds_whatever_is_lost(
        (play, keep) in play().prop_flat_map(|play| {
            let events = play.events();
            let some = proptest::sample::subsequence(events.clone(), 0..=events.len());
            (Just(play), some)
        })
    ) {
        let found = assessed(&play, &connections(&keep));
        let window = found.window.interval().length().num_seconds();
        prop_assert!(PLAN.start <= found.window.start.timestamp() - second(0).timestamp());
        for mark in found.hosts.iter().chain(&found.marks) {
            prop_assert!((0..=1000).contains(&mark.score_milli));
            prop_assert!((0..=window).contains(&mark.attended_secs));
            prop_assert_eq!(mark.status == MarkStatus::Absent, mark.attended_secs == 0);
            prop_assert_eq!(mark.first_join.is_none(), mark.status == MarkStatus::Absent);
        }
    }

    #[test]
    fn evidence_about_one_attendee_never_moves_another(
        play in play(), who in 1_usize..4, join in proptest::option::of(0_i64..3000), leave in proptest::option::of(0_i64..3000),
    ) {
        let rows = connections(&play.events());
        let before = results(&assessed(&play, &rows));
        let roster = Play::roster();
        let mut more = rows;
        more.push(Connection {
            instance: "run-0".into(), key: "extra".into(), room: Room::Main, source: Source::Webhook,
            participant_uuid: None, user_id: None, zoom_user_id: None, registrant_id: None,
            customer_key: Some(roster[who].person.clone()), email: None, name: String::new(),
            join_time: join.map(second), leave_time: leave.map(second), leave_reason: None,
        });
        for (place, (before, after)) in before.iter().zip(results(&assessed(&play, &more))).enumerate() {
            if place != who {
                prop_assert_eq!(before, &after);
            }
        }
    }
}
