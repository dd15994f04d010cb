//! The rules of attendance: `/api/attendance-rules`.
//!
//! - [`thresholds`]: what a set of rules says, read and shown.
//! - [`preview`]: what other thresholds would make of past meetings; [`recalculate`]: making it so.

pub(super) mod preview;
pub(super) mod recalculate;
mod thresholds;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;

use super::Front;
use super::auth::Caller;
use super::body::JsonBody;
use super::error::ApiError;
use super::etag::{self, Precondition};
use super::paging::Page;
use super::people::checked_ref;
use super::validate::Fields;
use super::when;
use crate::domain::rules::Rules;
use crate::store::Conn;
use crate::store::pin::Scored;
use crate::store::rules::{self, STANDARD, Version};
use thresholds::{RulesBody, ThresholdsView};

/// A version of rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulesView {
    /// Their name.
    name: String,
    /// Their version; every change makes a new one.
    version: i64,
    #[serde(flatten)]
    thresholds: ThresholdsView,
    /// Who wrote it: the subject of a token, or `configuration`.
    author: Option<String>,
    /// When it was written.
    created_at: Option<DateTime<Utc>>,
}

impl From<Version> for RulesView {
    fn from(version: Version) -> Self {
        let created_at = Some(version.created_at.into());
        Self { author: version.author, created_at, ..version.rules.into() }
    }
}

impl From<Rules> for RulesView {
    fn from(rules: Rules) -> Self {
        let thresholds = ThresholdsView::from(rules.thresholds);
        Self { name: rules.name, version: rules.version, thresholds, author: None, created_at: None }
    }
}

/// One set of rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulesAnswer {
    /// The version that was asked for, the newest without one.
    rules: RulesView,
}

/// A page of rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulesListAnswer {
    /// The newest version of each, by name.
    rules: Vec<RulesView>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// The newest version of the rules of this name, also where only the configuration has them.
fn newest(conn: &mut Conn, name: &str, house: Rules) -> Result<Rules, ApiError> {
    let house = (name == STANDARD).then_some(house);
    rules::newest(conn, name)?.or(house).ok_or(ApiError::NotFound("set of rules"))
}

/// Reads which of the scored meetings that use the rules of this name: those of a time.
fn scored(fields: &mut Fields, name: String, zone: Tz) -> Scored {
    let (from, to) = when::between(fields, zone);
    Scored { rules: name, from: from.map(Into::into), to: to.map(Into::into), ..Scored::default() }
}

/// All rules, each in its newest version.
#[utoipa::path(get, path = "/api/attendance-rules", tag = "attendance", operation_id = "list_rules",
    params(
        ("limit" = Option<i64>, Query, description = "1 to 200, 50 without it"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, body = RulesListAnswer)))]
pub(super) async fn list(
    request: HttpRequest,
    front: web::Data<Front>,
    _caller: Caller,
) -> Result<HttpResponse, ApiError> {
    let page = Page::alone(request.query_string())?;
    let (after, rows) = (page.after(), page.rows());
    let mut found = front.read(move |conn| Ok(rules::list(conn, after.as_deref(), rows)?)).await?;
    let next_cursor = page.cut(&mut found, |version| version.rules.name.clone());
    let rules = found.into_iter().map(RulesView::from).collect();
    Ok(HttpResponse::Ok().json(RulesListAnswer { rules, next_cursor }))
}

/// A version of the rules of this name: the newest, or the one that a mark names.
#[utoipa::path(get, path = "/api/attendance-rules/{name}", tag = "attendance", operation_id = "get_rules",
    params(
        ("name" = String, Path, description = "`standard` for the rules of bookings that name none"),
        ("version" = Option<i64>, Query, description = "The newest without it")),
    responses((status = 200, body = RulesAnswer)))]
pub(super) async fn get(
    request: HttpRequest,
    front: web::Data<Front>,
    _caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let mut fields = Fields::from_query(request.query_string());
    let number = fields.integer(&["version"], 1..=i64::MAX);
    fields.finish()?;
    let (name, house) = (path.into_inner(), front.rules.clone());
    let rules: RulesView = front
        .read(move |conn| {
            let found = match number {
                None => rules::newest_version(conn, &name)?,
                Some(number) => rules::version(conn, &name, number)?,
            };
            let house = (name == house.name && number.is_none_or(|number| number == house.version))
                .then(|| house.into());
            found.map(RulesView::from).or(house).ok_or(ApiError::NotFound("set of rules"))
        })
        .await?;
    Ok(HttpResponse::Ok().insert_header(etag::tag(rules.version, 0)).json(RulesAnswer { rules }))
}

/// Writes a new version; marks that were made by an older one stay as they are.
#[utoipa::path(put, path = "/api/attendance-rules/{name}", tag = "attendance", operation_id = "put_rules",
    params(("name" = String, Path, description = "`standard` for the rules of bookings that name none"),
        ("If-Match" = Option<String>, Header, description = "Only if this is still the newest version")),
    request_body = RulesBody,
    responses((status = 201, body = RulesAnswer, description = "The first version"),
        (status = 200, body = RulesAnswer, description = "Another version, or the newest where it says the same")))]
pub(super) async fn put(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let name = checked_ref(path.into_inner())?;
    let mut fields = body.fields()?;
    let thresholds = thresholds::read(&mut fields);
    fields.finish()?;
    let now = front.clock.now().into();
    let precondition = Precondition::of(&request);
    let (known, version) = front
        .write(move |conn| {
            rules::lock(conn)?;
            let newest = rules::newest(conn, &name)?;
            let known = newest.is_some();
            precondition.check_found(newest.map(|newest| newest.version))?;
            Ok((known, rules::write(conn, &name, thresholds, &caller.subject, now)?))
        })
        .await?;
    let tag = etag::tag(version.rules.version, 0);
    let mut answer = if known { HttpResponse::Ok() } else { HttpResponse::Created() };
    Ok(answer.insert_header(tag).json(RulesAnswer { rules: version.into() }))
}
