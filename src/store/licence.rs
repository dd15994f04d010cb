//! Licences that are lent: one lease a Zoom user, its intent written before Zoom is asked, and what is known of the
//! account as a whole.

mod facts;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::{licence_account, licence_leases};
use super::types::text_enum;
use super::{Conn, StoreError, UtcMillis, each_backend};
use crate::domain::licence::{Claim, Reason, Shortage};

pub use facts::{facts, unlicensed};

text_enum! {
    /// How a lease stands.
    pub enum State {
        /// In line: there is no licence for it.
        Waiting = "waiting",
        /// Zoom is asked, or about to be asked, to give it.
        Granting = "granting",
        /// Given.
        Held = "held",
        /// Zoom is asked, or about to be asked, to take it back.
        Returning = "returning",
    }
}

text_enum! {
    /// Why it is needed; the column's words for [`Reason`].
    pub enum Cause {
        /// The meeting is longer than 40 minutes.
        LongMeeting = "long_meeting",
        /// People register.
        Registration = "registration",
        /// It is recorded in the cloud.
        CloudRecording = "cloud_recording",
        /// Somebody asked for it by hand.
        Asked = "asked",
    }
}

impl From<Reason> for Cause {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::LongMeeting => Self::LongMeeting,
            Reason::Registration => Self::Registration,
            Reason::CloudRecording => Self::CloudRecording,
            Reason::Asked => Self::Asked,
        }
    }
}

/// A row of `licence_leases`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = licence_leases, treat_none_as_default_value = false)]
pub struct LeaseRow {
    /// Whose.
    pub zoom_user_id: String,
    /// For which booking first.
    pub owner_appointment: Option<String>,
    /// Why.
    pub reason: Cause,
    /// From when it is wanted.
    pub from_at: UtcMillis,
    /// Until when; none for one that was asked for by hand.
    pub until_at: Option<UtcMillis>,
    /// How it stands.
    pub state: State,
    /// Since when.
    pub state_at: UtcMillis,
    /// Failures in a row.
    pub attempts: i64,
    /// Not tried before this.
    pub next_attempt_at: Option<UtcMillis>,
    /// Why the last try failed; never personal data.
    pub last_error: Option<String>,
    /// When it was first wanted.
    pub created_at: UtcMillis,
}

/// A row of `licence_account`: what holds for all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = licence_account, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct AccountRow {
    key: String,
    /// How many there are to lend (`zoom.licences`).
    pub seats: i64,
    /// How long before a meeting they are given (`zoom.licence_margin`).
    pub margin_secs: i64,
    /// How many Zoom gave before it said that there are no more …
    pub seats_found: Option<i64>,
    /// … believed until then; after it one more is tried.
    pub seats_found_until: Option<UtcMillis>,
    /// Since when there are, or will be, too few.
    pub short_since: Option<UtcMillis>,
    /// From when they do not suffice.
    pub short_from: Option<UtcMillis>,
    /// How many are missing at worst.
    pub short_by: i64,
}

/// The account's row; the default where nothing is lent.
///
/// # Errors
/// [`StoreError`].
pub fn account(conn: &mut Conn) -> Result<AccountRow, StoreError> {
    let row: Option<AccountRow> =
        licence_account::table.select(AccountRow::as_select()).first(conn).optional()?;
    Ok(row.unwrap_or_default())
}

/// Writes down what is configured; what was found out stays.
///
/// # Errors
/// [`StoreError`].
pub fn configure(conn: &mut Conn, seats: i64, margin_secs: i64) -> Result<(), StoreError> {
    let row = AccountRow { key: super::due::ACCOUNT.to_owned(), seats, margin_secs, ..AccountRow::default() };
    each_backend!(conn, |c| diesel::insert_into(licence_account::table)
        .values(&row)
        .on_conflict(licence_account::key)
        .do_update()
        .set((licence_account::seats.eq(seats), licence_account::margin_secs.eq(margin_secs)))
        .execute(c))?;
    Ok(())
}

/// Zoom says that there are no more than `seats`, which is believed until `until`.
///
/// # Errors
/// [`StoreError`].
pub fn found(conn: &mut Conn, seats: Option<(i64, UtcMillis)>) -> Result<(), StoreError> {
    diesel::update(licence_account::table)
        .set((
            licence_account::seats_found.eq(seats.map(|(seats, _)| seats)),
            licence_account::seats_found_until.eq(seats.map(|(_, until)| until)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Zoom gave a licence: were there none left by its last word, there is one more than that now.
///
/// # Errors
/// [`StoreError`].
pub fn given(conn: &mut Conn) -> Result<(), StoreError> {
    let lent = lent(conn)?;
    diesel::update(licence_account::table.filter(licence_account::seats_found.lt(lent)))
        .set(licence_account::seats_found.eq(Some(lent)))
        .execute(conn)?;
    Ok(())
}

/// How many licences are lent, those in doubt among them.
///
/// # Errors
/// [`StoreError`].
pub fn lent(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(licence_leases::table.filter(licence_leases::state.ne(State::Waiting)).count().get_result(conn)?)
}

/// Notes whether there are, or will be, too few; `true` when this shortage is news.
///
/// # Errors
/// [`StoreError`].
pub fn note_shortage(
    conn: &mut Conn,
    shortage: Option<Shortage>,
    now: UtcMillis,
) -> Result<bool, StoreError> {
    let before = account(conn)?;
    let short_by = shortage.map_or(0, |shortage| i64::try_from(shortage.short_by).unwrap_or(i64::MAX));
    let since = shortage.map(|_| before.short_since.unwrap_or(now));
    let from = shortage.map(|shortage| UtcMillis::from(shortage.from));
    if (before.short_since, before.short_from, before.short_by) == (since, from, short_by) {
        return Ok(false);
    }
    diesel::update(licence_account::table)
        .set((
            licence_account::short_since.eq(since),
            licence_account::short_from.eq(from),
            licence_account::short_by.eq(short_by),
        ))
        .execute(conn)?;
    Ok(shortage.is_some() && before.short_since.is_none())
}

/// One decision at a time, over all processes on the database, so that no seat is given twice. SQLite has one writer
/// anyway.
///
/// # Errors
/// [`StoreError`].
pub fn lock(conn: &mut Conn) -> Result<(), StoreError> {
    if let Conn::Postgres(connection) = conn {
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended('licences', 0))")
            .execute(connection)?;
    }
    Ok(())
}

/// The lease of a user.
///
/// # Errors
/// [`StoreError`].
pub fn of_user(conn: &mut Conn, zoom_user_id: &str) -> Result<Option<LeaseRow>, StoreError> {
    Ok(licence_leases::table.find(zoom_user_id).select(LeaseRow::as_select()).first(conn).optional()?)
}

/// The leases of these users.
///
/// # Errors
/// [`StoreError`].
pub fn of_users(conn: &mut Conn, zoom_user_ids: &[String]) -> Result<Vec<LeaseRow>, StoreError> {
    if zoom_user_ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(licence_leases::table
        .filter(licence_leases::zoom_user_id.eq_any(zoom_user_ids))
        .select(LeaseRow::as_select())
        .load(conn)?)
}

/// All leases, of whatever state.
///
/// # Errors
/// [`StoreError`].
pub fn all(conn: &mut Conn) -> Result<Vec<LeaseRow>, StoreError> {
    Ok(licence_leases::table
        .order((licence_leases::from_at, licence_leases::zoom_user_id))
        .select(LeaseRow::as_select())
        .load(conn)?)
}

/// Writes a claim down in `state`; what was asked for by hand stays asked for.
///
/// # Errors
/// [`StoreError`].
pub fn put(conn: &mut Conn, claim: &Claim, state: State, now: UtcMillis) -> Result<(), StoreError> {
    let before = of_user(conn, &claim.user)?;
    let asked = before.as_ref().is_some_and(|lease| lease.reason == Cause::Asked);
    let row = LeaseRow {
        zoom_user_id: claim.user.clone(),
        owner_appointment: claim.appointment.clone(),
        reason: if asked { Cause::Asked } else { claim.reason.into() },
        from_at: claim.from.into(),
        until_at: (!asked).then(|| claim.until.into()),
        state,
        state_at: match &before {
            Some(lease) if lease.state == state => lease.state_at,
            _ => now,
        },
        attempts: before.as_ref().map_or(0, |lease| lease.attempts),
        next_attempt_at: before.as_ref().and_then(|lease| lease.next_attempt_at),
        last_error: before.as_ref().and_then(|lease| lease.last_error.clone()),
        created_at: before.map_or(now, |lease| lease.created_at),
    };
    write(conn, &row)
}

/// Writes a lease as a whole.
///
/// # Errors
/// [`StoreError`].
pub fn write(conn: &mut Conn, row: &LeaseRow) -> Result<(), StoreError> {
    diesel::delete(licence_leases::table.find(&row.zoom_user_id)).execute(conn)?;
    diesel::insert_into(licence_leases::table).values(row).execute(conn)?;
    Ok(())
}

/// Moves a lease to another state; its failures are forgotten.
///
/// # Errors
/// [`StoreError`].
pub fn move_to(conn: &mut Conn, zoom_user_id: &str, state: State, now: UtcMillis) -> Result<(), StoreError> {
    diesel::update(licence_leases::table.find(zoom_user_id))
        .set((
            licence_leases::state.eq(state),
            licence_leases::state_at.eq(now),
            licence_leases::attempts.eq(0),
            licence_leases::next_attempt_at.eq(None::<UtcMillis>),
            licence_leases::last_error.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(())
}

/// A try failed: the lease is in `state` and not tried again before `again_at`.
///
/// # Errors
/// [`StoreError`].
pub fn put_off(
    conn: &mut Conn,
    zoom_user_id: &str,
    state: State,
    again_at: DateTime<Utc>,
    error: &str,
) -> Result<(), StoreError> {
    diesel::update(licence_leases::table.find(zoom_user_id))
        .set((
            licence_leases::state.eq(state),
            licence_leases::attempts.eq(licence_leases::attempts + 1),
            licence_leases::next_attempt_at.eq(Some(UtcMillis::from(again_at))),
            licence_leases::last_error.eq(Some(error)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Ends a lease.
///
/// # Errors
/// [`StoreError`].
pub fn end(conn: &mut Conn, zoom_user_id: &str) -> Result<(), StoreError> {
    diesel::delete(licence_leases::table.find(zoom_user_id)).execute(conn)?;
    Ok(())
}

/// Somebody asks for a licence by hand: in line at once, or, where the user has one already, held from now on until
/// nobody asks any more.
///
/// # Errors
/// [`StoreError`].
pub fn ask(conn: &mut Conn, zoom_user_id: &str, now: UtcMillis) -> Result<(), StoreError> {
    let before = of_user(conn, zoom_user_id)?;
    let row = LeaseRow {
        zoom_user_id: zoom_user_id.to_owned(),
        owner_appointment: before.as_ref().and_then(|lease| lease.owner_appointment.clone()),
        reason: Cause::Asked,
        from_at: before.as_ref().map_or(now, |lease| lease.from_at),
        until_at: None,
        state: before.as_ref().map_or(State::Waiting, |lease| lease.state),
        state_at: before.as_ref().map_or(now, |lease| lease.state_at),
        attempts: 0,
        next_attempt_at: None,
        last_error: None,
        created_at: before.map_or(now, |lease| lease.created_at),
    };
    write(conn, &row)
}

/// Takes a licence that nobody lent into our hands, because somebody wants it taken: it goes when no meeting needs it.
///
/// # Errors
/// [`StoreError`].
pub fn adopt(conn: &mut Conn, zoom_user_id: &str, now: UtcMillis) -> Result<(), StoreError> {
    let row = LeaseRow {
        zoom_user_id: zoom_user_id.to_owned(),
        owner_appointment: None,
        reason: Cause::LongMeeting,
        from_at: now,
        until_at: Some(now),
        state: State::Held,
        state_at: now,
        attempts: 0,
        next_attempt_at: None,
        last_error: None,
        created_at: now,
    };
    write(conn, &row)
}

/// The user's person has left: what was asked for by hand is asked for no more, and what only waited ends. `true` when
/// there is a lent licence, which goes back when no meeting is running or near.
///
/// # Errors
/// [`StoreError`].
pub fn person_left(conn: &mut Conn, zoom_user_id: &str, now: UtcMillis) -> Result<bool, StoreError> {
    match of_user(conn, zoom_user_id)? {
        None => Ok(false),
        Some(lease) if lease.state == State::Waiting => end(conn, zoom_user_id).map(|()| false),
        Some(_) => no_longer_asked(conn, zoom_user_id, now).map(|()| true),
    }
}

/// Nobody asks by hand any more: the lease lives on only while a meeting needs it. One that only waited ends.
///
/// # Errors
/// [`StoreError`].
pub fn no_longer_asked(conn: &mut Conn, zoom_user_id: &str, now: UtcMillis) -> Result<(), StoreError> {
    let asked = licence_leases::table
        .filter(licence_leases::zoom_user_id.eq(zoom_user_id))
        .filter(licence_leases::reason.eq(Cause::Asked));
    diesel::update(asked)
        .set((licence_leases::reason.eq(Cause::LongMeeting), licence_leases::until_at.eq(Some(now))))
        .execute(conn)?;
    Ok(())
}
