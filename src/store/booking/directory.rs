//! What becomes of future bookings when people leave or change, and groups do.
//!
//! All of it is in the transaction of the change itself: bookings, rosters, seats and the line, and the work that is
//! due at Zoom. It makes no difference whether Zoom has heard of a booking yet.

use serde_json::json;

use super::change::{Edit, carry_out, edit};
use super::host::{self, HostPolicy};
use super::line::{self, tell_zoom};
use super::{BookingError, roster};
use crate::domain::schedule::Span;
use crate::domain::transition::Command;
use crate::store::appointment::{self, AppointmentRow, AttendeeRow, Owner, Via};
use crate::store::due::{self, DueKind};
use crate::store::group::MemberRow;
use crate::store::outbox::Event;
use crate::store::person::{self, PersonRow};
use crate::store::{
    Conn, StoreError, UtcMillis, group, hold, host_key, news, registrant, savepoint, seat, seat_line, story,
};

/// What was done to future bookings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aftermath {
    /// Bookings that were cancelled.
    pub cancelled: Vec<String>,
    /// Bookings whose roster changed.
    pub rosters: Vec<String>,
    /// Bookings that have another host, or whose host has another Zoom user.
    pub moved: Vec<String>,
    /// Meetings to be woken after the commit: of these bookings, and of those that got a seat by it.
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
    let hosted = hold::future(conn, Owner::Host(person), now)?;
    let mut aftermath = cancel_all(conn, &hosted, "the host was deactivated", by, policy, now)?;
    for booking in appointment::future(conn, Owner::Attendee(person), now)? {
        appointment::leave_roster(conn, &booking.id, person)?;
        let text = format!("{person} left the roster");
        story::tell(conn, &booking.id, now.into(), "roster.left", &text, None)?;
        tell_of_roster(conn, &booking, now)?;
        aftermath.rosters.push(booking.id);
    }
    Ok(aftermath)
}

/// Puts somebody on the roster of a booking; `false` when they are on it already, or host it.
///
/// # Errors
/// [`StoreError`].
pub fn invite(
    conn: &mut Conn,
    booking: &AppointmentRow,
    person: &str,
    by: &str,
    now: UtcMillis,
) -> Result<bool, StoreError> {
    let hosts = booking.host_ref.as_deref() == Some(person);
    if hosts || appointment::is_invited(conn, &booking.id, person)? {
        return Ok(false);
    }
    let roster = appointment::roster(conn, std::slice::from_ref(&booking.id))?;
    let position = roster.iter().map(|attendee| attendee.position + 1).max().unwrap_or(0);
    let (appointment_id, person_ref) = (booking.id.clone(), person.to_owned());
    appointment::add_roster(conn, &[AttendeeRow { appointment_id, person_ref, position, via: Via::Direct }])?;
    story::tell(conn, &booking.id, now.into(), "roster.joined", &format!("{by} invited {person}"), None)?;
    tell_of_roster(conn, booking, now)?;
    Ok(true)
}

/// Puts somebody back on the rosters of their groups. Bookings that were cancelled when they left stay so.
///
/// # Errors
/// [`StoreError`].
pub fn person_returned(conn: &mut Conn, person: &str, now: UtcMillis) -> Result<Aftermath, StoreError> {
    let mut aftermath = Aftermath::default();
    for group in group::of_person(conn, person)? {
        aftermath.rosters.extend(follow_group(conn, &group, now)?);
    }
    Ok(aftermath)
}

/// Somebody has another address or Zoom user. A Zoom user that is known stays theirs when only their address changes;
/// otherwise the future bookings they host go to the new one.
///
/// # Errors
/// [`StoreError`].
pub fn person_changed(
    conn: &mut Conn,
    before: &PersonRow,
    after: &PersonRow,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<Aftermath, StoreError> {
    let mut aftermath = Aftermath::default();
    if (&before.zoom_user, &before.email_key) == (&after.zoom_user, &after.email_key) {
        return Ok(aftermath);
    }
    // Zoom knows registrants by their address.
    for booking in appointment::future(conn, Owner::Attendee(&after.ref_), now)? {
        registrant::roster_changed(conn, &booking.id, now)?;
    }
    seat::lock(conn)?;
    let Some(old) = host_key::of_person(conn, before)? else { return Ok(aftermath) };
    if before.zoom_user == after.zoom_user {
        host_key::keep(conn, &old, &after.ref_)?;
    }
    let new = host_key::of_person(conn, after)?;
    let Some(new) = new.filter(|new| *new != old) else { return Ok(aftermath) };
    let mut freed: Vec<Span> = Vec::new();
    for booking in appointment::future(conn, Owner::Host(&after.ref_), now)? {
        seat_line::rekey_of(conn, &booking.id, &old, &new)?;
        let seat = seat::of_appointment(conn, &booking.id)?.filter(|seat| seat.zoom_user_id == old);
        let Some(seat) = seat else { continue };
        seat::take(conn, &host::row(&booking, new.clone(), now))?;
        let text = "the host has another Zoom user";
        story::tell(conn, &booking.id, now.into(), "seat.moved", text, None)?;
        aftermath.meetings.extend(tell_zoom(conn, &booking.id, now)?);
        aftermath.moved.push(booking.id);
        freed.push(host::seat_span(&seat));
    }
    aftermath.meetings.extend(line::hand_on(conn, &freed, policy, now)?);
    // Whether it is too much for the new one is seen at once, but is no reason to refuse the change.
    due::set(conn, DueKind::Seats, &new, now)?;
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
    let bookings = hold::future(conn, Owner::Group(group), now)?;
    cancel_all(conn, &bookings, "the group was dissolved", by, policy, now)
}

/// A group has another roster than `before`: its future bookings follow. One whose host no longer hosts the group goes
/// to the first of its hosts who is free then, and stays where it is when there is none: a class without a teacher
/// helps nobody.
///
/// # Errors
/// [`BookingError`].
pub fn group_changed(
    conn: &mut Conn,
    group_ref: &str,
    before: &[MemberRow],
    by: &str,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<Aftermath, BookingError> {
    let mut aftermath = Aftermath::default();
    let members = group::members(conn, group_ref)?;
    let hosts = active_hosts(conn, &members)?;
    let hosts_still = |host: &str| members.iter().any(|member| member.hosts() && member.person_ref == host);
    let hosted_before = |host: &str| before.iter().any(|member| member.hosts() && member.person_ref == host);
    for booking in hold::future(conn, Owner::Group(group_ref), now)? {
        let left = booking.host_ref.as_deref().is_some_and(|host| hosted_before(host) && !hosts_still(host));
        if left && !hosts.is_empty() {
            hand_over(conn, booking, &hosts, by, policy, now, &mut aftermath)?;
        }
    }
    aftermath.rosters = follow_group(conn, group_ref, now)?;
    Ok(aftermath)
}

/// Those members who host and are not deactivated, in their order.
///
/// # Errors
/// [`StoreError`].
pub(super) fn active_hosts(conn: &mut Conn, members: &[MemberRow]) -> Result<Vec<String>, StoreError> {
    let hosts: Vec<String> =
        members.iter().filter(|member| member.hosts()).map(|member| member.person_ref.clone()).collect();
    let people = person::by_refs(conn, &hosts)?;
    let active = |host: &String| people.iter().any(|person| person.ref_ == *host && person.active);
    Ok(hosts.into_iter().filter(active).collect())
}

/// Gives a booking to the first of these hosts who is free.
fn hand_over(
    conn: &mut Conn,
    booking: AppointmentRow,
    hosts: &[String],
    by: &str,
    policy: &HostPolicy,
    now: UtcMillis,
    aftermath: &mut Aftermath,
) -> Result<(), BookingError> {
    for host in hosts {
        let after = AppointmentRow { host_ref: Some(host.clone()), ..booking.clone() };
        let change = Edit { before: booking.clone(), after, invitees: None, by: by.to_owned() };
        match savepoint(conn, |conn| edit(conn, change, policy, now)) {
            Ok(changed) => {
                aftermath.moved.push(booking.id);
                aftermath.meetings.extend(changed.meeting.map(|meeting| meeting.id));
                aftermath.meetings.extend(changed.handed_on);
                return Ok(());
            }
            Err(BookingError::HostTaken { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let text = "the host left the group, but none of its hosts is free then: the booking stays with them";
    Ok(story::tell(conn, &booking.id, now.into(), "host.kept", text, None)?)
}

/// Brings the rosters of a group's future bookings in line with the group. Gives the bookings that changed.
fn follow_group(conn: &mut Conn, group_ref: &str, now: UtcMillis) -> Result<Vec<String>, StoreError> {
    let mut changed = Vec::new();
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
        tell_of_roster(conn, &booking, now)?;
        changed.push(booking.id);
    }
    Ok(changed)
}

/// Tells others that a booking has another roster; its registrations follow.
fn tell_of_roster(conn: &mut Conn, booking: &AppointmentRow, now: UtcMillis) -> Result<(), StoreError> {
    registrant::roster_changed(conn, &booking.id, now)?;
    let fields = json!({ "fields": ["attendees"] });
    news::of_booking(conn, now, Event::AppointmentChanged, booking, fields)
}

fn cancel_all(
    conn: &mut Conn,
    bookings: &[AppointmentRow],
    reason: &str,
    by: &str,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<Aftermath, BookingError> {
    let mut aftermath = Aftermath::default();
    let mut freed = Vec::new();
    for booking in bookings {
        let cancelled = carry_out(conn, booking, Command::Cancel, Some(reason), by, policy, now, &mut freed)?;
        aftermath.cancelled.push(cancelled.appointment.id);
        aftermath.meetings.extend(cancelled.meeting.map(|meeting| meeting.id));
    }
    // Only now: a seat must not go from one of them to another.
    aftermath.meetings.extend(line::hand_on(conn, &freed, policy, now)?);
    Ok(aftermath)
}
