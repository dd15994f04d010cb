//! The switches of the sandbox: where Zoom's behaviour is disputed, or a rehearsal needs it otherwise.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::Plan;

/// Whether a new account token ends the earlier ones; sources disagree about Zoom.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenMode {
    /// All tokens live until they expire.
    #[default]
    Multi,
    /// A new token ends the one before.
    Single,
}

/// The switches; `PUT /sandbox/settings` lays a part of them over the present ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The plan, which decides the limits.
    pub plan: Plan,
    /// Whether the limits per second and per day are enforced.
    pub limits: bool,
    /// Meeting creates and updates a day for each host.
    pub host_daily_limit: u32,
    /// Whether a new account token ends the earlier ones.
    pub token_mode: TokenMode,
    /// How long an access token lives.
    pub token_ttl_secs: u32,
    /// The scopes of new tokens; without a list, everything is allowed.
    pub scopes: Option<Vec<String>>,
    /// Who consents at the authorization page; the account's owner otherwise.
    pub consent_user: Option<String>,
    /// How many licensed users the account may have.
    pub seats: u32,
    /// After how many minutes the meetings of Basic hosts end; never without a number.
    pub basic_minutes: Option<u32>,
    /// How long after the end the report appears, on the sandbox's clock.
    pub report_delay_secs: u32,
    /// How long a new meeting is missing from lists, on the sandbox's clock.
    pub list_lag_secs: u32,
    /// Whether meetings get a passcode when none is given.
    pub default_passcode: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            plan: Plan::Business,
            limits: true,
            host_daily_limit: 100,
            token_mode: TokenMode::Multi,
            token_ttl_secs: 3_600,
            scopes: None,
            consent_user: None,
            seats: 1_000,
            basic_minutes: Some(40),
            report_delay_secs: 300,
            list_lag_secs: 0,
            default_passcode: true,
        }
    }
}

impl Settings {
    /// These settings with a part of them replaced.
    pub fn with(&self, part: &Value) -> Result<Self, serde_json::Error> {
        let mut whole = serde_json::to_value(self)?;
        if let (Some(whole), Some(part)) = (whole.as_object_mut(), part.as_object()) {
            whole.extend(part.clone());
        }
        serde_json::from_value(whole)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_is_laid_over_the_rest_and_unknown_names_are_refused() {
        let changed = Settings::default().with(&json!({"token_mode": "single", "plan": "free"})).unwrap();
        assert_eq!((changed.token_mode, changed.plan), (TokenMode::Single, Plan::Free));
        assert_eq!(changed.report_delay_secs, Settings::default().report_delay_secs);
        assert!(Settings::default().with(&json!({"no_such": 1})).is_err());
    }
}
