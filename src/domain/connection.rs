//! One device's stay in one room of one instance, folded from evidence that may come in any order, doubled
//! or late.
//!
//! [`Connection::merge`] is the join of a semilattice: commutative, associative and idempotent. Every field
//! only grows (unknown < known, the join only gets earlier, the leave only later), so the same events give
//! the same connections whatever the network did to them.
//!
//! The waiting room needs one thing more. Main and breakout rooms get new ids with every join, but a
//! connection may be sent back to the waiting room under the same id; one row would stretch over the lesson
//! in between. So every step into or out of the waiting room is a row of its own, keyed by id and instant,
//! with only one of the two times; scoring pairs them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::events::{EventKind, ParticipantEvent, ZoomEvent};

/// Where in a meeting a connection was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Room {
    /// The meeting itself.
    Main,
    /// One of its breakout rooms.
    Breakout,
    /// Before the door; never counts as attendance.
    Waiting,
}

impl Room {
    /// The word for it in the database and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Breakout => "breakout",
            Self::Waiting => "waiting",
        }
    }

    /// The room of that name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Main, Self::Breakout, Self::Waiting].into_iter().find(|room| room.as_str() == word)
    }
}

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Zoom, live.
    Webhook,
    /// Zoom, afterwards: the judge, once read completely.
    Report,
    /// The calling system's own join and leave buttons.
    App,
    /// A person of the staff.
    Hand,
}

impl Source {
    /// The word for it in the database and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Report => "report",
            Self::App => "app",
            Self::Hand => "hand",
        }
    }

    /// The source of that name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Webhook, Self::Report, Self::App, Self::Hand]
            .into_iter()
            .find(|source| source.as_str() == word)
    }
}

/// What makes a connection the same connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    /// The instance's UUID.
    pub instance: String,
    /// Who says so.
    pub source: Source,
    /// Where.
    pub room: Room,
    /// The key within the instance.
    pub key: String,
}

/// One device's stay in one room of one instance, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The instance's UUID.
    pub instance: String,
    /// The key within the instance.
    pub key: String,
    /// Where.
    pub room: Room,
    /// Who says so.
    pub source: Source,
    /// Zoom's id of the connection.
    pub participant_uuid: Option<String>,
    /// Zoom's older id of the connection.
    pub user_id: Option<String>,
    /// The account id of somebody who is signed in.
    pub zoom_user_id: Option<String>,
    /// The registration whose personal link was used.
    pub registrant_id: Option<String>,
    /// Our `ref` of the person, carried by an SDK client or a personal link.
    pub customer_key: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The display name; may be empty.
    pub name: String,
    /// When it began, where that is known.
    pub join_time: Option<DateTime<Utc>>,
    /// When it ended, where that is known.
    pub leave_time: Option<DateTime<Utc>>,
    /// Zoom's words for why it ended.
    pub leave_reason: Option<String>,
}

impl Connection {
    /// The identity of this connection.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        ConnectionId {
            instance: self.instance.clone(),
            source: self.source,
            room: self.room,
            key: self.key.clone(),
        }
    }

    /// The device behind this connection: the same in the waiting room as in the meeting.
    #[must_use]
    pub fn device(&self) -> &str {
        let id = self.participant_uuid.as_deref().or(self.user_id.as_deref());
        id.unwrap_or_else(|| self.key.rsplit_once(STEP).map_or(&self.key, |(base, _)| base))
    }

    /// The identity of this connection, borrowed.
    fn borrowed_id(&self) -> (&str, Source, Room, &str) {
        (&self.instance, self.source, self.room, &self.key)
    }

    /// Takes over what `other`, another view of the same connection, knows. Where both know and differ (a
    /// renamed person), the greater text wins: arbitrary, but the same in every order.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(
            self.borrowed_id(),
            other.borrowed_id(),
            "only views of one connection can be merged"
        );
        greater(&mut self.participant_uuid, &other.participant_uuid);
        greater(&mut self.user_id, &other.user_id);
        greater(&mut self.zoom_user_id, &other.zoom_user_id);
        greater(&mut self.registrant_id, &other.registrant_id);
        greater(&mut self.customer_key, &other.customer_key);
        greater(&mut self.email, &other.email);
        greater(&mut self.name, &other.name);
        greater(&mut self.leave_reason, &other.leave_reason);
        greater(&mut self.leave_time, &other.leave_time);
        self.join_time = earlier(self.join_time, other.join_time);
    }
}

/// Replaces `mine` by `theirs` if that is greater; `None` is smaller than anything known.
fn greater<T: Ord + Clone>(mine: &mut T, theirs: &T) {
    if *theirs > *mine {
        mine.clone_from(theirs);
    }
}

/// The part of a connection that one event shows; `None` for events that show none.
///
/// A payload without a time of its own falls back on `event_ts`, which every redelivery repeats.
#[must_use]
pub fn from_event(event: &ZoomEvent) -> Option<Connection> {
    View::of(event).map(|view| view.connection())
}

/// What one event shows of a connection, borrowed from it.
#[derive(Debug, Clone, Copy)]
struct View<'a> {
    instance: &'a str,
    participant: &'a ParticipantEvent,
    room: Room,
    entering: bool,
    at: Option<DateTime<Utc>>,
}

/// What makes two views those of one connection, without the texts that only rows need: the number of the instance,
/// the room, the device and, for the waiting room, the step and its instant.
type Slot<'a> = (usize, Room, &'a str, Option<(bool, i64)>);

impl<'a> View<'a> {
    fn of(event: &'a ZoomEvent) -> Option<Self> {
        use EventKind as E;
        let (participant, room, entering) = match &event.kind {
            E::Joined(p) => (p, Room::Main, true),
            E::Left(p) => (p, Room::Main, false),
            E::BreakoutJoined(p) => (p, Room::Breakout, true),
            E::BreakoutLeft(p) => (p, Room::Breakout, false),
            E::WaitingJoined(p) | E::PutInWaiting(p) => (p, Room::Waiting, true),
            E::WaitingLeft(p) | E::Admitted(p) => (p, Room::Waiting, false),
            _ => return None,
        };
        let instance = event.meeting.as_ref()?.uuid.as_deref()?;
        Some(Self { instance, participant, room, entering, at: participant.at.or(event.event_ts) })
    }

    /// The step at the waiting room's door that this is.
    fn step(&self) -> Option<(bool, i64)> {
        let at = self.at.filter(|_| self.room == Room::Waiting)?;
        Some((self.entering, at.timestamp_millis()))
    }

    fn slot(&self, instance: usize) -> Slot<'a> {
        (instance, self.room, self.participant.connection.as_str(), self.step())
    }

    fn join_time(&self) -> Option<DateTime<Utc>> {
        self.at.filter(|_| self.entering)
    }

    fn leave_time(&self) -> Option<DateTime<Utc>> {
        self.at.filter(|_| !self.entering)
    }

    fn connection(&self) -> Connection {
        let participant = self.participant;
        let base = participant.connection.as_str();
        Connection {
            instance: self.instance.to_owned(),
            key: self
                .step()
                .map_or_else(|| base.to_owned(), |(entering, at)| waiting_key(base, entering, at)),
            room: self.room,
            source: Source::Webhook,
            participant_uuid: participant.participant_uuid.clone(),
            user_id: participant.user_id.clone(),
            zoom_user_id: participant.zoom_user_id.clone(),
            registrant_id: participant.registrant_id.clone(),
            customer_key: participant.customer_key.clone(),
            email: participant.email.clone(),
            name: participant.name.clone(),
            join_time: self.join_time(),
            leave_time: self.leave_time(),
            leave_reason: participant.leave_reason.clone(),
        }
    }

    /// [`Connection::merge`] of this view, without a connection of its own.
    fn merge_into(&self, known: &mut Connection) {
        let participant = self.participant;
        greater(&mut known.participant_uuid, &participant.participant_uuid);
        greater(&mut known.user_id, &participant.user_id);
        greater(&mut known.zoom_user_id, &participant.zoom_user_id);
        greater(&mut known.registrant_id, &participant.registrant_id);
        greater(&mut known.customer_key, &participant.customer_key);
        greater(&mut known.email, &participant.email);
        greater(&mut known.name, &participant.name);
        greater(&mut known.leave_reason, &participant.leave_reason);
        greater(&mut known.leave_time, &self.leave_time());
        known.join_time = earlier(known.join_time, self.join_time());
    }
}

fn earlier(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// What stands between a device's id and a step of its in the key of a waiting-room row.
const STEP: &str = "@waiting-";

/// The key of one step into or out of the waiting room.
fn waiting_key(base: &str, entering: bool, at_millis: i64) -> String {
    let step = if entering { "in" } else { "out" };
    format!("{base}{STEP}{step}:{at_millis}")
}

/// The connections that partial views show, each once, in the order in which they were first seen.
#[must_use]
pub fn fold(views: impl IntoIterator<Item = Connection>) -> Vec<Connection> {
    let views: Vec<Connection> = views.into_iter().collect();
    let mut places = HashMap::with_capacity(views.len());
    let place_of = |view| {
        let next = places.len();
        *places.entry(Connection::borrowed_id(view)).or_insert(next)
    };
    let targets: Vec<usize> = views.iter().map(place_of).collect();
    let mut folded: Vec<Connection> = Vec::with_capacity(views.len());
    for (view, place) in views.into_iter().zip(targets) {
        match folded.get_mut(place) {
            Some(known) => known.merge(&view),
            None => folded.push(view),
        }
    }
    folded
}

/// The connections that events show: what [`fold`] makes of [`from_event`], with nothing copied that is known.
#[must_use]
pub fn fold_events<'a>(events: impl IntoIterator<Item = &'a ZoomEvent>) -> Vec<Connection> {
    let mut instances: Vec<&str> = Vec::new();
    let mut places: HashMap<Slot<'a>, usize> = HashMap::new();
    let mut folded: Vec<Connection> = Vec::new();
    for view in events.into_iter().filter_map(View::of) {
        // A meeting has few runs, and its events come run by run.
        let instance = instances.iter().rposition(|known| *known == view.instance).unwrap_or_else(|| {
            instances.push(view.instance);
            instances.len() - 1
        });
        let next = folded.len();
        let place = *places.entry(view.slot(instance)).or_insert(next);
        match folded.get_mut(place) {
            Some(known) => view.merge_into(known),
            None => folded.push(view.connection()),
        }
    }
    folded
}

#[cfg(test)]
mod tests;
