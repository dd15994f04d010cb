//! By what a person is known in the webhooks that are kept, and those webhooks.

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

use super::schema::{
    appointment_attendees, appointments, people, webhook_events, zoom_meetings, zoom_participants,
};
use super::sql::Sql;
use super::{Conn, StoreError, UtcMillis};
use crate::domain::theirs::Traces;

/// Meetings whose webhooks are read in one statement.
pub(super) const MEETINGS_MAX: usize = 100;

/// A person's traces, and the numbers of the meetings in whose webhooks they may be.
#[derive(Debug, Clone, Default)]
pub struct Trail {
    /// By what they are known there.
    pub traces: Traces,
    /// Where they may be.
    pub numbers: Vec<String>,
}

#[derive(QueryableByName)]
struct Registered {
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Nullable<Text>)]
    registrant: Option<String>,
    #[diesel(sql_type = Bool)]
    shared: bool,
}

/// A webhook that is kept.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = webhook_events)]
pub struct KeptWebhook {
    /// Its place.
    pub id: i64,
    /// Zoom's name of what happened.
    pub event: String,
    /// When it came.
    pub received_at: UtcMillis,
    /// As it came.
    pub body: String,
}

/// The trail of the person who goes by these `ref`s. `email` is the address that is theirs alone.
///
/// # Errors
/// [`StoreError`].
pub fn of_person(conn: &mut Conn, refs: &[&str], email: Option<&str>) -> Result<Trail, StoreError> {
    let seen: Vec<(Option<String>, Option<String>)> = zoom_participants::table
        .inner_join(zoom_meetings::table)
        .filter(zoom_participants::person_ref.eq_any(refs))
        .select((zoom_meetings::zoom_meeting_id, zoom_participants::participant_uuid))
        .load(conn)?;
    let registered = registered(conn, refs)?;
    let invited = appointment_attendees::table
        .filter(appointment_attendees::person_ref.eq_any(refs))
        .select(appointment_attendees::appointment_id);
    let booked: Vec<Option<String>> = zoom_meetings::table
        .inner_join(appointments::table)
        .filter(appointments::host_ref.eq_any(refs).assume_not_null().or(appointments::id.eq_any(invited)))
        .select(zoom_meetings::zoom_meeting_id)
        .load(conn)?;
    let numbers: BTreeSet<String> = seen
        .iter()
        .filter_map(|(number, _)| number.clone())
        .chain(registered.iter().map(|row| row.number.clone()))
        .chain(booked.into_iter().flatten())
        .collect();
    let alone = registered.into_iter().filter(|row| !row.shared).filter_map(|row| row.registrant);
    let traces = Traces {
        connections: seen.into_iter().filter_map(|(_, connection)| connection).collect(),
        registrants: alone.filter(|id| !id.is_empty()).collect(),
        email: email.filter(|email| !email.is_empty()).map(str::to_owned),
    };
    Ok(Trail { traces, numbers: numbers.into_iter().collect() })
}

/// Their registrations; who has one address has one registration at Zoom.
fn registered(conn: &mut Conn, refs: &[&str]) -> Result<Vec<Registered>, StoreError> {
    let refs: Vec<String> = refs.iter().map(|ref_| (*ref_).to_owned()).collect();
    let mut sql = Sql::new(
        "SELECT r.zoom_meeting_id AS number, r.zoom_registrant_id AS registrant,
            EXISTS (SELECT 1 FROM meeting_registrants o WHERE o.meeting_id = r.meeting_id
                AND o.zoom_meeting_id = r.zoom_meeting_id AND o.email_key = r.email_key
                AND o.person_ref NOT IN (",
    );
    sql.bind_all(&refs).push(")) AS shared FROM meeting_registrants r WHERE r.person_ref IN (");
    sql.bind_all(&refs).push(")");
    sql.load(conn)
}

/// Whether somebody else in the directory has this address (as it is compared).
///
/// # Errors
/// [`StoreError`].
pub fn is_shared(conn: &mut Conn, email_key: &str, person: &str) -> Result<bool, StoreError> {
    let others: i64 = people::table
        .filter(people::email_key.eq(email_key).and(people::ref_.ne(person)))
        .count()
        .get_result(conn)?;
    Ok(others > 0)
}

/// The next webhooks about people in these meetings, after the place `after`.
///
/// # Errors
/// [`StoreError`].
pub fn webhooks(
    conn: &mut Conn,
    numbers: &[String],
    after: i64,
    limit: i64,
) -> Result<Vec<KeptWebhook>, StoreError> {
    let of_people = webhook_events::event
        .like("meeting.participant%")
        .or(webhook_events::event.like("meeting.registration%"));
    Ok(webhook_events::table
        .filter(webhook_events::zoom_meeting_id.eq_any(numbers).assume_not_null())
        .filter(webhook_events::id.gt(after).and(of_people))
        .order(webhook_events::id)
        .limit(limit)
        .select(KeptWebhook::as_select())
        .load(conn)?)
}
