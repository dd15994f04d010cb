//! Who should be registered for a meeting, and who on its roster should not.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde_json::Value;

use crate::domain::registration::is_of_domain;
use crate::store::meeting::MeetingRow;
use crate::store::person::{self, PersonRow};
use crate::store::schema::{appointment_attendees, appointments, group_members, zoom_users};
use crate::store::{Conn, Json, StoreError};

/// Somebody to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Our `ref` of them.
    pub person: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// The address in lower case.
    pub email_key: String,
}

/// Why somebody on the roster is not registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// They have no address.
    NoEmail,
    /// They host, alone or with others, and come in without; Zoom refuses to register them (3027).
    Hosts,
    /// Their address is of another domain than may join.
    EmailDomain,
}

impl LeftOut {
    /// The word for it in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoEmail => "no_email",
            Self::Hosts => "host",
            Self::EmailDomain => "email_domain",
        }
    }
}

/// The roster of a booking, by who can be registered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invited {
    /// Who can, in the roster's order.
    pub people: Vec<Person>,
    /// Who cannot.
    pub left_out: Vec<(String, LeftOut)>,
}

/// Sorts the roster of a booking. `meeting` says who hosts it at Zoom; `domain` is the only one whose addresses may
/// register, if there is such.
///
/// # Errors
/// [`StoreError`].
pub fn invited(
    conn: &mut Conn,
    appointment_id: &str,
    meeting: &MeetingRow,
    domain: Option<&str>,
) -> Result<Invited, StoreError> {
    let attendees: Vec<String> = appointment_attendees::table
        .filter(appointment_attendees::appointment_id.eq(appointment_id))
        .order((appointment_attendees::position, appointment_attendees::person_ref))
        .select(appointment_attendees::person_ref)
        .load(conn)?;
    let (host_refs, hosts) = hosts(conn, appointment_id, meeting)?;
    let people: BTreeMap<String, PersonRow> =
        person::by_refs(conn, &attendees)?.into_iter().map(|row| (row.ref_.clone(), row)).collect();
    let mut sorted = Invited::default();
    for row in attendees.iter().filter_map(|ref_| people.get(ref_)) {
        let (Some(email), Some(email_key)) = (&row.email, &row.email_key) else {
            sorted.left_out.push((row.ref_.clone(), LeftOut::NoEmail));
            continue;
        };
        let why = if host_refs.contains(&row.ref_) || hosts.contains(email_key) {
            Some(LeftOut::Hosts)
        } else {
            domain.filter(|domain| !is_of_domain(email, domain)).map(|_| LeftOut::EmailDomain)
        };
        match why {
            Some(why) => sorted.left_out.push((row.ref_.clone(), why)),
            None => sorted.people.push(Person {
                person: row.ref_.clone(),
                name: row.name.clone(),
                email: email.clone(),
                email_key: email_key.clone(),
            }),
        }
    }
    Ok(sorted)
}

/// Who hosts: our people, and every address that Zoom knows a host of this meeting by.
fn hosts(
    conn: &mut Conn,
    appointment_id: &str,
    meeting: &MeetingRow,
) -> Result<(BTreeSet<String>, BTreeSet<String>), StoreError> {
    let (host, group, settings): (Option<String>, Option<String>, Json) = appointments::table
        .find(appointment_id)
        .select((appointments::host_ref, appointments::group_ref, appointments::settings))
        .first(conn)?;
    let mut refs: Vec<String> = host.into_iter().collect();
    if let Some(group) = group {
        let of_group: Vec<String> = group_members::table
            .filter(group_members::group_ref.eq(group).and(group_members::role.eq("host")))
            .select(group_members::person_ref)
            .load(conn)?;
        refs.extend(of_group);
    }
    let people = person::by_refs(conn, &refs)?;
    let mut addresses: BTreeSet<String> = people.into_iter().filter_map(|row| row.email_key).collect();
    let settings: BTreeMap<String, Value> = settings.parse("appointments.settings")?;
    addresses.extend(settings.get("alternative_hosts").map(listed).unwrap_or_default());
    let told: Option<Value> =
        meeting.told.as_ref().map(|told| told.parse("zoom_meetings.told")).transpose()?;
    addresses.extend(
        told.as_ref()
            .and_then(|told| told.pointer("/settings/alternative_hosts"))
            .map(listed)
            .unwrap_or_default(),
    );
    addresses.extend(meeting.host_email.as_ref().map(|key| key.to_lowercase()));
    if let Some(host_id) = &meeting.host_id {
        let of_user: Option<String> =
            zoom_users::table.find(host_id).select(zoom_users::email_key).first(conn).optional()?;
        addresses.extend(of_user);
    }
    Ok((refs.into_iter().collect(), addresses))
}

/// The addresses in a list as Zoom writes it.
fn listed(list: &Value) -> Vec<String> {
    let list = list.as_str().unwrap_or_default().split([';', ',']);
    list.map(|address| address.trim().to_lowercase()).filter(|address| !address.is_empty()).collect()
}
