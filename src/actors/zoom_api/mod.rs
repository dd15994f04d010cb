//! ZoomApiActor — the one door to Zoom.

mod messages;

pub use self::messages::CallZoom;
pub use crate::zoom::lanes::Lane;
