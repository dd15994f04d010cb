//! Why is somebody marked so? Everything about one mark: as JSON, as a page for people, as a drawing.
//!
//! - `account`: gathers what is known. `words`: says it in sentences. `clock_face`: times and spans as people read them.
//! - `view`: the JSON. `page`: one page, to be read or printed. `timeline`: where things lie on the drawing;
//!   `drawing`: the drawing. `style`: how both look.
//!
//! The page has no script, loads nothing, and is kept by nobody on the way. What it shows came from outside: names
//! are escaped, and cleaned of signs that would break a document or turn its text round.

mod account;
mod clock_face;
mod drawing;
mod page;
mod style;
#[cfg(test)]
mod tests;
mod timeline;
mod view;
mod words;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

pub(super) use self::account::Account;
use super::Front;
use super::auth::Caller;
use super::error::ApiError;
use super::etag;
use super::validate::Fields;
use crate::clock::Instant;
use crate::domain::rules::Rules;
use crate::store::Conn;

const HTML: &str = "text/html; charset=utf-8";
const SVG: &str = "image/svg+xml; charset=utf-8";

/// How evidence is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Html,
    Svg,
}

impl Format {
    /// The first of the types a client accepts that we have; quality factors are not weighed.
    fn accepted(request: &HttpRequest, default: Self) -> Self {
        let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let wanted = accept.unwrap_or_default().split(',').find_map(|kind| {
            match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
                "application/json" => Some(Self::Json),
                "text/html" => Some(Self::Html),
                "image/svg+xml" => Some(Self::Svg),
                _ => None,
            }
        });
        wanted.unwrap_or(default)
    }

    /// What `?format=` asks for, if it is there.
    fn asked(request: &HttpRequest) -> Result<Option<Self>, ApiError> {
        let mut fields = Fields::from_query(request.query_string());
        let format = fields.choice(&["format"], &["html", "svg", "json"]);
        fields.finish()?;
        Ok(format.map(|format| match format {
            "json" => Self::Json,
            "svg" => Self::Svg,
            _ => Self::Html,
        }))
    }
}

/// One mark with its evidence: intervals, sources, identity, window, rules, arithmetic, corrections, story. While the
/// meeting runs or is not scored, by what is known now. Attendees see their own.
#[utoipa::path(get, path = "/api/zoom/meetings/{id}/attendance/{person}", tag = "attendance",
    operation_id = "get_attendance_of_person",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number"),
        ("person" = String, Path, description = "The `ref` of somebody on the roster")),
    responses((status = 200, body = view::EvidenceAnswer,
        description = "With `Accept: text/html` or `image/svg+xml` as the page or the drawing")))]
pub(super) async fn show(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    Fields::from_query(request.query_string()).finish()?;
    answer(&front, caller, path.into_inner(), Format::accepted(&request, Format::Json)).await
}

/// The same as one page that answers "why is she marked so?", with a drawing of the time. It can be printed, has no
/// script and loads nothing.
#[utoipa::path(get, path = "/api/zoom/meetings/{id}/attendance/{person}/evidence", tag = "attendance",
    operation_id = "get_attendance_evidence",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number"),
        ("person" = String, Path, description = "The `ref` of somebody on the roster"),
        ("format" = Option<String>, Query, description = "`html` (without it), `svg` (the drawing alone) or `json`")),
    responses((status = 200, content_type = "text/html", body = String)))]
pub(super) async fn evidence(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let asked = Format::asked(&request)?;
    let format = asked.unwrap_or_else(|| Format::accepted(&request, Format::Html));
    answer(&front, caller, path.into_inner(), format).await
}

async fn answer(
    front: &Front,
    caller: Caller,
    (id, person): (String, String),
    format: Format,
) -> Result<HttpResponse, ApiError> {
    let (rules, now) = (front.rules.clone(), front.clock.now());
    let account = front.read(move |conn| read(conn, &caller, &id, &person, &rules, now)).await?;
    Ok(match format {
        Format::Json => json(&account),
        Format::Html => document(HTML, page::page(&account).into_string()),
        Format::Svg => document(SVG, drawing::standalone(&account)),
    })
}

/// Everything about one person's mark, as far as the caller may see it.
pub(super) fn read(
    conn: &mut Conn,
    caller: &Caller,
    id: &str,
    person: &str,
    rules: &Rules,
    now: Instant,
) -> Result<Account, ApiError> {
    Account::read(conn, caller, id, person, rules, now)
}

/// The answer that shows a mark as JSON.
pub(super) fn json(account: &Account) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(etag::tag(account.version(), account.shade()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(view::EvidenceAnswer::new(account))
}

/// Where the evidence of a mark is shown.
pub(super) fn path(meeting: &str, person: &str) -> String {
    let person: String = url::form_urlencoded::byte_serialize(person.as_bytes()).collect();
    // A form writes a space as a plus, a path does not.
    format!("/api/zoom/meetings/{meeting}/attendance/{}/evidence", person.replace('+', "%20"))
}

fn document(kind: &'static str, body: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, style::policy()))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .body(body)
}
