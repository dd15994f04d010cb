//! Who is invited: those the booking names, then the members of its group.

use std::collections::BTreeSet;

use super::BookingError;
use crate::store::appointment::{AppointmentRow, AttendeeRow, Via};
use crate::store::group::{self, MemberRow};
use crate::store::person;
use crate::store::{Conn, StoreError, UtcMillis};

/// Somebody to invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invitee {
    /// By their `ref`.
    Known(String),
    /// By name and address; found again by the address.
    Guest {
        /// Their name.
        name: String,
        /// Their address.
        email: String,
    },
}

/// A group that can be booked, with its members.
pub(super) fn bookable_group(conn: &mut Conn, ref_: &str) -> Result<Vec<MemberRow>, BookingError> {
    match group::by_ref(conn, ref_)? {
        None => Err(BookingError::unfit("group", format!("there is no group `{ref_}`"))),
        Some(group) if group.dissolved_at.is_some() => Err(BookingError::unfit("group", "is dissolved")),
        Some(_) => Ok(group::members(conn, ref_)?),
    }
}

/// The `ref`s of invitees; guests whom nobody knows become people.
///
/// # Errors
/// [`BookingError::Unfit`] for the first who does not exist.
pub(super) fn resolve(
    conn: &mut Conn,
    invitees: &[Invitee],
    now: UtcMillis,
) -> Result<Vec<String>, BookingError> {
    let named: Vec<String> = invitees
        .iter()
        .filter_map(|invitee| match invitee {
            Invitee::Known(ref_) => Some(ref_.clone()),
            Invitee::Guest { .. } => None,
        })
        .collect();
    let known: BTreeSet<String> =
        person::by_refs(conn, &named)?.into_iter().map(|person| person.ref_).collect();
    let mut refs = Vec::with_capacity(invitees.len());
    for (index, invitee) in invitees.iter().enumerate() {
        refs.push(match invitee {
            Invitee::Known(ref_) if known.contains(ref_) => ref_.clone(),
            Invitee::Known(ref_) => {
                let reason = format!("there is no person `{ref_}`");
                return Err(BookingError::unfit(format!("attendees[{index}]"), reason));
            }
            Invitee::Guest { name, email } => person::by_email_or_new(conn, email, name, "attendee", now)?,
        });
    }
    Ok(refs)
}

/// The roster of a booking: those invited by name, then the group's attendees who are not deactivated. Nobody
/// comes twice, and the host is not their own guest.
pub(super) fn rows(
    conn: &mut Conn,
    booking: &AppointmentRow,
    direct: &[String],
    members: &[MemberRow],
) -> Result<Vec<AttendeeRow>, StoreError> {
    let of_group: Vec<String> =
        members.iter().filter(|member| !member.hosts()).map(|member| member.person_ref.clone()).collect();
    let inactive: BTreeSet<String> = person::by_refs(conn, &of_group)?
        .into_iter()
        .filter(|person| !person.active)
        .map(|person| person.ref_)
        .collect();
    let direct = direct.iter().map(|ref_| (ref_, Via::Direct));
    let of_group = of_group.iter().filter(|ref_| !inactive.contains(*ref_)).map(|ref_| (ref_, Via::Group));
    let mut seen: BTreeSet<&str> = booking.host_ref.as_deref().into_iter().collect();
    Ok(direct
        .chain(of_group)
        .filter(|(ref_, _)| seen.insert(ref_))
        .zip(0..)
        .map(|((ref_, via), position)| AttendeeRow {
            appointment_id: booking.id.clone(),
            person_ref: ref_.clone(),
            position,
            via,
        })
        .collect())
}
