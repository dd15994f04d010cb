//! A caller's HTTP client: whoever gets no answer asks again, with the same `Idempotency-Key`.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use convened::zoom::http::{self, Client, Method};
use serde_json::{Value, json};

/// How long a caller insists.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long an answer is waited for.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// The pause before asking again.
const AGAIN_AFTER: Duration = Duration::from_millis(15);
/// The daemon is full, or a machine that is busy with other seeds was slow to send: nothing was done.
const AGAIN: [u16; 2] = [503, 408];

/// The secret that callers' tokens are signed with.
pub(crate) const SECRET: &str = "a secret that only this rehearsal knows, 32 bytes";

/// Calls one daemon.
pub(crate) struct Api {
    http: Client,
    url: String,
    token: String,
}

/// A request that may be sent more than once.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    method: Method,
    path: String,
    body: Option<Value>,
    key: Option<String>,
    wait_secs: Option<u8>,
}

impl Request {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), body: None, key: None, wait_secs: None }
    }

    pub(crate) fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    /// With this `Idempotency-Key`.
    pub(crate) fn key(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    /// With `Prefer: wait`.
    pub(crate) fn wait(self, wait_secs: Option<u8>) -> Self {
        Self { wait_secs, ..self }
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// How often it was asked for; more than once when the daemon was killed meanwhile.
    pub(crate) tries: u32,
}

impl Answer {
    pub(crate) fn is_done(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The code of a refusal.
    pub(crate) fn code(&self) -> &str {
        self.body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default()
    }

    /// The text at `pointer`, such as `/appointment/id`.
    pub(crate) fn text(&self, pointer: &str) -> Option<String> {
        self.body.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.body.get("error").unwrap_or(&Value::Null);
        let tries = self.tries;
        match error {
            Value::Null => write!(f, "{} (try {tries})", self.status),
            error => write!(f, "{} (try {tries}) {error}", self.status),
        }
    }
}

impl Api {
    pub(crate) fn new(url: String) -> Result<Self> {
        // All rights and no end: the year 2100.
        let claims = json!({ "sub": "chaos", "role": "admin", "exp": 4_102_444_800_u64 });
        let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key)?;
        Ok(Self { http: http::client(ANSWER_WITHIN)?, url, token })
    }

    /// Asks until there is an answer: the daemon may be dead at the moment, or die with the answer on its way.
    pub(crate) async fn ask(&self, request: &Request) -> Result<Answer> {
        let began = Instant::now();
        let mut tries = 0;
        loop {
            tries += 1;
            let fault = match self.once(request).await {
                Ok((status, body)) if !AGAIN.contains(&status) => return Ok(Answer { status, body, tries }),
                Ok((status, body)) => format!("{status} {body}"),
                Err(error) => format!("{error:#}"),
            };
            if began.elapsed() > PATIENCE {
                bail!("no answer to {} {} within {PATIENCE:?}: {fault}", request.method, request.path);
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    async fn once(&self, request: &Request) -> Result<(u16, Value)> {
        let url = format!("{}{}", self.url, request.path);
        let mut sent = self.http.request(request.method.clone(), url).bearer_auth(&self.token);
        if let Some(key) = &request.key {
            sent = sent.header("Idempotency-Key", key);
        }
        if let Some(secs) = request.wait_secs {
            sent = sent.header("Prefer", format!("wait={secs}"));
        }
        if let Some(body) = &request.body {
            sent = sent.json(body);
        }
        let answer = sent.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// What is at `path`.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.ask(&Request::new(Method::GET, path)).await?;
        if !answer.is_done() {
            bail!("GET {path}: {answer}");
        }
        Ok(answer.body)
    }

    /// Puts `body` there.
    pub(crate) async fn put(&self, path: &str, body: Value) -> Result<()> {
        let answer = self.ask(&Request::new(Method::PUT, path).body(body)).await?;
        if !answer.is_done() {
            bail!("PUT {path}: {answer}");
        }
        Ok(())
    }

    /// Everything in a list, page by page.
    pub(crate) async fn list(&self, path: &str, name: &str) -> Result<Vec<Value>> {
        let (mut all, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let at = cursor.map_or_else(String::new, |cursor| {
                let cursor: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
                format!("&cursor={cursor}")
            });
            let page = self.get(&format!("{path}?limit=200{at}")).await?;
            let rows =
                page.get(name).and_then(Value::as_array).with_context(|| format!("{path} has no {name}"))?;
            all.extend(rows.iter().cloned());
            cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            if cursor.is_none() {
                return Ok(all);
            }
        }
    }
}
