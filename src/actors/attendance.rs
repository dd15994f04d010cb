//! AttendanceActor — sees how classes come out: ends those that overrun, scores bookings, reads Zoom's reports.
//! Receives: ScoreBooking (MeetingActor, DueActor), ReadReport and CloseWindow (DueActor).
//! Sends: calls to ZoomApiActor on the report lane (ends on that for cancels), writes to the store.
//! Stops when: the process does.
//! If it dies: the rows in `due_work` bring its jobs back; a half-read report was never stored.

pub(super) mod auto_end;
mod difference;
mod proof;
mod report;
mod score;
mod window;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use actix::prelude::*;

use super::engine::Engine;
use super::supervision::{Essential, supervised};
use crate::store::StoreError;

/// Jobs at work at once; each is mostly waiting for the database or for Zoom.
const JOBS_AT_ONCE: usize = 8;
/// Jobs in line; what is refused is still due in the store.
const JOBS_IN_LINE_MAX: usize = 10_000;

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Message)]
#[rtype(result = "()")]
pub enum Job {
    /// Score a booking from what is known; the key is its id.
    Score(String),
    /// Read Zoom's report of an instance; the key is its uuid.
    Report(String),
    /// The planned end has passed: see how the booking came out; the key is its id.
    Window(String),
    /// The meeting may overrun: see, and end it; the key is the booking's id.
    AutoEnd(String),
}

#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Finished(Job);

/// The attendance actor as others see it.
#[derive(Debug, Clone)]
pub struct AttendanceHandle(Essential<AttendanceActor>);

impl AttendanceHandle {
    /// A handle on the actor.
    #[must_use]
    pub fn new(attendance: Essential<AttendanceActor>) -> Self {
        Self(attendance)
    }

    /// Asks for a job. Should that be lost (`false`), the row in `due_work` repeats it.
    pub fn ask(&self, job: Job) -> bool {
        self.0.tell(job)
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct AttendanceActor {
    engine: Arc<Engine>,
    line: VecDeque<Job>,
    waiting: HashSet<Job>,
    running: HashSet<Job>,
}

impl AttendanceActor {
    /// An actor without jobs.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, line: VecDeque::new(), waiting: HashSet::new(), running: HashSet::new() }
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
            let (engine, address) = (Arc::clone(&self.engine), ctx.address());
            // A task of its own: a panic in one job ends that job alone.
            let work = actix_rt::spawn(run(engine, job.clone()));
            let finish = async move {
                if work.await.is_err() {
                    tracing::error!(?job, "a job of attendance panicked; it comes back when it is due again");
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
        Job::Score(appointment) => score::run(&engine, appointment).await,
        Job::Report(instance) => report::run(&engine, instance).await,
        Job::Window(appointment) => window::run(&engine, appointment).await,
        Job::AutoEnd(appointment) => auto_end::run(&engine, appointment).await,
    };
    if let Err(error) = outcome {
        tracing::warn!(?job, %error, "a job of attendance failed; it comes back when it is due again");
    }
}

impl Actor for AttendanceActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1024);
    }
}

supervised!(AttendanceActor);

impl Handler<Job> for AttendanceActor {
    type Result = ();

    fn handle(&mut self, job: Job, ctx: &mut Self::Context) {
        if self.line.len() < JOBS_IN_LINE_MAX && self.waiting.insert(job.clone()) {
            self.line.push_back(job);
        }
        self.start_jobs(ctx);
    }
}

impl Handler<Finished> for AttendanceActor {
    type Result = ();

    fn handle(&mut self, finished: Finished, ctx: &mut Self::Context) {
        self.running.remove(&finished.0);
        self.start_jobs(ctx);
    }
}
