//! Personal join links: whether a meeting has registration, who should be registered, and what to ask of Zoom next.
//!
//! Zoom knows registrants by their address: one address has one registrant and one link, so the decision is about
//! addresses, and people who share one share its registrant. [`next_step`] compares who is wanted with what is known
//! and names one step; [`settle()`] says what is known after it. Both are pure. A request whose answer was lost is looked
//! up in Zoom's lists before anything is repeated; adding somebody twice does no harm, but uses up their day.

mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

pub use settle::{Failure, Given, Listed, Outcome, Patience, settle};

/// How many people one request may add, approve or cancel (Meeting API, `batch_registrants`, `registrants/status`).
pub const BATCH_MAX: usize = 30;

/// Zoom's name of the setting that says who may register.
pub const APPROVAL_TYPE: &str = "approval_type";

/// Who registers for meetings, as the operator has it (`meetings.registration`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Where a meeting is made for people with addresses under a host who is licensed.
    #[default]
    Auto,
    /// Every meeting.
    Always,
    /// Nothing is said of it to Zoom.
    Never,
}

/// How a registration becomes good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// At once (`approval_type` 0).
    Automatic,
    /// When somebody approves it (`approval_type` 1).
    ByHand,
}

impl Approval {
    /// What these settings, by Zoom's names, say; `None` without registration (`approval_type` 2, or unsaid).
    #[must_use]
    pub fn of(settings: &BTreeMap<String, Value>) -> Option<Self> {
        match settings.get(APPROVAL_TYPE).and_then(Value::as_i64) {
            Some(0) => Some(Self::Automatic),
            Some(1) => Some(Self::ByHand),
            _ => None,
        }
    }
}

/// What decides whether a meeting has registration where its booking does not say so itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// The host has a licence now.
    pub licensed: bool,
    /// And it is theirs: not one that is lent for a meeting and taken back.
    pub licence_stays: bool,
    /// Somebody is invited who can be registered.
    pub somebody: bool,
    /// Zoom has made the meeting, with registration or without; `None` before it has.
    pub at_zoom: Option<bool>,
}

/// The `approval_type` to want of Zoom; `None` where nothing is said of it.
///
/// `Auto` decides when the meeting is made, and stays with that: registration that is turned on later turns away those
/// who have the plain link, and one that is turned off makes the personal links worthless. It also says nothing while
/// the host is without a licence, when Zoom would not hear it.
#[must_use]
pub fn approval_type(mode: Mode, now: Circumstances) -> Option<i64> {
    let on = match (mode, now.at_zoom) {
        (Mode::Never, _) => false,
        (Mode::Always, _) => true,
        (Mode::Auto, None) => now.licensed && now.licence_stays && now.somebody,
        (Mode::Auto, Some(registration)) => registration && now.licensed,
    };
    on.then_some(0)
}

/// Whether an address may register and join where only those of `domain` may. Case does not matter, subdomains are
/// other domains.
#[must_use]
pub fn is_of_domain(email: &str, domain: &str) -> bool {
    let domain = domain.trim().trim_start_matches('@');
    email.trim().rsplit_once('@').is_some_and(|(_, of)| of.eq_ignore_ascii_case(domain))
}

/// A name as Zoom wants it: the given name and the rest, each within its limit (Meeting API, 64 characters).
#[must_use]
pub fn split_name(name: &str) -> (String, Option<String>) {
    const CHARS_MAX: usize = 64;
    let cut = |text: &str| text.trim().chars().take(CHARS_MAX).collect::<String>();
    match name.trim().split_once(char::is_whitespace) {
        Some((first, rest)) => (cut(first), Some(cut(rest))),
        None => (cut(name), None),
    }
}

/// How a registration stands at Zoom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is none, or it was taken back.
    Out,
    /// It is good.
    Approved,
    /// It waits for an approval.
    Pending,
    /// Somebody at Zoom refused it, or took it back.
    Denied,
}

/// What Zoom was asked for, without our having the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// To register.
    Add,
    /// To approve.
    Approve,
    /// To take back.
    Cancel,
}

/// One address, and what is known of its registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The address, in lower case.
    pub address: String,
    /// How it stands at Zoom.
    pub standing: Standing,
    /// What was asked for and not answered.
    pub asked: Option<Ask>,
    /// Somebody here removed it: it is taken back, and not made again unasked.
    pub barred: bool,
    /// A request that named it among others was refused: it is tried by itself.
    pub alone: bool,
    /// Refusals in a row of requests that named it alone.
    pub attempts: i64,
    /// Nothing is tried for it before this.
    pub not_before: Option<DateTime<Utc>>,
    /// It is, or was, somebody of ours: what strangers do on Zoom's page is theirs.
    pub ours: bool,
    /// Since when Zoom's lists lack it, though it should be in them: the first reading that did not find it.
    pub missed: Option<DateTime<Utc>>,
}

impl Entry {
    /// An address of ours that Zoom has not heard of.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            standing: Standing::Out,
            asked: None,
            barred: false,
            alone: false,
            attempts: 0,
            not_before: None,
            ours: true,
            missed: None,
        }
    }

    /// What Zoom should be asked for, whenever that may be.
    fn wants(&self, wanted: &BTreeSet<String>) -> Option<Ask> {
        let invited = wanted.contains(&self.address) && !self.barred;
        match self.standing {
            Standing::Out if invited => Some(Ask::Add),
            Standing::Pending if invited => Some(Ask::Approve),
            Standing::Approved | Standing::Pending if !invited && (self.ours || self.barred) => {
                Some(Ask::Cancel)
            }
            // Whoever refused somebody at Zoom meant it.
            Standing::Out | Standing::Approved | Standing::Pending | Standing::Denied => None,
        }
    }

    fn is_parked(&self, now: DateTime<Utc>) -> bool {
        self.not_before.is_some_and(|until| now < until)
    }
}

/// What is known of a meeting's registrations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// The addresses, each once: everybody wanted, and everybody who is or was registered.
    pub entries: Vec<Entry>,
    /// Somebody wants Zoom's lists read.
    pub look: bool,
    /// When they were last read to their ends.
    pub looked_at: Option<DateTime<Utc>>,
    /// When the last request left.
    pub asked_at: Option<DateTime<Utc>>,
    /// Failures of the whole in a row.
    pub attempts: i64,
    /// Nothing is tried before this.
    pub not_before: Option<DateTime<Utc>>,
}

impl Known {
    fn in_doubt(&self) -> bool {
        self.entries.iter().any(|entry| entry.asked.is_some())
    }

    /// When Zoom's lists are to be read: at once after a lost answer, and once more when a request that is still on its
    /// way has surely come through; at most once in that time for whoever else wants it.
    fn look_due(&self, gap: Duration) -> Option<DateTime<Utc>> {
        let again = self.looked_at.map(|last| last + gap);
        if self.in_doubt() {
            let asked_at = self.asked_at.unwrap_or(DateTime::UNIX_EPOCH);
            return Some(match self.looked_at {
                Some(looked) if looked >= asked_at => asked_at + gap,
                _ => asked_at,
            });
        }
        self.look.then(|| again.unwrap_or(DateTime::UNIX_EPOCH))
    }
}

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing now; and, where time alone changes that, from when on.
    Rest(Option<DateTime<Utc>>),
    /// Read all of Zoom's lists.
    Look,
    /// Ask for the same thing for these addresses, at most [`BATCH_MAX`].
    Ask(Ask, Vec<String>),
}

/// Names the next step. `gap` is how long a request whose answer was lost may still be on its way.
#[must_use]
pub fn next_step(wanted: &BTreeSet<String>, known: &Known, now: DateTime<Utc>, gap: Duration) -> Step {
    if let Some(until) = known.not_before.filter(|until| now < *until) {
        return Step::Rest(Some(until));
    }
    let look_due = known.look_due(gap);
    match look_due {
        Some(due) if due <= now => return Step::Look,
        Some(due) if known.in_doubt() => return Step::Rest(Some(due)),
        _ => {}
    }
    // Who must not come any more goes first; then those who only lack a word.
    for ask in [Ask::Cancel, Ask::Approve, Ask::Add] {
        let due = || {
            known
                .entries
                .iter()
                .filter(move |entry| entry.wants(wanted) == Some(ask) && !entry.is_parked(now))
        };
        let together: Vec<String> =
            due().filter(|entry| !entry.alone).take(BATCH_MAX).map(|entry| entry.address.clone()).collect();
        if !together.is_empty() {
            return Step::Ask(ask, together);
        }
        if let Some(entry) = due().next() {
            return Step::Ask(ask, vec![entry.address.clone()]);
        }
    }
    let parked = known.entries.iter().filter(|entry| entry.wants(wanted).is_some());
    Step::Rest(parked.filter_map(|entry| entry.not_before).chain(look_due).min())
}
