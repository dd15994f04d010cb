//! Zoom users: who hosts under which id, with which licence. What Zoom said last, and what it is still to be told.

use diesel::prelude::*;

use super::due::{self, DueKind};
use super::schema::{licence_leases, seats, zoom_meetings, zoom_users};
use super::search::{contains, lower};
use super::{Conn, StoreError, UtcMillis, each_backend, host_key, registrant, seat};
use crate::domain::licence::LICENSED;

/// The user can host.
pub const ACTIVE: &str = "active";
/// The user has not accepted Zoom's invitation yet.
pub const PENDING: &str = "pending";
/// We have asked for the user to be made, or are about to: Zoom may know them or not.
pub const MAKING: &str = "making";

/// A row of `zoom_users`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = zoom_users, treat_none_as_default_value = false)]
pub struct ZoomUserRow {
    /// Zoom's id; the address where Zoom has not said one yet.
    pub zoom_user_id: String,
    /// The address as Zoom shows it.
    pub email: String,
    /// The address in lower case: the key of a seat.
    pub email_key: String,
    /// Zoom's user type: 1 Basic, 2 Licensed, 4 unassigned, 99 none (Users API, `type`).
    pub type_: i64,
    /// `active`, `inactive` or `pending`, as Zoom says; `making` while we ask for the user.
    pub status: String,
    /// Whom of ours it is, where that does not follow from the address.
    pub person_ref: Option<String>,
    /// The name Zoom shows.
    pub display_name: Option<String>,
    /// When Zoom last said so.
    pub seen_at: UtcMillis,
    /// Whether we made the user.
    pub made_by_us: bool,
    /// The address that Zoom is still to be told.
    pub email_wanted: Option<String>,
}

/// Writes what Zoom says of a user; whom of ours it is, who made it and what is wanted of it stay as they were.
/// Meetings that waited for a user who can host now are due at once, and where they may run more or fewer meetings than
/// before their seats are looked through.
///
/// # Errors
/// [`StoreError`].
pub fn save(conn: &mut Conn, row: &ZoomUserRow) -> Result<(), StoreError> {
    // In lists, users who have not accepted yet have no id: by their address they may be known with one.
    let known = by_key(conn, &row.email_key)?.filter(|_| row.zoom_user_id == row.email_key);
    let zoom_user_id = known.map_or_else(|| row.zoom_user_id.clone(), |known| known.zoom_user_id);
    let row = &ZoomUserRow { zoom_user_id, ..row.clone() };
    let before = by_key(conn, &row.zoom_user_id)?;
    // The address may have been another user's, or our word for this one, before: the newest word counts.
    let namesake = by_key(conn, &row.email_key)?.filter(|other| other.zoom_user_id != row.zoom_user_id);
    let was_ours = |other: &ZoomUserRow| other.made_by_us && other.zoom_user_id == row.email_key;
    let made_by_us = row.made_by_us || namesake.as_ref().is_some_and(was_ours);
    if let Some(other) = &namesake {
        diesel::delete(zoom_users::table.find(&other.zoom_user_id)).execute(conn)?;
    }
    if before.as_ref().is_none_or(|before| before.email_key != row.email_key) {
        // Seats under the address, or under who had it, are this user's.
        seat::lock(conn)?;
        for old in namesake.iter().map(|other| &other.zoom_user_id).chain([&row.email_key]) {
            host_key::learned(conn, old, &row.zoom_user_id)?;
        }
    }
    let can_run = |user: &ZoomUserRow| (user.type_, user.status.clone());
    if before.as_ref().map(can_run) != Some(can_run(row)) {
        due::set(conn, DueKind::Seats, &row.zoom_user_id, row.seen_at)?;
    }
    let row = ZoomUserRow { made_by_us, ..row.clone() };
    each_backend!(conn, |c| diesel::insert_into(zoom_users::table)
        .values(&row)
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
    if made_by_us {
        diesel::update(zoom_users::table.find(&row.zoom_user_id))
            .set(zoom_users::made_by_us.eq(true))
            .execute(conn)?;
    }
    if row.type_ == LICENSED && before.as_ref().is_some_and(|before| before.type_ != LICENSED) {
        registrant::host_is_licensed(conn, &row.zoom_user_id, row.seen_at)?;
    }
    let could_host = before.is_some_and(|before| before.status == ACTIVE);
    if row.status == ACTIVE && !could_host {
        wake_meetings(conn, &row, row.seen_at)?;
    }
    Ok(())
}

/// Makes the meetings that wait for this user due, whatever they were waiting for; also those that another host keeps
/// until this one can take them over.
fn wake_meetings(conn: &mut Conn, user: &ZoomUserRow, now: UtcMillis) -> Result<(), StoreError> {
    let waiting: Vec<String> = zoom_meetings::table
        .inner_join(seats::table.on(seats::appointment_id.eq(zoom_meetings::appointment_id)))
        .filter(seats::zoom_user_id.eq_any([&user.email_key, &user.zoom_user_id]))
        .filter(zoom_meetings::next_attempt_at.is_not_null())
        .select(zoom_meetings::id)
        .limit(WAKE_MAX)
        .load(conn)?;
    for id in waiting {
        diesel::update(zoom_meetings::table.find(&id))
            .set((
                zoom_meetings::next_attempt_at.eq(None::<UtcMillis>),
                zoom_meetings::version.eq(zoom_meetings::version + 1),
            ))
            .execute(conn)?;
        due::set(conn, DueKind::Sync, &id, now)?;
    }
    Ok(())
}

/// More meetings than this are not woken at once; the others come with their own next try.
const WAKE_MAX: i64 = 1000;

/// Notes, before Zoom is asked, that the user of this address is being made. Gives whether that was news: an earlier
/// attempt may have noted it, and may have made the user.
///
/// # Errors
/// [`StoreError`].
pub fn intend_to_make(
    conn: &mut Conn,
    email: &str,
    email_key: &str,
    now: UtcMillis,
) -> Result<bool, StoreError> {
    let row = ZoomUserRow {
        zoom_user_id: email_key.to_owned(),
        email: email.to_owned(),
        email_key: email_key.to_owned(),
        type_: crate::domain::licence::BASIC,
        status: MAKING.to_owned(),
        person_ref: None,
        display_name: None,
        seen_at: now,
        made_by_us: true,
        email_wanted: None,
    };
    let written = each_backend!(conn, |c| diesel::insert_into(zoom_users::table)
        .values(&row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(written == 1)
}

/// Zoom certainly did not make the user of this address.
///
/// # Errors
/// [`StoreError`].
pub fn not_made(conn: &mut Conn, email_key: &str) -> Result<(), StoreError> {
    let intents =
        zoom_users::table.filter(zoom_users::email_key.eq(email_key)).filter(zoom_users::status.eq(MAKING));
    diesel::delete(intents).execute(conn)?;
    Ok(())
}

/// Forgets a user whom Zoom does not know any more, and their lease with them.
///
/// # Errors
/// [`StoreError`].
pub fn remove(conn: &mut Conn, zoom_user_id: &str) -> Result<(), StoreError> {
    diesel::delete(licence_leases::table.find(zoom_user_id)).execute(conn)?;
    if let Some(user) = by_key(conn, zoom_user_id)? {
        // Their seats are for whoever has the address next.
        seat::lock(conn)?;
        host_key::learned(conn, &user.zoom_user_id, &user.email_key)?;
    }
    diesel::delete(zoom_users::table.find(zoom_user_id)).execute(conn)?;
    Ok(())
}

/// The user with this id or address (in lower case).
///
/// # Errors
/// [`StoreError`].
pub fn by_key(conn: &mut Conn, key: &str) -> Result<Option<ZoomUserRow>, StoreError> {
    Ok(zoom_users::table
        .filter(zoom_users::email_key.eq(key).or(zoom_users::zoom_user_id.eq(key)))
        .order(zoom_users::zoom_user_id)
        .select(ZoomUserRow::as_select())
        .first(conn)
        .optional()?)
}

/// The users with these ids or addresses (in lower case), and those kept as one of these people's.
///
/// # Errors
/// [`StoreError`].
pub fn of_people(conn: &mut Conn, refs: &[&str], keys: &[String]) -> Result<Vec<ZoomUserRow>, StoreError> {
    if refs.is_empty() {
        return Ok(Vec::new());
    }
    let named = zoom_users::email_key.eq_any(keys).or(zoom_users::zoom_user_id.eq_any(keys));
    Ok(zoom_users::table
        .filter(zoom_users::person_ref.eq_any(refs).or(named.nullable()))
        .order(zoom_users::zoom_user_id)
        .select(ZoomUserRow::as_select())
        .load(conn)?)
}

/// A person has another address: the Zoom user that we made for them is to get it as well. One that was there before
/// us keeps the address it has.
///
/// # Errors
/// [`StoreError`].
pub fn address_changed(
    conn: &mut Conn,
    person_ref: &str,
    old_key: &str,
    email: &str,
    now: UtcMillis,
) -> Result<(), StoreError> {
    let theirs: Vec<String> = zoom_users::table
        .filter(zoom_users::person_ref.eq(person_ref).or(zoom_users::email_key.eq(old_key)))
        .filter(zoom_users::made_by_us.eq(true))
        .select(zoom_users::zoom_user_id)
        .load(conn)?;
    for user in theirs {
        want_address(conn, &user, email, now)?;
    }
    Ok(())
}

/// Notes the address that Zoom is to be told for a user, and makes that due.
///
/// # Errors
/// [`StoreError`].
pub fn want_address(
    conn: &mut Conn,
    zoom_user_id: &str,
    email: &str,
    now: UtcMillis,
) -> Result<(), StoreError> {
    diesel::update(zoom_users::table.find(zoom_user_id))
        .set(zoom_users::email_wanted.eq(Some(email)))
        .execute(conn)?;
    due::set(conn, DueKind::ZoomUser, zoom_user_id, now)
}

/// How many bookings that are not over hold a seat of this user.
///
/// # Errors
/// [`StoreError`].
pub fn bookings_ahead(conn: &mut Conn, user: &ZoomUserRow, now: UtcMillis) -> Result<i64, StoreError> {
    let of_user = seats::table.filter(seats::zoom_user_id.eq_any([&user.email_key, &user.zoom_user_id]));
    let ahead: i64 = of_user.filter(seats::until_at.gt(now)).count().get_result(conn)?;
    let live: i64 = zoom_meetings::table
        .filter(zoom_meetings::host_id.eq(&user.zoom_user_id))
        .filter(zoom_meetings::status.eq("started"))
        .count()
        .get_result(conn)?;
    Ok(ahead + live)
}

/// Zoom has been told the user's new address, or does not want to hear of it.
///
/// # Errors
/// [`StoreError`].
pub fn told_address(conn: &mut Conn, zoom_user_id: &str) -> Result<(), StoreError> {
    diesel::update(zoom_users::table.find(zoom_user_id))
        .set(zoom_users::email_wanted.eq(None::<String>))
        .execute(conn)?;
    Ok(())
}

/// Zoom has done what it was asked for: the user's type is another, and with it perhaps how many meetings they may run.
///
/// # Errors
/// [`StoreError`].
pub fn set_type(conn: &mut Conn, zoom_user_id: &str, kind: i64, now: UtcMillis) -> Result<(), StoreError> {
    diesel::update(zoom_users::table.find(zoom_user_id)).set(zoom_users::type_.eq(kind)).execute(conn)?;
    if kind == LICENSED {
        registrant::host_is_licensed(conn, zoom_user_id, now)?;
    }
    due::set(conn, DueKind::Seats, zoom_user_id, now)
}

/// Which users a list shows.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Only of this status.
    pub status: Option<&'static str>,
    /// Only those whose type is, or is not, licensed.
    pub licensed: Option<bool>,
    /// Only those whose name or address contains this.
    pub text: Option<String>,
    /// Only those after this id.
    pub after: Option<String>,
}

/// Users in the order of their ids.
///
/// # Errors
/// [`StoreError`].
pub fn list(conn: &mut Conn, filter: &UserFilter, limit: i64) -> Result<Vec<ZoomUserRow>, StoreError> {
    let mut query = zoom_users::table.select(ZoomUserRow::as_select()).into_boxed();
    if let Some(status) = filter.status {
        query = query.filter(zoom_users::status.eq(status));
    }
    match filter.licensed {
        Some(true) => query = query.filter(zoom_users::type_.eq(crate::domain::licence::LICENSED)),
        Some(false) => query = query.filter(zoom_users::type_.ne(crate::domain::licence::LICENSED)),
        None => {}
    }
    if let Some(text) = &filter.text {
        let named = lower(zoom_users::display_name.assume_not_null()).like(contains(text)).escape('\\');
        let addressed = zoom_users::email_key.like(contains(text)).escape('\\');
        query = query.filter(addressed.or(zoom_users::display_name.is_not_null().and(named)));
    }
    if let Some(after) = &filter.after {
        query = query.filter(zoom_users::zoom_user_id.gt(after));
    }
    Ok(query.order(zoom_users::zoom_user_id).limit(limit).load(conn)?)
}

/// Users that were last seen before `before`: a complete reading of the account did not show them.
///
/// # Errors
/// [`StoreError`].
pub fn unseen_since(conn: &mut Conn, before: UtcMillis, limit: i64) -> Result<Vec<String>, StoreError> {
    Ok(zoom_users::table
        .filter(zoom_users::seen_at.lt(before))
        .filter(zoom_users::status.ne(MAKING))
        .order(zoom_users::seen_at)
        .limit(limit)
        .select(zoom_users::zoom_user_id)
        .load(conn)?)
}
