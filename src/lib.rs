//! `convened` keeps one Zoom meeting true to every booking, follows it live by Zoom's webhooks,
//! and says afterwards, with evidence, who was there.
//!
//! The map, in the order the data flows (`ARCHITECTURE.md` has the long form):
//!
//! - [`http`]: IN. The thin actix-web front: callers' bookings and Zoom's webhooks.
//! - [`domain`]: DECIDE. Pure rules; no clock, randomness, database, HTTP or actors.
//! - [`actors`]: PERFORM. One actor a file; carries out what `domain` decided.
//! - [`zoom`]: OUT to Zoom. Client, error classes, limits, signatures, wire types.
//! - [`hooks`]: OUT to other systems. Signed messages of what happened.
//! - [`store`]: OUT to the database. The only place with SQL.
//! - [`sandbox`]: a simulated Zoom account for rehearsals and tests.
//! - [`cli`]: one file a subcommand; [`config`], [`clock`], [`telemetry`] and [`app`] hold it together.
//!
//! The laws every room keeps:
//!
//! 1. Nothing is acknowledged before it is durable.
//! 2. Desired state, not commands; one operation per meeting at a time, its intent a row first.
//! 3. An unknown outcome is looked up, never repeated blindly.
//! 4. Events are a set: any order, duplication or delay gives the same state.
//! 5. Decisions are pure functions; actors only carry them out, their memory is a cache.
//! 6. Everything has a limit, and a failure is one item's.

pub mod actors;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod hooks;
pub mod http;
pub mod sandbox;
pub mod store;
pub mod telemetry;
pub mod zoom;
