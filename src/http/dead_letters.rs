//! Webhooks that nobody could apply: an operator looks at them and has them tried again.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Front;
use super::auth::Caller;
use super::error::ApiError;
use super::paging::Page;
use super::validate::Fields;
use super::webhook::Intake;
use crate::store::StoreError;
use crate::store::inbox::{self, DeadLetter};

/// A page of dead letters, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeadLetters {
    dead_letters: Vec<DeadLetterView>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// A webhook that nobody could apply.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
struct DeadLetterView {
    id: String,
    /// Its name; empty when not even that was understood.
    event: String,
    zoom_meeting_id: Option<String>,
    /// As it came, without a registrant's personal link.
    body: String,
    received_at: DateTime<Utc>,
    attempts: i64,
    last_error: Option<String>,
}

/// A webhook that is tried again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Replayed {
    id: String,
    #[schema(example = "pending")]
    state: &'static str,
}

/// Webhooks that nobody could apply. Only for admins.
#[utoipa::path(get, path = "/api/zoom/webhooks/dead-letters", tag = "webhooks",
    operation_id = "list_dead_letters",
    params(("limit" = Option<i64>, Query), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = DeadLetters)))]
pub(super) async fn list(
    front: web::Data<Front>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    caller.must_be_admin()?;
    let mut fields = Fields::from_query(request.query_string());
    let page = Page::read(&mut fields);
    let before = page.after().map(|after| after.parse());
    if let Some(Err(_)) = before {
        fields.fault("cursor", "is not one that this list gave");
    }
    fields.finish()?;
    let (before, rows) = (before.and_then(Result::ok), page.rows());
    let mut letters = front.store.read(move |conn| inbox::dead_letters(conn, before, rows)).await?;
    let next_cursor = page.cut(&mut letters, |letter| letter.id.to_string());
    let dead_letters = letters.into_iter().map(DeadLetterView::from).collect();
    Ok(HttpResponse::Ok().json(DeadLetters { dead_letters, next_cursor }))
}

/// Tries a webhook again. Only for admins.
#[utoipa::path(post, path = "/api/zoom/webhooks/dead-letters/{id}/replay", tag = "webhooks",
    operation_id = "replay_dead_letter", params(("id" = String, Path)),
    responses((status = 202, body = Replayed, description = "It is pending again, as if it had just come")))]
pub(super) async fn replay(
    intake: web::Data<Intake>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller.must_be_admin()?;
    let id = id.into_inner();
    let number = id.parse().map_err(|_| UNKNOWN)?;
    intake.inbox.replay(number).await.map_err(|error| match error {
        StoreError::NotFound => UNKNOWN,
        other => other.into(),
    })?;
    Ok(HttpResponse::Accepted().json(Replayed { id, state: "pending" }))
}

const UNKNOWN: ApiError = ApiError::NotFound("dead letter");

impl From<DeadLetter> for DeadLetterView {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id.to_string(),
            event: letter.event,
            zoom_meeting_id: letter.zoom_meeting_id,
            body: letter.body,
            received_at: letter.received_at.into(),
            attempts: letter.attempts,
            last_error: letter.last_error,
        }
    }
}
