//! How things stand between the daemon and Zoom: what is known of it, whether Zoom answers now, and what it is
//! called with. For operators; never a secret, never Zoom's own words.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::Front;
use super::auth::Caller;
use super::error::ApiError;
use crate::actors::engine::ZoomHandle;
use crate::actors::zoom_api::{Lane, ZoomStatus};
use crate::domain::outage::{Cause, Outage};
use crate::store::zoom_connection::{self, ConnectionState};
use crate::zoom::limits::Quotas;
use crate::zoom::{ZoomError, call, scopes};

/// How long an answer about Zoom's health is good.
const HEALTH_KEPT: TimeDelta = TimeDelta::seconds(30);
/// Longer than this nobody waits for it, whatever a call may take.
const HEALTH_WAIT_MAX: Duration = Duration::from_secs(15);

/// The account's connection as the handlers need it.
#[derive(Debug)]
pub struct Account {
    /// What it is called with, without the secrets.
    pub facts: AccountFacts,
    /// The last look at Zoom's health; held while another is taken, so that many who ask cost one call.
    pub health: Mutex<Option<HealthView>>,
}

/// What of the configuration concerns Zoom and is no secret.
#[derive(Debug, Clone)]
pub struct AccountFacts {
    /// Whether there are credentials.
    pub configured: bool,
    /// The Zoom account of the app.
    pub account_id: Option<String>,
    /// Where Zoom's API is.
    pub api_url: String,
    /// Where Zoom's tokens come from.
    pub oauth_url: String,
    /// The plan, which decides the limits.
    pub plan: &'static str,
    /// The limits as they are kept.
    pub quotas: Quotas,
    /// Whether webhooks can be verified.
    pub webhook_secret: bool,
    /// Whether the Meeting SDK can be used.
    pub sdk: bool,
}

/// Whether Zoom can be called, and what waits to be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectionStatus {
    /// `working`, `not_configured`, `lost` (Zoom refuses the credentials), `unreachable`, or `unknown` as long as
    /// Zoom has not been asked.
    #[schema(example = "working")]
    state: &'static str,
    /// Since when.
    since: Option<DateTime<Utc>>,
    /// The class of the error that began it.
    reason: Option<&'static str>,
    /// The same in plain words.
    message: Option<String>,
    /// When it is tried again.
    next_try_at: Option<DateTime<Utc>>,
    /// Calls under way.
    in_flight: Option<usize>,
    /// Calls that wait, by lane, the most urgent first.
    waiting: Vec<Waiting>,
    /// What of the day's allowances is used up.
    parked: Vec<Parked>,
}

/// A lane.
#[derive(Debug, Serialize, ToSchema)]
struct Waiting {
    lane: &'static str,
    calls: usize,
}

/// A label whose day is used up.
#[derive(Debug, Serialize, ToSchema)]
struct Parked {
    label: &'static str,
    until: DateTime<Utc>,
}

/// Whether Zoom answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HealthView {
    /// Whether it did.
    healthy: bool,
    /// `ok`, `not_configured`, `lost` or `unreachable`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The class of the error, where there was one.
    reason: Option<&'static str>,
    /// The same in plain words.
    message: Option<String>,
    /// How long the answer took, with the wait for its turn.
    latency_ms: u64,
    /// When Zoom was asked; the answer is kept for 30 s.
    checked_at: DateTime<Utc>,
}

/// What Zoom is called with.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConfigView {
    configured: bool,
    account_id: Option<String>,
    api_url: String,
    oauth_url: String,
    plan: &'static str,
    /// Whether `zoom.webhook_secret_token` is set.
    webhook_secret_configured: bool,
    /// Whether the Meeting SDK's key and secret are set.
    sdk_configured: bool,
    limits: LimitsView,
    scopes: ScopesView,
}

/// The limits that are kept, the plan's or the configuration's.
#[derive(Debug, Serialize, ToSchema)]
struct LimitsView {
    light_per_second: u32,
    medium_per_second: u32,
    heavy_per_second: u32,
    resource_intensive_per_minute: u32,
    heavy_per_day: Option<u32>,
    host_per_day: u32,
    registrant_per_day: u32,
}

/// What the app at Zoom has to be allowed, and is.
#[derive(Debug, Serialize, ToSchema)]
struct ScopesView {
    wanted: Vec<ScopeView>,
    /// What the present token may do; null while there is none.
    granted: Option<Vec<String>>,
    /// What is wanted and not granted; null while there is no token.
    missing: Option<Vec<ScopeView>>,
}

/// A permission under both of Zoom's names.
#[derive(Debug, Serialize, ToSchema)]
struct ScopeView {
    #[schema(example = "meeting:write:meeting")]
    granular: &'static str,
    #[schema(example = "meeting:write:admin")]
    classic: &'static str,
    /// What cannot be done without it.
    purpose: &'static str,
}

/// Whether Zoom can be called, since when, and what waits. Only for admins; asks nothing of Zoom.
#[utoipa::path(get, path = "/api/zoom/connection-status", tag = "operations",
    operation_id = "connection_status", responses((status = 200, body = ConnectionStatus)))]
pub(super) async fn status(front: web::Data<Front>, caller: Caller) -> Result<HttpResponse, ApiError> {
    caller.must_be_admin()?;
    let row = front.store.read(zoom_connection::find).await?;
    let now = front.engine.zoom.status().await;
    let outage = front.engine.zoom.door().outage();
    let known = match (&outage, row) {
        (Some(outage), _) => ConnectionStatus::down(outage),
        (None, _) if !front.account.facts.configured => {
            ConnectionStatus::plain(Cause::NotConfigured.as_str(), None)
        }
        (None, Some(row)) if row.state == ConnectionState::Working => {
            ConnectionStatus::plain("working", Some(row.since.into()))
        }
        // Lost in an earlier life, and not asked since.
        (None, _) => ConnectionStatus::plain("unknown", None),
    };
    Ok(HttpResponse::Ok().json(known.with(now)))
}

/// Whether Zoom answers: really calls it, at most every 30 s. Only for admins.
#[utoipa::path(get, path = "/api/zoom/health", tag = "operations", operation_id = "zoom_health",
    responses((status = 200, body = HealthView)))]
pub(super) async fn health(front: web::Data<Front>, caller: Caller) -> Result<HttpResponse, ApiError> {
    caller.must_be_admin()?;
    let mut kept = front.account.health.lock().await;
    let now = front.clock.now();
    if let Some(view) = kept.as_ref().filter(|view| now - view.checked_at < HEALTH_KEPT) {
        return Ok(HttpResponse::Ok().json(view));
    }
    let view = ask(&front.engine.zoom, now).await;
    Ok(HttpResponse::Ok().json(kept.insert(view)))
}

/// What Zoom is called with and what the app there is allowed; no secrets. Only for admins.
#[utoipa::path(get, path = "/api/zoom/config", tag = "operations", operation_id = "zoom_config",
    responses((status = 200, body = ConfigView)))]
pub(super) async fn config(front: web::Data<Front>, caller: Caller) -> Result<HttpResponse, ApiError> {
    caller.must_be_admin()?;
    let granted = front.engine.zoom.status().await.and_then(|status| status.scopes);
    Ok(HttpResponse::Ok().json(ConfigView::of(&front.account.facts, granted)))
}

async fn ask(zoom: &ZoomHandle, now: DateTime<Utc>) -> HealthView {
    let began = std::time::Instant::now();
    let call = zoom.call(Lane::Interactive, call::get_user("me"));
    let outcome = tokio::time::timeout(HEALTH_WAIT_MAX, call).await;
    let error = match outcome {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error),
        Err(_) => Some(ZoomError::Unreachable { detail: "no answer in time".to_owned() }),
    };
    let reason = error.as_ref().map(ZoomError::class);
    let outage = zoom.door().outage();
    let status = match (&outage, &error) {
        (Some(outage), Some(_)) => outage.cause.as_str(),
        (None, Some(error)) if error.is_outage() => Cause::Unreachable.as_str(),
        (None, Some(ZoomError::TokenInvalid)) => Cause::Lost.as_str(),
        // Whatever Zoom says of this call, it says it.
        (_, _) => "ok",
    };
    HealthView {
        healthy: status == "ok",
        status,
        reason,
        message: outage.map(|outage| outage.in_words()),
        latency_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        checked_at: now,
    }
}

impl ConnectionStatus {
    fn plain(state: &'static str, since: Option<DateTime<Utc>>) -> Self {
        let (waiting, parked) = (Vec::new(), Vec::new());
        Self {
            state,
            since,
            reason: None,
            message: None,
            next_try_at: None,
            in_flight: None,
            waiting,
            parked,
        }
    }

    fn down(outage: &Outage) -> Self {
        Self {
            reason: Some(outage.class),
            message: Some(outage.in_words()),
            next_try_at: outage.next_try_at,
            ..Self::plain(outage.cause.as_str(), Some(outage.since))
        }
    }

    /// With what waits; nothing is known of that while the door's actor is being rebuilt.
    fn with(self, now: Option<ZoomStatus>) -> Self {
        let Some(now) = now else { return self };
        let waiting = now.waiting.into_iter();
        let parked = now.parked.into_iter();
        Self {
            in_flight: Some(now.in_flight),
            waiting: waiting.map(|(lane, calls)| Waiting { lane: lane.as_str(), calls }).collect(),
            parked: parked.map(|(label, until)| Parked { label: label.as_str(), until }).collect(),
            ..self
        }
    }
}

impl ConfigView {
    fn of(facts: &AccountFacts, granted: Option<Vec<String>>) -> Self {
        let (facts, quotas) = (facts.clone(), &facts.quotas);
        let missing = granted.as_deref().map(scopes::missing);
        let view = |scope: &scopes::Scope| ScopeView {
            granular: scope.granular,
            classic: scope.classic,
            purpose: scope.purpose,
        };
        Self {
            configured: facts.configured,
            account_id: facts.account_id,
            api_url: facts.api_url,
            oauth_url: facts.oauth_url,
            plan: facts.plan,
            webhook_secret_configured: facts.webhook_secret,
            sdk_configured: facts.sdk,
            limits: LimitsView {
                light_per_second: quotas.light,
                medium_per_second: quotas.medium,
                heavy_per_second: quotas.heavy,
                resource_intensive_per_minute: quotas.resource_intensive,
                heavy_per_day: quotas.heavy_daily,
                host_per_day: quotas.host_daily,
                registrant_per_day: quotas.registrant_daily,
            },
            scopes: ScopesView {
                wanted: scopes::WANTED.iter().map(view).collect(),
                missing: missing.map(|missing| missing.iter().map(view).collect()),
                granted,
            },
        }
    }
}
