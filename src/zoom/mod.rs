//! OUT to Zoom: client, error classes, limits, signatures, wire types. The only room that uses reqwest.

pub mod ids;
pub mod wire;
