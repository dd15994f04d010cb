//! Storing a batch of events, each once. The fast way differs: SQLite likes one prepared statement run for each
//! row (there is no round trip), PostgreSQL one prepared statement for the whole batch.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text, Timestamp};

use super::{Digest, NewEvent};
use crate::store::schema::webhook_events;
use crate::store::{Conn, StoreError, UtcMillis};

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// Stored, as this row.
    Stored(i64),
    /// The same body is there already, from before or from the same batch.
    Duplicate,
}

/// Stores the events that are not there yet. The receipts are in the order of the events.
///
/// # Errors
/// [`StoreError`]; nothing is stored then.
pub fn insert(conn: &mut Conn, events: &[&NewEvent]) -> Result<Vec<Receipt>, StoreError> {
    match conn {
        Conn::Sqlite(conn) => events.iter().map(|event| insert_one(conn, event)).collect(),
        Conn::Postgres(conn) => insert_all(conn, events),
    }
}

fn insert_one(conn: &mut SqliteConnection, event: &NewEvent) -> Result<Receipt, StoreError> {
    let id = diesel::insert_into(webhook_events::table)
        .values((
            webhook_events::digest.eq(event.digest.as_slice()),
            webhook_events::event.eq(&event.event),
            webhook_events::zoom_meeting_id.eq(event.zoom_meeting_id.as_deref()),
            webhook_events::instance_uuid.eq(event.instance_uuid.as_deref()),
            webhook_events::body.eq(&event.body),
            webhook_events::request_age_ms.eq(event.request_age_ms),
            webhook_events::received_at.eq(event.received_at),
            webhook_events::state.eq(event.state()),
            webhook_events::attempts.eq(0),
            webhook_events::last_error.eq(event.fault.as_deref()),
        ))
        .on_conflict(webhook_events::digest)
        .do_nothing()
        .returning(webhook_events::id)
        .get_result(conn)
        .optional()?;
    Ok(id.map_or(Receipt::Duplicate, Receipt::Stored))
}

fn insert_all(conn: &mut PgConnection, events: &[&NewEvent]) -> Result<Vec<Receipt>, StoreError> {
    // In the order of the unique key, so that batches of several machines cannot deadlock on each other.
    let mut sorted = events.to_vec();
    sorted.sort_unstable_by_key(|event| event.digest);
    let stored: Vec<(i64, Vec<u8>)> = InsertEvents::new(&sorted).load(conn)?;
    let mut ids: HashMap<Digest, i64> = stored
        .into_iter()
        .filter_map(|(id, digest)| Some((Digest::try_from(digest.as_slice()).ok()?, id)))
        .collect();
    // The first of several equal bodies takes the id, the others are duplicates.
    Ok(events
        .iter()
        .map(|event| ids.remove(&event.digest).map_or(Receipt::Duplicate, Receipt::Stored))
        .collect())
}

/// `INSERT … SELECT … FROM unnest(arrays)`: the same text whatever the size of the batch, so PostgreSQL parses
/// and plans it once a connection. diesel has no such statement, and keeps `sql_query` out of its cache of
/// prepared ones.
struct InsertEvents<'a> {
    digests: Vec<&'a [u8]>,
    events: Vec<&'a str>,
    meetings: Vec<Option<&'a str>>,
    instances: Vec<Option<&'a str>>,
    bodies: Vec<&'a str>,
    ages: Vec<i64>,
    received: Vec<UtcMillis>,
    states: Vec<&'static str>,
    faults: Vec<Option<&'a str>>,
}

impl<'a> InsertEvents<'a> {
    fn new(events: &[&'a NewEvent]) -> Self {
        Self {
            digests: events.iter().map(|event| event.digest.as_slice()).collect(),
            events: events.iter().map(|event| event.event.as_str()).collect(),
            meetings: events.iter().map(|event| event.zoom_meeting_id.as_deref()).collect(),
            instances: events.iter().map(|event| event.instance_uuid.as_deref()).collect(),
            bodies: events.iter().map(|event| event.body.as_str()).collect(),
            ages: events.iter().map(|event| event.request_age_ms).collect(),
            received: events.iter().map(|event| event.received_at).collect(),
            states: events.iter().map(|event| event.state().as_str()).collect(),
            faults: events.iter().map(|event| event.fault.as_deref()).collect(),
        }
    }
}

impl QueryFragment<Pg> for InsertEvents<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO webhook_events (digest, event, zoom_meeting_id, instance_uuid, body, request_age_ms, \
             received_at, state, attempts, last_error) \
             SELECT digest, event, meeting, instance, body, age, received, state, 0, fault FROM unnest(",
        );
        out.push_bind_param::<Array<Binary>, _>(&self.digests)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.events)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.meetings)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.instances)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.bodies)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.ages)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Timestamp>, _>(&self.received)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.states)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.faults)?;
        out.push_sql(
            ") AS new (digest, event, meeting, instance, body, age, received, state, fault) \
             ON CONFLICT (digest) DO NOTHING RETURNING id, digest",
        );
        Ok(())
    }
}

impl QueryId for InsertEvents<'_> {
    type QueryId = InsertEvents<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for InsertEvents<'_> {
    type SqlType = (BigInt, Binary);
}

impl RunQueryDsl<PgConnection> for InsertEvents<'_> {}
