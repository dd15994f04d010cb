//! What hands settled about who was who: for one meeting, and remembered for an identity in later ones.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::upsert::excluded;

use super::appointment::Place;
use super::schema::{
    appointments, identity_matches, meeting_registrants, participant_matches, zoom_meetings,
    zoom_participants,
};
use super::{Conn, StoreError, UtcMillis, each_backend};
use crate::domain::attendance::RosterPerson;
use crate::domain::connection::Connection;
use crate::domain::identity::{NOBODY, for_reports, is_strong, remembered, settlement_key};

/// Keys in one query: PostgreSQL takes 65,535 values, SQLite 32,766.
const KEYS_MAX: usize = 10_000;

/// A word of a hand about an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement<'a> {
    /// The identity's key (`domain::identity`).
    pub identity: &'a str,
    /// Whose it is; `None`: nobody's we know.
    pub person: Option<&'a str>,
    /// Who says so.
    pub author: &'a str,
    /// When.
    pub at: UtcMillis,
}

#[derive(Insertable)]
#[diesel(table_name = participant_matches, treat_none_as_default_value = false)]
struct NewMatch<'a> {
    meeting_id: &'a str,
    identity: &'a str,
    person_ref: Option<&'a str>,
    author: &'a str,
    created_at: UtcMillis,
}

#[derive(Insertable)]
#[diesel(table_name = identity_matches, treat_none_as_default_value = false)]
struct NewMemory<'a> {
    identity: &'a str,
    person_ref: Option<&'a str>,
    author: &'a str,
    created_at: UtcMillis,
}

/// What is settled for a meeting of this roster, as scoring takes it: identities to people, or to [`NOBODY`]. What
/// is remembered from other meetings comes behind what was said about this one. Words about connections that a report
/// shows under another identity are there under that one too.
///
/// # Errors
/// [`StoreError`].
pub fn settled(
    conn: &mut Conn,
    meeting_id: &str,
    roster: &[RosterPerson],
    connections: &[Connection],
) -> Result<BTreeMap<String, String>, StoreError> {
    let rows: Vec<(String, Option<String>)> = participant_matches::table
        .filter(participant_matches::meeting_id.eq(meeting_id))
        .select((participant_matches::identity, participant_matches::person_ref))
        .load(conn)?;
    let mut keys: Vec<String> = connections.iter().map(settlement_key).filter(|key| is_strong(key)).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut known = remembered(roster, memories(conn, &keys)?);
    let said = rows.into_iter().map(read).collect();
    let reported = for_reports(connections, &said, &known);
    known.extend(said);
    known.extend(reported);
    Ok(known)
}

fn read((identity, person): (String, Option<String>)) -> (String, String) {
    (identity, person.unwrap_or_else(|| NOBODY.to_owned()))
}

/// What is remembered of these identities.
fn memories(conn: &mut Conn, keys: &[String]) -> Result<BTreeMap<String, String>, StoreError> {
    let mut memories = BTreeMap::new();
    for chunk in keys.chunks(KEYS_MAX) {
        let rows: Vec<(String, Option<String>)> = identity_matches::table
            .filter(identity_matches::identity.eq_any(chunk))
            .select((identity_matches::identity, identity_matches::person_ref))
            .load(conn)?;
        memories.extend(rows.into_iter().map(read));
    }
    Ok(memories)
}

/// Settles an identity in a meeting, whatever was said of it before.
///
/// # Errors
/// [`StoreError`].
pub fn settle(conn: &mut Conn, meeting_id: &str, word: &Settlement<'_>) -> Result<(), StoreError> {
    let Settlement { identity, person, author, at } = *word;
    let row = NewMatch { meeting_id, identity, person_ref: person, author, created_at: at };
    each_backend!(conn, |c| diesel::insert_into(participant_matches::table)
        .values(&row)
        .on_conflict((participant_matches::meeting_id, participant_matches::identity))
        .do_update()
        .set((
            participant_matches::person_ref.eq(excluded(participant_matches::person_ref)),
            participant_matches::author.eq(excluded(participant_matches::author)),
            participant_matches::created_at.eq(excluded(participant_matches::created_at)),
        ))
        .execute(c))?;
    Ok(())
}

/// Takes back what was settled about these identities in a meeting; whether there was anything.
///
/// # Errors
/// [`StoreError`].
pub fn unsettle(conn: &mut Conn, meeting_id: &str, identities: &[String]) -> Result<bool, StoreError> {
    let gone = diesel::delete(participant_matches::table)
        .filter(participant_matches::meeting_id.eq(meeting_id))
        .filter(participant_matches::identity.eq_any(identities))
        .execute(conn)?;
    Ok(gone > 0)
}

/// Who said last what is remembered of an identity; `None` when nothing is.
///
/// # Errors
/// [`StoreError`].
pub fn author_of_memory(conn: &mut Conn, identity: &str) -> Result<Option<String>, StoreError> {
    Ok(identity_matches::table.find(identity).select(identity_matches::author).first(conn).optional()?)
}

/// Remembers a strong identity for later meetings, whatever was remembered of it before.
///
/// # Errors
/// [`StoreError`].
pub fn remember(conn: &mut Conn, word: &Settlement<'_>) -> Result<(), StoreError> {
    let Settlement { identity, person, author, at } = *word;
    let row = NewMemory { identity, person_ref: person, author, created_at: at };
    each_backend!(conn, |c| diesel::insert_into(identity_matches::table)
        .values(&row)
        .on_conflict(identity_matches::identity)
        .do_update()
        .set((
            identity_matches::person_ref.eq(excluded(identity_matches::person_ref)),
            identity_matches::author.eq(excluded(identity_matches::author)),
            identity_matches::created_at.eq(excluded(identity_matches::created_at)),
        ))
        .execute(c))?;
    Ok(())
}

/// Forgets what is remembered of an identity; whether there was anything.
///
/// # Errors
/// [`StoreError`].
pub fn forget(conn: &mut Conn, identity: &str) -> Result<bool, StoreError> {
    Ok(diesel::delete(identity_matches::table.find(identity)).execute(conn)? > 0)
}

/// Whom hands took these identities for in other meetings, the newest word last.
///
/// # Errors
/// [`StoreError`].
pub fn elsewhere(
    conn: &mut Conn,
    meeting_id: &str,
    identities: &[String],
) -> Result<Vec<(String, String)>, StoreError> {
    let mut found = Vec::new();
    for chunk in identities.chunks(KEYS_MAX) {
        let rows: Vec<(String, Option<String>)> = participant_matches::table
            .filter(participant_matches::identity.eq_any(chunk))
            .filter(participant_matches::meeting_id.ne(meeting_id))
            .filter(participant_matches::person_ref.is_not_null())
            .order((participant_matches::created_at, participant_matches::meeting_id))
            .select((participant_matches::identity, participant_matches::person_ref))
            .load(conn)?;
        found.extend(rows.into_iter().filter_map(|(identity, person)| Some((identity, person?))));
    }
    Ok(found)
}

/// To whom these registrations at Zoom belong, in whatever meeting.
///
/// # Errors
/// [`StoreError`].
pub fn registered(conn: &mut Conn, registrants: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    let mut found = Vec::new();
    for chunk in registrants.chunks(KEYS_MAX) {
        let rows: Vec<(Option<String>, Option<String>)> = meeting_registrants::table
            .filter(meeting_registrants::zoom_registrant_id.eq_any(chunk))
            .select((meeting_registrants::zoom_registrant_id, meeting_registrants::person_ref))
            .load(conn)?;
        found.extend(rows.into_iter().filter_map(|(registrant, person)| Some((registrant?, person?))));
    }
    Ok(found)
}

/// A booking with connections that were recognised as nobody's when it was scored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Waiting {
    /// The booking's id.
    pub appointment_id: String,
    /// What it is called.
    pub title: String,
    /// When it starts.
    pub start_at: UtcMillis,
}

/// Bookings that start from `from` on and before `to`, are over, and have connections of nobody, by start, after the
/// place `after`, at most `limit`. A report may since have replaced those connections.
///
/// # Errors
/// [`StoreError`].
pub fn waiting(
    conn: &mut Conn,
    from: UtcMillis,
    to: UtcMillis,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<Waiting>, StoreError> {
    let nobodys = zoom_participants::table
        .filter(zoom_participants::meeting_id.eq(zoom_meetings::id))
        .filter(zoom_participants::person_ref.is_null().and(zoom_participants::matched_by.is_null()))
        .filter(zoom_participants::room.ne("waiting").and(zoom_participants::source.ne("app")));
    let mut query = appointments::table
        .inner_join(zoom_meetings::table)
        .filter(appointments::start_at.ge(from).and(appointments::start_at.lt(to)))
        .filter(zoom_meetings::status.eq("ended"))
        .filter(diesel::dsl::exists(nobodys))
        .order((appointments::start_at, appointments::id))
        .limit(limit)
        .select((appointments::id, appointments::title, appointments::start_at))
        .into_boxed();
    if let Some((start, id)) = after {
        let later = appointments::start_at.eq(start).and(appointments::id.gt(id));
        query = query.filter(appointments::start_at.gt(start).or(later));
    }
    Ok(query.load(conn)?)
}
