//! Who gets one of the account's licences, and when it is taken back.
//!
//! A host whose Zoom user is Basic needs a licence for meetings that Zoom would end after 40 minutes, and for those
//! with registration or cloud recording. The licence is lent: from a margin before the meeting to a margin after
//! it. A host whose next such meeting follows soon keeps it in between. [`plan`] says who gets one, who waits in
//! line, and who can give theirs back; [`next_step`] names the one thing to do now. Both are pure.
//!
//! Licences that nobody lent are none of this module's business: they are neither counted nor taken.

mod forecast;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

pub use forecast::{Shortage, demand_at, shortage};

/// After this many minutes Zoom ends the meetings of a Basic host (Zoom support article KB0067966 and since
/// 2022-07-15 for one-to-one meetings too).
pub const BASIC_MINUTES_MAX: i64 = 40;

/// Zoom's user type of a Basic user (Users API, `type`).
pub const BASIC: i64 = 1;

/// Zoom's user type of a Licensed user (Users API, `type`).
pub const LICENSED: i64 = 2;

/// Why a host needs a licence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The meeting is longer than Zoom lets a Basic host's be.
    LongMeeting,
    /// People register for it.
    Registration,
    /// It is recorded in Zoom's cloud.
    CloudRecording,
    /// Somebody asked for it by hand.
    Asked,
}

/// Why a meeting of this length and with these settings (Zoom's names) needs a licensed host, if it does.
#[must_use]
pub fn reason(duration_minutes: i64, settings: &BTreeMap<String, Value>) -> Option<Reason> {
    let says = |name: &str, value: &Value| settings.get(name) == Some(value);
    if duration_minutes > BASIC_MINUTES_MAX {
        Some(Reason::LongMeeting)
    } else if says("approval_type", &Value::from(0)) || says("approval_type", &Value::from(1)) {
        Some(Reason::Registration)
    } else if says("auto_recording", &Value::from("cloud")) {
        Some(Reason::CloudRecording)
    } else {
        None
    }
}

/// A meeting for which its host needs a licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// The Zoom user who hosts it.
    pub user: String,
    /// The booking; none for what was asked for by hand.
    pub appointment: Option<String>,
    /// Why.
    pub reason: Reason,
    /// When the meeting starts.
    pub from: DateTime<Utc>,
    /// When it ends.
    pub until: DateTime<Utc>,
}

/// How licences are lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How many there are to lend.
    pub seats: usize,
    /// How long before a meeting a licence is given, and how long after it taken back.
    pub margin: Duration,
    /// Whoever needs it again within this keeps it.
    pub keep: Duration,
    /// How far ahead a shortage is looked for.
    pub look_ahead: Duration,
}

/// How a lease stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseState {
    /// Zoom was asked to give it; whether it did is not known, from `settle_at` on it can be looked up.
    Granting,
    /// The user has it.
    Held,
    /// Zoom was asked to take it; whether it did is not known, from `settle_at` on it can be looked up.
    Returning,
}

/// A licence that is lent, or may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The Zoom user.
    pub user: String,
    /// How it stands.
    pub state: LeaseState,
    /// Nothing about it is tried before this.
    pub not_before: Option<DateTime<Utc>>,
}

/// What is known when a decision is made.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The meetings that need a licensed host and are not long over, in any order.
    pub needs: Vec<Need>,
    /// The leases; each takes a seat, whatever its state.
    pub leases: Vec<Lease>,
    /// Users in a running meeting.
    pub live: BTreeSet<String>,
    /// Users whose grant was refused for their own sake, and until when it is not tried again.
    pub refused: BTreeMap<String, DateTime<Utc>>,
    /// What Zoom gave before it said that there are no more.
    pub seats_found: Option<Found>,
}

/// Zoom said that there are no more licences than these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// How many it gave.
    pub seats: usize,
    /// Believed until then; from then on one more is tried. What is not believed any more is still what is known,
    /// until one more is given or nobody is in want.
    pub until: DateTime<Utc>,
}

impl Facts {
    fn lease(&self, user: &str) -> Option<&Lease> {
        self.leases.iter().find(|lease| lease.user == user)
    }

    /// How many licences may be lent now: as many as Zoom gave, and when that is old, one more to see.
    fn seats_to_try(&self, policy: &Policy, now: DateTime<Utc>) -> usize {
        let found = self.seats_found.map(|found| {
            if now < found.until { found.seats } else { found.seats.max(self.leases.len()).saturating_add(1) }
        });
        found.map_or(policy.seats, |found| policy.seats.min(found))
    }

    /// Whether what Zoom said last is of no meaning any more: it is old, and nobody is in want of a licence.
    fn found_is_over(&self, claims: &[Claim], now: DateTime<Utc>) -> bool {
        let has = |user: &str| self.lease(user).is_some_and(|lease| lease.state == LeaseState::Held);
        self.seats_found.is_some_and(|found| found.until <= now)
            && claims.iter().filter(|claim| claim.covers(now)).all(|claim| has(&claim.user))
    }
}

/// A stretch of time during which a user wants the licence without a break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The Zoom user.
    pub user: String,
    /// The first meeting it is for.
    pub appointment: Option<String>,
    /// Why.
    pub reason: Reason,
    /// From when, margin included.
    pub from: DateTime<Utc>,
    /// Until when, margin included.
    pub until: DateTime<Utc>,
}

impl Claim {
    fn covers(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && at < self.until
    }
}

/// What follows from the facts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Who gets a licence now, the most urgent first.
    pub grant: Vec<Claim>,
    /// Who should have one now and has to wait, the most urgent first.
    pub line: Vec<Claim>,
    /// Who can give theirs back.
    pub take_back: Vec<String>,
    /// When there are, or will be, too few.
    pub shortage: Option<Shortage>,
    /// What Zoom said of its licences is of no meaning any more and can be forgotten.
    pub forget_found: bool,
    /// When time alone changes something.
    pub next_at: Option<DateTime<Utc>>,
}

/// The stretches of time during which users want a licence: the meetings with their margins, joined where the
/// pause between two of one user is no longer than `keep`. Ordered by their beginning, then by user.
#[must_use]
pub fn claims(needs: &[Need], policy: &Policy) -> Vec<Claim> {
    let mut needs: Vec<&Need> = needs.iter().collect();
    needs.sort_by(|a, b| (&a.user, a.from, &a.appointment).cmp(&(&b.user, b.from, &b.appointment)));
    let mut claims: Vec<Claim> = Vec::new();
    for need in needs {
        let (from, until) = (need.from - policy.margin, need.until + policy.margin);
        match claims.last_mut() {
            Some(last) if last.user == need.user && from <= last.until + policy.keep => {
                last.until = last.until.max(until);
            }
            _ => claims.push(Claim {
                user: need.user.clone(),
                appointment: need.appointment.clone(),
                reason: need.reason,
                from,
                until,
            }),
        }
    }
    claims.sort_by(|a, b| (a.from, &a.user).cmp(&(b.from, &b.user)));
    claims
}

/// Who gets a licence, who waits, who gives it back, and when there are too few.
#[must_use]
pub fn plan(facts: &Facts, policy: &Policy, now: DateTime<Utc>) -> Plan {
    let claims = claims(&facts.needs, policy);
    let mut free = facts.seats_to_try(policy, now).saturating_sub(facts.leases.len());
    let mut plan = Plan::default();
    for claim in claims.iter().filter(|claim| claim.covers(now) && facts.lease(&claim.user).is_none()) {
        let refused = facts.refused.get(&claim.user).is_some_and(|until| now < *until);
        if free > 0 && !refused {
            free -= 1;
            plan.grant.push(claim.clone());
        } else {
            plan.line.push(claim.clone());
        }
    }
    let soon = now + policy.keep;
    plan.take_back = facts
        .leases
        .iter()
        .filter(|lease| lease.state == LeaseState::Held && lease.not_before.is_none_or(|at| at <= now))
        .filter(|lease| !facts.live.contains(&lease.user))
        .filter(|lease| {
            !claims.iter().any(|claim| claim.user == lease.user && claim.from <= soon && now < claim.until)
        })
        .map(|lease| lease.user.clone())
        .collect();
    plan.forget_found = facts.found_is_over(&claims, now);
    // Trying one more ends no shortage: only that it is given does. Else each try would make the shortage news.
    let known = facts.seats_found.filter(|_| !plan.forget_found);
    let seats = known.map_or(policy.seats, |found| policy.seats.min(found.seats));
    plan.shortage = shortage(&claims, facts, seats, policy, now);
    plan.next_at = next_at(&claims, facts, now);
    plan
}

/// When time alone changes something: a claim begins or ends, or a wait is over.
fn next_at(claims: &[Claim], facts: &Facts, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let edges = claims.iter().flat_map(|claim| [claim.from, claim.until]);
    let waits = facts.leases.iter().filter_map(|lease| lease.not_before);
    let believed = facts.seats_found.map(|found| found.until);
    edges.chain(waits).chain(facts.refused.values().copied()).chain(believed).filter(|at| *at > now).min()
}

/// The one thing to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Look up at Zoom whether the user has the licence: what was asked for may be done or not.
    Settle(String),
    /// Ask Zoom whether the user is in any meeting, also in one that is none of ours.
    AskLive(String),
    /// Give a licence.
    Grant(Claim),
    /// Take a licence back.
    TakeBack(String),
    /// Nothing now.
    Rest,
}

/// Names the next step of `plan`. `idle` are the users of whom Zoom just said that they are in no meeting.
///
/// Doubts come first, because a seat in doubt is a seat taken; then what frees seats, then what takes them.
#[must_use]
pub fn next_step(facts: &Facts, plan: &Plan, idle: &BTreeSet<String>, now: DateTime<Utc>) -> Step {
    let in_doubt = facts
        .leases
        .iter()
        .filter(|lease| lease.state != LeaseState::Held)
        .find(|lease| lease.not_before.is_none_or(|at| at <= now));
    if let Some(lease) = in_doubt {
        return Step::Settle(lease.user.clone());
    }
    if let Some(user) = plan.take_back.first() {
        let step = if idle.contains(user) { Step::TakeBack } else { Step::AskLive };
        return step(user.clone());
    }
    plan.grant.first().map_or(Step::Rest, |claim| Step::Grant(claim.clone()))
}
