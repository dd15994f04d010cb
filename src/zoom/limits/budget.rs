//! What was used up today: the daily pools, the 100 changes of each host, the registrations of each address.
//!
//! Permits are taken from a hand that is filled a few at a time; what fills it is written down first, by whoever
//! owns the limits, in a place that all processes of the account share. So a count is never lost with a process,
//! and several of them never use more than one of them may. Days are Zoom's, in UTC.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::quota::Pool;
use crate::zoom::error::Limit;

/// How many of a host's changes are kept for meetings that exist: a new meeting can go to another host, a moved
/// one cannot. (Deletions are not counted by Zoom, so cancels need no part of their own.)
pub const HOST_WRITES_KEPT_FOR_UPDATES: u32 = 10;
/// The share of a daily pool that is kept for what people wait for and for cancels, in percent.
pub const POOL_KEPT_FOR_URGENT_PERCENT: u32 = 5;
/// Permits of a host that are reserved at a time: what a crash may leave unused.
const HOST_BLOCK: u32 = 5;
/// The same of a pool of thousands.
const POOL_BLOCK: u32 = 50;
/// The most purses that are counted; more than this in a day is not a real account.
const COUNTED_MAX: usize = 100_000;

/// Whose daily allowance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purse {
    /// A label's, of the whole account.
    Pool(Pool),
    /// A host's creates and updates; a user id, or an address in lower case.
    Host(String),
    /// A registrant's additions; an address in lower case.
    Registrant(String),
}

impl Purse {
    /// A host's.
    #[must_use]
    pub fn host(host: &str) -> Self {
        // User ids differ by case, addresses do not.
        Self::Host(if host.contains('@') { host.to_lowercase() } else { host.to_owned() })
    }

    /// A registrant's.
    #[must_use]
    pub fn registrant(email: &str) -> Self {
        Self::Registrant(email.to_lowercase())
    }

    /// The limit that is reached when it is empty.
    pub(super) fn limit(&self, until: DateTime<Utc>) -> Limit {
        match self {
            Self::Pool(_) => Limit::Daily { until },
            Self::Host(_) => Limit::HostDaily { until },
            Self::Registrant(_) => Limit::RegistrantDaily { until },
        }
    }

    fn block(&self) -> u32 {
        match self {
            Self::Pool(_) => POOL_BLOCK,
            Self::Host(_) => HOST_BLOCK,
            Self::Registrant(_) => 1,
        }
    }
}

/// Permits that have to be written down before they are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Whose.
    pub purse: Purse,
    /// For which day.
    pub day: NaiveDate,
    /// How many.
    pub permits: u32,
    /// How many there are in all for that day, for every process.
    pub allowed: u32,
}

/// What came of asking for a permit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Taking {
    /// Here it is.
    Taken,
    /// Write this down first.
    Reserve(Reservation),
    /// Somebody is writing it down.
    Asked,
    /// There is none before this time, where one is known; otherwise not today.
    Spent(Option<DateTime<Utc>>),
}

/// The account of one day.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    day: NaiveDate,
    balances: HashMap<Purse, Balance>,
}

#[derive(Debug, Default)]
struct Balance {
    /// What all processes have reserved, as last read; `None` before the first reading.
    reserved: Option<u32>,
    /// What of it is ours and not used.
    held: u32,
    /// What Zoom says is used, by whomever.
    heard: u32,
    asked: bool,
    spent_until: Option<DateTime<Utc>>,
}

impl Budgets {
    /// Starts a new account when the day has changed.
    pub(super) fn turn_to(&mut self, day: NaiveDate) {
        if day != self.day {
            *self = Self { day, balances: HashMap::new() };
        }
    }

    /// Takes a permit for a caller who may use `allowed` of the `whole`.
    pub(super) fn take(&mut self, purse: &Purse, allowed: u32, whole: u32, now: DateTime<Utc>) -> Taking {
        let Some(balance) = self.balance(purse) else { return Taking::Taken };
        balance.spent_until = balance.spent_until.filter(|until| *until > now);
        if let Some(until) = balance.spent_until {
            return Taking::Spent(Some(until));
        }
        let reserved = balance.reserved.unwrap_or_default();
        let used = reserved.saturating_sub(balance.held).max(balance.heard);
        if used >= allowed {
            return Taking::Spent(None);
        }
        if balance.held > 0 {
            balance.held -= 1;
            return Taking::Taken;
        }
        if balance.asked {
            return Taking::Asked;
        }
        if reserved >= whole {
            // The rest is in other processes' hands.
            return Taking::Spent(None);
        }
        balance.asked = true;
        let permits = purse.block().min(whole - reserved);
        Taking::Reserve(Reservation { purse: purse.clone(), day: self.day, permits, allowed: whole })
    }

    /// The reservation is written; `sum` is what all processes have reserved with it. What goes beyond the
    /// allowance is not ours.
    pub(super) fn reserved(&mut self, reservation: &Reservation, sum: u32) {
        if reservation.day != self.day {
            return;
        }
        let Some(balance) = self.balance(&reservation.purse) else { return };
        let beyond = sum.saturating_sub(reservation.allowed);
        balance.asked = false;
        balance.held += reservation.permits.saturating_sub(beyond);
        balance.reserved = Some(sum.min(reservation.allowed));
    }

    /// The reservation could not be written.
    pub(super) fn not_reserved(&mut self, reservation: &Reservation) {
        if let Some(balance) = self.balances.get_mut(&reservation.purse) {
            balance.asked = false;
        }
    }

    /// A permit that was taken on `day` comes back unused.
    pub(super) fn give_back(&mut self, purse: &Purse, day: NaiveDate) {
        if day == self.day
            && let Some(balance) = self.balances.get_mut(purse)
        {
            balance.held += 1;
        }
    }

    /// Zoom says that nothing is left before `until`.
    pub(super) fn spend(&mut self, purse: &Purse, until: DateTime<Utc>) {
        if let Some(balance) = self.balance(purse) {
            balance.spent_until = Some(until);
        }
    }

    /// Zoom says how many were used today.
    pub(super) fn heard(&mut self, purse: &Purse, used: u32) {
        if let Some(balance) = self.balance(purse) {
            balance.heard = balance.heard.max(used);
        }
    }

    /// The balance of a purse, unless there are as many as there may be; Zoom itself still counts those.
    fn balance(&mut self, purse: &Purse) -> Option<&mut Balance> {
        if self.balances.len() >= COUNTED_MAX && !self.balances.contains_key(purse) {
            return None;
        }
        Some(self.balances.entry(purse.clone()).or_default())
    }
}
