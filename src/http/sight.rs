//! What a caller may see: bookings are found through here, so that none is shown or changed unasked.

use super::auth::Caller;
use super::error::ApiError;
use crate::domain::access::{Action, Audience, Role, Standing, Verdict, may};
use crate::store::appointment::{self, AppointmentRow, Viewer};
use crate::store::{Conn, StoreError, group, meeting};

/// How somebody stands to a booking.
fn standing(conn: &mut Conn, row: &AppointmentRow, person: &str) -> Result<Standing, StoreError> {
    let role = match &row.group_ref {
        Some(group) => group::role_in(conn, group, person)?,
        None => None,
    };
    Ok(Standing {
        hosts: row.host_ref.as_deref() == Some(person),
        hosts_group: role.as_deref() == Some("host"),
        invited: role.is_some() || appointment::is_invited(conn, &row.id, person)?,
    })
}

/// Whether the caller may do this: [`Verdict::Allowed`] or [`Verdict::OwnOnly`].
fn permit(
    conn: &mut Conn,
    caller: &Caller,
    row: &AppointmentRow,
    action: Action,
    what: &'static str,
) -> Result<Verdict, ApiError> {
    if caller.role.acts_for_all() {
        return Ok(Verdict::Allowed);
    }
    let standing = standing(conn, row, &caller.subject)?;
    let audience = row.target_audience.as_deref().and_then(Audience::parse);
    match may(caller.role, standing, audience, action) {
        Verdict::Hidden => Err(ApiError::NotFound(what)),
        Verdict::Forbidden => Err(ApiError::Forbidden("this is not yours to do")),
        verdict => Ok(verdict),
    }
}

/// The booking with this id or `ref`, if the caller may do this with it.
pub(super) fn appointment(
    conn: &mut Conn,
    caller: &Caller,
    key: &str,
    action: Action,
) -> Result<AppointmentRow, ApiError> {
    const WHAT: &str = "appointment";
    let row = appointment::by_id_or_ref(conn, key)?.ok_or(ApiError::NotFound(WHAT))?;
    permit(conn, caller, &row, action, WHAT)?;
    Ok(row)
}

/// Whether the caller may do this with a booking that is at hand.
pub(super) fn allowed(
    conn: &mut Conn,
    caller: &Caller,
    row: &AppointmentRow,
    action: Action,
) -> Result<(), ApiError> {
    permit(conn, caller, row, action, "appointment").map(|_| ())
}

/// The booking of a meeting as the caller may see it.
#[derive(Debug)]
pub(super) struct SeenMeeting {
    /// The booking.
    pub(super) appointment: AppointmentRow,
    /// Only what concerns the caller may be shown.
    pub(super) own_only: bool,
}

/// The meeting with this id or Zoom number, if the caller may do this with it.
pub(super) fn meeting(
    conn: &mut Conn,
    caller: &Caller,
    id: &str,
    action: Action,
) -> Result<SeenMeeting, ApiError> {
    const WHAT: &str = "meeting";
    let meeting = meeting::by_id_or_number(conn, id)?.ok_or(ApiError::NotFound(WHAT))?;
    let row = appointment::by_id(conn, &meeting.appointment_id)?.ok_or(ApiError::NotFound(WHAT))?;
    let verdict = permit(conn, caller, &row, action, WHAT)?;
    Ok(SeenMeeting { appointment: row, own_only: verdict == Verdict::OwnOnly })
}

/// Whose eyes a list is for; `None` when they see everything.
pub(super) fn viewer(caller: &Caller) -> Option<Viewer> {
    let audiences: &[&str] = match caller.role {
        Role::Service | Role::Admin => return None,
        Role::Host => &["all", "teachers"],
        Role::Attendee => &["all", "students"],
    };
    Some(Viewer {
        person: caller.subject.clone(),
        audiences: audiences.iter().map(|audience| (*audience).to_owned()).collect(),
    })
}
