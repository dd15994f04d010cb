//! The body of a request: its type checked, its size bounded, its fields ready to be read.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use sha2::{Digest, Sha256};

use super::Front;
use super::error::ApiError;
use super::validate::{Fields, unreadable};

/// How long a body may take to come, by the real clock: while it does, its request is one of the few in flight.
const BODY_WAIT_MAX: Duration = Duration::from_secs(10);

/// What comes of reading a body, if that is soon enough.
pub(super) async fn in_time<T>(reading: impl Future<Output = T>) -> Result<T, ApiError> {
    tokio::time::timeout(BODY_WAIT_MAX, reading).await.map_err(|_| ApiError::RequestTimeout)
}

/// The bytes of a JSON body.
#[derive(Debug)]
pub(super) struct JsonBody {
    bytes: web::Bytes,
    lines: bool,
}

impl JsonBody {
    /// The fields of the object in it; none when it is empty.
    pub(super) fn fields(&self) -> Result<Fields, ApiError> {
        if self.lines {
            return Err(ApiError::UnsupportedMediaType("application/json"));
        }
        Fields::from_json(&self.bytes)
    }

    /// The bytes as they came.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether each line is an object of its own.
    pub(super) fn is_lines(&self) -> bool {
        self.lines
    }

    /// The digest of the request: the same for its repetition.
    pub(super) fn fingerprint(&self, request: &HttpRequest) -> String {
        let mut digest = Sha256::new();
        digest.update(request.method().as_str());
        digest.update([0]);
        digest.update(request.path());
        digest.update([0]);
        digest.update(&self.bytes);
        hex::encode(digest.finalize())
    }
}

impl FromRequest for JsonBody {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = kind_of(request);
        let limit = request.app_data::<web::Data<Front>>().map_or(0, |front| front.body_bytes);
        let bytes = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            let bytes = in_time(bytes).await?.map_err(|error| unreadable(&error, limit))?;
            match kind {
                Kind::Other if !bytes.is_empty() => Err(ApiError::UnsupportedMediaType("application/json")),
                kind => Ok(Self { bytes, lines: kind == Kind::Lines }),
            }
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Lines,
    Other,
}

/// What the body says it is; one that says nothing is taken as JSON.
fn kind_of(request: &HttpRequest) -> Kind {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else { return Kind::Json };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    match essence.trim().to_ascii_lowercase().as_str() {
        "application/json" => Kind::Json,
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Kind::Lines,
        other if other.starts_with("application/") && other.ends_with("+json") => Kind::Json,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_not_waited_for() {
        assert!(matches!(in_time(std::future::pending::<()>()).await, Err(ApiError::RequestTimeout)));
        assert!(matches!(in_time(std::future::ready(7)).await, Ok(7)));
    }
}
