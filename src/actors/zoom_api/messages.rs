//! What the door to Zoom can be asked.

use actix::prelude::*;

use crate::zoom::lanes::Lane;
use crate::zoom::{ZoomCall, ZoomError, ZoomReply};

/// Makes one call to Zoom. Whoever stops waiting before it was sent takes it back.
#[derive(Debug, Clone, PartialEq, Message)]
#[rtype(result = "Result<ZoomReply, ZoomError>")]
pub struct CallZoom {
    /// How urgent it is.
    pub lane: Lane,
    /// What to ask.
    pub call: ZoomCall,
}
