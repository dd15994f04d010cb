//! The description of this API, for programs and for people.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use actix_web::web::ServiceConfig;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::openapi::openapi;

/// Written once: it is the same for every worker and caller.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| openapi().to_json().unwrap_or_default());

/// The OpenAPI document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "operations", security(()),
    responses((status = 200, description = "This document", content_type = "application/json")))]
pub(super) async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT.as_str())
}

/// The pages are below `/docs/`.
#[utoipa::path(get, path = "/docs", tag = "operations", security(()),
    responses((status = 308, description = "To the page that shows this document")))]
pub(super) async fn page() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "/docs/")).finish()
}

/// The page itself and what belongs to it.
pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(SwaggerUi::new("/docs/{file:.*}").config(Config::from("/api/openapi.json")));
}
