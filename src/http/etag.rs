//! Versions of resources: `ETag` out, `If-Match` in.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};

use super::error::ApiError;

/// The tag of a resource at this version; `shade` tells states apart that no caller's change made.
pub(super) fn tag(version: i64, shade: i64) -> (header::HeaderName, HeaderValue) {
    of_text(&if shade == 0 { version.to_string() } else { format!("{version}.{shade}") })
}

/// The tag of a resource whose version is not a number of ours.
pub(super) fn of_text(version: &str) -> (header::HeaderName, HeaderValue) {
    let text = format!("\"{version}\"");
    (header::ETAG, HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("\"0\"")))
}

/// What a write demands of the resource it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Precondition(Option<Vec<String>>);

impl Precondition {
    /// Reads `If-Match`.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let tags: Vec<String> = request
            .headers()
            .get_all(header::IF_MATCH)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|tag| tag.trim().to_owned())
            .collect();
        Self((!tags.is_empty()).then_some(tags))
    }

    /// As [`Precondition::check`], for a resource that need not be there: one that is not has no version, so that no
    /// tag and not even `*` fits it (RFC 9110 13.1.1).
    pub(super) fn check_found(&self, version: Option<i64>) -> Result<(), ApiError> {
        match version {
            Some(version) => self.check(version),
            None if self.0.is_none() => Ok(()),
            None => Err(ApiError::PreconditionFailed),
        }
    }

    /// Whether the resource at `version` is the one the caller read. What Zoom changed meanwhile (the tag's part
    /// after the dot) does not count: the caller's change does not depend on it.
    pub(super) fn check(&self, version: i64) -> Result<(), ApiError> {
        self.check_text(&version.to_string())
    }

    /// As [`Precondition::check`], for a version that is not a number of ours.
    pub(super) fn check_text(&self, version: &str) -> Result<(), ApiError> {
        let Some(tags) = &self.0 else { return Ok(()) };
        let holds = tags.iter().any(|tag| {
            tag == "*"
                || tag
                    .strip_prefix('"')
                    .and_then(|tag| tag.strip_suffix('"'))
                    .is_some_and(|tag| tag.split('.').next() == Some(version))
        });
        if holds { Ok(()) } else { Err(ApiError::PreconditionFailed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn holds(if_match: &str, version: i64) -> bool {
        let request = TestRequest::default().insert_header((header::IF_MATCH, if_match)).to_http_request();
        Precondition::of(&request).check(version).is_ok()
    }

    #[test]
    fn no_tag_fits_what_is_not_there() {
        let of = |request: TestRequest| Precondition::of(&request.to_http_request());
        assert!(of(TestRequest::default()).check_found(None).is_ok());
        for tag in ["*", "\"0\"", "\"1\""] {
            assert!(
                of(TestRequest::default().insert_header((header::IF_MATCH, tag))).check_found(None).is_err()
            );
        }
    }

    #[test]
    fn only_the_version_that_was_read_may_be_changed() {
        assert!(holds("\"3\"", 3));
        assert!(holds("\"3.9\"", 3));
        assert!(holds("\"1\", \"3\"", 3));
        assert!(holds("*", 3));
        assert!(!holds("\"2\"", 3));
        assert!(!holds("W/\"3\"", 3));
        assert!(!holds("3", 3));
    }
}
