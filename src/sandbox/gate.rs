//! The way into the API: endpoint, token, scope, limits; then the handler.

use std::collections::BTreeMap;
use std::time::Instant as RealInstant;

use actix_web::{HttpRequest, HttpResponse, web};

use super::account::Account;
use super::endpoints::{self, Endpoint, Params};
use super::errors::ApiError;
use super::exchange::{Arrival, Lock, Reply, exchange, exchange_admitted};
use super::faults::Fault;
use super::limits::{Limits, Refusal, Usage};
use super::request::{Answer, ApiRequest};
use super::state::SandboxState;

/// Where "too many a second" has a number of its own.
const CODE_4001: [&str; 2] = ["PATCH /meetings/{meetingId}", "GET /past_meetings/{meetingId}/instances"];

/// Serves everything below `/v2`.
pub(super) async fn serve(
    state: web::Data<SandboxState>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let arrival = Arrival::read(&state, &request, body);
    let path = arrival.path.strip_prefix("/v2").unwrap_or(&arrival.path);
    let Some((endpoint, params)) = endpoints::find(&arrival.method, path) else {
        return exchange(&state, arrival, None, |_, _, _| refuse(ApiError::unknown_route(), None)).await;
    };
    let user = params.first().map_or(String::new(), |(_, user)| user.clone());
    let lock = endpoint.exclusive.then(|| Lock::take(&state, user.clone())).transpose();
    let name = Some(endpoint.name);
    match lock {
        Ok(lock) => {
            let admit = move |account: &mut Account, arrival: &Arrival, faults: &[Fault]| {
                admit(account, arrival, endpoint, &user, faults)
            };
            let work = move |account: &mut Account, arrival: &Arrival, faults: &[Fault], admitted| {
                perform(account, arrival, endpoint, params, faults, admitted)
            };
            exchange_admitted(&state, arrival, name, lock, admit, work).await
        }
        Err(refusal) => {
            let too_many = ApiError::too_many(&refusal, arrival.now);
            exchange(&state, arrival, name, |_, _, _| refuse(too_many, None)).await
        }
    }
}

/// A request that was let in.
struct Admitted {
    /// Whose token it was; none for the account's own.
    subject: Option<String>,
    usage: Usage,
}

/// Token, scope and limits, as they are when the request arrives. `key` is what the path names first.
fn admit(
    account: &mut Account,
    arrival: &Arrival,
    endpoint: &'static Endpoint,
    key: &str,
    faults: &[Fault],
) -> Result<Admitted, Reply> {
    let exhausted = |account: &Account| Some(Limits::exhausted(account.settings.plan, endpoint.label));
    if let Some(error) = faults.iter().find_map(|fault| fault.refusal(endpoint, key, arrival.now)) {
        return Err(refuse(error, exhausted(account)));
    }
    let subject = account.grants.admit(arrival.bearer(), endpoint.scope, arrival.now);
    let subject = subject.map_err(|error| refuse(error, None))?;
    let usage = take(account, endpoint, arrival).map_err(|error| refuse(error, exhausted(account)))?;
    Ok(Admitted { subject, usage })
}

fn perform(
    account: &mut Account,
    arrival: &Arrival,
    endpoint: &'static Endpoint,
    params: Params,
    faults: &[Fault],
    Admitted { subject, usage }: Admitted,
) -> Reply {
    let request = ApiRequest {
        params,
        query: query(&arrival.query),
        body: arrival.body.clone(),
        subject,
        now: arrival.now,
        dropped_settings: dropped_settings(faults),
    };
    match (endpoint.run)(account, &request) {
        Ok(answer) => accept(answer, usage, &request),
        Err(error) => {
            let reply = refuse(error, Some(usage));
            Reply { meeting: number(&request), ..reply }
        }
    }
}

/// Counts the request against its label.
fn take(account: &mut Account, endpoint: &Endpoint, arrival: &Arrival) -> Result<Usage, ApiError> {
    let (plan, label) = (account.settings.plan, endpoint.label);
    if !account.settings.limits {
        return Ok(Limits::unlimited(plan, label));
    }
    let taken = account.limits.take(plan, label, RealInstant::now(), arrival.now.date_naive());
    taken.map_err(|refusal| {
        let mut error = ApiError::too_many(&refusal, arrival.now);
        if refusal == Refusal::PerSecond && CODE_4001.contains(&endpoint.name) {
            error.code = 4001;
        }
        error
    })
}

fn accept(answer: Answer, usage: Usage, request: &ApiRequest) -> Reply {
    let meeting = answer.meeting.or_else(|| number(request));
    Reply { status: answer.status, body: answer.body, headers: headers(usage), code: None, meeting }
}

fn refuse(error: ApiError, usage: Option<Usage>) -> Reply {
    let mut headers: Vec<_> = usage.map(headers).unwrap_or_default();
    headers.extend(error.headers.clone());
    Reply { status: error.status, body: Some(error.body()), headers, code: Some(error.code), meeting: None }
}

fn headers(usage: Usage) -> Vec<(&'static str, String)> {
    vec![
        ("X-RateLimit-Category", usage.label.as_str().to_owned()),
        ("X-RateLimit-Limit", usage.limit.to_string()),
        ("X-RateLimit-Remaining", usage.remaining.to_string()),
    ]
}

/// The meeting the path names, for the ledger.
fn number(request: &ApiRequest) -> Option<u64> {
    request.param("meetingId").parse().ok()
}

fn query(text: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn dropped_settings(faults: &[Fault]) -> Vec<String> {
    let mut dropped = Vec::new();
    for fault in faults {
        if let Fault::DropSettings { names } = fault {
            if names.is_empty() {
                dropped.push("*".to_owned());
            }
            dropped.extend(names.iter().cloned());
        }
    }
    dropped
}
