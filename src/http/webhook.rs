//! Zoom's webhooks: verify, store, then answer 200; nothing else happens in the request. Zoom waits three
//! seconds, tries again a few times, and then the event is lost, so everything signed is kept, understood or not.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use chrono::TimeDelta;
use serde::Serialize;

use super::body::in_time;
use super::error::ApiError;
use crate::actors::inbox::Inbox;
use crate::clock::{Instant, SharedClock};
use crate::store::inbox::{Heading, NewEvent};
use crate::zoom::envelope::{self, Envelope};
use crate::zoom::signature::{WebhookKey, timestamp_age};

const TIMESTAMP: HeaderName = HeaderName::from_static("x-zm-request-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("x-zm-signature");
/// Zoom's question whether this address is ours and knows the secret.
const URL_VALIDATION: &str = "endpoint.url_validation";

/// What the webhook's handler needs; `web::Data` of the routes.
#[derive(Debug)]
pub struct Intake {
    /// Where events are stored.
    pub inbox: Inbox,
    /// The time.
    pub clock: SharedClock,
    /// The key of `zoom.webhook_secret_token`; without it nothing is accepted.
    pub key: Option<WebhookKey>,
    /// How old a request may be (`webhook.max_age`): Zoom's own retries come up to 85 minutes late.
    pub max_age: Duration,
    /// How far ahead of our clock a request may be (`webhook.max_ahead`).
    pub max_ahead: Duration,
    /// The largest body that is read (`limits.body_bytes`).
    pub body_bytes: usize,
}

/// The routes, for an application that has [`Intake`] as data.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource(["/api/zoom/webhook", "/api/zoom/webhooks"]).route(web::post().to(receive_webhook)),
    );
}

/// An event from Zoom.
///
/// Signed by Zoom: HMAC-SHA256 over `v0:{timestamp}:{body}` with the app's secret token.
#[utoipa::path(post, path = "/api/zoom/webhook", tag = "webhooks", security(()),
    params(("x-zm-request-timestamp" = String, Header), ("x-zm-signature" = String, Header)),
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, description = "Stored, now or before; or the answer to `endpoint.url_validation`")))]
pub(super) async fn receive_webhook(
    request: HttpRequest,
    payload: web::Payload,
    intake: web::Data<Intake>,
) -> Result<HttpResponse, ApiError> {
    let key = intake.key.as_ref().ok_or(ApiError::ZoomNotConfigured("zoom.webhook_secret_token"))?;
    let now = intake.clock.now();
    // Before the body: for one that cannot be good, nothing is kept waiting.
    let signed = intake.signed(request.headers(), now).ok_or_else(rejected)?;
    let body = read_body(payload, intake.body_bytes).await?;
    if !key.verify(signed.timestamp, &body, signed.signature) {
        return Err(rejected());
    }
    let heading = match envelope::read(&body) {
        Ok(envelope) if envelope.event == URL_VALIDATION => return validate(key, &envelope),
        Ok(envelope) => Ok(Heading {
            event: envelope.event.into_owned(),
            event_ts: envelope.event_ts,
            zoom_meeting_id: envelope.meeting_number.map(Into::into),
            instance_uuid: envelope.instance_uuid.map(Into::into),
        }),
        Err(error) => Err(error.to_string()),
    };
    let event = NewEvent::new(body.into(), heading, now, signed.age.num_milliseconds());
    intake.inbox.store(event).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(r#"{"received": true}"#))
}

/// What a request says of its signature.
struct Signed<'a> {
    timestamp: &'a str,
    signature: &'a str,
    age: TimeDelta,
}

fn rejected() -> ApiError {
    metrics::counter!("convened_webhooks_rejected_total").increment(1);
    ApiError::BadSignature
}

impl Intake {
    /// What the headers say of a request that may be Zoom's and is neither too old nor too new; `None` for any other.
    fn signed<'a>(&self, headers: &'a HeaderMap, now: Instant) -> Option<Signed<'a>> {
        let timestamp = headers.get(TIMESTAMP)?.to_str().ok()?;
        let signature = headers.get(SIGNATURE)?.to_str().ok()?;
        let age = timestamp_age(timestamp, now)?;
        let longest = |limit| TimeDelta::from_std(limit).unwrap_or(TimeDelta::MAX);
        let is_timely = age <= longest(self.max_age) && age >= -longest(self.max_ahead);
        is_timely.then_some(Signed { timestamp, signature, age })
    }
}

/// The body as it came: the signature is over these bytes.
async fn read_body(payload: web::Payload, limit: usize) -> Result<Bytes, ApiError> {
    match in_time(payload.to_bytes_limited(limit)).await? {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) => Err(ApiError::MalformedJson(error.to_string())),
        Err(_) => Err(ApiError::PayloadTooLarge(limit)),
    }
}

/// The answer to `endpoint.url_validation`. It was asked with a good signature; a token that could be the text
/// of an event is refused all the same, because the answer would sign it.
fn validate(key: &WebhookKey, envelope: &Envelope<'_>) -> Result<HttpResponse, ApiError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer<'a> {
        plain_token: &'a str,
        encrypted_token: String,
    }
    let plain_token = envelope.plain_token.as_deref().ok_or(ApiError::BadSignature)?;
    let encrypted_token = key.encrypt_token(plain_token).ok_or(ApiError::BadSignature)?;
    Ok(HttpResponse::Ok().json(Answer { plain_token, encrypted_token }))
}
