//! What holds for every class: the marks agree with the grid of ticks, and the network cannot change them.

use proptest::prelude::*;

use super::oracle::Expected;
use super::play::{AS_OF, PLAN, Play, STRANGER, numbered_play, play, tick};
use super::*;
use crate::domain::connection::{Connections, Room, Source};
use crate::domain::events::ZoomEvent;

fn connections(events: &[ZoomEvent]) -> Vec<Connection> {
    events.iter().collect::<Connections>().into_vec()
}

fn assessed_by(play: &Play, connections: &[Connection], rules: &Rules) -> Assessed {
    assess(&Assessment {
        planned_start: tick(PLAN.start),
        planned_end: tick(PLAN.end),
        as_of: tick(AS_OF),
        roster: &Play::roster(),
        instances: &play.instances(),
        connections,
        settled: &BTreeMap::new(),
        rules,
    })
}

fn assessed(play: &Play, connections: &[Connection]) -> Assessed {
    assessed_by(play, connections, &Rules::default())
}

/// The marks that people see, without the evidence that names connections.
fn results(assessed: &Assessed) -> Vec<Expected> {
    assessed.hosts.iter().chain(&assessed.marks).map(Expected::of).collect()
}

/// Rules of every kind.
fn thresholds() -> impl Strategy<Value = Thresholds> {
    let needs = prop_oneof![
        Just(PresentNeeds::Either),
        Just(PresentNeeds::Both),
        Just(PresentNeeds::Minutes),
        Just(PresentNeeds::Share)
    ];
    (needs, 0_i64..25, 0_i64..8, 0_u8..=8, 0_i64..15, any::<bool>()).prop_map(
        |(present_needs, minutes, least, eighths, other, together)| Thresholds {
            present_needs,
            present_after_minutes: minutes,
            // An eighth is exact in binary; the model and the code then round alike.
            present_share: f64::from(eighths) / 8.0,
            present_at_least_minutes: least,
            late_after_minutes: other,
            left_early_minutes: minutes,
            host_late_minutes: other,
            counted_time: if together { CountedTime::Together } else { CountedTime::Attended },
            ..Thresholds::default()
        },
    )
}

fn agrees(play: &Play, rules: &Rules, connections: &[Connection]) -> Result<(), TestCaseError> {
    let found = assessed_by(play, connections, rules);
    let grid = play.grid();
    let (start, end) = grid.window;
    prop_assert_eq!(found.window, EffectiveWindow { start: tick(start), end: tick(end) });
    prop_assert_eq!(results(&found), grid.expected(&rules.thresholds));
    let strangers = connections.iter().filter(|c| c.name == super::play::NAMES[STRANGER]).count();
    prop_assert_eq!(found.unmatched.len(), strangers);
    Ok(())
}

/// The events as a bad network delivers them: in any order, some twice.
fn delivered() -> impl Strategy<Value = (Play, Vec<ZoomEvent>)> {
    play(false).prop_flat_map(|play| {
        let events = play.events();
        let doubles = proptest::sample::subsequence(events.clone(), 0..=events.len());
        let all = doubles.prop_map(move |doubles| [events.clone(), doubles].concat()).prop_shuffle();
        (Just(play), all)
    })
}

/// Ten thousand evenings, by number: half of them here.
const EVENINGS: u64 = 5_000;

#[test]
fn by_webhooks_alone_five_thousand_evenings_agree_with_the_grid() {
    for number in 0..EVENINGS {
        let play = numbered_play(number, false);
        let agreed = agrees(&play, &Rules::default(), &connections(&play.events()));
        assert!(agreed.is_ok(), "evening {number}: {agreed:?}\n{play:?}");
    }
}

#[test]
fn by_reports_five_thousand_evenings_agree_with_the_grid() {
    let strict = Rules::standard(Thresholds {
        present_needs: PresentNeeds::Both,
        late_after_minutes: 3,
        left_early_minutes: 2,
        host_late_minutes: 5,
        counted_time: CountedTime::Together,
        ..Thresholds::default()
    });
    for number in EVENINGS..2 * EVENINGS {
        let play = numbered_play(number, true);
        let rules = if number % 2 == 0 { &strict } else { &Rules::default() };
        let agreed = agrees(&play, rules, &play.report());
        assert!(agreed.is_ok(), "evening {number}: {agreed:?}\n{play:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn by_webhooks_alone_the_marks_agree_with_the_grid(play in play(false)) {
        agrees(&play, &Rules::default(), &connections(&play.events()))?;
    }

    #[test]
    fn by_reports_and_any_rules_the_marks_agree_with_the_grid(play in play(true), rules in thresholds()) {
        let mut rows = connections(&play.events());
        rows.extend(play.report());
        agrees(&play, &Rules::standard(rules), &rows)?;
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
    fn folding_events_is_folding_what_each_of_them_shows((_, delivered) in delivered()) {
        let each = delivered.iter().flat_map(|event| Connections::from_iter([event]).into_vec());
        prop_assert_eq!(connections(&delivered), each.collect::<Connections>().into_vec());
    }

    #[test]
    fn a_row_on_two_pages_counts_once(play in play(true), again in any::<u64>()) {
        let rows = play.report();
        let mut twice = rows.clone();
        twice.extend(rows.iter().zip(0..).filter(|(_, place)| again & (1 << (place % 64)) != 0).map(|(row, _)| row.clone()));
        let (once, twice) = (assessed(&play, &rows), assessed(&play, &twice));
        prop_assert_eq!((once.marks, once.hosts), (twice.marks, twice.hosts));
    }

    #[test]
    fn splitting_a_stay_changes_no_result(play in play(false), part in 0.0..1.0_f64) {
        let rows = connections(&play.events());
        let mut split = Vec::new();
        for row in &rows {
            // A split makes a new join, which would be a sign that closes what was open.
            let whole = play.visits.iter().all(|visit| visit.lost == super::play::Lost::Nothing);
            if let (true, Room::Main | Room::Breakout, Some(join), Some(leave)) = (whole, row.room, row.join_time, row.leave_time) {
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
        (play, keep) in play(false).prop_flat_map(|play| {
            let events = play.events();
            let some = proptest::sample::subsequence(events.clone(), 0..=events.len());
            (Just(play), some)
        }),
        rules in thresholds(),
    ) {
        let found = assessed_by(&play, &connections(&keep), &Rules::standard(rules));
        prop_assert!(tick(PLAN.start) <= found.window.start && found.window.end <= tick(PLAN.end));
        super::absurd::within_bounds(&found)?;
    }

    #[test]
    fn evidence_about_one_attendee_never_moves_another(
        play in play(false), who in 1_usize..4, join in proptest::option::of(0_i64..600), leave in proptest::option::of(0_i64..600),
    ) {
        let rows = connections(&play.events());
        let mut more = rows.clone();
        more.push(extra(who, join, leave));
        let (before, after) = (assessed(&play, &rows), assessed(&play, &more));
        prop_assert_eq!(before.window, after.window);
        for (before, after) in before.marks.iter().zip(&after.marks).filter(|(mark, _)| mark.person != Play::roster()[who].person) {
            prop_assert_eq!(before, after);
        }
        let host = |assessed: &Assessed| { let host = &assessed.hosts[0]; (host.status, host.attended_secs, host.first_join) };
        prop_assert_eq!(host(&before), host(&after));
    }

    #[test]
    fn more_evidence_of_a_host_never_takes_time_together_away_nor_opens_later(
        play in play(true), join in 0_i64..600, length in 0_i64..120,
    ) {
        let rows = play.report();
        let mut more = rows.clone();
        more.push(Connection { source: Source::Report, ..extra(0, Some(join), Some(join + length)) });
        let (before, after) = (assessed(&play, &rows), assessed(&play, &more));
        let opened = |assessed: &Assessed| assessed.marks[0].evidence.host.opened;
        prop_assert!(opened(&before).is_none_or(|at| opened(&after).is_some_and(|now| now <= at)));
        prop_assert!(!after.marks[0].host_absent || before.marks[0].host_absent);
        for (before, after) in before.marks.iter().zip(&after.marks) {
            prop_assert_eq!(&before.evidence.connections.len(), &after.evidence.connections.len());
            if after.evidence.window == before.evidence.window {
                prop_assert!(after.together_secs >= before.together_secs);
                prop_assert_eq!(after.attended_secs, before.attended_secs);
            }
        }
    }
}

/// A connection of somebody in the first run.
fn extra(who: usize, join: Option<i64>, leave: Option<i64>) -> Connection {
    Connection {
        instance: "run-0".into(),
        key: "extra".into(),
        room: Room::Main,
        source: Source::Webhook,
        participant_uuid: None,
        user_id: None,
        zoom_user_id: None,
        registrant_id: None,
        customer_key: Some(Play::roster()[who].person.clone()),
        email: None,
        name: String::new(),
        join_time: join.map(tick),
        leave_time: leave.map(tick),
        leave_reason: None,
    }
}
