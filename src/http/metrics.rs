//! The counters of the process, as Prometheus reads them.

use actix_web::HttpResponse;

use crate::telemetry;

/// The type of Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that is counted.
#[utoipa::path(get, path = "/metrics", tag = "operations", operation_id = "metrics", security(()),
    responses((status = 200, description = "Prometheus' text format", body = String, content_type = "text/plain")))]
pub(super) async fn page() -> HttpResponse {
    HttpResponse::Ok().content_type(TEXT_FORMAT).body(telemetry::metrics_page())
}
