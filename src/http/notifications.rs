//! Messages to other systems, for the operator: who is told, what did not arrive, and having it sent again.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Front;
use super::auth::Caller;
use super::error::ApiError;
use super::paging::Page;
use super::validate::Fields;
use crate::store::notification::{self, NotificationRow, NotificationState};
use crate::store::{StoreError, UtcMillis};

/// Messages are counted up to this.
const COUNTED_MAX: usize = 10_000;
const NO_LETTER: ApiError = ApiError::NotFound("dead letter");
const NO_ENDPOINT: ApiError = ApiError::NotFound("endpoint");

/// Who is told.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Endpoints {
    endpoints: Vec<EndpointView>,
}

/// A system that is told what happens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationEndpoint)]
struct EndpointView {
    id: String,
    /// Its URL, without what may be secret in it.
    address: String,
    /// Which events it wants; all of them when empty.
    events: Vec<String>,
    /// Messages that are on their way or wait for another attempt; at most 10,000 are counted.
    pending: usize,
    /// Messages that were given up; at most 10,000 are counted.
    dead: usize,
    /// Since when nothing is sent there any more; null while it is open.
    disabled_at: Option<DateTime<Utc>>,
    /// Why.
    disabled_reason: Option<String>,
}

/// An endpoint that is open again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Enabled {
    id: String,
    #[schema(example = "enabled")]
    state: &'static str,
}

/// A page of messages that did not arrive, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UndeliveredLetters {
    dead_letters: Vec<UndeliveredView>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// A message that did not arrive.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UndeliveredLetter)]
struct UndeliveredView {
    /// Its `webhook-id`.
    id: String,
    endpoint: String,
    event: String,
    payload: Value,
    attempts: i64,
    last_error: Option<String>,
    created_at: DateTime<Utc>,
}

/// A message that is sent again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Resent {
    id: String,
    #[schema(example = "pending")]
    state: &'static str,
}

/// The systems that are told what happens. Only for admins.
#[utoipa::path(get, path = "/api/notifications/endpoints", tag = "notifications",
    operation_id = "list_notification_endpoints", responses((status = 200, body = Endpoints)))]
pub(super) async fn endpoints(front: web::Data<Front>, caller: Caller) -> Result<HttpResponse, ApiError> {
    caller.must_be_admin()?;
    let mut views: Vec<EndpointView> = front
        .notifier
        .targets()
        .iter()
        .map(|target| EndpointView {
            id: target.id.clone(),
            address: target.address.clone(),
            events: target.events.clone(),
            pending: 0,
            dead: 0,
            disabled_at: None,
            disabled_reason: None,
        })
        .collect();
    let endpoints = front
        .store
        .read(move |conn| {
            let disabled = notification::disabled(conn)?;
            for view in &mut views {
                let mut count = |state| notification::count(conn, &view.id, state, COUNTED_MAX as i64);
                view.pending = count(NotificationState::Pending)?;
                view.dead = count(NotificationState::Dead)?;
                if let Some(row) = disabled.iter().find(|row| row.endpoint == view.id) {
                    view.disabled_at = Some(row.disabled_at.into());
                    view.disabled_reason = Some(row.reason.clone());
                }
            }
            Ok(views)
        })
        .await?;
    Ok(HttpResponse::Ok().json(Endpoints { endpoints }))
}

/// Opens an endpoint again that said it was gone. Only for admins.
///
/// What happened meanwhile is not sent; what was given up can be replayed.
#[utoipa::path(post, path = "/api/notifications/endpoints/{id}/enable", tag = "notifications",
    operation_id = "enable_notification_endpoint", params(("id" = String, Path)),
    responses((status = 200, body = Enabled)))]
pub(super) async fn enable(
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller.must_be_admin()?;
    let id = id.into_inner();
    if front.notifier.targets().iter().all(|target| target.id != id) {
        return Err(NO_ENDPOINT);
    }
    let endpoint = id.clone();
    front.store.write(move |conn| notification::enable(conn, &endpoint)).await?;
    front.notifier.deliver();
    Ok(HttpResponse::Ok().json(Enabled { id, state: "enabled" }))
}

/// Messages that did not arrive. Only for admins.
#[utoipa::path(get, path = "/api/notifications/dead-letters", tag = "notifications",
    operation_id = "list_undelivered_notifications",
    params(("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = UndeliveredLetters)))]
pub(super) async fn dead_letters(
    front: web::Data<Front>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    caller.must_be_admin()?;
    let mut fields = Fields::from_query(request.query_string());
    let page = Page::read(&mut fields);
    fields.finish()?;
    let (before, rows) = (page.after(), page.rows());
    let mut letters =
        front.store.read(move |conn| notification::dead_letters(conn, before.as_deref(), rows)).await?;
    let next_cursor = page.cut(&mut letters, |letter| letter.id.clone());
    let dead_letters = letters.into_iter().map(view).collect::<Result<_, _>>()?;
    Ok(HttpResponse::Ok().json(UndeliveredLetters { dead_letters, next_cursor }))
}

/// Sends a message again that did not arrive, as if it were new. Only for admins.
#[utoipa::path(post, path = "/api/notifications/dead-letters/{id}/replay", tag = "notifications",
    operation_id = "replay_undelivered_notification", params(("id" = String, Path)),
    responses((status = 202, body = Resent, description = "It is pending again, under the id it had")))]
pub(super) async fn replay(
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller.must_be_admin()?;
    let id = id.into_inner();
    let (letter, now) = (id.clone(), UtcMillis::from(front.clock.now()));
    front.store.write(move |conn| notification::replay(conn, &letter, now)).await.map_err(
        |error| match error {
            StoreError::NotFound => NO_LETTER,
            other => other.into(),
        },
    )?;
    front.notifier.deliver();
    Ok(HttpResponse::Accepted().json(Resent { id, state: "pending" }))
}

fn view(row: NotificationRow) -> Result<UndeliveredView, StoreError> {
    Ok(UndeliveredView {
        payload: row.payload.parse("notifications.payload")?,
        id: row.id,
        endpoint: row.endpoint,
        event: row.event,
        attempts: row.attempts,
        last_error: row.last_error,
        created_at: row.created_at.into(),
    })
}
