//! Who is expected at a booking, with every identity under which Zoom may show them.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::schema::{
    appointment_attendees, appointments, group_members, meeting_registrants, people, zoom_meetings,
    zoom_users,
};
use super::{Conn, StoreError, erasure, person};
use crate::domain::attendance::RosterPerson;

/// What a host is called who is a shared Zoom user and no person of ours.
pub const POOL_HOST_PREFIX: &str = "zoom-user:";

/// The people of a booking: its attendees, its host, and the hosts of its group. `host_id` is the Zoom user who
/// hosts the meeting; without a host of ours, that user is the host.
///
/// Everybody is there once. The booking's own host is a host, also where the list of attendees names them; another
/// host of the group who is an attendee of this booking is an attendee.
///
/// # Errors
/// [`StoreError`].
pub fn of_appointment(
    conn: &mut Conn,
    appointment_id: &str,
    host_id: Option<&str>,
) -> Result<Vec<RosterPerson>, StoreError> {
    let (host, group): (Option<String>, Option<String>) = appointments::table
        .find(appointment_id)
        .select((appointments::host_ref, appointments::group_ref))
        .first(conn)?;
    let mut attendees: Vec<String> = appointment_attendees::table
        .filter(appointment_attendees::appointment_id.eq(appointment_id))
        .order((appointment_attendees::position, appointment_attendees::person_ref))
        .select(appointment_attendees::person_ref)
        .load(conn)?;
    attendees.retain(|person| Some(person) != host.as_ref());
    let mut hosts: Vec<String> = host.clone().into_iter().collect();
    if let Some(group) = group {
        let of_group: Vec<String> = group_members::table
            .filter(group_members::group_ref.eq(group).and(group_members::role.eq("host")))
            .order((group_members::position, group_members::person_ref))
            .select(group_members::person_ref)
            .load(conn)?;
        let elsewhere = |person: &String| Some(person) == host.as_ref() || attendees.contains(person);
        hosts.extend(of_group.into_iter().filter(|person| !elsewhere(person)));
    }
    let registrations = registrations(conn, appointment_id)?;
    let mut roster = Vec::new();
    for (refs, is_host) in [(&attendees, false), (&hosts, true)] {
        let known = known(conn, refs)?;
        for person in refs {
            let Some(mut entry) = known.get(person).cloned() else { continue };
            entry.host = is_host;
            entry.registrant_ids = registrations.get(person).cloned().unwrap_or_default();
            if is_host && host.as_deref() == Some(person) && entry.zoom_user_id.is_none() {
                entry.zoom_user_id = host_id.map(str::to_owned);
            }
            roster.push(entry);
        }
    }
    if host.is_none()
        && let Some(host_id) = host_id
    {
        roster.push(pool_host(conn, host_id)?);
    }
    Ok(roster)
}

fn known(conn: &mut Conn, refs: &[String]) -> Result<BTreeMap<String, RosterPerson>, StoreError> {
    type Row = (String, String, Option<String>, Option<String>, Option<String>);
    let mut rows: Vec<Row> = people::table
        .filter(people::ref_.eq_any(refs))
        .select((people::ref_, people::name, people::email, people::email_key, people::zoom_user))
        .load(conn)?;
    if rows.len() < refs.len() {
        // Who is being erased is known here until the marks of the class are final.
        let unknown = |person: &&String| rows.iter().all(|(known, ..)| known != *person);
        let unknown: Vec<String> = refs.iter().filter(unknown).cloned().collect();
        rows.extend(erasure::words_of(conn, &unknown)?.into_iter().map(|words| {
            let key = words.email.as_deref().map(person::email_key);
            (words.person, words.name, words.email, key, words.zoom_user)
        }));
    }
    let keys: Vec<&String> = rows.iter().filter_map(|(_, _, _, key, _)| key.as_ref()).collect();
    let users: BTreeMap<String, String> = zoom_users::table
        .filter(zoom_users::email_key.eq_any(keys))
        .select((zoom_users::email_key, zoom_users::zoom_user_id))
        .load::<(String, String)>(conn)?
        .into_iter()
        .collect();
    Ok(rows
        .into_iter()
        .map(|(person, name, email, key, zoom_user)| {
            // `zoom_user` may be an id or an address; an address is resolved by the users seen at Zoom.
            let by_key = key.and_then(|key| users.get(&key).cloned());
            let zoom_user_id = zoom_user.filter(|user| !user.contains('@')).or(by_key);
            let entry =
                RosterPerson { person: person.clone(), name, email, zoom_user_id, ..RosterPerson::default() };
            (person, entry)
        })
        .collect())
}

/// The registrations of each person. One under an address that is another's by now, and theirs no more, is nobody's
/// proof: whoever has the address now has its link.
fn registrations(conn: &mut Conn, appointment_id: &str) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
    let rows: Vec<(Option<String>, Option<String>, String)> = meeting_registrants::table
        .inner_join(zoom_meetings::table)
        .filter(zoom_meetings::appointment_id.eq(appointment_id))
        .select((
            meeting_registrants::person_ref,
            meeting_registrants::zoom_registrant_id,
            meeting_registrants::email_key,
        ))
        .load(conn)?;
    let present: Vec<(Option<String>, String)> = appointment_attendees::table
        .inner_join(people::table.on(people::ref_.eq(appointment_attendees::person_ref)))
        .filter(appointment_attendees::appointment_id.eq(appointment_id))
        .select((people::email_key, people::ref_))
        .load(conn)?;
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (address, person) in present {
        owners.entry(address.unwrap_or_default()).or_default().insert(person);
    }
    let mut by_person: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (person, registrant, address) in rows {
        if let (Some(person), Some(registrant)) = (person, registrant)
            && owners.get(&address).is_none_or(|owners| owners.contains(&person))
        {
            by_person.entry(person).or_default().push(registrant);
        }
    }
    Ok(by_person)
}

fn pool_host(conn: &mut Conn, host_id: &str) -> Result<RosterPerson, StoreError> {
    let found: Option<(String, Option<String>)> = zoom_users::table
        .find(host_id)
        .select((zoom_users::email, zoom_users::display_name))
        .first(conn)
        .optional()?;
    let (email, name) = found.map_or((None, None), |(email, name)| (Some(email), name));
    Ok(RosterPerson {
        person: format!("{POOL_HOST_PREFIX}{host_id}"),
        name: name.or_else(|| email.clone()).unwrap_or_else(|| host_id.to_owned()),
        email,
        zoom_user_id: Some(host_id.to_owned()),
        registrant_ids: Vec::new(),
        host: true,
    })
}
