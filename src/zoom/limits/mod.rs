//! When the next call may leave, so that Zoom never has to say "too much": calls per second by label, calls per
//! day, changes per host. What Zoom says all the same is learned.
//!
//! Pure: every function is told the time, twice. Seconds are real ones, also in a rehearsal that runs at two
//! hundred times the speed; days are the clock's.

mod budget;
mod quota;
mod window;

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};

use self::budget::{Budgets, Taking};
pub use self::budget::{HOST_WRITES_KEPT_FOR_UPDATES, POOL_KEPT_FOR_URGENT_PERCENT, Purse, Reservation};
pub use self::quota::{HOST_WRITES_PER_DAY, Plan, Pool, Quotas, REGISTRATIONS_PER_DAY};
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

/// Whether a call has what it needs of the day's allowances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payment {
    /// It has, of this day.
    Paid(NaiveDate),
    /// Once this is written down, and it asks again.
    Reserve(Reservation),
    /// Somebody writes it down already.
    Asked,
    /// Not today.
    Refused(Limit),
}

/// Whether a call that is paid for may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may, and the window counts it.
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

/// An allowance of which Zoom says that it is used up for the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// Whose.
    pub purse: Purse,
    /// On which day.
    pub day: NaiveDate,
    /// How many that is.
    pub used: u32,
}

/// What a call needs of one purse.
struct Share {
    purse: Purse,
    /// How many of the day's permits a call of its kind may be among.
    allowed: u32,
    whole: u32,
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

    /// Takes what `call` needs of the day's allowances; all of it, or nothing.
    pub fn pay(&mut self, call: &ZoomCall, lane: Lane, now: Now) -> Payment {
        let day = self.turn_to(now);
        let until = next_day(now.clock);
        let mut taken: Vec<Purse> = Vec::new();
        for share in self.shares(call, lane) {
            let refusal = match self.budgets.take(&share.purse, share.allowed, share.whole, now.clock) {
                Taking::Taken => {
                    taken.push(share.purse);
                    continue;
                }
                Taking::Reserve(reservation) => Payment::Reserve(reservation),
                Taking::Asked => Payment::Asked,
                Taking::Spent(date) => Payment::Refused(share.purse.limit(date.unwrap_or(until))),
            };
            for purse in taken {
                self.budgets.give_back(&purse, day);
            }
            return refusal;
        }
        Payment::Paid(day)
    }

    /// A reservation is written; `sum` is what all processes have reserved of that day.
    pub fn reserved(&mut self, reservation: &Reservation, sum: u32, now: Now) {
        self.turn_to(now);
        self.budgets.reserved(reservation, sum);
    }

    /// A reservation could not be written.
    pub fn not_reserved(&mut self, reservation: &Reservation) {
        self.budgets.not_reserved(reservation);
    }

    /// Takes back what a call had paid on `day` that certainly never reached Zoom's count.
    pub fn refund(&mut self, call: &ZoomCall, day: NaiveDate, now: Now) {
        self.turn_to(now);
        for share in self.shares(call, Lane::Interactive) {
            self.budgets.give_back(&share.purse, day);
        }
    }

    /// Whether `call`, which is paid for, may leave now; when it may, the window counts it.
    pub fn admit(&mut self, call: &ZoomCall, now: Now) -> Admission {
        if let Some(until) = self.parked_until(call.label, now) {
            return Admission::Refuse(Limit::Daily { until });
        }
        let window = &mut self.lane(call.label).window;
        if let Some(wait) = window.wait(now.real) {
            return Admission::Wait(wait);
        }
        window.note(now.real);
        Admission::Go
    }

    /// `call`, which left at `sent`, has its answer. Failures are not told: theirs say nothing of how long the way
    /// to Zoom takes, and they count as if they had been late.
    pub fn answered(&mut self, call: &ZoomCall, sent: Instant, now: Now) {
        self.lane(call.label).window.answered(call.name, sent, now.real);
    }

    /// Takes all rates for used up just now, as an earlier life that died this very second may have done.
    pub fn fill(&mut self, now: Now) {
        for label in Label::ALL {
            self.lane(label).window.fill(now.real);
        }
    }

    /// Remembers which limit Zoom says was reached, and gives what the day's account must know of it. Pauses of
    /// seconds are the caller's ([`Limits::pause`]).
    pub fn reached(&mut self, call: &ZoomCall, limit: &Limit, now: Now) -> Option<Spent> {
        let day = self.turn_to(now);
        let (purse, until, used) = match (limit, &call.charge) {
            (Limit::Daily { until }, _) => {
                self.lane(call.label).parked_until = Some(*until);
                let pool = Pool::of(call.label);
                (Purse::Pool(pool), *until, self.quotas.daily(pool)?)
            }
            (Limit::HostDaily { until }, Charge::Create { host } | Charge::Update { host }) => {
                (Purse::host(host), *until, self.quotas.host_daily)
            }
            (Limit::RegistrantDaily { until }, Charge::Registrant { email }) => {
                (Purse::registrant(email), *until, self.quotas.registrant_daily)
            }
            _ => return None,
        };
        self.budgets.spend(&purse, until);
        // What ends before the day does is not the day's allowance.
        (until >= next_day(now.clock)).then_some(Spent { purse, day, used })
    }

    /// Lets nothing of this label through until then.
    pub fn pause(&mut self, label: Label, until: Instant) {
        self.lane(label).window.pause(until);
    }

    /// Learns from an answer's headers.
    pub fn told(&mut self, label: Label, note: QuotaNote, now: Now) {
        self.turn_to(now);
        match note {
            QuotaNote::Second { limit, remaining } => {
                self.lane(label).window.told(limit, remaining, now.real);
            }
            QuotaNote::Day { remaining } => {
                let pool = Pool::of(label);
                if let Some(daily) = self.quotas.daily(pool) {
                    self.budgets.heard(&Purse::Pool(pool), daily.saturating_sub(remaining));
                }
            }
        }
    }

    /// Until when a label is parked by a daily limit.
    #[must_use]
    pub fn parked_until(&mut self, label: Label, now: Now) -> Option<DateTime<Utc>> {
        let lane = self.lane(label);
        lane.parked_until = lane.parked_until.filter(|until| *until > now.clock);
        lane.parked_until
    }

    /// What a call needs of which purse: the pool of its label, where that has an end, and its own charge.
    fn shares(&self, call: &ZoomCall, lane: Lane) -> impl Iterator<Item = Share> + use<> {
        let pool = Pool::of(call.label);
        let pool = self.quotas.daily(pool).map(|daily| {
            let kept = if lane.is_urgent() { 0 } else { daily / 100 * POOL_KEPT_FOR_URGENT_PERCENT };
            Share { purse: Purse::Pool(pool), allowed: daily.saturating_sub(kept), whole: daily }
        });
        let whole = self.quotas.host_daily;
        let charge = match &call.charge {
            Charge::Create { host } => {
                let allowed = whole.saturating_sub(HOST_WRITES_KEPT_FOR_UPDATES);
                Some(Share { purse: Purse::host(host), allowed, whole })
            }
            Charge::Update { host } => Some(Share { purse: Purse::host(host), allowed: whole, whole }),
            Charge::Registrant { email } => {
                let whole = self.quotas.registrant_daily;
                Some(Share { purse: Purse::registrant(email), allowed: whole, whole })
            }
            Charge::Nothing => None,
        };
        pool.into_iter().chain(charge)
    }

    fn turn_to(&mut self, now: Now) -> NaiveDate {
        let day = now.clock.date_naive();
        self.budgets.turn_to(day);
        day
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
