//! Everything held about a person: `GET /api/people/{ref}/export`.

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::found;
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::store::export::{self, Export};

/// Everything held about a person.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ExportAnswer {
    /// When it was read.
    exported_at: DateTime<Utc>,
    /// What the directory says of them.
    #[schema(value_type = Object)]
    person: Value,
    /// The groups they belong to.
    #[schema(value_type = Vec<Object>)]
    groups: Vec<Value>,
    /// The bookings they host or are invited to.
    #[schema(value_type = Vec<Object>)]
    appointments: Vec<Value>,
    /// Their marks, with the proof and the correction of each.
    #[schema(value_type = Vec<Object>)]
    marks: Vec<Value>,
    /// Every word of a hand about their marks.
    #[schema(value_type = Vec<Object>)]
    corrections: Vec<Value>,
    /// The connections that were found to be theirs.
    #[schema(value_type = Vec<Object>)]
    connections: Vec<Value>,
    /// Their registrations at Zoom, without the personal links.
    #[schema(value_type = Vec<Object>)]
    registrations: Vec<Value>,
    /// What was settled by hand about who they are at Zoom.
    #[schema(value_type = Vec<Object>)]
    identities: Vec<Value>,
    /// What is known of their user at Zoom.
    #[schema(value_type = Vec<Object>)]
    zoom_users: Vec<Value>,
    /// What they wrote, settled or made themselves, by `what` it is.
    #[schema(value_type = Vec<Object>)]
    authored: Vec<Value>,
    /// Lines of the stories of bookings that are about them; of lists in them, their own entries.
    #[schema(value_type = Vec<Object>)]
    story: Vec<Value>,
    /// Zoom's webhooks that name them, as far as they are kept: the part about them.
    #[schema(value_type = Vec<Object>)]
    webhooks: Vec<Value>,
    /// Lists that were cut: more than 10,000 rows may be about them (of webhooks: 50,000 were looked at).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    truncated: Vec<&'static str>,
}

/// Everything held about a person, as JSON; for themselves, too.
#[utoipa::path(get, path = "/api/people/{ref}/export", tag = "directory", operation_id = "export_person",
    params(("ref" = String, Path, description = "The calling system's id")),
    responses((status = 200, body = ExportAnswer)))]
pub(in crate::http) async fn everything(
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let ref_ = path.into_inner();
    if !caller.role.acts_for_all() && caller.subject != ref_ {
        return Err(ApiError::NotFound("person"));
    }
    let export = front
        .read(move |conn| {
            let person = found(conn, &ref_)?;
            Ok(export::of_person(conn, &person)?)
        })
        .await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"person.json\""))
        .json(ExportAnswer::of(export, front.clock.now())))
}

impl ExportAnswer {
    fn of(export: Export, now: DateTime<Utc>) -> Self {
        Self {
            exported_at: now,
            person: export.person,
            groups: export.groups,
            appointments: export.appointments,
            marks: export.marks,
            corrections: export.corrections,
            connections: export.connections,
            registrations: export.registrations,
            identities: export.identities,
            zoom_users: export.zoom_users,
            authored: export.authored,
            story: export.story,
            webhooks: export.webhooks,
            truncated: export.truncated,
        }
    }
}
