//! Zoom users that have been asked for: who hosts under which id.

use diesel::prelude::*;

use super::schema::zoom_users;
use super::{Conn, StoreError, UtcMillis, each_backend};

/// A row of `zoom_users`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = zoom_users, treat_none_as_default_value = false)]
pub struct ZoomUserRow {
    /// Zoom's id.
    pub zoom_user_id: String,
    /// The address as Zoom shows it.
    pub email: String,
    /// The address in lower case: the key of a seat.
    pub email_key: String,
    /// Zoom's user type: 1 Basic, 2 Licensed, 4 unassigned, 99 none (Users API, `type`).
    pub type_: i64,
    /// `active`, `inactive` or `pending`.
    pub status: String,
    /// Whom of ours it is.
    pub person_ref: Option<String>,
    /// The name Zoom shows.
    pub display_name: Option<String>,
    /// When Zoom last said so.
    pub seen_at: UtcMillis,
}

/// Writes what Zoom says of a user.
///
/// # Errors
/// [`StoreError`].
pub fn save(conn: &mut Conn, row: &ZoomUserRow) -> Result<(), StoreError> {
    // The address may have been another user's before: the newest word counts.
    diesel::delete(
        zoom_users::table
            .filter(zoom_users::email_key.eq(&row.email_key))
            .filter(zoom_users::zoom_user_id.ne(&row.zoom_user_id)),
    )
    .execute(conn)?;
    each_backend!(conn, |c| diesel::insert_into(zoom_users::table)
        .values(row)
        .on_conflict(zoom_users::zoom_user_id)
        .do_update()
        .set((
            zoom_users::email.eq(&row.email),
            zoom_users::email_key.eq(&row.email_key),
            zoom_users::type_.eq(row.type_),
            zoom_users::status.eq(&row.status),
            zoom_users::display_name.eq(&row.display_name),
            zoom_users::seen_at.eq(row.seen_at),
        ))
        .execute(c))?;
    Ok(())
}
