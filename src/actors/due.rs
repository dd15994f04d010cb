//! DueActor — the clock: wakes what is due, after any silence or crash. While Zoom cannot be called, what needs it
//! stays in its table.
//! Receives: its own ticks.
//! Sends: WakeMeeting to MeetingRegistry, jobs to AttendanceActor and LicenceActor, errands to ReconcilerActor,
//!   KeepUp to NotifierActor, meetings to RegistrationActor, CleanUp and Erase to JanitorActor; looks through seats
//!   itself.
//! Stops when: the process does.
//! If it dies: it is rebuilt; what was due is still in `due_work`.

mod backlog;

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;

use self::backlog::Backlog;
use super::attendance::{AttendanceHandle, Job};
use super::engine::Engine;
use super::janitor::JanitorHandle;
use super::licence::{self, LicenceHandle};
use super::notifier::NotifierHandle;
use super::reconciler::{Errand, ReconcilerHandle};
use super::registration::RegistrationHandle;
use super::registry::RegistryHandle;
use super::seats;
use super::supervision::supervised;
use crate::store::due::{self, DueKind, DueRow, Room};
use crate::store::{StoreError, UtcMillis};

/// How often the table is looked at, on the daemon's clock, and at least in real time.
const TICK: Duration = Duration::from_secs(1);
const TICK_MIN: Duration = Duration::from_millis(100);
/// How often the meetings that wait are counted, in real time: for people, not for decisions.
const COUNT_EVERY: Duration = Duration::from_secs(10);
/// What is taken in one go.
const BATCH: i64 = 500;
/// Handed-out work that nobody finished comes again after this.
pub(super) const LEASE: chrono::Duration = chrono::Duration::seconds(120);
/// Work that a neighbour could not take (it is being rebuilt, or full) comes again after this.
const PUT_BACK: chrono::Duration = chrono::Duration::seconds(1);

/// Whom the clock wakes.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is the handle of the actor of that name")]
pub struct Neighbours {
    pub registry: RegistryHandle,
    pub attendance: AttendanceHandle,
    pub licences: LicenceHandle,
    pub reconciler: ReconcilerHandle,
    pub notifier: NotifierHandle,
    pub registration: RegistrationHandle,
    pub janitor: JanitorHandle,
}

/// See the head of this file.
#[derive(Debug)]
pub struct DueActor {
    engine: Arc<Engine>,
    neighbours: Neighbours,
    looking: bool,
    /// What the meetings in line have been told of an outage; `None` while it is being written.
    backlog: Option<Backlog>,
}

impl DueActor {
    /// A clock that wakes these neighbours.
    #[must_use]
    pub fn new(engine: Arc<Engine>, neighbours: Neighbours) -> Self {
        Self { engine, neighbours, looking: false, backlog: Some(Backlog::default()) }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.looking {
            return;
        }
        self.looking = true;
        let engine = Arc::clone(&self.engine);
        let look = async move { take(&engine).await };
        ctx.spawn(look.into_actor(self).map(|taken, actor, ctx| {
            actor.looking = false;
            match taken {
                Ok(rows) => {
                    let others = rows.iter().filter(|row| row.kind != DueKind::Sync).count();
                    let full = others >= usize::try_from(BATCH).unwrap_or(usize::MAX);
                    let refused: Vec<DueRow> = rows.into_iter().filter(|row| !actor.dispatch(row)).collect();
                    if !refused.is_empty() {
                        actor.put_back(refused, ctx);
                    } else if full {
                        actor.look(ctx);
                    }
                }
                Err(error) => tracing::warn!(%error, "what is due cannot be read"),
            }
        }));
    }

    /// Lets the meetings in line say why they wait, or that they do so no more.
    fn tell_backlog(&mut self, ctx: &mut Context<Self>) {
        let present = self.engine.zoom.door().outage();
        let Some(told) = self.backlog.take_if(|told| told.is_news(present.as_ref())) else { return };
        let tell = told.clone().tell(Arc::clone(&self.engine), present);
        ctx.spawn(tell.into_actor(self).map(move |outcome, actor, _| {
            actor.backlog = Some(outcome.unwrap_or_else(|error| {
                tracing::warn!(%error, "the meetings in line could not be told why they wait");
                told
            }));
        }));
    }

    /// Hands a piece of work out; `false` when its neighbour cannot take it now.
    fn dispatch(&self, row: &DueRow) -> bool {
        let (to, key) = (&self.neighbours, row.key.clone());
        match row.kind {
            DueKind::Sync => to.registry.wake(&key),
            DueKind::Report => to.attendance.ask(Job::Report(key)),
            DueKind::Score => to.attendance.ask(Job::Score(key)),
            DueKind::Notify => to.notifier.keep_up(),
            DueKind::Retention => to.janitor.clean_up(),
            DueKind::Erasure => to.janitor.erase(key),
            DueKind::WindowEnd => to.attendance.ask(Job::Window(key)),
            DueKind::AutoEnd => to.attendance.ask(Job::AutoEnd(key)),
            DueKind::Licences => to.licences.ask(licence::Job::Lend),
            DueKind::ZoomUsers => to.licences.ask(licence::Job::Users),
            DueKind::ZoomUser => to.licences.ask(licence::Job::User(key)),
            DueKind::Sweep => to.reconciler.ask(Errand::Sweep(key)),
            DueKind::Orphan => to.reconciler.ask(Errand::Orphan(key)),
            DueKind::Register => to.registration.register(key),
            DueKind::Seats => seats::start(&self.engine, &to.registry, key),
        }
    }

    /// What nobody took is due again in a moment, not after the lease.
    fn put_back(&self, refused: Vec<DueRow>, ctx: &mut Context<Self>) {
        let soon = UtcMillis::from(self.engine.clock.now() + PUT_BACK);
        let engine = Arc::clone(&self.engine);
        let put = async move {
            engine
                .store
                .write(move |conn| {
                    refused.iter().try_for_each(|row| due::set(conn, row.kind, &row.key, soon))
                })
                .await
        };
        ctx.spawn(put.into_actor(self).map(|outcome, _, _| {
            if let Err(error) = outcome {
                tracing::warn!(%error, "work that nobody took comes again only after its lease");
            }
        }));
    }
}

/// Looks first and writes only when something is due: most ticks cost one read.
async fn take(engine: &Engine) -> Result<Vec<DueRow>, StoreError> {
    let (now, mine) = (UtcMillis::from(engine.clock.now()), engine.shards.mine());
    let room = room(engine);
    if !engine.store.read(move |conn| due::any(conn, mine, now, room)).await? {
        return Ok(Vec::new());
    }
    let again_at = UtcMillis::from(engine.clock.now() + LEASE);
    engine.store.write(move |conn| due::claim(conn, mine, now, again_at, room)).await
}

/// Meetings are taken as there are places on the way to Zoom, and not while the way leads nowhere: the backlog
/// stays rows, in which the order is.
fn room(engine: &Engine) -> Room {
    let door = engine.zoom.door();
    let sync = i64::try_from(door.free_places()).unwrap_or(BATCH).min(BATCH);
    Room { sync, other: BATCH, zoom: door.outage().is_none() }
}

impl Actor for DueActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let tick = self.engine.clock.real(TICK).max(TICK_MIN);
        ctx.run_later(Duration::ZERO, Self::look);
        ctx.run_interval(COUNT_EVERY, |actor, ctx| {
            ctx.spawn(backlog::count(Arc::clone(&actor.engine)).into_actor(actor));
        });
        ctx.run_interval(tick, |actor, ctx| {
            actor.look(ctx);
            actor.tell_backlog(ctx);
        });
    }
}

supervised!(DueActor);
