//! The sandbox's tokens behave as Zoom's do.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use convened::sandbox::model::Plan;
use convened::sandbox::settings::{Settings, TokenMode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::sandbox::{Answer, Zoom};

#[tokio::test]
async fn account_tokens_are_granted_for_query_and_form_and_expire() {
    let mut zoom = Zoom::start(Plan::Business).await;
    let url = format!("{}/oauth/token?grant_type=account_credentials&account_id=account", zoom.handle.url());
    let request = zoom.client.post(url).basic_auth("client", Some("secret"));
    let by_query: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!((&by_query["token_type"], &by_query["expires_in"]), (&json!("bearer"), &json!(3600)));
    assert!(by_query["scope"].as_str().unwrap().split(' ').any(|one| one == "meeting:write:meeting:admin"));

    zoom.use_token(&by_query["access_token"]);
    assert_eq!(zoom.get("/users").await.status, 200);
    zoom.clock.advance(Duration::from_secs(3_601));
    let expired = zoom.get("/users").await;
    assert_eq!(expired.refusal(), (401, 124));
    assert_eq!(expired.json()["message"], "Access token is expired.");
}

#[tokio::test]
async fn wrong_credentials_and_grants_are_refused_in_zooms_words() {
    let zoom = Zoom::start(Plan::Business).await;
    let url = format!("{}/oauth/token", zoom.handle.url());
    let form = [("grant_type", "account_credentials"), ("account_id", "account")];
    let wrong = zoom.client.post(url).basic_auth("client", Some("wrong")).form(&form).send().await.unwrap();
    assert_eq!(wrong.status(), 400, "Zoom answers 400, not 401");
    let expected = json!({"reason": "Invalid client_id or client_secret", "error": "invalid_client"});
    assert_eq!(wrong.json::<Value>().await.unwrap(), expected);

    let unknown = zoom.token(&[("grant_type", "password")]).await;
    let expected = json!({"reason": "unsupported grant type", "error": "unsupported_grant_type"});
    assert_eq!((unknown.status, unknown.json()), (400, expected));
}

#[tokio::test]
async fn in_single_mode_a_new_token_ends_the_one_before() {
    let mut zoom = Zoom::start(Plan::Business).await;
    let first = zoom.bearer().to_owned();
    zoom.sign_in().await;
    let second = zoom.bearer().to_owned();
    zoom.use_token(&json!(first));
    assert_eq!(zoom.get("/users").await.status, 200, "several live side by side by default");

    zoom.state().set_settings(Settings { token_mode: TokenMode::Single, ..Settings::default() });
    zoom.sign_in().await;
    assert_eq!(zoom.get("/users").await.status, 200);
    zoom.use_token(&json!(second));
    assert_eq!(zoom.get("/users").await.refusal(), (401, 124));
}

#[tokio::test]
async fn a_token_without_the_scope_is_told_which_one_it_lacks() {
    let mut zoom = Zoom::start(Plan::Business).await;
    let scopes = Some(vec!["user:read:user:admin".to_owned()]);
    zoom.state().set_settings(Settings { scopes, ..Settings::default() });
    zoom.sign_in().await;
    assert_eq!(zoom.get("/users/owner@sandbox.example").await.status, 200);
    let lacking = zoom.get("/users").await;
    assert_eq!(lacking.refusal(), (400, 4711));
    let message = "Invalid access token, does not contain scopes:[user:read:list_users:admin].";
    assert_eq!(lacking.json()["message"], message);
}

/// The code of an authorization with a PKCE challenge.
async fn authorize(zoom: &Zoom, verifier: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let url = format!(
        "{}/oauth/authorize?response_type=code&client_id=client&redirect_uri=http://app/back&state=s1\
         &code_challenge={challenge}&code_challenge_method=S256",
        zoom.handle.url()
    );
    let answer = zoom.client.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 302);
    let location = answer.headers().get("location").unwrap().to_str().unwrap();
    let target = location.strip_prefix("http://app/back?code=").unwrap();
    target.strip_suffix("&state=s1").unwrap().to_owned()
}

async fn exchange(zoom: &Zoom, code: &str, verifier: &str) -> Answer {
    let back = ("redirect_uri", "http://app/back");
    zoom.token(&[("grant_type", "authorization_code"), ("code", code), back, ("code_verifier", verifier)])
        .await
}

#[tokio::test]
async fn a_code_works_once_and_only_with_its_verifier() {
    let mut zoom = Zoom::start(Plan::Business).await;
    let code = authorize(&zoom, "verifier").await;
    let expected = json!({"reason": "Invalid authorization code", "error": "invalid_grant"});
    assert_eq!(exchange(&zoom, &code, "other").await.json(), expected);

    let code = authorize(&zoom, "verifier").await;
    let granted = exchange(&zoom, &code, "verifier").await.json();
    assert_eq!(exchange(&zoom, &code, "verifier").await.json(), expected);
    zoom.use_token(&granted["access_token"]);
    assert_eq!(zoom.get("/users/me").await.json()["email"], "owner@sandbox.example");

    let late = authorize(&zoom, "verifier").await;
    zoom.clock.advance(Duration::from_secs(301));
    assert_eq!(exchange(&zoom, &late, "verifier").await.status, 400);
}

#[tokio::test]
async fn a_refresh_token_changes_with_every_use_and_a_revoked_one_is_dead() {
    let zoom = Zoom::start(Plan::Business).await;
    let code = authorize(&zoom, "verifier").await;
    let first = exchange(&zoom, &code, "verifier").await.json();
    let refresh = |token: Value| {
        let zoom = &zoom;
        async move {
            let token = token.as_str().unwrap();
            zoom.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
        }
    };
    let second = refresh(first["refresh_token"].clone()).await.json();
    let replayed = refresh(first["refresh_token"].clone()).await;
    let expected = json!({"reason": "Invalid Token!", "error": "invalid_grant"});
    assert_eq!((replayed.status, replayed.json()), (400, expected));

    let token = second["access_token"].as_str().unwrap();
    let url = format!("{}/oauth/revoke?token={token}", zoom.handle.url());
    let revoked = zoom.client.post(url).basic_auth("client", Some("secret")).send().await.unwrap();
    assert_eq!(revoked.json::<Value>().await.unwrap(), json!({"status": "success"}));
    assert_eq!(refresh(second["refresh_token"].clone()).await.status, 400);
}
