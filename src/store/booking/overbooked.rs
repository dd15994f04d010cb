//! A host who may run fewer meetings than they were given: their licence is gone, or they are.
//!
//! Who got a seat first stays. Bookings that may run under any shared host go to another one, or back into the line
//! at the place they had; a booking with a host of its own stays with them, and its story says that they are booked
//! twice: to whom else it could go is not ours to say.

use super::host::{self, HostPolicy};
use crate::domain::schedule::Span;
use crate::domain::seats::{self, too_many};
use crate::store::appointment::{self, AppointmentRow};
use crate::store::seat::{self, SeatRow};
use crate::store::{Conn, StoreError, UtcMillis, host_key, person, story};

use super::line::tell_zoom;

/// How many seats of one host are looked at.
const SEATS_MAX: i64 = 5000;
/// The story's word for a booking whose host is booked twice.
const OVERBOOKED: &str = "seat.overbooked";

/// The bookings of a host that are too many for them, in the order in which they were seated.
///
/// # Errors
/// [`StoreError`].
pub fn too_many_of(
    conn: &mut Conn,
    key: &str,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<Vec<SeatRow>, StoreError> {
    let mut seats = seat::to_come(conn, key, now, SEATS_MAX)?;
    let facts = host_key::facts(conn, &[key.to_owned()])?;
    let capacity = seats::capacity(policy.plan, facts.get(key).copied());
    let spans: Vec<Span> = seats.iter().map(host::seat_span).collect();
    let over = too_many(&spans, capacity);
    let mut index = 0..;
    seats.retain(|_| index.next().is_some_and(|index| over.binary_search(&index).is_ok()));
    Ok(seats)
}

/// Moves what is too much for a host to others. Gives the meetings to be woken after the commit.
///
/// # Errors
/// [`StoreError`].
pub fn relieve(
    conn: &mut Conn,
    key: &str,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<Vec<String>, StoreError> {
    seat::lock(conn)?;
    let mut woken = Vec::new();
    for seat in too_many_of(conn, key, policy, now)? {
        let Some(booking) = appointment::by_id(conn, &seat.appointment_id)? else { continue };
        woken.extend(relieve_of(conn, &seat, &booking, policy, now)?);
    }
    Ok(woken)
}

fn relieve_of(
    conn: &mut Conn,
    seat: &SeatRow,
    booking: &AppointmentRow,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<Option<String>, StoreError> {
    // The caller wanted it so.
    if booking.on_conflict == "allow" {
        return Ok(None);
    }
    let own = match &booking.host_ref {
        Some(host) => match person::by_ref(conn, host)? {
            Some(host) => host_key::of_person(conn, &host)?,
            None => None,
        },
        None => None,
    };
    let stays = own.as_deref() == Some(&seat.zoom_user_id) && booking.on_conflict != "reassign";
    if stays || booking.start_at <= now {
        if !story::has(conn, &booking.id, OVERBOOKED)? {
            let text = "the host may run fewer meetings at once than are booked for them at that time";
            story::tell(conn, &booking.id, now.into(), OVERBOOKED, text, None)?;
        }
        return Ok(None);
    }
    let span = host::seat_span(seat);
    let mut others = host_key::canonicals(conn, &policy.pool)?;
    others.retain(|key| *key != seat.zoom_user_id);
    let others = host::hosts(conn, &others, span, &booking.id, policy)?.hosts;
    match seats::choose(&others, span, policy.padding).and_then(|index| others.get(index)) {
        Some(other) => {
            seat::take(conn, &host::row(booking, other.key.clone(), now))?;
            let text = "the host may run fewer meetings at once: another shared host takes the meeting";
            story::tell(conn, &booking.id, now.into(), "seat.moved", text, None)?;
        }
        None => {
            seat::free(conn, &booking.id)?;
            // It has had a seat since then: nobody who came later goes before it.
            host::wait_in_line(conn, booking, own, seat.created_at, now)?;
        }
    }
    tell_zoom(conn, &booking.id, now)
}
