//! What a caller may see: bookings are found through here, so that none is shown or changed unasked.

use std::collections::BTreeSet;

use super::auth::Caller;
use super::booking_error::Clash;
use super::error::ApiError;
use super::meetings::roll::Share;
use crate::domain::access::{Action, Audience, Role, Standing, Verdict, may};
use crate::domain::registration::is_of_domain;
use crate::store::appointment::{self, AppointmentRow, BookingFilter, Viewer};
use crate::store::{Conn, StoreError, group, hold, meeting, person, seat};

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

/// The booking with this id or `ref`, if the caller may change it, as it is now and held until the transaction ends:
/// no other process changes it between this look, the question after its version, and the write.
pub(super) fn to_change(conn: &mut Conn, caller: &Caller, key: &str) -> Result<AppointmentRow, ApiError> {
    // Before any row is held: who has the lock may give this booking a seat.
    seat::lock(conn)?;
    let found = appointment(conn, caller, key, Action::Change)?;
    let row = hold::bookings(conn, vec![found])?.pop().ok_or(ApiError::NotFound("appointment"))?;
    allowed(conn, caller, &row, Action::Change)?;
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

/// Whether somebody may come into meetings, and see the ways in, where only those of `domain` may: attendees from
/// elsewhere may not.
pub(super) fn may_enter(caller: &Caller, email: Option<&str>, domain: Option<&str>) -> bool {
    let fits = |domain| email.is_some_and(|email| is_of_domain(email, domain));
    caller.role != Role::Attendee || domain.is_none_or(fits)
}

/// How much a caller may see of the rosters of bookings that they see: all of those they lead, else themselves; and
/// whether they may come in. Their groups are read once for any number of bookings.
#[derive(Debug, Clone)]
pub(super) struct Rosters {
    caller: Caller,
    leads: BTreeSet<String>,
    enters: bool,
}

impl Rosters {
    /// For this caller, where only those of `domain` may come in, if there is such.
    pub(super) fn of(conn: &mut Conn, caller: &Caller, domain: Option<&str>) -> Result<Self, StoreError> {
        let leads = match caller.role {
            Role::Host => group::hosted_by(conn, &caller.subject)?,
            _ => Vec::new(),
        };
        // Asked only where it decides.
        let email = match (caller.role, domain) {
            (Role::Attendee, Some(_)) => {
                person::by_ref(conn, &caller.subject)?.and_then(|person| person.email)
            }
            _ => None,
        };
        let enters = may_enter(caller, email.as_deref().or(caller.email.as_deref()), domain);
        Ok(Self { caller: caller.clone(), leads: leads.into_iter().collect(), enters })
    }

    /// Whether the ways into the meetings are shown.
    pub(super) fn enters(&self) -> bool {
        self.enters
    }

    /// Whose entries of this booking's roster are shown.
    pub(super) fn share(&self, row: &AppointmentRow) -> Share {
        let person = &self.caller.subject;
        let standing = Standing {
            hosts: row.host_ref.as_ref() == Some(person),
            hosts_group: row.group_ref.as_ref().is_some_and(|group| self.leads.contains(group)),
            // They see it, for whatever reason: that is no question any more.
            invited: true,
        };
        match may(self.caller.role, standing, None, Action::Attendance) {
            Verdict::Allowed => Share::All,
            _ => Share::Own(person.clone()),
        }
    }
}

/// The error without what the caller may not see of the bookings that it names.
pub(super) fn veiled(conn: &mut Conn, caller: &Caller, mut error: ApiError) -> ApiError {
    let Some(viewer) = viewer(caller) else { return error };
    let mut named = BTreeSet::new();
    each_clash(&mut error, &mut |clash| named.extend(clash.appointment_id.clone()));
    if named.is_empty() {
        return error;
    }
    let count = i64::try_from(named.len()).unwrap_or(i64::MAX);
    let among = Some(named.into_iter().collect());
    let filter = BookingFilter { among, visible_to: Some(viewer), ..BookingFilter::default() };
    let seen: BTreeSet<String> = match appointment::list(conn, &filter, count) {
        Ok(rows) => rows.into_iter().map(|row| row.id).collect(),
        Err(error) => return error.into(),
    };
    each_clash(&mut error, &mut |clash| {
        if clash.appointment_id.as_ref().is_some_and(|id| !seen.contains(id)) {
            (clash.appointment_id, clash.title) = (None, None);
        }
    });
    error
}

fn each_clash(error: &mut ApiError, visit: &mut dyn FnMut(&mut Clash)) {
    match error {
        ApiError::HostConflict { clashes, .. } => clashes.iter_mut().for_each(visit),
        ApiError::OccurrencesTaken(taken) => {
            for (_, error) in taken {
                each_clash(error, visit);
            }
        }
        _ => {}
    }
}
