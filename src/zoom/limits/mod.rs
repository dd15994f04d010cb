//! When the next call may leave, so that Zoom never has to say "too much": calls per second by label, calls per
//! day, changes per host. What Zoom says all the same is learned.
//!
//! Pure: every function is told the time, twice. Seconds are real ones, also in a rehearsal that runs at two
//! hundred times the speed; days are the clock's.

mod budget;
mod quota;
mod window;

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use self::budget::Budgets;
pub use self::budget::{BudgetUse, HOST_WRITES_KEPT_FOR_UPDATES, POOL_KEPT_FOR_URGENT_PERCENT};
use self::quota::Pool;
pub use self::quota::{HOST_WRITES_PER_DAY, Plan, Quotas};
use self::window::Window;
use super::call::{Charge, Label, ZoomCall};
use super::classify::next_day;
use super::error::Limit;
use super::lanes::Lane;

/// The present, by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For what is counted in real seconds.
    pub real: Instant,
    /// For what is counted in days.
    pub clock: DateTime<Utc>,
}

/// Whether a call may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may, and it is counted.
    Go,
    /// Not yet; nor may any other of this label.
    Wait(Duration),
    /// Not today.
    Refuse(Limit),
}

/// What an answer's headers said about the allowance of its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaNote {
    /// Calls per second.
    Second {
        /// How many there are.
        limit: Option<u32>,
        /// How many are left.
        remaining: u32,
    },
    /// Calls per day.
    Day {
        /// How many are left.
        remaining: u32,
    },
}

/// Everything counted for one account.
#[derive(Debug)]
pub struct Limits {
    quotas: Quotas,
    lanes: [LabelLane; Label::ALL.len()],
    budgets: Budgets,
}

/// What holds for one label.
#[derive(Debug)]
struct LabelLane {
    window: Window,
    parked_until: Option<DateTime<Utc>>,
}

impl Limits {
    /// Nothing used yet.
    #[must_use]
    pub fn new(quotas: Quotas) -> Self {
        let lanes = Label::ALL.map(|label| {
            let (calls, span) = quotas.window(label);
            LabelLane { window: Window::new(calls, span), parked_until: None }
        });
        Self { quotas, lanes, budgets: Budgets::default() }
    }

    /// Other allowances from now on, because more or fewer processes share the account; counts stay.
    pub fn set_quotas(&mut self, quotas: Quotas) {
        for label in Label::ALL {
            self.lane(label).window.resize(quotas.window(label).0);
        }
        self.quotas = quotas;
    }

    /// Whether `call` may leave now; when it may, it is counted.
    pub fn admit(&mut self, call: &ZoomCall, lane: Lane, now: Now) -> Admission {
        self.budgets.turn_to(now.clock.date_naive());
        if let Some(limit) = self.refusal(call, lane, now) {
            return Admission::Refuse(limit);
        }
        let window = &mut self.lane(call.label).window;
        if let Some(wait) = window.wait(now.real) {
            return Admission::Wait(wait);
        }
        window.note(now.real);
        self.count(call, 1);
        Admission::Go
    }

    /// Takes back the daily count of a call that certainly never reached Zoom's count.
    pub fn refund(&mut self, call: &ZoomCall, now: Now) {
        self.budgets.turn_to(now.clock.date_naive());
        self.count(call, -1);
    }

    /// Remembers which limit Zoom says was reached. Pauses of seconds are the caller's ([`Limits::pause`]).
    pub fn reached(&mut self, call: &ZoomCall, limit: &Limit, now: Now) {
        self.budgets.turn_to(now.clock.date_naive());
        match (limit, &call.charge) {
            (Limit::Daily { until }, _) => self.lane(call.label).parked_until = Some(*until),
            (Limit::HostDaily { .. }, Charge::Create { host } | Charge::Update { host }) => {
                self.budgets.set_host(host, self.quotas.host_daily);
            }
            (Limit::RegistrantDaily { .. }, Charge::Registrant { email }) => {
                self.budgets.set_registrant(email, self.quotas.registrant_daily);
            }
            _ => {}
        }
    }

    /// Lets nothing of this label through until then.
    pub fn pause(&mut self, label: Label, until: Instant) {
        self.lane(label).window.pause(until);
    }

    /// Learns from an answer's headers.
    pub fn told(&mut self, label: Label, note: QuotaNote, now: Now) {
        self.budgets.turn_to(now.clock.date_naive());
        match note {
            QuotaNote::Second { limit, remaining } => {
                self.lane(label).window.told(limit, remaining, now.real);
            }
            QuotaNote::Day { remaining } => {
                let pool = Pool::of(label);
                if let Some(daily) = self.quotas.daily(pool) {
                    let used = self.budgets.pool(pool);
                    *used = daily.saturating_sub(remaining).max(*used);
                }
            }
        }
    }

    /// The day's counts, to be kept over a restart.
    #[must_use]
    pub fn snapshot(&mut self, now: Now) -> Vec<BudgetUse> {
        self.budgets.turn_to(now.clock.date_naive());
        self.budgets.snapshot()
    }

    /// Adopts counts kept by [`Limits::snapshot`]; those of other days are nothing.
    pub fn restore(&mut self, lines: &[BudgetUse], now: Now) {
        self.budgets.turn_to(now.clock.date_naive());
        self.budgets.restore(lines);
    }

    /// Until when a label is parked by a daily limit.
    #[must_use]
    pub fn parked_until(&mut self, label: Label, now: Now) -> Option<DateTime<Utc>> {
        let lane = self.lane(label);
        lane.parked_until = lane.parked_until.filter(|until| *until > now.clock);
        lane.parked_until
    }

    fn refusal(&mut self, call: &ZoomCall, lane: Lane, now: Now) -> Option<Limit> {
        if let Some(until) = self.parked_until(call.label, now) {
            return Some(Limit::Daily { until });
        }
        let until = next_day(now.clock);
        let pool = Pool::of(call.label);
        if let Some(daily) = self.quotas.daily(pool) {
            let kept = if lane <= Lane::Cancel { 0 } else { daily / 100 * POOL_KEPT_FOR_URGENT_PERCENT };
            if *self.budgets.pool(pool) >= daily.saturating_sub(kept) {
                return Some(Limit::Daily { until });
            }
        }
        let host_is_full = |host: &str, allowed: u32| self.budgets.host_used(host) >= allowed;
        let daily = self.quotas.host_daily;
        match &call.charge {
            Charge::Create { host }
                if host_is_full(host, daily.saturating_sub(HOST_WRITES_KEPT_FOR_UPDATES)) =>
            {
                Some(Limit::HostDaily { until })
            }
            Charge::Update { host } if host_is_full(host, daily) => Some(Limit::HostDaily { until }),
            Charge::Registrant { email }
                if self.budgets.registrant_used(email) >= self.quotas.registrant_daily =>
            {
                Some(Limit::RegistrantDaily { until })
            }
            _ => None,
        }
    }

    fn count(&mut self, call: &ZoomCall, step: i32) {
        let used = self.budgets.pool(Pool::of(call.label));
        *used = used.saturating_add_signed(step);
        match &call.charge {
            Charge::Create { host } | Charge::Update { host } => {
                let used = self.budgets.host_used(host).saturating_add_signed(step);
                self.budgets.set_host(host, used);
            }
            Charge::Registrant { email } => {
                let used = self.budgets.registrant_used(email).saturating_add_signed(step);
                self.budgets.set_registrant(email, used);
            }
            Charge::Nothing => {}
        }
    }

    fn lane(&mut self, label: Label) -> &mut LabelLane {
        let [light, medium, heavy, resource_intensive] = &mut self.lanes;
        match label {
            Label::Light => light,
            Label::Medium => medium,
            Label::Heavy => heavy,
            Label::ResourceIntensive => resource_intensive,
        }
    }
}

#[cfg(test)]
mod tests;
