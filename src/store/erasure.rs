//! Erasing a person: their history stays, under a `ref` that says nothing; everything that says who they were goes.
//!
//! - [`places`]: every column of text there is, and what of a person it may hold. The one list: a new column has to be
//!   put on it, or a test fails.
//! - `own`: rows that are theirs alone. `heard`: webhooks about them. `scan`: texts that may speak of them.
//! - `waiting`: what has to be over before.
//! - Here: which erasures there are, how one begins, and how it ends.
//!
//! It is done in many small transactions and may be interrupted anywhere: each step can be done again. Until it is
//! done, its row in `erasures` knows what has to go; afterwards nothing does.

pub mod heard;
pub mod own;
pub mod places;
pub mod scan;
mod waiting;

use diesel::prelude::*;

pub use self::waiting::waits_for;
use super::due::{self, DueKind};
use super::person::PersonRow;
use super::schema::{erasures, group_members, people};
use super::search::lower;
use super::{Conn, Json, StoreError, UtcMillis, traces};
use crate::domain::erasure::{ERASED_PREFIX, Words};

/// A row of `erasures`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = erasures, treat_none_as_default_value = false)]
pub struct ErasureRow {
    /// The `ref` under which the person's history goes on.
    pub erased_ref: String,
    /// A keyed digest of their own.
    pub fingerprint: String,
    /// Their own, until it is done.
    pub person_ref: Option<String>,
    /// What has to go, until it is done.
    pub words: Option<Json>,
    /// When it was asked for.
    pub requested_at: UtcMillis,
    /// When it was done.
    pub finished_at: Option<UtcMillis>,
    /// Rows that were changed.
    pub changes: i64,
}

/// The last erasure of the person with this fingerprint.
///
/// # Errors
/// [`StoreError`].
pub fn known(conn: &mut Conn, fingerprint: &str) -> Result<Option<ErasureRow>, StoreError> {
    Ok(erasures::table
        .filter(erasures::fingerprint.eq(fingerprint))
        .order(erasures::requested_at.desc())
        .select(ErasureRow::as_select())
        .first(conn)
        .optional()?)
}

/// The erasure that gives this `ref`.
///
/// # Errors
/// [`StoreError`].
pub fn by_ref(conn: &mut Conn, erased_ref: &str) -> Result<Option<ErasureRow>, StoreError> {
    Ok(erasures::table.find(erased_ref).select(ErasureRow::as_select()).first(conn).optional()?)
}

/// What is known of those among `refs` who are being erased: until it is done, the classes that they were in know them.
///
/// # Errors
/// [`StoreError`].
pub fn words_of(conn: &mut Conn, refs: &[String]) -> Result<Vec<Words>, StoreError> {
    let rows: Vec<Option<Json>> = erasures::table
        .filter(erasures::finished_at.is_null())
        .filter(erasures::person_ref.is_not_null())
        .filter(erasures::person_ref.assume_not_null().eq_any(refs))
        .select(erasures::words)
        .load(conn)?;
    rows.into_iter().flatten().map(|words| words.parse("erasures.words")).collect()
}

/// Begins to erase a person, who has left all future bookings: from now on nobody knows them by name.
///
/// # Errors
/// [`StoreError`].
pub fn begin(
    conn: &mut Conn,
    person: &PersonRow,
    fingerprint: String,
    now: UtcMillis,
) -> Result<ErasureRow, StoreError> {
    let erased_ref = format!("{ERASED_PREFIX}{}", uuid::Uuid::new_v4().simple());
    let words = Words {
        person: person.ref_.clone(),
        name: person.name.clone(),
        email: person.email.clone(),
        zoom_user: person.zoom_user.clone(),
        name_is_shared: is_namesake(conn, person)?,
        email_is_shared: match &person.email_key {
            Some(key) => traces::is_shared(conn, key, &person.ref_)?,
            None => false,
        },
        erased: erased_ref.clone(),
    };
    let row = ErasureRow {
        erased_ref,
        fingerprint,
        person_ref: Some(person.ref_.clone()),
        words: Some(Json::of(&words)?),
        requested_at: now,
        finished_at: None,
        changes: 0,
    };
    diesel::insert_into(erasures::table).values(&row).execute(conn)?;
    diesel::delete(group_members::table.filter(group_members::person_ref.eq(&person.ref_))).execute(conn)?;
    diesel::update(people::table.find(&person.ref_))
        .set((
            people::ref_.eq(&row.erased_ref),
            people::name.eq(&row.erased_ref),
            people::email.eq(None::<String>),
            people::email_key.eq(None::<String>),
            people::timezone.eq(None::<String>),
            people::zoom_user.eq(None::<String>),
            people::active.eq(false),
            people::version.eq(people::version + 1),
            people::updated_at.eq(now),
        ))
        .execute(conn)?;
    due::set(conn, DueKind::Erasure, &row.erased_ref, now)?;
    Ok(row)
}

/// Whether somebody else in the directory has the same name.
fn is_namesake(conn: &mut Conn, person: &PersonRow) -> Result<bool, StoreError> {
    let others: i64 = people::table
        .filter(lower(people::name).eq(person.name.trim().to_lowercase()).and(people::ref_.ne(&person.ref_)))
        .count()
        .get_result(conn)?;
    Ok(others > 0)
}

/// Ends an erasure: what had to go is forgotten too.
///
/// # Errors
/// [`StoreError`].
pub fn finish(conn: &mut Conn, erased_ref: &str, changes: i64, now: UtcMillis) -> Result<(), StoreError> {
    overwriting(conn, |conn| {
        diesel::update(erasures::table.find(erased_ref))
            .set((
                erasures::person_ref.eq(None::<String>),
                erasures::words.eq(None::<Json>),
                erasures::finished_at.eq(now),
                erasures::changes.eq(erasures::changes + changes),
            ))
            .execute(conn)?;
        due::clear(conn, DueKind::Erasure, erased_ref)
    })
}

/// Does `work` so that on SQLite nothing of what it replaces stays in the file's free space.
pub(super) fn overwriting<T>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let secure = |conn: &mut Conn, on: bool| -> Result<(), StoreError> {
        if let Conn::Sqlite(conn) = conn {
            let word = if on { "ON" } else { "OFF" };
            diesel::connection::SimpleConnection::batch_execute(
                conn,
                &format!("PRAGMA secure_delete = {word}"),
            )?;
        }
        Ok(())
    };
    secure(conn, true)?;
    let done = work(conn);
    secure(conn, false)?;
    done
}
