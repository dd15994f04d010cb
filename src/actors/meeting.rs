//! MeetingActor — one per busy meeting; keeps Zoom true to the booking and the booking true to its webhooks.
//! Receives: Wake, AwaitSynced, ApplyEvents, Quiesce, Leave (MeetingRegistry); its own idle check.
//! Sends: calls to ZoomApiActor, writes to the store; EventsDone to MeetingRegistry; ScoreBooking to AttendanceActor.
//! Stops when: idle for [`IDLE_MAX`], or the meeting goes to another process.
//! If it dies: MeetingRegistry rebuilds it from the store; a request on its way counts as unknown and is looked up.
//!
//! Two loops run side by side, each at most once at a time: the sync loop towards Zoom and the event loop from it.
//! A slow answer of Zoom never holds up the live view.

mod echo;
mod hold;
mod host;
mod known;
pub(crate) mod live;
mod perform;
mod registration;
mod sync;
mod tale;
mod wait;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix::prelude::*;
use tokio::sync::oneshot;

use self::live::{Applied, Live};
use self::sync::Synced;
use super::door::Place;
use super::engine::Engine;
use super::supervision::supervised;
use crate::store::inbox::{self, InboxEvent};
use crate::store::{Retry, StoreError};

/// How long a meeting without anything to do stays in memory.
const IDLE_MAX: Duration = Duration::from_secs(60);
/// How often it looks whether it is idle.
const IDLE_CHECK: Duration = Duration::from_secs(20);
/// Messages that may wait before senders are refused; what is refused stays in the store.
pub(super) const MAILBOX: usize = 256;
/// Events applied in one write.
const EVENTS_MAX: usize = 512;

/// An event that failed this often, alone, is a dead letter.
const EVENT_FAILURES_MAX: i64 = 5;

/// Something about the booking changed: see whether Zoom agrees.
#[derive(Debug, Default, Message)]
#[rtype(result = "()")]
pub(super) struct Wake {
    /// Somebody is waiting for it.
    pub(super) interactive: bool,
    /// Its place on the way to Zoom, kept until the loop rests.
    pub(super) place: Option<Place>,
}

/// Answers when Zoom agrees with this generation of the booking.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct AwaitSynced {
    pub(super) generation: i64,
    /// Only a run of the loop that begins from now on will do: something else than the booking changed.
    pub(super) anew: bool,
    pub(super) reply: oneshot::Sender<()>,
}

/// Somebody who waits, and the first run of the loop that can answer.
struct Waiter {
    asked: AwaitSynced,
    from_run: u64,
}

/// Webhooks about this meeting.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct ApplyEvents(pub(super) Vec<InboxEvent>);

/// Starts nothing more, and answers when what runs has been written down.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Quiesce(pub(super) oneshot::Sender<()>);

/// The meeting goes to another process, and this actor ends.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) enum Leave {
    /// It starts nothing more, and answers and ends when what runs has been written down.
    AtRest(oneshot::Sender<()>),
    /// The meeting is another process's already: calls that have not left are taken back, and what came of those
    /// that have is the other's to look up.
    AtOnce,
}

/// Whom a meeting's actor tells.
#[derive(Clone)]
pub(super) struct Neighbours {
    /// Events are done with (or left for later): the registry may forget them.
    pub(super) events_done: Arc<dyn Fn(Vec<i64>) + Send + Sync>,
    /// A booking wants scoring.
    pub(super) score: Arc<dyn Fn(String) + Send + Sync>,
}

/// See the head of this file.
pub(super) struct MeetingActor {
    id: String,
    engine: Arc<Engine>,
    neighbours: Neighbours,
    /// The sync loop is running.
    syncing: bool,
    /// It has to run again afterwards.
    wake_again: Option<Wake>,
    wait: Option<SpawnHandle>,
    waiters: Vec<Waiter>,
    /// It waits for Zoom to be reachable, because somebody waits for it.
    at_the_door: bool,
    /// The number of the loop's present or last run.
    runs: u64,
    events: Vec<InboxEvent>,
    applying: bool,
    /// Events in the next batch: one at a time after a failure, so that a bad one is found and the others pass.
    batch_max: usize,
    live: Option<Live>,
    busy_at: Instant,
    /// Set before it goes of its own accord, so that its end is not taken for a death.
    leaving: Arc<AtomicBool>,
    /// The process is stopping, or the meeting leaves it: nothing more is started.
    stopping: bool,
    /// The meeting goes to another process: at rest, the actor ends.
    parting: bool,
    /// Who waits for what runs to be written down.
    quiet: Vec<oneshot::Sender<()>>,
}

impl MeetingActor {
    pub(super) fn new(
        id: String,
        engine: Arc<Engine>,
        neighbours: Neighbours,
        leaving: Arc<AtomicBool>,
    ) -> Self {
        Self {
            id,
            engine,
            neighbours,
            syncing: false,
            wake_again: None,
            wait: None,
            waiters: Vec::new(),
            runs: 0,
            at_the_door: false,
            events: Vec::new(),
            applying: false,
            batch_max: EVENTS_MAX,
            live: None,
            busy_at: Instant::now(),
            leaving,
            stopping: false,
            parting: false,
            quiet: Vec::new(),
        }
    }

    fn sync(&mut self, wake: Wake, ctx: &mut Context<Self>) {
        if self.stopping {
            return;
        }
        if self.syncing {
            let again = self.wake_again.get_or_insert_default();
            again.interactive |= wake.interactive;
            again.place = again.place.take().or(wake.place);
            return;
        }
        self.syncing = true;
        self.runs += 1;
        self.busy_at = Instant::now();
        if let Some(wait) = self.wait.take() {
            ctx.cancel_future(wait);
        }
        // Whoever has got a 202 meanwhile waits no more.
        self.waiters.retain(|waiter| !waiter.asked.reply.is_closed());
        let interactive = wake.interactive || !self.waiters.is_empty();
        let (engine, id) = (Arc::clone(&self.engine), self.id.clone());
        let run = async move {
            let outcome = sync::run(&engine, &id, interactive).await;
            drop(wake.place);
            outcome
        };
        ctx.spawn(run.into_actor(self).map(|outcome, actor, ctx| actor.synced(outcome, ctx)));
    }

    fn synced(&mut self, outcome: Result<Option<Synced>, StoreError>, ctx: &mut Context<Self>) {
        self.syncing = false;
        self.busy_at = Instant::now();
        match outcome {
            Ok(Some(synced)) => {
                if synced.agrees {
                    self.answer_waiters(synced.generation);
                }
                if let Some(again_at) = synced.again_at {
                    self.wait_until(again_at, ctx);
                }
                if synced.shut && !self.waiters.is_empty() {
                    self.wait_for_the_door(ctx);
                }
            }
            Ok(None) => self.waiters.clear(),
            // The row in `due_work` brings it back.
            Err(error) => tracing::warn!(meeting.id = %self.id, %error, "the meeting could not be synced"),
        }
        if let Some(again) = self.wake_again.take() {
            self.sync(again, ctx);
        }
        self.rest_if_quiet(ctx);
    }

    /// Answers those who wait for its rest, once nothing runs any more.
    fn rest_if_quiet(&mut self, ctx: &mut Context<Self>) {
        if self.syncing || self.applying {
            return;
        }
        for waiting in self.quiet.drain(..) {
            // Whoever stopped waiting has its own limit.
            let _ = waiting.send(());
        }
        if self.parting {
            self.go(ctx);
        }
    }

    /// Ends of its own accord, which is not taken for a death.
    fn go(&self, ctx: &mut Context<Self>) {
        self.leaving.store(true, Ordering::SeqCst);
        ctx.stop();
    }

    fn answer_waiters(&mut self, generation: i64) {
        let waiters = std::mem::take(&mut self.waiters);
        for waiter in waiters {
            if waiter.asked.generation <= generation && waiter.from_run <= self.runs {
                // Nobody may be listening any more.
                let _ = waiter.asked.reply.send(());
            } else {
                self.waiters.push(waiter);
            }
        }
    }

    fn apply(&mut self, ctx: &mut Context<Self>) {
        if self.applying || self.events.is_empty() || self.stopping {
            return;
        }
        self.applying = true;
        self.busy_at = Instant::now();
        let rest = self.events.split_off(self.events.len().min(self.batch_max));
        let batch = std::mem::replace(&mut self.events, rest);
        let ids: Vec<i64> = batch.iter().map(|stored| stored.id).collect();
        let (engine, id, live) = (Arc::clone(&self.engine), self.id.clone(), self.live.take());
        let run = async move {
            let Some(fence) = engine.shards.fence(&id) else { return Ok(None) };
            let Some(view) = engine.load(&id).await? else { return Ok(None) };
            let live = match live {
                Some(live) => live,
                None => Live::load(&engine, &id).await?,
            };
            live::apply(&engine, fence, &view, live, &batch).await.map(Some)
        };
        ctx.spawn(run.into_actor(self).map(move |outcome, actor, ctx| actor.applied(ids, outcome, ctx)));
    }

    fn applied(
        &mut self,
        ids: Vec<i64>,
        outcome: Result<Option<Applied>, StoreError>,
        ctx: &mut Context<Self>,
    ) {
        self.applying = false;
        match outcome {
            Ok(Some(applied)) => {
                self.live = Some(applied.live);
                self.batch_max = EVENTS_MAX;
                if let Some(appointment) = applied.score {
                    (self.neighbours.score)(appointment);
                }
                if applied.look {
                    self.sync(Wake::default(), ctx);
                }
            }
            Ok(None) => {}
            // They are still pending in the inbox and come again.
            Err(error) => {
                tracing::warn!(meeting.id = %self.id, %error, "webhooks could not be applied");
                self.batch_max = 1;
                if let [id] = *ids
                    && error.retry() == Retry::Never
                {
                    self.note_failure(id, error.to_string(), ctx);
                }
            }
        }
        (self.neighbours.events_done)(ids);
        self.apply(ctx);
        self.rest_if_quiet(ctx);
    }

    /// Counts a failure of one event; after some of them it becomes a dead letter.
    fn note_failure(&self, id: i64, error: String, ctx: &mut Context<Self>) {
        let engine = Arc::clone(&self.engine);
        let note = async move {
            engine
                .store
                .write(move |conn| {
                    if inbox::mark_failed(conn, id, &error)? >= EVENT_FAILURES_MAX {
                        inbox::mark_dead(conn, id, &error)?;
                    }
                    Ok(())
                })
                .await
        };
        ctx.spawn(note.into_actor(self).map(|outcome, actor, _| {
            if let Err(error) = outcome {
                tracing::warn!(meeting.id = %actor.id, %error, "a failure could not be noted");
            }
        }));
    }

    fn stop_when_idle(&mut self, ctx: &mut Context<Self>) {
        let working = self.syncing || self.applying || self.wait.is_some() || !self.events.is_empty();
        if !working && self.busy_at.elapsed() >= IDLE_MAX {
            self.go(ctx);
        }
    }
}

impl Actor for MeetingActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(IDLE_CHECK, Self::stop_when_idle);
    }
}

supervised!(MeetingActor);

impl Handler<Wake> for MeetingActor {
    type Result = ();

    fn handle(&mut self, wake: Wake, ctx: &mut Self::Context) {
        self.sync(wake, ctx);
    }
}

impl Handler<AwaitSynced> for MeetingActor {
    type Result = ();

    fn handle(&mut self, asked: AwaitSynced, ctx: &mut Self::Context) {
        let from_run = if asked.anew { self.runs + 1 } else { 0 };
        self.waiters.push(Waiter { asked, from_run });
        self.sync(Wake { interactive: true, place: None }, ctx);
    }
}

impl Handler<ApplyEvents> for MeetingActor {
    type Result = ();

    fn handle(&mut self, events: ApplyEvents, ctx: &mut Self::Context) {
        self.events.extend(events.0);
        self.apply(ctx);
    }
}

impl Handler<Quiesce> for MeetingActor {
    type Result = ();

    fn handle(&mut self, waiting: Quiesce, ctx: &mut Self::Context) {
        self.stopping = true;
        self.quiet.push(waiting.0);
        self.rest_if_quiet(ctx);
    }
}

impl Handler<Leave> for MeetingActor {
    type Result = ();

    fn handle(&mut self, leave: Leave, ctx: &mut Self::Context) {
        self.stopping = true;
        match leave {
            Leave::AtRest(waiting) => {
                self.parting = true;
                self.quiet.push(waiting);
                self.rest_if_quiet(ctx);
            }
            Leave::AtOnce => self.go(ctx),
        }
    }
}
