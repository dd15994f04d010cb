//! Whether Zoom was asked for all runs of a meeting, and who wants everything about it read again.
//!
//! `wanted` is raised by anybody, `served` follows up to what was begun, so that no wish is lost.

use diesel::prelude::*;

use super::due::{self, DueKind};
use super::report;
use super::schema::{appointments, due_work, meeting_judgings as table, meeting_reports, zoom_meetings};
use super::{Conn, StoreError, UtcMillis, each_backend};

/// Bookings in these states may have had a class.
pub(super) const HELD: [&str; 4] = ["confirmed", "in_progress", "completed", "no_show"];
/// Values in one statement; far below both databases' limits on parameters.
const VALUES_MAX: usize = 1000;

/// A row of `meeting_judgings`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = table, treat_none_as_default_value = false)]
pub struct JudgingRow {
    /// Our id of the meeting.
    pub meeting_id: String,
    /// When Zoom's list of its runs was read after its end, or given up.
    pub listed_at: Option<UtcMillis>,
    /// How often in succession Zoom said that it knows no such meeting.
    pub misses: i64,
    /// Raised by whoever wants everything read again.
    pub wanted: i64,
    /// Up to where that is begun.
    pub served: i64,
    /// When it was begun last.
    pub served_at: Option<UtcMillis>,
    /// When the waiting for a run was given up.
    pub given_up_at: Option<UtcMillis>,
    /// Zoom did not give its list of runs until `listed_at` or `given_up_at`.
    pub unheard: bool,
}

impl JudgingRow {
    /// Whether somebody wants everything read again.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.wanted > self.served
    }

    /// Whether Zoom was asked for the runs of a booking that ends at `end`, after its end.
    #[must_use]
    pub fn is_listed(&self, end: UtcMillis) -> bool {
        self.listed_at.is_some_and(|at| at >= end)
    }

    /// Whether the waiting for a run of a booking that ends at `end` was given up.
    #[must_use]
    pub fn is_given_up(&self, end: UtcMillis) -> bool {
        self.given_up_at.is_some_and(|at| at >= end)
    }
}

/// The row of a meeting; one that was not asked for has none yet.
///
/// # Errors
/// [`StoreError`].
pub fn of(conn: &mut Conn, meeting_id: &str) -> Result<JudgingRow, StoreError> {
    let row = table::table.find(meeting_id).select(JudgingRow::as_select()).first(conn).optional()?;
    Ok(row.unwrap_or_else(|| JudgingRow { meeting_id: meeting_id.to_owned(), ..JudgingRow::default() }))
}

/// Writes a row; wishes that came meanwhile stay.
///
/// # Errors
/// [`StoreError`].
pub fn save(conn: &mut Conn, row: &JudgingRow) -> Result<(), StoreError> {
    each_backend!(conn, |c| diesel::insert_into(table::table)
        .values(row)
        .on_conflict(table::meeting_id)
        .do_update()
        .set((
            table::listed_at.eq(row.listed_at),
            table::misses.eq(row.misses),
            table::served.eq(row.served),
            table::served_at.eq(row.served_at),
            table::given_up_at.eq(row.given_up_at),
            table::unheard.eq(row.unheard),
        ))
        .execute(c))?;
    Ok(())
}

/// What became of a wish to have everything read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// It is noted.
    Noted,
    /// The people of the booking are put away: Zoom would say again who they were.
    Nameless,
    /// The booking was called off or never made: there was no class.
    NotHeld,
}

impl Wish {
    /// Why nothing is read again, in words for people.
    #[must_use]
    pub fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Noted => None,
            Self::Nameless => Some(
                "Zoom's runs and reports are not read again: who was there was put away by the retention rules",
            ),
            Self::NotHeld => Some(
                "Zoom's runs and reports are not read again: the booking was cancelled or never confirmed",
            ),
        }
    }
}

/// Asks that Zoom be asked for the runs of a booking's meeting, and that every report of them be read, again. Of a
/// booking of which nothing may be read again nothing is written.
///
/// # Errors
/// [`StoreError`].
pub fn want(
    conn: &mut Conn,
    meeting_id: &str,
    appointment_id: &str,
    at: UtcMillis,
) -> Result<Wish, StoreError> {
    let booking: Option<(String, Option<UtcMillis>)> = appointments::table
        .find(appointment_id)
        .select((appointments::status, appointments::anonymised_at))
        .first(conn)
        .optional()?;
    match booking {
        Some((_, Some(_))) => return Ok(Wish::Nameless),
        Some((status, None)) if HELD.contains(&status.as_str()) => {}
        _ => return Ok(Wish::NotHeld),
    }
    let first = JudgingRow { meeting_id: meeting_id.to_owned(), wanted: 1, ..JudgingRow::default() };
    each_backend!(conn, |c| diesel::insert_into(table::table)
        .values(&first)
        .on_conflict(table::meeting_id)
        .do_update()
        .set(table::wanted.eq(table::wanted + 1))
        .execute(c))?;
    due::set(conn, DueKind::WindowEnd, appointment_id, at)?;
    Ok(Wish::Noted)
}

/// Which of these meetings are still being judged again: Zoom has not been asked yet, or what it said has not been
/// scored.
///
/// # Errors
/// [`StoreError`].
pub fn unserved(conn: &mut Conn, meetings: &[String]) -> Result<Vec<String>, StoreError> {
    let mut left = Vec::new();
    for ids in meetings.chunks(VALUES_MAX) {
        let asked: Vec<String> = table::table
            .filter(table::meeting_id.eq_any(ids).and(table::wanted.gt(table::served)))
            .select(table::meeting_id)
            .load(conn)?;
        let reading: Vec<String> = meeting_reports::table
            .filter(meeting_reports::meeting_id.eq_any(ids))
            .filter(meeting_reports::reread_wanted.gt(meeting_reports::reread_served))
            .select(meeting_reports::meeting_id)
            .distinct()
            .load(conn)?;
        let scoring: Vec<String> = zoom_meetings::table
            .inner_join(due_work::table.on(due_work::key.eq(zoom_meetings::appointment_id)))
            .filter(zoom_meetings::id.eq_any(ids).and(due_work::kind.eq(DueKind::Score)))
            .select(zoom_meetings::id)
            .load(conn)?;
        left.extend(asked.into_iter().chain(reading).chain(scoring));
    }
    left.sort_unstable();
    left.dedup();
    Ok(left)
}

/// Notes that a run's report is to be read, for the first time or, when `again`, also if it was read or given up
/// before; its reading is due at `at`.
///
/// # Errors
/// [`StoreError`].
pub fn expect_report(
    conn: &mut Conn,
    instance: &str,
    meeting_id: &str,
    at: UtcMillis,
    now: UtcMillis,
    again: bool,
) -> Result<(), StoreError> {
    let first = report::expect_one(conn, instance, meeting_id, now)?;
    if again {
        report::want_again(conn, instance)?;
    }
    if first || again { due::set(conn, DueKind::Report, instance, at) } else { Ok(()) }
}
