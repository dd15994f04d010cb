//! The error table: the only file that knows status codes.
//!
//! A handler returns an [`ApiError`]; [`super::envelope`] adds the time and the request's id and writes the body.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::booking_error::Clash;
use crate::store::{Conflict, Retry, StoreError};

/// One field of a request that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldFault {
    /// The field, with its path where it is nested: `attendees[2].email`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl FieldFault {
    /// A fault of `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Everything a caller can be told went wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// Fields are missing, unknown or wrong; all of them are listed.
    #[error("{}", validation_message(.0))]
    Validation(Vec<FieldFault>),
    /// The body is not JSON.
    #[error("the body is not valid JSON: {0}")]
    MalformedJson(String),
    /// No token, or one that is not accepted.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// A webhook whose signature does not fit.
    #[error("the signature does not fit the body")]
    BadSignature,
    /// The caller sees the thing but may not do this with it.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The caller's e-mail is outside `auth.allowed_email_domain`.
    #[error("only addresses of {0} may register or join")]
    EmailDomainNotAllowed(String),
    /// No such thing, or none that this caller may see.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The path exists, the method on it does not.
    #[error("this method is not allowed here")]
    MethodNotAllowed,
    /// The body is larger than `limits.body_bytes`.
    #[error("the body is larger than {0} bytes")]
    PayloadTooLarge(usize),
    /// The body did not come in time.
    #[error("the body did not come in time")]
    RequestTimeout,
    /// The body is of a type not taken here.
    #[error("the body must be {0}")]
    UnsupportedMediaType(&'static str),
    /// The host is taken at that time.
    #[error("{}", super::booking_error::taken(host, clashes))]
    HostConflict {
        /// The name of who is taken.
        host: String,
        /// The bookings in the way.
        clashes: Vec<Clash>,
        /// The next starts at which the host is free.
        next_free: Vec<DateTime<Utc>>,
    },
    /// The host is taken at some occurrences of a series.
    #[error("the host is taken at {} of the occurrences: {}", .0.len(), .0.first().map_or_else(String::new, |(_, error)| error.to_string()))]
    OccurrencesTaken(Vec<(DateTime<Utc>, ApiError)>),
    /// The thing is not in a state from which this can be done.
    #[error("a {what} that is {from} cannot be {to}")]
    InvalidTransition {
        /// What kind of thing.
        what: &'static str,
        /// The state it is in.
        from: String,
        /// The state that was asked for.
        to: &'static str,
    },
    /// The caller's own id is taken.
    #[error("{0}")]
    AlreadyExists(String),
    /// The link's time is over.
    #[error("the meeting is over and its link has expired")]
    LinkExpired,
    /// The meeting was cancelled.
    #[error("the meeting was cancelled")]
    Cancelled,
    /// `If-Match` names another version.
    #[error("the resource has changed since: read it again")]
    PreconditionFailed,
    /// The idempotency key was used with another request.
    #[error("this Idempotency-Key was used with another request")]
    IdempotencyMismatch,
    /// The caller asks more often than `limits.requests_per_second`.
    #[error("too many requests")]
    RateLimited(Duration),
    /// Zoom refused.
    #[error("Zoom refused the request")]
    ZoomApi {
        /// Zoom's own code.
        code: i64,
        /// Zoom's own words.
        message: String,
    },
    /// No Zoom credentials, or no webhook secret, in the configuration.
    #[error("{0} is not configured")]
    ZoomNotConfigured(&'static str),
    /// Zoom cannot be reached at present.
    #[error("Zoom cannot be reached at present")]
    ZoomUnavailable(Duration),
    /// Zoom did not answer in time.
    #[error("Zoom did not answer in time")]
    ZoomTimeout,
    /// More requests are in flight than the daemon takes.
    #[error("the daemon is at its limit: try again")]
    Overloaded(Duration),
    /// The database cannot be reached, or the daemon is stopping.
    #[error("the daemon cannot serve this at present")]
    Unavailable(Duration),
    /// What `/readyz` found.
    #[error("the daemon is not ready")]
    NotReady(Vec<String>),
    /// Our own fault; the cause is in the log, under the request's id.
    #[error("something went wrong inside")]
    Internal,
}

impl ApiError {
    /// One field that is not as it should be.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Validation(vec![FieldFault::new(field, message)])
    }

    /// Logs `cause` and keeps it from the caller.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed inside");
        Self::Internal
    }

    /// The error for an answer that a layer below gave without one of ours.
    pub(super) fn for_status(status: StatusCode, body_limit: usize) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound("path"),
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PayloadTooLarge(body_limit),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType("application/json"),
            other if other.is_client_error() => Self::field("request", "cannot be read"),
            _ => Self::Internal,
        }
    }

    /// The table: error → status and code.
    #[must_use]
    pub fn row(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Validation(_) => (StatusCode::BAD_REQUEST, "VALIDATION_FAILED"),
            Self::MalformedJson(_) => (StatusCode::BAD_REQUEST, "MALFORMED_JSON"),
            Self::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
            Self::BadSignature => (StatusCode::UNAUTHORIZED, "BAD_SIGNATURE"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "FORBIDDEN"),
            Self::EmailDomainNotAllowed(_) => (StatusCode::FORBIDDEN, "EMAIL_DOMAIN_NOT_ALLOWED"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            Self::PayloadTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE"),
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT"),
            Self::UnsupportedMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE"),
            Self::HostConflict { .. } | Self::OccurrencesTaken(_) => (StatusCode::CONFLICT, "HOST_CONFLICT"),
            Self::InvalidTransition { .. } => (StatusCode::CONFLICT, "INVALID_TRANSITION"),
            Self::AlreadyExists(_) => (StatusCode::CONFLICT, "ALREADY_EXISTS"),
            Self::LinkExpired => (StatusCode::GONE, "LINK_EXPIRED"),
            Self::Cancelled => (StatusCode::GONE, "CANCELLED"),
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED"),
            Self::IdempotencyMismatch => (StatusCode::UNPROCESSABLE_ENTITY, "IDEMPOTENCY_MISMATCH"),
            Self::RateLimited(_) => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"),
            Self::ZoomApi { .. } => (StatusCode::BAD_GATEWAY, "ZOOM_API_ERROR"),
            Self::ZoomNotConfigured(_) => (StatusCode::SERVICE_UNAVAILABLE, "ZOOM_NOT_CONFIGURED"),
            Self::ZoomUnavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "ZOOM_UNAVAILABLE"),
            Self::ZoomTimeout => (StatusCode::GATEWAY_TIMEOUT, "ZOOM_TIMEOUT"),
            Self::Overloaded(_) => (StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
            Self::NotReady(_) => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"),
        }
    }

    /// What the body says beside code and message.
    fn details(&self) -> Value {
        match self {
            Self::Validation(fields) => json!({ "fields": fields }),
            Self::HostConflict { clashes, next_free, .. } => {
                json!({ "conflicts": clashes, "next_free": next_free })
            }
            Self::OccurrencesTaken(taken) => {
                let taken: Vec<Value> = taken.iter().map(|(at, error)| error.occurrence(*at)).collect();
                json!({ "occurrences": taken })
            }
            Self::InvalidTransition { from, to, .. } => json!({ "from": from, "to": to }),
            Self::ZoomApi { code, message } => json!({ "zoom_code": code, "zoom_message": message }),
            Self::NotReady(faults) => json!({ "faults": faults }),
            _ => json!({}),
        }
    }

    /// The details of a conflict at one occurrence of a series.
    fn occurrence(&self, at: DateTime<Utc>) -> Value {
        let mut details = self.details();
        if let Some(details) = details.as_object_mut() {
            details.insert("start_time".to_owned(), json!(at));
        }
        details
    }

    /// The error of one item among many.
    pub(super) fn summary(&self) -> ErrorSummary {
        ErrorSummary { code: self.row().1, message: self.to_string(), details: self.details() }
    }

    /// When to ask again; every 429 and 503 says so.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited(wait)
            | Self::ZoomUnavailable(wait)
            | Self::Overloaded(wait)
            | Self::Unavailable(wait) => Some(*wait),
            Self::ZoomNotConfigured(_) => Some(NOT_CONFIGURED_RETRY),
            Self::NotReady(_) => Some(UNAVAILABLE_RETRY),
            _ => None,
        }
    }

    /// The whole answer.
    pub(super) fn answer(&self, request_id: &str, at: DateTime<Utc>) -> HttpResponse {
        let (status, code) = self.row();
        let mut answer = HttpResponse::build(status);
        if let Some(wait) = self.retry_after() {
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            answer.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if status == StatusCode::UNAUTHORIZED && !matches!(self, Self::BadSignature) {
            answer.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        if status == StatusCode::REQUEST_TIMEOUT {
            // What is still to come of the body is not the next request.
            answer.force_close();
        }
        answer.json(ErrorBody {
            error: ErrorContent {
                code,
                message: self.to_string(),
                details: self.details(),
                timestamp: at,
                request_id: request_id.to_owned(),
            },
        })
    }
}

/// Configuration changes with a restart, not by itself.
const NOT_CONFIGURED_RETRY: Duration = Duration::from_secs(300);

/// The body of every answer with a status of 400 and above.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorContent,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorContent {
    /// A code of the error table, for programs.
    #[schema(example = "HOST_CONFLICT")]
    pub code: &'static str,
    /// A sentence, for people.
    pub message: String,
    /// More, by code: `fields`, `conflicts` and `next_free` (for a series in each of
    /// `occurrences`), `zoom_code` and `zoom_message`.
    #[schema(value_type = Object)]
    pub details: Value,
    /// When it happened.
    pub timestamp: DateTime<Utc>,
    /// The request's id, also in the header `X-Request-Id` and in the log.
    pub request_id: String,
}

/// The error of one item among many.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorSummary {
    /// A code of the error table.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
    /// More, by code.
    #[schema(value_type = Object)]
    pub details: Value,
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.row().0
    }

    /// Without a body: [`super::envelope`] writes it, because it knows the request.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

fn validation_message(faults: &[FieldFault]) -> String {
    match faults {
        [one] => format!("{}: {}", one.field, one.message),
        _ => format!("{} fields are not as they should be", faults.len()),
    }
}

/// How long to wait when the database is out of reach.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(5);

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match (&error, error.retry()) {
            (StoreError::Busy | StoreError::Overloaded, Retry::After(wait)) => Self::Overloaded(wait),
            (StoreError::Unavailable { .. } | StoreError::Closed, _) => {
                tracing::error!(%error, "the store does not answer");
                Self::Unavailable(UNAVAILABLE_RETRY)
            }
            (StoreError::Conflict(Conflict::Stale), _) => Self::PreconditionFailed,
            (StoreError::Conflict(Conflict::Unique), _) => {
                Self::AlreadyExists("the same exists already".to_owned())
            }
            _ => Self::internal(&error),
        }
    }
}
