//! Marks by hand: `PUT` and `DELETE /api/zoom/meetings/{id}/attendance/{person}`.
//!
//! A correction stands beside the computed mark and survives every later reading and scoring; the note is personal
//! data and stays in its table and in answers.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use utoipa::ToSchema;

use super::read_attended;
use crate::domain::access::Action;
use crate::domain::attendance::MarkStatus;
use crate::http::auth::Caller;
use crate::http::body::JsonBody;
use crate::http::error::ApiError;
use crate::http::etag::Precondition;
use crate::http::evidence;
use crate::http::meetings::roll::Share;
use crate::http::{Front, sight};
use crate::store::correction::{self, Corrected, Word};
use crate::store::due::{self, DueKind};
use crate::store::outbox::Event;
use crate::store::{Conn, attendance, hold, news, story};

/// The longest note.
const NOTE_LENGTH_MAX: usize = 1000;
const STATUSES: [&str; 5] = ["present", "late", "partial", "absent", "excused"];

/// A correction.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "the document's picture of what `read` takes field by field")]
pub(crate) struct CorrectionBody {
    /// `present`, `late`, `partial`, `absent` or `excused`.
    status: String,
    /// Why, in at most 1,000 characters.
    note: String,
}

/// Puts a mark in the place of the computed one, before the meeting is scored or after. The same again changes
/// nothing.
#[utoipa::path(put, path = "/api/zoom/meetings/{id}/attendance/{person}", tag = "attendance",
    operation_id = "correct_attendance",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number"),
        ("person" = String, Path, description = "The `ref` of somebody on the roster")),
    request_body = CorrectionBody,
    responses((status = 200, description = "As `GET` on the same path")))]
pub(in crate::http) async fn put(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<(String, String)>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let mut fields = body.fields()?;
    let status = fields.choice(&["status"], &STATUSES);
    let status = fields.need("status", status);
    let note = fields.text(&["note"], NOTE_LENGTH_MAX);
    let note = fields.need("note", note);
    fields.finish()?;
    say(&request, &front, caller, path.into_inner(), MarkStatus::parse(status), Some(note)).await
}

/// Lifts a correction: what was found counts again. Lifting what is not there changes nothing.
#[utoipa::path(delete, path = "/api/zoom/meetings/{id}/attendance/{person}", tag = "attendance",
    operation_id = "lift_correction",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number"),
        ("person" = String, Path, description = "The `ref` of somebody on the roster")),
    responses((status = 200, description = "As `GET` on the same path")))]
pub(in crate::http) async fn lift(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    say(&request, &front, caller, path.into_inner(), None, None).await
}

async fn say(
    request: &HttpRequest,
    front: &Front,
    caller: Caller,
    (id, person): (String, String),
    status: Option<MarkStatus>,
    note: Option<String>,
) -> Result<HttpResponse, ApiError> {
    let at = front.clock.now().into();
    let word = Word { status, note, author: caller.subject.clone(), at };
    let precondition = Precondition::of(request);
    let (by, meeting, whose) = (caller.clone(), id.clone(), person.clone());
    front.write(move |conn| write(conn, &by, &meeting, &whose, &word, &precondition)).await?;
    let (rules, now) = (front.rules.clone(), front.clock.now());
    let account = front.read(move |conn| evidence::read(conn, &caller, &id, &person, &rules, now)).await?;
    Ok(evidence::json(&account))
}

fn write(
    conn: &mut Conn,
    caller: &Caller,
    id: &str,
    person: &str,
    word: &Word,
    precondition: &Precondition,
) -> Result<(), ApiError> {
    let seen = sight::meeting(conn, caller, id, Action::Attendance)?;
    if Share::of(&seen, caller) != Share::All {
        return Err(ApiError::Forbidden("marks are corrected by hosts and staff"));
    }
    let attended = read_attended(conn, caller, id)?;
    let appointment = &attended.booking.appointment.id;
    // Two words with one `If-Match` must not both pass.
    hold::booking(conn, appointment)?;
    let history = correction::history(conn, appointment, person)?;
    // A correction of somebody who was taken off the roster since can still be lifted.
    let expected = attended.case.roster.iter().any(|known| known.person == person);
    if !expected && (word.status.is_some() || history.is_empty()) {
        return Err(ApiError::NotFound("person on this roster"));
    }
    precondition.check(history.last().map_or(0, |last| last.id))?;
    let Corrected::Changed { computed, from, to } = correction::say(conn, appointment, person, word)? else {
        return Ok(());
    };
    // A mark that the roster asks for and nobody has made yet is made; one that only this word kept is not kept on.
    let kept_by_hand = !expected && computed.is_some();
    if kept_by_hand || computed.is_none() && attendance::is_scored(conn, appointment)? {
        due::set(conn, DueKind::Score, appointment, word.at)?;
    }
    let (kind, text) = match word.status {
        Some(_) => (Event::AttendanceCorrected, "a mark was corrected by hand"),
        None => (Event::AttendanceCorrected, "the correction of a mark was lifted"),
    };
    let meeting = &attended.case.meeting.id;
    let facts = json!({ "person": person, "from": from, "to": to, "computed": computed,
        "lifted": word.status.is_none(), "by": word.author });
    news::of_meeting(conn, word.at, kind, meeting, facts.clone())?;
    let mut details = facts;
    if let Some(details) = details.as_object_mut() {
        details.insert("evidence".to_owned(), json!(evidence::path(meeting, person)));
    }
    Ok(story::tell(conn, appointment, word.at.into(), kind.as_str(), text, Some(details))?)
}
