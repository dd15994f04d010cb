//! OUT to other systems: signs what they are told by Standard Webhooks and sends it, one attempt at a time.
//!
//! What to send, when, and how often is the business of [`crate::actors::notifier`]; HTTP is lent by
//! [`crate::zoom::http`], so that time limits, TLS and "no redirects" are the same everywhere.

pub mod client;
pub mod signature;
