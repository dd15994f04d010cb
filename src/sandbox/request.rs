//! A request to the simulated API as its handlers see it, and what they answer.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::errors::ApiError;
use crate::clock::Instant;
use crate::zoom::ids;

/// A request that found its endpoint and showed a valid token.
#[derive(Debug)]
pub(super) struct ApiRequest {
    /// The raw, still encoded values of the path's placeholders.
    pub(super) params: Vec<(&'static str, String)>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: bytes::Bytes,
    /// The user the token stands for; none for an account token.
    pub(super) subject: Option<String>,
    /// The sandbox's time at arrival.
    pub(super) now: Instant,
    /// Settings that a fault lets Zoom ignore silently; `*` for all.
    pub(super) dropped_settings: Vec<String>,
}

impl ApiRequest {
    /// A placeholder of the path, as it came.
    pub(super) fn raw_param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// A placeholder of the path, decoded.
    pub(super) fn param(&self, name: &str) -> String {
        let [once, _] = ids::decoded_candidates(self.raw_param(name));
        once
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.query(name) == Some("true")
    }

    /// The body as an object; an empty body is an error, as at Zoom.
    pub(super) fn object(&self) -> Result<Map<String, Value>, ApiError> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            _ => Err(ApiError::invalid_json()),
        }
    }
}

/// What a handler answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Nothing for a 204.
    pub(super) body: Option<Value>,
    /// The meeting it was about, for the ledger.
    pub(super) meeting: Option<u64>,
}

/// What a handler returns.
pub(super) type Outcome = Result<Answer, ApiError>;

impl Answer {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, body: Some(body), meeting: None }
    }

    pub(super) fn created(body: Value) -> Self {
        Self { status: 201, ..Self::ok(body) }
    }

    /// 204 without a body.
    pub(super) fn done() -> Self {
        Self { status: 204, body: None, meeting: None }
    }

    pub(super) fn about(self, meeting: u64) -> Self {
        Self { meeting: Some(meeting), ..self }
    }
}
