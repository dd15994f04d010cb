//! What the door to Zoom can be asked.

use actix::prelude::*;
use chrono::{DateTime, Utc};

use crate::domain::outage::Outage;
use crate::zoom::call::Label;
use crate::zoom::lanes::Lane;
use crate::zoom::{ZoomCall, ZoomError, ZoomReply};

/// Makes one call to Zoom. Whoever stops waiting before it was sent takes it back.
///
/// [`MailboxError::Closed`] as the answer means that the door died with the call: what became of it is unknown.
#[derive(Debug, Clone, PartialEq, Message)]
#[rtype(result = "Result<ZoomReply, ZoomError>")]
pub struct CallZoom {
    /// How urgent it is.
    pub lane: Lane,
    /// What to ask.
    pub call: ZoomCall,
}

/// Sends nothing more, and answers when the last call under way has its answer.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Drain;

/// Keeps to one of so many equal parts of the account's rates. The day's allowances need no parts: all processes
/// count them in the same rows.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct ShareQuota {
    /// How many processes there are, this one included.
    pub processes: u32,
}

/// Asks how things stand, for operators.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "ZoomStatus")]
pub struct DescribeZoom;

/// How things stand between us and Zoom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoomStatus {
    /// Why no calls can be made; none while they can.
    pub outage: Option<Outage>,
    /// How many calls are under way.
    pub in_flight: usize,
    /// How many calls wait, by lane.
    pub waiting: Vec<(Lane, usize)>,
    /// The labels whose day is used up, and until when.
    pub parked: Vec<(Label, DateTime<Utc>)>,
    /// What the present token may do; none without a token.
    pub scopes: Option<Vec<String>>,
}
