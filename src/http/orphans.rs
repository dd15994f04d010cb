//! Meetings at Zoom that carry our mark and that no booking owns, for an operator to see.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Front;
use super::auth::Caller;
use super::error::ApiError;
use crate::store::orphan::{self, OrphanRow};

/// The orphans, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Orphans {
    /// The name under which this installation signs its meetings.
    installation: String,
    orphans: Vec<OrphanView>,
}

/// A meeting at Zoom that no booking owns.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Orphan)]
struct OrphanView {
    /// Its number, as text.
    zoom_meeting_id: String,
    /// The mark at the head of its agenda, without the installation.
    marker: String,
    /// The Zoom user who hosts it.
    host_id: String,
    /// Whose double it is: our id of that meeting.
    double_of: Option<String>,
    /// `seen` (the second look is to come), `kept` or `removed`.
    state: &'static str,
    /// Why it stands there.
    reason: Option<String>,
    first_seen_at: DateTime<Utc>,
    seen_at: DateTime<Utc>,
}

/// Marked meetings at Zoom without a booking, those of the last 30 days that were removed among them. Only for admins.
#[utoipa::path(get, path = "/api/zoom/orphans", tag = "operations", operation_id = "list_orphans",
    responses((status = 200, body = Orphans)))]
pub(super) async fn list(front: web::Data<Front>, caller: Caller) -> Result<HttpResponse, ApiError> {
    caller.must_be_admin()?;
    let rows = front.store.read(orphan::all).await?;
    let orphans = rows.into_iter().map(OrphanView::from).collect();
    Ok(HttpResponse::Ok().json(Orphans { installation: front.installation.clone(), orphans }))
}

impl From<OrphanRow> for OrphanView {
    fn from(row: OrphanRow) -> Self {
        Self {
            zoom_meeting_id: row.zoom_meeting_id,
            marker: row.marker,
            host_id: row.host_id,
            double_of: row.meeting_id,
            state: row.state.as_str(),
            reason: row.reason,
            first_seen_at: row.first_seen_at.into(),
            seen_at: row.seen_at.into(),
        }
    }
}
