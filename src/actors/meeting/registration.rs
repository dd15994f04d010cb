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
    /// It was made or changed just now.
    anew: bool,
    /// Its links are other ones than before.
    links: bool,
}

impl Registration {
    /// What follows from a step. `new_link`: the meeting's link is another than people have.
    pub(super) fn of(before: &Known, step: &Step, after: &Known, new_link: bool) -> Self {
        let closed = before.number.clone().filter(|number| after.number.as_ref() != Some(number));
        let told = after.told.as_ref().filter(|told| Approval::of(&told.settings).is_some());
        let concerned = matches!(step, Step::Create { .. } | Step::Read { .. } | Step::Change { .. });
        let open = told.and(after.number.clone()).filter(|_| concerned);
        let links = new_link && before.number == after.number;
        Self { closed, open, anew: !matches!(step, Step::Read { .. }), links }
    }

    /// Writes it down.
    pub(super) fn follow(&self, conn: &mut Conn, meeting: &str, now: UtcMillis) -> Result<(), StoreError> {
        if let Some(number) = &self.closed {
            registrant::close(conn, meeting, number, now)?;
        }
        match &self.open {
            Some(number) => registrant::open(conn, meeting, number, self.anew, self.links, now),
            None => Ok(()),
        }
    }
}
