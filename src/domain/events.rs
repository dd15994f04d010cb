//! What Zoom told us: one webhook, read into the words of this house.
//!
//! Field by field `""`, `null` and absent mean the same, `None`: Zoom uses all three for "unknown", sometimes
//! for the same person on joining and on leaving. `zoom::event` reads the bytes; nothing here knows JSON.

use chrono::{DateTime, Utc};

/// One webhook event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoomEvent {
    /// Zoom's name of the event, such as `meeting.participant_joined`.
    pub name: String,
    /// When Zoom sent the event the first time: a hint, seconds off the truth, and never an order.
    pub event_ts: Option<DateTime<Utc>>,
    /// The meeting concerned; `None` for events about users, accounts or the endpoint.
    pub meeting: Option<MeetingRef>,
    /// What happened.
    pub kind: EventKind,
}

/// Which meeting, and which run of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingRef {
    /// The meeting number, always as text (Zoom sends numbers and strings).
    pub number: String,
    /// The instance's UUID.
    pub uuid: Option<String>,
    /// The host's Zoom user id.
    pub host_id: Option<String>,
}

/// What happened, with the facts that only this kind of event has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// An instance began.
    Started {
        /// The actual start, whatever was planned.
        start_time: Option<DateTime<Utc>>,
    },
    /// An instance is over. Leaves of its participants may still follow.
    Ended {
        /// The actual start.
        start_time: Option<DateTime<Utc>>,
        /// The actual end.
        end_time: Option<DateTime<Utc>>,
    },
    /// A connection entered the meeting itself.
    Joined(ParticipantEvent),
    /// A connection left the meeting itself, for a breakout room or for good.
    Left(ParticipantEvent),
    /// A connection entered the waiting room.
    WaitingJoined(ParticipantEvent),
    /// A connection left the waiting room: admitted, removed or tired of waiting.
    WaitingLeft(ParticipantEvent),
    /// The host sent a connection back to the waiting room.
    PutInWaiting(ParticipantEvent),
    /// The host let a connection in from the waiting room.
    Admitted(ParticipantEvent),
    /// A connection entered a breakout room.
    BreakoutJoined(ParticipantEvent),
    /// A connection left a breakout room.
    BreakoutLeft(ParticipantEvent),
    /// Somebody waits for the host to open the meeting.
    JbhWaiting(ParticipantEvent),
    /// Somebody opened the meeting before the host came.
    JbhJoined(ParticipantEvent),
    /// A participant became host, co-host or attendee.
    RoleChanged(ParticipantEvent),
    /// A meeting was made at Zoom, by us or by hand.
    MeetingCreated,
    /// A meeting was changed at Zoom.
    MeetingUpdated,
    /// A meeting was deleted at Zoom.
    MeetingDeleted,
    /// Somebody registered, or their registration was approved, denied or taken back.
    Registration(RegistrationEvent),
    /// Anything else: kept in the inbox, without consequence here.
    Other,
}

/// What an event says of somebody's registration. Its link is left where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationEvent {
    /// Zoom's id of the registrant.
    pub registrant: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// What it is now: `approved`, `pending`, `denied` or `cancelled`; `None` where Zoom does not say.
    pub status: Option<String>,
}

impl EventKind {
    /// The participant the event is about, when it is about one.
    #[must_use]
    pub fn participant(&self) -> Option<&ParticipantEvent> {
        match self {
            Self::Joined(p)
            | Self::Left(p)
            | Self::WaitingJoined(p)
            | Self::WaitingLeft(p)
            | Self::PutInWaiting(p)
            | Self::Admitted(p)
            | Self::BreakoutJoined(p)
            | Self::BreakoutLeft(p)
            | Self::JbhWaiting(p)
            | Self::JbhJoined(p)
            | Self::RoleChanged(p) => Some(p),
            Self::Started { .. }
            | Self::Ended { .. }
            | Self::MeetingCreated
            | Self::MeetingUpdated
            | Self::MeetingDeleted
            | Self::Registration(_)
            | Self::Other => None,
        }
    }
}

/// Somebody's connection as one event shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParticipantEvent {
    /// What tells this connection from every other of its instance.
    pub connection: ConnectionKey,
    /// Zoom's id of the connection; new at every join, missing before about 2023.
    pub participant_uuid: Option<String>,
    /// Zoom's older, numeric id of the connection; may change on the way through a breakout room.
    pub user_id: Option<String>,
    /// In a breakout room: the `user_id` in the main room.
    pub parent_user_id: Option<String>,
    /// The account id of somebody who is signed in (`participant_user_id`, else `id`).
    pub zoom_user_id: Option<String>,
    /// The registration whose personal link was used.
    pub registrant_id: Option<String>,
    /// The e-mail address, where Zoom shows it.
    pub email: Option<String>,
    /// The key that an SDK client or a personal link carried: our `ref` of the person.
    pub customer_key: Option<String>,
    /// The display name, as typed; may be empty.
    pub name: String,
    /// The number of somebody who dialled in.
    pub phone: Option<String>,
    /// When it happened, by the payload itself.
    pub at: Option<DateTime<Utc>>,
    /// Zoom's words for why a connection ended.
    pub leave_reason: Option<String>,
}

/// The key of a connection within its instance: `participant_uuid`, else `user_id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ConnectionKey(String);

impl ConnectionKey {
    /// The key of a connection with these ids. Without either (very old or broken payloads) the account id
    /// and the name have to do, so that no evidence is lost.
    #[must_use]
    pub fn new(
        participant_uuid: Option<&str>,
        user_id: Option<&str>,
        zoom_user_id: Option<&str>,
        name: &str,
    ) -> Self {
        match (participant_uuid, user_id, zoom_user_id) {
            (Some(id), _, _) | (None, Some(id), _) => Self(id.to_owned()),
            (None, None, Some(id)) => Self(format!("account:{id}")),
            (None, None, None) => Self(format!("name:{name}")),
        }
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::ConnectionKey;

    #[test]
    fn the_newest_id_names_the_connection() {
        let key = |uuid, user| ConnectionKey::new(uuid, user, Some("acc"), "Ann").as_str().to_owned();
        assert_eq!(key(Some("P"), Some("1")), "P");
        assert_eq!(key(None, Some("1")), "1");
        assert_eq!(key(None, None), "account:acc");
        assert_eq!(ConnectionKey::new(None, None, None, "Ann").as_str(), "name:Ann");
    }
}
