//! Whether Zoom takes the account's credentials: one row for all processes, so that a loss is told once.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::zoom_connection;
use super::types::text_enum;
use super::{Conn, StoreError, UtcMillis, each_backend};

/// The account's own connection; the only one there is.
const ACCOUNT: &str = "account";

text_enum! {
    /// How things stand.
    pub enum ConnectionState {
        /// Zoom takes the credentials.
        Working = "working",
        /// Zoom does not, and people have to act.
        Lost = "lost",
    }
}

/// How things stand, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = zoom_connection, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct ConnectionRow {
    /// How things stand.
    pub state: ConnectionState,
    /// Since when.
    pub since: UtcMillis,
    /// The class of the refusal, never Zoom's own words.
    pub reason: Option<String>,
}

/// How things stand; `None` as long as nobody has asked Zoom.
///
/// # Errors
/// [`StoreError`].
pub fn find(conn: &mut Conn) -> Result<Option<ConnectionRow>, StoreError> {
    Ok(zoom_connection::table.find(ACCOUNT).select(ConnectionRow::as_select()).first(conn).optional()?)
}

/// Notes how things stand: lost for `reason`, or working. Gives since when, and whether that is news.
///
/// # Errors
/// [`StoreError`].
pub fn note(
    conn: &mut Conn,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(DateTime<Utc>, bool), StoreError> {
    let state = if reason.is_some() { ConnectionState::Lost } else { ConnectionState::Working };
    let before = find(conn)?;
    if let Some(row) = &before
        && row.state == state
    {
        return Ok((row.since.into(), false));
    }
    let row = ConnectionRow { state, since: UtcMillis::from(now), reason: reason.map(str::to_owned) };
    each_backend!(conn, |c| diesel::insert_into(zoom_connection::table)
        .values((zoom_connection::id.eq(ACCOUNT), &row))
        .on_conflict(zoom_connection::id)
        .do_update()
        .set(&row)
        .execute(c))?;
    // The first time that it works is how it should be.
    Ok((now, before.is_some() || state == ConnectionState::Lost))
}
