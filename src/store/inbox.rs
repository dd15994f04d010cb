//! Webhook events as they came: the queue between Zoom and us, durable before Zoom gets its 200.
//!
//! An event is `pending` until the meeting it belongs to has applied it (`done`), nobody needs it (`ignored`),
//! it cannot be applied (`dead`), or no meeting of ours has its number yet (`unowned`).

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use sha2::{Digest as _, Sha256};

use super::schema::webhook_events;
use super::types::text_enum;
use super::{Conn, StoreError, UtcMillis};
use crate::domain::shard::ShardSet;

mod insert;
mod link;
mod unowned;

pub use insert::{Receipt, insert};
pub use unowned::{claim_unowned, mark_unowned, release_unowned};

/// Ids in one statement; far below both databases' limits on parameters.
const IDS_MAX: usize = 1000;

text_enum! {
    /// Where an event stands.
    pub enum EventState {
        /// Stored, not applied.
        Pending = "pending",
        /// No meeting of ours has its number, perhaps not yet.
        Unowned = "unowned",
        /// Applied.
        Done = "done",
        /// Of a kind nobody asked for.
        Ignored = "ignored",
        /// Cannot be understood or applied; an operator decides.
        Dead = "dead",
    }
}

/// What makes a body itself: its event's time and the start of its SHA-256. Zoom signs every retry anew, but
/// the body stays the same.
///
/// The time comes first because events arrive about in its order: neighbours in time are neighbours in the
/// unique index, so a batch of inserts touches its last pages and not as many pages as it has rows (on SQLite,
/// batches of 64 into 300,000 rows: 1.7 KB of log an event instead of 6.0). A body without a time is only
/// slower.
pub type Digest = [u8; 24];

fn digest(event_ts: Option<i64>, body: &[u8]) -> Digest {
    let mut digest = [0; 24];
    let (time, hash) = digest.split_at_mut(8);
    // Flipping the sign bit orders negative times before positive ones.
    time.copy_from_slice(&(event_ts.unwrap_or(0) ^ i64::MIN).to_be_bytes());
    for (to, from) in hash.iter_mut().zip(Sha256::digest(body)) {
        *to = from;
    }
    digest
}

/// What is read of a body before it is stored. The texts are free of NUL, which PostgreSQL refuses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heading {
    /// The event's name, for example `meeting.started`.
    pub event: String,
    /// When Zoom made the event, in milliseconds.
    pub event_ts: Option<i64>,
    /// The meeting's number.
    pub zoom_meeting_id: Option<String>,
    /// The instance's UUID.
    pub instance_uuid: Option<String>,
}

/// A verified event that is to be stored.
#[derive(Debug, Clone)]
pub struct NewEvent {
    digest: Digest,
    event: String,
    zoom_meeting_id: Option<String>,
    instance_uuid: Option<String>,
    body: String,
    request_age_ms: i64,
    received_at: UtcMillis,
    /// Why it is dead from the beginning.
    fault: Option<String>,
}

impl NewEvent {
    /// An event from its raw body and what was read of it, or why nothing could be. One that was not understood
    /// is kept as well, as a dead letter: Zoom signed it.
    #[must_use]
    pub fn new(
        body: Vec<u8>,
        heading: Result<Heading, String>,
        received_at: DateTime<Utc>,
        request_age_ms: i64,
    ) -> Self {
        let digest = digest(heading.as_ref().ok().and_then(|heading| heading.event_ts), &body);
        let (heading, fault) = match heading {
            Ok(heading) => (heading, None),
            Err(fault) => (Heading::default(), Some(fault)),
        };
        let (body, fault) = storable(body, fault);
        let body = link::without(body);
        Self {
            digest,
            event: heading.event,
            zoom_meeting_id: heading.zoom_meeting_id,
            instance_uuid: heading.instance_uuid,
            body,
            request_age_ms,
            received_at: received_at.into(),
            fault,
        }
    }

    fn state(&self) -> EventState {
        match self.fault {
            None => EventState::Pending,
            Some(_) => EventState::Dead,
        }
    }

    /// The event as it is handed on once it is stored as row `id`; `None` for a dead letter.
    #[must_use]
    pub fn stored(self, id: i64) -> Option<InboxEvent> {
        self.fault.is_none().then_some(InboxEvent {
            id,
            event: self.event,
            zoom_meeting_id: self.zoom_meeting_id,
            instance_uuid: self.instance_uuid,
            body: self.body,
            received_at: self.received_at,
            attempts: 0,
        })
    }
}

/// The body as text both databases take: UTF-8, and without NUL, which PostgreSQL refuses.
fn storable(body: Vec<u8>, fault: Option<String>) -> (String, Option<String>) {
    match String::from_utf8(body) {
        Ok(text) if !text.contains('\0') => (text, fault),
        Ok(text) => (text.replace('\0', "\u{fffd}"), fault.or(Some("the body holds NUL".to_owned()))),
        Err(error) => (
            String::from_utf8_lossy(error.as_bytes()).replace('\0', "\u{fffd}"),
            fault.or(Some("the body is not UTF-8".to_owned())),
        ),
    }
}

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = webhook_events)]
pub struct InboxEvent {
    /// Its place in the inbox; later events have larger ones.
    pub id: i64,
    /// Its name, for example `meeting.started`.
    pub event: String,
    /// The meeting's number.
    pub zoom_meeting_id: Option<String>,
    /// The instance's UUID.
    pub instance_uuid: Option<String>,
    /// The body as it came, without a registrant's personal link.
    pub body: String,
    /// When it came.
    pub received_at: UtcMillis,
    /// How often applying it has failed.
    pub attempts: i64,
}

/// An event that waits for an operator.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = webhook_events)]
pub struct DeadLetter {
    /// Its place in the inbox.
    pub id: i64,
    /// Its name; empty when not even that was understood.
    pub event: String,
    /// The meeting's number.
    pub zoom_meeting_id: Option<String>,
    /// The body as it came, without a registrant's personal link.
    pub body: String,
    /// When it came.
    pub received_at: UtcMillis,
    /// How often applying it has failed.
    pub attempts: i64,
    /// Why it is dead.
    pub last_error: Option<String>,
}

/// `state = '…'` as a literal: with a parameter neither database would use the partial index on it.
fn in_state(state: EventState) -> diesel::expression::SqlLiteral<Bool> {
    sql(match state {
        EventState::Pending => "state = 'pending'",
        EventState::Unowned => "state = 'unowned'",
        EventState::Done => "state = 'done'",
        EventState::Ignored => "state = 'ignored'",
        EventState::Dead => "state = 'dead'",
    })
}

/// The next pending events after `after_id`, oldest first, that concern a process with the shards `mine`: what a
/// start, a hand-over that was refused, or a dead process left. Those about no meeting we know concern everybody.
///
/// # Errors
/// [`StoreError`].
pub fn pending(
    conn: &mut Conn,
    mine: ShardSet,
    after_id: i64,
    limit: i64,
) -> Result<Vec<InboxEvent>, StoreError> {
    let mut events = webhook_events::table
        .filter(in_state(EventState::Pending))
        .filter(webhook_events::id.gt(after_id))
        .order(webhook_events::id)
        .limit(limit)
        .select(InboxEvent::as_select())
        .into_boxed();
    if mine != ShardSet::ALL {
        events = events.filter(not_of(ShardSet::ALL.without(mine)));
    }
    Ok(events.load(conn)?)
}

/// Not about a meeting of one of these shards.
fn not_of(others: ShardSet) -> diesel::expression::SqlLiteral<Bool> {
    let others: Vec<String> = others.iter().map(|shard| shard.number().to_string()).collect();
    sql(&format!(
        "NOT EXISTS (SELECT 1 FROM zoom_meetings WHERE zoom_meetings.zoom_meeting_id = \
         webhook_events.zoom_meeting_id AND zoom_meetings.shard IN ({}))",
        others.join(", ")
    ))
}

/// Those of the events that are still pending.
///
/// # Errors
/// [`StoreError`].
pub fn still_pending(conn: &mut Conn, ids: &[i64]) -> Result<Vec<InboxEvent>, StoreError> {
    Ok(webhook_events::table
        .filter(in_state(EventState::Pending))
        .filter(webhook_events::id.eq_any(ids))
        .order(webhook_events::id)
        .select(InboxEvent::as_select())
        .load(conn)?)
}

/// How many events are pending, counted up to `limit`.
///
/// # Errors
/// [`StoreError`].
pub fn pending_count(conn: &mut Conn, limit: i64) -> Result<usize, StoreError> {
    let ids: Vec<i64> = webhook_events::table
        .filter(in_state(EventState::Pending))
        .limit(limit)
        .select(webhook_events::id)
        .load(conn)?;
    Ok(ids.len())
}

/// The events have been applied.
///
/// # Errors
/// [`StoreError`].
pub fn mark_done(conn: &mut Conn, ids: &[i64]) -> Result<(), StoreError> {
    mark(conn, ids, EventState::Done)
}

/// Nobody asked for events of this kind.
///
/// # Errors
/// [`StoreError`].
pub fn mark_ignored(conn: &mut Conn, ids: &[i64]) -> Result<(), StoreError> {
    mark(conn, ids, EventState::Ignored)
}

fn mark(conn: &mut Conn, ids: &[i64], state: EventState) -> Result<(), StoreError> {
    for ids in ids.chunks(IDS_MAX) {
        diesel::update(webhook_events::table.filter(webhook_events::id.eq_any(ids)))
            .set(webhook_events::state.eq(state))
            .execute(conn)?;
    }
    Ok(())
}

/// Applying the event has failed once more; it stays pending. Gives how often it has.
///
/// # Errors
/// [`StoreError::NotFound`] or another [`StoreError`].
pub fn mark_failed(conn: &mut Conn, id: i64, error: &str) -> Result<i64, StoreError> {
    diesel::update(webhook_events::table.find(id))
        .set((
            webhook_events::attempts.eq(webhook_events::attempts + 1),
            webhook_events::last_error.eq(error.replace('\0', "\u{fffd}")),
        ))
        .execute(conn)?;
    Ok(webhook_events::table.find(id).select(webhook_events::attempts).first(conn)?)
}

/// The event cannot be applied: an operator decides.
///
/// # Errors
/// [`StoreError`].
pub fn mark_dead(conn: &mut Conn, id: i64, error: &str) -> Result<(), StoreError> {
    diesel::update(webhook_events::table.find(id))
        .set((
            webhook_events::state.eq(EventState::Dead),
            webhook_events::last_error.eq(error.replace('\0', "\u{fffd}")),
        ))
        .execute(conn)?;
    Ok(())
}

/// Dead letters, newest first, below `before_id` where one is given.
///
/// # Errors
/// [`StoreError`].
pub fn dead_letters(
    conn: &mut Conn,
    before_id: Option<i64>,
    limit: i64,
) -> Result<Vec<DeadLetter>, StoreError> {
    Ok(webhook_events::table
        .filter(in_state(EventState::Dead))
        .filter(webhook_events::id.lt(before_id.unwrap_or(i64::MAX)))
        .order(webhook_events::id.desc())
        .limit(limit)
        .select(DeadLetter::as_select())
        .load(conn)?)
}

/// Makes a dead letter pending again, as if it had just come.
///
/// # Errors
/// [`StoreError::NotFound`] when no dead letter has this id.
pub fn replay(conn: &mut Conn, id: i64) -> Result<InboxEvent, StoreError> {
    let revived = diesel::update(webhook_events::table)
        .filter(in_state(EventState::Dead))
        .filter(webhook_events::id.eq(id))
        .set((webhook_events::state.eq(EventState::Pending), webhook_events::attempts.eq(0)))
        .execute(conn)?;
    if revived == 0 {
        return Err(StoreError::NotFound);
    }
    Ok(webhook_events::table.find(id).select(InboxEvent::as_select()).first(conn)?)
}

/// Deletes up to `limit` settled events that came before `before`, oldest first. Gives how many.
///
/// The inbox is in the order of arrival, so its front is looked at and no index on the time is needed.
///
/// # Errors
/// [`StoreError`].
pub fn remove_settled(conn: &mut Conn, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
    let ids: Vec<i64> = webhook_events::table
        .filter(webhook_events::received_at.lt(UtcMillis::from(before)))
        .filter(webhook_events::state.ne(EventState::Pending))
        .order(webhook_events::id)
        .limit(limit)
        .select(webhook_events::id)
        .load(conn)?;
    let mut removed = 0;
    for ids in ids.chunks(IDS_MAX) {
        removed +=
            diesel::delete(webhook_events::table.filter(webhook_events::id.eq_any(ids))).execute(conn)?;
    }
    Ok(removed)
}
