//! Settling who somebody was: `POST …/attendance/match` and its undoing.
//!
//! A word is kept under the identity that the connection's group has in common, so that it holds for every device
//! and every join. An identity that means one person everywhere is remembered for later meetings; a host may not
//! overrule there what somebody else said.

use std::collections::BTreeSet;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::roll::{Roll, Share};
use super::unmatched::kind;
use super::{Attended, read_attended};
use crate::actors::attendance::Job;
use crate::domain::connection::Connection;
use crate::domain::identity::{as_webhooks_showed, is_strong, keys, one_connection_key};
use crate::domain::rules::Rules;
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::body::JsonBody;
use crate::http::error::ApiError;
use crate::http::people::REF_LENGTH_MAX;
use crate::http::prefer::{self, Wait};
use crate::store::case::Case;
use crate::store::due::{self, DueKind};
use crate::store::settlement::{self, Settlement};
use crate::store::{Conn, UtcMillis, attendance, person, story};

/// How long the answer waits for the new marks by itself.
const WAIT_SECS: u64 = 5;
/// How often it looks for them, beside after each commit of this process.
const LOOK: Duration = Duration::from_millis(100);

/// Who somebody was.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "the document's picture of what `settle` takes field by field")]
pub(crate) struct MatchBody {
    /// The `id` of a participant, from `…/participants`.
    participant: String,
    /// The `ref` of the person; null for nobody we know. Hosts may name people on the roster.
    person: Option<String>,
}

/// What a word settled.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = MatchAnswer)]
pub(crate) struct MatchAnswer {
    participant: String,
    /// Whose connections these are; null for nobody we know, or where a word was taken back.
    person: Option<String>,
    /// What the word is kept under: `registrant_id`, `zoom_user_id`, `email`, `customer_key`, `name`, `connection`.
    identity: String,
    /// Whether it holds for later meetings too.
    remembered: bool,
    /// `rescored`, `pending` (with 202), or `none` while the meeting has no marks.
    marks: &'static str,
}

/// Settles whom a participant was, for every connection of the same identity; the meeting is scored anew. An identity
/// that means one person everywhere (account, address, registration, our key) is remembered for later meetings.
#[utoipa::path(post, path = "/api/zoom/meetings/{id}/attendance/match", tag = "attendance",
    operation_id = "match_participant",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: so long for the new marks, 5 s by itself")),
    request_body = MatchBody,
    responses((status = 200, body = MatchAnswer), (status = 202, body = MatchAnswer)))]
pub(in crate::http) async fn settle(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let mut fields = body.fields()?;
    let participant = fields.integer(&["participant"], 1..=i64::MAX);
    let participant = fields.need("participant", participant);
    let person = fields.clearable(&["person"], |fields| fields.text(&["person"], REF_LENGTH_MAX));
    let person = fields.need("person", person);
    fields.finish()?;
    let word = Word { participant, person: Some(person) };
    carry_out(&request, &front, caller, id.into_inner(), word).await
}

/// Takes back what was settled about a participant, in this meeting and in what is remembered.
#[utoipa::path(delete, path = "/api/zoom/meetings/{id}/attendance/match/{participant}", tag = "attendance",
    operation_id = "unmatch_participant",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number"),
        ("participant" = String, Path, description = "The `id` of a participant, from `…/participants`"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: so long for the new marks, 5 s by itself")),
    responses((status = 200, body = MatchAnswer), (status = 202, body = MatchAnswer)))]
pub(in crate::http) async fn unsettle(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (id, participant) = path.into_inner();
    let participant = participant.parse().map_err(|_| ApiError::NotFound("participant"))?;
    carry_out(&request, &front, caller, id, Word { participant, person: None }).await
}

/// What a hand says about a participant.
#[derive(Debug, Clone)]
struct Word {
    participant: i64,
    /// Who it was; `Some(None)`: nobody we know; `None`: what was said before is taken back.
    person: Option<Option<String>>,
}

async fn carry_out(
    request: &HttpRequest,
    front: &Front,
    caller: Caller,
    id: String,
    word: Word,
) -> Result<HttpResponse, ApiError> {
    let wait = Wait::of(request, WAIT_SECS);
    let (rules, now) = (front.rules.clone(), front.clock.now());
    let (appointment, mut answer) =
        front.write(move |conn| write(conn, &caller, &id, &word, &rules, now.into())).await?;
    let mut status = StatusCode::OK;
    if answer.marks == "pending" {
        // Another process's meeting is scored by that process; its clock finds the row.
        front.attendance.ask(Job::Score(appointment.clone()));
        match front.is_scored_in_time(appointment, wait.span).await? {
            true => answer.marks = "rescored",
            false => status = StatusCode::ACCEPTED,
        }
    }
    let mut response = HttpResponse::build(status);
    if wait.asked {
        response.insert_header((prefer::APPLIED, format!("wait={}", wait.span.as_secs())));
    }
    Ok(response.json(answer))
}

impl Front {
    /// Waits until no scoring of the booking is due any more.
    async fn is_scored_in_time(&self, appointment: String, limit: Duration) -> Result<bool, ApiError> {
        let end = Instant::now() + limit;
        let mut commits = self.store.commits();
        loop {
            let id = appointment.clone();
            if self.read(move |conn| Ok(due::at(conn, DueKind::Score, &id)?)).await?.is_none() {
                return Ok(true);
            }
            let rest = end.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Ok(false);
            }
            // Another process's commit is not heard here.
            let _ = tokio::time::timeout(rest.min(LOOK), commits.changed()).await;
        }
    }
}

fn write(
    conn: &mut Conn,
    caller: &Caller,
    id: &str,
    word: &Word,
    rules: &Rules,
    now: UtcMillis,
) -> Result<(String, MatchAnswer), ApiError> {
    let attended = read_attended(conn, caller, id)?;
    if attended.share != Share::All {
        return Err(ApiError::Forbidden("who somebody was is settled by hosts and staff"));
    }
    let Attended { booking, case, .. } = &attended;
    let mut rows = case.participants.iter().zip(&case.connections);
    let (_, connection) =
        rows.find(|(row, _)| row.id == word.participant).ok_or(ApiError::NotFound("participant"))?;
    let (meeting, appointment) = (&case.meeting.id, &booking.appointment.id);
    let key = Roll::call(case, rules, now.into()).key_of(connection);
    let remembered = match &word.person {
        Some(person) => {
            if let Some(person) = person {
                must_be_known(conn, caller, &attended, person)?;
            }
            let word =
                Settlement { identity: &key, person: person.as_deref(), author: &caller.subject, at: now };
            // An older word about this device alone would come first.
            settlement::unsettle(conn, meeting, &[one_connection_key(connection)])?;
            settlement::settle(conn, meeting, &word)?;
            let may = is_strong(&key) && may_remember(conn, caller, &key)?;
            if may {
                settlement::remember(conn, &word)?;
            }
            may
        }
        None => {
            take_back(conn, caller, case, connection)?;
            false
        }
    };
    let person = word.person.clone().flatten();
    let (story_kind, text) = match &word.person {
        Some(_) => ("attendance.matched", "who a participant was has been settled by hand"),
        None => ("attendance.unmatched", "what was settled about a participant has been taken back"),
    };
    let details = json!({ "person": person, "identity": kind(&key), "remembered": remembered,
        "by": caller.subject });
    story::tell(conn, appointment, now.into(), story_kind, text, Some(details))?;
    let scored = attendance::is_scored(conn, appointment)?;
    if scored {
        due::set(conn, DueKind::Score, appointment, now)?;
    }
    let answer = MatchAnswer {
        participant: word.participant.to_string(),
        person,
        identity: kind(&key).to_owned(),
        remembered,
        marks: if scored { "pending" } else { "none" },
    };
    Ok((appointment.clone(), answer))
}

/// Staff may name anybody we know, hosts those on the roster: they see no others.
fn must_be_known(
    conn: &mut Conn,
    caller: &Caller,
    attended: &Attended,
    person: &str,
) -> Result<(), ApiError> {
    if attended.case.roster.iter().any(|known| known.person == person) {
        return Ok(());
    }
    if caller.role.acts_for_all() && person::by_ref(conn, person)?.is_some() {
        return Ok(());
    }
    Err(ApiError::NotFound("person"))
}

/// Hosts do not overrule for other meetings what somebody else said.
fn may_remember(conn: &mut Conn, caller: &Caller, key: &str) -> Result<bool, ApiError> {
    if caller.role.acts_for_all() {
        return Ok(true);
    }
    Ok(settlement::author_of_memory(conn, key)?.is_none_or(|author| author == caller.subject))
}

/// Takes back every word that holds for this connection, also what was said of it before a report showed less of it.
fn take_back(conn: &mut Conn, caller: &Caller, case: &Case, connection: &Connection) -> Result<(), ApiError> {
    let shown = as_webhooks_showed(connection, &case.connections).chain([connection]);
    let words: BTreeSet<String> = shown.flat_map(keys).collect();
    for key in words.iter().filter(|key| is_strong(key)) {
        if may_remember(conn, caller, key)? {
            settlement::forget(conn, key)?;
        }
    }
    let words: Vec<String> = words.into_iter().collect();
    settlement::unsettle(conn, &case.meeting.id, &words)?;
    Ok(())
}
