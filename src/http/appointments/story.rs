//! What happened to a booking: `GET /api/appointments/{id}/story`.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::access::Action;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::validate::Fields;
use crate::http::{Front, sight};
use crate::store::story;

/// Lines that are shown, the newest; a booking with more has had a hard life, and its end matters most.
const LINES_MAX: i64 = 1000;

/// A line of a story.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoryLineView {
    /// When.
    pub at: DateTime<Utc>,
    /// What kind of thing happened, such as `booking.created`.
    pub kind: String,
    /// What happened, in words.
    pub text: String,
    /// The facts.
    #[schema(value_type = Option<Object>)]
    pub details: Option<Value>,
}

/// The story of a booking.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoryAnswer {
    /// Its lines, oldest first: the newest 1,000.
    pub story: Vec<StoryLineView>,
}

/// The timeline of a booking: requests, decisions, Zoom's part, events.
#[utoipa::path(get, path = "/api/appointments/{id}/story", tag = "appointments", operation_id = "get_story",
    params(("id" = String, Path, description = "Its id, or the caller's own ref")),
    responses((status = 200, body = StoryAnswer)))]
pub(in crate::http) async fn get(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Fields::from_query(request.query_string()).finish()?;
    let key = path.into_inner();
    let lines = front
        .read(move |conn| {
            let row = sight::appointment(conn, &caller, &key, Action::Change)?;
            Ok(story::of_appointment(conn, &row.id, LINES_MAX)?)
        })
        .await?;
    let mut story = Vec::with_capacity(lines.len());
    for line in lines {
        let details = line.details.map(|details| details.parse("story.details")).transpose()?;
        story.push(StoryLineView { at: line.at.into(), kind: line.kind, text: line.text, details });
    }
    Ok(HttpResponse::Ok().json(StoryAnswer { story }))
}
