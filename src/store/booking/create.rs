//! A new booking, in one transaction.

use serde_json::json;

use super::host::{self, Before, HostPolicy};
use super::roster::{self, Invitee};
use super::{Booking, BookingError, directory, warning};
use crate::domain::appointment::AppointmentStatus;
use crate::store::appointment::{self, AppointmentRow};
use crate::store::due::{self, DueKind};
use crate::store::group;
use crate::store::meeting::{self, MeetingRow};
use crate::store::outbox::Event;
use crate::store::person::{self, PersonRow};
use crate::store::{Conn, UtcMillis, news, rules, story};

/// A booking to be made.
#[derive(Debug, Clone)]
pub struct NewBooking {
    /// Its row; the host may be left to the group.
    pub row: AppointmentRow,
    /// Who is invited by name.
    pub invitees: Vec<Invitee>,
    /// What its meeting will be called.
    pub meeting: MeetingIds,
}

/// The names of a meeting to be: drawn by the caller, so that nothing in the transaction is random.
#[derive(Debug, Clone)]
pub struct MeetingIds {
    /// Its id.
    pub id: String,
    /// The mark by which it is found at Zoom again.
    pub marker: String,
}

impl MeetingIds {
    /// New names.
    #[must_use]
    pub fn draw() -> Self {
        let id = uuid::Uuid::now_v7();
        // The last field of a version 7 id is random.
        let (_, _, _, tail) = id.as_fields();
        let marker = format!("{}{}", crate::domain::marker::PREFIX, hex::encode(tail));
        Self { id: id.to_string(), marker }
    }
}

/// Makes a booking: its row, roster, seat, meeting, first line of its story, and the work that is due.
///
/// # Errors
/// [`BookingError`], and nothing is written.
pub fn create(conn: &mut Conn, new: NewBooking, policy: &HostPolicy) -> Result<Booking, BookingError> {
    let NewBooking { mut row, invitees, meeting } = new;
    let now = row.created_at;
    if let Some(ref_) = &row.ref_
        && appointment::ref_taken(conn, ref_, &row.id)?
    {
        return Err(BookingError::RefTaken(ref_.clone()));
    }
    known_rules(conn, row.attendance_rules.as_deref())?;
    let members = match &row.group_ref {
        Some(group) => roster::bookable_group(conn, group)?,
        None => Vec::new(),
    };
    if row.host_ref.is_none() {
        let active = directory::active_hosts(conn, &members)?.into_iter().next();
        // A group whose hosts are all gone is told so, rather than given to a stranger.
        let any = members.iter().find(|member| member.hosts());
        row.host_ref = active.or_else(|| any.map(|host| host.person_ref.clone()));
    }
    let host = row.host_ref.as_deref().map(|host| host::named(conn, host)).transpose()?;
    let direct = roster::resolve(conn, &invitees, now)?;
    appointment::insert(conn, &row)?;
    let attendees = roster::rows(conn, &row, &direct, &members)?;
    appointment::add_roster(conn, &attendees)?;
    let text = format!("{} was booked as {}", row.title, row.status);
    story::tell(conn, &row.id, now.into(), "booking.created", &text, Some(json!({ "by": row.created_by })))?;
    let wants_meeting = AppointmentStatus::parse(&row.status).is_some_and(AppointmentStatus::wants_meeting);
    let meeting = match wants_meeting {
        true => Some(start_meeting(conn, &row, host.as_ref(), meeting, policy, now)?),
        false => None,
    };
    let refs: Vec<String> = attendees.iter().map(|attendee| attendee.person_ref.clone()).collect();
    let people = person::by_refs(conn, &refs)?;
    let roster = attendees
        .into_iter()
        .map(|attendee| {
            let known = people.iter().find(|person| person.ref_ == attendee.person_ref).cloned();
            (attendee, known)
        })
        .collect();
    let group = row.group_ref.as_deref().map(|group| group::by_ref(conn, group)).transpose()?.flatten();
    let mut made = [Booking {
        appointment: row,
        roster,
        meeting,
        host,
        group,
        place: None,
        drift: None,
        warnings: Vec::new(),
        handed_on: Vec::new(),
    }];
    warning::add(conn, &mut made)?;
    let [made] = made;
    warning::tell(conn, &made, now)?;
    Ok(made)
}

/// Whether there are the rules that a booking names.
pub(super) fn known_rules(conn: &mut Conn, name: Option<&str>) -> Result<(), BookingError> {
    match name {
        Some(name) if !rules::is_known(conn, name)? => {
            Err(BookingError::unfit("attendance_rules", format!("there are no rules `{name}`")))
        }
        _ => Ok(()),
    }
}

/// Gives a confirmed booking its seat and its meeting, and says that Zoom must be told.
pub(super) fn start_meeting(
    conn: &mut Conn,
    row: &AppointmentRow,
    host: Option<&PersonRow>,
    ids: MeetingIds,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<MeetingRow, BookingError> {
    let seating = host::seat_booking(conn, row, host, Before::Nothing, policy, now)?;
    let mut meeting = MeetingRow::pending(ids.id, row.id.clone(), ids.marker, now);
    if seating.waits {
        meeting.sync_state = "waiting_for_host".to_owned();
    }
    meeting::insert(conn, &meeting)?;
    due::set_ranked(conn, DueKind::Sync, &meeting.id, now, row.start_at)?;
    news::of_booking(conn, now, Event::AppointmentConfirmed, row, json!({ "meeting_id": meeting.id }))?;
    Ok(meeting)
}
