//! Licences and features of many users at once: `POST /users/features`, with success in part.

use std::collections::BTreeMap;
use std::time::Instant as RealInstant;

use serde_json::{Value, json};

use super::account::Account;
use super::errors::ApiError;
use super::model::{LICENSED, Plan};
use super::request::{Answer, ApiRequest, Outcome};
use super::users;

/// The most users of one request.
const USERS_MAX: usize = 30;

/// `POST /users/features`
pub(super) fn set_features(account: &mut Account, request: &ApiRequest) -> Outcome {
    if account.settings.plan == Plan::Free {
        return Err(ApiError::new(400, 200, "Current account must be a paid account."));
    }
    account.counted(request.now, |limits, _| limits.take_features(RealInstant::now()))?;
    let body = request.object()?;
    let text = |name: &'static str| {
        body.get(name).and_then(Value::as_str).ok_or_else(|| ApiError::missing_field(name))
    };
    let (feature, value) = (text("feature_type")?, text("feature_value")?);
    let targets =
        body.get("users").and_then(Value::as_array).ok_or_else(|| ApiError::missing_field("users"))?;
    if targets.is_empty() || targets.len() > USERS_MAX {
        return Err(ApiError::invalid_field("users"));
    }
    let mut succeeded = Vec::new();
    let mut failed: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for target in targets {
        let named = |name: &str| target.get(name).and_then(Value::as_str);
        let key = named("id").or_else(|| named("email")).unwrap_or_default();
        match set_feature(account, request, key, feature, value)? {
            Ok(id) => succeeded.push(id),
            Err(reason) => failed.entry(reason).or_default().push(key.to_owned()),
        }
    }
    let details: Vec<Value> = failed
        .into_iter()
        .map(|(reason, user_ids)| json!({"user_ids": user_ids, "reason": reason}))
        .collect();
    Ok(Answer::created(json!({"success_user_ids": succeeded, "fail_details": details})))
}

/// Sets one feature of one user: the user's id, or the reason why not.
fn set_feature(
    account: &mut Account,
    request: &ApiRequest,
    key: &str,
    feature: &str,
    value: &str,
) -> Result<Result<String, &'static str>, ApiError> {
    let Some(before) = account.user(key).cloned() else { return Ok(Err("Users not found")) };
    let mut after = before.clone();
    match feature {
        "user_type" => {
            let kind = value.parse().ok().filter(|kind| users::KINDS.contains(kind));
            after.kind = kind.ok_or_else(|| ApiError::invalid_field("feature_value"))?;
            if after.kind == before.kind {
                return Ok(Err("No need to update"));
            }
            if after.kind == LICENSED && !account.seat_free() {
                return Ok(Err("Not enough seats"));
            }
        }
        "concurrent_meeting" | "large_meeting" | "webinar" => {
            let group = after.settings.entry("feature").or_insert_with(|| json!({}));
            if let Some(group) = group.as_object_mut() {
                group.insert(feature.to_owned(), json!(value));
            }
        }
        _ => return Err(ApiError::invalid_field("feature_type")),
    }
    users::store(account, request, &before, after);
    Ok(Ok(before.id))
}
