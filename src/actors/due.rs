//! DueActor — the clock: wakes what is due, after any silence or crash.
//! Receives: its own ticks.
//! Sends: WakeMeeting to MeetingRegistry, jobs to AttendanceActor.
//! Stops when: the process does.
//! If it dies: it is rebuilt; what was due is still in `due_work`.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;

use super::attendance::{AttendanceHandle, Job};
use super::engine::Engine;
use super::registry::RegistryHandle;
use super::supervision::supervised;
use crate::store::due::{self, DueKind, DueRow};
use crate::store::{StoreError, UtcMillis};

/// How often the table is looked at, on the daemon's clock, and at least in real time.
const TICK: Duration = Duration::from_secs(1);
const TICK_MIN: Duration = Duration::from_millis(100);
/// What is taken in one go.
const BATCH: i64 = 500;
/// Handed-out work that nobody finished comes again after this.
const LEASE: chrono::Duration = chrono::Duration::seconds(120);

/// See the head of this file.
#[derive(Debug)]
pub struct DueActor {
    engine: Arc<Engine>,
    registry: RegistryHandle,
    attendance: AttendanceHandle,
    looking: bool,
}

impl DueActor {
    /// A clock that wakes these neighbours.
    #[must_use]
    pub fn new(engine: Arc<Engine>, registry: RegistryHandle, attendance: AttendanceHandle) -> Self {
        Self { engine, registry, attendance, looking: false }
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
                    let full = rows.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
                    rows.into_iter().for_each(|row| actor.dispatch(row));
                    if full {
                        actor.look(ctx);
                    }
                }
                Err(error) => tracing::warn!(%error, "what is due cannot be read"),
            }
        }));
    }

    fn dispatch(&self, row: DueRow) {
        match row.kind {
            DueKind::Sync => self.registry.wake(&row.key),
            DueKind::Report => self.attendance.ask(Job::Report(row.key)),
            DueKind::Score => self.attendance.ask(Job::Score(row.key)),
            DueKind::WindowEnd => self.attendance.ask(Job::Window(row.key)),
        }
    }
}

/// Looks first and writes only when something is due: most ticks cost one read.
async fn take(engine: &Engine) -> Result<Vec<DueRow>, StoreError> {
    let now = UtcMillis::from(engine.clock.now());
    if !engine.store.read(move |conn| due::any(conn, now)).await? {
        return Ok(Vec::new());
    }
    let again_at = UtcMillis::from(engine.clock.now() + LEASE);
    engine.store.write(move |conn| due::claim(conn, now, again_at, BATCH)).await
}

impl Actor for DueActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let tick = self.engine.clock.real(TICK).max(TICK_MIN);
        ctx.run_later(Duration::ZERO, Self::look);
        ctx.run_interval(tick, Self::look);
    }
}

supervised!(DueActor);
