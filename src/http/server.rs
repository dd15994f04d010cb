//! The server: the layers around every request, and the workers that carry them.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError};
use actix_web::middleware::from_fn;
use actix_web::{App, Error, HttpRequest, HttpServer, web};
use serde_json::error::Category;

use super::Front;
use super::envelope::envelope;
use super::error::ApiError;
use super::routes::routes;
use super::webhook::Intake;

/// Serves `listener` with `workers` threads until it is stopped; a graceful stop waits up to `grace` for requests
/// in flight. Signals are the application's business, not the server's.
///
/// # Errors
/// When the listener cannot be used.
pub fn server(
    front: web::Data<Front>,
    intake: web::Data<Intake>,
    listener: TcpListener,
    workers: usize,
    grace: Duration,
) -> std::io::Result<Server> {
    let server = HttpServer::new(move || app(front.clone(), intake.clone()))
        .workers(workers.max(1))
        .shutdown_timeout(grace.as_secs())
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

/// The application of one worker.
pub fn app(
    front: web::Data<Front>,
    intake: web::Data<Intake>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let body_bytes = front.body_bytes;
    App::new()
        .app_data(front)
        .app_data(intake)
        .app_data(web::PayloadConfig::new(body_bytes))
        .app_data(web::JsonConfig::default().limit(body_bytes).error_handler(json_error))
        .app_data(web::QueryConfig::default().error_handler(query_error))
        .app_data(web::PathConfig::default().error_handler(path_error))
        .wrap(from_fn(envelope))
        .configure(routes)
        .default_service(web::to(unknown_path))
}

async fn unknown_path() -> Result<&'static str, ApiError> {
    Err(ApiError::NotFound("path"))
}

fn json_error(error: JsonPayloadError, _: &HttpRequest) -> Error {
    match &error {
        JsonPayloadError::Overflow { limit } | JsonPayloadError::OverflowKnownLength { limit, .. } => {
            ApiError::PayloadTooLarge(*limit)
        }
        JsonPayloadError::ContentType => ApiError::UnsupportedMediaType("application/json"),
        JsonPayloadError::Deserialize(fault) if fault.classify() == Category::Data => {
            ApiError::field("body", fault.to_string())
        }
        JsonPayloadError::Deserialize(fault) => ApiError::MalformedJson(fault.to_string()),
        _ => ApiError::MalformedJson("it ends too early".to_owned()),
    }
    .into()
}

fn query_error(error: QueryPayloadError, _: &HttpRequest) -> Error {
    ApiError::field("query", error.to_string()).into()
}

fn path_error(_: PathError, _: &HttpRequest) -> Error {
    ApiError::NotFound("path").into()
}
