//! Messages to other systems: one row for each event and endpoint, until it has arrived or is given up.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::json;

use super::outbox::Fact;
use super::schema::{disabled_endpoints, notifications};
use super::types::text_enum;
use super::{Conn, Json, StoreError, UtcMillis, each_backend};

/// Rows of one insert: below the number of values that either database takes in a statement.
const INSERT_ROWS_MAX: usize = 500;

text_enum! {
    /// What becomes of a message.
    pub enum NotificationState {
        /// To be sent at `next_attempt_at`.
        Pending = "pending",
        /// The endpoint has acknowledged it.
        Delivered = "delivered",
        /// Given up; an operator can have it sent again.
        Dead = "dead",
    }
}

/// A row of `notifications`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = notifications, treat_none_as_default_value = false)]
pub struct NotificationRow {
    /// Its id, the same at every attempt: by it the endpoint knows a repetition. Later ones sort after earlier.
    pub id: String,
    /// For whom: the key of a configured endpoint.
    pub endpoint: String,
    /// The event's name.
    pub event: String,
    /// The body, as it is sent and signed.
    pub payload: Json,
    /// What becomes of it.
    pub state: NotificationState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next; for one that is being sent, when it is tried again should its sender die.
    pub next_attempt_at: Option<UtcMillis>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// Since when it is to be sent.
    pub created_at: UtcMillis,
}

impl NotificationRow {
    /// The message of `fact` to `endpoint`, due at `now`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the fact is not JSON.
    pub fn of(endpoint: &str, fact: &Fact, now: UtcMillis) -> Result<Self, StoreError> {
        let payload = json!({
            "type": fact.event.as_str(),
            "timestamp": DateTime::<Utc>::from(fact.at),
            "data": fact.data.parse::<serde_json::Value>("outbox.data")?,
        });
        Ok(Self {
            id: format!("msg_{}", uuid::Uuid::now_v7().simple()),
            endpoint: endpoint.to_owned(),
            event: fact.event.as_str().to_owned(),
            payload: Json::of(&payload)?,
            state: NotificationState::Pending,
            attempts: 0,
            next_attempt_at: Some(now),
            last_error: None,
            created_at: now,
        })
    }
}

/// Writes new messages.
///
/// # Errors
/// [`StoreError`].
pub fn insert(conn: &mut Conn, rows: &[NotificationRow]) -> Result<(), StoreError> {
    for rows in rows.chunks(INSERT_ROWS_MAX) {
        each_backend!(conn, |c| diesel::insert_into(notifications::table).values(rows).execute(c))?;
    }
    Ok(())
}

/// Takes up to `limit` messages to `endpoint` that are due at `now`, counts the attempt, and puts them off until
/// `again_at`, so that each is sent by one process, and again should that one die.
///
/// # Errors
/// [`StoreError`].
pub fn claim(
    conn: &mut Conn,
    endpoint: &str,
    now: UtcMillis,
    again_at: UtcMillis,
    limit: i64,
) -> Result<Vec<NotificationRow>, StoreError> {
    let due = notifications::table
        .filter(notifications::endpoint.eq(endpoint))
        .filter(notifications::state.eq(NotificationState::Pending))
        .filter(notifications::next_attempt_at.le(now))
        .order((notifications::next_attempt_at, notifications::id))
        .limit(limit)
        .select(notifications::id);
    let ids: Vec<String> = match conn {
        Conn::Sqlite(conn) => due.load(conn)?,
        Conn::Postgres(conn) => due.for_update().skip_locked().load(conn)?,
    };
    diesel::update(notifications::table.filter(notifications::id.eq_any(&ids)))
        .set((
            notifications::attempts.eq(notifications::attempts + 1),
            notifications::next_attempt_at.eq(again_at),
        ))
        .execute(conn)?;
    Ok(notifications::table
        .filter(notifications::id.eq_any(&ids))
        .order(notifications::id)
        .select(NotificationRow::as_select())
        .load(conn)?)
}

/// Writes down what came of an attempt: the state, and for a pending one when it is tried next. What was given up
/// meanwhile stays given up, unless it has arrived after all.
///
/// # Errors
/// [`StoreError`].
pub fn settle(
    conn: &mut Conn,
    id: &str,
    state: NotificationState,
    next_attempt_at: Option<UtcMillis>,
    error: Option<&str>,
) -> Result<(), StoreError> {
    let from = match state {
        NotificationState::Delivered => vec![NotificationState::Pending, NotificationState::Dead],
        NotificationState::Pending | NotificationState::Dead => vec![NotificationState::Pending],
    };
    diesel::update(notifications::table.find(id))
        .filter(notifications::state.eq_any(from))
        .set((
            notifications::state.eq(state),
            notifications::next_attempt_at.eq(next_attempt_at),
            notifications::last_error.eq(error),
        ))
        .execute(conn)?;
    Ok(())
}

/// When the next message to one of `endpoints` is due.
///
/// # Errors
/// [`StoreError`].
pub fn next_due(conn: &mut Conn, endpoints: &[String]) -> Result<Option<UtcMillis>, StoreError> {
    let closed = disabled_endpoints::table.select(disabled_endpoints::endpoint);
    Ok(notifications::table
        .filter(notifications::state.eq(NotificationState::Pending))
        .filter(notifications::endpoint.eq_any(endpoints))
        .filter(notifications::endpoint.ne_all(closed))
        .select(diesel::dsl::min(notifications::next_attempt_at))
        .first(conn)?)
}

/// How many messages to `endpoint` are in this state, counted up to `limit`.
///
/// # Errors
/// [`StoreError`].
pub fn count(
    conn: &mut Conn,
    endpoint: &str,
    state: NotificationState,
    limit: i64,
) -> Result<usize, StoreError> {
    let ids: Vec<String> = notifications::table
        .filter(notifications::endpoint.eq(endpoint).and(notifications::state.eq(state)))
        .select(notifications::id)
        .limit(limit)
        .load(conn)?;
    Ok(ids.len())
}

/// Dead letters, newest first, before the id `before`.
///
/// # Errors
/// [`StoreError`].
pub fn dead_letters(
    conn: &mut Conn,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<NotificationRow>, StoreError> {
    let mut query = notifications::table
        .filter(notifications::state.eq(NotificationState::Dead))
        .select(NotificationRow::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(notifications::id.lt(before));
    }
    Ok(query.order(notifications::id.desc()).limit(limit).load(conn)?)
}

/// Makes a dead letter pending again, as if it were new.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such dead letter.
pub fn replay(conn: &mut Conn, id: &str, now: UtcMillis) -> Result<(), StoreError> {
    let changed = diesel::update(notifications::table.find(id))
        .filter(notifications::state.eq(NotificationState::Dead))
        .set((
            notifications::state.eq(NotificationState::Pending),
            notifications::attempts.eq(0),
            notifications::next_attempt_at.eq(now),
        ))
        .execute(conn)?;
    if changed == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}

/// Forgets up to `limit` messages of before `before`, whatever became of them. Says how many.
///
/// # Errors
/// [`StoreError`].
pub fn prune(conn: &mut Conn, before: UtcMillis, limit: i64) -> Result<usize, StoreError> {
    let old: Vec<String> = notifications::table
        .filter(notifications::created_at.lt(before))
        .select(notifications::id)
        .limit(limit)
        .load(conn)?;
    Ok(diesel::delete(notifications::table.filter(notifications::id.eq_any(old))).execute(conn)?)
}

/// An endpoint to which nothing is sent any more.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = disabled_endpoints)]
pub struct DisabledEndpoint {
    /// Its key.
    pub endpoint: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub disabled_at: UtcMillis,
}

/// Closes an endpoint: what waited for it becomes dead letters, and nothing new is meant for it.
///
/// # Errors
/// [`StoreError`].
pub fn disable(conn: &mut Conn, row: &DisabledEndpoint) -> Result<(), StoreError> {
    each_backend!(conn, |c| diesel::insert_into(disabled_endpoints::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    diesel::update(notifications::table)
        .filter(notifications::endpoint.eq(&row.endpoint))
        .filter(notifications::state.eq(NotificationState::Pending))
        .set((
            notifications::state.eq(NotificationState::Dead),
            notifications::next_attempt_at.eq(None::<UtcMillis>),
            notifications::last_error.eq(&row.reason),
        ))
        .execute(conn)?;
    Ok(())
}

/// Opens a closed endpoint again. Its dead letters stay dead until they are replayed.
///
/// # Errors
/// [`StoreError`].
pub fn enable(conn: &mut Conn, endpoint: &str) -> Result<(), StoreError> {
    diesel::delete(disabled_endpoints::table.find(endpoint)).execute(conn)?;
    Ok(())
}

/// The closed endpoints.
///
/// # Errors
/// [`StoreError`].
pub fn disabled(conn: &mut Conn) -> Result<Vec<DisabledEndpoint>, StoreError> {
    Ok(disabled_endpoints::table
        .order(disabled_endpoints::endpoint)
        .select(DisabledEndpoint::as_select())
        .load(conn)?)
}
