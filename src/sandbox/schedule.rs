//! The control endpoints that play classes and watch the webhooks.
//!
//! | call | does |
//! | --- | --- |
//! | `POST /sandbox/classes` | plays a timetable (JSON, or TOML by its content type): 202 `{class_id}` |
//! | `GET /sandbox/classes/{id}` | how far the class is, its instances and the ground truth |
//! | `GET /sandbox/deliveries?failed=&state=&event=&meeting=&after=` | the webhooks and their attempts |
//! | `GET`, `PUT /sandbox/delivery` | how webhooks travel: retries and accidents |
//! | `POST /sandbox/validate-url` | sends an `endpoint.url_validation` and checks the answer |

use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::classes::{ClassRefusal, Classes};
use super::deliveries::DeliveryFilter;
use super::delivery::{Delivery, DeliverySettings};
use super::state::SandboxRefusal;
use super::timetable::{Timetable, TimetableError};

/// Adds the endpoints; needs [`Classes`] and [`Delivery`] as application data.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/sandbox/classes", web::post().to(play))
        .route("/sandbox/classes/{id}", web::get().to(class))
        .route("/sandbox/deliveries", web::get().to(deliveries))
        .route("/sandbox/delivery", web::get().to(delivery))
        .route("/sandbox/delivery", web::put().to(set_delivery))
        .route("/sandbox/validate-url", web::post().to(validate_url));
}

/// Why a control request is refused.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Unreadable(String),
    #[error(transparent)]
    Timetable(#[from] TimetableError),
    #[error(transparent)]
    Class(#[from] ClassRefusal),
    #[error("there is no class {0}")]
    NoClass(u64),
    #[error("the sandbox is stopping")]
    Stopping,
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unreadable(_) | Self::Timetable(_) => StatusCode::BAD_REQUEST,
            Self::Class(ClassRefusal::Account(SandboxRefusal::NoMeeting(_))) | Self::NoClass(_) => {
                StatusCode::NOT_FOUND
            }
            Self::Class(ClassRefusal::TooMany) => StatusCode::TOO_MANY_REQUESTS,
            Self::Class(_) => StatusCode::BAD_REQUEST,
            Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(json!({"error": self.to_string()}))
    }
}

async fn play(
    request: HttpRequest,
    body: web::Bytes,
    classes: web::Data<Classes>,
) -> Result<HttpResponse, Refusal> {
    let timetable: Timetable = if request.content_type().ends_with("toml") {
        let text = std::str::from_utf8(&body).map_err(|error| Refusal::Unreadable(error.to_string()))?;
        toml::from_str(text).map_err(|error| Refusal::Unreadable(error.to_string()))?
    } else {
        read(&body)?
    };
    // The walk for the truth takes its time when a script is long.
    let class_id = web::block(move || classes.play(timetable)).await.map_err(|_| Refusal::Stopping)??;
    Ok(HttpResponse::Accepted().json(json!({"class_id": class_id})))
}

async fn class(id: web::Path<u64>, classes: web::Data<Classes>) -> Result<HttpResponse, Refusal> {
    let view = classes.view(*id).ok_or(Refusal::NoClass(*id))?;
    Ok(HttpResponse::Ok().json(view))
}

async fn deliveries(
    filter: web::Query<DeliveryFilter>,
    delivery: web::Data<Delivery>,
) -> Result<HttpResponse, Refusal> {
    let counts = delivery.counts();
    Ok(HttpResponse::Ok().json(json!({"counts": counts, "deliveries": delivery.records(&filter)})))
}

async fn delivery(delivery: web::Data<Delivery>) -> HttpResponse {
    HttpResponse::Ok().json(delivery.settings())
}

async fn set_delivery(body: web::Bytes, delivery: web::Data<Delivery>) -> Result<HttpResponse, Refusal> {
    let settings: DeliverySettings = read(&body)?;
    delivery.set_settings(settings.clone())?;
    Ok(HttpResponse::Ok().json(settings))
}

async fn validate_url(delivery: web::Data<Delivery>) -> HttpResponse {
    HttpResponse::Ok().json(delivery.validate_url().await)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::Unreadable(error.to_string()))
}
