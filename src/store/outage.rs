//! What meetings say of themselves while Zoom cannot be called, and how many wait at all.
//!
//! The words are written beside the sync columns and without raising their version: they are for people to read,
//! and nothing is decided by them.

use diesel::prelude::*;

use super::schema::zoom_meetings;
use super::{Conn, StoreError, UtcMillis};

/// The states of meetings that Zoom does not agree with yet.
pub const WAITING: [&str; 4] = ["pending", "waiting_for_host", "parked", "failed"];

/// How many meetings are in each of [`WAITING`]; those without any are left out.
///
/// # Errors
/// [`StoreError`].
pub fn waiting(conn: &mut Conn) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(zoom_meetings::table
        .filter(zoom_meetings::sync_state.eq_any(WAITING))
        .group_by(zoom_meetings::sync_state)
        .select((zoom_meetings::sync_state, diesel::dsl::count_star()))
        .load(conn)?)
}

/// Notes why a meeting waits; `false` when it says so already.
///
/// # Errors
/// [`StoreError`].
pub fn hold(conn: &mut Conn, meeting_id: &str, words: &str) -> Result<bool, StoreError> {
    let written = diesel::update(zoom_meetings::table.find(meeting_id))
        .filter(zoom_meetings::last_error.is_null().or(zoom_meetings::last_error.ne(words)))
        .set((zoom_meetings::sync_state.eq("pending"), zoom_meetings::last_error.eq(words)))
        .execute(conn)?;
    Ok(written == 1)
}

/// Lets up to `limit` meetings that were in line when the outage began (`since`) say why they wait; how many did.
///
/// # Errors
/// [`StoreError`].
pub fn hold_backlog(conn: &mut Conn, since: UtcMillis, words: &str, limit: i64) -> Result<usize, StoreError> {
    let silent: Vec<String> = zoom_meetings::table
        .filter(zoom_meetings::sync_state.eq("pending").and(zoom_meetings::last_error.is_null()))
        .filter(zoom_meetings::updated_at.lt(since))
        .select(zoom_meetings::id)
        .limit(limit)
        .load(conn)?;
    Ok(diesel::update(zoom_meetings::table.filter(zoom_meetings::id.eq_any(&silent)))
        .set(zoom_meetings::last_error.eq(words))
        .execute(conn)?)
}

/// Takes the words back from up to `limit` meetings that are still in line; from how many.
///
/// # Errors
/// [`StoreError`].
pub fn release_backlog(conn: &mut Conn, words: &str, limit: i64) -> Result<usize, StoreError> {
    let held: Vec<String> = zoom_meetings::table
        .filter(zoom_meetings::sync_state.eq("pending").and(zoom_meetings::last_error.eq(words)))
        .select(zoom_meetings::id)
        .limit(limit)
        .load(conn)?;
    Ok(diesel::update(zoom_meetings::table.filter(zoom_meetings::id.eq_any(&held)))
        .set(zoom_meetings::last_error.eq(None::<String>))
        .execute(conn)?)
}
