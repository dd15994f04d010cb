//! OUT to Zoom: everything that knows how Zoom speaks, and nothing of what we want from it.
//!
//! - [`call`] says what can be asked, [`client`] asks it, [`error`] says what an answer means and whether
//!   asking again can help; [`oauth`] gets the tokens.
//! - [`limits`], [`lanes`] and [`breaker`] decide which call may leave when. They are pure and are told the
//!   time; [`crate::actors::zoom_api`] carries their decisions out.
//! - [`signature`] is the proof that a webhook is Zoom's, [`envelope`] and [`event`] read it; [`sdk_jwt`] is the
//!   proof with which a browser joins.
//! - [`ids`] and [`wire`] are Zoom's identifiers and objects, shared with the sandbox; [`types`] is the name
//!   the rest of the daemon uses for them.
//!
//! This is the only room that uses `reqwest`; [`http`] lends a client to whoever else needs one.

pub mod breaker;
pub mod call;
mod classify;
pub mod client;
pub mod envelope;
pub mod error;
pub mod event;
mod exchange;
pub mod http;
pub mod ids;
pub mod lanes;
pub mod limits;
pub mod oauth;
mod repair;
pub mod reply;
pub mod scopes;
pub mod sdk_jwt;
pub mod signature;
#[cfg(test)]
pub(crate) mod testing;
pub mod types;
pub mod wire;

pub use call::ZoomCall;
pub use error::ZoomError;
pub use reply::ZoomReply;
