//! TokenActor — one per Zoom connection; owns its access token, and is the only one to ask for a new one.
//! Receives: GetToken (ZoomApiActor).
//! Sends: nothing; asks Zoom's OAuth server.
//! Stops when: the process does.
//! If it dies: it is rebuilt without a token and gets one when it is next asked; nothing is lost.

mod shared;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::{BoxFuture, FutureExt as _};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

pub use self::shared::SharedGrants;
use super::supervision::{Essential, supervised};
use crate::clock::SharedClock;
use crate::zoom::error::{Limit, Retry};
use crate::zoom::oauth::{Grant, OAuthClient};
use crate::zoom::{ZoomError, error::Doubt};

/// How long before its end a token is replaced.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);
/// A token refused at a younger age than this points to somebody else who renews it, or to a broken account.
const YOUNG: TimeDelta = TimeDelta::seconds(60);
/// The first wait after an attempt that failed; doubles up to the longest.
const BACK_OFF: Duration = Duration::from_secs(1);
/// The longest wait after an attempt that failed.
const BACK_OFF_MAX: Duration = Duration::from_secs(60);
/// The same where Zoom said no: people have to act first.
const REFUSED_BACK_OFF: Duration = Duration::from_secs(2 * 60);
/// The longest wait where Zoom said no: so long somebody who has put it right waits at most.
const REFUSED_BACK_OFF_MAX: Duration = Duration::from_secs(5 * 60);
/// The most who wait for one token.
const WAITERS_MAX: usize = 1_024;

/// Asks for an access token that is good now.
#[derive(Debug, Clone, Default, Message)]
#[rtype(result = "Result<Token, ZoomError>")]
pub struct GetToken {
    /// A token Zoom has just refused; it is dropped if it is still the present one.
    pub refused: Option<SecretString>,
}

/// An access token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The key to the API.
    pub secret: SecretString,
    /// When to ask for a newer one.
    pub ask_again_at: DateTime<Utc>,
    /// What it may do.
    pub scopes: Arc<[String]>,
}

impl Token {
    /// Whether this is the same token.
    #[must_use]
    pub fn is(&self, secret: &SecretString) -> bool {
        self.secret.expose_secret() == secret.expose_secret()
    }
}

/// Where tokens come from: the account's credentials, or a user's connection.
pub trait Grants: Send + Sync {
    /// Asks for a new token.
    fn grant(&self) -> BoxFuture<'static, Result<Grant, ZoomError>>;
}

/// The credentials of a server-to-server app.
#[derive(Debug, Clone)]
pub struct AccountCredentials {
    /// The app.
    pub oauth: OAuthClient,
    /// The account it belongs to.
    pub account_id: String,
}

impl Grants for AccountCredentials {
    fn grant(&self) -> BoxFuture<'static, Result<Grant, ZoomError>> {
        let this = self.clone();
        async move { this.oauth.account_credentials(&this.account_id).await }.boxed()
    }
}

/// Who hands out tokens; the actor, or a test's stand-in.
pub trait TokenSource: Send + Sync {
    /// A token that is good now and is not the one that was refused.
    fn token(&self, request: GetToken) -> BoxFuture<'static, Result<Token, ZoomError>>;
}

impl TokenSource for Essential<TokenActor> {
    fn token(&self, request: GetToken) -> BoxFuture<'static, Result<Token, ZoomError>> {
        let this = self.clone();
        // An actor that died on the way got no token; no call was sent either.
        let lost = ZoomError::Unknown { doubt: Doubt::ConnectionLost, status: None }.before_sending();
        async move { this.ask(request).await.unwrap_or(Err(lost)) }.boxed()
    }
}

/// See the module.
pub struct TokenActor {
    grants: Option<Arc<dyn Grants>>,
    clock: SharedClock,
    held: Option<Held>,
    failure: Option<Failure>,
    /// Attempts that failed, and young tokens that were refused, in a row.
    strikes: u32,
    asking: bool,
    waiters: Vec<oneshot::Sender<Result<Token, ZoomError>>>,
}

impl fmt::Debug for TokenActor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TokenActor").field("strikes", &self.strikes).finish_non_exhaustive()
    }
}

struct Held {
    token: Token,
    granted_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

struct Failure {
    error: ZoomError,
    until: DateTime<Utc>,
}

impl TokenActor {
    /// An actor without a token; without `grants` it answers that Zoom is not configured.
    #[must_use]
    pub fn new(grants: Option<Arc<dyn Grants>>, clock: SharedClock) -> Self {
        Self { grants, clock, held: None, failure: None, strikes: 0, asking: false, waiters: Vec::new() }
    }

    fn drop_refused(&mut self, refused: &SecretString, now: DateTime<Utc>) {
        let Some(held) = self.held.take_if(|held| held.token.is(refused)) else { return };
        if now - held.granted_at >= YOUNG {
            self.strikes = 0;
            return;
        }
        // The first is renewed at once. When the new one is refused too, renewing faster helps nobody, and
        // where several processes invalidate each other's tokens it would be a storm.
        self.strikes += 1;
        if self.strikes > 1 {
            let until = now + back_off(BACK_OFF, BACK_OFF_MAX, self.strikes);
            self.failure = Some(Failure { error: ZoomError::TokenInvalid, until });
        }
    }

    /// What can be said without asking Zoom.
    fn known(&self, now: DateTime<Utc>) -> Option<Result<Token, ZoomError>> {
        let held = self.held.as_ref().filter(|held| now < held.expires_at);
        if let Some(held) = held.filter(|held| now < held.token.ask_again_at) {
            return Some(Ok(held.token.clone()));
        }
        let failure = self.failure.as_ref().filter(|failure| now < failure.until)?;
        // While Zoom gives no new token, the old one is used to its end.
        Some(held.map_or_else(
            || Err(failure.error.clone()),
            |held| Ok(Token { ask_again_at: failure.until.min(held.expires_at), ..held.token.clone() }),
        ))
    }

    fn arrived(&mut self, outcome: Result<Grant, ZoomError>) {
        self.asking = false;
        let now = self.clock.now();
        metrics::counter!("convened_zoom_tokens_total", "class" => class(&outcome)).increment(1);
        let answer = match outcome {
            Ok(grant) => Ok(self.hold(grant, now)),
            Err(error) => {
                self.strikes += 1;
                let until = patience(&error, self.strikes, now);
                // Said once by the door; the words are Zoom's own.
                tracing::debug!(class = error.class(), retry_at = %until, "zoom gave no token");
                self.failure = Some(Failure { error: error.clone(), until });
                self.known(now).unwrap_or(Err(error))
            }
        };
        for waiter in self.waiters.drain(..) {
            // Whoever stopped waiting needs no token.
            let _ = waiter.send(answer.clone());
        }
    }

    fn hold(&mut self, grant: Grant, now: DateTime<Utc>) -> Token {
        let renew_after = grant.expires_in.saturating_sub(RENEW_BEFORE.min(grant.expires_in / 2));
        let token = Token {
            secret: grant.access_token,
            ask_again_at: now + span(renew_after),
            scopes: grant.scopes.into(),
        };
        // Strikes for refused young tokens go on counting until one of them has grown old.
        if self.failure.take().is_some_and(|failure| failure.error != ZoomError::TokenInvalid) {
            self.strikes = 0;
        }
        let expires_at = now + span(grant.expires_in);
        self.held = Some(Held { token: token.clone(), granted_at: now, expires_at });
        token
    }
}

impl Actor for TokenActor {
    type Context = Context<Self>;
}

supervised!(TokenActor);

impl Handler<GetToken> for TokenActor {
    type Result = ResponseFuture<Result<Token, ZoomError>>;

    fn handle(&mut self, request: GetToken, ctx: &mut Self::Context) -> Self::Result {
        let now = self.clock.now();
        let Some(grants) = self.grants.clone() else { return ready(Err(ZoomError::NotConfigured)) };
        if let Some(refused) = &request.refused {
            self.drop_refused(refused, now);
        }
        if let Some(known) = self.known(now) {
            return ready(known);
        }
        if self.waiters.len() >= WAITERS_MAX {
            return ready(Err(ZoomError::Overloaded));
        }
        let (waiter, answer) = oneshot::channel();
        self.waiters.push(waiter);
        if !self.asking {
            self.asking = true;
            ctx.spawn(grants.grant().into_actor(self).map(|outcome, actor, _| actor.arrived(outcome)));
        }
        async move { answer.await.unwrap_or(Err(ZoomError::ShuttingDown)) }.boxed_local()
    }
}

fn ready(answer: Result<Token, ZoomError>) -> ResponseFuture<Result<Token, ZoomError>> {
    std::future::ready(answer).boxed_local()
}

fn class(outcome: &Result<Grant, ZoomError>) -> &'static str {
    outcome.as_ref().map_or_else(ZoomError::class, |_| "ok")
}

/// Until when not to ask again after this error.
fn patience(error: &ZoomError, strikes: u32, now: DateTime<Utc>) -> DateTime<Utc> {
    match error {
        ZoomError::CredentialsRefused { .. } | ZoomError::ScopeMissing { .. } => {
            now + back_off(REFUSED_BACK_OFF, REFUSED_BACK_OFF_MAX, strikes)
        }
        ZoomError::RateLimited(Limit::Daily { .. }) => match error.retry() {
            Retry::At(until) => until,
            _ => now + span(BACK_OFF_MAX),
        },
        _ => now + back_off(BACK_OFF, BACK_OFF_MAX, strikes),
    }
}

fn back_off(first: Duration, longest: Duration, strikes: u32) -> TimeDelta {
    let factor = 2_u32.saturating_pow(strikes.saturating_sub(1));
    span(first.checked_mul(factor).map_or(longest, |wait| wait.min(longest)))
}

/// Far more than any token's life, and still a date.
fn span(span: Duration) -> TimeDelta {
    TimeDelta::from_std(span).unwrap_or_default().min(TimeDelta::days(365))
}

#[cfg(test)]
mod tests;
