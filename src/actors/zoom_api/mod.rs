//! ZoomApiActor — one per Zoom account; the one door to Zoom: who goes first, how fast, and whether at all.
//! Receives: CallZoom (MeetingActor, AttendanceActor, http); budgets, Drain (app).
//! Sends: GetToken → TokenActor; calls to Zoom, each answered to its caller.
//! Stops when: the process does.
//! If it dies: it is rebuilt with empty queues and today's budgets; callers learn that their call's outcome is
//! unknown and look it up.

mod dispatch;
mod messages;
mod reply;
mod settings;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use actix::prelude::*;
use futures::FutureExt as _;
use tokio::sync::oneshot;
use tokio::time::Instant;

pub use self::messages::{CallZoom, DescribeZoom, Drain, GetBudgets, RestoreBudgets, ShareQuota, ZoomStatus};
pub use self::reply::Pending;
use self::reply::{Reply, reply};
pub use self::settings::ZoomApiConfig;
use super::supervision::supervised;
use super::token::{GetToken, Token, TokenSource};
use crate::clock::SharedClock;
use crate::zoom::breaker::{Breaker, Gate};
use crate::zoom::call::Label;
use crate::zoom::client::ZoomClient;
pub use crate::zoom::lanes::Lane;
use crate::zoom::lanes::{Lanes, Waiting};
use crate::zoom::limits::{BudgetUse, Limits, Now};
use crate::zoom::{ZoomCall, ZoomError};

/// Room in the mailbox; more callers than this wait at their own end.
const MAILBOX: usize = 1_024;

/// See the module.
pub struct ZoomApiActor {
    config: Arc<ZoomApiConfig>,
    client: ZoomClient,
    tokens: Arc<dyn TokenSource>,
    clock: SharedClock,
    limits: Limits,
    lanes: Lanes<Job>,
    breaker: Breaker,
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
    sent_with: Option<Token>,
    /// Whether it was repeated with a fresh token.
    renewed: bool,
    /// How often Zoom said "too fast".
    refusals: u32,
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
    ) -> Self {
        Self {
            limits: Limits::new(config.quotas.clone()),
            lanes: Lanes::new(config.lane_max),
            breaker: Breaker::new(config.breaker),
            config,
            client,
            tokens,
            clock,
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
        let now = Instant::now();
        let job = Job {
            lane: message.lane,
            call: Arc::new(message.call),
            reply,
            arrived_at: now,
            sent_at: now,
            sent_with: None,
            renewed: false,
            refusals: 0,
        };
        match self.lanes.push(message.lane, job) {
            Ok(()) => self.dispatch(ctx),
            Err(job) => self.answer(job, Err(ZoomError::Overloaded)),
        }
        pending
    }
}

impl Handler<Drain> for ZoomApiActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        let (drained, answer) = oneshot::channel();
        self.draining.get_or_insert_default().push(drained);
        for job in self.lanes.take_all(|_| true) {
            self.answer(job, Err(ZoomError::ShuttingDown));
        }
        self.tell_drained();
        // An actor that is gone has nothing under way either.
        answer.map(|_| ()).boxed_local()
    }
}

impl Handler<GetBudgets> for ZoomApiActor {
    type Result = Vec<BudgetUse>;

    fn handle(&mut self, _: GetBudgets, _: &mut Self::Context) -> Self::Result {
        let now = self.now();
        self.limits.snapshot(now)
    }
}

impl Handler<RestoreBudgets> for ZoomApiActor {
    type Result = ();

    fn handle(&mut self, message: RestoreBudgets, _: &mut Self::Context) {
        let now = self.now();
        self.limits.restore(&message.0, now);
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
        let resting = match self.breaker.gate(now.clock) {
            Gate::Shut(left) => Some(left),
            Gate::Open | Gate::Trial | Gate::OnTrial => None,
        };
        let parked = |label| self.limits.parked_until(label, now).map(|until| (label, until));
        MessageResult(ZoomStatus {
            resting,
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
