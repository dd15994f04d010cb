//! Tokens, and the ways of not getting one.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::clock::SystemClock;
use crate::zoom::http;
use crate::zoom::testing::{BadZoom, Play, facts};

fn client(url: &str) -> OAuthClient {
    let http = http::client(Duration::from_millis(300)).unwrap();
    OAuthClient::new(http, url, "id", SecretString::from("hush"), Arc::new(SystemClock))
}

async fn refusal(play: Play) -> ZoomError {
    let zoom = BadZoom::start(move |_, _| play.clone()).await;
    client(&zoom.url).account_credentials("acc").await.unwrap_err()
}

#[tokio::test]
async fn account_credentials_travel_in_the_body() {
    let zoom = BadZoom::start(|_, _| {
        let scope = "meeting:write:meeting:admin user:read:user:admin";
        let answer = json!({"access_token": "t", "token_type": "bearer", "expires_in": 3599, "scope": scope});
        Play::json(200, &answer)
    })
    .await;
    let grant = client(&zoom.url).account_credentials("a c").await.unwrap();
    assert_eq!(grant.access_token.expose_secret(), "t");
    assert_eq!((grant.expires_in.as_secs(), grant.scopes.len()), (3599, 2));

    let seen = &zoom.seen()[0];
    assert_eq!(seen.line, "POST /token");
    assert_eq!(seen.body, "grant_type=account_credentials&account_id=a+c");
    assert!(seen.head.contains("authorization: Basic aWQ6aHVzaA=="), "{}", seen.head);
    assert!(!format!("{grant:?}{:?}", client("http://x")).contains("hush"), "secrets are not printed");
}

#[tokio::test]
async fn every_no_of_the_oauth_server_means_refused_credentials() {
    for name in
        ["oauth-invalid-client", "oauth-invalid-code", "oauth-rotated-refresh", "oauth-unsupported-grant"]
    {
        let Some(fixture) = facts(&format!("fixtures/errors/{name}.json")) else { return };
        let error = refusal(Play::json(400, &fixture["body"])).await;
        let ZoomError::CredentialsRefused { reason } = error else { panic!("{name}: {error:?}") };
        assert!(reason.contains(fixture["body"]["reason"].as_str().unwrap()), "{name}: {reason}");
    }
    let numbered = refusal(Play::json(400, &json!({"code": 4717, "message": "The app is disabled."}))).await;
    assert_eq!(numbered, ZoomError::CredentialsRefused { reason: "The app is disabled.".into() });
}

#[tokio::test]
async fn an_account_token_that_got_lost_leaves_nothing_in_doubt() {
    let page = Play::Answer(502, Vec::new(), "<html>".into());
    for play in [Play::Silence, Play::HangUp, page, Play::json(200, &json!({"token": 1}))] {
        let error = refusal(play.clone()).await;
        assert!(matches!(error, ZoomError::Unreachable { .. }), "{play:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_refresh_that_got_lost_is_in_doubt_because_the_old_token_is_used_up() {
    let zoom = BadZoom::start(|_, _| Play::HangUp).await;
    let lost = client(&zoom.url).refresh(&SecretString::from("r")).await.unwrap_err();
    assert!(lost.perhaps_done(), "{lost:?}");
}

#[tokio::test]
async fn a_user_connects_refreshes_and_leaves() {
    let zoom = BadZoom::start(|seen, _| match seen.line.as_str() {
        "POST /revoke" => Play::json(200, &json!({"status": "success"})),
        _ => Play::json(200, &json!({"access_token": "t", "refresh_token": "r2", "expires_in": 3600})),
    })
    .await;
    let oauth = client(&zoom.url);
    let url = oauth.authorize_url("https://us/back?x=1", "s", "c").unwrap();
    assert!(url.as_str().contains("redirect_uri=https%3A%2F%2Fus%2Fback%3Fx%3D1&state=s"), "{url}");
    oauth
        .authorization_code(&SecretString::from("code"), "https://us/back", &SecretString::from("v"))
        .await
        .unwrap();
    let grant = oauth.refresh(&SecretString::from("r1")).await.unwrap();
    assert_eq!(grant.refresh_token.unwrap().expose_secret(), "r2");
    oauth.revoke(&grant.access_token).await.unwrap();
    let bodies: Vec<_> = zoom.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(
        bodies,
        [
            "grant_type=authorization_code&code=code&redirect_uri=https%3A%2F%2Fus%2Fback&code_verifier=v",
            "grant_type=refresh_token&refresh_token=r1",
            "token=t",
        ]
    );
}
