//! The loop against a model of Zoom that loses answers, fails, lags, forgets, drops settings and is changed by others:
//! whatever happens, in the end there is exactly one meeting as wanted, or none.

mod world;

use chrono::Duration;
use proptest::prelude::*;

use super::*;
use world::{Edit, Fate, World, policy, spec, start};

fn scripts(harsh: bool) -> impl Strategy<Value = Vec<(Fate, Edit)>> {
    let harsh = u32::from(harsh);
    let fate = prop_oneof![
        3 => Just(Fate::Fine),
        2 => Just(Fate::AnswerLost),
        2 => Just(Fate::RequestLost),
        1 => Just(Fate::Unreachable),
        1 => Just(Fate::Refused),
        1 => Just(Fate::SettingsDropped),
        2 * harsh => Just(Fate::False404),
        harsh => Just(Fate::TopicReplaced),
    ];
    let edit = prop_oneof![
        8 => Just(Edit::None),
        2 => (0..90_i64).prop_map(Edit::Move),
        1 => (0..2_u8).prop_map(Edit::Host),
        1 => Just(Edit::Stranger),
        1 => Just(Edit::Ready),
        1 => Just(Edit::Cancel),
        harsh => Just(Edit::Meddle),
        harsh => Just(Edit::Delete),
        harsh => Just(Edit::Sweep),
    ];
    proptest::collection::vec((fate, edit), 0..60)
}

proptest! {
    #[test]
    fn faults_never_leave_two_meetings_or_none(script in scripts(false), lag_secs in 0..15_i64, false_404 in 0..60_usize) {
        let mut world = World::new(lag_secs);
        for (index, (fate, edit)) in script.into_iter().enumerate() {
            world.befall(&edit);
            let (before, nobody_to_move_to) =
                (world.zoom.meetings.len(), world.wanted.is_some() && world.zoom.no_such_host);
            // One false 404 a run: two in a row, a second look apart, are what "gone" means.
            world.turn(if index == false_404 { Fate::False404 } else { fate });
            prop_assert!(world.zoom.meetings.len() <= 1, "two meetings at once: {world:?}");
            let kept = world.zoom.meetings.len() >= before;
            prop_assert!(kept || !nobody_to_move_to, "taken from its host for nobody: {world:?}");
        }
        // Nobody else has touched anything: it comes out right without the sweep.
        world.rest()?;
        world.is_as_wanted()?;
        world.calm()?;
    }

    /// Lists that lag longer than the looks last, any number of false 404s, people who change and delete meetings at
    /// Zoom: then there may be doubles for a while, and the sweep takes them away.
    #[test]
    fn whatever_zoom_does_one_meeting_is_left_after_the_sweeps(script in scripts(true), lag_secs in 0..600_i64) {
        let mut world = World::new(lag_secs);
        for (fate, edit) in script {
            world.befall(&edit);
            world.turn(fate);
        }
        world.calm()?;
    }
}

#[test]
fn a_meeting_deleted_behind_our_back_is_made_again_after_the_second_look() {
    let mut world = World::new(0);
    while !world.turn(Fate::Fine) {}
    world.zoom.meetings.clear();
    world.befall(&Edit::Move(15));
    world.turn(Fate::Fine);
    assert!(world.known.gone_at.is_some() && world.known.number.is_some(), "believed at the first look");
    while !world.turn(Fate::Fine) {}
    assert_eq!((world.zoom.meetings.len(), world.zoom.created), (1, 2));
}

#[test]
fn a_delete_whose_answer_is_lost_is_looked_up_when_the_wish_turns_back() {
    let mut world = World::new(0);
    while !world.turn(Fate::Fine) {}
    world.befall(&Edit::Host(1));
    world.turn(Fate::AnswerLost);
    world.befall(&Edit::Host(0));
    while !world.turn(Fate::Fine) {}
    assert_eq!((world.zoom.meetings.len(), world.zoom.created), (1, 2));
}

/// When Zoom gets a create or a change until `end`, and does nothing but fail them.
fn writes(world: &mut World, fate: Fate, end: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let mut writes = Vec::new();
    while world.now < end {
        let step = next_step(&world.desired(), &world.known, world.now, &policy());
        let write = matches!(step, Step::Create { .. } | Step::Change { .. });
        writes.extend(write.then_some(world.now));
        world.turn(if write { fate } else { Fate::Fine });
    }
    writes
}

#[test]
fn what_zoom_goes_on_failing_costs_a_host_few_of_the_hundred_writes_of_a_day() {
    for fate in [Fate::Refused, Fate::RequestLost] {
        let mut world = World::new(0);
        let tomorrow = world.now + Duration::days(1);
        let creates = writes(&mut world, fate, tomorrow).len();
        while !world.turn(Fate::Fine) {}
        world.befall(&Edit::Move(30));
        let tomorrow = world.now + Duration::days(1);
        let changes = writes(&mut world, fate, tomorrow).len();
        assert!((5..20).contains(&creates) && (5..20).contains(&changes), "{creates}, {changes}");
        while !world.turn(Fate::Fine) {}
        assert_eq!((world.zoom.meetings.len(), world.known.attempts), (1, 0));
    }
}

#[test]
fn what_was_refused_is_tried_once_more_before_the_start() {
    let mut world = World::new(0);
    while !world.turn(Fate::Fine) {}
    let planned = spec(1).start;
    world.now = planned - Duration::hours(5);
    world.befall(&Edit::Move(1));
    let tried = writes(&mut world, Fate::Refused, planned);
    assert_eq!(tried.last(), Some(&(planned - Duration::hours(1))), "{tried:?}");
}

#[test]
fn a_meeting_whose_change_is_refused_is_looked_at_all_the_same() {
    let mut world = World::new(0);
    while !world.turn(Fate::Fine) {}
    world.befall(&Edit::Move(30));
    for _ in 0..11 {
        world.turn(Fate::Refused);
    }
    let waits = |world: &World| {
        matches!(next_step(&world.desired(), &world.known, world.now, &policy()), Step::Wait(_))
    };
    assert!(waits(&world));
    (world.known.look, world.known.looked_at) = (true, None);
    world.turn(Fate::Refused);
    assert!(waits(&world), "a look that fails is not repeated at once");
    world.known.told = Some(spec(0));
    let asked = world.now;
    world.turn(Fate::Fine);
    assert!(waits(&world) && !world.known.look, "what was refused goes on waiting");
    world.befall(&Edit::Delete);
    world.known.look = true;
    while world.zoom.created < 2 {
        world.turn(Fate::Fine);
    }
    assert!(world.now - asked < Duration::minutes(5), "made again");
}

#[test]
fn several_quick_edits_are_one_change() {
    let mut world = World::new(0);
    while !world.turn(Fate::Fine) {}
    (world.generation, world.wanted) = (7, Some(spec(60)));
    world.turn(Fate::Fine);
    assert!(world.turn(Fate::Fine));
    assert_eq!(world.known.synced_generation, 7);
}

#[test]
fn a_setting_that_zoom_drops_is_told_twice_and_then_shown_but_an_edit_goes_on() {
    let mut world = World::new(0);
    let turns = (0..20).take_while(|_| !world.turn(Fate::SettingsDropped)).count();
    assert_eq!(turns, 3, "create, tell once more, read back");
    assert_eq!(world.known.drift.names(), ["settings.waiting_room"]);
    world.befall(&Edit::Move(30));
    let step = next_step(&world.desired(), &world.known, world.now, &policy());
    assert!(matches!(step, Step::Change { ref fields, .. } if fields.len() == 1), "{step:?}");
    while !world.turn(Fate::Fine) {}
    assert_eq!(world.known.drift.names(), ["settings.waiting_room"]);
}

#[test]
fn a_topic_that_zoom_does_not_keep_is_told_twice_and_then_shown_day_after_day() {
    let mut world = World::new(0);
    while !world.turn(Fate::Fine) {}
    world.wanted = Some(MeetingSpec { topic: "Geometry".to_owned(), ..spec(0) });
    world.generation += 1;
    let mut changes = 0;
    for _ in 0..10 {
        for _ in 0..20 {
            let step = next_step(&world.desired(), &world.known, world.now, &policy());
            changes += usize::from(matches!(step, Step::Change { .. }));
            world.turn(Fate::TopicReplaced);
        }
        world.now += Duration::hours(25);
        world.befall(&Edit::Sweep);
    }
    assert_eq!(changes, 3, "once for the edit, and twice when a sweep had seen it");
    assert_eq!(world.known.drift.names(), ["topic"]);
}

#[test]
fn two_systems_that_quarrel_about_a_meeting_stop_at_the_limit() {
    let mut world = World::new(0);
    while !world.turn(Fate::Fine) {}
    let mut changes = 0;
    for _ in 0..50 {
        world.befall(&Edit::Meddle);
        world.known.look = true;
        world.now += Duration::minutes(1);
        for _ in 0..10 {
            let step = next_step(&world.desired(), &world.known, world.now, &policy());
            changes += usize::from(matches!(step, Step::Change { .. }));
            world.turn(Fate::Fine);
        }
    }
    assert_eq!(changes, crate::domain::drift::RESTORES_MAX);
    assert_eq!(world.known.drift.names(), ["duration"]);
}

#[test]
fn people_in_the_room_are_not_thrown_out_by_a_change_of_host() {
    let mut world = World::new(0);
    while !world.turn(Fate::Fine) {}
    world.known.live = true;
    world.befall(&Edit::Host(1));
    assert!(world.turn(Fate::Fine), "it rests");
    world.known.live = false;
    world.turn(Fate::Fine);
    assert_eq!(world.zoom.meetings.len(), 0, "moved when nobody is in it");
}

#[test]
fn a_meeting_keeps_its_host_until_the_new_one_is_known_and_edits_still_reach_it() {
    let mut world = World::new(0);
    while !world.turn(Fate::Fine) {}
    world.befall(&Edit::Stranger);
    for _ in 0..10 {
        world.turn(Fate::Fine);
        assert_eq!(world.zoom.meetings.len(), 1);
    }
    world.befall(&Edit::Move(20));
    let step = next_step(&world.desired(), &world.known, world.now, &policy());
    assert!(matches!(step, Step::Change { .. }), "{step:?}");
    world.turn(Fate::Fine);
    world.befall(&Edit::Ready);
    while !world.turn(Fate::Fine) {}
    assert_eq!((world.zoom.meetings.len(), world.zoom.created), (1, 2), "moved");
}

#[test]
fn a_booking_without_a_seat_waits_and_one_that_is_over_is_not_created() {
    let waiting = Desired::Meeting { generation: 1, spec: spec(0), host: HostWanted::None };
    assert_eq!(next_step(&waiting, &Known::default(), start(), &policy()), Step::WaitForHost);
    let over = start() + Duration::days(200);
    assert_eq!(next_step(&waiting, &Known::default(), over, &policy()), Step::TooLate);
}
