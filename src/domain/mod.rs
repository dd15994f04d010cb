//! DECIDE: the rules, pure. No clock, randomness, database, HTTP or actors: time and chance are arguments.

pub mod access;
pub mod appointment;
pub mod attendance;
pub mod connection;
pub mod delivery;
pub mod drift;
pub mod events;
pub mod identity;
pub mod interval;
pub mod licence;
pub mod lifecycle;
pub mod live;
pub mod marker;
pub mod outage;
pub mod overrun;
pub mod recurrence;
pub mod report;
pub mod rules;
pub mod schedule;
pub mod seats;
pub mod shard;
pub mod suggestion;
pub mod sweep;
pub mod sync;
pub mod transition;
pub mod unmatched;
