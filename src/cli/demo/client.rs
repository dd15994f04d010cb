//! The demo's HTTP client: a calling system that talks to the daemon as any other would.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::zoom::http::{self, Client, Method};

/// How long one answer may take; the longest are those that wait for Zoom.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How long something may take to become true before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(40);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Calls the daemon with a token.
#[derive(Debug, Clone)]
pub(super) struct Api {
    http: Client,
    url: String,
    token: String,
}

impl Api {
    pub(super) fn new(url: &str, token: &str) -> anyhow::Result<Self> {
        let http = http::client(ANSWER_WITHIN)?;
        Ok(Self { http, url: url.to_owned(), token: token.to_owned() })
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    pub(super) async fn put(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(super) async fn patch(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.call(Method::PATCH, path, Some(body)).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let what = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        if let Some(body) = &body {
            // Writes wait for Zoom, so that each step of the demo is finished when it is told.
            request = request.header("Prefer", "wait=15").json(body);
        }
        let answer = request.send().await.with_context(|| what.clone())?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| what.clone())?;
        if !status.is_success() {
            bail!("{what}: {status}: {text}");
        }
        if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&text).context(what) }
    }

    /// Looks at `path` until `found` finds something in the answer. A daemon that is just being started again is
    /// waited for.
    pub(super) async fn until<T>(
        &self,
        path: &str,
        what: &str,
        found: impl Fn(&Value) -> Option<T>,
    ) -> anyhow::Result<T> {
        let mut last = String::new();
        let looking = async {
            loop {
                match self.get(path).await {
                    Ok(answer) => match found(&answer) {
                        Some(thing) => return thing,
                        None => last = answer.to_string(),
                    },
                    Err(error) => last = format!("{error:#}"),
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(thing) => Ok(thing),
            Err(_) => bail!("waited {} s for {what}; last seen: {last}", PATIENCE.as_secs()),
        }
    }
}

/// The text at `pointer`, such as `/appointment/id`.
pub(super) fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    Ok(found.with_context(|| format!("the answer has no {pointer}: {value}"))?.to_owned())
}
