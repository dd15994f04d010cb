//! Whether the process lives, and whether it can do its work.

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::Front;
use super::error::ApiError;

/// The process answers: that is all this says.
pub(super) async fn process() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// The database answers, its migrations are done, and so are the actors; Zoom is no part of it.
pub(super) async fn ready(front: web::Data<Front>) -> Result<HttpResponse, ApiError> {
    let faults = front.health.faults().await;
    if faults.is_empty() {
        Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
    } else {
        Err(ApiError::NotReady(faults))
    }
}
