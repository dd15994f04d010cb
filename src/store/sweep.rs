//! What a sweep of a host's meetings at Zoom is compared with, and what is written of what it found.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::due::{self, DueKind};
use super::schema::{appointments, meeting_looks, seats, zoom_meetings, zoom_users};
use super::{Conn, Json, StoreError, UtcMillis};
use crate::domain::sweep::Ours;

/// Values in one statement; far below both databases' limits on parameters.
const VALUES_MAX: usize = 1000;
/// Bookings in these states want their meeting.
const WANTING: [&str; 2] = ["confirmed", "in_progress"];
/// More hosts than this are not swept in one round: the account's limits would not bear it.
const HOSTS_MAX: i64 = 20_000;
/// Operations that may have made a meeting whose number nobody knows yet.
const CREATING: [&str; 2] = ["create", "look"];

/// The meetings that a resync of everything means, in order, after `after`: those that Zoom should have from now
/// on, and those it should not have any more.
///
/// # Errors
/// [`StoreError`].
pub fn resyncable(
    conn: &mut Conn,
    now: UtcMillis,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let wanted = appointments::status.eq_any(WANTING).and(appointments::end_at.gt(now));
    let unwanted = appointments::status.eq("cancelled").and(zoom_meetings::zoom_meeting_id.is_not_null());
    Ok(zoom_meetings::table
        .inner_join(appointments::table)
        .filter(zoom_meetings::id.gt(after))
        .filter(wanted.or(unwanted))
        .order(zoom_meetings::id)
        .limit(limit)
        .select(zoom_meetings::id)
        .load(conn)?)
}

/// The Zoom users under whom we have, or may have, meetings from `now` on: an id, else an address.
///
/// # Errors
/// [`StoreError`].
pub fn hosts(conn: &mut Conn, now: UtcMillis, pool: &[String]) -> Result<Vec<String>, StoreError> {
    let with_meetings: Vec<Option<String>> = zoom_meetings::table
        .inner_join(appointments::table)
        .filter(appointments::end_at.gt(now))
        .filter(zoom_meetings::host_id.is_not_null())
        .select(zoom_meetings::host_id)
        .distinct()
        .limit(HOSTS_MAX)
        .load(conn)?;
    let mut hosts: BTreeSet<String> = with_meetings.into_iter().flatten().collect();
    let seated: Vec<String> = seats::table
        .filter(seats::until_at.gt(now))
        .select(seats::zoom_user_id)
        .distinct()
        .limit(HOSTS_MAX)
        .load(conn)?;
    // A seat without a Zoom user has no meetings there yet; a pool host may have some from before.
    hosts.extend(ids(conn, &seated)?.into_iter().map(|(_, id)| id));
    let known = ids(conn, pool)?;
    hosts.extend(pool.iter().map(|key| {
        known.iter().find(|(email, _)| email == key).map_or_else(|| key.clone(), |(_, id)| id.clone())
    }));
    Ok(hosts.into_iter().collect())
}

/// The Zoom user ids behind seat keys: pairs of address and id.
fn ids(conn: &mut Conn, keys: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    let mut found = Vec::new();
    for keys in keys.chunks(VALUES_MAX) {
        let rows: Vec<(String, String)> = zoom_users::table
            .filter(zoom_users::email_key.eq_any(keys).or(zoom_users::zoom_user_id.eq_any(keys)))
            .select((zoom_users::email_key, zoom_users::zoom_user_id))
            .load(conn)?;
        found.extend(rows);
    }
    Ok(found)
}

/// A row as a sweep sees it.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = zoom_meetings)]
struct SweptRow {
    id: String,
    marker: String,
    zoom_meeting_id: Option<String>,
    host_id: Option<String>,
    op_kind: Option<String>,
    told: Option<Json>,
    join_url: Option<String>,
    gone_at: Option<UtcMillis>,
}

/// Our meetings under a host, and those with these numbers or marks.
///
/// # Errors
/// [`StoreError`].
pub fn ours(
    conn: &mut Conn,
    now: UtcMillis,
    host_id: &str,
    numbers: &[String],
    markers: &[String],
) -> Result<Vec<Ours>, StoreError> {
    type Found = (SweptRow, String, UtcMillis, Option<i64>, Option<i64>);
    let select = (
        SweptRow::as_select(),
        appointments::status,
        appointments::end_at,
        meeting_looks::look_wanted.nullable(),
        meeting_looks::looked.nullable(),
    );
    let base = || zoom_meetings::table.inner_join(appointments::table).left_join(meeting_looks::table);
    let mut found: Vec<Found> = base()
        .filter(zoom_meetings::host_id.eq(host_id))
        .filter(zoom_meetings::zoom_meeting_id.is_not_null())
        .filter(appointments::end_at.gt(now))
        .select(select)
        .load(conn)?;
    for numbers in numbers.chunks(VALUES_MAX) {
        found.extend(
            base()
                .filter(zoom_meetings::zoom_meeting_id.eq_any(numbers))
                .select(select)
                .load::<Found>(conn)?,
        );
    }
    for markers in markers.chunks(VALUES_MAX) {
        found
            .extend(base().filter(zoom_meetings::marker.eq_any(markers)).select(select).load::<Found>(conn)?);
    }
    found.sort_by(|a, b| a.0.id.cmp(&b.0.id));
    found.dedup_by(|a, b| a.0.id == b.0.id);
    found
        .into_iter()
        .map(|(row, status, end_at, look_wanted, looked)| {
            Ok(Ours {
                upcoming: WANTING.contains(&status.as_str()) && end_at > now,
                creating: row.op_kind.as_deref().is_some_and(|kind| CREATING.contains(&kind)),
                looking: look_wanted > looked || row.gone_at.is_some() || row.op_kind.is_some(),
                meeting_id: row.id,
                marker: row.marker,
                number: row.zoom_meeting_id,
                host_id: row.host_id,
                told: row.told.map(|told| told.parse("zoom_meetings.told")).transpose()?,
                join_url: row.join_url,
            })
        })
        .collect()
}

/// Gives a meeting that has none the Zoom meeting that carries its mark, and its booking's id back; `None` when it
/// got one meanwhile, or may be getting one.
///
/// # Errors
/// [`StoreError`].
pub fn adopt(
    conn: &mut Conn,
    meeting_id: &str,
    number: &str,
    host_id: &str,
    now: UtcMillis,
) -> Result<Option<String>, StoreError> {
    let address: Option<String> =
        zoom_users::table.find(host_id).select(zoom_users::email_key).first(conn).optional()?;
    let seat: Option<String> = zoom_meetings::table
        .inner_join(seats::table.on(seats::appointment_id.eq(zoom_meetings::appointment_id)))
        .filter(zoom_meetings::id.eq(meeting_id))
        .select(seats::zoom_user_id)
        .first(conn)
        .optional()?;
    // The booking's own word for this host, where it is this host's; the seat decides what becomes of any other.
    let key = seat
        .filter(|seat| seat == host_id || Some(seat) == address.as_ref())
        .or(address)
        .unwrap_or_else(|| host_id.to_owned());
    // The version makes a step that is being decided on at this moment be decided anew.
    let adopted = diesel::update(zoom_meetings::table.find(meeting_id))
        .filter(zoom_meetings::zoom_meeting_id.is_null().and(zoom_meetings::op_kind.is_null()))
        .set((
            zoom_meetings::zoom_meeting_id.eq(number),
            zoom_meetings::host_id.eq(host_id),
            zoom_meetings::host_email.eq(key),
            zoom_meetings::version.eq(zoom_meetings::version + 1),
            zoom_meetings::updated_at.eq(now),
        ))
        .execute(conn)?;
    if adopted == 0 {
        return Ok(None);
    }
    super::inbox::release_unowned(conn, number)?;
    due::set(conn, DueKind::Sync, meeting_id, now)?;
    appointment_of(conn, meeting_id)
}

/// The booking of a meeting.
///
/// # Errors
/// [`StoreError`].
pub fn appointment_of(conn: &mut Conn, meeting_id: &str) -> Result<Option<String>, StoreError> {
    Ok(zoom_meetings::table.find(meeting_id).select(zoom_meetings::appointment_id).first(conn).optional()?)
}
