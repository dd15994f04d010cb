//! Edits of a booking and commands to it, each in one transaction.

use serde_json::{Value, json};

use super::create::{MeetingIds, known_rules, start_meeting};
use super::host::{self, Before, HostPolicy};
use super::line;
use super::roster::{self, Invitee};
use super::{Booking, BookingError, warning};
use crate::domain::appointment::AppointmentStatus;
use crate::domain::schedule::Span;
use crate::domain::transition::{Command, Transition, transition};
use crate::store::appointment::{self, AppointmentRow, Via};
use crate::store::due::{self, DueKind};
use crate::store::outbox::Event;
use crate::store::person::{self, PersonRow};
use crate::store::{Conn, StoreError, UtcMillis, meeting, news, registrant, seat, seat_line, story};

/// An edit: the booking as it was read and as it should be.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The row as it was read.
    pub before: AppointmentRow,
    /// The row as it should be; `generation`, `version` and `updated_at` are set here.
    pub after: AppointmentRow,
    /// The new guests by name, if they are to be others.
    pub invitees: Option<Vec<Invitee>>,
    /// By whom.
    pub by: String,
}

/// Writes an edit. Zoom hears of it only when a field changed that Zoom is told.
///
/// # Errors
/// [`BookingError`], and nothing is written.
pub fn edit(
    conn: &mut Conn,
    edit: Edit,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<Booking, BookingError> {
    let mut freed = Vec::new();
    let booking = apply(conn, edit, Before::Stored, policy, now, &mut freed)?;
    let handed_on = line::hand_on(conn, &freed, policy, now)?;
    Ok(Booking { handed_on, ..booking })
}

/// Writes an edit, but leaves the time of the seat it frees in `freed`: one of many is to hand on what all of them
/// freed. `seated` is what the booking has, if that was taken from it for their sake.
pub(super) fn apply(
    conn: &mut Conn,
    edit: Edit,
    seated: Before,
    policy: &HostPolicy,
    now: UtcMillis,
    freed: &mut Vec<Span>,
) -> Result<Booking, BookingError> {
    let Edit { before, mut after, invitees, by } = edit;
    let status = AppointmentStatus::parse(&before.status);
    if status.is_none_or(AppointmentStatus::is_final) {
        return Err(BookingError::Refused { from: before.status, to: "changed" });
    }
    if after == before && invitees.is_none() {
        return Ok(super::by_id(conn, &before.id)?);
    }
    if let Some(ref_) = &after.ref_
        && appointment::ref_taken(conn, ref_, &after.id)?
    {
        return Err(BookingError::RefTaken(ref_.clone()));
    }
    if after.attendance_rules != before.attendance_rules {
        known_rules(conn, after.attendance_rules.as_deref())?;
    }
    let members = match &after.group_ref {
        Some(group) if after.group_ref != before.group_ref => roster::bookable_group(conn, group)?,
        Some(group) => crate::store::group::members(conn, group)?,
        None => Vec::new(),
    };
    let host = current_host(conn, &before, &after)?;
    if status.is_some_and(AppointmentStatus::wants_meeting) && seat_differs(&before, &after) {
        freed.extend(host::seat_booking(conn, &after, host.as_ref(), seated, policy, now)?.freed);
    }
    let others_invited = invitees.is_some();
    if others_invited || after.group_ref != before.group_ref || after.host_ref != before.host_ref {
        let direct = match invitees {
            Some(invitees) => roster::resolve(conn, &invitees, now)?,
            None => direct_invitees(conn, &after.id)?,
        };
        let rows = roster::rows(conn, &after, &direct, &members)?;
        appointment::clear_roster(conn, &after.id)?;
        appointment::add_roster(conn, &rows)?;
        registrant::roster_changed(conn, &after.id, now)?;
    }
    let for_zoom = zoom_must_learn(&before, &after);
    let mut fields = changed_fields(&before, &after);
    if others_invited {
        fields.push("attendees");
    }
    write(conn, &before, &mut after, for_zoom, now)?;
    let text = format!("{by} changed the booking");
    let details = json!({ "fields": &fields, "zoom_is_told": for_zoom });
    story::tell(conn, &after.id, now.into(), "booking.changed", &text, Some(details))?;
    if for_zoom {
        tell_zoom(conn, &after.id, now)?;
    }
    news::of_booking(conn, now, Event::AppointmentChanged, &after, json!({ "fields": fields }))?;
    let changed = super::by_id(conn, &after.id)?;
    if seat_differs(&before, &after) {
        warning::tell(conn, &changed, now)?;
    }
    Ok(changed)
}

/// Carries out a command; asked again it changes nothing. A seat that it frees goes to who waits for it.
///
/// # Errors
/// [`BookingError::Refused`] when the booking is past it, [`BookingError::HostTaken`] for a confirmation.
pub fn command(
    conn: &mut Conn,
    before: &AppointmentRow,
    command: Command,
    reason: Option<&str>,
    by: &str,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<Booking, BookingError> {
    let mut freed = Vec::new();
    let booking = carry_out(conn, before, command, reason, by, policy, now, &mut freed)?;
    let handed_on = line::hand_on(conn, &freed, policy, now)?;
    Ok(Booking { handed_on, ..booking })
}

/// Carries out a command, but leaves the seat it frees in `freed`: one of many is to hand on what all of them freed.
#[expect(clippy::too_many_arguments, reason = "a command, by whom, when, and where its seat goes")]
pub(super) fn carry_out(
    conn: &mut Conn,
    before: &AppointmentRow,
    command: Command,
    reason: Option<&str>,
    by: &str,
    policy: &HostPolicy,
    now: UtcMillis,
    freed: &mut Vec<Span>,
) -> Result<Booking, BookingError> {
    // Before any row is written: who holds the lock may give this booking a seat.
    seat::lock(conn)?;
    let refused = || BookingError::Refused { from: before.status.clone(), to: command.past() };
    let status = AppointmentStatus::parse(&before.status).ok_or_else(refused)?;
    let next = match transition(status, command) {
        Transition::To(next) => next,
        Transition::Already => return Ok(super::by_id(conn, &before.id)?),
        Transition::Refused => return Err(refused()),
    };
    let mut after = AppointmentRow { status: next.as_str().to_owned(), ..before.clone() };
    // A booking that is over keeps its meeting as it was: only what should not exist any more is Zoom's business.
    let for_zoom = status.wants_meeting() != next.wants_meeting() && command != Command::Complete;
    if command == Command::Cancel {
        after.cancel_reason = reason.map(str::to_owned);
    }
    write(conn, before, &mut after, for_zoom, now)?;
    let text = format!("{by} {} the booking", command.past());
    let kind = format!("booking.{}", command.past());
    let details = reason.map(|reason| json!({ "reason": reason }));
    story::tell(conn, &after.id, now.into(), &kind, &text, details)?;
    match command {
        Command::Confirm => {
            let host = after.host_ref.as_deref().map(|host| host::named(conn, host)).transpose()?;
            start_meeting(conn, &after, host.as_ref(), MeetingIds::draw(), policy, now)?;
        }
        Command::Cancel => {
            freed.extend(give_back(conn, &after.id)?);
            tell_zoom(conn, &after.id, now)?;
            news::of_booking(conn, now, Event::AppointmentCancelled, &after, Value::Null)?;
        }
        Command::Complete => {
            freed.extend(give_back(conn, &after.id)?);
            news::of_booking(conn, now, Event::AppointmentCompleted, &after, Value::Null)?;
        }
    }
    Ok(super::by_id(conn, &after.id)?)
}

/// Gives a booking's seat back, or its place in the line.
fn give_back(conn: &mut Conn, id: &str) -> Result<Option<Span>, StoreError> {
    seat_line::leave(conn, id)?;
    Ok(seat::free(conn, id)?.as_ref().map(host::seat_span))
}

fn write(
    conn: &mut Conn,
    before: &AppointmentRow,
    after: &mut AppointmentRow,
    for_zoom: bool,
    now: UtcMillis,
) -> Result<(), BookingError> {
    after.version = before.version + 1;
    after.generation = before.generation + i64::from(for_zoom);
    after.updated_at = now;
    appointment::save(conn, after, before.version).map_err(|error| match error {
        StoreError::Conflict(crate::store::Conflict::Stale) => BookingError::Stale,
        other => other.into(),
    })
}

/// Makes the meeting's work due now, if the booking has a meeting.
fn tell_zoom(conn: &mut Conn, appointment_id: &str, now: UtcMillis) -> Result<(), StoreError> {
    match meeting::by_appointment(conn, appointment_id)? {
        Some(meeting) => due::set(conn, DueKind::Sync, &meeting.id, now),
        None => Ok(()),
    }
}

/// The host after the edit; checked only where it is another, so that a booking of somebody who has left can
/// still be edited.
fn current_host(
    conn: &mut Conn,
    before: &AppointmentRow,
    after: &AppointmentRow,
) -> Result<Option<PersonRow>, BookingError> {
    match &after.host_ref {
        Some(host) if after.host_ref != before.host_ref => host::named(conn, host).map(Some),
        Some(host) => Ok(person::by_ref(conn, host)?),
        None => Ok(None),
    }
}

fn direct_invitees(conn: &mut Conn, id: &str) -> Result<Vec<String>, StoreError> {
    let roster = appointment::roster(conn, &[id.to_owned()])?;
    Ok(roster
        .into_iter()
        .filter(|attendee| attendee.via == Via::Direct)
        .map(|attendee| attendee.person_ref)
        .collect())
}

/// Whether an edit concerns the seat of the booking.
pub(super) fn seat_differs(before: &AppointmentRow, after: &AppointmentRow) -> bool {
    (before.start_at, before.end_at, &before.host_ref) != (after.start_at, after.end_at, &after.host_ref)
}

fn zoom_must_learn(before: &AppointmentRow, after: &AppointmentRow) -> bool {
    seat_differs(before, after)
        || before.title != after.title
        || before.description != after.description
        || before.timezone != after.timezone
        || before.settings != after.settings
}

fn changed_fields(before: &AppointmentRow, after: &AppointmentRow) -> Vec<&'static str> {
    let pairs = [
        ("ref", before.ref_ != after.ref_),
        ("kind", before.kind != after.kind),
        ("title", before.title != after.title),
        ("description", before.description != after.description),
        ("start_time", before.start_at != after.start_at),
        ("duration", before.duration_minutes != after.duration_minutes),
        ("timezone", before.timezone != after.timezone),
        ("host", before.host_ref != after.host_ref),
        ("group", before.group_ref != after.group_ref),
        ("settings", before.settings != after.settings),
        ("target_audience", before.target_audience != after.target_audience),
        ("attendance_rules", before.attendance_rules != after.attendance_rules),
        ("on_conflict", before.on_conflict != after.on_conflict),
    ];
    pairs.into_iter().filter(|(_, changed)| *changed).map(|(field, _)| field).collect()
}
