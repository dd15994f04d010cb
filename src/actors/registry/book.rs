//! The address book of the meetings that are at work.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix::Addr;

use crate::actors::meeting::MeetingActor;
use crate::actors::supervision::RestartPolicy;
use crate::domain::shard::{Shard, ShardSet};

/// A meeting whose actor keeps dying is left alone for this long.
const QUARANTINE: Duration = Duration::from_secs(600);
/// When a meeting's actor is rebuilt and when its meeting is quarantined.
const MEETING_RESTARTS: RestartPolicy = RestartPolicy {
    back_off: Duration::from_millis(200),
    back_off_max: Duration::from_secs(30),
    deaths_max: 5,
    window: Duration::from_secs(600),
};

/// The address book outlives the registry: after its death the meetings that are at work must not get doubles.
#[derive(Debug, Default)]
pub struct AddressBook {
    entries: HashMap<String, Entry>,
    troubled: HashMap<String, Trouble>,
    generations: u64,
}

#[derive(Debug)]
struct Entry {
    generation: u64,
    address: Addr<MeetingActor>,
}

#[derive(Debug, Default)]
struct Trouble {
    deaths: VecDeque<Instant>,
    not_before: Option<Instant>,
}

/// The address book, shared by the registry's successive lives.
pub type SharedBook = Arc<Mutex<AddressBook>>;

/// What follows from the end of a meeting's actor.
pub(super) enum Burial {
    /// It was replaced already, or went because it was idle.
    Nothing,
    /// It died and may be rebuilt after this.
    RebuildAfter(Duration),
    /// It keeps dying.
    Quarantine,
}

impl AddressBook {
    /// The address of a meeting's actor, made by `spawn` if need be; `None` while it recovers from a death.
    pub(super) fn find(
        &mut self,
        id: &str,
        spawn: impl FnOnce(u64) -> Addr<MeetingActor>,
    ) -> Option<Addr<MeetingActor>> {
        if let Some(entry) = self.entries.get(id)
            && entry.address.connected()
        {
            return Some(entry.address.clone());
        }
        let recovering = |trouble: &Trouble| trouble.not_before.is_some_and(|at| Instant::now() < at);
        if self.troubled.get(id).is_some_and(recovering) {
            return None;
        }
        self.generations += 1;
        let generation = self.generations;
        let address = spawn(generation);
        self.entries.insert(id.to_owned(), Entry { generation, address: address.clone() });
        Some(address)
    }

    /// Everybody who is at work.
    pub(super) fn all(&self) -> Vec<Addr<MeetingActor>> {
        self.entries.values().map(|entry| entry.address.clone()).collect()
    }

    /// Takes the meetings of the shards out of the book, and forgets their troubles.
    pub(super) fn evict(&mut self, shards: ShardSet) -> Vec<Addr<MeetingActor>> {
        let leaves = |id: &str| shards.contains(Shard::of(id));
        self.troubled.retain(|id, _| !leaves(id));
        self.entries.extract_if(|id, _| leaves(id)).map(|(_, entry)| entry.address).collect()
    }

    /// Takes an actor that ended out of the book.
    pub(super) fn bury(&mut self, id: &str, generation: u64, idle: bool) -> Burial {
        if self.entries.get(id).is_none_or(|entry| entry.generation != generation) {
            return Burial::Nothing;
        }
        self.entries.remove(id);
        if idle {
            self.troubled.remove(id);
            return Burial::Nothing;
        }
        let trouble = self.troubled.entry(id.to_owned()).or_default();
        let verdict = MEETING_RESTARTS.verdict(&mut trouble.deaths, Instant::now());
        trouble.not_before = Some(Instant::now() + verdict.unwrap_or(QUARANTINE));
        verdict.map_or(Burial::Quarantine, Burial::RebuildAfter)
    }
}
