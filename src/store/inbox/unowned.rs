//! Events of meetings that are not ours, perhaps not yet: the number of a meeting becomes known after the create,
//! and events about it may come before.
//!
//! On PostgreSQL one process may put such events aside in the very moment in which another one learns the number.
//! So both go under an advisory lock of the number: whoever learns it waits for those who put aside, and whoever
//! puts aside leaves alone what is just being learned. Otherwise an event could be put aside for good.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text};

use super::{EventState, IDS_MAX, InboxEvent, in_state};
use crate::store::schema::webhook_events;
use crate::store::{Conn, StoreError};

/// The first key of the advisory locks of numbers; the second is a hash of the number.
const NUMBER_LOCKS: i32 = 0x636f_0003;

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// No meeting of ours has the events' number, so far. Those whose number has become known meanwhile stay pending.
///
/// # Errors
/// [`StoreError`].
pub fn mark_unowned(conn: &mut Conn, ids: &[i64]) -> Result<(), StoreError> {
    for ids in ids.chunks(IDS_MAX) {
        let ids = match conn {
            // Its one writer learns numbers and puts events aside one after the other.
            Conn::Sqlite(_) => ids.to_vec(),
            Conn::Postgres(conn) => undisputed(conn, ids)?,
        };
        diesel::update(webhook_events::table)
            .filter(in_state(EventState::Pending))
            .filter(webhook_events::id.eq_any(ids))
            .filter(sql::<Bool>(
                "NOT EXISTS (SELECT 1 FROM zoom_meetings \
                 WHERE zoom_meetings.zoom_meeting_id = webhook_events.zoom_meeting_id)",
            ))
            .set(webhook_events::state.eq(EventState::Unowned))
            .execute(conn)?;
    }
    Ok(())
}

/// The events whose number nobody is learning just now; nor will anybody before this transaction ends.
fn undisputed(conn: &mut PgConnection, ids: &[i64]) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<IdRow> = diesel::sql_query(
        "WITH numbers AS MATERIALIZED (SELECT DISTINCT zoom_meeting_id AS number FROM webhook_events \
         WHERE id = ANY($1) AND zoom_meeting_id IS NOT NULL), \
         free AS MATERIALIZED (SELECT number FROM numbers \
         WHERE pg_try_advisory_xact_lock_shared($2, hashtext(number))) \
         SELECT e.id FROM webhook_events e JOIN free ON free.number = e.zoom_meeting_id WHERE e.id = ANY($1)",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Integer, _>(NUMBER_LOCKS)
    .load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Waits for those who are putting events of this number aside.
fn learn(conn: &mut Conn, number: &str) -> Result<(), StoreError> {
    if let Conn::Postgres(conn) = conn {
        diesel::sql_query("SELECT pg_advisory_xact_lock($1, hashtext($2))")
            .bind::<Integer, _>(NUMBER_LOCKS)
            .bind::<Text, _>(number)
            .execute(conn)?;
    }
    Ok(())
}

/// Makes the unowned events of a meeting number pending, in the transaction in which the number becomes ours.
/// Gives how many.
///
/// # Errors
/// [`StoreError`].
pub fn release_unowned(conn: &mut Conn, number: &str) -> Result<usize, StoreError> {
    learn(conn, number)?;
    Ok(diesel::update(webhook_events::table)
        .filter(in_state(EventState::Unowned))
        .filter(webhook_events::zoom_meeting_id.eq(number))
        .set(webhook_events::state.eq(EventState::Pending))
        .execute(conn)?)
}

/// As [`release_unowned`], and gives the events themselves, oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn claim_unowned(conn: &mut Conn, number: &str) -> Result<Vec<InboxEvent>, StoreError> {
    learn(conn, number)?;
    let events = webhook_events::table
        .filter(in_state(EventState::Unowned))
        .filter(webhook_events::zoom_meeting_id.eq(number))
        .order(webhook_events::id)
        .select(InboxEvent::as_select())
        .load(conn)?;
    release_unowned(conn, number)?;
    Ok(events)
}
