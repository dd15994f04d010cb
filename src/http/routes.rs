//! The URL table: which path is answered by whom. A path without the method asked for answers 405.

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig, get};

use super::{admission, docs, health, metrics, webhook};

/// Every path of the daemon.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/healthz").route(get().to(health::process)))
        .service(web::resource("/readyz").route(get().to(health::ready)))
        .service(web::resource("/metrics").route(get().to(metrics::page)))
        .service(web::resource("/docs").route(get().to(docs::page)))
        .service(web::resource("/api/openapi.json").route(get().to(docs::document)))
        .configure(docs::configure)
        // An operator must get an answer from a daemon that is full: only what follows is limited.
        .service(web::scope("").wrap(from_fn(admission::in_flight)).configure(limited));
}

/// The paths that count as requests in flight.
fn limited(cfg: &mut ServiceConfig) {
    cfg.configure(webhook::configure);
}
