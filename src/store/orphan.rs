//! Meetings at Zoom that carry our mark and that no booking owns: seen in a sweep, looked at again, then removed or
//! kept for a person to decide.

use diesel::prelude::*;

use super::schema::zoom_orphans;
use super::types::text_enum;
use super::{Conn, StoreError, UtcMillis, each_backend};

/// Orphans shown at once.
const SHOWN_MAX: i64 = 500;

text_enum! {
    /// Where an orphan stands.
    pub enum OrphanState {
        /// Seen; the second look is to come.
        Seen = "seen",
        /// Looked at twice and left alone, for the reason beside it.
        Kept = "kept",
        /// Removed at Zoom.
        Removed = "removed",
    }
}

/// A row of `zoom_orphans`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = zoom_orphans, treat_none_as_default_value = false)]
pub struct OrphanRow {
    /// Its number at Zoom.
    pub zoom_meeting_id: String,
    /// Its mark, as rows have it.
    pub marker: String,
    /// The Zoom user who hosts it.
    pub host_id: String,
    /// Whose double it is: our id of that meeting.
    pub meeting_id: Option<String>,
    /// Where it stands.
    pub state: OrphanState,
    /// Why it stands there.
    pub reason: Option<String>,
    /// When a sweep first saw it.
    pub first_seen_at: UtcMillis,
    /// When it was last seen.
    pub seen_at: UtcMillis,
}

/// Notes that a sweep has seen it. Gives when that was first so; `None` for one that is kept already.
///
/// # Errors
/// [`StoreError`].
pub fn see(conn: &mut Conn, row: &OrphanRow) -> Result<Option<UtcMillis>, StoreError> {
    each_backend!(conn, |c| diesel::insert_into(zoom_orphans::table)
        .values(row)
        .on_conflict(zoom_orphans::zoom_meeting_id)
        .do_update()
        .set((zoom_orphans::seen_at.eq(row.seen_at), zoom_orphans::meeting_id.eq(&row.meeting_id)))
        .execute(c))?;
    let Some(known) = by_number(conn, &row.zoom_meeting_id)? else { return Ok(None) };
    Ok((known.state != OrphanState::Kept).then_some(known.first_seen_at))
}

/// The orphan with this number.
///
/// # Errors
/// [`StoreError`].
pub fn by_number(conn: &mut Conn, number: &str) -> Result<Option<OrphanRow>, StoreError> {
    Ok(zoom_orphans::table.find(number).select(OrphanRow::as_select()).first(conn).optional()?)
}

/// Writes where it stands now.
///
/// # Errors
/// [`StoreError`].
pub fn settle(
    conn: &mut Conn,
    number: &str,
    state: OrphanState,
    reason: &str,
    now: UtcMillis,
) -> Result<(), StoreError> {
    diesel::update(zoom_orphans::table.find(number))
        .set((zoom_orphans::state.eq(state), zoom_orphans::reason.eq(reason), zoom_orphans::seen_at.eq(now)))
        .execute(conn)?;
    Ok(())
}

/// Forgets it: it has an owner, or is gone.
///
/// # Errors
/// [`StoreError`].
pub fn forget(conn: &mut Conn, number: &str) -> Result<(), StoreError> {
    diesel::delete(zoom_orphans::table.find(number)).execute(conn)?;
    Ok(())
}

/// Forgets a host's orphans that no sweep has seen since `before`, and those removed before `removed_before`.
///
/// # Errors
/// [`StoreError`].
pub fn forget_unseen(
    conn: &mut Conn,
    host_id: &str,
    before: UtcMillis,
    removed_before: UtcMillis,
) -> Result<(), StoreError> {
    let gone = zoom_orphans::state.ne(OrphanState::Removed).and(zoom_orphans::seen_at.lt(before));
    let old = zoom_orphans::state.eq(OrphanState::Removed).and(zoom_orphans::seen_at.lt(removed_before));
    diesel::delete(zoom_orphans::table.filter(zoom_orphans::host_id.eq(host_id)).filter(gone.or(old)))
        .execute(conn)?;
    Ok(())
}

/// The orphans, newest first.
///
/// # Errors
/// [`StoreError`].
pub fn all(conn: &mut Conn) -> Result<Vec<OrphanRow>, StoreError> {
    Ok(zoom_orphans::table
        .order((zoom_orphans::first_seen_at.desc(), zoom_orphans::zoom_meeting_id))
        .limit(SHOWN_MAX)
        .select(OrphanRow::as_select())
        .load(conn)?)
}
