//! Tokens: who was granted what, and until when. `oauth_routes` speaks HTTP for it.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Duration;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::errors::ApiError;
use super::settings::{Settings, TokenMode};
use crate::clock::Instant;
use crate::zoom::ids;

/// How long an authorization code lives.
const CODE_LIFE_MINUTES: i64 = 5;
/// How long a refresh token lives.
const REFRESH_LIFE_DAYS: i64 = 90;
/// How long a download token lives.
const DOWNLOAD_LIFE_HOURS: i64 = 24;
/// How many tokens of a kind are kept; beyond, expired ones are forgotten and then none is granted.
const GRANTS_MAX: usize = 100_000;

/// An error of the OAuth server: `reason` and `error`; always HTTP 400.
pub(super) type OAuthRefusal = (&'static str, &'static str);

pub(super) const INVALID_CLIENT: OAuthRefusal = ("Invalid client_id or client_secret", "invalid_client");
pub(super) const UNSUPPORTED_GRANT: OAuthRefusal = ("unsupported grant type", "unsupported_grant_type");
const BAD_REQUEST: OAuthRefusal = ("Bad Request", "invalid_request");
const INVALID_CODE: OAuthRefusal = ("Invalid authorization code", "invalid_grant");
const REDIRECT_MISMATCH: OAuthRefusal = ("Redirect URI mismatch", "invalid_request");
const INVALID_TOKEN: OAuthRefusal = ("Invalid Token!", "invalid_grant");
const TOO_MANY: OAuthRefusal = ("Too many tokens", "invalid_request");

/// An access token.
#[derive(Debug, Clone)]
struct Access {
    /// The user it stands for; none for the account.
    subject: Option<String>,
    /// What it may do; none for everything.
    scopes: Option<Vec<String>>,
    expires_at: Instant,
}

/// A refresh token.
#[derive(Debug, Clone)]
struct Refresh {
    subject: String,
    expires_at: Instant,
}

/// An authorization code.
#[derive(Debug, Clone)]
struct Code {
    subject: String,
    redirect_uri: String,
    challenge: Option<Challenge>,
    expires_at: Instant,
}

/// A PKCE challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) text: String,
    /// `S256`, else the challenge is the verifier itself.
    pub(super) hashed: bool,
}

impl Challenge {
    fn met_by(&self, verifier: &str) -> bool {
        if self.hashed {
            URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == self.text
        } else {
            verifier == self.text
        }
    }
}

/// The app and everything it was granted.
#[derive(Debug)]
pub(super) struct Grants {
    account_id: String,
    client_id: String,
    client_secret: String,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    codes: HashMap<String, Code>,
    downloads: HashMap<String, Instant>,
}

/// What a grant is made under.
pub(super) struct Granting<'a> {
    pub(super) settings: &'a Settings,
    pub(super) api_url: &'a str,
    pub(super) rng: &'a mut StdRng,
    pub(super) now: Instant,
}

impl Grants {
    pub(super) fn new(account_id: String, client_id: String, client_secret: String) -> Self {
        Self {
            account_id,
            client_id,
            client_secret,
            access: HashMap::new(),
            refresh: HashMap::new(),
            codes: HashMap::new(),
            downloads: HashMap::new(),
        }
    }

    /// Whether `Authorization: Basic …` holds the app's credentials.
    pub(super) fn is_client(&self, authorization: Option<&str>) -> bool {
        let expected = STANDARD.encode(format!("{}:{}", self.client_id, self.client_secret));
        authorization
            .and_then(|value| value.strip_prefix("Basic "))
            .is_some_and(|given| given.trim() == expected)
    }

    pub(super) fn is_client_id(&self, client_id: &str) -> bool {
        self.client_id == client_id
    }

    /// A token for the account itself.
    pub(super) fn for_account(
        &mut self,
        account_id: &str,
        granting: &mut Granting<'_>,
    ) -> Result<Value, OAuthRefusal> {
        if account_id != self.account_id {
            return Err(BAD_REQUEST);
        }
        if granting.settings.token_mode == TokenMode::Single {
            self.access.retain(|_, access| access.subject.is_some());
        }
        self.issue(None, granting)
    }

    /// A code after a user's consent.
    pub(super) fn consent(
        &mut self,
        subject: &str,
        redirect_uri: &str,
        challenge: Option<Challenge>,
        rng: &mut StdRng,
        now: Instant,
    ) -> String {
        self.codes.retain(|_, code| code.expires_at > now);
        let code = ids::opaque(rng, 32);
        let expires_at = now + Duration::minutes(CODE_LIFE_MINUTES);
        self.codes.insert(
            code.clone(),
            Code {
                subject: subject.to_owned(),
                redirect_uri: redirect_uri.to_owned(),
                challenge,
                expires_at,
            },
        );
        code
    }

    /// Tokens for a code; a code works once, and the user's earlier tokens end.
    pub(super) fn for_code(
        &mut self,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
        granting: &mut Granting<'_>,
    ) -> Result<Value, OAuthRefusal> {
        let code = self.codes.remove(code).ok_or(INVALID_CODE)?;
        if code.expires_at <= granting.now {
            return Err(INVALID_CODE);
        }
        if code.redirect_uri != redirect_uri {
            return Err(REDIRECT_MISMATCH);
        }
        if code.challenge.is_some_and(|challenge| !challenge.met_by(verifier.unwrap_or_default())) {
            return Err(INVALID_CODE);
        }
        self.refresh.retain(|_, known| known.subject != code.subject);
        self.access.retain(|_, known| known.subject.as_deref() != Some(&code.subject));
        self.issue(Some(code.subject), granting)
    }

    /// Tokens for a refresh token, which ends with its use.
    pub(super) fn for_refresh(
        &mut self,
        token: &str,
        granting: &mut Granting<'_>,
    ) -> Result<Value, OAuthRefusal> {
        let refresh = self.refresh.remove(token).ok_or(INVALID_TOKEN)?;
        if refresh.expires_at <= granting.now {
            return Err(INVALID_TOKEN);
        }
        self.issue(Some(refresh.subject), granting)
    }

    /// Ends a token at once, of either kind.
    pub(super) fn revoke(&mut self, token: &str) {
        let subject = self.refresh.remove(token).map(|refresh| refresh.subject);
        let of_access = self.access.remove(token).and_then(|access| access.subject);
        if let Some(subject) = subject.or(of_access) {
            self.refresh.retain(|_, known| known.subject != subject);
            self.access.retain(|_, known| known.subject.as_deref() != Some(&subject));
        }
    }

    /// The user a token stands for (none: the account), if it is valid and has the scope.
    pub(super) fn admit(
        &self,
        token: Option<&str>,
        scope: &str,
        now: Instant,
    ) -> Result<Option<String>, ApiError> {
        let access = token.and_then(|token| self.access.get(token)).ok_or_else(ApiError::invalid_token)?;
        if access.expires_at <= now {
            return Err(ApiError::expired_token());
        }
        let wide = format!("{scope}:admin");
        let allowed = access.scopes.as_ref().is_none_or(|scopes| {
            scopes.contains(&wide) || (access.subject.is_some() && scopes.iter().any(|known| known == scope))
        });
        if allowed { Ok(access.subject.clone()) } else { Err(ApiError::scope_missing(&wide)) }
    }

    /// A token that opens recordings only.
    pub(super) fn for_download(&mut self, rng: &mut StdRng, now: Instant, life: Option<Duration>) -> String {
        self.downloads.retain(|_, expires_at| *expires_at > now);
        let token = jwt_like(rng);
        let life = life.unwrap_or_else(|| Duration::hours(DOWNLOAD_LIFE_HOURS));
        self.downloads.insert(token.clone(), now + life);
        token
    }

    /// Whether a token opens recordings.
    pub(super) fn may_download(&self, token: &str, now: Instant) -> bool {
        let access = self.access.get(token).map(|access| access.expires_at);
        access.or_else(|| self.downloads.get(token).copied()).is_some_and(|expires_at| expires_at > now)
    }

    fn issue(&mut self, subject: Option<String>, granting: &mut Granting<'_>) -> Result<Value, OAuthRefusal> {
        let now = granting.now;
        if self.access.len() >= GRANTS_MAX {
            self.access.retain(|_, access| access.expires_at > now);
            self.refresh.retain(|_, refresh| refresh.expires_at > now);
        }
        if self.access.len() >= GRANTS_MAX {
            return Err(TOO_MANY);
        }
        let token = jwt_like(granting.rng);
        let life = granting.settings.token_ttl_secs;
        let scopes = granting.settings.scopes.clone();
        let expires_at = now + Duration::seconds(i64::from(life));
        let access = Access { subject: subject.clone(), scopes: scopes.clone(), expires_at };
        self.access.insert(token.clone(), access);
        let scope = scopes.map_or_else(all_scopes, |scopes| scopes.join(" "));
        let mut answer = json!({
            "access_token": token, "token_type": "bearer", "expires_in": life, "scope": scope,
            "api_url": granting.api_url,
        });
        if let (Some(subject), Some(answer)) = (subject, answer.as_object_mut()) {
            let refresh = jwt_like(granting.rng);
            answer.insert("refresh_token".to_owned(), json!(refresh));
            let expires_at = now + Duration::days(REFRESH_LIFE_DAYS);
            self.refresh.insert(refresh, Refresh { subject, expires_at });
        }
        Ok(answer)
    }
}

/// Every scope the sandbox knows.
fn all_scopes() -> String {
    let scopes: Vec<String> =
        super::endpoints::ENDPOINTS.iter().map(|endpoint| format!("{}:admin", endpoint.scope)).collect();
    scopes.join(" ")
}

/// An opaque token that looks like Zoom's.
fn jwt_like(rng: &mut StdRng) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"sv":"000001","alg":"HS512","v":"2.0"}"#);
    format!("{header}.{}.{}", ids::opaque(rng, 60), ids::opaque(rng, 86))
}
