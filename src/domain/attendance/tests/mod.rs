//! The contract of attendance, sentence by sentence. Times are minutes after the planned start of an hour's class.

use super::*;
use crate::domain::connection::{Room, Source};

mod absurd;
mod evidence;
mod hosts;
mod oracle;
mod play;
mod properties;

pub(super) fn minute(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_768_471_200 + minute * 60, 0).unwrap()
}

pub(super) fn person(name: &str, host: bool) -> RosterPerson {
    RosterPerson { person: name.to_lowercase(), name: name.to_owned(), host, ..RosterPerson::default() }
}

/// A class with a host, Ann and Ben, and one finished run from -5 to 60.
pub(super) struct Class {
    pub(super) roster: Vec<RosterPerson>,
    pub(super) instances: Vec<InstanceSpan>,
    pub(super) connections: Vec<Connection>,
    pub(super) settled: BTreeMap<String, String>,
    pub(super) rules: Rules,
    pub(super) as_of: DateTime<Utc>,
}

pub(super) fn run(uuid: &str, started: i64, ended: Option<i64>) -> InstanceSpan {
    InstanceSpan {
        uuid: uuid.to_owned(),
        started: Some(minute(started)),
        ended: ended.map(minute),
        report_complete: false,
    }
}

impl Class {
    pub(super) fn new() -> Self {
        Self {
            roster: vec![person("Host", true), person("Ann", false), person("Ben", false)],
            instances: vec![run("U", -5, Some(60))],
            connections: Vec::new(),
            settled: BTreeMap::new(),
            rules: Rules::default(),
            as_of: minute(90),
        }
        .with("Host", Some(-5), Some(60))
    }

    pub(super) fn with(self, name: &str, join: Option<i64>, leave: Option<i64>) -> Self {
        self.row("U", Source::Webhook, Room::Main, name, join, leave)
    }

    pub(super) fn row(
        mut self,
        instance: &str,
        source: Source,
        room: Room,
        name: &str,
        join: Option<i64>,
        leave: Option<i64>,
    ) -> Self {
        let key = format!("{name}-{}", self.connections.len());
        self.connections.push(Connection {
            instance: instance.to_owned(),
            participant_uuid: Some(key.clone()),
            key,
            room,
            source,
            user_id: None,
            zoom_user_id: None,
            registrant_id: None,
            customer_key: None,
            email: None,
            name: name.to_owned(),
            join_time: join.map(minute),
            leave_time: leave.map(minute),
            leave_reason: None,
        });
        self
    }

    pub(super) fn assess(&self) -> Assessed {
        assess(&Assessment {
            planned_start: minute(0),
            planned_end: minute(60),
            as_of: self.as_of,
            roster: &self.roster,
            instances: &self.instances,
            connections: &self.connections,
            settled: &self.settled,
            rules: &self.rules,
        })
    }

    /// Ann's mark as (status, attended minutes, score).
    fn ann(&self) -> (MarkStatus, i64, i64) {
        let mark = &self.assess().marks[0];
        (mark.status, mark.attended_secs / 60, mark.score_milli)
    }
}

use MarkStatus::{Absent, Late, Partial, Present};

#[test]
fn the_whole_hour_is_present_with_full_score() {
    assert_eq!(Class::new().with("Ann", Some(-3), Some(60)).ann(), (Present, 60, 1000));
}

#[test]
fn a_quarter_of_an_hour_is_enough_and_less_is_partial() {
    assert_eq!(Class::new().with("Ann", Some(0), Some(15)).ann(), (Present, 15, 250));
    assert_eq!(Class::new().with("Ann", Some(0), Some(14)).ann(), (Partial, 14, 233));
}

#[test]
fn more_than_ten_minutes_after_the_start_is_late() {
    assert_eq!(Class::new().with("Ann", Some(10), Some(60)).ann().0, Present);
    assert_eq!(Class::new().with("Ann", Some(11), Some(60)).ann().0, Late);
    // Too little is partial, however late.
    assert_eq!(Class::new().with("Ann", Some(50), Some(60)).ann().0, Partial);
}

#[test]
fn nobody_seen_is_absent() {
    let assessed = Class::new().assess();
    assert_eq!((assessed.marks[0].status, assessed.marks[0].evidence.finding), (Absent, Finding::NotSeen));
    assert_eq!(assessed.marks.len(), 2);
    assert_eq!(assessed.hosts.len(), 1);
}

#[test]
fn two_devices_at_once_count_once_and_a_gap_not_at_all() {
    let class = Class::new().with("Ann", Some(0), Some(30)).with("Ann", Some(20), Some(40)).with(
        "Ann",
        Some(50),
        Some(60),
    );
    assert_eq!(class.ann(), (Present, 50, 833));
}

#[test]
fn breakout_rooms_count_whether_they_follow_or_overlap() {
    let class = Class::new()
        .with("Ann", Some(0), Some(20))
        .row("U", Source::Webhook, Room::Breakout, "Ann", Some(15), Some(40))
        .with("Ann", Some(40), Some(60));
    assert_eq!(class.ann(), (Present, 60, 1000));
}

#[test]
fn a_window_begins_when_a_host_opens_late_and_ends_when_they_close_early() {
    let mut class = Class::new().with("Ann", Some(0), Some(40));
    class.connections[0].join_time = Some(minute(20));
    class.instances[0].ended = Some(minute(40));
    let assessed = class.assess();
    assert_eq!(assessed.window, EffectiveWindow { start: minute(20), end: minute(40) });
    assert_eq!(class.ann(), (Present, 20, 1000));
}

#[test]
fn without_a_host_the_start_of_the_meeting_opens_the_window() {
    let mut class = Class::new().with("Ann", Some(12), Some(60));
    class.connections.remove(0);
    class.instances[0].started = Some(minute(12));
    let assessed = class.assess();
    assert_eq!(assessed.window.start, minute(12));
    assert!(assessed.marks.iter().chain(&assessed.hosts).all(|mark| mark.host_absent));
    assert_eq!(class.ann().0, Present);
}

#[test]
fn a_run_that_was_interrupted_is_summed_and_does_not_end_the_window() {
    let mut class = Class::new().with("Ann", Some(0), Some(20)).row(
        "V",
        Source::Webhook,
        Room::Main,
        "Ann",
        Some(25),
        Some(60),
    );
    class.instances = vec![run("U", -5, Some(20)), run("V", 25, Some(60))];
    assert_eq!(class.ann(), (Present, 55, 917));
}

#[test]
fn a_click_on_the_link_in_the_evening_changes_nothing() {
    let mut class = Class::new().with("Ann", Some(0), Some(30)).row(
        "V",
        Source::Webhook,
        Room::Main,
        "Ben",
        Some(300),
        Some(310),
    );
    class.instances = vec![run("U", -5, Some(30)), run("V", 300, Some(310))];
    class.instances[0].report_complete = true;
    let assessed = class.assess();
    assert_eq!(assessed.window.end, minute(30));
    assert!(!assessed.provisional);
    assert_eq!(assessed.marks[1].status, Absent);
    assert_eq!(assessed.marks[1].evidence.finding, Finding::OutsideWindow);
    assert_eq!(assessed.marks[1].first_join, None);
}

#[test]
fn leaving_more_than_ten_minutes_early_is_flagged() {
    let left_early = |leave| Class::new().with("Ann", Some(0), Some(leave)).assess().marks[0].left_early;
    assert!(left_early(49));
    assert!(!left_early(50));
    assert!(!Class::new().assess().marks[0].left_early);
}

#[test]
fn people_are_recognised_and_strangers_listed() {
    let class = Class::new().with("ANN", Some(0), Some(60)).with("iPhone", Some(0), Some(60));
    let assessed = class.assess();
    assert_eq!(assessed.unmatched, [class.connections[2].id()]);
    assert_eq!(assessed.matched[1], (class.connections[1].id(), "ann".to_owned(), MatchedBy::Name));
}

#[test]
fn the_score_rounds_half_up() {
    let mut class = Class::new();
    class.roster = vec![person("Ann", false)];
    class.connections.clear();
    class.instances[0].started = Some(minute(0));
    let secs = |class: Class, seconds| {
        let mut class = class.with("Ann", Some(0), Some(0));
        class.connections[0].leave_time = Some(minute(0) + chrono::TimeDelta::milliseconds(seconds));
        class.assess().marks[0].score_milli
    };
    // One thousandth of the hour is 3.6 s.
    assert_eq!(secs(class, 5_400), 2);
    assert_eq!(secs(Class::new(), 0), 0);
}

#[test]
fn a_plan_without_time_in_it_scores_nothing_and_divides_by_nothing() {
    let class = Class::new().with("Ann", Some(0), Some(60));
    let assessed = assess(&Assessment {
        planned_start: minute(60),
        planned_end: minute(60),
        as_of: class.as_of,
        roster: &class.roster,
        instances: &class.instances,
        connections: &class.connections,
        settled: &class.settled,
        rules: &class.rules,
    });
    assert_eq!((assessed.marks[0].status, assessed.marks[0].score_milli), (Absent, 0));
}
