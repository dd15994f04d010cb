//! One request and its answer: faults strike, the work is done, the ledger is written, the answer goes out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use serde_json::{Value, json};

use super::account::Account;
use super::faults::{Fault, lay_over};
use super::ledger::LedgerEntry;
use super::limits::Refusal;
use super::state::SandboxState;
use crate::clock::Instant;
use crate::zoom::ids;

/// A request as it came in.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) method: String,
    /// Undecoded.
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: Bytes,
    pub(super) authorization: Option<String>,
    pub(super) now: Instant,
}

impl Arrival {
    pub(super) fn read(state: &SandboxState, request: &HttpRequest, body: Bytes) -> Self {
        let authorization = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        Self {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: request.query_string().to_owned(),
            body,
            authorization: authorization.map(str::to_owned),
            now: state.now(),
        }
    }

    /// The token of `Authorization: Bearer …`.
    pub(super) fn bearer(&self) -> Option<&str> {
        self.authorization.as_deref()?.strip_prefix("Bearer ").map(str::trim)
    }
}

/// What is to be answered.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Option<Value>,
    pub(super) headers: Vec<(&'static str, String)>,
    /// Zoom's error number.
    pub(super) code: Option<i64>,
    /// The meeting it was about.
    pub(super) meeting: Option<u64>,
}

/// Lets the faults of `endpoint` strike around `work` and answers.
pub(super) async fn exchange(
    state: &SandboxState,
    arrival: Arrival,
    endpoint: Option<&'static str>,
    work: impl FnOnce(&mut Account, &Arrival, &[Fault]) -> Reply + 'static,
) -> HttpResponse {
    exchange_admitted(
        state,
        arrival,
        endpoint,
        None,
        |_, _, _| Ok(()),
        |account, arrival, faults, ()| work(account, arrival, faults),
    )
    .await
}

/// As [`exchange`], with a question at the door: `admit` is asked when the request arrives, also where a fault then
/// holds it up, because Zoom counts what arrives. Its refusal is the answer; what it gives, `work` gets.
///
/// It goes on when the caller hangs up, as Zoom does: who waits too little does not know what was done.
pub(super) async fn exchange_admitted<T: 'static>(
    state: &SandboxState,
    arrival: Arrival,
    endpoint: Option<&'static str>,
    lock: Option<Lock>,
    admit: impl FnOnce(&mut Account, &Arrival, &[Fault]) -> Result<T, Reply> + 'static,
    work: impl FnOnce(&mut Account, &Arrival, &[Fault], T) -> Reply + 'static,
) -> HttpResponse {
    let state = state.clone();
    let exchanged = actix_web::rt::spawn(async move {
        let response = answer(&state, arrival, endpoint, admit, work).await;
        drop(lock);
        response
    });
    exchanged.await.unwrap_or_else(|_| HttpResponse::InternalServerError().finish())
}

/// Holds a lock until it is dropped.
pub(super) struct Lock {
    state: SandboxState,
    key: String,
}

impl Lock {
    pub(super) fn take(state: &SandboxState, key: String) -> Result<Self, Refusal> {
        state.account().limits.lock(&key)?;
        Ok(Self { state: state.clone(), key })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.state.account().limits.unlock(&self.key);
    }
}

async fn answer<T>(
    state: &SandboxState,
    arrival: Arrival,
    endpoint: Option<&'static str>,
    admit: impl FnOnce(&mut Account, &Arrival, &[Fault]) -> Result<T, Reply>,
    work: impl FnOnce(&mut Account, &Arrival, &[Fault], T) -> Reply,
) -> HttpResponse {
    let (faults, tracking_id, instead, admitted) = {
        let account = &mut *state.account();
        let faults = account.faults.strike(&arrival.method, endpoint.unwrap_or_default(), &mut account.rng);
        let instead = instead(&faults);
        // What never got as far as Zoom's counters asks for nothing.
        let admitted = instead.is_none().then(|| admit(account, &arrival, &faults));
        (faults, tracking_id(account), instead, admitted)
    };
    wait(&faults).await;
    let mut entry = entry(&arrival, endpoint, &faults, &tracking_id);
    let (None, Some(admitted)) = (&instead, admitted) else {
        let instead = instead.unwrap_or(Instead::Nothing);
        entry.answered = !matches!(instead, Instead::Nothing);
        state.account().ledger.record(entry);
        return instead.into_response(&tracking_id);
    };
    let reply = {
        let account = &mut *state.account();
        let mut reply = admitted.map_or_else(|no| no, |admitted| work(account, &arrival, &faults, admitted));
        rewrite(&mut reply, &faults);
        (entry.status, entry.code, entry.meeting) = (Some(reply.status), reply.code, reply.meeting);
        entry.answered = !faults.contains(&Fault::LoseAnswer);
        account.ledger.record(entry);
        reply
    };
    match faults.iter().find_map(after) {
        Some(instead) => instead.into_response(&tracking_id),
        None => respond(reply, &tracking_id),
    }
}

async fn wait(faults: &[Fault]) {
    for fault in faults {
        if let Fault::Delay { millis } = fault {
            tokio::time::sleep(Duration::from_millis(*millis)).await;
        }
    }
}

/// An answer that is not the work's.
enum Instead {
    Nothing,
    Error(u16),
    Page,
    Text(u16, String),
}

/// Lays over an answer what the faults say of it.
fn rewrite(reply: &mut Reply, faults: &[Fault]) {
    for fault in faults {
        if let Fault::RewriteAnswer { with } = fault {
            lay_over(reply.body.get_or_insert(Value::Null), with);
        }
    }
}

/// What stands in for the work.
fn instead(faults: &[Fault]) -> Option<Instead> {
    faults.iter().find_map(|fault| match fault {
        Fault::LoseRequest => Some(Instead::Nothing),
        Fault::ErrorBefore { status } => Some(Instead::Error(*status)),
        Fault::HtmlGateway => Some(Instead::Page),
        _ => None,
    })
}

/// What stands in for the answer of work that was done.
fn after(fault: &Fault) -> Option<Instead> {
    match fault {
        Fault::LoseAnswer => Some(Instead::Nothing),
        Fault::ErrorAfter { status } => Some(Instead::Error(*status)),
        Fault::Garble { status, body } => Some(Instead::Text(*status, body.clone())),
        _ => None,
    }
}

impl Instead {
    fn into_response(self, tracking_id: &str) -> HttpResponse {
        match self {
            Self::Nothing => cut_connection(),
            Self::Error(status) => {
                let body = json!({"code": status, "message": "Internal Server Error"});
                respond(Reply { status, body: Some(body), ..Reply::default() }, tracking_id)
            }
            Self::Text(status, body) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                HttpResponse::build(status).content_type("text/html").body(body)
            }
            Self::Page => HttpResponse::BadGateway()
                .content_type("text/html")
                .body("<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"),
        }
    }
}

fn entry(
    arrival: &Arrival,
    endpoint: Option<&'static str>,
    faults: &[Fault],
    tracking_id: &str,
) -> LedgerEntry {
    let secret = arrival.path.starts_with("/oauth/");
    LedgerEntry {
        at: arrival.now,
        method: arrival.method.clone(),
        path: arrival.path.clone(),
        query: if secret { String::new() } else { arrival.query.clone() },
        endpoint,
        body: if secret { None } else { serde_json::from_slice(&arrival.body).ok() },
        answered: true,
        faults: faults.iter().map(Fault::name).collect(),
        tracking_id: tracking_id.to_owned(),
        ..LedgerEntry::default()
    }
}

fn tracking_id(account: &mut Account) -> String {
    let id = ids::participant_uuid(&mut account.rng).replace('-', "").to_lowercase();
    format!("v=2.0;clid=us06;rid=WEB_{id}")
}

fn respond(reply: Reply, tracking_id: &str) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.insert_header(("x-zm-trackingid", tracking_id));
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.insert_header((name, value));
        }
    }
    match reply.body {
        Some(body) => response.content_type("application/json;charset=UTF-8").body(body.to_string()),
        None => response.finish(),
    }
}

/// Closes the connection without a byte: the body fails before the head is flushed.
fn cut_connection() -> HttpResponse {
    HttpResponse::Ok().body(Cut)
}

struct Cut;

impl MessageBody for Cut {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<actix_web::web::Bytes, Self::Error>>> {
        Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionReset))))
    }
}
