//! What really happened in a class, and the mark each person has earned by it.
//!
//! This is the judge of the daemon's attendance rules, so it shares no code with them, nor with the player:
//! it walks through the class second by second and looks who is in the meeting.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::timetable::{Act, Planned, Role, Timetable};
use crate::clock::Instant;

/// Present from this many seconds on, however long the class.
const PRESENT_AFTER_SECS: i64 = 15 * 60;
/// Late when the first admission is later than this after the effective start.
const LATE_AFTER_SECS: i64 = 10 * 60;

/// The ground truth of a class, by the rules `standard@1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// The start of the effective window.
    pub window_start: Instant,
    /// Its end.
    pub window_end: Instant,
    /// Everybody of the timetable, in its order.
    pub persons: Vec<PersonTruth>,
}

/// The truth about one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonTruth {
    /// The name.
    pub name: String,
    /// The e-mail address, also where Zoom hides it.
    pub email: Option<String>,
    /// The registration.
    pub registrant_id: Option<String>,
    /// The Zoom user.
    pub zoom_user_id: Option<String>,
    /// Host or attendee.
    pub role: Role,
    /// The mark; hosts have none.
    pub status: Option<Status>,
    /// Attended part of the effective window in thousandths, halves rounded up.
    pub score_milli: i64,
    /// Seconds in the meeting within the effective window, however many devices.
    pub attended_seconds: i64,
    /// The first second in the meeting within the effective window.
    pub first_seen: Option<Instant>,
}

/// A mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There long enough and in time.
    Present,
    /// There long enough, but came late.
    Late,
    /// There, but not long enough.
    Partial,
    /// Not there.
    Absent,
}

impl Truth {
    /// Walks through `class`, which was planned for `planned`.
    #[must_use]
    pub fn of(class: &Timetable, planned: Planned) -> Self {
        let planned_secs = i64::from(planned.duration) * 60;
        let (start, end) = effective_window(class, planned_secs);
        let mut tallies: Vec<Tally> = vec![Tally::default(); class.persons.len()];
        let mut walk = Walk::through(class);
        while let Some(second) = walk.next_second() {
            let counts = (start..end).contains(&second);
            for person in walk.persons_inside().into_iter().filter(|_| counts) {
                if let Some(tally) = tallies.get_mut(person) {
                    tally.attended += 1;
                    tally.first.get_or_insert(second);
                }
            }
        }
        let instant = |second: i64| planned.start + chrono::Duration::seconds(second);
        let persons = class.persons.iter().zip(tallies).map(|(person, tally)| PersonTruth {
            name: person.name.clone(),
            email: person.email.clone(),
            registrant_id: person.registrant_id.clone(),
            zoom_user_id: person.zoom_user_id.clone(),
            role: person.role,
            status: (person.role == Role::Attendee).then(|| mark(tally, start, end)),
            score_milli: score_milli(tally.attended, end - start),
            attended_seconds: tally.attended,
            first_seen: tally.first.map(instant),
        });
        Self { window_start: instant(start), window_end: instant(end), persons: persons.collect() }
    }
}

/// What the walk has seen of a person within the window.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    attended: i64,
    first: Option<i64>,
}

fn mark(tally: Tally, start: i64, end: i64) -> Status {
    let Some(first) = tally.first else { return Status::Absent };
    let long_enough = tally.attended >= PRESENT_AFTER_SECS || tally.attended * 2 >= end - start;
    match (long_enough, first - start > LATE_AFTER_SECS) {
        (true, false) => Status::Present,
        (true, true) => Status::Late,
        (false, _) => Status::Partial,
    }
}

fn score_milli(attended: i64, window: i64) -> i64 {
    if window <= 0 { 0 } else { (attended * 1000 * 2 + window) / (window * 2) }
}

/// The planned window, shortened where the host opened late or the meeting ended early.
///
/// Instances outside the planned window do not count; where none is inside, the planned window stands. A host who
/// comes only after its end has opened nothing.
fn effective_window(class: &Timetable, planned_secs: i64) -> (i64, i64) {
    let mut opened_by_host: Option<i64> = None;
    let mut opened: Option<i64> = None;
    let mut closed: Option<i64> = None;
    for instance in instances(class) {
        if instance.from < planned_secs && instance.to > 0 {
            opened_by_host = opened_by_host.or(instance.host_came.filter(|came| *came < planned_secs));
            opened = opened.or(Some(instance.from));
            closed = Some(instance.to);
        }
    }
    let start = opened_by_host.or(opened).unwrap_or(0).max(0);
    let end = closed.unwrap_or(planned_secs).min(planned_secs);
    (start, end.max(start))
}

/// A time during which somebody was in the meeting without a break.
struct Instance {
    from: i64,
    to: i64,
    host_came: Option<i64>,
}

fn instances(class: &Timetable) -> Vec<Instance> {
    let mut found = Vec::new();
    let mut current: Option<Instance> = None;
    let mut walk = Walk::through(class);
    while let Some(second) = walk.next_second() {
        if walk.host_ended || !walk.is_anybody_inside() {
            found.extend(current.take().map(|instance| Instance { to: second, ..instance }));
        }
        if walk.is_anybody_inside() {
            let instance = current.get_or_insert(Instance { from: second, to: second, host_came: None });
            if walk.is_host_inside() {
                instance.host_came.get_or_insert(second);
            }
        }
    }
    found
}

/// Where a device is. Breakout rooms are part of the meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spot {
    Outside,
    Waiting,
    Inside,
}

/// A device in the walk.
#[derive(Debug)]
struct Gadget<'a> {
    person: usize,
    host: bool,
    spot: Spot,
    /// Dead connections that Zoom still sees inside, with the second it notices.
    ghosts: Vec<i64>,
    moves: BTreeMap<i64, &'a Act>,
}

/// The walk through a class, one second at a time.
#[derive(Debug)]
struct Walk<'a> {
    class: &'a Timetable,
    gadgets: Vec<Gadget<'a>>,
    next: i64,
    last: i64,
    host_ended: bool,
}

impl<'a> Walk<'a> {
    fn through(class: &'a Timetable) -> Self {
        let mut gadgets = Vec::new();
        for (person, entry) in class.persons.iter().enumerate() {
            for device in &entry.devices {
                let moves = device.iter().map(|action| (action.at.0, &action.act)).collect();
                let host = entry.role == Role::Host;
                gadgets.push(Gadget { person, host, spot: Spot::Outside, ghosts: Vec::new(), moves });
            }
        }
        let times = gadgets.iter().flat_map(|gadget| gadget.moves.keys().copied());
        let times: Vec<i64> = times.chain(class.host_ends.iter().map(|end| end.0)).collect();
        let next = times.iter().copied().min().unwrap_or(0);
        let last = times.iter().copied().max().unwrap_or(-1);
        Self { class, gadgets, next, last, host_ended: false }
    }

    /// Moves on to the next second and says which it is, until the last move is done and everybody is gone.
    fn next_second(&mut self) -> Option<i64> {
        let second = self.next;
        if second > self.last + 1 && !self.is_anybody_inside() {
            return None;
        }
        self.next += 1;
        self.host_ended = self.class.host_ends.iter().any(|end| end.0 == second);
        for gadget in &mut self.gadgets {
            gadget.ghosts.retain(|noticed| *noticed > second);
            if self.host_ended {
                gadget.ghosts.clear();
                gadget.spot = Spot::Outside;
            }
            if let Some(act) = gadget.moves.get(&second) {
                gadget.make(act, second);
            }
        }
        Some(second)
    }

    fn persons_inside(&self) -> BTreeSet<usize> {
        self.gadgets.iter().filter(|gadget| gadget.is_inside()).map(|gadget| gadget.person).collect()
    }

    fn is_host_inside(&self) -> bool {
        self.gadgets.iter().any(|gadget| gadget.host && gadget.is_inside())
    }

    fn is_anybody_inside(&self) -> bool {
        self.gadgets.iter().any(Gadget::is_inside)
    }
}

impl Gadget<'_> {
    fn make(&mut self, act: &Act, second: i64) {
        if let (Act::Die { noticed_after }, Spot::Inside) = (act, self.spot) {
            self.ghosts.push(second + noticed_after);
        }
        self.spot = match act {
            Act::Wait => Spot::Waiting,
            Act::Join | Act::Admit | Act::Breakout(_) | Act::Return => Spot::Inside,
            Act::Knock | Act::Leave | Act::Die { .. } => Spot::Outside,
        };
    }

    fn is_inside(&self) -> bool {
        self.spot == Spot::Inside || !self.ghosts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The truth of a class of 40 minutes with a host's moves and one attendee's devices.
    fn truth(host: &[&str], attendee: &[&[&str]], host_ends: &[&str]) -> PersonTruth {
        let class: Timetable = serde_json::from_value(json!({
            "meeting": "1", "host_ends": host_ends,
            "persons": [{"name": "Grace", "role": "host", "devices": [host]},
                {"name": "Ada", "devices": attendee}],
        }))
        .unwrap();
        class.check().unwrap();
        let planned = Planned { start: Instant::default(), duration: 40 };
        Truth::of(&class, planned).persons[1].clone()
    }

    const HOST: &[&str] = &["-5m join", "45m leave"];

    #[test]
    fn two_devices_count_once_and_only_inside_the_window() {
        let ada = truth(HOST, &[&["-3m join", "30m leave"], &["10m join", "44m leave"]], &[]);
        assert_eq!((ada.attended_seconds, ada.score_milli, ada.status), (2400, 1000, Some(Status::Present)));
    }

    #[test]
    fn waiting_does_not_count_and_lateness_starts_at_the_admission() {
        let ada = truth(HOST, &[&["-3m wait", "10m1s admit", "40m leave"]], &[]);
        assert_eq!((ada.attended_seconds, ada.status), (1799, Some(Status::Late)));
        let ada = truth(HOST, &[&["-3m wait", "10m admit", "40m leave"]], &[]);
        assert_eq!(ada.status, Some(Status::Present));
        let ada = truth(HOST, &[&["0s wait", "40m leave"]], &[]);
        assert_eq!(ada.status, Some(Status::Absent));
    }

    #[test]
    fn the_window_shrinks_when_the_host_comes_late_or_ends_early() {
        let ada = truth(&["20m join"], &[&["0s join"]], &["30m"]);
        assert_eq!((ada.attended_seconds, ada.score_milli, ada.status), (600, 1000, Some(Status::Present)));
    }

    #[test]
    fn halves_of_thousandths_are_rounded_up() {
        assert_eq!((score_milli(1, 2000), score_milli(1, 2001), score_milli(0, 0)), (1, 0, 0));
    }

    #[test]
    fn a_visit_in_the_evening_counts_for_nothing_and_stretches_nothing() {
        let ada = truth(&["0s join", "20m leave"], &[&["10h join", "11h leave"]], &[]);
        assert_eq!((ada.attended_seconds, ada.status), (0, Some(Status::Absent)));
        let ada =
            truth(&["0s join", "20m leave"], &[&["0s join", "10m leave", "10h join", "11h leave"]], &[]);
        assert_eq!((ada.score_milli, ada.status), (500, Some(Status::Present)));
    }

    #[test]
    fn a_dead_phone_counts_until_zoom_notices() {
        let ada = truth(HOST, &[&["0s join", "10m die 60s"]], &[]);
        assert_eq!((ada.attended_seconds, ada.status), (660, Some(Status::Partial)));
    }
}
