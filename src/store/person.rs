//! People: who the calling systems told us about, and guests known by their e-mail alone.

use diesel::prelude::*;

use super::schema::{people, zoom_users};
use super::search::{contains, lower};
use super::zoom_user::{self, ZoomUserRow};
use super::{Conn, StoreError, UtcMillis, each_backend};
use crate::domain::erasure::ERASED_PREFIX;

/// What the `ref` of a person begins with whom no calling system told us about.
pub const GUEST_PREFIX: &str = "guest-";

/// A row of `people`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(
    table_name = people,
    primary_key(ref_),
    treat_none_as_default_value = false,
    treat_none_as_null = true
)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct PersonRow {
    pub ref_: String,
    pub name: String,
    pub email: Option<String>,
    pub email_key: Option<String>,
    pub role: String,
    pub timezone: Option<String>,
    pub zoom_user: Option<String>,
    pub active: bool,
    pub version: i64,
    pub created_at: UtcMillis,
    pub updated_at: UtcMillis,
}

/// A Zoom user as a caller names them: an address in lower case, an id as it is. [`super::host_key`] says who it is.
#[must_use]
pub fn seat_key(zoom_user: &str) -> String {
    if zoom_user.contains('@') { email_key(zoom_user) } else { zoom_user.to_owned() }
}

/// An address as it is compared: in lower case.
#[must_use]
pub fn email_key(email: &str) -> String {
    email.to_lowercase()
}

/// Which people a list shows.
#[derive(Debug, Clone, Default)]
pub struct PersonFilter {
    /// Only of this role.
    pub role: Option<&'static str>,
    /// Only active ones, or only others.
    pub active: Option<bool>,
    /// Only those whose Zoom user has, or has not, a licence.
    pub licensed: Option<bool>,
    /// Only those whose name or address contains this.
    pub text: Option<String>,
    /// Only this one.
    pub only: Option<String>,
    /// Only those after this `ref`.
    pub after: Option<String>,
}

/// The person with this `ref`.
///
/// # Errors
/// [`StoreError`].
pub fn by_ref(conn: &mut Conn, ref_: &str) -> Result<Option<PersonRow>, StoreError> {
    Ok(people::table.find(ref_).select(PersonRow::as_select()).first(conn).optional()?)
}

/// Those of these `ref`s that are known.
///
/// # Errors
/// [`StoreError`].
pub fn by_refs(conn: &mut Conn, refs: &[String]) -> Result<Vec<PersonRow>, StoreError> {
    if refs.is_empty() {
        return Ok(Vec::new());
    }
    Ok(people::table.filter(people::ref_.eq_any(refs)).select(PersonRow::as_select()).load(conn)?)
}

/// The person with this address; of several the one that was told first.
///
/// # Errors
/// [`StoreError`].
pub fn by_email(conn: &mut Conn, email: &str) -> Result<Option<PersonRow>, StoreError> {
    Ok(people::table
        .filter(people::email_key.eq(email_key(email)))
        .order((people::created_at, people::ref_))
        .select(PersonRow::as_select())
        .first(conn)
        .optional()?)
}

/// The people with these addresses (in lower case); of several with one address the one that was told first comes
/// first.
///
/// # Errors
/// [`StoreError`].
pub fn by_emails(conn: &mut Conn, email_keys: &[String]) -> Result<Vec<PersonRow>, StoreError> {
    if email_keys.is_empty() {
        return Ok(Vec::new());
    }
    Ok(people::table
        .filter(people::email_key.eq_any(email_keys))
        .order((people::created_at, people::ref_))
        .select(PersonRow::as_select())
        .load(conn)?)
}

/// The `ref` of the person with this address; nobody known becomes a person of ours, known by it alone.
///
/// # Errors
/// [`StoreError`].
pub fn by_email_or_new(
    conn: &mut Conn,
    email: &str,
    name: &str,
    role: &str,
    now: UtcMillis,
) -> Result<String, StoreError> {
    if let Some(known) = by_email(conn, email)? {
        return Ok(known.ref_);
    }
    let row = PersonRow {
        ref_: format!("{GUEST_PREFIX}{}", uuid::Uuid::now_v7().simple()),
        name: name.to_owned(),
        email: Some(email.to_owned()),
        email_key: Some(email_key(email)),
        role: role.to_owned(),
        timezone: None,
        zoom_user: None,
        active: true,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    save(conn, &row)?;
    Ok(row.ref_)
}

/// Writes a person as a whole.
///
/// # Errors
/// [`StoreError`].
pub fn save(conn: &mut Conn, row: &PersonRow) -> Result<(), StoreError> {
    each_backend!(conn, |c| diesel::insert_into(people::table)
        .values(row)
        .on_conflict(people::ref_)
        .do_update()
        .set(row)
        .execute(c))?;
    Ok(())
}

/// Writes only the `active` flag.
///
/// # Errors
/// [`StoreError`].
pub fn set_active(conn: &mut Conn, ref_: &str, active: bool, now: UtcMillis) -> Result<(), StoreError> {
    diesel::update(people::table.find(ref_))
        .set((people::active.eq(active), people::version.eq(people::version + 1), people::updated_at.eq(now)))
        .execute(conn)?;
    Ok(())
}

/// People in the order of their `ref`.
///
/// # Errors
/// [`StoreError`].
pub fn list(conn: &mut Conn, filter: &PersonFilter, limit: i64) -> Result<Vec<PersonRow>, StoreError> {
    let mut query = people::table
        .filter(people::ref_.not_like(format!("{ERASED_PREFIX}%")))
        .select(PersonRow::as_select())
        .into_boxed();
    if let Some(role) = filter.role {
        query = query.filter(people::role.eq(role));
    }
    if let Some(active) = filter.active {
        query = query.filter(people::active.eq(active));
    }
    if let Some(only) = &filter.only {
        query = query.filter(people::ref_.eq(only));
    }
    if let Some(after) = &filter.after {
        query = query.filter(people::ref_.gt(after));
    }
    if let Some(text) = &filter.text {
        let named = lower(people::name).like(contains(text)).escape('\\');
        let addressed = people::email_key.assume_not_null().like(contains(text)).escape('\\');
        query = query.filter(named.or(people::email_key.is_not_null().and(addressed)));
    }
    if let Some(licensed) = filter.licensed {
        let holders = || zoom_users::table.filter(zoom_users::type_.eq(LICENSED));
        let by_address = people::zoom_user
            .is_null()
            .and(people::email_key.is_not_null())
            .and(people::email_key.eq_any(holders().select(zoom_users::email_key.nullable())));
        let named = lower(people::zoom_user.assume_not_null()).nullable();
        let by_name = people::zoom_user.is_not_null().and(
            people::zoom_user
                .eq_any(holders().select(zoom_users::zoom_user_id.nullable()))
                .or(named.eq_any(holders().select(zoom_users::email_key.nullable()))),
        );
        // Never null: each comparison stands behind the question whether there is anything to compare.
        let has_one = by_address.or(by_name);
        query = if licensed { query.filter(has_one) } else { query.filter(diesel::dsl::not(has_one)) };
    }
    Ok(query.order(people::ref_).limit(limit).load(conn)?)
}

/// Zoom's user type of a licensed user (Users API, `type`).
pub const LICENSED: i64 = 2;

/// The Zoom users of these people: those they name, those kept as theirs, and those with their addresses.
///
/// # Errors
/// [`StoreError`].
pub fn zoom_types(conn: &mut Conn, people: &[PersonRow]) -> Result<Vec<ZoomUserRow>, StoreError> {
    let refs: Vec<&str> = people.iter().map(|person| person.ref_.as_str()).collect();
    let names = |person: &PersonRow| [person.zoom_user.as_deref().map(seat_key), person.email_key.clone()];
    let keys: Vec<String> = people.iter().flat_map(names).flatten().collect();
    zoom_user::of_people(conn, &refs, &keys)
}
