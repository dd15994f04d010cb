//! Who may read an event of the stream: those who are part of its booking, as it is now.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::outbox::{self, Fact};
use super::schema::appointments;
use super::{Conn, StoreError, appointment, group};
use crate::domain::access::Standing;

/// Everybody who is part of a booking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Circle {
    host: Option<String>,
    group_hosts: BTreeSet<String>,
    invited: BTreeSet<String>,
}

impl Circle {
    /// How a person stands to the booking.
    #[must_use]
    pub fn standing(&self, person: &str) -> Standing {
        Standing {
            hosts: self.host.as_deref() == Some(person),
            hosts_group: self.group_hosts.contains(person),
            invited: self.invited.contains(person),
        }
    }
}

/// An event of the stream, and who may read it.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its place in the stream.
    pub seq: i64,
    /// What happened.
    pub fact: Fact,
    /// Those who are part of its booking; `None` when it is about no booking, or about one that is gone.
    pub circle: Option<Circle>,
}

/// Events after the place `after`, in order, at most `limit`, in as many queries as there are tables.
///
/// # Errors
/// [`StoreError`].
pub fn after(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<Told>, StoreError> {
    let facts = outbox::after(conn, after, limit)?;
    let ids: BTreeSet<&String> = facts.iter().filter_map(|fact| fact.appointment_id.as_ref()).collect();
    let circles = circles(conn, &ids.into_iter().cloned().collect::<Vec<_>>())?;
    let told = facts.into_iter().filter_map(|fact| {
        let circle = fact.appointment_id.as_ref().and_then(|id| circles.get(id).cloned());
        Some(Told { seq: fact.seq?, circle, fact })
    });
    Ok(told.collect())
}

/// Who is part of a booking; `None` when it is gone.
///
/// # Errors
/// [`StoreError`].
pub fn circle(conn: &mut Conn, appointment_id: &str) -> Result<Option<Circle>, StoreError> {
    Ok(circles(conn, &[appointment_id.to_owned()])?.remove(appointment_id))
}

/// The circles of these bookings.
fn circles(conn: &mut Conn, ids: &[String]) -> Result<BTreeMap<String, Circle>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let bookings: Vec<(String, Option<String>, Option<String>)> = appointments::table
        .filter(appointments::id.eq_any(ids))
        .select((appointments::id, appointments::host_ref, appointments::group_ref))
        .load(conn)?;
    let groups: BTreeSet<&String> = bookings.iter().filter_map(|(_, _, group)| group.as_ref()).collect();
    let members = group::members_of_all(conn, &groups.into_iter().cloned().collect::<Vec<_>>())?;
    let mut circles = BTreeMap::new();
    for (id, host, group) in bookings {
        let mut circle = Circle { host, ..Circle::default() };
        for member in members.iter().filter(|member| Some(&member.group_ref) == group.as_ref()) {
            if member.hosts() {
                circle.group_hosts.insert(member.person_ref.clone());
            }
            circle.invited.insert(member.person_ref.clone());
        }
        circles.insert(id, circle);
    }
    for attendee in appointment::roster(conn, ids)? {
        if let Some(circle) = circles.get_mut(&attendee.appointment_id) {
            circle.invited.insert(attendee.person_ref);
        }
    }
    Ok(circles)
}
