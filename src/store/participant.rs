//! Connections: who was seen in which run of a meeting, by whose word.

use chrono::{DateTime, Utc};
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::upsert::excluded;
use serde::Serialize;

use super::schema::{zoom_meetings, zoom_participants as table};
use super::{Conn, Json, StoreError, UtcMillis, each_backend};
use crate::domain::connection::{Connection, Room, Source};

/// Rows in one statement: 18 columns each, PostgreSQL takes 65,535 values and SQLite 32,766.
const BATCH_MAX: usize = 1000;
/// Matches in one statement, which takes them as one value.
const MATCHES_MAX: usize = 5000;

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
    told: Option<Json>,
}

/// A row of Zoom's report: the connection that it shows, and what Zoom wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportLine {
    /// What it is taken for.
    pub connection: Connection,
    /// Times, duration, status and failover as they came.
    pub told: Json,
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

fn new_row(meeting_id: &str, connection: &Connection, told: Option<&Json>, now: UtcMillis) -> NewParticipant {
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
        told: told.cloned(),
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
    let rows: Vec<NewParticipant> = connections.iter().map(|c| new_row(meeting_id, c, None, now)).collect();
    write(conn, &rows)
}

fn write(conn: &mut Conn, rows: &[NewParticipant]) -> Result<(), StoreError> {
    for rows in rows.chunks(BATCH_MAX) {
        each_backend!(conn, |c| diesel::insert_into(table::table)
            .values(rows)
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
                table::told.eq(excluded(table::told)),
            ))
            .execute(c))?;
    }
    Ok(())
}

/// Puts Zoom's report of an instance in the place of any earlier reading of it. No two lines may have the same room
/// and key.
///
/// # Errors
/// [`StoreError`].
pub fn replace_report(
    conn: &mut Conn,
    meeting_id: &str,
    instance: &str,
    lines: &[ReportLine],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::delete(table::table)
        .filter(table::instance_uuid.eq(instance).and(table::source.eq(Source::Report.as_str())))
        .execute(conn)?;
    let now = UtcMillis::from(now);
    let row = |line: &ReportLine| new_row(meeting_id, &line.connection, Some(&line.told), now);
    write(conn, &lines.iter().map(row).collect::<Vec<_>>())
}

/// The last moment that anything is known of in a run: of one whose end nobody tells, it has lasted until then.
///
/// # Errors
/// [`StoreError`].
pub fn last_seen(conn: &mut Conn, instance: &str) -> Result<Option<UtcMillis>, StoreError> {
    let of_run = || table::table.filter(table::instance_uuid.eq(instance));
    let joined: Option<UtcMillis> = of_run().select(max(table::join_time)).first(conn)?;
    let left: Option<UtcMillis> = of_run().select(max(table::leave_time)).first(conn)?;
    Ok(joined.max(left))
}

/// Whom a row was found to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Match {
    /// The row.
    pub id: i64,
    /// The person; `None` for those nobody recognises.
    pub person: Option<String>,
    /// By what.
    pub matched: Option<&'static str>,
}

/// Notes whom the rows were found to be, thousands in one statement: a meeting as large as a webinar is scored with
/// each of its late events.
///
/// # Errors
/// [`StoreError`].
pub fn save_matches(conn: &mut Conn, matches: &[Match]) -> Result<(), StoreError> {
    for matches in matches.chunks(MATCHES_MAX) {
        let json = Json::of(matches)?;
        let statement = match conn {
            Conn::Sqlite(_) => {
                "UPDATE zoom_participants SET person_ref = j.value ->> 'person', \
                 matched_by = j.value ->> 'matched' FROM json_each(?) AS j \
                 WHERE zoom_participants.id = j.value ->> 'id'"
            }
            Conn::Postgres(_) => {
                "UPDATE zoom_participants SET person_ref = j.person, matched_by = j.matched \
                 FROM json_to_recordset($1::json) AS j (id bigint, person text, matched text) \
                 WHERE zoom_participants.id = j.id"
            }
        };
        each_backend!(conn, |c| diesel::sql_query(statement).bind::<Text, _>(json.as_str()).execute(c))?;
    }
    Ok(())
}

/// Keeps how many people were seen in a meeting, for reports.
///
/// # Errors
/// [`StoreError`].
pub fn save_heads(conn: &mut Conn, meeting_id: &str, heads: usize) -> Result<(), StoreError> {
    let heads = i64::try_from(heads).unwrap_or(i64::MAX);
    diesel::update(zoom_meetings::table.find(meeting_id).filter(zoom_meetings::seen.ne(heads)))
        .set(zoom_meetings::seen.eq(heads))
        .execute(conn)?;
    Ok(())
}
