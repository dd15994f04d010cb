//! Performs one call with one token. Knows nothing of limits, retries or lanes; those are
//! [`crate::actors::zoom_api`]'s.

use std::time::Instant;

use secrecy::{ExposeSecret, SecretString};

use super::call::ZoomCall;
use super::classify::judge;
use super::error::ZoomError;
use super::exchange;
use super::http::header::HeaderMap;
use super::http::{Client, Url};
use super::limits::QuotaNote;
use super::reply::ZoomReply;
use crate::clock::SharedClock;

/// Zoom's name for an exchange.
const TRACKING_ID: &str = "x-zm-trackingid";

/// The way to Zoom's API.
#[derive(Debug, Clone)]
pub struct ZoomClient {
    http: Client,
    api_url: String,
    clock: SharedClock,
}

/// What became of one call.
#[derive(Debug)]
pub struct Exchange {
    /// The answer, or why there is none.
    pub outcome: Result<ZoomReply, ZoomError>,
    /// What the answer said about the rate limit.
    pub quota: Option<QuotaNote>,
}

impl ZoomClient {
    /// A client for the API at `api_url` (`https://api.zoom.us/v2`); `http` brings the time limit.
    #[must_use]
    pub fn new(http: Client, api_url: &str, clock: SharedClock) -> Self {
        Self { http, api_url: api_url.trim_end_matches('/').to_owned(), clock }
    }

    /// Sends `call` once and sorts the answer.
    pub async fn perform(&self, call: &ZoomCall, token: &SecretString) -> Exchange {
        let Some(url) = self.url(call) else {
            let message = "an identifier that cannot be part of a path".to_owned();
            return Exchange {
                outcome: Err(ZoomError::Rejected { status: 400, code: None, message }),
                quota: None,
            };
        };
        let mut request = self.http.request(call.method.clone(), url);
        if !call.query.is_empty() {
            request = request.query(&call.query);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let started = Instant::now();
        let answer = exchange::send(request.bearer_auth(token.expose_secret())).await;
        match answer {
            Ok(answer) => {
                let tracking_id = text(&answer.headers, TRACKING_ID).map(str::to_owned);
                let judged = judge(answer.status, &answer.headers, &answer.body, self.clock.now());
                log(call, started, Some(answer.status), tracking_id.as_deref(), judged.as_ref().err());
                Exchange {
                    outcome: judged.map(|body| ZoomReply { status: answer.status, body, tracking_id }),
                    quota: quota_note(&answer.headers),
                }
            }
            Err(error) => {
                log(call, started, None, None, Some(&error));
                Exchange { outcome: Err(error), quota: None }
            }
        }
    }

    /// The call's address; none when a part of the path is `.` or `..`, which would lead to another operation.
    fn url(&self, call: &ZoomCall) -> Option<Url> {
        let url = Url::parse(&format!("{}{}", self.api_url, call.path)).ok()?;
        url.path().ends_with(&call.path).then_some(url)
    }
}

/// One line an exchange; never texts of Zoom's, which hold names and addresses.
fn log(
    call: &ZoomCall,
    started: Instant,
    status: Option<u16>,
    tracking_id: Option<&str>,
    error: Option<&ZoomError>,
) {
    tracing::debug!(
        call = call.name,
        class = error.map_or("ok", ZoomError::class),
        zoom.code = error.and_then(ZoomError::zoom_code),
        status,
        zoom.tracking_id = tracking_id,
        duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "zoom answered"
    );
}

/// What the headers say about the limit. Without the type the figures cannot be told apart.
fn quota_note(headers: &HeaderMap) -> Option<QuotaNote> {
    let number = |name| text(headers, name).and_then(|value| value.trim().parse().ok());
    let remaining = number("x-ratelimit-remaining")?;
    let limit = number("x-ratelimit-limit");
    match text(headers, "x-ratelimit-type")? {
        kind if kind.eq_ignore_ascii_case("qps") => Some(QuotaNote::Second { limit, remaining }),
        kind if kind.eq_ignore_ascii_case("daily-limit") => Some(QuotaNote::Day { remaining }),
        _ => None,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests;
