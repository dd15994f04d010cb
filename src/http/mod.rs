//! IN: the thin actix-web front. A handler reads the request, asks `domain` and the store, and shapes the answer.
//!
//! - [`error`]: the error table; [`envelope`](self) writes every failure's body and every request's id.
//! - [`auth`], [`keys`], [`admission`]: who is let in.
//! - [`webhook`]: what Zoom tells us.

pub mod admission;
pub mod auth;
mod envelope;
pub mod error;
pub mod keys;
pub mod request_id;
pub mod webhook;

use crate::actors::store::Store;
use crate::clock::SharedClock;

/// What the handlers share: the engine's handles and the settings that concern them.
#[derive(Debug)]
pub struct Front {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: SharedClock,
    /// Whose tokens are good.
    pub auth: auth::Auth,
    /// How many requests are taken.
    pub admission: admission::Admission,
    /// The largest body that is read (`limits.body_bytes`).
    pub body_bytes: usize,
}
