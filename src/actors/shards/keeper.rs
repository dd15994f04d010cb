//! The keeper — a thread that holds the locks of this process's shards and hears the other processes.
//! Its connection is the process's existence: when it breaks, everything is lost at once and taken anew.
//! Tells: MeetingRegistry which shards came and went and what the others said; ZoomApiActor how many share the quota.
//! Stops when: [`Shards::close`](super::Shards::close) is called.
//! If it panics: as if the connection had broken.
//!
//! A thread and not an actor, because every step of it blocks; and it listens by looking, [`EAR`] by [`EAR`],
//! because libpq's socket cannot be waited on without `unsafe`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::Shared;
use super::moment::Moment;
use super::note::{self, Heard};
use crate::actors::due;
use crate::actors::engine::Engine;
use crate::actors::registry::RegistryHandle;
use crate::domain::shard::{ShardSet, next_move};
use crate::store::due as due_work;
use crate::store::shard::Session;
use crate::store::{DatabaseUrl, StoreError, UtcMillis};

/// How often the database is asked who is there. A dead process's shards are taken within this.
const BEAT: Duration = Duration::from_secs(1);
/// How often notes are sent and heard.
const EAR: Duration = Duration::from_millis(20);
/// The pause before a new connection.
const RECONNECT: Duration = Duration::from_millis(500);
/// Meetings that are to go elsewhere may take this long to end what they are at. After that it is looked up by
/// their new owner, as after a crash.
const REST_MAX: Duration = Duration::from_secs(30);

/// See the head of this file.
pub struct Keeper {
    url: DatabaseUrl,
    shared: Arc<Shared>,
    engine: Arc<Engine>,
    registry: RegistryHandle,
    /// Who this is, for the operator.
    owner: String,
    /// Where this process begins to look for free shards.
    start: u8,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("owner", &self.owner).finish_non_exhaustive()
    }
}

/// Shards on their way to somebody else.
struct Leaving {
    shards: ShardSet,
    rest: oneshot::Receiver<()>,
    until: Instant,
}

impl Keeper {
    /// Starts the thread, where there is something to keep: not with SQLite.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(url: &DatabaseUrl, engine: &Arc<Engine>, registry: &RegistryHandle) -> std::io::Result<()> {
        let Some(shared) = engine.shards.0.clone() else { return Ok(()) };
        let pid = std::process::id();
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let keeper = Self {
            url: url.clone(),
            shared,
            engine: Arc::clone(engine),
            registry: registry.clone(),
            owner: format!("{}:{pid}", machine.trim()),
            // Neighbouring process ids are to begin far from each other.
            start: u8::try_from(pid.wrapping_mul(23) % 256).unwrap_or_default(),
        };
        std::thread::Builder::new().name("shards".to_owned()).spawn(move || keeper.run()).map(|_| ())
    }

    #[expect(clippy::disallowed_methods, reason = "the keeper's own thread: nobody else is stalled")]
    fn run(self) {
        while !self.shared.is_closing() {
            let ended = catch_unwind(AssertUnwindSafe(|| self.live()));
            self.shared.lose_all();
            self.registry.disown(ShardSet::ALL);
            match ended {
                Ok(Ok(())) => break,
                Ok(Err(error)) => {
                    metrics::counter!("convened_shards_lost_total").increment(1);
                    tracing::warn!(%error, "the connection that holds this process's meetings broke; they are taken anew");
                }
                Err(_) => tracing::error!("the keeper of the shards panicked and begins anew"),
            }
            std::thread::sleep(RECONNECT);
        }
        self.shared.closed.notify_one();
    }

    /// The life of one connection. Its end is the end of all locks.
    fn live(&self) -> Result<(), StoreError> {
        let mut session = Session::open(&self.url)?;
        let mut leaving = None;
        while !self.shared.is_closing() {
            self.beat(&mut session, &mut leaving)?;
            self.listen(&mut session)?;
        }
        Ok(())
    }

    fn beat(&self, session: &mut Session, leaving: &mut Option<Leaving>) -> Result<(), StoreError> {
        let asked = Moment::now();
        let census = session.census()?;
        let lost = self.shared.confirm(&census, asked);
        if !lost.is_empty() {
            tracing::error!(shards = lost.len(), "locks of shards fell without their connection");
            self.registry.disown(lost);
        }
        // Told every time: a door that was rebuilt knows only the whole quota.
        self.engine.zoom.share(census.processes);
        if let Some(gone) = leaving.take_if(|leaving| leaving.is_over()) {
            session.release(gone.shards)?;
            tracing::info!(shards = gone.shards.len(), "shards were given to other processes");
        }
        let next = next_move(census.mine, census.free, census.processes, self.start);
        if !next.take.is_empty() {
            self.take(session, next.take)?;
        }
        if leaving.is_none() && !next.give.is_empty() {
            self.shared.part_with(next.give);
            let rest = self.registry.rest(next.give);
            *leaving = Some(Leaving { shards: next.give, rest, until: Instant::now() + REST_MAX });
        }
        Ok(())
    }

    fn take(&self, session: &mut Session, wanted: ShardSet) -> Result<(), StoreError> {
        let now = self.engine.clock.now();
        let taken = session.take(wanted, &self.owner, UtcMillis::from(now))?;
        let gained = self.shared.gain(&taken);
        tracing::info!(shards = gained.len(), "shards were taken");
        // Should this be lost, what the former owner had in hand comes when its lease is over.
        let before = UtcMillis::from(now + due::LEASE);
        let recall =
            move |conn: &mut crate::store::Conn| due_work::recall(conn, gained, UtcMillis::from(now), before);
        if let Err(error) = self.engine.store.try_write(recall).map(drop) {
            tracing::warn!(%error, "the work of a former owner waits for its leases");
        }
        self.registry.gained();
        Ok(())
    }

    /// Sends and hears notes until the next beat.
    #[expect(clippy::disallowed_methods, reason = "the keeper's own thread: nobody else is stalled")]
    fn listen(&self, session: &mut Session) -> Result<(), StoreError> {
        let until = Instant::now() + BEAT;
        loop {
            let notes = self.shared.take_notes();
            if !notes.is_empty() {
                session.say(&note::lines(&notes))?;
            }
            for line in session.heard()? {
                self.hear(&line);
            }
            if self.shared.is_closing() || Instant::now() >= until {
                return Ok(());
            }
            std::thread::sleep(EAR);
        }
    }

    /// Does what a note asks for, if it is about a meeting of ours.
    fn hear(&self, line: &str) {
        match note::understand(line) {
            Some(Heard::Wake { meeting, hurry }) if self.engine.shards.owns(&meeting) => {
                self.registry.wake_here(&meeting, hurry);
            }
            Some(Heard::Events { shard, ids }) if self.engine.shards.mine().contains(shard) => {
                self.registry.fetch(ids);
            }
            // The database tells this to its sender, too, whose readers know.
            Some(Heard::Live { meeting }) if !self.engine.shards.owns(&meeting) => {
                self.engine.live.heard(meeting)
            }
            Some(_) => {}
            None => tracing::debug!("a note of another version of this program was not understood"),
        }
    }
}

impl Leaving {
    /// The meetings rest, or have had their time, or their registry has died and will be asked again.
    fn is_over(&mut self) -> bool {
        !matches!(self.rest.try_recv(), Err(oneshot::error::TryRecvError::Empty))
            || Instant::now() >= self.until
    }
}
