//! Tokens: for the account (server to server) and for a user who connected their own.

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::classify::judge;
use super::error::{Doubt, ZoomError};
use super::exchange;
use super::http::{Client, Url};
use super::wire::TokenAnswer;
use crate::clock::SharedClock;

/// The Zoom app's credentials and where to show them.
#[derive(Clone)]
pub struct OAuthClient {
    http: Client,
    oauth_url: String,
    client_id: String,
    client_secret: SecretString,
    clock: SharedClock,
}

impl fmt::Debug for OAuthClient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("OAuthClient").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// What Zoom granted.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The key to the API.
    pub access_token: SecretString,
    /// The key to the next grant; only for users, and good for one use.
    pub refresh_token: Option<SecretString>,
    /// How long the access token lives.
    pub expires_in: Duration,
    /// What it may do.
    pub scopes: Vec<String>,
}

impl OAuthClient {
    /// For the OAuth server at `oauth_url` (`https://zoom.us/oauth`).
    #[must_use]
    pub fn new(
        http: Client,
        oauth_url: &str,
        client_id: &str,
        client_secret: SecretString,
        clock: SharedClock,
    ) -> Self {
        let oauth_url = oauth_url.trim_end_matches('/').to_owned();
        Self { http, oauth_url, client_id: client_id.to_owned(), client_secret, clock }
    }

    /// A token for the whole account.
    ///
    /// # Errors
    /// [`ZoomError::CredentialsRefused`] when Zoom says no; never anything that leaves the outcome in doubt, since
    /// a grant nobody heard of harms nobody.
    pub async fn account_credentials(&self, account_id: &str) -> Result<Grant, ZoomError> {
        // In the body, not in the query: Zoom stopped taking the query from some accounts.
        let form = [("grant_type", "account_credentials"), ("account_id", account_id)];
        self.grant(&form).await.map_err(ZoomError::before_sending)
    }

    /// The tokens of a user who has just come back from Zoom's consent page.
    ///
    /// # Errors
    /// [`ZoomError::CredentialsRefused`] when the code is used up or too old.
    pub async fn authorization_code(
        &self,
        code: &SecretString,
        redirect_uri: &str,
        verifier: &SecretString,
    ) -> Result<Grant, ZoomError> {
        self.grant(&[
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier.expose_secret()),
        ])
        .await
    }

    /// New tokens for a user. The refresh token is used up by this, whether the answer arrives or not.
    ///
    /// # Errors
    /// [`ZoomError::CredentialsRefused`] when it was used before or revoked; [`ZoomError::Unknown`] when the answer
    /// was lost, and with it, most likely, the connection.
    pub async fn refresh(&self, refresh_token: &SecretString) -> Result<Grant, ZoomError> {
        self.grant(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret())]).await
    }

    /// Makes a token useless at once.
    ///
    /// # Errors
    /// As for any request.
    pub async fn revoke(&self, token: &SecretString) -> Result<(), ZoomError> {
        self.post("revoke", &[("token", token.expose_secret())]).await.map(drop)
    }

    /// Where to send a user for consent. `challenge` is the SHA-256 of the verifier, in URL-safe Base64.
    ///
    /// # Errors
    /// [`ZoomError::Unreachable`] when the OAuth address of the configuration is none.
    pub fn authorize_url(&self, redirect_uri: &str, state: &str, challenge: &str) -> Result<Url, ZoomError> {
        let parameters = [
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", redirect_uri),
            ("state", state),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
        ];
        Url::parse_with_params(&format!("{}/authorize", self.oauth_url), parameters)
            .map_err(|fault| ZoomError::Unreachable { detail: fault.to_string() })
    }

    async fn grant(&self, form: &[(&str, &str)]) -> Result<Grant, ZoomError> {
        let body = self.post("token", form).await?;
        let answer: TokenAnswer = serde_json::from_value(body)
            .map_err(|_| ZoomError::Unknown { doubt: Doubt::Unreadable, status: None })?;
        Ok(Grant {
            access_token: answer.access_token.into(),
            refresh_token: answer.refresh_token.map(Into::into),
            expires_in: Duration::from_secs(u64::try_from(answer.expires_in).unwrap_or(0)),
            scopes: answer.scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        })
    }

    async fn post(&self, operation: &str, form: &[(&str, &str)]) -> Result<Value, ZoomError> {
        let request = self
            .http
            .post(format!("{}/{operation}", self.oauth_url))
            .basic_auth(&self.client_id, Some(self.client_secret.expose_secret()))
            .form(form);
        let answer = exchange::send(request).await?;
        judge(answer.status, &answer.headers, &answer.body, self.clock.now()).map_err(|error| match error {
            // The OAuth server has an error body of its own, and says with any 4xx that these credentials
            // do not open this door.
            ZoomError::Rejected { .. } | ZoomError::NotFound { .. } | ZoomError::TokenInvalid => {
                ZoomError::CredentialsRefused { reason: reason(&answer.body) }
            }
            other => other,
        })
    }
}

/// What the OAuth server gives as the reason; its numbered errors have another form than its named ones.
fn reason(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (text("reason").or_else(|| text("message")), text("error")) {
        (Some(reason), Some(error)) => format!("{reason} ({error})"),
        (Some(reason), None) | (None, Some(reason)) => reason.to_owned(),
        (None, None) => "no reason given".to_owned(),
    }
}

#[cfg(test)]
mod tests;
