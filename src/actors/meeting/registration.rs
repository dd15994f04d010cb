//! What a step of the sync loop means for the meeting's registrations.

use crate::domain::registration::Approval;
use crate::domain::sync::{Known, Step};
use crate::store::{Conn, StoreError, UtcMillis, registrant};

/// What there is to do for the registrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Registration {
    /// The number that is no more, with everything registered under it.
    closed: Option<String>,
    /// The number that has registration.
    open: Option<String>,
    /// The number that is without registration.
    off: Option<String>,
    /// It was made or changed just now.
    anew: bool,
    /// Its links are other ones than before, or may be: it was not known to have registration.
    links: bool,
}

impl Registration {
    /// What follows from a step. `new_link`: the meeting's link is another than people have.
    pub(super) fn of(before: &Known, step: &Step, after: &Known, new_link: bool) -> Self {
        let closed = before.number.clone().filter(|number| after.number.as_ref() != Some(number));
        let has = |known: &Known| known.told.as_ref().map(|told| Approval::of(&told.settings).is_some());
        let concerned = matches!(step, Step::Create { .. } | Step::Read { .. } | Step::Change { .. });
        let number = after.number.clone().filter(|_| concerned);
        let open = number.clone().filter(|_| has(after) == Some(true));
        let off = number.filter(|_| has(after) == Some(false) && has(before) != Some(false));
        let links = (new_link || has(before) != Some(true)) && before.number == after.number;
        Self { closed, open, off, anew: !matches!(step, Step::Read { .. }), links }
    }

    /// Writes it down.
    pub(super) fn follow(&self, conn: &mut Conn, meeting: &str, now: UtcMillis) -> Result<(), StoreError> {
        if let Some(number) = &self.closed {
            registrant::close(conn, meeting, number, now)?;
        }
        if let Some(number) = &self.off {
            registrant::suspend(conn, meeting, number, now)?;
        }
        match &self.open {
            Some(number) => registrant::open(conn, meeting, number, self.anew, self.links, now),
            None => Ok(()),
        }
    }
}
