//! A meeting now: `POST /api/appointments/ad-hoc`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Map;
use utoipa::ToSchema;

use super::request::{BookingFields, Defaults};
use super::view::{self, AppointmentAnswer};
use crate::domain::access::{Verdict, may_start_ad_hoc};
use crate::domain::appointment::AppointmentStatus;
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::body::JsonBody;
use crate::http::error::ApiError;
use crate::http::idempotency::Once;
use crate::http::people::REF_LENGTH_MAX;
use crate::http::prefer::Wait;
use crate::http::settle::Write;
use crate::http::validate::Fields;
use crate::store::group::{self, GroupRow};
use crate::store::{Conn, booking};

const MINUTES: i64 = 30;
const WAIT_SECS: u64 = 10;

/// A meeting wanted now.
#[derive(Debug, Clone, ToSchema)]
pub struct AdHocBody {
    /// The `ref` of the match or class.
    pub group: String,
    /// The `ref` of who asks, when a system asks for them.
    pub initiator: Option<String>,
}

/// Starts a meeting of a group now, for half an hour, and waits for Zoom.
#[utoipa::path(post, path = "/api/appointments/ad-hoc", tag = "appointments", operation_id = "create_ad_hoc",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body get the first answer again"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds for Zoom; 10 without it")),
    request_body = AdHocBody,
    responses((status = 201, body = AppointmentAnswer), (status = 202, body = AppointmentAnswer)))]
pub(in crate::http) async fn create(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let mut fields = body.fields()?;
    let group_ref = fields.text(&["group"], REF_LENGTH_MAX);
    let group_ref = fields.need("group", group_ref);
    let initiator = fields.text(&["initiator"], REF_LENGTH_MAX);
    if !caller.role.acts_for_all() && initiator.as_ref().is_some_and(|initiator| *initiator != caller.subject)
    {
        fields.fault("initiator", "is for systems that ask for somebody: you ask for yourself");
    }
    fields.finish()?;
    let now = front.clock.now();
    let write = Write {
        shape: view::shape,
        done: StatusCode::CREATED,
        wait: Wait::of(&request, WAIT_SECS),
        once: Once::of(&request, &caller, &body, now)?,
        notices: Vec::new(),
        caller: caller.clone(),
    };
    let mut policy = front.hosts.clone();
    // Now is now: a pause after the booking before would only make people wait.
    policy.padding = chrono::Duration::zero();
    let timezone = front.default_timezone;
    front
        .settle(write, move |conn| {
            let group = startable(conn, &caller, &group_ref)?;
            let said = BookingFields {
                kind: Some(if group.kind == "match" { "match" } else { "class" }),
                title: Some(group.name),
                duration: Some(MINUTES),
                group: Some(Some(group.ref_)),
                ..BookingFields::default()
            };
            let by = initiator.as_deref().unwrap_or(&caller.subject);
            let defaults = Defaults { now, timezone, origin: "ad-hoc", by, starts_now: true };
            let mut faults = Fields::of(String::new(), Map::new());
            let new = said.into_new(&mut faults, AppointmentStatus::Confirmed, defaults);
            faults.finish()?;
            let (new, _) = new.ok_or(ApiError::Internal)?;
            Ok(booking::create::create(conn, new, &policy)?)
        })
        .await
}

fn startable(conn: &mut Conn, caller: &Caller, group_ref: &str) -> Result<GroupRow, ApiError> {
    let group = group::by_ref(conn, group_ref)?;
    let role = group::role_in(conn, group_ref, &caller.subject)?;
    let is_match = group.as_ref().is_some_and(|group| group.kind == "match");
    let hosts = role.as_deref() == Some("host");
    match may_start_ad_hoc(caller.role, is_match, role.is_some(), hosts) {
        Verdict::Allowed => {
            group.ok_or_else(|| ApiError::field("group", format!("there is no group `{group_ref}`")))
        }
        Verdict::Hidden => Err(ApiError::NotFound("group")),
        _ => Err(ApiError::Forbidden("attendees start meetings in their own match only")),
    }
}
