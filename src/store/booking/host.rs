//! Under which Zoom host a booking runs: its own, one of the pool, or none yet.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};

use super::BookingError;
use crate::domain::schedule::{Span, next_free};
use crate::store::appointment::AppointmentRow;
use crate::store::person::{self, PersonRow};
use crate::store::seat::{self, SeatRow, TakenSeat};
use crate::store::{Conn, UtcMillis};

/// How many free times are proposed.
const PROPOSALS: usize = 3;
/// How far ahead free times are looked for.
const PROPOSAL_DAYS: i64 = 14;

/// What hosts there are and how they are shared.
#[derive(Debug, Clone)]
pub struct HostPolicy {
    /// Free time a host gets around each booking.
    pub padding: Duration,
    /// The addresses of the shared hosts, in lower case.
    pub pool: Arc<[String]>,
}

/// Takes a seat for a booking, or gives back the one it had when nobody can host it: then it waits in line.
///
/// # Errors
/// [`BookingError::HostTaken`] when its own host is taken and the booking does not say what to do about it.
pub fn seat_booking(
    conn: &mut Conn,
    booking: &AppointmentRow,
    host: Option<&PersonRow>,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<(), BookingError> {
    let own = host.and_then(PersonRow::seat_key);
    let key = match &own {
        None => free_of_pool(conn, booking, policy)?,
        Some(own) => match booking.on_conflict.as_str() {
            "allow" => Some(own.clone()),
            _ => Some(own_or_reassigned(conn, booking, own, host, policy)?),
        },
    };
    match key {
        Some(key) => seat::take(conn, &row(booking, key, now))?,
        None => seat::free(conn, &booking.id)?,
    }
    Ok(())
}

fn own_or_reassigned(
    conn: &mut Conn,
    booking: &AppointmentRow,
    own: &str,
    host: Option<&PersonRow>,
    policy: &HostPolicy,
) -> Result<String, BookingError> {
    let own = own.to_owned();
    let keys = std::slice::from_ref(&own);
    seat::lock(conn, keys)?;
    let span = span(booking);
    let around = span.padded(policy.padding);
    let clashes = seat::taken(conn, keys, around.from.into(), around.until.into(), &booking.id)?;
    if clashes.is_empty() {
        return Ok(own);
    }
    if booking.on_conflict == "reassign"
        && let Some(other) = free_of_pool(conn, booking, policy)?
    {
        return Ok(other);
    }
    let horizon = span.until + Duration::days(PROPOSAL_DAYS);
    let busy = seat::taken(conn, keys, around.from.into(), horizon.into(), &booking.id)?;
    let busy: Vec<Span> = busy.iter().map(taken_span).collect();
    let next_free = next_free(span, &busy, policy.padding, PROPOSALS);
    Err(BookingError::HostTaken {
        host: host.map_or(own, |host| host.name.clone()),
        clashes,
        next_free: next_free.into_iter().map(Into::into).collect(),
    })
}

/// A shared host who is free, looked for from another place for each booking, so that none carries all of them.
fn free_of_pool(
    conn: &mut Conn,
    booking: &AppointmentRow,
    policy: &HostPolicy,
) -> Result<Option<String>, BookingError> {
    if policy.pool.is_empty() {
        return Ok(None);
    }
    seat::lock(conn, &policy.pool)?;
    let around = span(booking).padded(policy.padding);
    let taken = seat::taken(conn, &policy.pool, around.from.into(), around.until.into(), &booking.id)?;
    let taken: BTreeSet<&str> = taken.iter().map(|seat| seat.zoom_user_id.as_str()).collect();
    let first = booking.id.bytes().map(usize::from).sum::<usize>() % policy.pool.len();
    let in_turn = policy.pool.iter().cycle().skip(first).take(policy.pool.len());
    Ok(in_turn.into_iter().find(|key| !taken.contains(key.as_str())).cloned())
}

fn row(booking: &AppointmentRow, key: String, now: UtcMillis) -> SeatRow {
    SeatRow {
        id: booking.id.clone(),
        zoom_user_id: key,
        appointment_id: booking.id.clone(),
        from_at: booking.start_at,
        until_at: booking.end_at,
        created_at: now,
    }
}

fn span(booking: &AppointmentRow) -> Span {
    Span { from: booking.start_at.into(), until: booking.end_at.into() }
}

fn taken_span(seat: &TakenSeat) -> Span {
    let at = |at: UtcMillis| -> DateTime<Utc> { at.into() };
    Span { from: at(seat.from_at), until: at(seat.until_at) }
}

/// The host that a booking names, who must be there and active.
///
/// # Errors
/// [`BookingError::Unfit`] when they are not.
pub fn named(conn: &mut Conn, host: &str) -> Result<PersonRow, BookingError> {
    match person::by_ref(conn, host)? {
        Some(person) if person.active => Ok(person),
        Some(_) => Err(BookingError::unfit("host", "is deactivated")),
        None => Err(BookingError::unfit("host", format!("there is no person `{host}`"))),
    }
}
