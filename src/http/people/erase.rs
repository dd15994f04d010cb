//! Erasing a person: `DELETE /api/people/{ref}`.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::prefer::Wait;
use crate::store::booking::directory::{self, Aftermath};
use crate::store::erasure::{self, ErasureRow};
use crate::store::{UtcMillis, host_key, licence, person};

/// What the fingerprint of a `ref` is made for.
const CONTEXT: &str = "erasures.fingerprint";
/// How long the caller waits for the end by itself.
const WAIT_SECS: u64 = 10;

/// A person who is erased, or being so.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ErasedAnswer {
    erased: Erased,
    /// Future bookings they hosted, which were cancelled.
    cancelled_appointments: Vec<String>,
    /// Future bookings whose roster changed.
    changed_rosters: Vec<String>,
    /// What the caller should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notices: Vec<String>,
}

/// How far it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErasedPerson)]
struct Erased {
    /// The `ref` under which their history goes on.
    #[serde(rename = "ref")]
    ref_: String,
    /// Whether everything that says who they were is gone.
    finished: bool,
    requested_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    /// Rows that were changed.
    changes: i64,
}

impl From<ErasureRow> for Erased {
    fn from(row: ErasureRow) -> Self {
        Self {
            ref_: row.erased_ref,
            finished: row.finished_at.is_some(),
            requested_at: row.requested_at.into(),
            finished_at: row.finished_at.map(Into::into),
            changes: row.changes,
        }
    }
}

/// What was done at once.
struct Begun {
    row: ErasureRow,
    aftermath: Aftermath,
    /// Marks that a report may still change.
    awaited: i64,
}

/// Erases a person: they leave all future bookings as at a deactivation, and whatever says who they were is deleted or
/// replaced. Their marks stay, under a `ref` that says nothing. What takes longer than the caller waits
/// (`Prefer: wait`, 10 s by itself) goes on, and is answered 202. A repetition says how far it is.
#[utoipa::path(delete, path = "/api/people/{ref}", tag = "directory", operation_id = "erase_person",
    params(("ref" = String, Path, description = "The calling system's id")),
    responses((status = 200, body = ErasedAnswer), (status = 202, body = ErasedAnswer)))]
pub(in crate::http) async fn erase(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let begun = begin(&front, caller, path.into_inner()).await?;
    for meeting in &begun.aftermath.meetings {
        front.registry.wake(meeting);
    }
    front.licences.bookings_changed();
    let row = match begun.row.finished_at {
        Some(_) => begun.row,
        None => {
            front.janitor.erase(begun.row.erased_ref.clone());
            finished(&front, begun.row, Wait::of(&request, WAIT_SECS).span).await?
        }
    };
    let mut notices = Vec::new();
    if begun.awaited > 0 {
        let text = "for {n} of their bookings Zoom's report is still to come: whom it names, it names as somebody unknown, \
             until retention.participants";
        notices.push(text.replace("{n}", &begun.awaited.to_string()));
    }
    let mut answer = if row.finished_at.is_some() { HttpResponse::Ok() } else { HttpResponse::Accepted() };
    Ok(answer.json(ErasedAnswer {
        erased: Erased::from(row),
        cancelled_appointments: begun.aftermath.cancelled,
        changed_rosters: begun.aftermath.rosters,
        notices,
    }))
}

/// Takes the person out of all that is to come and out of the directory, and has the rest done; or finds that this was
/// asked for before.
async fn begin(front: &Front, caller: Caller, ref_: String) -> Result<Begun, ApiError> {
    let now: UtcMillis = front.clock.now().into();
    let policy = front.hosts.clone();
    let fingerprint = front.sealer.fingerprint(CONTEXT, ref_.as_bytes());
    front
        .write(move |conn| {
            let Some(person) = person::by_ref(conn, &ref_)? else {
                let row = erasure::known(conn, &fingerprint)?.ok_or(ApiError::NotFound("person"))?;
                return Ok(Begun { row, aftermath: Aftermath::default(), awaited: 0 });
            };
            let aftermath = directory::person_left(conn, &ref_, &caller.subject, &policy, now)?;
            if let Some(user) = host_key::of_person(conn, &person)? {
                licence::person_left(conn, &user, now)?;
            }
            let awaited = erasure::awaited(conn, &ref_)?;
            let row = erasure::begin(conn, &person, fingerprint, now)?;
            Ok(Begun { row, aftermath, awaited })
        })
        .await
}

/// Waits for the end of an erasure, as long as the caller does.
async fn finished(front: &Front, begun: ErasureRow, wait: Duration) -> Result<ErasureRow, ApiError> {
    let mut commits = front.store.commits();
    let deadline = tokio::time::Instant::now() + wait;
    loop {
        let key = begun.erased_ref.clone();
        let row = front.store.read(move |conn| erasure::by_ref(conn, &key)).await?;
        let row = row.unwrap_or_else(|| begun.clone());
        let over = row.finished_at.is_some();
        if over || !matches!(tokio::time::timeout_at(deadline, commits.changed()).await, Ok(Ok(()))) {
            return Ok(row);
        }
    }
}
