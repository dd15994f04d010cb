//! Injected faults: what the network and Zoom do to a client on a bad day.

use rand::RngExt;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::endpoints::Endpoint;
use super::errors::ApiError;
use super::limits::Refusal;
use crate::clock::Instant;

/// How many rules there may be.
const RULES_MAX: usize = 1_000;

/// A fault and where it strikes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultRule {
    /// `POST /users/{userId}/meetings`, a method alone (`POST`), `POST /oauth/token`, or `*`.
    #[serde(default = "everywhere")]
    pub endpoint: String,
    /// How many times it strikes; without, as long as the rule stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How many matching requests to let pass first.
    #[serde(default)]
    pub skip: u32,
    /// Of how many requests it strikes, 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
    /// What happens.
    #[serde(flatten)]
    pub fault: Fault,
}

fn everywhere() -> String {
    "*".to_owned()
}

fn always() -> f64 {
    1.0
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// It is done, and the connection closes without an answer.
    LoseAnswer,
    /// The connection closes and nothing is done.
    LoseRequest,
    /// It is counted when it arrives, waits so long in real time, and is done only then.
    Delay {
        /// How long.
        millis: u64,
    },
    /// It is done, and the answer is a server error all the same.
    ErrorAfter {
        /// 500, 502, 503, 504.
        status: u16,
    },
    /// Nothing is done, and the answer is a server error.
    ErrorBefore {
        /// 500, 502, 503, 504.
        status: u16,
    },
    /// Nothing is done, and a gateway answers 502 with a page.
    HtmlGateway,
    /// Nothing is done: one too many.
    RateLimit {
        /// Which limit.
        limit: LimitKind,
    },
    /// The token counts as expired.
    TokenExpired,
    /// The token counts as unknown.
    TokenInvalid,
    /// The app's credentials are refused and its tokens with them.
    CredentialsRevoked,
    /// What is there is not found.
    FalseNotFound,
    /// A create or update is done without these settings; without names, without any.
    DropSettings {
        /// Their names.
        #[serde(default)]
        names: Vec<String>,
    },
    /// The token of the next page is not taken any more.
    PageTokenExpired,
    /// It is done, and the answer is laid over with this, field by field; a null takes a field away.
    RewriteAnswer {
        /// The other fields.
        with: Value,
    },
    /// It is done, and the answer is this text.
    Garble {
        /// 200, 403 and the like.
        status: u16,
        /// The text, whatever it is.
        body: String,
    },
}

/// The limit that is said to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// Per second.
    PerSecond,
    /// The daily pool.
    Daily,
    /// The host's hundred a day.
    Host,
    /// The registrant's three a day.
    Registrant,
    /// A lock.
    Lock,
}

impl Fault {
    /// As the ledger names it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::LoseAnswer => "lose_answer",
            Self::LoseRequest => "lose_request",
            Self::Delay { .. } => "delay",
            Self::ErrorAfter { .. } => "error_after",
            Self::ErrorBefore { .. } => "error_before",
            Self::HtmlGateway => "html_gateway",
            Self::RateLimit { .. } => "rate_limit",
            Self::TokenExpired => "token_expired",
            Self::TokenInvalid => "token_invalid",
            Self::CredentialsRevoked => "credentials_revoked",
            Self::FalseNotFound => "false_not_found",
            Self::DropSettings { .. } => "drop_settings",
            Self::PageTokenExpired => "page_token_expired",
            Self::RewriteAnswer { .. } => "rewrite_answer",
            Self::Garble { .. } => "garble",
        }
    }

    /// The error that stands in for the work, for faults that are one.
    pub(super) fn refusal(&self, endpoint: &Endpoint, key: &str, now: Instant) -> Option<ApiError> {
        Some(match self {
            Self::TokenExpired => ApiError::expired_token(),
            Self::TokenInvalid | Self::CredentialsRevoked => ApiError::invalid_token(),
            Self::FalseNotFound => (endpoint.missing)(key),
            Self::PageTokenExpired => ApiError::invalid_page_token(),
            Self::RateLimit { limit } => ApiError::too_many(&limit.refusal(key), now),
            _ => return None,
        })
    }
}

/// Lays `with` over `answer`, field by field; a null takes a field away (RFC 7396).
pub(super) fn lay_over(answer: &mut Value, with: &Value) {
    let Value::Object(fields) = with else {
        answer.clone_from(with);
        return;
    };
    if !answer.is_object() {
        *answer = Value::Object(Map::new());
    }
    let Some(object) = answer.as_object_mut() else { return };
    for (name, value) in fields {
        if value.is_null() {
            object.remove(name);
        } else {
            lay_over(object.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

impl LimitKind {
    fn refusal(self, key: &str) -> Refusal {
        match self {
            Self::PerSecond => Refusal::PerSecond,
            Self::Daily => Refusal::Daily,
            Self::Host => Refusal::Host { limit: 100 },
            Self::Registrant => Refusal::Registrant { email: key.to_owned(), limit: 3 },
            Self::Lock => Refusal::Locked,
        }
    }
}

/// A rule that stands.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Standing {
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) rule: FaultRule,
    pub(super) struck: u32,
}

/// The rules that stand.
#[derive(Debug, Default)]
pub(super) struct Faults {
    rules: Vec<Standing>,
    last: u64,
}

impl Faults {
    pub(super) fn add(&mut self, rule: FaultRule) -> u64 {
        if self.rules.len() >= RULES_MAX {
            self.rules.remove(0);
        }
        self.last += 1;
        self.rules.push(Standing { id: self.last, rule, struck: 0 });
        self.last
    }

    pub(super) fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|standing| standing.id != id);
        self.rules.len() < before
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    pub(super) fn standing(&self) -> &[Standing] {
        &self.rules
    }

    /// The faults that strike this request, in the order of their rules.
    pub(super) fn strike(&mut self, method: &str, endpoint: &str, rng: &mut StdRng) -> Vec<Fault> {
        let mut struck = Vec::new();
        for standing in &mut self.rules {
            let rule = &mut standing.rule;
            let here = rule.endpoint == "*" || rule.endpoint == endpoint || rule.endpoint == method;
            if !here || rule.count.is_some_and(|count| standing.struck >= count) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if rule.probability >= 1.0 || rng.random_bool(rule.probability.clamp(0.0, 1.0)) {
                standing.struck += 1;
                struck.push(rule.fault.clone());
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_strikes_where_it_stands_and_as_often_as_it_says() {
        let mut faults = Faults::default();
        let rule = json!({"endpoint": "POST /x", "fault": "lose_answer", "count": 1, "skip": 1});
        faults.add(serde_json::from_value(rule).unwrap());
        let mut rng = StdRng::seed_from_u64(1);
        assert!(faults.strike("GET", "GET /x", &mut rng).is_empty());
        assert!(faults.strike("POST", "POST /x", &mut rng).is_empty(), "the first passes");
        assert_eq!(faults.strike("POST", "POST /x", &mut rng), [Fault::LoseAnswer]);
        assert!(faults.strike("POST", "POST /x", &mut rng).is_empty(), "once only");
    }

    #[test]
    fn an_answer_is_laid_over_field_by_field() {
        let mut answer = json!({"a": 1, "b": {"c": 2, "d": 3}, "e": 4});
        lay_over(&mut answer, &json!({"a": "x", "b": {"c": null}, "e": null, "f": [1]}));
        assert_eq!(answer, json!({"a": "x", "b": {"d": 3}, "f": [1]}));
    }

    #[test]
    fn a_probability_strikes_sometimes() {
        let mut faults = Faults::default();
        faults
            .add(serde_json::from_value(json!({"fault": "delay", "millis": 5, "probability": 0.5})).unwrap());
        let mut rng = StdRng::seed_from_u64(1);
        let struck = (0..100).filter(|_| !faults.strike("GET", "GET /x", &mut rng).is_empty()).count();
        assert!((20..80).contains(&struck), "{struck}");
    }
}
