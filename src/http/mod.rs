//! IN: the thin actix-web front. A handler reads the request, asks `domain` and the store, and shapes the answer.
//!
//! - [`error`]: the error table; [`envelope`](self) writes every failure's body and every request's id.
//! - [`auth`], [`keys`], [`admission`]: who is let in.
//! - `routes`: the URL table; [`server`]: the layers around it.
//! - [`webhook`]: what Zoom tells us. `health`, `metrics`: what operators ask.
//! - [`openapi`]: the description of all of it, shown by `docs`.

pub mod admission;
pub mod auth;
mod docs;
mod envelope;
pub mod error;
mod health;
pub mod keys;
mod metrics;
pub mod openapi;
pub mod request_id;
mod routes;
pub mod server;
pub mod webhook;

use crate::actors::health::Health;
use crate::actors::store::Store;
use crate::clock::SharedClock;
use crate::store::secret::Sealer;

/// What the handlers share: the engine's handles and the settings that concern them.
#[derive(Debug)]
pub struct Front {
    /// The database.
    pub store: Store,
    /// Whether the daemon can do its work.
    pub health: Health,
    /// Opens the secrets in rows.
    pub sealer: Sealer,
    /// The time.
    pub clock: SharedClock,
    /// Whose tokens are good.
    pub auth: auth::Auth,
    /// How many requests are taken.
    pub admission: admission::Admission,
    /// The largest body that is read (`limits.body_bytes`).
    pub body_bytes: usize,
}
