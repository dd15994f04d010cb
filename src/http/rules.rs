//! The rules of attendance: `/api/attendance-rules/{name}`.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use super::Front;
use super::auth::Caller;
use super::body::JsonBody;
use super::error::{ApiError, FieldFault};
use super::people::checked_ref;
use super::validate::Fields;
use crate::domain::rules::{Rules, Thresholds};
use crate::store::rules::{self, STANDARD};

/// Thresholds to be written; those left out keep their default.
#[derive(Debug, Clone, ToSchema)]
pub struct RulesBody {
    /// Present from this many minutes on…
    pub present_after_minutes: Option<i64>,
    /// …or from this share of the effective window on, whichever is less.
    pub present_share: Option<f64>,
    /// Late when the first admission is more than this many minutes after the effective start.
    pub late_after_minutes: Option<i64>,
    /// Left early when gone more than this many minutes before the effective end.
    pub left_early_minutes: Option<i64>,
    /// The host is late when the first of them comes more than this many minutes after the planned start.
    pub host_late_minutes: Option<i64>,
}

/// A version of rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulesView {
    /// Their name.
    pub name: String,
    /// Their version; every change makes a new one.
    pub version: i64,
    /// Present from this many minutes on…
    pub present_after_minutes: i64,
    /// …or from this share of the effective window on, whichever is less.
    pub present_share: f64,
    /// Late when the first admission is more than this many minutes after the effective start.
    pub late_after_minutes: i64,
    /// Left early when gone more than this many minutes before the effective end.
    pub left_early_minutes: i64,
    /// The host is late when the first of them comes more than this many minutes after the planned start.
    pub host_late_minutes: i64,
}

impl From<Rules> for RulesView {
    fn from(rules: Rules) -> Self {
        Self {
            name: rules.name,
            version: rules.version,
            present_after_minutes: rules.thresholds.present_after_minutes,
            present_share: rules.thresholds.present_share,
            late_after_minutes: rules.thresholds.late_after_minutes,
            left_early_minutes: rules.thresholds.left_early_minutes,
            host_late_minutes: rules.thresholds.host_late_minutes,
        }
    }
}

/// One set of rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulesAnswer {
    /// The newest version.
    pub rules: RulesView,
}

/// The newest version of the rules of this name.
#[utoipa::path(get, path = "/api/attendance-rules/{name}", tag = "attendance", operation_id = "get_rules",
    params(("name" = String, Path, description = "`standard` for the rules of bookings that name none")),
    responses((status = 200, body = RulesAnswer)))]
pub(super) async fn get(
    front: web::Data<Front>,
    _caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let name = path.into_inner();
    let standard = (name == STANDARD).then(|| front.rules.clone());
    let newest = front.read(move |conn| Ok(rules::newest(conn, &name)?)).await?;
    let rules = newest.or(standard).ok_or(ApiError::NotFound("set of rules"))?;
    Ok(HttpResponse::Ok().json(RulesAnswer { rules: rules.into() }))
}

/// Writes a new version; marks that were made by an older one stay as they are.
#[utoipa::path(put, path = "/api/attendance-rules/{name}", tag = "attendance", operation_id = "put_rules",
    params(("name" = String, Path, description = "`standard` for the rules of bookings that name none")),
    request_body = RulesBody, responses((status = 200, body = RulesAnswer)))]
pub(super) async fn put(
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let name = checked_ref(path.into_inner())?;
    let thresholds = read(body.fields()?)?;
    let now = front.clock.now().into();
    let rules = front.write(move |conn| Ok(rules::write(conn, &name, thresholds, now)?)).await?;
    Ok(HttpResponse::Ok().json(RulesAnswer { rules: rules.into() }))
}

fn read(mut fields: Fields) -> Result<Thresholds, ApiError> {
    let minutes = |fields: &mut Fields, name| fields.integer(&[name], 0..=1440);
    let default = Thresholds::default();
    let share = fields.take(&["present_share"]).and_then(|value| {
        let share = value.as_number().and_then(Number::as_f64);
        if share.is_none() {
            fields.fault("present_share", "must be a number from 0 to 1");
        }
        share
    });
    let thresholds = Thresholds {
        present_after_minutes: minutes(&mut fields, "present_after_minutes")
            .unwrap_or(default.present_after_minutes),
        present_share: share.unwrap_or(default.present_share),
        late_after_minutes: minutes(&mut fields, "late_after_minutes").unwrap_or(default.late_after_minutes),
        left_early_minutes: minutes(&mut fields, "left_early_minutes").unwrap_or(default.left_early_minutes),
        host_late_minutes: minutes(&mut fields, "host_late_minutes").unwrap_or(default.host_late_minutes),
    };
    fields.finish()?;
    thresholds.validate().map_err(|faults| {
        let faults = faults.into_iter().map(|fault| FieldFault::new(fault.field, fault.message));
        ApiError::Validation(faults.collect())
    })?;
    Ok(thresholds)
}
