//! The daily allowances and what is learned from Zoom; the windows have their own tests.

use super::*;
use crate::zoom::call;
use crate::zoom::types::{MeetingRequest, RegistrantRequest};

/// A day's clock; every admission is asked long enough after the last that no window is in the way.
struct Day {
    limits: Limits,
    now: Now,
}

impl Day {
    fn new(plan: Plan) -> Self {
        let clock = "2026-03-01T10:00:00Z".parse().unwrap();
        Self { limits: Limits::new(plan.into()), now: Now { real: Instant::now(), clock } }
    }

    fn ask(&mut self, call: &ZoomCall, lane: Lane) -> Admission {
        self.now.real += Duration::from_secs(61);
        self.limits.admit(call, lane, self.now)
    }

    fn next_day(&mut self) {
        self.now.clock = next_day(self.now.clock);
    }

    fn midnight(&self) -> DateTime<Utc> {
        next_day(self.now.clock)
    }
}

fn create(host: &str) -> ZoomCall {
    call::create_meeting(host, &MeetingRequest::default())
}

fn update(host: &str) -> ZoomCall {
    call::update_meeting("1", &MeetingRequest::default(), host)
}

fn register(email: &str) -> ZoomCall {
    call::add_registrant("1", &RegistrantRequest { email: email.into(), ..RegistrantRequest::default() })
}

#[test]
fn a_host_has_100_changes_a_day_and_the_last_ten_are_for_updates() {
    let mut day = Day::new(Plan::Pro);
    for _ in 0..90 {
        assert_eq!(day.ask(&create("h"), Lane::Sync), Admission::Go);
    }
    let full = Admission::Refuse(Limit::HostDaily { until: day.midnight() });
    assert_eq!(day.ask(&create("h"), Lane::Interactive), full);
    assert_eq!(day.ask(&create("another"), Lane::Sync), Admission::Go);
    for _ in 0..10 {
        assert_eq!(day.ask(&update("h"), Lane::Sync), Admission::Go);
    }
    assert_eq!(day.ask(&update("h"), Lane::Sync), full);
    assert_eq!(
        day.ask(&call::delete_meeting("1"), Lane::Cancel),
        Admission::Go,
        "a cancel always gets through"
    );
    day.next_day();
    assert_eq!(day.ask(&create("h"), Lane::Sync), Admission::Go);
}

#[test]
fn a_host_is_the_same_in_any_spelling_of_its_address() {
    let mut day = Day::new(Plan::Pro);
    day.limits.reached(&create("Host@Example.org"), &Limit::HostDaily { until: day.midnight() }, day.now);
    assert!(matches!(day.ask(&update("host@example.org"), Lane::Sync), Admission::Refuse(_)));
}

#[test]
fn what_never_arrived_is_not_counted() {
    let mut day = Day::new(Plan::Pro);
    for _ in 0..500 {
        assert_eq!(day.ask(&create("h"), Lane::Sync), Admission::Go);
        day.limits.refund(&create("h"), day.now);
    }
}

#[test]
fn a_daily_limit_parks_its_label_alone_until_its_date() {
    let mut day = Day::new(Plan::Pro);
    let until = day.now.clock + chrono::TimeDelta::hours(2);
    let report = call::report_participants("a", None);
    day.limits.reached(&report, &Limit::Daily { until }, day.now);
    assert_eq!(day.ask(&report, Lane::Interactive), Admission::Refuse(Limit::Daily { until }));
    assert_eq!(day.ask(&call::get_meeting("1"), Lane::Sweep), Admission::Go);
    day.now.clock = until;
    assert_eq!(day.ask(&report, Lane::Report), Admission::Go);
}

#[test]
fn the_last_of_a_daily_pool_is_for_people_who_wait_and_for_cancels() {
    let mut day = Day::new(Plan::Free);
    let get = call::get_meeting("1");
    while day.ask(&get, Lane::Sweep) == Admission::Go {}
    let left = 6_000 / 100 * POOL_KEPT_FOR_URGENT_PERCENT;
    for _ in 0..left {
        assert_eq!(day.ask(&call::delete_meeting("1"), Lane::Cancel), Admission::Go);
    }
    let spent = Admission::Refuse(Limit::Daily { until: day.midnight() });
    assert_eq!(day.ask(&get, Lane::Interactive), spent);
}

#[test]
fn what_zoom_says_is_left_of_the_day_is_believed() {
    let mut day = Day::new(Plan::Free);
    day.limits.told(Label::Light, QuotaNote::Day { remaining: 0 }, day.now);
    assert!(matches!(day.ask(&call::get_meeting("1"), Lane::Cancel), Admission::Refuse(Limit::Daily { .. })));
    day.limits.told(Label::Light, QuotaNote::Day { remaining: 6_000 }, day.now);
    assert!(
        matches!(day.ask(&call::get_meeting("1"), Lane::Cancel), Admission::Refuse(_)),
        "an older answer"
    );
}

#[test]
fn one_registrants_limit_is_only_theirs() {
    let mut day = Day::new(Plan::Pro);
    let until = day.midnight();
    day.limits.reached(&register("ann@example.org"), &Limit::RegistrantDaily { until }, day.now);
    let spent = Admission::Refuse(Limit::RegistrantDaily { until });
    assert_eq!(day.ask(&register("Ann@example.org"), Lane::Sync), spent);
    assert_eq!(day.ask(&register("bob@example.org"), Lane::Sync), Admission::Go);
}

#[test]
fn the_counts_of_today_survive_a_restart_and_those_of_yesterday_do_not() {
    let mut day = Day::new(Plan::Free);
    for _ in 0..3 {
        day.ask(&create("h"), Lane::Sync);
    }
    let kept = day.limits.snapshot(day.now);
    let mut next_life = Day::new(Plan::Free);
    next_life.limits.restore(&kept, next_life.now);
    next_life.limits.restore(&kept, next_life.now);
    let sorted = |mut lines: Vec<BudgetUse>| {
        lines.sort();
        lines
    };
    assert_eq!(sorted(next_life.limits.snapshot(next_life.now)), sorted(kept.clone()));
    assert!(kept.iter().all(|line| line.used == 3) && kept.len() == 2, "{kept:?}");

    next_life.next_day();
    next_life.limits.restore(&kept, next_life.now);
    assert_eq!(next_life.limits.snapshot(next_life.now), []);
}

#[test]
fn processes_share_the_account_and_none_gets_nothing() {
    let half = Quotas::from(Plan::Business).share(2);
    assert_eq!((half.light, half.heavy_daily), (40, Some(30_000)));
    let crumbs = Quotas::from(Plan::Free).share(100);
    assert_eq!((crumbs.light, crumbs.heavy, crumbs.medium_daily), (1, 1, Some(20)));
    let mut day = Day::new(Plan::Pro);
    day.limits.set_quotas(Quotas::from(Plan::Pro).share(30));
    let get = call::get_meeting("1");
    assert_eq!(day.ask(&get, Lane::Sync), Admission::Go);
    assert!(matches!(day.limits.admit(&get, Lane::Sync, day.now), Admission::Wait(_)));
}
