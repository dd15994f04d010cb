//! Marks: one row a person and booking. What a hand corrected stays through every import.

use diesel::prelude::*;
use diesel::upsert::excluded;

use super::schema::attendance_records as table;
use super::{Conn, Json, StoreError, UtcMillis, correction, each_backend, hold};

/// Rows in one statement: 18 columns each.
const BATCH_MAX: usize = 1000;

/// A mark as computed.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = table, treat_none_as_default_value = false)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct MarkRow {
    pub appointment_id: String,
    pub person_ref: String,
    pub role: String,
    pub status: String,
    pub score_milli: i64,
    pub attended_seconds: i64,
    pub first_join: Option<UtcMillis>,
    pub last_leave: Option<UtcMillis>,
    pub left_early: bool,
    pub host_absent: bool,
    pub host_late: bool,
    pub held_against: bool,
    pub together_seconds: i64,
    pub provisional: bool,
    pub evidence: Json,
    pub rules: String,
    pub created_at: UtcMillis,
    pub updated_at: UtcMillis,
}

/// What a hand put in a mark's place.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = table)]
pub struct CorrectionRow {
    /// Whose mark.
    pub person_ref: String,
    /// The status that counts instead.
    pub corrected_status: Option<String>,
    /// Why.
    pub corrected_note: Option<String>,
    /// By whom.
    pub corrected_by: Option<String>,
    /// When.
    pub corrected_at: Option<UtcMillis>,
}

/// The status that counts: what a hand gave, else what was found.
#[must_use]
pub fn effective_status<'a>(mark: &'a MarkRow, correction: &'a CorrectionRow) -> &'a str {
    correction.corrected_status.as_deref().unwrap_or(&mark.status)
}

/// The marks of a booking with their corrections, by person.
///
/// # Errors
/// [`StoreError`].
pub fn of_appointment(
    conn: &mut Conn,
    appointment_id: &str,
) -> Result<Vec<(MarkRow, CorrectionRow)>, StoreError> {
    Ok(table::table
        .filter(table::appointment_id.eq(appointment_id))
        .order(table::person_ref)
        .select((MarkRow::as_select(), CorrectionRow::as_select()))
        .load(conn)?)
}

/// Whether a booking has marks.
///
/// # Errors
/// [`StoreError`].
pub fn is_scored(conn: &mut Conn, appointment_id: &str) -> Result<bool, StoreError> {
    let first: Option<String> = table::table
        .filter(table::appointment_id.eq(appointment_id))
        .select(table::person_ref)
        .first(conn)
        .optional()?;
    Ok(first.is_some())
}

/// Writes the marks of a booking: new ones, changed ones, and away with those of people who are not expected
/// any more, unless a hand corrected them. Corrections that waited for their mark get to it. Who corrects a mark of
/// the booking at the same time waits.
///
/// # Errors
/// [`StoreError`].
pub fn save(conn: &mut Conn, appointment_id: &str, marks: &[MarkRow]) -> Result<(), StoreError> {
    hold::booking(conn, appointment_id)?;
    let people: Vec<&str> = marks.iter().map(|mark| mark.person_ref.as_str()).collect();
    diesel::delete(table::table)
        .filter(table::appointment_id.eq(appointment_id))
        .filter(table::corrected_at.is_null())
        .filter(table::person_ref.ne_all(&people))
        .execute(conn)?;
    if marks.iter().all(|mark| !mark.provisional) {
        // Nothing scores these any more: they are as final as the others.
        diesel::update(table::table)
            .filter(table::appointment_id.eq(appointment_id).and(table::provisional.eq(true)))
            .filter(table::person_ref.ne_all(&people))
            .set(table::provisional.eq(false))
            .execute(conn)?;
    }
    for chunk in marks.chunks(BATCH_MAX) {
        each_backend!(conn, |c| diesel::insert_into(table::table)
            .values(chunk)
            .on_conflict((table::appointment_id, table::person_ref))
            .do_update()
            .set((
                table::role.eq(excluded(table::role)),
                table::status.eq(excluded(table::status)),
                table::score_milli.eq(excluded(table::score_milli)),
                table::attended_seconds.eq(excluded(table::attended_seconds)),
                table::first_join.eq(excluded(table::first_join)),
                table::last_leave.eq(excluded(table::last_leave)),
                table::left_early.eq(excluded(table::left_early)),
                table::host_absent.eq(excluded(table::host_absent)),
                table::host_late.eq(excluded(table::host_late)),
                table::held_against.eq(excluded(table::held_against)),
                table::together_seconds.eq(excluded(table::together_seconds)),
                table::provisional.eq(excluded(table::provisional)),
                table::evidence.eq(excluded(table::evidence)),
                table::rules.eq(excluded(table::rules)),
                table::updated_at.eq(excluded(table::updated_at)),
            ))
            .execute(c))?;
    }
    correction::copy_to_marks(conn, appointment_id)
}
