//! OUT to the database: the only place with SQL, for SQLite and PostgreSQL at once.
//!
//! - [`connection`]: one connection type for both databases, chosen by URL.
//! - [`schema`], [`types`], [`error`]: the tables, the column types, what can go wrong.
//! - [`writer`]: the one thread that writes, with group commit.
//! - [`migrate`], [`secret`]: the tables at the start, and sealed columns.
//! - `hold`: rows that other processes are kept off while they are changed.
//! - One file an aggregate: plain functions that take a [`Conn`] and give rows or a [`StoreError`].
//!
//! Plain queries run on [`Conn`] itself; upserts, batches and `RETURNING` of whole rows, which diesel's sum
//! type does not know, run through [`each_backend!`].

pub mod appointment;
pub mod attendance;
pub mod audience;
pub mod booking;
pub mod button;
pub mod case;
mod checkpoint;
pub mod connection;
pub mod correction;
pub mod due;
pub mod erasure;
pub mod error;
pub mod export;
pub mod group;
pub mod hold;
pub mod host_key;
pub mod idempotency;
pub mod inbox;
pub mod installation;
pub mod instance;
pub mod judging;
pub mod licence;
pub mod lifecycle;
pub mod look;
pub mod meeting;
pub mod migrate;
pub mod news;
pub mod notification;
pub mod orphan;
pub mod outage;
pub mod outbox;
pub mod participant;
pub mod person;
pub mod pin;
pub mod rate_budget;
pub mod registrant;
pub mod report;
pub mod report_history;
pub mod resync;
pub mod retention;
pub mod roster;
pub mod rules;
mod savepoint;
pub(crate) mod schema;
mod search;
pub mod seat;
pub mod seat_line;
pub mod secret;
pub mod series;
pub mod settlement;
pub mod shard;
mod sql;
pub mod statistics;
pub mod story;
pub mod sweep;
pub mod token;
pub mod traces;
pub mod types;
pub mod writer;
pub mod zoom_connection;
pub mod zoom_user;

pub(crate) use connection::each_backend;
pub use connection::{Conn, DatabaseUrl};
pub use error::{Conflict, Retry, StoreError};
pub use savepoint::savepoint;
pub use secret::Sealer;
pub use types::{Json, UtcMillis};
