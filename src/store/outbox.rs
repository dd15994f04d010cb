//! What happened and others may want to hear of: written with the fact itself, read by whoever passes it on.
//!
//! [`tell`] is called inside the transaction that makes the fact true, so that neither exists without the other.
//! A told event has no place in the stream yet: ids are drawn before the commit, and with several processes a
//! smaller id may become visible after a larger one; a reader that remembers "the last I saw" would pass it
//! over. [`place`] gives the places afterwards, one caller at a time, without gaps.
//!
//! Whoever is told gets no more than ids, `ref`s, titles and times: no name, no address, no link.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::Value;

use super::notification::{self, NotificationRow};
use super::schema::outbox;
use super::types::text_enum;
use super::{Conn, Json, StoreError, UtcMillis};

/// The number of PostgreSQL's advisory lock under which places are given; any number that nobody else uses.
const PLACING_LOCK: i64 = 0x0063_6f6e_7665_6e65;

text_enum! {
    /// What others are told of.
    pub enum Event {
        /// A booking is confirmed: made so, or confirmed later.
        AppointmentConfirmed = "appointment.confirmed",
        /// A booking was changed.
        AppointmentChanged = "appointment.changed",
        /// A booking was cancelled.
        AppointmentCancelled = "appointment.cancelled",
        /// A booking is over.
        AppointmentCompleted = "appointment.completed",
        /// The meeting exists at Zoom.
        MeetingScheduled = "meeting.scheduled",
        /// Somebody opened the meeting.
        MeetingStarted = "meeting.started",
        /// The meeting came to its end.
        MeetingEnded = "meeting.ended",
        /// Zoom refuses the meeting; somebody has to look.
        MeetingFailed = "meeting.failed",
        /// The meeting has another link or passcode than before.
        MeetingLinkChanged = "meeting.link_changed",
        /// Marks by what was seen live.
        AttendanceProvisional = "attendance.provisional",
        /// Marks by Zoom's own report; told once a booking.
        AttendanceFinal = "attendance.final",
        /// Somebody corrected a mark by hand, or a later report did.
        AttendanceCorrected = "attendance.corrected",
        /// A recording can be had.
        RecordingAvailable = "recording.available",
        /// A booking waits for a licence and there is none left.
        LicenceExhausted = "licence.exhausted",
        /// Zoom does not accept our credentials any more.
        ConnectionLost = "connection.lost",
    }
}

#[derive(Insertable)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
struct NewFact<'a> {
    event: Event,
    at: UtcMillis,
    appointment_id: Option<&'a str>,
    data: Json,
}

/// Tells that something happened at `at`. Call it inside the transaction that makes it true.
///
/// `data` is an object of ids, `ref`s, titles and times, never of names, addresses, links or secrets. Its
/// `appointment_id`, where it has one, decides who may read the event in the stream: those who may see that
/// booking. An event without one is for the staff alone.
///
/// # Errors
/// [`StoreError`].
pub fn tell(conn: &mut Conn, at: UtcMillis, event: Event, data: Value) -> Result<(), StoreError> {
    let appointment_id = data.get("appointment_id").and_then(Value::as_str);
    let fact = NewFact { event, at, appointment_id, data: Json::of(&data)? };
    diesel::insert_into(outbox::table).values(&fact).execute(conn)?;
    Ok(())
}

/// An endpoint, as far as it decides who is told what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The endpoint's key in `notifications`.
    pub endpoint: String,
    /// Which events it wants; all of them when empty.
    pub events: Vec<String>,
}

impl Subscription {
    fn wants(&self, event: &str) -> bool {
        self.events.is_empty() || self.events.iter().any(|wanted| wanted == event)
    }
}

/// An event that has no place in the stream yet, or has one.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = outbox)]
pub struct Fact {
    /// Its row.
    pub id: i64,
    /// Its place in the stream; larger is later. `None` until [`place`] gave it one.
    pub seq: Option<i64>,
    /// What happened.
    pub event: Event,
    /// When.
    pub at: UtcMillis,
    /// To which booking, if to one.
    pub appointment_id: Option<String>,
    /// The facts.
    pub data: Json,
}

/// Whether some event has no place yet.
///
/// # Errors
/// [`StoreError`].
pub fn any_unplaced(conn: &mut Conn) -> Result<bool, StoreError> {
    let first: Option<i64> =
        outbox::table.filter(outbox::seq.is_null()).select(outbox::id).first(conn).optional()?;
    Ok(first.is_some())
}

/// Gives up to `limit` events their places in the stream, and each of `subscriptions` its notifications of them,
/// due at `now`. Says how many were placed, or `None` when another process is at it.
///
/// One caller at a time, until its commit: so a place becomes visible only after all smaller ones. A second one
/// does not wait for its turn, because jobs of both may share transactions with jobs that wait for each other.
///
/// # Errors
/// [`StoreError`].
pub fn place(
    conn: &mut Conn,
    subscriptions: &[Subscription],
    now: UtcMillis,
    limit: i64,
) -> Result<Option<usize>, StoreError> {
    if let Conn::Postgres(conn) = conn {
        let lock = diesel::dsl::sql::<Bool>(&format!("pg_try_advisory_xact_lock({PLACING_LOCK})"));
        let ours: bool = diesel::select(lock).get_result(conn)?;
        if !ours {
            return Ok(None);
        }
    }
    let facts: Vec<Fact> = outbox::table
        .filter(outbox::seq.is_null())
        .order(outbox::id)
        .limit(limit)
        .select(Fact::as_select())
        .load(conn)?;
    let disabled = notification::disabled(conn)?;
    let open =
        |subscription: &&Subscription| disabled.iter().all(|row| row.endpoint != subscription.endpoint);
    let open: Vec<&Subscription> = subscriptions.iter().filter(open).collect();
    let mut seq = last_seq(conn)?;
    let mut notifications = Vec::new();
    for fact in &facts {
        seq += 1;
        diesel::update(outbox::table.find(fact.id)).set(outbox::seq.eq(seq)).execute(conn)?;
        let wanted = open.iter().filter(|subscription| subscription.wants(fact.event.as_str()));
        for subscription in wanted {
            notifications.push(NotificationRow::of(&subscription.endpoint, fact, now)?);
        }
    }
    notification::insert(conn, &notifications)?;
    Ok(Some(facts.len()))
}

/// The last place that was given; 0 before the first.
///
/// # Errors
/// [`StoreError`].
pub fn last_seq(conn: &mut Conn) -> Result<i64, StoreError> {
    let last: Option<i64> = outbox::table.select(diesel::dsl::max(outbox::seq)).first(conn)?;
    Ok(last.unwrap_or_default())
}

/// Placed events after the place `after`, in order, at most `limit`.
///
/// # Errors
/// [`StoreError`].
pub fn after(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<Fact>, StoreError> {
    Ok(outbox::table
        .filter(outbox::seq.gt(after))
        .order(outbox::seq)
        .limit(limit)
        .select(Fact::as_select())
        .load(conn)?)
}

/// Forgets up to `limit` placed events that happened before `before`, the oldest first; the last one stays, because
/// it says where the stream is. Says how many went.
///
/// # Errors
/// [`StoreError`].
pub fn prune(conn: &mut Conn, before: UtcMillis, limit: i64) -> Result<usize, StoreError> {
    let last = last_seq(conn)?;
    let old: Vec<i64> = outbox::table
        .filter(outbox::seq.lt(last).and(outbox::at.lt(before)))
        .order(outbox::seq)
        .limit(limit)
        .select(outbox::id)
        .load(conn)?;
    Ok(diesel::delete(outbox::table.filter(outbox::id.eq_any(old))).execute(conn)?)
}
