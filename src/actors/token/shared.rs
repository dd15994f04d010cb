//! One token for all processes of an account: Zoom may end the last one when it gives the next (FACTS 1.2), and then
//! processes that each fetch their own would end each other's in turns. The token is a sealed row; one process asks
//! Zoom, the others take what it got.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::{BoxFuture, FutureExt as _};
use secrecy::ExposeSecret as _;

use super::{Grants, RENEW_BEFORE};
use crate::actors::store::Store;
use crate::clock::SharedClock;
use crate::store::token::{self, TokenRow};
use crate::store::{Sealer, StoreError};
use crate::zoom::ZoomError;
use crate::zoom::oauth::Grant;

/// How often the row is looked at while another process asks Zoom.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often at most; after that this process asks for itself. Longer than the other may take.
const LOOKS_MAX: u32 = 175;

/// Tokens by way of the database.
#[derive(Clone)]
pub struct SharedGrants(Arc<Inner>);

struct Inner {
    own: Arc<dyn Grants>,
    /// The app's client id: whose token it is.
    app: String,
    store: Store,
    sealer: Sealer,
    clock: SharedClock,
    /// The number of the token that was given last. Whoever asks again wants another one.
    last: AtomicI64,
}

impl std::fmt::Debug for SharedGrants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedGrants").field("last", &self.0.last).finish_non_exhaustive()
    }
}

impl SharedGrants {
    /// Shares what `own` is granted for the app with this client id.
    #[must_use]
    pub fn new(own: Arc<dyn Grants>, app: String, store: Store, sealer: Sealer, clock: SharedClock) -> Self {
        Self(Arc::new(Inner { own, app, store, sealer, clock, last: AtomicI64::new(0) }))
    }
}

impl Grants for SharedGrants {
    fn grant(&self) -> BoxFuture<'static, Result<Grant, ZoomError>> {
        let inner = Arc::clone(&self.0);
        async move {
            match inner.shared().await {
                Ok(outcome) => outcome,
                // Without the database there is nothing to share, and calls under way still need a token.
                Err(error) => {
                    tracing::warn!(%error, "zoom's token could not be shared between processes");
                    inner.own.grant().await
                }
            }
        }
        .boxed()
    }
}

impl Inner {
    async fn shared(&self) -> Result<Result<Grant, ZoomError>, StoreError> {
        for _ in 0..LOOKS_MAX {
            let app = self.app.clone();
            let row = self.store.read(move |conn| token::present(conn, &app)).await?;
            if let Some(grant) = row.as_ref().and_then(|row| self.usable(row)) {
                return Ok(Ok(grant));
            }
            let (app, number) = (self.app.clone(), row.map_or(0, |row| row.number));
            if self.store.write(move |conn| token::begin(conn, &app, number)).await? {
                return self.ask_zoom(number).await;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(self.own.grant().await)
    }

    /// The token in the row, if it is another one than was given last and good for a while.
    fn usable(&self, row: &TokenRow) -> Option<Grant> {
        if row.number <= self.last.load(Ordering::SeqCst) {
            return None;
        }
        let expires_at: DateTime<Utc> = row.expires_at?.into();
        let left = (expires_at - self.clock.now()).to_std().ok().filter(|left| *left > RENEW_BEFORE)?;
        let access_token = match self.sealer.open(&self.context(), row.token_enc.as_ref()?) {
            Ok(token) => token,
            Err(error) => {
                tracing::error!(%error, "another process's zoom token cannot be read");
                return None;
            }
        };
        self.last.store(row.number, Ordering::SeqCst);
        let scopes = row.scopes.split_whitespace().map(str::to_owned).collect();
        Some(Grant { access_token, refresh_token: None, expires_in: left, scopes })
    }

    async fn ask_zoom(&self, number: i64) -> Result<Result<Grant, ZoomError>, StoreError> {
        let app = self.app.clone();
        let grant = match self.own.grant().await {
            Ok(grant) => grant,
            Err(error) => {
                self.store.write(move |conn| token::end(conn, &app, number)).await?;
                return Ok(Err(error));
            }
        };
        let span = chrono::Duration::from_std(grant.expires_in).unwrap_or_default();
        let row = TokenRow {
            number,
            token_enc: Some(
                self.sealer.seal(&self.context(), grant.access_token.expose_secret().as_bytes())?,
            ),
            scopes: grant.scopes.join(" "),
            expires_at: Some((self.clock.now() + span).into()),
        };
        match self.store.write(move |conn| token::save(conn, &app, row)).await {
            Ok(number) => self.last.store(number, Ordering::SeqCst),
            // The token is good all the same; the others will ask for one of their own.
            Err(error) => tracing::warn!(%error, "zoom's token could not be shared between processes"),
        }
        Ok(Ok(grant))
    }

    fn context(&self) -> String {
        format!("zoom_tokens.token:{}", self.app)
    }
}
