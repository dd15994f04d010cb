//! The story of a booking: what was asked, decided and done, with times. Never a secret, never more about a person
//! than their `ref`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;

use super::schema::story;
use super::{Conn, Json, StoreError, UtcMillis};

/// A line to add.
#[derive(Debug, Insertable)]
#[diesel(table_name = story, treat_none_as_default_value = false)]
struct NewLine<'a> {
    appointment_id: &'a str,
    at: UtcMillis,
    kind: &'a str,
    text: &'a str,
    details: Option<Json>,
}

/// A line of a story.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = story)]
pub struct StoryLine {
    /// Its place; later lines have larger ones.
    pub id: i64,
    /// When.
    pub at: UtcMillis,
    /// What kind of thing happened, such as `zoom.created`.
    pub kind: String,
    /// What happened, in words.
    pub text: String,
    /// The facts.
    pub details: Option<Json>,
}

/// Adds a line to the story of a booking.
///
/// # Errors
/// [`StoreError`].
pub fn tell(
    conn: &mut Conn,
    appointment_id: &str,
    at: DateTime<Utc>,
    kind: &str,
    text: &str,
    details: Option<Value>,
) -> Result<(), StoreError> {
    let details = details.as_ref().map(Json::of).transpose()?;
    let line = NewLine { appointment_id, at: UtcMillis::from(at), kind, text, details };
    diesel::insert_into(story::table).values(&line).execute(conn)?;
    Ok(())
}

/// Adds a line to the story of a booking that may be gone meanwhile.
///
/// # Errors
/// [`StoreError`].
pub fn tell_if_there(
    conn: &mut Conn,
    appointment_id: &str,
    at: DateTime<Utc>,
    kind: &str,
    text: &str,
    details: Option<Value>,
) -> Result<(), StoreError> {
    match super::appointment::by_id(conn, appointment_id)? {
        Some(_) => tell(conn, appointment_id, at, kind, text, details),
        None => Ok(()),
    }
}

/// Whether a line of this kind is in the story of a booking.
///
/// # Errors
/// [`StoreError`].
pub fn tells(conn: &mut Conn, appointment_id: &str, kind: &str) -> Result<bool, StoreError> {
    let found: Option<i64> = story::table
        .filter(story::appointment_id.eq(appointment_id).and(story::kind.eq(kind)))
        .select(story::id)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Which of these bookings have a line of this kind in their story.
///
/// # Errors
/// [`StoreError`].
pub fn told(conn: &mut Conn, appointment_ids: &[String], kind: &str) -> Result<BTreeSet<String>, StoreError> {
    if appointment_ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let told: Vec<String> = story::table
        .filter(story::appointment_id.eq_any(appointment_ids).and(story::kind.eq(kind)))
        .select(story::appointment_id)
        .load(conn)?;
    Ok(told.into_iter().collect())
}

/// The story of a booking, oldest line first: its newest `limit` lines.
///
/// # Errors
/// [`StoreError`].
pub fn of_appointment(
    conn: &mut Conn,
    appointment_id: &str,
    limit: i64,
) -> Result<Vec<StoryLine>, StoreError> {
    let mut lines: Vec<StoryLine> = story::table
        .filter(story::appointment_id.eq(appointment_id))
        .order(story::id.desc())
        .limit(limit)
        .select(StoryLine::as_select())
        .load(conn)?;
    lines.reverse();
    Ok(lines)
}

/// Whether the story of a booking has a line of this kind.
///
/// # Errors
/// [`StoreError`].
pub fn has(conn: &mut Conn, appointment_id: &str, kind: &str) -> Result<bool, StoreError> {
    let found: Option<i64> = story::table
        .filter(story::appointment_id.eq(appointment_id).and(story::kind.eq(kind)))
        .select(story::id)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}
