//! Erasing a person: `DELETE /api/people/{ref}`.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::etag::Precondition;
use crate::http::prefer::Wait;
use crate::store::booking::directory::{self, Aftermath};
use crate::store::erasure::{self, ErasureRow};
use crate::store::{UtcMillis, hold, host_key, licence};

/// What the fingerprint of a `ref` is made for.
const CONTEXT: &str = "erasures.fingerprint";
/// How long the caller waits for the end by itself.
const WAIT_SECS: u64 = 10;

/// What is said where a class has to be over first.
const WAITS: &str = "nobody finds them in the directory any more; the classes that run or have no final marks know them \
    until then, and everything else goes after that";

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
    /// Bookings that run or await their final marks: the rest is done after that, at most `attendance.report_give_up`
    /// after their end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waits_for: Vec<String>,
}

impl Erased {
    fn of(row: ErasureRow, waits_for: Vec<String>) -> Self {
        Self {
            ref_: row.erased_ref,
            finished: row.finished_at.is_some(),
            requested_at: row.requested_at.into(),
            finished_at: row.finished_at.map(Into::into),
            changes: row.changes,
            waits_for,
        }
    }
}

/// What was done at once.
struct Begun {
    row: ErasureRow,
    aftermath: Aftermath,
}

/// Erases a person: they leave all future bookings as at a deactivation, and whatever says who they were is deleted or
/// replaced. Their marks stay, under a `ref` that says nothing. What takes longer than the caller waits
/// (`Prefer: wait`, 10 s by itself) goes on, and is answered 202, and so is what waits for a class of theirs that runs or
/// has no final marks (`waits_for`). A repetition says how far it is.
#[utoipa::path(delete, path = "/api/people/{ref}", tag = "directory", operation_id = "erase_person",
    params(("ref" = String, Path, description = "The calling system's id"),
        ("If-Match" = Option<String>, Header, description = "Only if it is still this version")),
    responses((status = 200, body = ErasedAnswer), (status = 202, body = ErasedAnswer)))]
pub(in crate::http) async fn erase(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let begun = begin(&front, caller, path.into_inner(), Precondition::of(&request)).await?;
    for meeting in &begun.aftermath.meetings {
        front.registry.wake(meeting);
    }
    front.licences.bookings_changed();
    let (row, waits_for) = match begun.row.finished_at {
        Some(_) => (begun.row, Vec::new()),
        None => {
            front.janitor.erase(begun.row.erased_ref.clone());
            finished(&front, begun.row, Wait::of(&request, WAIT_SECS).span).await?
        }
    };
    let mut notices = Vec::new();
    if !waits_for.is_empty() {
        notices.push(WAITS.to_owned());
    }
    let mut answer = if row.finished_at.is_some() { HttpResponse::Ok() } else { HttpResponse::Accepted() };
    Ok(answer.json(ErasedAnswer {
        erased: Erased::of(row, waits_for),
        cancelled_appointments: begun.aftermath.cancelled,
        changed_rosters: begun.aftermath.rosters,
        notices,
    }))
}

/// Takes the person out of all that is to come and out of the directory, and has the rest done; or finds that this was
/// asked for before.
async fn begin(
    front: &Front,
    caller: Caller,
    ref_: String,
    precondition: Precondition,
) -> Result<Begun, ApiError> {
    let now: UtcMillis = front.clock.now().into();
    let policy = front.hosts.clone();
    let fingerprint = front.sealer.fingerprint(CONTEXT, ref_.as_bytes());
    front
        .write(move |conn| {
            let Some(person) = hold::person(conn, &ref_)? else {
                let row = erasure::known(conn, &fingerprint)?.ok_or(ApiError::NotFound("person"))?;
                return Ok(Begun { row, aftermath: Aftermath::default() });
            };
            precondition.check(person.version)?;
            let aftermath = directory::person_left(conn, &ref_, &caller.subject, &policy, now)?;
            if let Some(user) = host_key::of_person(conn, &person)? {
                licence::person_left(conn, &user, now)?;
            }
            let row = erasure::begin(conn, &person, fingerprint, now)?;
            Ok(Begun { row, aftermath })
        })
        .await
}

/// Waits for the end of an erasure, as long as the caller does; not where it waits for classes itself.
async fn finished(
    front: &Front,
    begun: ErasureRow,
    wait: Duration,
) -> Result<(ErasureRow, Vec<String>), ApiError> {
    let mut commits = front.store.commits();
    let deadline = tokio::time::Instant::now() + wait;
    let person = begun.person_ref.clone().unwrap_or_default();
    loop {
        let (key, person) = (begun.erased_ref.clone(), person.clone());
        let now = front.clock.now();
        let given_up = front.engine.attendance.given_up(now).into();
        let (row, waits_for) = front
            .store
            .read(move |conn| {
                let waits_for = erasure::waits_for(conn, &person, given_up, now.into())?;
                Ok((erasure::by_ref(conn, &key)?, waits_for))
            })
            .await?;
        let row = row.unwrap_or_else(|| begun.clone());
        if row.finished_at.is_some() {
            return Ok((row, Vec::new()));
        }
        let is_waiting = !waits_for.is_empty();
        if is_waiting || !matches!(tokio::time::timeout_at(deadline, commits.changed()).await, Ok(Ok(()))) {
            return Ok((row, waits_for));
        }
    }
}
