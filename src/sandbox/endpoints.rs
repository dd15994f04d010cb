//! The table of the simulated endpoints: method and path, rate-limit label, scope, handler.

use super::account::Account;
use super::errors::ApiError;
use super::limits::Label;
use super::request::{ApiRequest, Outcome};
use super::{licences, meetings, past, recordings, registrants, reports, user_reads, users};

/// One endpoint.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// `POST /users/{userId}/meetings`
    pub(super) name: &'static str,
    pub(super) label: Label,
    /// The granular scope; account tokens need it with `:admin`.
    pub(super) scope: &'static str,
    pub(super) run: fn(&mut Account, &ApiRequest) -> Outcome,
    /// The endpoint's own "not found", for a false one.
    pub(super) missing: fn(&str) -> ApiError,
    /// Whether only one request at a time may work on the same user.
    pub(super) exclusive: bool,
}

type Run = fn(&mut Account, &ApiRequest) -> Outcome;

const fn meeting(name: &'static str, label: Label, scope: &'static str, run: Run) -> Endpoint {
    Endpoint { name, label, scope, run, missing: ApiError::no_meeting, exclusive: false }
}

const fn user(name: &'static str, label: Label, scope: &'static str, run: Run) -> Endpoint {
    Endpoint { name, label, scope, run, missing: ApiError::no_user, exclusive: false }
}

const fn report(name: &'static str, label: Label, scope: &'static str, run: Run) -> Endpoint {
    Endpoint { name, label, scope, run, missing: ApiError::no_report, exclusive: false }
}

const fn recording(name: &'static str, label: Label, scope: &'static str, run: Run) -> Endpoint {
    Endpoint { name, label, scope, run, missing: |_| ApiError::no_recording(), exclusive: false }
}

use Label::{Heavy, Light, Medium};

/// Fixed segments stand before placeholders: the first match wins.
#[rustfmt::skip]
pub(super) static ENDPOINTS: &[Endpoint] = &[
    user("GET /users", Medium, "user:read:list_users", user_reads::list),
    user("POST /users", Light, "user:write:user", users::create),
    user("GET /users/summary", Medium, "user:read:summary", user_reads::summary),
    user("GET /users/email", Light, "user:read:email", user_reads::check_email),
    user("POST /users/features", Medium, "user:write:feature", licences::set_features),
    user("GET /users/me/zak", Light, "user:read:zak", user_reads::own_zak),
    user("GET /users/{userId}", Light, "user:read:user", user_reads::get),
    user("PATCH /users/{userId}", Light, "user:update:user", users::patch),
    Endpoint { exclusive: true, ..user("DELETE /users/{userId}", Light, "user:delete:user", users::delete) },
    user("PUT /users/{userId}/email", Light, "user:update:email", users::set_email),
    user("PUT /users/{userId}/status", Light, "user:update:status", users::set_status),
    user("GET /users/{userId}/settings", Medium, "user:read:settings", user_reads::settings),
    user("PATCH /users/{userId}/settings", Medium, "user:update:settings", users::patch_settings),
    user("GET /users/{userId}/token", Light, "user:read:token", user_reads::token),
    user("POST /users/{userId}/meetings", Light, "meeting:write:meeting", meetings::create),
    user("GET /users/{userId}/meetings", Medium, "meeting:read:list_meetings", meetings::list),
    user("GET /users/{userId}/recordings", Medium, "cloud_recording:read:list_user_recordings", recordings::list),
    meeting("GET /meetings/{meetingId}", Light, "meeting:read:meeting", meetings::get),
    meeting("PATCH /meetings/{meetingId}", Light, "meeting:update:meeting", meetings::patch),
    meeting("DELETE /meetings/{meetingId}", Light, "meeting:delete:meeting", meetings::delete),
    meeting("PUT /meetings/{meetingId}/status", Light, "meeting:update:status", meetings::set_status),
    meeting("GET /meetings/{meetingId}/invitation", Light, "meeting:read:invitation", meetings::invitation),
    meeting("POST /meetings/{meetingId}/registrants", Light, "meeting:write:registrant", registrants::add),
    meeting("GET /meetings/{meetingId}/registrants", Medium, "meeting:read:list_registrants", registrants::list),
    meeting("POST /meetings/{meetingId}/batch_registrants", Heavy, "meeting:write:batch_registrants", registrants::add_batch),
    meeting("PUT /meetings/{meetingId}/registrants/status", Medium, "meeting:update:registrant_status", registrants::set_status),
    meeting("GET /meetings/{meetingId}/registrants/{registrantId}", Light, "meeting:read:registrant", registrants::get),
    meeting("DELETE /meetings/{meetingId}/registrants/{registrantId}", Light, "meeting:delete:registrant", registrants::delete),
    meeting("GET /past_meetings/{meetingId}", Light, "meeting:read:past_meeting", past::get),
    meeting("GET /past_meetings/{meetingId}/instances", Medium, "meeting:read:list_past_instances", past::instances),
    meeting("GET /past_meetings/{meetingId}/participants", Medium, "meeting:read:list_past_participants", past::participants),
    report("GET /report/meetings/{meetingId}", Heavy, "report:read:meeting", reports::meeting),
    report("GET /report/meetings/{meetingId}/participants", Heavy, "report:read:list_meeting_participants", reports::participants),
    recording("GET /meetings/{meetingId}/recordings", Light, "cloud_recording:read:list_recording_files", recordings::get),
    recording("DELETE /meetings/{meetingId}/recordings", Light, "cloud_recording:delete:meeting_recording", recordings::delete),
    recording("DELETE /meetings/{meetingId}/recordings/{recordingId}", Light, "cloud_recording:delete:recording_file", recordings::delete_file),
    recording("PUT /meetings/{meetingId}/recordings/status", Light, "cloud_recording:update:recover_meeting_recordings", recordings::recover),
];

/// The values of a path's placeholders, still encoded.
pub(super) type Params = Vec<(&'static str, String)>;

/// The endpoint of a request to `path` below `/v2`.
pub(super) fn find(method: &str, path: &str) -> Option<(&'static Endpoint, Params)> {
    ENDPOINTS.iter().find_map(|endpoint| {
        let (verb, pattern) = endpoint.name.split_once(' ')?;
        (verb == method).then_some(())?;
        Some((endpoint, params(pattern, path)?))
    })
}

fn params(pattern: &'static str, path: &str) -> Option<Params> {
    let mut found = Vec::new();
    let (mut expected, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (expected.next(), given.next()) {
            (None, None) => return Some(found),
            (Some(fixed), Some(segment)) if fixed == segment => {}
            (Some(placeholder), Some(segment)) if !segment.is_empty() => {
                let name = placeholder.strip_prefix('{')?.strip_suffix('}')?;
                found.push((name, segment.to_owned()));
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_segments_win_over_placeholders() {
        assert_eq!(find("GET", "/users/me/zak").unwrap().0.name, "GET /users/me/zak");
        assert_eq!(find("GET", "/users/summary").unwrap().0.name, "GET /users/summary");
        let (endpoint, params) = find("GET", "/users/a%40b.c").unwrap();
        assert_eq!((endpoint.name, params), ("GET /users/{userId}", vec![("userId", "a%40b.c".to_owned())]));
    }

    #[test]
    fn an_encoded_uuid_is_one_segment_and_a_bare_slash_is_another_path() {
        assert!(find("GET", "/past_meetings/%252Fa%253D%253D/participants").is_some());
        assert!(find("GET", "/past_meetings//a==/participants").is_none());
        assert!(find("PUT", "/users").is_none(), "a wrong method is an unknown endpoint");
    }
}
