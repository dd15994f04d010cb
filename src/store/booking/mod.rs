//! A booking as a whole: its row, roster, meeting and names, read together and written in one transaction.
//!
//! - [`create`]: a new booking. [`change`]: an edit, or a command of its caller.
//! - [`host`]: under which Zoom host it runs, and who is in the way; [`mod@line`]: who waits for one and gets it;
//!   [`overbooked`]: who has more than they may run; [`availability`]: who is free when. [`roster`]: who is invited.
//! - [`series`]: several that recur.
//! - `warning`: what the caller should know. [`directory`]: what becomes of future bookings when people and groups change.

pub mod availability;
pub mod change;
pub mod create;
pub mod directory;
pub mod host;
pub mod line;
pub mod overbooked;
mod roster;
pub mod series;
mod warning;

use std::collections::BTreeMap;

use super::appointment::{self, AppointmentRow, AttendeeRow};
use super::group::{self, GroupRow};
use super::meeting::{self, MeetingRow};
use super::person::{self, PersonRow};
use super::seat::TakenSeat;
use super::series::PlaceRow;
use super::{Conn, Json, StoreError, UtcMillis, look};

pub use roster::Invitee;
pub use warning::Warning;

/// A booking with everything that an answer shows of it.
#[derive(Debug, Clone)]
pub struct Booking {
    /// The booking itself.
    pub appointment: AppointmentRow,
    /// Who is invited, in order, with what is known of them.
    pub roster: Vec<(AttendeeRow, Option<PersonRow>)>,
    /// Its Zoom meeting, once it has been confirmed.
    pub meeting: Option<MeetingRow>,
    /// Who hosts it.
    pub host: Option<PersonRow>,
    /// For which group it is.
    pub group: Option<GroupRow>,
    /// The fields that Zoom goes on having otherwise.
    pub drift: Option<Json>,
    /// Its place in a series, if it recurs.
    pub place: Option<PlaceRow>,
    /// What its caller should know.
    pub warnings: Vec<Warning>,
    /// Meetings of other bookings that got a host by what was done to this one: to be woken after the commit.
    pub handed_on: Vec<String>,
}

/// Why a booking cannot be as asked. Nothing has been written then.
#[derive(Debug, thiserror::Error)]
pub enum BookingError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The booking names somebody or something that does not exist or cannot be booked.
    #[error("{field}: {reason}")]
    Unfit {
        /// The field that names it.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Its `ref` is taken.
    #[error("an appointment with the ref `{0}` exists")]
    RefTaken(String),
    /// The host is taken.
    #[error("{host} is taken")]
    HostTaken {
        /// The host's name.
        host: String,
        /// By what.
        clashes: Vec<TakenSeat>,
        /// When they are free next.
        next_free: Vec<UtcMillis>,
    },
    /// The host is taken at these occurrences of a series; each with its [`BookingError::HostTaken`].
    #[error("the host is taken at {} of the occurrences", .0.len())]
    SeriesTaken(Vec<(UtcMillis, BookingError)>),
    /// The booking is in no state for this.
    #[error("a booking that is {from} cannot be {to}")]
    Refused {
        /// Its state.
        from: String,
        /// What was asked.
        to: &'static str,
    },
    /// It changed since its caller read it.
    #[error("the booking has changed meanwhile")]
    Stale,
}

impl BookingError {
    fn unfit(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Unfit { field: field.into(), reason: reason.into() }
    }
}

/// Reads what belongs to these bookings, in as many queries as there are tables.
///
/// # Errors
/// [`StoreError`].
pub fn complete(conn: &mut Conn, rows: Vec<AppointmentRow>) -> Result<Vec<Booking>, StoreError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let roster = appointment::roster(conn, &ids)?;
    let meetings = meeting::of_appointments(conn, &ids)?;
    let mut drifts = drifts(conn, &meetings)?;
    let mut refs: Vec<String> = rows.iter().filter_map(|row| row.host_ref.clone()).collect();
    refs.extend(roster.iter().map(|attendee| attendee.person_ref.clone()));
    refs.sort_unstable();
    refs.dedup();
    let mut group_refs: Vec<String> = rows.iter().filter_map(|row| row.group_ref.clone()).collect();
    group_refs.sort_unstable();
    group_refs.dedup();
    let people: BTreeMap<String, PersonRow> =
        person::by_refs(conn, &refs)?.into_iter().map(|person| (person.ref_.clone(), person)).collect();
    let groups: BTreeMap<String, GroupRow> =
        group::by_refs(conn, &group_refs)?.into_iter().map(|group| (group.ref_.clone(), group)).collect();
    let mut places: BTreeMap<String, PlaceRow> = super::series::places(conn, &ids)?
        .into_iter()
        .map(|place| (place.appointment_id.clone(), place))
        .collect();
    let mut rosters: BTreeMap<String, Vec<(AttendeeRow, Option<PersonRow>)>> = BTreeMap::new();
    for attendee in roster {
        let known = people.get(&attendee.person_ref).cloned();
        rosters.entry(attendee.appointment_id.clone()).or_default().push((attendee, known));
    }
    let mut meetings: BTreeMap<String, MeetingRow> =
        meetings.into_iter().map(|meeting| (meeting.appointment_id.clone(), meeting)).collect();
    let mut bookings: Vec<Booking> = rows
        .into_iter()
        .map(|row| Booking {
            roster: rosters.remove(&row.id).unwrap_or_default(),
            meeting: meetings.remove(&row.id),
            place: places.remove(&row.id),
            host: row.host_ref.as_ref().and_then(|host| people.get(host).cloned()),
            group: row.group_ref.as_ref().and_then(|group| groups.get(group).cloned()),
            warnings: Vec::new(),
            drift: drifts.remove(&row.id),
            handed_on: Vec::new(),
            appointment: row,
        })
        .collect();
    warning::add(conn, &mut bookings)?;
    Ok(bookings)
}

/// What Zoom goes on having otherwise, by booking. Only a parked meeting can have such.
fn drifts(conn: &mut Conn, meetings: &[MeetingRow]) -> Result<BTreeMap<String, Json>, StoreError> {
    let parked: BTreeMap<&str, &str> = meetings
        .iter()
        .filter(|meeting| meeting.sync_state == "parked")
        .map(|meeting| (meeting.id.as_str(), meeting.appointment_id.as_str()))
        .collect();
    if parked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<String> = parked.keys().map(|id| (*id).to_owned()).collect();
    let found = look::drifts(conn, &ids)?;
    Ok(found
        .into_iter()
        .filter_map(|(id, drift)| Some(((*parked.get(id.as_str())?).to_owned(), drift)))
        .collect())
}

/// The booking as it is now.
///
/// # Errors
/// [`StoreError::NotFound`] when there is none.
pub fn by_id(conn: &mut Conn, id: &str) -> Result<Booking, StoreError> {
    let row = appointment::by_id(conn, id)?.ok_or(StoreError::NotFound)?;
    complete(conn, vec![row])?.pop().ok_or(StoreError::NotFound)
}
