//! What only operators do: `/api/admin`.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::Front;
use super::auth::Caller;
use super::body::JsonBody;
use super::error::ApiError;
use crate::actors::janitor::{self, Counts};

/// A cleanup that is wanted.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "the description of what the handler reads field by field")]
pub(super) struct CleanupBody {
    /// Only count.
    dry_run: Option<bool>,
}

/// What was put away.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CleanupAnswer {
    /// Whether it was only counted.
    dry_run: bool,
    counts: Counts,
}

/// Puts away now what is older than the configuration allows; every night does it anyway. Only for admins.
#[utoipa::path(post, path = "/api/admin/cleanup", tag = "operations", operation_id = "cleanup",
    request_body = CleanupBody, responses((status = 200, body = CleanupAnswer)))]
pub(super) async fn cleanup(
    front: web::Data<Front>,
    caller: Caller,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    caller.must_be_admin()?;
    let mut fields = body.fields()?;
    let dry_run = fields.flag(&["dry_run"]).unwrap_or(false);
    fields.finish()?;
    let (periods, now) = (front.janitor.periods(), front.clock.now());
    let counts = match dry_run {
        true => janitor::count(&front.store, periods, now).await?,
        false => janitor::clean(&front.store, periods, now).await?,
    };
    Ok(HttpResponse::Ok().json(CleanupAnswer { dry_run, counts }))
}
