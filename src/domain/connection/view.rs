//! What one webhook event shows of a connection, borrowed from the event: most events tell what is known already, and
//! cost no copy.

use chrono::{DateTime, Utc};

use super::{Connection, Room, STEP, Source, earlier, greater};
use crate::domain::events::{EventKind, ParticipantEvent, ZoomEvent};

/// What one event shows of a connection, borrowed from it.
///
/// A payload without a time of its own falls back on `event_ts`, which every redelivery repeats.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) instance: &'a str,
    participant: &'a ParticipantEvent,
    pub(super) room: Room,
    entering: bool,
    at: Option<DateTime<Utc>>,
}

impl<'a> View<'a> {
    pub(super) fn of(event: &'a ZoomEvent) -> Option<Self> {
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

    /// The device's id, which is what the key begins with.
    pub(super) fn base(&self) -> &'a str {
        self.participant.connection.as_str()
    }

    /// Whether `row` is the connection that this is a view of: [`Connection::id`] without a copy.
    pub(super) fn is_of(&self, row: &Connection) -> bool {
        row.source == Source::Webhook
            && row.room == self.room
            && row.instance == self.instance
            && row.key.strip_prefix(self.base()).is_some_and(|rest| match self.step() {
                None => rest.is_empty(),
                step => step == step_of(rest),
            })
    }

    fn join_time(&self) -> Option<DateTime<Utc>> {
        self.at.filter(|_| self.entering)
    }

    fn leave_time(&self) -> Option<DateTime<Utc>> {
        self.at.filter(|_| !self.entering)
    }

    pub(super) fn connection(&self) -> Connection {
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
    pub(super) fn merge_into(&self, known: &mut Connection) {
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

/// The key of one step into or out of the waiting room.
fn waiting_key(base: &str, entering: bool, at_millis: i64) -> String {
    let step = if entering { "in" } else { "out" };
    format!("{base}{STEP}{step}:{at_millis}")
}

/// The step that the rest of such a key behind the device's id names.
fn step_of(rest: &str) -> Option<(bool, i64)> {
    let (step, at_millis) = rest.strip_prefix(STEP)?.split_once(':')?;
    let entering = match step {
        "in" => true,
        "out" => false,
        _ => return None,
    };
    Some((entering, at_millis.parse().ok()?))
}
