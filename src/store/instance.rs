//! The actual runs of meetings, by Zoom's uuid.

use diesel::prelude::*;

use super::schema::meeting_instances;
use super::{Conn, StoreError, UtcMillis, each_backend};

/// A row of `meeting_instances`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = meeting_instances, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct InstanceRow {
    /// Zoom's uuid of the run.
    pub uuid: String,
    /// The meeting it belongs to.
    pub meeting_id: String,
    /// That meeting's Zoom number.
    pub zoom_meeting_id: String,
    /// When it started, once known.
    pub started_at: Option<UtcMillis>,
    /// When it ended, once known.
    pub ended_at: Option<UtcMillis>,
    /// When the row was made.
    pub created_at: UtcMillis,
    /// When the row was last written.
    pub updated_at: UtcMillis,
}

/// The runs of a meeting, oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn of_meeting(conn: &mut Conn, meeting_id: &str) -> Result<Vec<InstanceRow>, StoreError> {
    Ok(meeting_instances::table
        .filter(meeting_instances::meeting_id.eq(meeting_id))
        .order((meeting_instances::started_at, meeting_instances::uuid))
        .select(InstanceRow::as_select())
        .load(conn)?)
}

/// The run with this uuid.
///
/// # Errors
/// [`StoreError`].
pub fn by_uuid(conn: &mut Conn, uuid: &str) -> Result<Option<InstanceRow>, StoreError> {
    Ok(meeting_instances::table.find(uuid).select(InstanceRow::as_select()).first(conn).optional()?)
}

/// Writes a run. A time that is known stays known: whoever writes may not have heard of it.
///
/// # Errors
/// [`StoreError`].
pub fn save(conn: &mut Conn, row: &InstanceRow) -> Result<(), StoreError> {
    let known = by_uuid(conn, &row.uuid)?;
    let started_at = row.started_at.or(known.as_ref().and_then(|known| known.started_at));
    let ended_at = row.ended_at.or(known.as_ref().and_then(|known| known.ended_at));
    each_backend!(conn, |c| diesel::insert_into(meeting_instances::table)
        .values(row)
        .on_conflict(meeting_instances::uuid)
        .do_update()
        .set((
            meeting_instances::started_at.eq(started_at),
            meeting_instances::ended_at.eq(ended_at),
            meeting_instances::updated_at.eq(row.updated_at),
        ))
        .execute(c))?;
    Ok(())
}
