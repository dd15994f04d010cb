//! The id of a request: taken over from `X-Request-Id`, or made.

use actix_web::HttpMessage;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderName, HeaderValue};

/// The header it comes and goes in.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids are replaced by one of ours: they would fill the logs.
const LENGTH_MAX: usize = 128;

/// The id of one request, kept with it.
#[derive(Debug, Clone)]
pub struct RequestId(String);

impl RequestId {
    /// Takes the caller's id where it is fit to be logged, else makes one, and keeps it with the request.
    pub(super) fn assign(request: &ServiceRequest) -> Self {
        let given = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
        let id = match given {
            Some(id) if is_fit(id) => Self(id.to_owned()),
            _ => Self(uuid::Uuid::new_v4().simple().to_string()),
        };
        request.extensions_mut().insert(id.clone());
        id
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as the value of a header; ids are checked on the way in, so this is never the empty value.
    pub(super) fn header_value(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

fn is_fit(id: &str) -> bool {
    !id.is_empty() && id.len() <= LENGTH_MAX && id.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn assigned(given: &str) -> String {
        let request = TestRequest::default().insert_header((HEADER, given)).to_srv_request();
        RequestId::assign(&request).as_str().to_owned()
    }

    #[test]
    fn a_fit_id_is_taken_over() {
        assert_eq!(assigned("order-4711/a"), "order-4711/a");
    }

    #[test]
    fn an_id_that_would_spoil_the_log_is_replaced() {
        for unfit in ["", "two words", &"x".repeat(LENGTH_MAX + 1)] {
            assert_eq!(assigned(unfit).len(), 32);
        }
    }
}
