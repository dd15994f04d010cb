//! What callers were promised: every booking that was acknowledged, as it was last acknowledged, and every answer
//! that should not have been given.

use std::cell::RefCell;
use std::fmt;

use convened::clock::Instant;

use crate::api::Answer;

/// A booking that a caller has an acknowledgement of.
#[derive(Debug, Clone)]
pub(crate) struct Promise {
    /// Ours of it; in its description, so that the account tells whose meeting it holds.
    pub(crate) tag: String,
    /// The daemon's id of it.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) start: Instant,
    pub(crate) minutes: i64,
    pub(crate) zone: String,
    pub(crate) host: Expected,
    pub(crate) group: Option<String>,
    /// The tag of the first of its series, and its place in it.
    pub(crate) series: Option<(String, usize)>,
    pub(crate) state: State,
    /// What was asked and answered.
    pub(crate) log: Vec<String>,
}

/// Under whom a meeting may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The person with this `ref`.
    Person(String),
    /// Any shared host.
    Pool,
    /// The person, or a shared host when they were taken.
    PersonOrPool(String),
}

/// What became of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Requested,
    Confirmed,
    Cancelled,
    /// Its class is played: the meeting stays.
    Played,
    /// Its hour may have passed before Zoom could hear of it.
    Lapsed,
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Whose booking, by its tag.
    pub(crate) tag: Option<String>,
    pub(crate) expected: String,
    pub(crate) found: String,
}

impl Violation {
    pub(crate) fn new(tag: Option<&str>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { tag: tag.map(str::to_owned), expected: expected.into(), found: found.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = self.tag.as_deref().unwrap_or("all");
        write!(f, "{tag}: expected {}; found {}", self.expected, self.found)
    }
}

/// All promises of a day.
#[derive(Debug, Default)]
pub(crate) struct Book {
    promises: RefCell<Vec<Promise>>,
    violations: RefCell<Vec<Violation>>,
}

impl Book {
    pub(crate) fn add(&self, promise: Promise) {
        self.promises.borrow_mut().push(promise);
    }

    pub(crate) fn promises(&self) -> Vec<Promise> {
        self.promises.borrow().clone()
    }

    /// The `of`-th booking of a caller, in turn.
    pub(crate) fn nth(&self, caller: &str, of: usize) -> Option<Promise> {
        let promises = self.promises.borrow();
        let theirs: Vec<&Promise> =
            promises.iter().filter(|promise| promise.tag.starts_with(caller)).collect();
        theirs.get(of.checked_rem(theirs.len())?).map(|&promise| promise.clone())
    }

    pub(crate) fn change(&self, tag: &str, change: impl FnOnce(&mut Promise)) {
        if let Some(promise) = self.promises.borrow_mut().iter_mut().find(|promise| promise.tag == tag) {
            change(promise);
        }
    }

    /// Writes an answer down; one that is not `right` is a violation.
    pub(crate) fn judge(&self, tag: &str, right: bool, what: &str, answer: &Answer) {
        self.change(tag, |promise| promise.log.push(format!("{what}: {answer}")));
        if !right {
            self.accuse(Violation::new(Some(tag), what, answer.to_string()));
        }
    }

    pub(crate) fn accuse(&self, violation: Violation) {
        self.violations.borrow_mut().push(violation);
    }

    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.violations.borrow().clone()
    }
}
