//! What is known of the registrations after a step.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use super::{Ask, Entry, Known, Standing, Step};

/// The longest that one person's registration is left alone after a refusal.
const PARKED_MAX: Duration = Duration::hours(24);

/// The waiting times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How long a request whose answer was lost may still be on its way.
    pub gap: Duration,
    /// The first back-off after a failure.
    pub retry_min: Duration,
    /// The back-off after a refusal, and the longest after a failure.
    pub retry_max: Duration,
}

/// What Zoom made of an address that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// A link.
    Link,
    /// A registration that waits for its approval.
    NoLink,
}

/// A registration as Zoom lists it, with the best standing that its address has there.
pub type Listed = BTreeMap<String, Standing>;

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Zoom's lists, read to their ends; the reading began then.
    Listed {
        /// Who is in them.
        listed: Listed,
        /// When it began.
        since: DateTime<Utc>,
    },
    /// Added, as far as Zoom names them.
    Added(BTreeMap<String, Given>),
    /// Approved or cancelled.
    Done,
    /// Perhaps done.
    Unknown,
    /// Not done.
    Failed(Failure),
}

/// Why a step was not done, by what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nothing can be done at Zoom at present: nobody's failure.
    Shut,
    /// Certainly not done; again after a back-off.
    NotDone,
    /// Not before this time, for anybody.
    Until(DateTime<Utc>),
    /// Zoom takes no registrations for this meeting: again after the longest back-off.
    Refused,
    /// Because of one of those it named; until when, where Zoom says so (a daily limit).
    Theirs(Option<DateTime<Utc>>),
}

/// What is known after `step` came out as `outcome`. `jitter` in 0.0 to 1.0 spreads the back-off. A standing that
/// Zoom's lists contradict is Zoom's: who was registered, is wanted, and is missing from two readings in succession was
/// refused by somebody there.
#[must_use]
pub fn settle(
    wanted: &BTreeSet<String>,
    known: &Known,
    step: &Step,
    outcome: &Outcome,
    now: DateTime<Utc>,
    patience: &Patience,
    jitter: f64,
) -> Known {
    let mut next = known.clone();
    match (step, outcome) {
        (Step::Look, Outcome::Listed { listed, since }) => {
            worked(&mut next);
            looked(&mut next, wanted, listed, *since, patience.gap);
        }
        // A list that was not read tells nothing; it is read again.
        (Step::Look, Outcome::Unknown) => back_off(&mut next, now, patience, jitter),
        (Step::Ask(ask, addresses), outcome) => {
            asked(&mut next, *ask, addresses, outcome, now, patience, jitter)
        }
        (_, Outcome::Failed(failure)) => failed(&mut next, *failure, now, patience, jitter),
        _ => {}
    }
    next
}

fn worked(next: &mut Known) {
    next.attempts = 0;
    next.not_before = None;
}

fn of<'a>(next: &'a mut Known, addresses: &'a [String]) -> impl Iterator<Item = &'a mut Entry> {
    next.entries.iter_mut().filter(|entry| addresses.contains(&entry.address))
}

fn asked(
    next: &mut Known,
    ask: Ask,
    addresses: &[String],
    outcome: &Outcome,
    now: DateTime<Utc>,
    patience: &Patience,
    jitter: f64,
) {
    if *outcome == Outcome::Unknown {
        return;
    }
    of(next, addresses).for_each(|entry| entry.asked = None);
    match outcome {
        Outcome::Added(given) => {
            worked(next);
            for entry in of(next, addresses) {
                match given.get(&entry.address) {
                    Some(given) => added(entry, *given),
                    None => refused(entry, addresses.len(), None, now, patience),
                }
            }
        }
        Outcome::Done => {
            worked(next);
            of(next, addresses).for_each(|entry| done(entry, ask));
            // The answer to an approval has no link in it.
            next.look |= ask == Ask::Approve;
        }
        Outcome::Failed(Failure::Theirs(until)) => {
            of(next, addresses).for_each(|entry| refused(entry, addresses.len(), *until, now, patience));
        }
        Outcome::Failed(failure) => failed(next, *failure, now, patience, jitter),
        Outcome::Listed { .. } | Outcome::Unknown => {}
    }
}

fn added(entry: &mut Entry, given: Given) {
    done(entry, Ask::Add);
    if given == Given::NoLink {
        entry.standing = Standing::Pending;
    }
}

fn done(entry: &mut Entry, ask: Ask) {
    entry.standing = if ask == Ask::Cancel { Standing::Out } else { Standing::Approved };
    entry.attempts = 0;
    entry.alone = false;
    entry.not_before = None;
}

/// A refusal of several is nobody's until each was tried alone; one of a single person parks that person.
fn refused(
    entry: &mut Entry,
    named: usize,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    patience: &Patience,
) {
    let was_alone = entry.alone || named == 1;
    entry.alone = true;
    if was_alone {
        entry.attempts = entry.attempts.saturating_add(1);
        let doublings = entry.attempts.saturating_sub(1).clamp(0, 10) as u32;
        let wait = 2_i32.checked_pow(doublings).and_then(|factor| patience.retry_max.checked_mul(factor));
        let wait = wait.map_or(PARKED_MAX, |wait| wait.min(PARKED_MAX));
        entry.not_before = Some(until.unwrap_or(now + wait));
    }
}

fn failed(next: &mut Known, failure: Failure, now: DateTime<Utc>, patience: &Patience, jitter: f64) {
    match failure {
        Failure::Shut => {}
        Failure::Until(until) => next.not_before = Some(until),
        Failure::NotDone => back_off(next, now, patience, jitter),
        Failure::Refused | Failure::Theirs(_) => {
            next.attempts = next.attempts.saturating_add(1);
            next.not_before = Some(now + patience.retry_max);
        }
    }
}

/// Doubling from `retry_min` to `retry_max`, spread over the upper half, as the sync loop does it.
fn back_off(next: &mut Known, now: DateTime<Utc>, patience: &Patience, jitter: f64) {
    next.attempts = next.attempts.saturating_add(1);
    let doublings = next.attempts.saturating_sub(1).clamp(0, 30) as u32;
    let doubled = 2_i32.checked_pow(doublings).and_then(|factor| patience.retry_min.checked_mul(factor));
    let full = doubled.map_or(patience.retry_max, |doubled| doubled.min(patience.retry_max));
    let half = full / 2;
    let spread = Duration::milliseconds((half.num_milliseconds() as f64 * jitter.clamp(0.0, 1.0)) as i64);
    next.not_before = Some(now + half + spread);
}

fn looked(next: &mut Known, wanted: &BTreeSet<String>, listed: &Listed, since: DateTime<Utc>, gap: Duration) {
    let over = next.asked_at.is_none_or(|asked| asked + gap <= since);
    for entry in &mut next.entries {
        let here =
            entry.asked.is_none() && entry.standing != Standing::Out && wanted.contains(&entry.address);
        let found = listed.get(&entry.address).copied();
        let missed = entry.missed.take();
        let standing = match found {
            Some(standing) => standing,
            None if here => not_found(entry, missed, since, gap),
            None => Standing::Out,
        };
        let came_through = match entry.asked {
            Some(Ask::Add) => standing != Standing::Out,
            Some(Ask::Approve) => standing == Standing::Approved,
            Some(Ask::Cancel) => standing == Standing::Out,
            None => true,
        };
        entry.standing = standing;
        if came_through || over {
            entry.asked = None;
        }
        if found == Some(Standing::Approved) {
            (entry.attempts, entry.alone, entry.not_before) = (0, false, None);
        }
    }
    let known: BTreeSet<&String> = next.entries.iter().map(|entry| &entry.address).collect();
    let strangers: Vec<Entry> = listed
        .iter()
        .filter(|(address, _)| !known.contains(address))
        .map(|(address, standing)| Entry { standing: *standing, ours: false, ..Entry::new(address.clone()) })
        .collect();
    next.entries.extend(strangers);
    next.look = next.entries.iter().any(|entry| entry.missed.is_some());
    next.looked_at = Some(since);
}

/// How somebody stands who is wanted, was registered, and is in none of Zoom's lists. One reading may have missed them,
/// pages move while they are read; at the second in succession they were taken back at Zoom, and whoever did that
/// meant it.
fn not_found(
    entry: &mut Entry,
    missed: Option<DateTime<Utc>>,
    since: DateTime<Utc>,
    gap: Duration,
) -> Standing {
    let first = missed.unwrap_or(since);
    if entry.barred || entry.standing == Standing::Denied || missed.is_some() && first + gap <= since {
        return Standing::Denied;
    }
    entry.missed = Some(first);
    entry.standing
}
