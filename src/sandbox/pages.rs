//! Paging with `next_page_token`: opaque, good for fifteen minutes and for the same query only.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::account::Account;
use super::errors::ApiError;
use super::request::ApiRequest;
use crate::clock::Instant;
use crate::zoom::ids;

/// How long a token lives.
const TOKEN_LIFE_MINUTES: i64 = 15;
/// How many tokens are remembered; the oldest go first.
const TOKENS_MAX: usize = 10_000;
/// A page without `page_size`.
const DEFAULT_SIZE: usize = 30;
/// The length of Zoom's tokens.
const TOKEN_LENGTH: usize = 35;

/// Where a listing goes on.
#[derive(Debug)]
struct Cursor {
    listing: String,
    offset: usize,
    expires_at: Instant,
}

/// The tokens given out.
#[derive(Debug, Default)]
pub(super) struct Pages {
    cursors: HashMap<String, Cursor>,
}

impl Account {
    /// Cuts the page asked for out of `all` and puts it, under `name`, into an object with Zoom's paging fields.
    pub(super) fn page(
        &mut self,
        request: &ApiRequest,
        name: &str,
        most: usize,
        all: Vec<Value>,
    ) -> Result<Map<String, Value>, ApiError> {
        let size = match request.query("page_size") {
            None => DEFAULT_SIZE,
            Some(text) => {
                text.parse::<usize>().map_err(|_| ApiError::invalid_field("page_size"))?.clamp(1, most)
            }
        };
        let listing = fingerprint(request, name);
        let total = all.len();
        let offset = match (request.query("next_page_token"), request.query("page_number")) {
            (Some(token), _) => self.pages.resume(token, &listing, request.now)?,
            (None, Some(number)) => (number.parse::<usize>().unwrap_or(1).max(1) - 1) * size,
            (None, None) => 0,
        };
        let page: Vec<Value> = all.into_iter().skip(offset).take(size).collect();
        let next = offset + page.len();
        let token = if next < total {
            let token = ids::opaque(&mut self.rng, TOKEN_LENGTH);
            let expires_at = request.now + chrono::Duration::minutes(TOKEN_LIFE_MINUTES);
            self.pages.remember(token.clone(), Cursor { listing, offset: next, expires_at }, request.now);
            token
        } else {
            String::new()
        };
        Ok(Map::from_iter([
            ("next_page_token".to_owned(), json!(token)),
            ("page_count".to_owned(), json!(total.div_ceil(size))),
            ("page_size".to_owned(), json!(size)),
            ("total_records".to_owned(), json!(total)),
            (name.to_owned(), Value::Array(page)),
        ]))
    }
}

impl Pages {
    fn resume(&self, token: &str, listing: &str, now: Instant) -> Result<usize, ApiError> {
        let cursor = self.cursors.get(token).ok_or_else(ApiError::invalid_page_token)?;
        if cursor.listing == listing && now < cursor.expires_at {
            Ok(cursor.offset)
        } else {
            Err(ApiError::invalid_page_token())
        }
    }

    fn remember(&mut self, token: String, cursor: Cursor, now: Instant) {
        if self.cursors.len() >= TOKENS_MAX {
            self.cursors.retain(|_, known| known.expires_at > now);
        }
        if self.cursors.len() < TOKENS_MAX {
            self.cursors.insert(token, cursor);
        }
    }
}

/// What must stay the same from page to page.
fn fingerprint(request: &ApiRequest, name: &str) -> String {
    let params = request.params.iter().map(|(_, value)| value.as_str());
    let query = request
        .query
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "next_page_token" | "page_number"))
        .map(|(key, value)| format!("{key}={value}"));
    let parts: Vec<String> = params.map(str::to_owned).chain(query).collect();
    format!("{name} {}", parts.join("&"))
}
