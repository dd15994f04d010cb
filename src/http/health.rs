//! Whether the process lives, and whether it can do its work.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::Front;
use super::error::{ApiError, ErrorBody};

/// The process answers: that is all this says.
#[utoipa::path(get, path = "/healthz", tag = "operations", operation_id = "process_health", security(()),
    responses((status = 200, description = "It does")))]
pub(super) async fn process() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// The database answers, migrated, and so do the actors; Zoom is no part of it.
#[utoipa::path(get, path = "/readyz", tag = "operations", operation_id = "readiness", security(()), responses(
    (status = 200, description = "The daemon can do its work"),
    (status = 503, description = "It cannot: `error.details.faults` says why", body = ErrorBody)))]
pub(super) async fn ready(front: web::Data<Front>) -> Result<HttpResponse, ApiError> {
    let faults = front.health.faults().await;
    if faults.is_empty() {
        let mut body = json!({ "status": "ready" });
        // Only where meetings are shared between processes (PostgreSQL).
        if let (Some(standing), Some(body)) = (front.health.standing(), body.as_object_mut()) {
            let of = crate::domain::shard::COUNT;
            let shards = json!({ "owned": standing.owned, "of": of, "processes": standing.processes });
            body.insert("shards".to_owned(), shards);
        }
        Ok(HttpResponse::Ok().json(body))
    } else {
        Err(ApiError::NotReady(faults))
    }
}
