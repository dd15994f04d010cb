//! Reports: available a while after the end, for paid accounts, for meetings of two and more.

use serde_json::{Value, json};

use super::account::Account;
use super::errors::ApiError;
use super::model::{Plan, SandboxInstance};
use super::past;
use super::request::{Answer, ApiRequest, Outcome};

/// The instance the path names, once its report exists.
fn reported<'a>(account: &'a Account, request: &ApiRequest) -> Result<&'a SandboxInstance, ApiError> {
    if account.settings.plan == Plan::Free {
        return Err(ApiError::paid_accounts_only(&account.account_id));
    }
    let instance = past::ended(account, request, ApiError::no_report)?;
    if past::people(instance) < 2 || !past::counted(account, instance, request.now) {
        return Err(ApiError::no_report(&request.param("meetingId")));
    }
    Ok(instance)
}

/// `GET /report/meetings/{meetingId}`
pub(super) fn meeting(account: &mut Account, request: &ApiRequest) -> Outcome {
    let instance = reported(account, request)?;
    Ok(Answer::ok(past::details(account, instance, request.now)).about(instance.number))
}

/// `GET /report/meetings/{meetingId}/participants`
pub(super) fn participants(account: &mut Account, request: &ApiRequest) -> Outcome {
    let instance = reported(account, request)?;
    let number = instance.number;
    let with_registrant = past::wants_registrant_id(request);
    let mut rows = Vec::new();
    for row in past::sorted(instance) {
        let mut view = serde_json::to_value(&row).unwrap_or_default();
        if let Some(view) = view.as_object_mut() {
            view.entry("status").or_insert_with(|| json!("in_meeting"));
            if with_registrant {
                view.entry("registrant_id").or_insert_with(|| json!(""));
            } else {
                view.remove("registrant_id");
            }
        }
        rows.push(view);
    }
    let page = account.page(request, "participants", past::PAGE_MAX, rows)?;
    Ok(Answer::ok(Value::Object(page)).about(number))
}
