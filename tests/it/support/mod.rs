//! What the tests share.

pub(crate) mod booked;
pub(crate) mod bookings;
pub(crate) mod database;
pub(crate) mod fleet;
pub(crate) mod listener;
pub(crate) mod pace;
pub(crate) mod rig;
pub(crate) mod sandbox;
