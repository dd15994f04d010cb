//! What becomes of future bookings when people leave and groups change.

use serde_json::json;

use super::BookingError;
use super::change::command;
use super::host::HostPolicy;
use super::roster;
use crate::domain::transition::Command;
use crate::store::appointment::{self, AppointmentRow, Owner, Via};
use crate::store::outbox::Event;
use crate::store::{Conn, UtcMillis, group, news, story};

/// What was done to future bookings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aftermath {
    /// Bookings that were cancelled.
    pub cancelled: Vec<String>,
    /// Bookings whose roster changed.
    pub rosters: Vec<String>,
    /// Meetings that Zoom must be told about.
    pub meetings: Vec<String>,
}

/// Cancels the future bookings somebody hosts and takes them off the rosters of all others.
///
/// # Errors
/// [`BookingError`].
pub fn person_left(
    conn: &mut Conn,
    person: &str,
    by: &str,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<Aftermath, BookingError> {
    let mut aftermath = Aftermath::default();
    let hosted = appointment::future(conn, Owner::Host(person), now)?;
    cancel_all(conn, &hosted, "the host was deactivated", by, policy, now, &mut aftermath)?;
    for booking in appointment::future(conn, Owner::Attendee(person), now)? {
        appointment::leave_roster(conn, &booking.id, person)?;
        story::tell(
            conn,
            &booking.id,
            now.into(),
            "roster.left",
            &format!("{person} left the roster"),
            None,
        )?;
        let fields = json!({ "fields": ["attendees"] });
        news::of_booking(conn, now, Event::AppointmentChanged, &booking, fields)?;
        aftermath.rosters.push(booking.id);
    }
    Ok(aftermath)
}

/// Cancels all future bookings of a group.
///
/// # Errors
/// [`BookingError`].
pub fn group_dissolved(
    conn: &mut Conn,
    group: &str,
    by: &str,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<Aftermath, BookingError> {
    let mut aftermath = Aftermath::default();
    let bookings = appointment::future(conn, Owner::Group(group), now)?;
    cancel_all(conn, &bookings, "the group was dissolved", by, policy, now, &mut aftermath)?;
    Ok(aftermath)
}

/// Brings the rosters of a group's future bookings in line with the group.
///
/// # Errors
/// [`BookingError`].
pub fn roster_changed(conn: &mut Conn, group_ref: &str, now: UtcMillis) -> Result<Aftermath, BookingError> {
    let mut aftermath = Aftermath::default();
    let members = group::members(conn, group_ref)?;
    for booking in appointment::future(conn, Owner::Group(group_ref), now)? {
        let old = appointment::roster(conn, std::slice::from_ref(&booking.id))?;
        let direct: Vec<String> = old
            .iter()
            .filter(|attendee| attendee.via == Via::Direct)
            .map(|attendee| attendee.person_ref.clone())
            .collect();
        let new = roster::rows(conn, &booking, &direct, &members)?;
        if new == old {
            continue;
        }
        appointment::clear_roster(conn, &booking.id)?;
        appointment::add_roster(conn, &new)?;
        let text = format!("the roster follows {group_ref}: {} people", new.len());
        story::tell(conn, &booking.id, now.into(), "roster.changed", &text, None)?;
        aftermath.rosters.push(booking.id);
    }
    Ok(aftermath)
}

fn cancel_all(
    conn: &mut Conn,
    bookings: &[AppointmentRow],
    reason: &str,
    by: &str,
    policy: &HostPolicy,
    now: UtcMillis,
    aftermath: &mut Aftermath,
) -> Result<(), BookingError> {
    for booking in bookings {
        let cancelled = command(conn, booking, Command::Cancel, Some(reason), by, policy, now)?;
        aftermath.cancelled.push(cancelled.appointment.id);
        aftermath.meetings.extend(cancelled.meeting.map(|meeting| meeting.id));
    }
    Ok(())
}
