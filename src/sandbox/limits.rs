//! Zoom's limits: per label and second, per label and day, per host and day, per registrant and day, and locks.
//!
//! Seconds are real seconds, measured as Zoom would; days are UTC days of the sandbox's clock.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant as RealInstant};

use chrono::NaiveDate;

use super::model::Plan;

/// Adds of one address a day.
const REGISTRANT_ADDS_DAILY: u32 = 3;
/// Status changes of one registrant a day.
const REGISTRANT_STATUS_DAILY: u32 = 10;
/// How long after one request to set features the next may come.
const FEATURES_INTERVAL: Duration = Duration::from_secs(10);

/// The rate-limit label of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Label {
    /// Most writes and single reads.
    Light,
    /// Lists.
    Medium,
    /// Reports and batches.
    Heavy,
}

impl Label {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Light => "Light",
            Self::Medium => "Medium",
            Self::Heavy => "Heavy",
        }
    }
}

/// Why a request was one too many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Too many within a second.
    PerSecond,
    /// The label's daily pool is empty.
    Daily,
    /// The host's meeting creates and updates of the day are used up.
    Host {
        /// How many a day has.
        limit: u32,
    },
    /// The registrant's requests of the day are used up.
    Registrant {
        /// The registrant's address.
        email: String,
        /// How many a day has.
        limit: u32,
    },
    /// The same user is being deleted already.
    Locked,
}

/// How much of its limit a label has used; told in the headers of every answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) label: Label,
    pub(super) limit: u32,
    pub(super) remaining: u32,
}

/// Requests a second.
fn per_second(plan: Plan, label: Label) -> u32 {
    match (plan, label) {
        (Plan::Free, Label::Light) => 4,
        (Plan::Free, Label::Medium) => 2,
        (Plan::Free, Label::Heavy) => 1,
        (Plan::Pro, Label::Light) => 30,
        (Plan::Pro, Label::Medium) => 20,
        (Plan::Pro, Label::Heavy) => 10,
        (Plan::Business, Label::Light) => 80,
        (Plan::Business, Label::Medium) => 60,
        (Plan::Business, Label::Heavy) => 40,
    }
}

/// Requests a day, where there is such a limit.
fn per_day(plan: Plan, label: Label) -> Option<u32> {
    match (plan, label) {
        (Plan::Free, Label::Light) => Some(6_000),
        (Plan::Free, Label::Medium) => Some(2_000),
        (Plan::Free, Label::Heavy) => Some(1_000),
        (Plan::Pro, Label::Heavy) => Some(30_000),
        (Plan::Business, Label::Heavy) => Some(60_000),
        _ => None,
    }
}

/// Invitations of new users a day.
fn invitations_daily(plan: Plan) -> u32 {
    match plan {
        Plan::Free => 50,
        Plan::Pro => 1_500,
        Plan::Business => 10_000,
    }
}

/// What has been used.
#[derive(Debug, Default)]
pub(super) struct Limits {
    windows: HashMap<Label, VecDeque<RealInstant>>,
    day: NaiveDate,
    daily: HashMap<Label, u32>,
    hosts: HashMap<String, u32>,
    registrant_adds: HashMap<String, u32>,
    registrant_status: HashMap<String, u32>,
    invitations: u32,
    features_set: Option<RealInstant>,
    locks: HashSet<String>,
}

impl Limits {
    /// Counts a request of `label`; a refused one does not count.
    pub(super) fn take(
        &mut self,
        plan: Plan,
        label: Label,
        now: RealInstant,
        today: NaiveDate,
    ) -> Result<Usage, Refusal> {
        self.turn_to(today);
        let window = self.windows.entry(label).or_default();
        while window.front().is_some_and(|first| now.duration_since(*first) >= Duration::from_secs(1)) {
            window.pop_front();
        }
        let limit = per_second(plan, label);
        let used = u32::try_from(window.len()).unwrap_or(u32::MAX);
        if used >= limit {
            return Err(Refusal::PerSecond);
        }
        let today_used = self.daily.entry(label).or_default();
        if per_day(plan, label).is_some_and(|most| *today_used >= most) {
            return Err(Refusal::Daily);
        }
        *today_used += 1;
        window.push_back(now);
        Ok(Usage { label, limit, remaining: limit - used - 1 })
    }

    /// How a label stands without counting a request, for the headers of a refusal.
    pub(super) fn exhausted(plan: Plan, label: Label) -> Usage {
        Usage { label, limit: per_second(plan, label), remaining: 0 }
    }

    /// How a label stands when nothing is counted.
    pub(super) fn unlimited(plan: Plan, label: Label) -> Usage {
        let limit = per_second(plan, label);
        Usage { label, limit, remaining: limit }
    }

    /// Counts a create or an update of one of the host's meetings.
    pub(super) fn take_host(&mut self, host: &str, limit: u32, today: NaiveDate) -> Result<(), Refusal> {
        self.turn_to(today);
        count(&mut self.hosts, host, limit).ok_or(Refusal::Host { limit })
    }

    /// Counts an add of a registrant.
    pub(super) fn take_registrant(&mut self, email: &str, today: NaiveDate) -> Result<(), Refusal> {
        self.turn_to(today);
        let limit = REGISTRANT_ADDS_DAILY;
        count(&mut self.registrant_adds, &email.to_lowercase(), limit)
            .ok_or_else(|| Refusal::Registrant { email: email.to_owned(), limit })
    }

    /// Counts a status change of a registrant.
    pub(super) fn take_registrant_status(&mut self, email: &str, today: NaiveDate) -> Result<(), Refusal> {
        self.turn_to(today);
        let limit = REGISTRANT_STATUS_DAILY;
        count(&mut self.registrant_status, &email.to_lowercase(), limit)
            .ok_or_else(|| Refusal::Registrant { email: email.to_owned(), limit })
    }

    /// Counts an invitation of a new user.
    pub(super) fn take_invitation(&mut self, plan: Plan, today: NaiveDate) -> Result<(), Refusal> {
        self.turn_to(today);
        if self.invitations >= invitations_daily(plan) {
            return Err(Refusal::Daily);
        }
        self.invitations += 1;
        Ok(())
    }

    /// Features of many users can be set every ten seconds only.
    pub(super) fn take_features(&mut self, now: RealInstant) -> Result<(), Refusal> {
        if self.features_set.is_some_and(|last| now.duration_since(last) < FEATURES_INTERVAL) {
            return Err(Refusal::PerSecond);
        }
        self.features_set = Some(now);
        Ok(())
    }

    /// Takes a lock; one request at a time may hold it.
    pub(super) fn lock(&mut self, key: &str) -> Result<(), Refusal> {
        if self.locks.insert(key.to_owned()) { Ok(()) } else { Err(Refusal::Locked) }
    }

    /// Gives a lock back.
    pub(super) fn unlock(&mut self, key: &str) {
        self.locks.remove(key);
    }

    /// A new day forgets the old one's counts.
    fn turn_to(&mut self, today: NaiveDate) {
        if self.day != today {
            self.day = today;
            self.daily.clear();
            self.hosts.clear();
            self.registrant_adds.clear();
            self.registrant_status.clear();
            self.invitations = 0;
        }
    }
}

/// Counts one, unless `limit` is used up.
fn count(counts: &mut HashMap<String, u32>, key: &str, limit: u32) -> Option<()> {
    let used = counts.entry(key.to_owned()).or_default();
    if *used >= limit {
        return None;
    }
    *used += 1;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, number).unwrap()
    }

    #[test]
    fn the_window_slides_and_refused_requests_do_not_count() {
        let (mut limits, start) = (Limits::default(), RealInstant::now());
        let mut take = |after_ms| {
            limits.take(Plan::Free, Label::Medium, start + Duration::from_millis(after_ms), day(1))
        };
        assert_eq!(take(0).unwrap().remaining, 1);
        assert_eq!(take(600).unwrap().remaining, 0);
        assert_eq!(take(900), Err(Refusal::PerSecond));
        assert!(take(1_000).is_ok());
        assert_eq!(take(1_500), Err(Refusal::PerSecond));
        assert!(take(1_600).is_ok());
    }

    #[test]
    fn daily_pools_are_per_label_and_refill_at_midnight() {
        let (mut limits, start) = (Limits::default(), RealInstant::now());
        for second in 0..1_000 {
            limits.take(Plan::Free, Label::Heavy, start + Duration::from_secs(second), day(1)).unwrap();
        }
        let later = start + Duration::from_secs(2_000);
        assert_eq!(limits.take(Plan::Free, Label::Heavy, later, day(1)), Err(Refusal::Daily));
        assert!(limits.take(Plan::Free, Label::Light, later, day(1)).is_ok());
        assert!(limits.take(Plan::Free, Label::Heavy, later, day(2)).is_ok());
    }

    #[test]
    fn a_host_has_its_own_daily_count() {
        let mut limits = Limits::default();
        for _ in 0..100 {
            limits.take_host("a", 100, day(1)).unwrap();
        }
        assert_eq!(limits.take_host("a", 100, day(1)), Err(Refusal::Host { limit: 100 }));
        assert!(limits.take_host("b", 100, day(1)).is_ok());
        assert!(limits.take_host("a", 100, day(2)).is_ok());
    }

    #[test]
    fn features_are_set_every_ten_seconds_and_a_free_account_invites_fifty_a_day() {
        let (mut limits, start) = (Limits::default(), RealInstant::now());
        assert!(limits.take_features(start).is_ok());
        assert!(limits.take_features(start + Duration::from_secs(9)).is_err());
        assert!(limits.take_features(start + Duration::from_secs(10)).is_ok());
        for _ in 0..50 {
            limits.take_invitation(Plan::Free, day(1)).unwrap();
        }
        assert_eq!(limits.take_invitation(Plan::Free, day(1)), Err(Refusal::Daily));
        assert!(limits.take_invitation(Plan::Free, day(2)).is_ok());
    }

    #[test]
    fn a_registrant_can_be_added_three_times_a_day_whatever_the_case() {
        let mut limits = Limits::default();
        for email in ["a@b.c", "A@b.c", "a@B.c"] {
            limits.take_registrant(email, day(1)).unwrap();
        }
        assert!(limits.take_registrant("a@b.c", day(1)).is_err());
    }
}
