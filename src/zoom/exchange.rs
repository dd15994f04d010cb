//! One HTTP request and its whole answer, or what became of it.

use std::error::Error as _;

use super::error::{Doubt, ZoomError};
use super::http::header::HeaderMap;
use super::http::{Error, RequestBuilder, Response};

/// The longest answer read; the largest honest one, a page of 2,000 users, is near 1 MiB.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// An answer, not yet understood.
pub(super) struct RawAnswer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Sends a request and reads its answer to the end.
pub(super) async fn send(request: RequestBuilder) -> Result<RawAnswer, ZoomError> {
    let mut response = request.send().await.map_err(|fault| transport_error(&fault))?;
    let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
    let body = read(response).await?;
    Ok(RawAnswer { status, headers, body })
}

async fn read(mut response: Response) -> Result<Vec<u8>, ZoomError> {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|fault| transport_error(&fault))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(ZoomError::Unknown { doubt: Doubt::TooLarge, status: Some(status) });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Sorts a failure by the one question that matters: had the request left?
fn transport_error(fault: &Error) -> ZoomError {
    // A connection that did not come about, even by running out of time, carried nothing.
    if fault.is_connect() || fault.is_builder() {
        return ZoomError::Unreachable { detail: root_cause(fault) };
    }
    let doubt = if fault.is_timeout() { Doubt::Timeout } else { Doubt::ConnectionLost };
    ZoomError::Unknown { doubt, status: fault.status().map(|status| status.as_u16()) }
}

/// The innermost cause; the outer ones repeat the URL, which may hold an e-mail address.
fn root_cause(fault: &Error) -> String {
    let mut cause = fault.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| "the request could not be made".to_owned(), ToString::to_string)
}
