//! Zoom's counterpart of a booking, and the operation it has in flight.
//!
//! The columns about Zoom are written by the meeting's actor alone, each time under the version it read: a write
//! that finds another version changes nothing and says so.

use diesel::prelude::*;

use super::due::{self, DueKind};
use super::look::{self, LookRow};
use super::schema::{appointment_attendees, appointments, people, seats, zoom_meetings, zoom_users};
use super::{Conn, Json, StoreError, UtcMillis, licence};
use crate::domain::licence::LICENSED;
use crate::domain::registration::Circumstances;
use crate::domain::shard::Shard;

/// A row of `zoom_meetings`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = zoom_meetings, treat_none_as_default_value = false)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct MeetingRow {
    pub id: String,
    pub appointment_id: String,
    pub zoom_meeting_id: Option<String>,
    pub zoom_uuid: Option<String>,
    pub host_id: Option<String>,
    pub host_email: Option<String>,
    pub status: String,
    pub join_url: Option<String>,
    pub passcode_enc: Option<Vec<u8>>,
    pub registration_url: Option<String>,
    pub marker: String,
    pub synced_generation: i64,
    pub told: Option<Json>,
    pub sync_state: String,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub next_attempt_at: Option<UtcMillis>,
    pub op_id: Option<String>,
    pub op_kind: Option<String>,
    pub op_generation: Option<i64>,
    pub op_host: Option<String>,
    pub op_spec: Option<Json>,
    pub op_started_at: Option<UtcMillis>,
    pub looks: i64,
    pub gone_at: Option<UtcMillis>,
    pub started_at: Option<UtcMillis>,
    pub ended_at: Option<UtcMillis>,
    pub shard: i64,
    pub version: i64,
    pub created_at: UtcMillis,
    pub updated_at: UtcMillis,
}

impl MeetingRow {
    /// The row of a meeting that Zoom has not heard of yet.
    #[must_use]
    pub fn pending(id: String, appointment_id: String, marker: String, now: UtcMillis) -> Self {
        Self {
            shard: Shard::of(&id).number(),
            id,
            appointment_id,
            zoom_meeting_id: None,
            zoom_uuid: None,
            host_id: None,
            host_email: None,
            status: "pending".to_owned(),
            join_url: None,
            passcode_enc: None,
            registration_url: None,
            marker,
            synced_generation: 0,
            told: None,
            sync_state: "pending".to_owned(),
            attempts: 0,
            last_error: None,
            next_attempt_at: None,
            op_id: None,
            op_kind: None,
            op_generation: None,
            op_host: None,
            op_spec: None,
            op_started_at: None,
            looks: 0,
            gone_at: None,
            started_at: None,
            ended_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }
}

/// The columns that the sync loop writes, all together.
#[derive(Debug, Clone, AsChangeset)]
#[diesel(table_name = zoom_meetings, treat_none_as_null = true)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct SyncColumns {
    pub zoom_meeting_id: Option<String>,
    pub zoom_uuid: Option<String>,
    pub host_id: Option<String>,
    pub host_email: Option<String>,
    pub join_url: Option<String>,
    pub passcode_enc: Option<Vec<u8>>,
    pub registration_url: Option<String>,
    pub synced_generation: i64,
    pub told: Option<Json>,
    pub sync_state: String,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub next_attempt_at: Option<UtcMillis>,
    pub op_id: Option<String>,
    pub op_kind: Option<String>,
    pub op_generation: Option<i64>,
    pub op_host: Option<String>,
    pub op_spec: Option<Json>,
    pub op_started_at: Option<UtcMillis>,
    pub looks: i64,
    pub gone_at: Option<UtcMillis>,
    pub updated_at: UtcMillis,
}

/// What the booking says, as far as Zoom has to know.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = appointments)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct BookingRow {
    pub id: String,
    pub title: String,
    pub description: String,
    pub start_at: UtcMillis,
    pub end_at: UtcMillis,
    pub duration_minutes: i64,
    pub timezone: String,
    pub status: String,
    pub settings: Json,
    pub origin: String,
    pub generation: i64,
}

/// Everything a meeting's actor needs to decide.
#[derive(Debug, Clone)]
pub struct SyncView {
    /// The meeting.
    pub meeting: MeetingRow,
    /// Its booking.
    pub booking: BookingRow,
    /// The host by the name that the meeting has them under, else by their address as far as it is known.
    pub seat: Option<String>,
    /// The Zoom user id behind the key, once it has been asked for.
    pub host_id: Option<String>,
    /// When the meeting's work was due, read before anything else.
    pub due_at: Option<UtcMillis>,
    /// How Zoom differs, and who wants a look.
    pub look: LookRow,
    /// What decides whether the meeting has registration.
    pub registration: Circumstances,
}

/// Writes a new meeting.
///
/// # Errors
/// [`StoreError`].
pub fn insert(conn: &mut Conn, row: &MeetingRow) -> Result<(), StoreError> {
    diesel::insert_into(zoom_meetings::table).values(row).execute(conn)?;
    Ok(())
}

/// The meeting with this id.
///
/// # Errors
/// [`StoreError`].
pub fn by_id(conn: &mut Conn, id: &str) -> Result<Option<MeetingRow>, StoreError> {
    Ok(zoom_meetings::table.find(id).select(MeetingRow::as_select()).first(conn).optional()?)
}

/// The generation of its booking that Zoom agrees with; `None` when there is no such meeting.
///
/// # Errors
/// [`StoreError`].
pub fn synced_generation(conn: &mut Conn, id: &str) -> Result<Option<i64>, StoreError> {
    Ok(zoom_meetings::table.find(id).select(zoom_meetings::synced_generation).first(conn).optional()?)
}

/// The meeting of a booking.
///
/// # Errors
/// [`StoreError`].
pub fn by_appointment(conn: &mut Conn, appointment_id: &str) -> Result<Option<MeetingRow>, StoreError> {
    Ok(zoom_meetings::table
        .filter(zoom_meetings::appointment_id.eq(appointment_id))
        .select(MeetingRow::as_select())
        .first(conn)
        .optional()?)
}

/// The meeting with this id or this Zoom number.
///
/// # Errors
/// [`StoreError`].
pub fn by_id_or_number(conn: &mut Conn, id: &str) -> Result<Option<MeetingRow>, StoreError> {
    Ok(zoom_meetings::table
        .filter(zoom_meetings::id.eq(id).or(zoom_meetings::zoom_meeting_id.eq(id)))
        .select(MeetingRow::as_select())
        .first(conn)
        .optional()?)
}

/// The meetings of many bookings.
///
/// # Errors
/// [`StoreError`].
pub fn of_appointments(conn: &mut Conn, ids: &[String]) -> Result<Vec<MeetingRow>, StoreError> {
    Ok(zoom_meetings::table
        .filter(zoom_meetings::appointment_id.eq_any(ids))
        .select(MeetingRow::as_select())
        .load(conn)?)
}

/// Which of these Zoom numbers are ours: pairs of number and meeting id.
///
/// # Errors
/// [`StoreError`].
pub fn ids_of_numbers(conn: &mut Conn, numbers: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    let found: Vec<(Option<String>, String)> = zoom_meetings::table
        .filter(zoom_meetings::zoom_meeting_id.eq_any(numbers))
        .select((zoom_meetings::zoom_meeting_id, zoom_meetings::id))
        .load(conn)?;
    Ok(found.into_iter().filter_map(|(number, id)| number.map(|number| (number, id))).collect())
}

/// What a meeting's actor decides on.
///
/// # Errors
/// [`StoreError`].
pub fn sync_view(conn: &mut Conn, id: &str) -> Result<Option<SyncView>, StoreError> {
    // First of all: what becomes due after this is not in what is read next, and must not be forgotten with it.
    let due_at = due::at(conn, DueKind::Sync, id)?;
    let found: Option<(MeetingRow, BookingRow)> = zoom_meetings::table
        .inner_join(appointments::table)
        .filter(zoom_meetings::id.eq(id))
        .select((MeetingRow::as_select(), BookingRow::as_select()))
        .first(conn)
        .optional()?;
    let Some((meeting, booking)) = found else { return Ok(None) };
    let look = look::of(conn, id)?;
    let seat: Option<String> = seats::table
        .filter(seats::appointment_id.eq(&booking.id))
        .select(seats::zoom_user_id)
        .first(conn)
        .optional()?;
    let user: Option<(String, String, String, i64)> = match &seat {
        None => None,
        Some(key) => zoom_users::table
            .filter(zoom_users::email_key.eq(key).or(zoom_users::zoom_user_id.eq(key)))
            .select((zoom_users::zoom_user_id, zoom_users::email_key, zoom_users::status, zoom_users::type_))
            .first(conn)
            .optional()?,
    };
    let Some((host_id, address, status, kind)) = user else {
        let registration = circumstances(conn, &meeting, None)?;
        return Ok(Some(SyncView { meeting, booking, seat, host_id: None, due_at, look, registration }));
    };
    let licensed = kind == LICENSED && status == super::zoom_user::ACTIVE;
    let registration = circumstances(conn, &meeting, licensed.then_some(host_id.as_str()))?;
    // The same Zoom user by another name is no other host: their address may have changed since.
    let seat = match &meeting.host_email {
        Some(known) if meeting.host_id.as_ref() == Some(&host_id) => known.clone(),
        _ => address,
    };
    // Who has not accepted the invitation, or is deactivated, cannot host.
    let host_id = (status == super::zoom_user::ACTIVE).then_some(host_id);
    Ok(Some(SyncView { meeting, booking, seat: Some(seat), host_id, due_at, look, registration }))
}

/// What decides whether a meeting has registration. `licensed` is the host's Zoom user, if they have a licence.
fn circumstances(
    conn: &mut Conn,
    meeting: &MeetingRow,
    licensed: Option<&str>,
) -> Result<Circumstances, StoreError> {
    let at_zoom = meeting.zoom_meeting_id.as_ref().map(|_| meeting.registration_url.is_some());
    let mut found = Circumstances { licensed: licensed.is_some(), at_zoom, ..Circumstances::default() };
    // Asked only where it decides: before Zoom has made the meeting.
    if let (Some(user), None) = (licensed, at_zoom) {
        found.licence_stays = licence::of_user(conn, user)?.is_none_or(|lease| {
            lease.state == licence::State::Waiting || lease.reason == licence::Cause::Asked
        });
        let somebody: Option<String> = appointment_attendees::table
            .inner_join(people::table.on(people::ref_.eq(appointment_attendees::person_ref)))
            .filter(appointment_attendees::appointment_id.eq(&meeting.appointment_id))
            .filter(people::email_key.is_not_null())
            .select(people::ref_)
            .first(conn)
            .optional()?;
        found.somebody = somebody.is_some();
    }
    Ok(found)
}

/// Writes what the sync loop knows, if the row still has `version`; `false` when somebody else wrote.
///
/// # Errors
/// [`StoreError`].
pub fn save_sync(conn: &mut Conn, id: &str, version: i64, columns: &SyncColumns) -> Result<bool, StoreError> {
    let written = diesel::update(zoom_meetings::table)
        .filter(zoom_meetings::id.eq(id).and(zoom_meetings::version.eq(version)))
        .set((columns, zoom_meetings::version.eq(version + 1)))
        .execute(conn)?;
    Ok(written == 1)
}

/// Writes the status that the sync loop gives: `scheduled` once Zoom has the meeting, `pending` or `cancelled`
/// when it has not. What the runs said (`started`, `ended`) is overruled by a cancel alone.
///
/// # Errors
/// [`StoreError`].
pub fn save_status(conn: &mut Conn, id: &str, status: &str) -> Result<(), StoreError> {
    let overruled: &[&str] = match status {
        "scheduled" => &["pending", "cancelled"],
        "cancelled" => &["pending", "scheduled", "started"],
        _ => &["scheduled", "cancelled"],
    };
    diesel::update(zoom_meetings::table.find(id))
        .filter(zoom_meetings::status.eq_any(overruled))
        .set(zoom_meetings::status.eq(status))
        .execute(conn)?;
    Ok(())
}

/// Writes the status that the meeting's runs gave it, beside the sync loop and without raising the version.
///
/// # Errors
/// [`StoreError`].
pub fn save_run(
    conn: &mut Conn,
    id: &str,
    status: &str,
    started_at: Option<UtcMillis>,
    ended_at: Option<UtcMillis>,
    now: UtcMillis,
) -> Result<(), StoreError> {
    diesel::update(zoom_meetings::table.find(id))
        .set((
            zoom_meetings::status.eq(status),
            zoom_meetings::started_at.eq(started_at),
            zoom_meetings::ended_at.eq(ended_at),
            zoom_meetings::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Parks a meeting whose actor keeps dying, for the operator to see.
///
/// # Errors
/// [`StoreError`].
pub fn quarantine(conn: &mut Conn, id: &str) -> Result<(), StoreError> {
    diesel::update(zoom_meetings::table.find(id))
        .set((
            zoom_meetings::sync_state.eq("parked"),
            zoom_meetings::last_error.eq("quarantined: its actor keeps dying"),
        ))
        .execute(conn)?;
    Ok(())
}
