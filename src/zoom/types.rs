//! Zoom's objects, under the name the rest of the daemon uses for them.

pub use super::wire::*;
