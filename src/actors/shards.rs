//! Shards — which meetings are this process's. With SQLite: all of them, and nothing here costs anything. With
//! PostgreSQL: those whose shard's advisory lock it holds, kept by a thread of its own ([`keeper`]).
//!
//! Everything asks this handle before it acts on a meeting, and again, by [`Fence`], inside the transaction that
//! writes about it. What is known here is a lease: it ends by itself when the database has not confirmed it for
//! [`LEASE`], so that a process that was asleep wakes up owning nothing.

mod keeper;
mod moment;
mod note;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::Notify;

pub use self::keeper::Keeper;
use self::moment::Moment;
pub use self::note::Note;
use crate::domain::shard::{COUNT, Shard, ShardSet};
use crate::store::DatabaseUrl;
use crate::store::shard::{Census, Fence};
use crate::zoom::call::Guard;

/// How long the database's last confirmation holds. Well below the time after which the server gives a silent
/// session's locks to others (`store::shard`), so that nobody believes in a shard that somebody else has.
const LEASE: Duration = Duration::from_secs(8);
/// Notes that may wait for the connection; what is beyond is found by the others in the tables.
const NOTES_MAX: usize = 10_000;

/// The handle: cheap to clone, shared by everybody.
#[derive(Debug, Clone)]
pub struct Shards(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    held: RwLock<Held>,
    notes: Mutex<BTreeSet<Note>>,
    closing: AtomicBool,
    closed: Notify,
}

#[derive(Debug)]
struct Held {
    mine: ShardSet,
    epochs: Arc<[i64; COUNT as usize]>,
    /// The database confirmed it, and until then it is believed.
    until: Moment,
    processes: usize,
}

/// How things stand, for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// How many shards this process has.
    pub owned: usize,
    /// How many processes share the database, this one included.
    pub processes: usize,
}

/// What this process could prove at one moment; taken before anything is read, shown when it is written.
#[derive(Debug, Clone)]
pub struct Fences(Option<(ShardSet, Arc<[i64; COUNT as usize]>)>);

impl Fences {
    /// The proof for one meeting; `None` when it is another process's.
    #[must_use]
    pub fn of(&self, meeting_id: &str) -> Option<Fence> {
        let Some((mine, epochs)) = &self.0 else { return Some(Fence::Alone) };
        let shard = Shard::of(meeting_id);
        let epoch = epochs.get(shard.index()).copied();
        epoch.filter(|_| mine.contains(shard)).map(|epoch| Fence::Taken { shard, epoch })
    }
}

impl Shards {
    /// The shards of a process on this database: all of them on SQLite; none on PostgreSQL, until a [`Keeper`]
    /// has taken some.
    #[must_use]
    pub fn on(url: &DatabaseUrl) -> Self {
        match url {
            DatabaseUrl::Sqlite(_) => Self(None),
            DatabaseUrl::Postgres(_) => Self(Some(Arc::new(Shared {
                held: RwLock::new(Held {
                    mine: ShardSet::NONE,
                    epochs: Arc::new([0; COUNT as usize]),
                    until: Moment::now(),
                    processes: 1,
                }),
                notes: Mutex::default(),
                closing: AtomicBool::new(false),
                closed: Notify::new(),
            }))),
        }
    }

    /// Those that are this process's now.
    #[must_use]
    pub fn mine(&self) -> ShardSet {
        self.0.as_ref().map_or(ShardSet::ALL, |shared| shared.read().valid())
    }

    /// Whether a meeting is this process's now.
    #[must_use]
    pub fn owns(&self, meeting_id: &str) -> bool {
        self.0.as_ref().is_none_or(|shared| shared.read().valid().contains(Shard::of(meeting_id)))
    }

    /// What this process can prove now.
    #[must_use]
    pub fn fences(&self) -> Fences {
        Fences(self.0.as_ref().map(|shared| {
            let held = shared.read();
            (held.valid(), Arc::clone(&held.epochs))
        }))
    }

    /// The proof for one meeting; `None` when it is another process's.
    #[must_use]
    pub fn fence(&self, meeting_id: &str) -> Option<Fence> {
        self.fences().of(meeting_id)
    }

    /// Lets a call to Zoom about a meeting leave only while the meeting is this process's under the same
    /// [`Fence`]: it may have waited long for its turn.
    #[must_use]
    pub fn guard(&self, meeting_id: &str) -> Guard {
        let (shards, id, fence) = (self.clone(), meeting_id.to_owned(), self.fence(meeting_id));
        Guard::new(move || fence.is_some() && shards.fence(&id) == fence)
    }

    /// Tells the other processes; what cannot be told is found by them in the tables.
    pub fn say(&self, note: Note) {
        let Some(shared) = &self.0 else { return };
        let mut notes = shared.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() < NOTES_MAX {
            notes.insert(note);
        }
    }

    /// How things stand; `None` with SQLite.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        self.0.as_ref().map(|shared| {
            let held = shared.read();
            Standing { owned: held.valid().len(), processes: held.processes }
        })
    }

    /// What keeps this process from having meetings of its own.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let expired = self.0.as_ref().is_some_and(|shared| shared.read().is_expired());
        expired.then(|| "shards: the database does not confirm which meetings are this process's".to_owned())
    }

    /// Gives everything back. Answers when the others can take it.
    pub async fn close(&self) {
        if let Some(shared) = &self.0 {
            shared.closing.store(true, Ordering::SeqCst);
            shared.closed.notified().await;
        }
    }
}

impl Shared {
    // Nothing panics under these locks, and what they hold is right at every step.
    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// The database was asked at `asked` and has answered. Gives what was believed and is not so.
    fn confirm(&self, census: &Census, asked: Moment) -> ShardSet {
        let mut held = self.write();
        let lost = held.mine.without(census.mine);
        held.mine = held.mine.without(lost);
        held.until = asked.after(LEASE);
        held.processes = census.processes;
        held.show();
        lost
    }

    fn gain(&self, taken: &[(Shard, i64)]) -> ShardSet {
        let mut held = self.write();
        let mut epochs = *held.epochs;
        for (shard, epoch) in taken {
            if let Some(slot) = epochs.get_mut(shard.index()) {
                *slot = *epoch;
            }
        }
        held.epochs = Arc::new(epochs);
        let gained = taken.iter().map(|(shard, _)| *shard).collect();
        held.mine = held.mine.and(gained);
        held.show();
        gained
    }

    /// From now on `shards` are not this process's any more, whatever locks it holds.
    fn part_with(&self, shards: ShardSet) {
        let mut held = self.write();
        held.mine = held.mine.without(shards);
        held.show();
    }

    /// The connection is gone, and everything with it.
    fn lose_all(&self) {
        let mut held = self.write();
        held.mine = ShardSet::NONE;
        held.until = Moment::now();
        held.show();
    }

    fn take_notes(&self) -> BTreeSet<Note> {
        std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Held {
    fn is_expired(&self) -> bool {
        self.until.has_passed()
    }

    fn valid(&self) -> ShardSet {
        if self.is_expired() { ShardSet::NONE } else { self.mine }
    }

    fn show(&self) {
        metrics::gauge!("convened_shards_owned").set(self.mine.len() as f64);
        metrics::gauge!("convened_processes_live").set(self.processes as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEETING: &str = "0197a3c2-7b1e-7c11-9d7c-2f6f0a3b4c05";

    fn shared() -> (Shards, Arc<Shared>) {
        let shards = Shards::on(&DatabaseUrl::parse("postgres://h/d").unwrap());
        let shared = Arc::clone(shards.0.as_ref().unwrap());
        (shards, shared)
    }

    fn census(mine: ShardSet) -> Census {
        Census { processes: 2, mine, free: ShardSet::NONE }
    }

    #[test]
    fn with_sqlite_everything_is_ours_and_nothing_is_at_fault() {
        let alone = Shards::on(&DatabaseUrl::parse("sqlite://x.db").unwrap());
        assert!(alone.owns(MEETING));
        assert_eq!(alone.fence(MEETING), Some(Fence::Alone));
        assert_eq!((alone.mine(), alone.fault(), alone.standing()), (ShardSet::ALL, None, None));
    }

    #[test]
    fn what_the_database_has_not_confirmed_lately_is_not_ours() {
        let (shards, shared) = shared();
        assert!(!shards.owns(MEETING) && shards.fault().is_some());
        shared.gain(&[(Shard::of(MEETING), 3)]);
        let gained = std::iter::once(Shard::of(MEETING)).collect();
        shared.confirm(&census(gained), Moment::now());
        assert!(shards.owns(MEETING) && shards.fault().is_none());
        let long_ago = Moment::now().before(LEASE);
        shared.confirm(&census(gained), long_ago);
        assert!(!shards.owns(MEETING), "asleep since the last confirmation");
        assert_eq!(shards.fence(MEETING), None);
        shared.confirm(&census(gained), Moment::now());
        assert!(shards.owns(MEETING));
        shared.confirm(&census(gained), Moment::now().slept(LEASE));
        assert!(!shards.owns(MEETING), "suspended since then, while the steady clock stood still");
    }

    #[test]
    fn a_call_that_waited_while_its_shard_went_away_and_came_back_does_not_leave() {
        let (shards, shared) = shared();
        let mine: ShardSet = std::iter::once(Shard::of(MEETING)).collect();
        shared.gain(&[(Shard::of(MEETING), 3)]);
        shared.confirm(&census(mine), Moment::now());
        let guard = shards.guard(MEETING);
        assert!(guard.stands());
        shared.part_with(mine);
        assert!(!guard.stands());
        shared.gain(&[(Shard::of(MEETING), 5)]);
        assert!(!guard.stands(), "somebody else may have acted in between");
        assert!(shards.guard(MEETING).stands());
    }

    #[test]
    fn a_lock_that_fell_unnoticed_is_noticed_at_the_next_look() {
        let (shards, shared) = shared();
        shared.gain(&[(Shard::of(MEETING), 1)]);
        let lost = shared.confirm(&census(ShardSet::NONE), Moment::now());
        assert!(lost.contains(Shard::of(MEETING)) && !shards.owns(MEETING));
    }
}
