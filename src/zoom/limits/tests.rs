//! The daily allowances and what is learned from Zoom; the windows have their own tests.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;
use crate::zoom::call;
use crate::zoom::types::{MeetingRequest, RegistrantRequest};

/// The rows in which all processes count.
type Rows = HashMap<(Purse, NaiveDate), u32>;

/// A process on a day's clock; every admission is asked long enough after the last that no window is in the way.
struct Day {
    limits: Limits,
    now: Now,
    rows: Rc<RefCell<Rows>>,
}

impl Day {
    fn new(plan: Plan) -> Self {
        Self::sharing(plan, Rc::default())
    }

    fn sharing(plan: Plan, rows: Rc<RefCell<Rows>>) -> Self {
        let clock = "2026-03-01T10:00:00Z".parse().unwrap();
        Self { limits: Limits::new(plan.into()), now: Now { real: Instant::now(), clock }, rows }
    }

    /// Pays, writing down what has to be, and leaves.
    fn ask(&mut self, call: &ZoomCall, lane: Lane) -> Admission {
        self.now.real += Duration::from_secs(61);
        loop {
            match self.limits.pay(call, lane, self.now) {
                Payment::Paid(_) => return self.limits.admit(call, self.now),
                Payment::Refused(limit) => return Admission::Refuse(limit),
                Payment::Asked => panic!("nobody else writes"),
                Payment::Reserve(reservation) => {
                    let sum = self.write(&reservation);
                    self.limits.reserved(&reservation, sum, self.now);
                }
            }
        }
    }

    fn write(&self, reservation: &Reservation) -> u32 {
        let mut rows = self.rows.borrow_mut();
        let sum = rows.entry((reservation.purse.clone(), reservation.day)).or_default();
        *sum += reservation.permits;
        *sum
    }

    /// How many pass of a call that is asked again and again.
    fn passed(&mut self, call: &ZoomCall, lane: Lane) -> u32 {
        (0..200).map(|_| u32::from(self.ask(call, lane) == Admission::Go)).sum()
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
        day.limits.refund(&create("h"), day.now.clock.date_naive(), day.now);
    }
    assert_eq!(day.passed(&create("h"), Lane::Sync), 90);
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
    assert_eq!(day.passed(&register("bob@example.org"), Lane::Sync), REGISTRATIONS_PER_DAY);
}

#[test]
fn a_process_that_dies_leaves_no_call_uncounted_and_few_permits_unused() {
    let rows = Rc::<RefCell<Rows>>::default();
    let mut passed = 0;
    for _life in 0..6 {
        let mut day = Day::sharing(Plan::Pro, Rc::clone(&rows));
        passed += (0..12).map(|_| u32::from(day.ask(&update("h"), Lane::Sync) == Admission::Go)).sum::<u32>();
    }
    passed += Day::sharing(Plan::Pro, Rc::clone(&rows)).passed(&update("h"), Lane::Sync);
    assert!((100 - 6 * 4..=100).contains(&passed), "{passed}");
    let mut tomorrow = Day::sharing(Plan::Pro, rows);
    tomorrow.next_day();
    assert_eq!(tomorrow.ask(&update("h"), Lane::Sync), Admission::Go);
}

#[test]
fn a_call_waits_while_its_permit_is_being_written_down_and_others_do_not() {
    let mut day = Day::new(Plan::Pro);
    let Payment::Reserve(reservation) = day.limits.pay(&create("a"), Lane::Sync, day.now) else { panic!() };
    assert_eq!(day.limits.pay(&create("a"), Lane::Sync, day.now), Payment::Asked);
    assert!(matches!(day.limits.pay(&create("b"), Lane::Sync, day.now), Payment::Reserve(_)));
    day.limits.not_reserved(&reservation);
    assert!(matches!(day.limits.pay(&create("a"), Lane::Sync, day.now), Payment::Reserve(_)));
}

#[test]
fn a_late_answer_about_yesterday_gives_nothing_today() {
    let mut day = Day::new(Plan::Pro);
    let Payment::Reserve(reservation) = day.limits.pay(&create("a"), Lane::Sync, day.now) else { panic!() };
    day.next_day();
    day.limits.reserved(&reservation, 5, day.now);
    assert!(matches!(day.limits.pay(&create("a"), Lane::Sync, day.now), Payment::Reserve(_)));
}

#[test]
fn what_is_refused_for_one_allowance_costs_no_other() {
    let mut day = Day::new(Plan::Free);
    day.limits.reached(&create("full"), &Limit::HostDaily { until: day.midnight() }, day.now);
    for _ in 0..7_000 {
        assert!(matches!(day.ask(&create("full"), Lane::Sync), Admission::Refuse(Limit::HostDaily { .. })));
    }
    assert_eq!(day.ask(&create("free"), Lane::Sync), Admission::Go);
}

#[test]
fn a_limit_that_ends_before_the_day_parks_and_is_not_written_down_as_the_days() {
    let mut day = Day::new(Plan::Pro);
    let until = day.now.clock + chrono::TimeDelta::minutes(2);
    assert_eq!(day.limits.reached(&create("h"), &Limit::HostDaily { until }, day.now), None);
    assert_eq!(day.ask(&create("h"), Lane::Sync), Admission::Refuse(Limit::HostDaily { until }));
    day.now.clock = until;
    assert_eq!(day.ask(&create("h"), Lane::Sync), Admission::Go);
    let until = day.midnight();
    let spent = day.limits.reached(&create("h"), &Limit::HostDaily { until }, day.now).unwrap();
    assert_eq!((spent.purse, spent.used), (Purse::host("h"), 100));
}

/// What a process does next.
#[derive(Debug, Clone)]
enum Deed {
    Create(u8),
    Update(u8),
    /// A call that never reached Zoom.
    Lost(u8),
    Die,
}

proptest! {
    /// The obvious model: one count a host of every call that left, whoever sent it, and one of the creates.
    #[test]
    fn however_many_processes_live_and_die_no_host_gets_more_than_its_hundred(
        deeds in prop::collection::vec(
            (0_usize..3, prop_oneof![
                8 => (0_u8..2).prop_map(Deed::Create),
                8 => (0_u8..2).prop_map(Deed::Update),
                2 => (0_u8..2).prop_map(Deed::Lost),
                1 => Just(Deed::Die),
            ]),
            1..600,
        ),
    ) {
        let rows = Rc::<RefCell<Rows>>::default();
        let mut processes: Vec<Day> = (0..3).map(|_| Day::sharing(Plan::Pro, Rc::clone(&rows))).collect();
        let mut counted: HashMap<u8, (u32, u32)> = HashMap::new();
        for (who, deed) in deeds {
            let day = &mut processes[who];
            match deed {
                Deed::Create(host) if day.ask(&create(&host.to_string()), Lane::Sync) == Admission::Go => {
                    let (used, created) = counted.entry(host).or_default();
                    (*used, *created) = (*used + 1, *created + 1);
                    prop_assert!(*used <= 100 && *created <= 90, "the last ten are for updates");
                }
                Deed::Update(host) if day.ask(&update(&host.to_string()), Lane::Sync) == Admission::Go => {
                    let (used, _) = counted.entry(host).or_default();
                    *used += 1;
                    prop_assert!(*used <= 100);
                }
                Deed::Lost(host) => {
                    let call = update(&host.to_string());
                    if day.ask(&call, Lane::Sync) == Admission::Go {
                        day.limits.refund(&call, day.now.clock.date_naive(), day.now);
                    }
                }
                Deed::Die => processes[who] = Day::sharing(Plan::Pro, Rc::clone(&rows)),
                Deed::Create(_) | Deed::Update(_) => {}
            }
        }
    }
}

#[test]
fn processes_share_the_account_and_none_gets_nothing() {
    let half = Quotas::from(Plan::Business).share(2);
    assert_eq!((half.light, half.heavy_daily), (40, Some(60_000)), "days are counted together");
    let crumbs = Quotas::from(Plan::Free).share(100);
    assert_eq!((crumbs.light, crumbs.heavy), (1, 1));
    let mut day = Day::new(Plan::Pro);
    day.limits.set_quotas(Quotas::from(Plan::Pro).share(30));
    let get = call::get_meeting("1");
    assert_eq!(day.ask(&get, Lane::Sync), Admission::Go);
    assert!(matches!(day.limits.admit(&get, day.now), Admission::Wait(_)));
}
