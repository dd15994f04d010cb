//! How many licences are wanted when, and from when on there are too few.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{Claim, Facts, Policy};

/// There are, or will be, fewer licences than are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// From when.
    pub from: DateTime<Utc>,
    /// How many are missing at the worst moment within the look-ahead.
    pub short_by: usize,
}

/// How many users want a licence at `at`.
#[must_use]
pub fn demand_at(claims: &[Claim], at: DateTime<Utc>) -> usize {
    let users: BTreeSet<&str> =
        claims.iter().filter(|claim| claim.covers(at)).map(|claim| claim.user.as_str()).collect();
    users.len()
}

/// The shortage within the look-ahead, if there is one.
///
/// Demand rises only where a claim begins, so those moments and now are looked at, in order, with the claims that
/// have ended by then taken out: one pass.
#[must_use]
pub fn shortage(
    claims: &[Claim],
    facts: &Facts,
    seats: usize,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Option<Shortage> {
    let horizon = now + policy.look_ahead;
    let mut open: Vec<&Claim> = Vec::new();
    let mut worst: Option<Shortage> = None;
    let mut note = |at: DateTime<Utc>, wanted: usize| {
        if wanted > seats {
            let short_by = wanted - seats;
            let from = worst.map_or(at, |worst| worst.from);
            let so_far = worst.map_or(0, |worst| worst.short_by);
            worst = Some(Shortage { from, short_by: short_by.max(so_far) });
        }
    };
    // Whoever holds one without wanting it (a meeting that overruns) takes a seat now all the same.
    let now_wanted: BTreeSet<&str> = claims
        .iter()
        .filter(|claim| claim.covers(now))
        .map(|claim| claim.user.as_str())
        .chain(facts.live.iter().filter(|user| facts.lease(user).is_some()).map(String::as_str))
        .collect();
    note(now, now_wanted.len());
    // Claims of one user never touch, so the open ones belong to as many users.
    for claim in claims.iter().filter(|claim| claim.until > now && claim.from <= horizon) {
        let at = claim.from.max(now);
        open.retain(|earlier| earlier.until > at);
        open.push(claim);
        note(at, open.len());
    }
    worst
}
