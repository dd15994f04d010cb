//! Which Zoom user a host is: one key for each, whatever they are called by.
//!
//! A person names their Zoom user by id or address, or not at all; the pool is a list of addresses. Zoom's id is
//! the key as soon as it is known, the address in lower case until then: [`learned`] rewrites what is under the
//! address, so one host is never counted as two.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::person::{self, PersonRow};
use super::schema::{licence_leases, zoom_users};
use super::{Conn, StoreError, seat, seat_line};
use crate::domain::seats::UserFacts;

/// The key of the Zoom user whom a person hosts under: the one they name, else the one that is known to be theirs,
/// else the one with their address. `None` for somebody without an address.
///
/// # Errors
/// [`StoreError`].
pub fn of_person(conn: &mut Conn, person: &PersonRow) -> Result<Option<String>, StoreError> {
    if let Some(named) = &person.zoom_user {
        return canonical(conn, &person::seat_key(named)).map(Some);
    }
    let address = person.email_key.clone().unwrap_or_default();
    let known: Vec<(String, Option<String>)> = zoom_users::table
        .filter(zoom_users::person_ref.eq(&person.ref_).or(zoom_users::email_key.eq(&address).nullable()))
        .order(zoom_users::zoom_user_id)
        .select((zoom_users::zoom_user_id, zoom_users::person_ref))
        .load(conn)?;
    let theirs = known.iter().find(|(_, owner)| owner.as_ref() == Some(&person.ref_));
    let found = theirs.or(known.first()).map(|(id, _)| id.clone());
    Ok(found.or_else(|| person.email_key.clone()))
}

/// The key of the Zoom user with this id or address.
///
/// # Errors
/// [`StoreError`].
pub fn canonical(conn: &mut Conn, name: &str) -> Result<String, StoreError> {
    let known = canonicals(conn, std::slice::from_ref(&name.to_owned()))?;
    Ok(known.into_iter().next().unwrap_or_else(|| name.to_owned()))
}

/// The keys of the Zoom users with these ids or addresses, in their order, each once.
///
/// # Errors
/// [`StoreError`].
pub fn canonicals(conn: &mut Conn, names: &[String]) -> Result<Vec<String>, StoreError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let ids: BTreeMap<String, String> = zoom_users::table
        .filter(zoom_users::email_key.eq_any(names))
        .select((zoom_users::email_key, zoom_users::zoom_user_id))
        .load(conn)?
        .into_iter()
        .collect();
    let mut keys: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let key = ids.get(name).unwrap_or(name);
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    Ok(keys)
}

/// What Zoom said of these users, by their keys; of the others nothing is known. A licence that is lent for a meeting
/// and taken back after it is none to make plans with.
///
/// # Errors
/// [`StoreError`].
pub fn facts(conn: &mut Conn, keys: &[String]) -> Result<BTreeMap<String, UserFacts>, StoreError> {
    let known: Vec<(String, i64, String)> = zoom_users::table
        .filter(zoom_users::zoom_user_id.eq_any(keys))
        .select((zoom_users::zoom_user_id, zoom_users::type_, zoom_users::status))
        .load(conn)?;
    let licensed: Vec<&String> =
        known.iter().filter(|(_, kind, _)| *kind == person::LICENSED).map(|(id, ..)| id).collect();
    let lent = lent_to(conn, &licensed)?;
    let facts = known.iter().map(|(id, kind, status)| {
        let licensed = *kind == person::LICENSED && !lent.contains(id);
        (id.clone(), UserFacts { licensed, active: status != INACTIVE })
    });
    Ok(facts.collect())
}

/// Those of these users whose licence is lent to them for a time.
fn lent_to(conn: &mut Conn, users: &[&String]) -> Result<Vec<String>, StoreError> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    Ok(licence_leases::table
        .filter(licence_leases::zoom_user_id.eq_any(users))
        .filter(licence_leases::until_at.is_not_null())
        .select(licence_leases::zoom_user_id)
        .load(conn)?)
}

/// Zoom's word for a deactivated user (Users API, `status`).
const INACTIVE: &str = "inactive";

/// Zoom gave the id behind an address, or the id of an address changed, or is gone: what was under the old key is the
/// same host's.
///
/// # Errors
/// [`StoreError`].
pub fn learned(conn: &mut Conn, old: &str, id: &str) -> Result<(), StoreError> {
    if old == id {
        return Ok(());
    }
    seat::rekey(conn, old, id)?;
    seat_line::rekey(conn, old, id)
}

/// Keeps a known Zoom user as this person's, whatever their address becomes; one who is somebody's already stays so.
///
/// # Errors
/// [`StoreError`].
pub fn keep(conn: &mut Conn, key: &str, person_ref: &str) -> Result<(), StoreError> {
    let free = zoom_users::table.find(key).filter(zoom_users::person_ref.is_null());
    diesel::update(free).set(zoom_users::person_ref.eq(person_ref)).execute(conn)?;
    Ok(())
}
