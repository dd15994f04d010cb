//! The connections of a meeting, each once, as views of them come in.

use std::hash::BuildHasher;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::view::View;
use super::{Connection, Room, STEP};
use crate::domain::events::ZoomEvent;

/// The connections of a meeting, each once, in the order in which they were first seen. What is already known is found
/// without a copy of its names: the table holds places, and compares with the rows at them.
#[derive(Debug, Clone, Default)]
pub struct Connections {
    rows: Vec<Connection>,
    places: HashTable<Place>,
    hasher: DefaultHashBuilder,
}

/// Where a connection is among the rows.
#[derive(Debug, Clone, Copy)]
struct Place {
    hash: u64,
    row: usize,
}

impl Connections {
    /// Takes in what an event shows. Gives the place of the connection; `None` for events that show none.
    pub fn see(&mut self, event: &ZoomEvent) -> Option<usize> {
        let view = View::of(event)?;
        let hash = self.hash(view.instance, view.room, view.base());
        let Self { rows, places, .. } = self;
        let is_it = |place: &Place| rows.get(place.row).is_some_and(|row| view.is_of(row));
        let place = match places.entry(hash, is_it, |place| place.hash) {
            Entry::Occupied(known) => known.get().row,
            Entry::Vacant(free) => {
                rows.push(view.connection());
                return Some(free.insert(Place { hash, row: rows.len() - 1 }).get().row);
            }
        };
        if let Some(row) = rows.get_mut(place) {
            view.merge_into(row);
        }
        Some(place)
    }

    /// Takes in another view of a connection.
    pub fn add(&mut self, view: Connection) {
        let base = match view.room {
            Room::Waiting => view.key.rsplit_once(STEP).map_or(&*view.key, |(base, _)| base),
            Room::Main | Room::Breakout => &view.key,
        };
        let hash = self.hash(&view.instance, view.room, base);
        let Self { rows, places, .. } = self;
        let is_it =
            |place: &Place| rows.get(place.row).is_some_and(|row| row.borrowed_id() == view.borrowed_id());
        match places.entry(hash, is_it, |place| place.hash) {
            Entry::Occupied(known) => {
                if let Some(row) = rows.get_mut(known.get().row) {
                    row.merge(&view);
                }
            }
            Entry::Vacant(free) => {
                free.insert(Place { hash, row: rows.len() });
                rows.push(view);
            }
        }
    }

    /// The connection at a place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&Connection> {
        self.rows.get(place)
    }

    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[Connection] {
        &self.rows
    }

    /// All of them, owned.
    #[must_use]
    pub fn into_vec(self) -> Vec<Connection> {
        self.rows
    }

    /// The steps of a device at the waiting room's door share theirs.
    fn hash(&self, instance: &str, room: Room, base: &str) -> u64 {
        self.hasher.hash_one((instance, room, base))
    }
}

impl FromIterator<Connection> for Connections {
    fn from_iter<I: IntoIterator<Item = Connection>>(views: I) -> Self {
        let mut connections = Self::default();
        views.into_iter().for_each(|view| connections.add(view));
        connections
    }
}

impl<'a> FromIterator<&'a ZoomEvent> for Connections {
    fn from_iter<I: IntoIterator<Item = &'a ZoomEvent>>(events: I) -> Self {
        let mut connections = Self::default();
        for event in events {
            connections.see(event);
        }
        connections
    }
}
