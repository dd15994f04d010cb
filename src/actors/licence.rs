//! LicenceActor — one per Zoom account; lends licences and keeps what is known of the account's users true.
//! Receives: Job (DueActor), BookingsChanged and LendNow (http).
//! Sends: calls to ZoomApiActor on the sync and sweep lanes, writes to the store.
//! Stops when: the process does.
//! If it dies: `due_work` brings its jobs back; a request on its way has its intent in `licence_leases` and is
//! looked up at Zoom before anything is repeated.
//!
//! With several processes on one database only one of them works: whoever claims the row in `due_work`.

mod lend;
mod outcome;
mod users;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::oneshot;

use super::engine::Engine;
use super::supervision::{Essential, supervised};
use crate::store::due::{self, ACCOUNT, DueKind};
use crate::store::{StoreError, UtcMillis, licence};

/// Jobs at work at once; each is mostly waiting for Zoom.
const JOBS_AT_ONCE: usize = 4;
/// Jobs in line; what is refused is still due in the store.
const JOBS_IN_LINE_MAX: usize = 2_000;
/// Changes of bookings that come within this are looked at together.
const GATHER: Duration = Duration::from_millis(500);

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Message)]
#[rtype(result = "()")]
pub enum Job {
    /// Lend and take back licences.
    Lend,
    /// Read all users of the account.
    Users,
    /// Read one user, by id or address, and tell Zoom what is wanted of them.
    User(String),
}

#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Finished(Job);

/// Lends now, and answers when that is done.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct LendNow(oneshot::Sender<()>);

/// Bookings, and with them the need of licences, have changed.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
struct BookingsChanged;

/// The licence actor as others see it.
#[derive(Debug, Clone)]
pub struct LicenceHandle(Essential<LicenceActor>);

impl LicenceHandle {
    /// A handle on the actor.
    #[must_use]
    pub fn new(licences: Essential<LicenceActor>) -> Self {
        Self(licences)
    }

    /// Asks for a job. Should that be lost (`false`), the row in `due_work` repeats it.
    pub fn ask(&self, job: Job) -> bool {
        self.0.tell(job)
    }

    /// Lends now, and waits until that is done, at most for `limit`.
    pub async fn lend_now(&self, limit: Duration) {
        let (reply, done) = oneshot::channel();
        if self.0.tell(LendNow(reply)) {
            // Late or lost: the rows say how things stand.
            let _ = tokio::time::timeout(limit, done).await;
        }
    }

    /// Says, after the commit, that bookings changed. Should that be lost, the next look comes within a minute.
    pub fn bookings_changed(&self) {
        self.0.tell(BookingsChanged);
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct LicenceActor {
    engine: Arc<Engine>,
    line: VecDeque<Job>,
    waiting: BTreeSet<Job>,
    running: BTreeSet<Job>,
    gathering: bool,
    /// Who waits for lending that has not begun …
    waiters: Vec<oneshot::Sender<()>>,
    /// … and for the one that runs.
    served: Vec<oneshot::Sender<()>>,
}

impl LicenceActor {
    /// An actor without jobs.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            line: VecDeque::new(),
            waiting: BTreeSet::new(),
            running: BTreeSet::new(),
            gathering: false,
            waiters: Vec::new(),
            served: Vec::new(),
        }
    }

    /// Starts what may start. A job that is running already waits for its end, so that it sees what is new.
    fn start_jobs(&mut self, ctx: &mut Context<Self>) {
        let mut put_back = Vec::new();
        while self.running.len() < JOBS_AT_ONCE {
            let Some(job) = self.line.pop_front() else { break };
            if self.running.contains(&job) {
                put_back.push(job);
                continue;
            }
            self.waiting.remove(&job);
            self.running.insert(job.clone());
            if job == Job::Lend {
                self.served.append(&mut self.waiters);
            }
            let (engine, address) = (Arc::clone(&self.engine), ctx.address());
            // A task of its own: a panic in one job ends that job alone.
            let work = actix_rt::spawn(run(engine, job.clone()));
            let finish = async move {
                if work.await.is_err() {
                    tracing::error!(
                        "a job of the licence actor panicked; it comes back when it is due again"
                    );
                }
                address.send(Finished(job)).await
            };
            ctx.spawn(finish.into_actor(self).map(|_, _, _| ()));
        }
        self.line.extend(put_back);
    }
}

async fn run(engine: Arc<Engine>, job: Job) {
    let outcome: Result<(), StoreError> = match &job {
        Job::Lend => lend::run(&engine).await,
        Job::Users => users::read_all(&engine).await,
        Job::User(key) => users::read_one(&engine, key).await,
    };
    if let Err(error) = outcome {
        tracing::warn!(%error, "a job of the licence actor failed; it comes back when it is due again");
    }
}

/// Sees that the account's work is due: what a first start needs, and any other may do without harm.
async fn make_due(engine: Arc<Engine>) {
    let now = UtcMillis::from(engine.clock.now());
    let policy = engine.licences;
    let written = engine.store.write(move |conn| {
        let seats = i64::try_from(policy.seats).unwrap_or(i64::MAX);
        licence::configure(conn, seats, policy.margin.num_seconds())?;
        due::set(conn, DueKind::ZoomUsers, ACCOUNT, now)?;
        due::set(conn, DueKind::Licences, ACCOUNT, now)
    });
    if let Err(error) = written.await {
        tracing::error!(%error, "the account's users and licences could not be made due");
    }
}

async fn look_now(engine: Arc<Engine>) {
    let now = UtcMillis::from(engine.clock.now());
    let written = engine.store.write(move |conn| due::set(conn, DueKind::Licences, ACCOUNT, now)).await;
    if let Err(error) = written {
        tracing::warn!(%error, "licences are looked at only with the next look");
    }
}

impl Actor for LicenceActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1024);
        ctx.spawn(make_due(Arc::clone(&self.engine)).into_actor(self));
    }
}

supervised!(LicenceActor);

impl Handler<Job> for LicenceActor {
    type Result = ();

    fn handle(&mut self, job: Job, ctx: &mut Self::Context) {
        if self.line.len() < JOBS_IN_LINE_MAX && self.waiting.insert(job.clone()) {
            self.line.push_back(job);
        }
        self.start_jobs(ctx);
    }
}

impl Handler<LendNow> for LicenceActor {
    type Result = ();

    fn handle(&mut self, now: LendNow, ctx: &mut Self::Context) {
        self.waiters.push(now.0);
        // Whoever waits is served before the users that are only read.
        if self.waiting.insert(Job::Lend) {
            self.line.push_front(Job::Lend);
        }
        self.start_jobs(ctx);
    }
}

impl Handler<BookingsChanged> for LicenceActor {
    type Result = ();

    fn handle(&mut self, _: BookingsChanged, ctx: &mut Self::Context) {
        if self.engine.licences.seats == 0 || self.gathering {
            return;
        }
        self.gathering = true;
        ctx.run_later(GATHER, |actor, ctx| {
            actor.gathering = false;
            ctx.spawn(look_now(Arc::clone(&actor.engine)).into_actor(actor));
        });
    }
}

impl Handler<Finished> for LicenceActor {
    type Result = ();

    fn handle(&mut self, finished: Finished, ctx: &mut Self::Context) {
        self.running.remove(&finished.0);
        if finished.0 == Job::Lend {
            for waiting in self.served.drain(..) {
                // Nobody may be listening any more.
                let _ = waiting.send(());
            }
        }
        self.start_jobs(ctx);
    }
}
