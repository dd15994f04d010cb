//! Meetings after they ran: instances, reports, recordings.

use super::{Label, ZoomCall, encode_segment, get, number_or_uuid};

/// The ended instances of a meeting.
#[must_use]
pub fn past_instances(number: &str) -> ZoomCall {
    get("past_instances", format!("/past_meetings/{}/instances", encode_segment(number))).label(Label::Medium)
}

/// One ended instance; a meeting number means the latest.
#[must_use]
pub fn past_meeting(uuid_or_number: &str) -> ZoomCall {
    get("past_meeting", format!("/past_meetings/{}", number_or_uuid(uuid_or_number)))
}

/// One page of who was there; leaves out people who were alone.
#[must_use]
pub fn past_participants(uuid: &str, page_token: Option<&str>) -> ZoomCall {
    get("past_participants", format!("/past_meetings/{}/participants", number_or_uuid(uuid)))
        .label(Label::Medium)
        .page(page_token)
}

/// The report of one instance.
#[must_use]
pub fn report_meeting(uuid: &str) -> ZoomCall {
    get("report_meeting", format!("/report/meetings/{}", number_or_uuid(uuid))).label(Label::Heavy)
}

/// One page of the report's stays, each with its registrant.
#[must_use]
pub fn report_participants(uuid: &str, page_token: Option<&str>) -> ZoomCall {
    get("report_participants", format!("/report/meetings/{}/participants", number_or_uuid(uuid)))
        .label(Label::Heavy)
        .query("include_fields", "registrant_id")
        .page(page_token)
}

/// One page of a user's cloud recordings between two days (`2026-01-31`), at most a month apart.
#[must_use]
pub fn user_recordings(user: &str, from: &str, to: &str, page_token: Option<&str>) -> ZoomCall {
    get("user_recordings", format!("/users/{}/recordings", encode_segment(user)))
        .label(Label::Medium)
        .query("from", from)
        .query("to", to)
        .page(page_token)
}

/// The recordings of one instance; a meeting number means the latest.
#[must_use]
pub fn meeting_recordings(uuid_or_number: &str) -> ZoomCall {
    get("meeting_recordings", format!("/meetings/{}/recordings", number_or_uuid(uuid_or_number)))
}
