//! The waiting line moves: whoever gives a seat back hands it on in the same transaction, so that no seat is free
//! while somebody waits who could use it.

use std::collections::BTreeSet;

use chrono::Duration;

use super::host::{self, HostPolicy};
use crate::domain::appointment::AppointmentStatus;
use crate::domain::schedule::Span;
use crate::domain::seats::{Waiting, serve};
use crate::store::due::{self, DueKind};
use crate::store::seat_line::{self, WaitingRow};
use crate::store::{Conn, StoreError, UtcMillis, appointment, host_key, meeting, seat, story};

/// How many who wait at one time are looked at; who waits behind them is looked at when one of them leaves.
const LINE_MAX: i64 = 1000;
/// How long a stretch of the line is served in one go, when all of it is.
const STRETCH: Duration = Duration::days(1);
/// How many such stretches: more than a year of them.
const STRETCHES_MAX: usize = 400;

/// Gives seats that became free at these times to those who wait for one then. Gives the meetings that have a host
/// now: to be woken after the commit.
///
/// # Errors
/// [`StoreError`].
pub fn hand_on(
    conn: &mut Conn,
    freed: &[Span],
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<Vec<String>, StoreError> {
    let mut woken = Vec::new();
    let to_come: Vec<&Span> = freed.iter().filter(|span| span.until > now.into()).collect();
    if to_come.is_empty() {
        return Ok(woken);
    }
    seat::lock(conn)?;
    for span in to_come {
        woken.extend(serve_within(conn, span.padded(policy.padding), policy, now)?);
    }
    Ok(woken)
}

/// Gives all free seats to those who wait: somebody may run more meetings now, or there are more hosts. Who waits for
/// a time that has passed leaves the line.
///
/// # Errors
/// [`StoreError`].
pub fn hand_on_all(conn: &mut Conn, policy: &HostPolicy, now: UtcMillis) -> Result<Vec<String>, StoreError> {
    seat::lock(conn)?;
    seat_line::expire(conn, now)?;
    let mut woken = Vec::new();
    let mut after = None;
    for _ in 0..STRETCHES_MAX {
        let Some(start) = seat_line::next_start(conn, after, now)? else { break };
        let stretch = Span { from: start.into(), until: chrono::DateTime::from(start) + STRETCH };
        woken.extend(serve_within(conn, stretch, policy, now)?);
        after = Some(UtcMillis::from(stretch.until));
    }
    Ok(woken)
}

/// Serves those who wait for a time that touches `span`.
fn serve_within(
    conn: &mut Conn,
    span: Span,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<Vec<String>, StoreError> {
    let rows = seat_line::waiting(conn, span, now, LINE_MAX)?;
    let line: Vec<Waiting> = rows.iter().map(Waiting::from).collect();
    let Some(hull) = line
        .iter()
        .map(|waiting| waiting.span)
        .reduce(|a, b| Span { from: a.from.min(b.from), until: a.until.max(b.until) })
    else {
        return Ok(Vec::new());
    };
    let pool = host_key::canonicals(conn, &policy.pool)?;
    let own: BTreeSet<String> =
        rows.iter().filter_map(|row| row.own_key.clone()).filter(|key| !pool.contains(key)).collect();
    let own: Vec<String> = own.into_iter().collect();
    // Nobody who waits has a seat, so there is nothing to leave out.
    let own = host::own_hosts(conn, &own, hull, "", policy)?.hosts;
    let pool = host::hosts(conn, &pool, hull, "", policy)?.hosts;
    let mut woken = Vec::new();
    for grant in serve(&line, own, pool, policy.padding) {
        if let Some(row) = rows.get(grant.waiting) {
            woken.extend(give(conn, row, grant.host, now)?);
        }
    }
    Ok(woken)
}

/// Gives one who waits a seat: their meeting, if there is anything for it to do.
fn give(
    conn: &mut Conn,
    row: &WaitingRow,
    key: String,
    now: UtcMillis,
) -> Result<Option<String>, StoreError> {
    seat_line::leave(conn, &row.appointment_id)?;
    let Some(booking) = appointment::by_id(conn, &row.appointment_id)? else { return Ok(None) };
    if !AppointmentStatus::parse(&booking.status).is_some_and(AppointmentStatus::wants_meeting) {
        return Ok(None);
    }
    seat::take(conn, &host::row(&booking, key, now))?;
    story::tell(conn, &booking.id, now.into(), "seat.given", host::SEAT_GIVEN, None)?;
    tell_zoom(conn, &booking.id, now)
}

/// Zoom must learn of a booking's new seat, or that it has none: the next generation, due now. Gives the meeting to
/// be woken after the commit.
///
/// # Errors
/// [`StoreError`].
pub(super) fn tell_zoom(
    conn: &mut Conn,
    appointment_id: &str,
    now: UtcMillis,
) -> Result<Option<String>, StoreError> {
    appointment::raise_generation(conn, appointment_id, now)?;
    let Some(meeting) = meeting::by_appointment(conn, appointment_id)? else { return Ok(None) };
    due::set(conn, DueKind::Sync, &meeting.id, now)?;
    Ok(Some(meeting.id))
}
