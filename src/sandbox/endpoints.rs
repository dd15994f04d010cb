//! The table of the simulated endpoints: method and path, rate-limit label, scope, handler.

use super::account::Account;
use super::errors::ApiError;
use super::limits::Label;
use super::request::{ApiRequest, Outcome};

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
