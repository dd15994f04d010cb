//! Putting away what is old, in small batches: what is found is read first, and written by its keys.
//!
//! Nothing goes that is still needed: a booking that runs, whose marks are provisional, whose report is waited for, or
//! of which webhooks wait to be applied, is left alone however old it is ([`AT_REST`]).
//!
//! - `bookings`: names and addresses, meetings, marks. `rows`: webhooks, kept answers, stories.

mod bookings;
mod rows;

use diesel::prelude::*;

use super::schema::appointments;
use super::{Conn, StoreError, UtcMillis};
use crate::domain::retention::Limits;

/// A booking of which nothing is to come.
const AT_REST: &str = " AND a.status <> 'in_progress'
    AND NOT EXISTS (SELECT 1 FROM attendance_records r WHERE r.appointment_id = a.id AND r.provisional)
    AND NOT EXISTS (SELECT 1 FROM zoom_meetings m JOIN meeting_reports p ON p.meeting_id = m.id
        WHERE m.appointment_id = a.id AND p.state IN ('waiting', 'reading'))
    AND NOT EXISTS (SELECT 1 FROM zoom_meetings m JOIN webhook_events w ON w.zoom_meeting_id = m.zoom_meeting_id
        WHERE m.appointment_id = a.id AND w.state = 'pending')";

/// Whether a booking has lost its marks to age.
///
/// # Errors
/// [`StoreError`].
pub fn is_forgotten(conn: &mut Conn, appointment_id: &str) -> Result<bool, StoreError> {
    let at: Option<Option<UtcMillis>> =
        appointments::table.find(appointment_id).select(appointments::forgotten_at).first(conn).optional()?;
    Ok(at.flatten().is_some())
}

/// One kind of thing that is put away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sweep {
    /// Webhooks: deleted.
    Webhooks,
    /// Answers kept for a repetition: deleted.
    KeptAnswers,
    /// Who took part in a booking: made nameless.
    Participants,
    /// Bookings and their meetings: put away, with their links and passcodes deleted.
    Meetings,
    /// Marks and rosters of a booking, scored or not: deleted.
    Attendance,
    /// Lines of stories: deleted.
    Stories,
}

/// Where a sweep goes on: ids of rows that follow each other in time, or keys of bookings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// The rows that are to be put away.
    keys: Vec<String>,
    /// Where the next batch begins; `None` when there is none.
    next: Option<String>,
}

impl Batch {
    /// How many things are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Where the next batch begins.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }
}

impl Sweep {
    /// All of them, in the order in which they are done: a booking becomes nameless before it is put away.
    pub const ALL: [Self; 6] = [
        Self::Webhooks,
        Self::KeptAnswers,
        Self::Participants,
        Self::Meetings,
        Self::Attendance,
        Self::Stories,
    ];

    /// Its name in answers and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhooks => "webhooks",
            Self::KeptAnswers => "kept_answers",
            Self::Participants => "participants",
            Self::Meetings => "meetings",
            Self::Attendance => "attendance",
            Self::Stories => "stories",
        }
    }

    /// The next things that are too old, after `after` (empty: from the beginning).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find(self, conn: &mut Conn, limits: &Limits, after: &str) -> Result<Batch, StoreError> {
        match self {
            Self::Webhooks => rows::old_webhooks(conn, limits, after),
            Self::KeptAnswers => rows::old_answers(conn, limits),
            Self::Stories => rows::old_stories(conn, limits, after),
            Self::Participants => bookings::named(conn, limits, after),
            Self::Meetings => bookings::unarchived(conn, limits, after),
            Self::Attendance => bookings::remembered(conn, limits, after),
        }
    }

    /// Puts a batch away; how many things it was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put_away(
        self,
        conn: &mut Conn,
        batch: &Batch,
        limits: &Limits,
        now: UtcMillis,
    ) -> Result<usize, StoreError> {
        if batch.is_empty() {
            return Ok(0);
        }
        match self {
            Self::Webhooks => rows::delete(conn, "webhook_events", &batch.keys),
            Self::Stories => rows::delete(conn, "story", &batch.keys),
            Self::KeptAnswers => rows::delete_answers(conn, limits),
            Self::Participants => bookings::make_nameless(conn, &batch.keys, now),
            Self::Meetings => bookings::archive(conn, &batch.keys, now),
            Self::Attendance => bookings::forget_marks(conn, &batch.keys, now),
        }
    }
}
