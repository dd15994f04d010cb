//! Bookings and their rosters, row by row; what a booking needs beside its row is in [`super::booking`].

use diesel::prelude::*;

use super::schema::{
    appointment_attendees, appointments, group_members, meeting_looks, series_occurrences, zoom_meetings,
};
use super::search::{contains, lower};
use super::types::text_enum;
use super::{Conn, Json, StoreError, UtcMillis, each_backend};

/// Among the states of synchronisation: whatever the state, Zoom goes on having something otherwise.
pub const DRIFT: &str = "drift";

/// A row of `appointments`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = appointments, treat_none_as_default_value = false, treat_none_as_null = true)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct AppointmentRow {
    pub id: String,
    pub ref_: Option<String>,
    pub kind: String,
    pub title: String,
    pub description: String,
    pub start_at: UtcMillis,
    pub end_at: UtcMillis,
    pub duration_minutes: i64,
    pub timezone: String,
    pub wall_time: String,
    pub host_ref: Option<String>,
    pub group_ref: Option<String>,
    pub status: String,
    pub settings: Json,
    pub target_audience: Option<String>,
    pub attendance_rules: Option<String>,
    pub on_conflict: String,
    pub origin: String,
    pub generation: i64,
    pub version: i64,
    pub cancel_reason: Option<String>,
    pub created_by: Option<String>,
    pub created_at: UtcMillis,
    pub updated_at: UtcMillis,
}

text_enum! {
    /// How somebody came onto a roster.
    pub enum Via {
        /// Named in the booking.
        Direct = "direct",
        /// As a member of its group.
        Group = "group",
    }
}

/// A row of `appointment_attendees`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = appointment_attendees)]
pub struct AttendeeRow {
    /// Of which booking.
    pub appointment_id: String,
    /// Who.
    pub person_ref: String,
    /// Their place on the roster.
    pub position: i64,
    /// How they came onto it.
    pub via: Via,
}

/// The place of a booking in the order of lists: start, then id.
pub type Place = (UtcMillis, String);

/// Which bookings a list shows.
#[derive(Debug, Clone, Default)]
pub struct BookingFilter {
    /// Only in one of these states.
    pub statuses: Vec<String>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only of this host.
    pub host: Option<String>,
    /// Only of this group.
    pub group: Option<String>,
    /// Only occurrences of this series.
    pub series: Option<String>,
    /// Only with this person on the roster.
    pub attendee: Option<String>,
    /// Only those that end after this; without it, only those that are not put away (`retention.meetings`).
    pub from: Option<UtcMillis>,
    /// Only those that start before this.
    pub to: Option<UtcMillis>,
    /// Only those whose meeting is in this state of synchronisation, or in [`DRIFT`].
    pub sync: Option<String>,
    /// Only those whose meeting has this status.
    pub meeting_status: Option<String>,
    /// Only those that have a meeting.
    pub with_meeting: bool,
    /// Only those whose title contains this.
    pub text: Option<String>,
    /// Only these.
    pub among: Option<Vec<String>>,
    /// Only what this person may see.
    pub visible_to: Option<Viewer>,
    /// Only those after this place.
    pub after: Option<Place>,
}

/// Somebody who does not see everything.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Who.
    pub person: String,
    /// The audiences that admit them.
    pub audiences: Vec<String>,
}

/// Writes a new booking.
///
/// # Errors
/// [`StoreError::Conflict`] when its `ref` is taken.
pub fn insert(conn: &mut Conn, row: &AppointmentRow) -> Result<(), StoreError> {
    diesel::insert_into(appointments::table).values(row).execute(conn)?;
    Ok(())
}

/// Writes a booking that was read at `version`.
///
/// # Errors
/// [`StoreError::Conflict`] when it has another version by now.
pub fn save(conn: &mut Conn, row: &AppointmentRow, version: i64) -> Result<(), StoreError> {
    let written = diesel::update(appointments::table)
        .filter(appointments::id.eq(&row.id).and(appointments::version.eq(version)))
        .set(row)
        .execute(conn)?;
    if written == 1 { Ok(()) } else { Err(StoreError::Conflict(super::Conflict::Stale)) }
}

/// Raises the generation of a booking: Zoom must learn of something that is not in its row.
///
/// # Errors
/// [`StoreError`].
pub fn raise_generation(conn: &mut Conn, id: &str, now: UtcMillis) -> Result<(), StoreError> {
    diesel::update(appointments::table.find(id))
        .set((
            appointments::generation.eq(appointments::generation + 1),
            appointments::version.eq(appointments::version + 1),
            appointments::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// The booking with this id.
///
/// # Errors
/// [`StoreError`].
pub fn by_id(conn: &mut Conn, id: &str) -> Result<Option<AppointmentRow>, StoreError> {
    Ok(appointments::table.find(id).select(AppointmentRow::as_select()).first(conn).optional()?)
}

/// The booking with this id or this `ref` of its caller; the id comes first.
///
/// # Errors
/// [`StoreError`].
pub fn by_id_or_ref(conn: &mut Conn, key: &str) -> Result<Option<AppointmentRow>, StoreError> {
    match by_id(conn, key)? {
        Some(row) => Ok(Some(row)),
        None => Ok(appointments::table
            .filter(appointments::ref_.eq(key))
            .select(AppointmentRow::as_select())
            .first(conn)
            .optional()?),
    }
}

/// Whether a `ref` is taken by another booking than `except`.
///
/// # Errors
/// [`StoreError`].
pub fn ref_taken(conn: &mut Conn, ref_: &str, except: &str) -> Result<bool, StoreError> {
    let taken: Option<String> = appointments::table
        .filter(appointments::ref_.eq(ref_).and(appointments::id.ne(except)))
        .select(appointments::id)
        .first(conn)
        .optional()?;
    Ok(taken.is_some())
}

/// Bookings in the order of their start.
///
/// # Errors
/// [`StoreError`].
pub fn list(conn: &mut Conn, filter: &BookingFilter, limit: i64) -> Result<Vec<AppointmentRow>, StoreError> {
    let mut query = appointments::table.select(AppointmentRow::as_select()).into_boxed();
    if !filter.statuses.is_empty() {
        query = query.filter(appointments::status.eq_any(&filter.statuses));
    }
    if let Some(kind) = &filter.kind {
        query = query.filter(appointments::kind.eq(kind));
    }
    if let Some(host) = &filter.host {
        query = query.filter(appointments::host_ref.eq(host));
    }
    if let Some(group) = &filter.group {
        query = query.filter(appointments::group_ref.eq(group));
    }
    if let Some(series) = &filter.series {
        let occurrences = series_occurrences::table.filter(series_occurrences::series_id.eq(series));
        query = query.filter(appointments::id.eq_any(occurrences.select(series_occurrences::appointment_id)));
    }
    if let Some(person) = &filter.attendee {
        query = query.filter(appointments::id.eq_any(attended_by(person)));
    }
    query = match filter.from {
        Some(from) => query.filter(appointments::end_at.gt(from)),
        None => query.filter(appointments::archived_at.is_null()),
    };
    if let Some(to) = filter.to {
        query = query.filter(appointments::start_at.lt(to));
    }
    if let Some(text) = &filter.text {
        query = query.filter(lower(appointments::title).like(contains(text)).escape('\\'));
    }
    let meeting_of = || zoom_meetings::table.select(zoom_meetings::appointment_id);
    query = match filter.sync.as_deref() {
        None => query,
        Some(DRIFT) => query.filter(appointments::id.eq_any(drifting())),
        Some(state) => {
            query.filter(appointments::id.eq_any(meeting_of().filter(zoom_meetings::sync_state.eq(state))))
        }
    };
    if let Some(status) = &filter.meeting_status {
        query = match status.as_str() {
            CANCELLED => query.filter(appointments::status.eq(CANCELLED)),
            _ => query
                .filter(appointments::status.ne(CANCELLED))
                .filter(appointments::id.eq_any(meeting_of().filter(zoom_meetings::status.eq(status)))),
        };
    }
    if filter.with_meeting {
        query = query.filter(appointments::id.eq_any(meeting_of()));
    }
    if let Some(ids) = &filter.among {
        query = query.filter(appointments::id.eq_any(ids));
    }
    if let Some(viewer) = &filter.visible_to {
        query = query.filter(
            appointments::host_ref
                .eq(&viewer.person)
                .or(appointments::group_ref.eq_any(groups_of(&viewer.person)))
                .or(appointments::id.eq_any(attended_by(&viewer.person)))
                .or(appointments::target_audience.eq_any(&viewer.audiences))
                .assume_not_null(),
        );
    }
    if let Some((start, id)) = &filter.after {
        query = query.filter(
            appointments::start_at
                .gt(start)
                .or(appointments::start_at.eq(start).and(appointments::id.gt(id))),
        );
    }
    Ok(query.order((appointments::start_at, appointments::id)).limit(limit).load(conn)?)
}

const CANCELLED: &str = "cancelled";

/// The bookings whose meeting Zoom goes on having otherwise.
#[diesel::dsl::auto_type]
fn drifting() -> _ {
    zoom_meetings::table
        .inner_join(meeting_looks::table)
        .filter(meeting_looks::drift.is_not_null())
        .select(zoom_meetings::appointment_id)
}

/// The groups that this person belongs to.
#[diesel::dsl::auto_type]
fn groups_of<'a>(person: &'a str) -> _ {
    group_members::table
        .filter(group_members::person_ref.eq(person))
        .select(group_members::group_ref.nullable())
}

/// The bookings with this person on the roster.
#[diesel::dsl::auto_type]
fn attended_by<'a>(person: &'a str) -> _ {
    appointment_attendees::table
        .filter(appointment_attendees::person_ref.eq(person))
        .select(appointment_attendees::appointment_id)
}

/// What future bookings belong to: the end of a class, a person leaving.
#[derive(Debug, Clone, Copy)]
pub enum Owner<'a> {
    /// Those this person hosts.
    Host(&'a str),
    /// Those of this group.
    Group(&'a str),
    /// Those with this person on the roster.
    Attendee(&'a str),
}

/// The states of a booking that has not begun and may still come about.
pub(super) const TO_COME: [&str; 2] = ["requested", "confirmed"];

/// The bookings of `owner` that have not begun and may still come about.
///
/// # Errors
/// [`StoreError`].
pub fn future(conn: &mut Conn, owner: Owner<'_>, now: UtcMillis) -> Result<Vec<AppointmentRow>, StoreError> {
    let query = appointments::table
        .select(AppointmentRow::as_select())
        .filter(appointments::start_at.gt(now))
        .filter(appointments::status.eq_any(TO_COME))
        .into_boxed();
    let query = match owner {
        Owner::Host(person) => query.filter(appointments::host_ref.eq(person)),
        Owner::Group(group) => query.filter(appointments::group_ref.eq(group)),
        Owner::Attendee(person) => query.filter(appointments::id.eq_any(attended_by(person))),
    };
    Ok(query.order((appointments::start_at, appointments::id)).load(conn)?)
}

/// The roster of a booking, in its order.
///
/// # Errors
/// [`StoreError`].
pub fn roster(conn: &mut Conn, ids: &[String]) -> Result<Vec<AttendeeRow>, StoreError> {
    Ok(appointment_attendees::table
        .filter(appointment_attendees::appointment_id.eq_any(ids))
        .order((
            appointment_attendees::appointment_id,
            appointment_attendees::position,
            appointment_attendees::person_ref,
        ))
        .select(AttendeeRow::as_select())
        .load(conn)?)
}

/// Writes the roster of a new booking, or of one whose roster was cleared.
///
/// # Errors
/// [`StoreError`].
pub fn add_roster(conn: &mut Conn, rows: &[AttendeeRow]) -> Result<(), StoreError> {
    // Far below the databases' limits of bound values.
    for chunk in rows.chunks(1000) {
        each_backend!(conn, |c| diesel::insert_into(appointment_attendees::table).values(chunk).execute(c))?;
    }
    Ok(())
}

/// Empties the roster of a booking.
///
/// # Errors
/// [`StoreError`].
pub fn clear_roster(conn: &mut Conn, id: &str) -> Result<(), StoreError> {
    diesel::delete(appointment_attendees::table.filter(appointment_attendees::appointment_id.eq(id)))
        .execute(conn)?;
    Ok(())
}

/// Takes one person off a roster.
///
/// # Errors
/// [`StoreError`].
pub fn leave_roster(conn: &mut Conn, id: &str, person: &str) -> Result<(), StoreError> {
    diesel::delete(appointment_attendees::table.find((id, person))).execute(conn)?;
    Ok(())
}

/// Whether somebody is on the roster of a booking.
///
/// # Errors
/// [`StoreError`].
pub fn is_invited(conn: &mut Conn, id: &str, person: &str) -> Result<bool, StoreError> {
    let found: Option<String> = appointment_attendees::table
        .find((id, person))
        .select(appointment_attendees::person_ref)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}
