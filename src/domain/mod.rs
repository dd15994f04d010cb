//! DECIDE: the rules, pure. No clock, randomness, database, HTTP or actors: time and chance are arguments.

pub mod appointment;
pub mod lifecycle;
pub mod sync;
