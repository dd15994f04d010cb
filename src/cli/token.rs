//! `convened token`: a bearer token for callers and for trying things out, signed with `auth.jwt_secret`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use jsonwebtoken::{EncodingKey, Header};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::json;

use super::output;
use crate::clock::Instant;
use crate::config::{Auth, Sources};
use crate::domain::access::Role;

/// The longest life of a token: it cannot be taken back.
const TTL_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// Make a bearer token.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  curl -H \"Authorization: Bearer $(convened token --role admin --sub ops)\" \
                        http://127.0.0.1:8080/api/appointments"
)]
pub(super) struct Token {
    /// service, admin, host (teacher, …) or attendee (student, …).
    #[arg(long, value_parser = role)]
    role: Role,
    /// Who the token is for: a person's `ref`, or a name for a system.
    #[arg(long, value_name = "REF")]
    sub: String,
    /// How long it is good.
    #[arg(long, default_value = "1h", value_parser = ttl)]
    ttl: Duration,
    /// The person's name.
    #[arg(long)]
    name: Option<String>,
    /// The person's e-mail address.
    #[arg(long)]
    email: Option<String>,
    /// As JSON, with the time it expires.
    #[arg(long)]
    json: bool,
}

/// What the token says.
#[derive(Debug, Serialize)]
struct Claims<'a> {
    sub: &'a str,
    role: &'a str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

impl Token {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let settings = super::settings(sources)?;
        let now = settings.clock.build().now();
        let (token, expires) = self.sign(&settings.auth, now)?;
        if self.json {
            output::line(json!({ "token": token, "expires_at": expires }))?;
        } else {
            output::line(token)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn sign(&self, auth: &Auth, now: Instant) -> anyhow::Result<(String, Instant)> {
        let secret = auth.jwt_secret.as_ref().context(
            "auth.jwt_secret is not set: tokens are made by whoever holds the keys of auth.jwks_file or auth.jwks_url",
        )?;
        let expires = now + chrono::Duration::from_std(self.ttl)?;
        let claims = Claims {
            sub: &self.sub,
            role: self.role.as_str(),
            iat: now.timestamp(),
            exp: expires.timestamp(),
            name: self.name.as_deref(),
            email: self.email.as_deref(),
            iss: auth.issuer.as_deref(),
            aud: auth.audience.as_deref(),
        };
        let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
        Ok((jsonwebtoken::encode(&Header::default(), &claims, &key)?, expires))
    }
}

/// A token for an internal system called `name`.
pub(super) fn for_service(
    name: &str,
    ttl: Duration,
    auth: &Auth,
    now: Instant,
) -> anyhow::Result<(String, Instant)> {
    let sub = name.to_owned();
    Token { role: Role::Service, sub, ttl, name: None, email: None, json: false }.sign(auth, now)
}

fn role(word: &str) -> Result<Role, String> {
    Role::parse(word).ok_or_else(|| "expected service, admin, host or attendee".to_owned())
}

fn ttl(text: &str) -> Result<Duration, String> {
    let ttl = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if ttl.is_zero() || ttl > TTL_MAX {
        Err("expected more than 0s and at most 366d".to_owned())
    } else {
        Ok(ttl)
    }
}
