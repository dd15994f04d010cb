//! A Zoom user as it is shown, with what is known of their licence.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::licence::LICENSED;
use crate::store::licence::{self, LeaseRow, State};
use crate::store::zoom_user::ZoomUserRow;
use crate::store::{Conn, StoreError, person};

/// What is known of a licence.
#[derive(Debug, Serialize, ToSchema)]
pub struct LicenceView {
    /// `own` (licensed, and none of this daemon's business), `none`, `waiting` (in line), `granting`, `held` or
    /// `returning`.
    pub state: &'static str,
    /// `long_meeting`, `registration`, `cloud_recording` or `asked`.
    pub reason: Option<&'static str>,
    /// The booking it is for first.
    pub appointment: Option<String>,
    /// From when it is wanted.
    pub from: Option<DateTime<Utc>>,
    /// Until when; null without an end.
    pub until: Option<DateTime<Utc>>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// A Zoom user.
#[derive(Debug, Serialize, ToSchema)]
pub struct ZoomUserView {
    /// Zoom's id.
    pub id: String,
    /// The address at Zoom.
    pub email: String,
    /// The address that Zoom is still to be told.
    pub email_wanted: Option<String>,
    /// The name shown in meetings.
    pub display_name: Option<String>,
    /// Zoom's number: 1 Basic, 2 Licensed, 4 unassigned, 99 none.
    #[serde(rename = "type")]
    pub kind: i64,
    /// `active`, `inactive`, `pending`, or `making` while Zoom is asked for them.
    pub status: String,
    /// The licence.
    pub licence: LicenceView,
    /// The `ref` of whoever hosts under this user.
    pub person: Option<String>,
    /// Whether this daemon made the user.
    pub made_by_us: bool,
    /// When Zoom last said so.
    pub seen_at: DateTime<Utc>,
}

/// The view of one user.
pub(in crate::http) fn of(conn: &mut Conn, row: ZoomUserRow) -> Result<ZoomUserView, StoreError> {
    of_all(conn, vec![row])?.pop().ok_or(StoreError::NotFound)
}

/// The views of these users, in their order.
pub(in crate::http) fn of_all(
    conn: &mut Conn,
    rows: Vec<ZoomUserRow>,
) -> Result<Vec<ZoomUserView>, StoreError> {
    let ids: Vec<String> = rows.iter().map(|row| row.zoom_user_id.clone()).collect();
    let keys: Vec<String> = rows.iter().map(|row| row.email_key.clone()).collect();
    let mut leases = licence::of_users(conn, &ids)?;
    let people = person::by_emails(conn, &keys)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let lease = leases.iter().position(|lease| lease.zoom_user_id == row.zoom_user_id);
            let lease = lease.map(|place| leases.swap_remove(place));
            let by_address = people.iter().find(|person| person.email_key.as_ref() == Some(&row.email_key));
            let person = row.person_ref.clone().or_else(|| by_address.map(|person| person.ref_.clone()));
            ZoomUserView {
                licence: licence_view(row.type_, lease),
                id: row.zoom_user_id,
                email: row.email,
                email_wanted: row.email_wanted,
                display_name: row.display_name,
                kind: row.type_,
                status: row.status,
                person,
                made_by_us: row.made_by_us,
                seen_at: row.seen_at.into(),
            }
        })
        .collect())
}

fn licence_view(kind: i64, lease: Option<LeaseRow>) -> LicenceView {
    match lease {
        Some(lease) => LicenceView {
            state: lease.state.as_str(),
            reason: Some(lease.reason.as_str()),
            appointment: lease.owner_appointment,
            from: Some(lease.from_at.into()),
            until: lease.until_at.map(Into::into),
            last_error: lease.last_error.filter(|_| lease.state != State::Held || lease.attempts > 0),
        },
        None => LicenceView {
            state: if kind == LICENSED { "own" } else { "none" },
            reason: None,
            appointment: None,
            from: None,
            until: None,
            last_error: None,
        },
    }
}
