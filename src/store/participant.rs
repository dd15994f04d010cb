//! Connections: who was seen in which run of a meeting, by whose word.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::schema::zoom_participants as table;
use super::{Conn, StoreError, UtcMillis, each_backend};
use crate::domain::connection::{Connection, ConnectionId, Room, Source};
use crate::domain::identity::NOBODY;

/// Rows in one statement: 19 columns each, PostgreSQL takes 65,535 values and SQLite 32,766.
const BATCH_MAX: usize = 1000;

/// A row to write.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = table, treat_none_as_default_value = false)]
struct NewParticipant {
    meeting_id: String,
    instance_uuid: String,
    source: String,
    room: String,
    connection_key: String,
    participant_uuid: Option<String>,
    user_id: Option<String>,
    zoom_user_id: Option<String>,
    registrant_id: Option<String>,
    customer_key: Option<String>,
    email: Option<String>,
    name: String,
    join_time: Option<UtcMillis>,
    leave_time: Option<UtcMillis>,
    leave_reason: Option<String>,
    created_at: UtcMillis,
    updated_at: UtcMillis,
}

/// A row as read.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = table)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct ParticipantRow {
    pub id: i64,
    pub meeting_id: String,
    pub instance_uuid: String,
    pub source: String,
    pub room: String,
    pub connection_key: String,
    pub participant_uuid: Option<String>,
    pub user_id: Option<String>,
    pub zoom_user_id: Option<String>,
    pub registrant_id: Option<String>,
    pub customer_key: Option<String>,
    pub email: Option<String>,
    pub name: String,
    pub join_time: Option<UtcMillis>,
    pub leave_time: Option<UtcMillis>,
    pub leave_reason: Option<String>,
    pub person_ref: Option<String>,
    pub matched_by: Option<String>,
}

impl ParticipantRow {
    /// The connection that the row holds.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when source or room is no word of ours.
    pub fn connection(&self) -> Result<Connection, StoreError> {
        let corrupt = |what: &str| StoreError::corrupt(format!("zoom_participants.{what}"), "unknown word");
        Ok(Connection {
            instance: self.instance_uuid.clone(),
            key: self.connection_key.clone(),
            room: Room::parse(&self.room).ok_or_else(|| corrupt("room"))?,
            source: Source::parse(&self.source).ok_or_else(|| corrupt("source"))?,
            participant_uuid: self.participant_uuid.clone(),
            user_id: self.user_id.clone(),
            zoom_user_id: self.zoom_user_id.clone(),
            registrant_id: self.registrant_id.clone(),
            customer_key: self.customer_key.clone(),
            email: self.email.clone(),
            name: self.name.clone(),
            join_time: self.join_time.map(Into::into),
            leave_time: self.leave_time.map(Into::into),
            leave_reason: self.leave_reason.clone(),
        })
    }
}

fn new_row(meeting_id: &str, connection: &Connection, now: UtcMillis) -> NewParticipant {
    NewParticipant {
        meeting_id: meeting_id.to_owned(),
        instance_uuid: connection.instance.clone(),
        source: connection.source.as_str().to_owned(),
        room: connection.room.as_str().to_owned(),
        connection_key: connection.key.clone(),
        participant_uuid: connection.participant_uuid.clone(),
        user_id: connection.user_id.clone(),
        zoom_user_id: connection.zoom_user_id.clone(),
        registrant_id: connection.registrant_id.clone(),
        customer_key: connection.customer_key.clone(),
        email: connection.email.clone(),
        name: connection.name.clone(),
        join_time: connection.join_time.map(UtcMillis::from),
        leave_time: connection.leave_time.map(UtcMillis::from),
        leave_reason: connection.leave_reason.clone(),
        created_at: now,
        updated_at: now,
    }
}

/// Everybody seen in a meeting, in the order of their coming.
///
/// # Errors
/// [`StoreError`].
pub fn of_meeting(conn: &mut Conn, meeting_id: &str) -> Result<Vec<ParticipantRow>, StoreError> {
    Ok(table::table
        .filter(table::meeting_id.eq(meeting_id))
        .order((table::join_time, table::id))
        .select(ParticipantRow::as_select())
        .load(conn)?)
}

/// Writes connections as wholes, each over what was known of it before.
///
/// # Errors
/// [`StoreError`].
pub fn save(
    conn: &mut Conn,
    meeting_id: &str,
    connections: &[Connection],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let now = UtcMillis::from(now);
    for chunk in connections.chunks(BATCH_MAX) {
        let rows: Vec<NewParticipant> = chunk.iter().map(|c| new_row(meeting_id, c, now)).collect();
        each_backend!(conn, |c| diesel::insert_into(table::table)
            .values(&rows)
            .on_conflict((table::instance_uuid, table::source, table::room, table::connection_key))
            .do_update()
            .set((
                table::participant_uuid.eq(excluded(table::participant_uuid)),
                table::user_id.eq(excluded(table::user_id)),
                table::zoom_user_id.eq(excluded(table::zoom_user_id)),
                table::registrant_id.eq(excluded(table::registrant_id)),
                table::customer_key.eq(excluded(table::customer_key)),
                table::email.eq(excluded(table::email)),
                table::name.eq(excluded(table::name)),
                table::join_time.eq(excluded(table::join_time)),
                table::leave_time.eq(excluded(table::leave_time)),
                table::leave_reason.eq(excluded(table::leave_reason)),
                table::updated_at.eq(excluded(table::updated_at)),
            ))
            .execute(c))?;
    }
    Ok(())
}

/// Puts Zoom's report of an instance in the place of any earlier reading of it.
///
/// # Errors
/// [`StoreError`].
pub fn replace_report(
    conn: &mut Conn,
    meeting_id: &str,
    instance: &str,
    connections: &[Connection],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::delete(table::table)
        .filter(table::instance_uuid.eq(instance).and(table::source.eq(Source::Report.as_str())))
        .execute(conn)?;
    save(conn, meeting_id, connections, now)
}

/// Notes whom the connections were found to be; `None` for those nobody recognises. Those that a hand settled to be
/// nobody have no person, but say what by.
///
/// # Errors
/// [`StoreError`].
pub fn save_matches(
    conn: &mut Conn,
    matches: &[(ConnectionId, Option<(String, &'static str)>)],
) -> Result<(), StoreError> {
    for (id, found) in matches {
        let (person, by) = found.as_ref().map_or((None, None), |(person, by)| (Some(person), Some(*by)));
        let person = person.filter(|person| *person != NOBODY);
        diesel::update(table::table)
            .filter(table::instance_uuid.eq(&id.instance))
            .filter(table::source.eq(id.source.as_str()))
            .filter(table::room.eq(id.room.as_str()))
            .filter(table::connection_key.eq(&id.key))
            .set((table::person_ref.eq(person), table::matched_by.eq(by)))
            .execute(conn)?;
    }
    Ok(())
}
