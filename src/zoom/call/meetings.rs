//! Meetings before and while they run.

use super::{Charge, Label, Method, ZoomCall, encode_segment, get};
use crate::zoom::types::{MeetingPatch, MeetingRequest, StatusChange};

/// Makes a meeting for `host` (a user id or an address).
#[must_use]
pub fn create_meeting(host: &str, meeting: &MeetingRequest) -> ZoomCall {
    ZoomCall::new(Method::POST, "create_meeting", format!("/users/{}/meetings", encode_segment(host)))
        .charge(Charge::Create { host: host.to_owned() })
        .body(meeting)
}

/// Changes the fields that `patch` names. `host` is whose allowance it uses.
#[must_use]
pub fn update_meeting(number: &str, patch: &MeetingPatch, host: &str) -> ZoomCall {
    ZoomCall::new(Method::PATCH, "update_meeting", meeting(number))
        .charge(Charge::Update { host: host.to_owned() })
        .body(patch)
}

/// Deletes a meeting; Zoom counts it on no daily allowance.
#[must_use]
pub fn delete_meeting(number: &str) -> ZoomCall {
    ZoomCall::new(Method::DELETE, "delete_meeting", meeting(number))
}

/// Reads a meeting, with a fresh `start_url`.
#[must_use]
pub fn get_meeting(number: &str) -> ZoomCall {
    get("get_meeting", meeting(number))
}

/// One page of a host's scheduled meetings.
#[must_use]
pub fn list_meetings(host: &str, page_token: Option<&str>) -> ZoomCall {
    get("list_meetings", format!("/users/{}/meetings", encode_segment(host)))
        .label(Label::Medium)
        .query("type", "scheduled")
        .page(page_token)
}

/// The meetings that a host is running at this moment; one page tells whether there are any.
#[must_use]
pub fn live_meetings(host: &str) -> ZoomCall {
    get("live_meetings", format!("/users/{}/meetings", encode_segment(host)))
        .label(Label::Medium)
        .query("type", "live")
}

/// Ends a running meeting for everybody.
#[must_use]
pub fn end_meeting(number: &str) -> ZoomCall {
    ZoomCall::new(Method::PUT, "end_meeting", format!("{}/status", meeting(number)))
        .body(&StatusChange { action: "end".to_owned() })
}

fn meeting(number: &str) -> String {
    format!("/meetings/{}", encode_segment(number))
}
