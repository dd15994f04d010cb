//! The OAuth server over HTTP: `/oauth/token`, `/oauth/authorize`, `/oauth/revoke`.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::account::Account;
use super::exchange::{Arrival, Reply, exchange};
use super::faults::Fault;
use super::oauth::{Challenge, Granting, INVALID_CLIENT, OAuthRefusal, UNSUPPORTED_GRANT};
use super::state::SandboxState;

/// The routes below `/oauth`.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/oauth/token", web::post().to(token))
        .route("/oauth/authorize", web::get().to(authorize))
        .route("/oauth/revoke", web::post().to(revoke));
}

async fn token(state: web::Data<SandboxState>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let arrival = Arrival::read(&state, &request, body);
    exchange(&state, arrival, Some("POST /oauth/token"), |account, arrival, faults| {
        grant(account, arrival, faults)
    })
    .await
}

async fn revoke(state: web::Data<SandboxState>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let arrival = Arrival::read(&state, &request, body);
    exchange(&state, arrival, Some("POST /oauth/revoke"), |account, arrival, _| {
        if !account.grants.is_client(arrival.authorization.as_deref()) {
            return refuse(INVALID_CLIENT);
        }
        let fields = fields(arrival);
        account.grants.revoke(fields.get("token").map_or("", String::as_str));
        Reply { status: 200, body: Some(json!({"status": "success"})), ..Reply::default() }
    })
    .await
}

/// Consents at once and sends the browser back.
async fn authorize(state: web::Data<SandboxState>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let arrival = Arrival::read(&state, &request, body);
    exchange(&state, arrival, Some("GET /oauth/authorize"), |account, arrival, _| {
        let fields = fields(arrival);
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        if !account.grants.is_client_id(field("client_id")) {
            return refuse(INVALID_CLIENT);
        }
        let Ok(mut target) = url::Url::parse(field("redirect_uri")) else {
            return refuse(("Invalid redirect_uri", "invalid_request"));
        };
        if field("response_type") != "code" {
            return refuse(("Invalid response_type", "unsupported_response_type"));
        }
        let Some(subject) = consenting_user(account) else {
            return refuse(("User does not exist", "access_denied"));
        };
        let challenge = fields.get("code_challenge").map(|text| Challenge {
            text: text.clone(),
            hashed: field("code_challenge_method").eq_ignore_ascii_case("S256"),
        });
        let code =
            account.grants.consent(&subject, field("redirect_uri"), challenge, &mut account.rng, arrival.now);
        target.query_pairs_mut().append_pair("code", &code);
        if let Some(state) = fields.get("state") {
            target.query_pairs_mut().append_pair("state", state);
        }
        Reply { status: 302, headers: vec![("location", target.to_string())], ..Reply::default() }
    })
    .await
}

/// Who is taken to be signed in at the consent page.
fn consenting_user(account: &Account) -> Option<String> {
    let key = account.settings.consent_user.as_deref().unwrap_or(&account.owner);
    account.user(key).map(|user| user.id.clone())
}

fn grant(account: &mut Account, arrival: &Arrival, faults: &[Fault]) -> Reply {
    let fields = fields(arrival);
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let verifier = fields.get("code_verifier").map(String::as_str);
    let public = verifier.is_some() && account.grants.is_client_id(field("client_id"));
    let revoked = faults.contains(&Fault::CredentialsRevoked);
    if revoked || !(public || account.grants.is_client(arrival.authorization.as_deref())) {
        return refuse(INVALID_CLIENT);
    }
    let mut granting = Granting {
        settings: &account.settings,
        api_url: &account.base_url,
        rng: &mut account.rng,
        now: arrival.now,
    };
    let granted = match field("grant_type") {
        "account_credentials" => account.grants.for_account(field("account_id"), &mut granting),
        "authorization_code" => {
            account.grants.for_code(field("code"), field("redirect_uri"), verifier, &mut granting)
        }
        "refresh_token" => account.grants.for_refresh(field("refresh_token"), &mut granting),
        _ => Err(UNSUPPORTED_GRANT),
    };
    match granted {
        Ok(body) => Reply { status: 200, body: Some(body), ..Reply::default() },
        Err(refusal) => refuse(refusal),
    }
}

fn refuse((reason, error): OAuthRefusal) -> Reply {
    Reply { status: 400, body: Some(json!({"reason": reason, "error": error})), ..Reply::default() }
}

/// The fields of the query and of a form body; clients send either.
fn fields(arrival: &Arrival) -> HashMap<String, String> {
    let query = url::form_urlencoded::parse(arrival.query.as_bytes());
    let form = url::form_urlencoded::parse(&arrival.body);
    query.into_owned().chain(form.into_owned()).collect()
}
