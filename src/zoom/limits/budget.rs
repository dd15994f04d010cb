//! What was used up today: the daily pools, and the 100 changes of each host. Days are Zoom's, in UTC.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::quota::Pool;

/// How many of a host's changes are kept for meetings that exist: a new meeting can go to another host, a moved
/// one cannot. (Deletions are not counted by Zoom, so cancels need no part of their own.)
pub const HOST_WRITES_KEPT_FOR_UPDATES: u32 = 10;
/// The share of a daily pool that is kept for what people wait for and for cancels, in percent.
pub const POOL_KEPT_FOR_URGENT_PERCENT: u32 = 5;
/// The most hosts and registrants that are counted; more than this in a day is not a real account.
const COUNTED_MAX: usize = 100_000;

/// One line of the day's account, as it is kept over a restart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BudgetUse {
    /// `pool` or `host`.
    pub scope: String,
    /// The pool's label, or the host.
    pub key: String,
    /// The day in UTC.
    pub day: NaiveDate,
    /// How many calls.
    pub used: u32,
}

/// The account of one day.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    day: NaiveDate,
    pools: [u32; Pool::ALL.len()],
    hosts: HashMap<String, u32>,
    registrants: HashMap<String, u32>,
}

impl Budgets {
    /// Starts a new account when the day has changed.
    pub(super) fn turn_to(&mut self, day: NaiveDate) {
        if day != self.day {
            *self = Self { day, ..Self::default() };
        }
    }

    pub(super) fn pool(&mut self, pool: Pool) -> &mut u32 {
        let [light, medium, heavy] = &mut self.pools;
        match pool {
            Pool::Light => light,
            Pool::Medium => medium,
            Pool::Heavy => heavy,
        }
    }

    pub(super) fn host_used(&self, host: &str) -> u32 {
        used(&self.hosts, host)
    }

    pub(super) fn set_host(&mut self, host: &str, used: u32) {
        set(&mut self.hosts, host, used);
    }

    pub(super) fn registrant_used(&self, email: &str) -> u32 {
        used(&self.registrants, email)
    }

    pub(super) fn set_registrant(&mut self, email: &str, used: u32) {
        set(&mut self.registrants, email, used);
    }

    /// What is worth keeping over a restart. Registrants are not: their addresses stay out of the database, and
    /// Zoom tells again.
    pub(super) fn snapshot(&mut self) -> Vec<BudgetUse> {
        let day = self.day;
        let line =
            move |scope: &str, key: String, used| BudgetUse { scope: scope.to_owned(), key, day, used };
        let pools = Pool::ALL.map(|pool| line("pool", pool.as_str().to_owned(), *self.pool(pool)));
        let hosts = self.hosts.iter().map(|(host, used)| line("host", host.clone(), *used));
        pools.into_iter().chain(hosts).filter(|line| line.used > 0).collect()
    }

    /// Adopts what another life of this process used; the larger count is the truer one.
    pub(super) fn restore(&mut self, lines: &[BudgetUse]) {
        let day = self.day;
        for line in lines.iter().filter(|line| line.day == day) {
            if line.scope == "host" {
                self.set_host(&line.key, line.used.max(self.host_used(&line.key)));
            } else if let Some(pool) = Pool::ALL.into_iter().find(|pool| pool.as_str() == line.key) {
                let used = self.pool(pool);
                *used = line.used.max(*used);
            }
        }
    }
}

fn used(counts: &HashMap<String, u32>, name: &str) -> u32 {
    counts.get(&key(name)).copied().unwrap_or(0)
}

/// Sets a count, unless the map is as long as it may get; Zoom itself still counts what does not fit.
fn set(counts: &mut HashMap<String, u32>, name: &str, used: u32) {
    let key = key(name);
    if counts.len() < COUNTED_MAX || counts.contains_key(&key) {
        counts.insert(key, used);
    }
}

/// User ids differ by case, addresses do not.
fn key(host_or_email: &str) -> String {
    if host_or_email.contains('@') { host_or_email.to_lowercase() } else { host_or_email.to_owned() }
}
