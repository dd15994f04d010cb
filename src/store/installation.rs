//! The name under which this installation signs its meetings at Zoom.

use diesel::prelude::*;

use super::schema::installation;
use super::{Conn, StoreError, UtcMillis, each_backend};

/// The key of the one row.
const THIS: &str = "this";

#[derive(Insertable)]
#[diesel(table_name = installation)]
struct Row<'a> {
    which: &'a str,
    id: &'a str,
    created_at: UtcMillis,
}

/// The name: `wanted` where the configuration gives one, else the one kept here, else `drawn`. It is kept.
///
/// # Errors
/// [`StoreError`].
pub fn name(
    conn: &mut Conn,
    wanted: Option<&str>,
    drawn: &str,
    now: UtcMillis,
) -> Result<String, StoreError> {
    let row = Row { which: THIS, id: wanted.unwrap_or(drawn), created_at: now };
    // Processes that start together agree: the first row stays, unless the configuration overrules it.
    each_backend!(conn, |c| diesel::insert_into(installation::table)
        .values(&row)
        .on_conflict_do_nothing()
        .execute(c))?;
    if let Some(wanted) = wanted {
        diesel::update(installation::table.find(THIS)).set(installation::id.eq(wanted)).execute(conn)?;
    }
    Ok(installation::table.find(THIS).select(installation::id).first(conn)?)
}
