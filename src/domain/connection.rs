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

mod folded;
mod view;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use folded::Connections;

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

fn earlier(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// What stands between a device's id and a step of its in the key of a waiting-room row.
const STEP: &str = "@waiting-";

#[cfg(test)]
mod tests;
