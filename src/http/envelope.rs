//! The outermost layer: gives every request an id and every failure the same body, whichever layer it comes from.

use std::panic::AssertUnwindSafe;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, ResponseError, web};
use futures::FutureExt;

use super::Front;
use super::error::ApiError;
use super::request_id::{self, RequestId};
use crate::clock::Instant;

/// Wraps every request: id in, id out, panics caught, failures written out.
pub(super) async fn envelope(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = RequestId::assign(&request);
    let Some(front) = request.app_data::<web::Data<Front>>().cloned() else {
        return Err(ApiError::Internal.into());
    };
    if request.path().contains("%00") {
        // No id has a NUL in it, and PostgreSQL cannot even be asked for one.
        return Err(Failure { error: ApiError::NotFound("path"), id, at: front.clock.now() }.into());
    }
    // No clone of the request may live here: the router needs it for itself.
    let outcome = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let failed = |error| Failure { error, id: id.clone(), at: front.clock.now() };
    let mut response = match outcome {
        Ok(Ok(response)) if is_failure(&response) => {
            let (request, inner) = response.into_parts();
            let failure = failed(known_or_for_status(inner.error(), inner.status(), front.body_bytes));
            let mut answer = failure.error_response();
            if let Some(allow) = inner.headers().get(actix_web::http::header::ALLOW) {
                answer.headers_mut().insert(actix_web::http::header::ALLOW, allow.clone());
            }
            ServiceResponse::new(request, answer)
        }
        Ok(Ok(response)) => response.map_into_boxed_body(),
        Ok(Err(error)) => {
            let status = error.as_response_error().status_code();
            return Err(failed(known_or_for_status(Some(&error), status, front.body_bytes)).into());
        }
        // The panic hook has logged it.
        Err(_panic) => return Err(failed(ApiError::Internal).into()),
    };
    response.headers_mut().insert(request_id::HEADER, id.header_value());
    Ok(response)
}

fn is_failure<B>(response: &ServiceResponse<B>) -> bool {
    response.status().is_client_error() || response.status().is_server_error()
}

fn known_or_for_status(
    error: Option<&Error>,
    status: actix_web::http::StatusCode,
    body_limit: usize,
) -> ApiError {
    error
        .and_then(|error| error.as_error::<ApiError>())
        .map_or_else(|| ApiError::for_status(status, body_limit), ApiError::clone)
}

/// An error together with what its body must say about the request.
#[derive(Debug)]
struct Failure {
    error: ApiError,
    id: RequestId,
    at: Instant,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(formatter)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> actix_web::http::StatusCode {
        self.error.row().0
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = self.error.answer(self.id.as_str(), self.at);
        answer.headers_mut().insert(request_id::HEADER, self.id.header_value());
        answer
    }
}
