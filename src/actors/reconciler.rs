//! ReconcilerActor — finds what changed at Zoom behind our back, and meetings there that nobody owns.
//! Receives: Errand (DueActor): sweep the account, sweep a host, look again at an orphan.
//! Sends: calls to ZoomApiActor on the sweep lane; wishes for a look to the store; WakeMeeting to MeetingRegistry.
//! Stops when: the process does.
//! If it dies: it is rebuilt; each host and each orphan is a row of its own in `due_work` and comes again.
//!
//! It judges nothing by a list alone: a meeting that looks wrong is read, and put right, by that meeting's actor.

mod orphan;
mod sweep;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use actix::prelude::*;
use chrono::Duration;

use super::engine::Engine;
use super::registry::RegistryHandle;
use super::supervision::{Essential, supervised};
use crate::store::StoreError;
use crate::store::due::ACCOUNT;
use crate::zoom::error::ZoomError;

/// Errands at work at once; the sweep lane paces what they ask of Zoom.
const ERRANDS_AT_ONCE: usize = 4;
/// Errands in line; what finds no room is still due in the store.
const ERRANDS_IN_LINE_MAX: usize = 1000;
/// An errand that failed comes again after this.
const AGAIN_AFTER: Duration = Duration::minutes(5);

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Message)]
#[rtype(result = "()")]
pub enum Errand {
    /// Compare a host's meetings with ours; [`ACCOUNT`] finds the hosts.
    Sweep(String),
    /// Look again at a meeting that nobody owns; the key is its number.
    Orphan(String),
}

impl Errand {
    /// What kind it is; the key may be an address, which no log should hold.
    fn what(&self) -> &'static str {
        match self {
            Self::Sweep(key) if key == ACCOUNT => "account",
            Self::Sweep(_) => "host",
            Self::Orphan(_) => "orphan",
        }
    }
}

#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Finished(Errand);

/// What the sweeps are to do.
#[derive(Debug, Clone)]
pub struct SweepOptions {
    /// From one sweep of the account to the next (`sync.sweep_every`).
    pub every: Duration,
    /// From the first sight of an orphan to the second look (`sync.second_look`).
    pub second_look: Duration,
    /// Whether orphans are removed, or only reported (`sync.orphans`).
    pub removes: bool,
    /// The hosts of the pool, by address in lower case: they may have meetings from before this database.
    pub pool: Vec<String>,
}

/// Why an errand failed.
#[derive(Debug, thiserror::Error)]
enum SweepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("zoom: {0}")]
    Zoom(&'static str),
    #[error("the host's list of meetings could not be read to its end")]
    Incomplete,
}

impl From<ZoomError> for SweepError {
    fn from(error: ZoomError) -> Self {
        // Zoom's own words may hold an address.
        Self::Zoom(error.class())
    }
}

/// The reconciler as others see it.
#[derive(Debug, Clone)]
pub struct ReconcilerHandle(Essential<ReconcilerActor>);

impl ReconcilerHandle {
    /// A handle on the actor.
    #[must_use]
    pub fn new(reconciler: Essential<ReconcilerActor>) -> Self {
        Self(reconciler)
    }

    /// Gives it an errand. Should that be lost (`false`), the row in `due_work` repeats it.
    pub fn ask(&self, errand: Errand) -> bool {
        self.0.tell(errand)
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct ReconcilerActor {
    engine: Arc<Engine>,
    registry: RegistryHandle,
    options: Arc<SweepOptions>,
    line: VecDeque<Errand>,
    /// In line or at work.
    known: HashSet<Errand>,
    running: usize,
}

impl ReconcilerActor {
    /// An actor without errands.
    #[must_use]
    pub fn new(engine: Arc<Engine>, registry: RegistryHandle, options: Arc<SweepOptions>) -> Self {
        Self { engine, registry, options, line: VecDeque::new(), known: HashSet::new(), running: 0 }
    }

    fn start_errands(&mut self, ctx: &mut Context<Self>) {
        while self.running < ERRANDS_AT_ONCE {
            let Some(errand) = self.line.pop_front() else { return };
            self.running += 1;
            let (engine, registry, options) =
                (Arc::clone(&self.engine), self.registry.clone(), Arc::clone(&self.options));
            let address = ctx.address();
            // A task of its own: a panic in one errand ends that errand alone.
            let work = actix_rt::spawn(run(engine, registry, options, errand.clone()));
            let finish = async move {
                if work.await.is_err() {
                    tracing::error!(
                        what = errand.what(),
                        "an errand of the sweep panicked; it comes back when it is due again"
                    );
                }
                address.send(Finished(errand)).await
            };
            ctx.spawn(finish.into_actor(self).map(|_, _, _| ()));
        }
    }
}

async fn run(engine: Arc<Engine>, registry: RegistryHandle, options: Arc<SweepOptions>, errand: Errand) {
    let outcome = match &errand {
        Errand::Sweep(key) if key == ACCOUNT => sweep::account(&engine, &options).await,
        Errand::Sweep(host) => sweep::host(&engine, &registry, &options, host).await,
        Errand::Orphan(number) => orphan::look_again(&engine, &registry, &options, number).await,
    };
    let what = errand.what();
    let came_of_it = if outcome.is_ok() { "done" } else { "failed" };
    metrics::counter!("convened_sweeps_total", "what" => what, "outcome" => came_of_it).increment(1);
    if let Err(error) = outcome {
        tracing::info!(what, %error, "an errand of the sweep failed; it comes again");
        if let Err(error) = sweep::put_off(&engine, &errand, AGAIN_AFTER).await {
            tracing::warn!(what, %error, "it comes again only after its lease");
        }
    }
}

impl Actor for ReconcilerActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(ERRANDS_IN_LINE_MAX);
    }
}

supervised!(ReconcilerActor);

impl Handler<Errand> for ReconcilerActor {
    type Result = ();

    fn handle(&mut self, errand: Errand, ctx: &mut Self::Context) {
        if self.line.len() < ERRANDS_IN_LINE_MAX && self.known.insert(errand.clone()) {
            self.line.push_back(errand);
        }
        self.start_errands(ctx);
    }
}

impl Handler<Finished> for ReconcilerActor {
    type Result = ();

    fn handle(&mut self, finished: Finished, ctx: &mut Self::Context) {
        self.known.remove(&finished.0);
        self.running = self.running.saturating_sub(1);
        self.start_errands(ctx);
    }
}
