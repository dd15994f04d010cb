//! ZoomApiActor — one per Zoom account; the one door to Zoom: who goes first, how fast, and whether at all.
//! Receives: CallZoom (MeetingActor, AttendanceActor, http); ShareQuota, Drain (app); DescribeZoom (http).
//! Sends: GetToken → TokenActor; calls to Zoom, each answered to its caller; the day's counts → the store.
//! Stops when: the process does.
//! If it dies: it is rebuilt with empty queues; the day's counts are rows that were written before they were used.
//! Callers learn that their call's outcome is unknown and look it up.
//!
//! A call is paid for (`pay`), waits in its lane, and leaves when the limits let it (`dispatch`). While Zoom fails
//! or refuses the credentials (`sign`) every call is refused at once, and a harmless call of the door's own finds
//! out when that is over.

mod dispatch;
mod messages;
mod pay;
mod records;
mod reply;
mod settings;
mod sign;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use actix::prelude::*;
use chrono::NaiveDate;
use futures::FutureExt as _;
use tokio::sync::oneshot;
use tokio::time::Instant;

pub use self::messages::{CallZoom, DescribeZoom, Drain, ShareQuota, ZoomStatus};
pub use self::records::{Records, StoreRecords};
pub use self::reply::Pending;
use self::reply::{Reply, reply};
pub use self::settings::ZoomApiConfig;
use self::sign::News;
use super::door::Door;
use super::supervision::supervised;
use super::token::{GetToken, Token, TokenSource};
use crate::clock::SharedClock;
use crate::domain::outage::Outage;
use crate::zoom::breaker::Breaker;
use crate::zoom::call::Label;
use crate::zoom::client::ZoomClient;
pub use crate::zoom::lanes::Lane;
use crate::zoom::lanes::{Lanes, Waiting};
use crate::zoom::limits::{Limits, Now};
use crate::zoom::{ZoomCall, ZoomError};

/// Room in the mailbox; more callers than this wait at their own end.
const MAILBOX: usize = 1_024;

/// See the module.
pub struct ZoomApiActor {
    config: Arc<ZoomApiConfig>,
    client: ZoomClient,
    tokens: Arc<dyn TokenSource>,
    clock: SharedClock,
    records: Arc<dyn Records>,
    door: Door,
    limits: Limits,
    /// Calls whose permits are being written down.
    unpaid: VecDeque<Job>,
    lanes: Lanes<Job>,
    breaker: Breaker,
    /// Why no calls can be made, with the error that says so to callers.
    outage: Option<(Outage, ZoomError)>,
    news: News,
    lease: Lease,
    in_flight: HashMap<u64, Job>,
    /// How many processes share the account's quota.
    processes: u32,
    sent: u64,
    wake: Option<SpawnHandle>,
    draining: Option<Vec<oneshot::Sender<()>>>,
}

impl fmt::Debug for ZoomApiActor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ZoomApiActor").field("in_flight", &self.in_flight.len()).finish_non_exhaustive()
    }
}

/// A call on its way.
struct Job {
    lane: Lane,
    call: Arc<ZoomCall>,
    reply: Reply,
    arrived_at: Instant,
    sent_at: Instant,
    /// When the limits counted it.
    counted_at: std::time::Instant,
    sent_with: Option<Token>,
    /// Whether it was repeated with a fresh token.
    renewed: bool,
    /// How often Zoom said "too fast".
    refusals: u32,
    /// The day whose permits it holds; none once Zoom has counted it.
    paid_on: Option<NaiveDate>,
    /// The door's own call that finds out whether Zoom is back.
    is_trial: bool,
}

impl Job {
    fn new(lane: Lane, call: ZoomCall, reply: Reply) -> Self {
        let now = Instant::now();
        Self {
            lane,
            call: Arc::new(call),
            reply,
            arrived_at: now,
            sent_at: now,
            counted_at: now.into_std(),
            sent_with: None,
            renewed: false,
            refusals: 0,
            paid_on: None,
            is_trial: false,
        }
    }
}

impl Waiting for Job {
    fn call(&self) -> &ZoomCall {
        &self.call
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_abandoned() || !self.call.guard.stands()
    }
}

/// The token in hand. Calls are counted against the limit only with a token there, because the wait for one
/// would bunch them up.
enum Lease {
    None { refused: Option<secrecy::SecretString> },
    Asked,
    Held(Token),
}

impl ZoomApiActor {
    /// A door with empty queues.
    #[must_use]
    pub fn new(
        config: Arc<ZoomApiConfig>,
        client: ZoomClient,
        tokens: Arc<dyn TokenSource>,
        clock: SharedClock,
        records: Arc<dyn Records>,
        door: Door,
    ) -> Self {
        Self {
            limits: Limits::new(config.quotas.clone()),
            lanes: Lanes::new(config.lane_max),
            breaker: Breaker::new(config.breaker),
            config,
            client,
            tokens,
            clock,
            records,
            door,
            unpaid: VecDeque::new(),
            outage: None,
            news: News::default(),
            lease: Lease::None { refused: None },
            in_flight: HashMap::new(),
            processes: 1,
            sent: 0,
            wake: None,
            draining: None,
        }
    }

    fn now(&self) -> Now {
        // Through tokio, so that paused time in tests pauses the limits too.
        Now { real: Instant::now().into_std(), clock: self.clock.now() }
    }
}

impl Actor for ZoomApiActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        if self.config.begins_full {
            let now = self.now();
            self.limits.fill(now);
        }
        // An earlier life may have left another sign; what is true shows at the first call.
        self.show_sign();
        self.show();
    }
}

supervised!(ZoomApiActor);

impl Handler<CallZoom> for ZoomApiActor {
    type Result = Pending;

    fn handle(&mut self, message: CallZoom, ctx: &mut Self::Context) -> Pending {
        let (reply, pending) = reply();
        if self.draining.is_some() {
            reply.answer(Err(ZoomError::ShuttingDown));
            return pending;
        }
        let job = Job::new(message.lane, message.call, reply);
        match self.refusal(self.clock.now()) {
            Some(error) => self.answer(job, Err(error)),
            None => {
                self.admit(job, ctx);
                self.dispatch(ctx);
            }
        }
        pending
    }
}

impl Handler<Drain> for ZoomApiActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        let (drained, answer) = oneshot::channel();
        self.draining.get_or_insert_default().push(drained);
        self.fail_waiting(&ZoomError::ShuttingDown);
        self.tell_drained();
        // An actor that is gone has nothing under way either.
        answer.map(|_| ()).boxed_local()
    }
}

impl Handler<ShareQuota> for ZoomApiActor {
    type Result = ();

    fn handle(&mut self, message: ShareQuota, _: &mut Self::Context) {
        // Said again and again; what was learned of Zoom's own limits holds until the share is another one.
        if std::mem::replace(&mut self.processes, message.processes) == message.processes {
            return;
        }
        self.limits.set_quotas(self.config.quotas.share(message.processes));
    }
}

impl Handler<DescribeZoom> for ZoomApiActor {
    type Result = MessageResult<DescribeZoom>;

    fn handle(&mut self, _: DescribeZoom, _: &mut Self::Context) -> Self::Result {
        let now = self.now();
        let parked = |label| self.limits.parked_until(label, now).map(|until| (label, until));
        MessageResult(ZoomStatus {
            outage: self.outage.as_ref().map(|(outage, _)| *outage),
            in_flight: self.in_flight.len(),
            waiting: Lane::ALL.map(|lane| (lane, self.lanes.depth(lane))).to_vec(),
            parked: Label::ALL.into_iter().filter_map(parked).collect(),
            scopes: match &self.lease {
                Lease::Held(token) => Some(token.scopes.to_vec()),
                Lease::None { .. } | Lease::Asked => None,
            },
        })
    }
}

#[cfg(test)]
mod tests;
