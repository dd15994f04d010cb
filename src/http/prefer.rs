//! `Prefer: wait=N` (RFC 7240): how long a write may wait for Zoom.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The header that says what was made of it.
pub(super) const APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// Nobody waits longer.
const WAIT_MAX_SECS: u64 = 30;

/// How long a write waits for Zoom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    /// For so long.
    pub(super) span: Duration,
    /// Because the caller said so.
    pub(super) asked: bool,
}

impl Wait {
    /// What the request prefers, else `default_secs`. What cannot be understood is no preference.
    pub(super) fn of(request: &HttpRequest, default_secs: u64) -> Self {
        let preferred = request
            .headers()
            .get_all(PREFER)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .find_map(wait_secs);
        let secs = preferred.unwrap_or(default_secs).min(WAIT_MAX_SECS);
        Self { span: Duration::from_secs(secs), asked: preferred.is_some() }
    }
}

fn wait_secs(preference: &str) -> Option<u64> {
    let token = preference.split(';').next()?;
    let (name, value) = token.split_once('=')?;
    let value = value.trim().trim_matches('"');
    name.trim().eq_ignore_ascii_case("wait").then(|| value.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn the_preference_is_found_among_others_and_bounded() {
        for (value, secs) in [
            ("wait=5", 5),
            ("respond-async, Wait = \"7\"; x", 7),
            ("wait=600", WAIT_MAX_SECS),
            ("wait=soon", 10),
            ("return=minimal", 10),
        ] {
            let request = TestRequest::default().insert_header((PREFER, value)).to_http_request();
            assert_eq!(Wait::of(&request, 10).span, Duration::from_secs(secs), "{value}");
        }
    }
}
