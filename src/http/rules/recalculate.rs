//! Making the marks of past meetings anew by the newest version of their rules: only where somebody asks for it.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{newest, scored};
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::body::JsonBody;
use crate::http::error::ApiError;
use crate::store::pin::{self, Scored};

/// Meetings named in one request.
const MEETINGS_MAX: usize = 200;
/// Meetings whose scoring one request makes due.
const QUEUED_MAX: i64 = 500;
/// The longest id of a meeting.
const ID_LENGTH_MAX: usize = 64;

/// Which of the scored meetings that use these rules; all without anything.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body, which is read field by field so that every fault is named")]
pub(crate) struct RecalculateBody {
    /// Those that start at or after this time or day.
    from: Option<String>,
    /// Those that start before this time, or on or before this day.
    to: Option<String>,
    /// These meetings, by their ids or Zoom numbers, at most 200.
    meetings: Option<Vec<String>>,
}

/// What was set in motion.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecalculateAnswer {
    /// The version that marks will name.
    rules: String,
    /// Meetings that are being scored again.
    queued: usize,
    /// There are more than one request takes: ask again.
    more: bool,
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= ID_LENGTH_MAX && !text.chars().any(char::is_control)
}

/// Scores past meetings again by the newest version of their rules. Corrections by hand stay. The answer does not
/// wait for it; every booking's story tells what changed.
#[utoipa::path(post, path = "/api/attendance-rules/{name}/recalculate", tag = "attendance",
    operation_id = "recalculate_rules",
    params(("name" = String, Path, description = "`standard` for the rules of bookings that name none")),
    request_body = RecalculateBody, responses((status = 202, body = RecalculateAnswer)))]
pub(in crate::http) async fn recalculate(
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let mut fields = body.fields()?;
    let which = scored(&mut fields, path.into_inner(), front.default_timezone);
    let mut meetings = Vec::new();
    for (item, place) in fields.items(&["meetings"], MEETINGS_MAX).unwrap_or_default().into_iter().zip(0..) {
        match item {
            Value::String(id) if is_id(&id) => meetings.push(id),
            Value::Number(number) => meetings.push(number.to_string()),
            _ => fields.fault(&format!("meetings[{place}]"), "must be the id of a meeting"),
        }
    }
    fields.finish()?;
    let which = Scored { meetings, ..which };
    let (house, now) = (front.rules.clone(), front.clock.now().into());
    let answer = front
        .write(move |conn| {
            let rules = newest(conn, &which.rules, house)?.label();
            let which = Scored { not_by: Some(rules.clone()), ..which };
            let mut bookings = pin::list(conn, &which, QUEUED_MAX + 1)?;
            let limit = usize::try_from(QUEUED_MAX).unwrap_or(usize::MAX);
            let more = bookings.len() > limit;
            bookings.truncate(limit);
            pin::move_to(conn, &bookings, &rules, &caller.subject, now)?;
            Ok(RecalculateAnswer { rules, queued: bookings.len(), more })
        })
        .await?;
    Ok(HttpResponse::Accepted().json(answer))
}
