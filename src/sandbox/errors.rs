//! Zoom's error answers, in Zoom's words.
//!
//! The words matter: some errors share a code and differ only in the message, and published clients match on it.

use serde_json::{Value, json};

use super::limits::Refusal;
use crate::clock::Instant;

/// A refused request: what the answer will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: u16,
    pub(super) code: i64,
    pub(super) message: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl ApiError {
    pub(super) fn new(status: u16, code: i64, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: Vec::new(), headers: Vec::new() }
    }

    pub(super) fn body(&self) -> Value {
        let mut body = json!({"code": self.code, "message": self.message});
        if let (Some(body), false) = (body.as_object_mut(), self.fields.is_empty()) {
            let fields: Vec<_> = self
                .fields
                .iter()
                .map(|(field, message)| json!({"field": field, "message": message}))
                .collect();
            body.insert("errors".to_owned(), Value::Array(fields));
        }
        body
    }

    pub(super) fn invalid_token() -> Self {
        Self::new(401, 124, "Invalid access token.")
    }

    pub(super) fn expired_token() -> Self {
        Self::new(401, 124, "Access token is expired.")
    }

    pub(super) fn scope_missing(scope: &str) -> Self {
        Self::new(400, 4711, format!("Invalid access token, does not contain scopes:[{scope}]."))
    }

    pub(super) fn unknown_route() -> Self {
        Self::new(404, 2300, "This API endpoint is not recognized.")
    }

    pub(super) fn invalid_json() -> Self {
        Self::new(400, 300, "Request Body should be a valid JSON object.")
    }

    /// One field at fault.
    pub(super) fn invalid_field(field: &str) -> Self {
        Self::invalid_fields(vec![(field.to_owned(), "Invalid field.".to_owned())])
    }

    pub(super) fn missing_field(field: &str) -> Self {
        Self::invalid_fields(vec![(field.to_owned(), "Missing field.".to_owned())])
    }

    pub(super) fn invalid_fields(fields: Vec<(String, String)>) -> Self {
        Self { fields, ..Self::new(400, 300, "Validation Failed.") }
    }

    pub(super) fn invalid_page_token() -> Self {
        Self::new(400, 300, "The next page token is invalid or expired.")
    }

    pub(super) fn no_user(key: &str) -> Self {
        Self::new(404, 1001, format!("User does not exist: {key}."))
    }

    pub(super) fn no_meeting(key: &str) -> Self {
        Self::new(404, 3001, format!("Meeting does not exist: {key}."))
    }

    /// The reports word it differently, with two spaces.
    pub(super) fn no_report(key: &str) -> Self {
        Self::new(404, 3001, format!("Meeting  {key} not found or has expired."))
    }

    pub(super) fn no_recording() -> Self {
        Self::new(404, 3301, "There is no recording for this meeting.")
    }

    pub(super) fn cannot_host() -> Self {
        Self::new(400, 3161, "Your user account is not allowed meeting hosting and scheduling capabilities.")
    }

    pub(super) fn paid_users_only(user: &str) -> Self {
        Self::new(400, 200, format!("Only available for Paid user: {user}."))
    }

    pub(super) fn paid_accounts_only(account: &str) -> Self {
        Self::new(400, 200, format!("Only available for Paid or ZMP account: {account}."))
    }

    pub(super) fn registration_off(number: u64) -> Self {
        Self::new(400, 300, format!("Registration has not been enabled for this meeting: {number}."))
    }

    pub(super) fn out_of_seats() -> Self {
        Self::new(400, 2034, "You do not have enough licenses for this user type.")
    }

    /// The five kinds of "too many"; their headers differ as much as their words.
    pub(super) fn too_many(refusal: &Refusal, now: Instant) -> Self {
        let limited = |message: String| Self::new(429, 429, message);
        match refusal {
            Refusal::PerSecond => {
                let mut error = limited(
                    "You have reached the maximum per-second rate limit for this API. Try again later."
                        .to_owned(),
                );
                error.headers.push(("X-RateLimit-Type", "QPS".to_owned()));
                error
            }
            Refusal::Daily => {
                let mut error = limited(
                    "You have reached the maximum daily rate limit for this API. Refer to the response header for \
                     details on when you can make another request."
                        .to_owned(),
                );
                error.headers.push(("X-RateLimit-Type", "Daily-limit".to_owned()));
                let midnight = now.date_naive().succ_opt().unwrap_or_default();
                error.headers.push(("Retry-After", format!("{midnight}T00:00:00Z")));
                error
            }
            Refusal::Host { limit } => limited(format!(
                "You have exceeded the daily rate limit ({limit}) of Meeting Create/Update API requests permitted for \
                 this particular user. You may resume these requests at GMT 00:00:00."
            )),
            Refusal::Registrant { email, limit } => {
                let mut error = limited(format!(
                    "You have exceeded the daily rate limit of ({limit}) for Add a meeting registrant API requests \
                     for the registrant ({email}). You can resume these API requests at GMT 00:00:00."
                ));
                error.headers.push(("X-RateLimit-Limit", limit.to_string()));
                error
            }
            Refusal::Locked => limited(
                "Too many concurrent requests. A request to disassociate this user has already been made."
                    .to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_errors_are_listed_and_plain_errors_have_no_list() {
        let listed = ApiError::missing_field("user_info.type").body();
        assert_eq!(listed["errors"][0]["field"], "user_info.type");
        assert_eq!(
            ApiError::invalid_token().body(),
            json!({"code": 124, "message": "Invalid access token."})
        );
    }

    #[test]
    fn only_the_daily_pool_says_when_to_come_back() {
        let now = chrono::DateTime::from_timestamp(1_737_300_000, 0).unwrap();
        let daily = ApiError::too_many(&Refusal::Daily, now);
        assert!(daily.headers.contains(&("Retry-After", "2025-01-20T00:00:00Z".to_owned())));
        assert!(ApiError::too_many(&Refusal::Host { limit: 100 }, now).headers.is_empty());
    }
}
