//! Writing down how far a registration is, and nothing else: several processes and the janitor write these rows.

use diesel::prelude::*;

use super::{Asked, Person, RegistrantRow, RegistrantStatus};
use crate::store::schema::meeting_registrants;
use crate::store::{Conn, StoreError, UtcMillis};

/// The columns that a step decides on; `None` where it leaves one as it was.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = meeting_registrants)]
struct Progress<'a> {
    zoom_registrant_id: Option<Option<&'a str>>,
    join_url_enc: Option<Option<&'a [u8]>>,
    status: Option<RegistrantStatus>,
    asked: Option<Option<Asked>>,
    alone: Option<bool>,
    attempts: Option<i64>,
    last_error: Option<Option<&'a str>>,
    next_attempt_at: Option<Option<UtcMillis>>,
    registered_at: Option<Option<UtcMillis>>,
    missed_at: Option<Option<UtcMillis>>,
    updated_at: UtcMillis,
}

fn changed<T: PartialEq>(before: T, after: T) -> Option<T> {
    (before != after).then_some(after)
}

/// Writes what is otherwise in `after` than in `before`, as it was read. A row that was emptied meanwhile stays as it is.
///
/// # Errors
/// [`StoreError`].
pub(super) fn progress(
    conn: &mut Conn,
    before: &RegistrantRow,
    after: &RegistrantRow,
    now: UtcMillis,
) -> Result<(), StoreError> {
    let columns = Progress {
        zoom_registrant_id: changed(
            before.zoom_registrant_id.as_deref(),
            after.zoom_registrant_id.as_deref(),
        ),
        join_url_enc: changed(before.join_url_enc.as_deref(), after.join_url_enc.as_deref()),
        status: changed(before.status, after.status),
        asked: changed(before.asked, after.asked),
        alone: changed(before.alone, after.alone),
        attempts: changed(before.attempts, after.attempts),
        last_error: changed(before.last_error.as_deref(), after.last_error.as_deref()),
        next_attempt_at: changed(before.next_attempt_at, after.next_attempt_at),
        registered_at: changed(before.registered_at, after.registered_at),
        missed_at: changed(before.missed_at, after.missed_at),
        updated_at: now,
    };
    let as_read = meeting_registrants::table
        .filter(meeting_registrants::id.eq(&before.id))
        .filter(meeting_registrants::email_key.eq(&before.email_key));
    diesel::update(as_read).set(columns).execute(conn)?;
    Ok(())
}

/// Makes a stranger's registration that of somebody on the roster.
///
/// # Errors
/// [`StoreError`].
pub(super) fn give(conn: &mut Conn, id: &str, to: &Person, now: UtcMillis) -> Result<(), StoreError> {
    let of_nobody = meeting_registrants::table
        .filter(meeting_registrants::id.eq(id))
        .filter(meeting_registrants::person_ref.is_null());
    diesel::update(of_nobody)
        .set((
            meeting_registrants::person_ref.eq(&to.person),
            meeting_registrants::name.eq(&to.name),
            meeting_registrants::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}
