//! Who goes first, who is passed over, and who is held up by whom.

use std::time::Instant;

use super::*;
use crate::zoom::call::{self, Label};
use crate::zoom::limits::{Plan, Quotas};

#[derive(Debug, PartialEq)]
struct Item {
    name: &'static str,
    call: ZoomCall,
    abandoned: bool,
}

impl Waiting for Item {
    fn call(&self) -> &ZoomCall {
        &self.call
    }

    fn is_abandoned(&self) -> bool {
        self.abandoned
    }
}

fn light(name: &'static str) -> Item {
    Item { name, call: call::get_meeting("1"), abandoned: false }
}

fn medium(name: &'static str) -> Item {
    Item { name, call: call::list_meetings("h", None), abandoned: false }
}

struct Door {
    lanes: Lanes<Item>,
    limits: Limits,
    now: Now,
}

impl Door {
    /// One light and one medium call a second.
    fn new() -> Self {
        let quotas = Quotas { light: 1, medium: 1, ..Plan::Pro.into() };
        let clock = "2026-03-01T10:00:00Z".parse().unwrap();
        Self { lanes: Lanes::new(3), limits: Limits::new(quotas), now: Now { real: Instant::now(), clock } }
    }

    fn with(mut self, lane: Lane, items: impl IntoIterator<Item = Item>) -> Self {
        for item in items {
            self.lanes.push(lane, item).unwrap();
        }
        self
    }

    fn next(&mut self) -> Next<Item> {
        self.lanes.next(&mut self.limits, |_| true, self.now)
    }

    /// Everything in the order in which it leaves, waiting as told.
    fn order(&mut self) -> Vec<&'static str> {
        let mut order = Vec::new();
        loop {
            match self.next() {
                Next::Send(_, item) => order.push(item.name),
                Next::Wait(span) => self.now.real += span,
                Next::Idle => return order,
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn urgent_lanes_go_first_and_within_a_lane_the_longest_waiting() {
    let mut door = Door::new()
        .with(Lane::Sweep, [light("sweep")])
        .with(Lane::Sync, [light("sync 1"), light("sync 2")])
        .with(Lane::Cancel, [light("cancel")])
        .with(Lane::Interactive, [light("person")]);
    assert_eq!(door.order(), ["person", "cancel", "sync 1", "sync 2", "sweep"]);
}

#[test]
fn a_label_that_has_to_wait_holds_up_nobody_else() {
    let mut door =
        Door::new().with(Lane::Interactive, [light("a"), light("b")]).with(Lane::Report, [medium("c")]);
    let mut names = Vec::new();
    while let Next::Send(_, item) = door.next() {
        names.push(item.name);
    }
    assert_eq!(names, ["a", "c"]);
    assert!(matches!(door.next(), Next::Wait(_)));
}

#[test]
fn what_did_nothing_goes_again_before_the_others() {
    let mut door = Door::new().with(Lane::Sync, [light("second")]);
    door.lanes.push_again(Lane::Sync, light("first"));
    assert_eq!(door.order(), ["first", "second"]);
}

#[test]
fn a_refused_call_is_told_and_the_next_one_is_asked() {
    let mut door = Door::new().with(Lane::Sync, [medium("m"), light("l")]);
    let until = door.now.clock + chrono::TimeDelta::hours(1);
    door.limits.reached(&call::list_meetings("h", None), &Limit::Daily { until }, door.now);
    let Next::Refuse(item, limit) = door.next() else { panic!() };
    assert_eq!((item.name, limit), ("m", Limit::Daily { until }));
    assert_eq!(door.order(), ["l"]);
}

#[test]
fn a_call_nobody_waits_for_uses_no_quota() {
    let gone = Item { abandoned: true, ..light("gone") };
    let mut door = Door::new().with(Lane::Sync, [gone, light("here")]);
    assert!(matches!(door.next(), Next::Forget(item) if item.name == "gone"));
    assert!(matches!(door.next(), Next::Send(Lane::Sync, item) if item.name == "here"));
}

#[test]
fn a_full_lane_refuses_and_does_not_fill_another() {
    let mut door = Door::new().with(Lane::Sync, [light("1"), light("2"), light("3")]);
    assert!(door.lanes.push(Lane::Sync, light("4")).is_err());
    assert!(door.lanes.push(Lane::Cancel, light("cancel")).is_ok());
    assert_eq!((door.lanes.depth(Lane::Sync), door.lanes.depth(Lane::Cancel)), (3, 1));
}

#[test]
fn a_lane_full_of_calls_nobody_waits_for_has_room() {
    let gone = || Item { abandoned: true, ..light("gone") };
    let mut door = Door::new().with(Lane::Sync, [gone(), gone(), light("here")]);
    assert!(door.lanes.push(Lane::Sync, light("new")).is_ok());
    assert_eq!(door.lanes.depth(Lane::Sync), 2);
}

#[test]
fn a_lane_without_room_is_passed_over() {
    let mut door = Door::new().with(Lane::Sync, [light("sync")]);
    assert_eq!(door.lanes.next(&mut door.limits, |lane| lane.is_urgent(), door.now), Next::Idle);
    assert!(!door.lanes.is_empty());
}

#[test]
fn taking_all_leaves_the_lanes_that_were_not_named() {
    let mut door =
        Door::new().with(Lane::Sync, [light("a"), medium("b")]).with(Lane::Interactive, [light("c")]);
    assert_eq!(door.lanes.take_all(|lane| lane != Lane::Interactive).len(), 2);
    assert_eq!(door.order(), ["c"]);
}

#[test]
fn every_label_and_lane_has_its_place() {
    for (place, label) in Label::ALL.into_iter().enumerate() {
        assert_eq!(label as usize, place);
    }
    for (place, lane) in Lane::ALL.into_iter().enumerate() {
        assert_eq!(lane as usize, place);
    }
}
