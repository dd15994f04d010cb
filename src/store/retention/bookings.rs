//! What age does to a booking: those who took part become nameless, it is put away, its marks go.

use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamp};

use super::{AT_REST, Batch};
use crate::domain::retention::Limits;
use crate::store::erasure::{overwriting, own};
use crate::store::schema::{appointments, attendance_records as marks, zoom_meetings};
use crate::store::sql::Sql;
use crate::store::{Conn, Json, StoreError, UtcMillis};

/// Bookings in one go: each may have a thousand people.
const BATCH_MAX: i64 = 20;

#[derive(QueryableByName)]
struct Aged {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Timestamp)]
    end_at: UtcMillis,
}

/// Bookings that ended before `before` and of which nothing is to come, by their end.
fn aged(conn: &mut Conn, condition: &str, before: UtcMillis, after: &str) -> Result<Batch, StoreError> {
    let mut sql = Sql::new("SELECT a.id AS id, a.end_at AS end_at FROM appointments a WHERE a.end_at < ");
    sql.bind(before).push(condition).push(AT_REST);
    if let Some((end, id)) = place(after) {
        sql.push(" AND (a.end_at > ").bind(end).push(" OR (a.end_at = ").bind(end);
        sql.push(" AND a.id > ").bind(id).push("))");
    }
    sql.push(" ORDER BY a.end_at, a.id LIMIT ").bind(BATCH_MAX);
    let rows: Vec<Aged> = sql.load(conn)?;
    let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) == BATCH_MAX;
    let next = rows
        .last()
        .filter(|_| full)
        .map(|last| format!("{} {}", chrono::DateTime::from(last.end_at).timestamp_millis(), last.id));
    Ok(Batch { keys: rows.into_iter().map(|row| row.id).collect(), next })
}

/// The end and the id after which a batch begins.
fn place(after: &str) -> Option<(UtcMillis, &str)> {
    let (millis, id) = after.split_once(' ')?;
    Some((chrono::DateTime::from_timestamp_millis(millis.parse().ok()?)?.into(), id))
}

/// Old bookings whose participants have names.
pub(super) fn named(conn: &mut Conn, limits: &Limits, after: &str) -> Result<Batch, StoreError> {
    let condition = " AND a.archived_at IS NULL AND a.anonymised_at IS NULL";
    aged(conn, condition, limits.participants.into(), after)
}

/// Old bookings that are not put away.
pub(super) fn unarchived(conn: &mut Conn, limits: &Limits, after: &str) -> Result<Batch, StoreError> {
    let condition = " AND a.archived_at IS NULL AND a.anonymised_at IS NOT NULL";
    aged(conn, condition, limits.meetings.into(), after)
}

/// Old bookings of which it is kept who was there, or was to be: also those that were never scored.
pub(super) fn remembered(conn: &mut Conn, limits: &Limits, after: &str) -> Result<Batch, StoreError> {
    aged(conn, " AND a.forgotten_at IS NULL", limits.attendance.into(), after)
}

/// What is done to the meetings of bookings.
const OF_MEETINGS: &str = " WHERE meeting_id IN (SELECT id FROM zoom_meetings WHERE appointment_id IN (";

fn of_meetings(conn: &mut Conn, text: &str, ids: &[String]) -> Result<usize, StoreError> {
    let mut sql = Sql::new(text);
    sql.push(OF_MEETINGS).bind_all(ids).push("))");
    sql.execute(conn)
}

fn of_bookings(conn: &mut Conn, text: &str, ids: &[String]) -> Result<usize, StoreError> {
    let mut sql = Sql::new(text);
    sql.push(" WHERE appointment_id IN (").bind_all(ids).push(")");
    sql.execute(conn)
}

/// Takes names, addresses and whatever else Zoom showed of people off old bookings. The connections keep our own `ref`
/// of whose they are, as a customer key, so that scoring anew finds the same marks.
pub(super) fn make_nameless(conn: &mut Conn, ids: &[String], now: UtcMillis) -> Result<usize, StoreError> {
    overwriting(conn, |conn| {
        of_meetings(
            conn,
            "UPDATE zoom_participants SET name = '', email = NULL, zoom_user_id = NULL, registrant_id = NULL,
                leave_reason = NULL, customer_key = person_ref,
                connection_key = CASE WHEN source = 'webhook' THEN connection_key
                    ELSE 'row:' || CAST(id AS TEXT) END",
            ids,
        )?;
        of_meetings(conn, "DELETE FROM participant_matches", ids)?;
        of_meetings(
            conn,
            "UPDATE meeting_registrants SET join_url_enc = NULL, email = '', email_key = id, name = ''",
            ids,
        )?;
        let proofs: Vec<(String, String, Json)> = marks::table
            .filter(marks::appointment_id.eq_any(ids))
            .select((marks::appointment_id, marks::person_ref, marks::evidence))
            .load(conn)?;
        for (appointment, person, evidence) in proofs {
            let nameless = own::nameless(&evidence, &person)?;
            diesel::update(marks::table.find((appointment, person)))
                .set(marks::evidence.eq(nameless))
                .execute(conn)?;
        }
        Ok(diesel::update(appointments::table.filter(appointments::id.eq_any(ids)))
            .set(appointments::anonymised_at.eq(now))
            .execute(conn)?)
    })
}

/// Puts bookings away: lists leave them out, and nobody gets into their meetings any more.
pub(super) fn archive(conn: &mut Conn, ids: &[String], now: UtcMillis) -> Result<usize, StoreError> {
    diesel::update(zoom_meetings::table.filter(zoom_meetings::appointment_id.eq_any(ids)))
        .set((
            zoom_meetings::join_url.eq(None::<String>),
            zoom_meetings::registration_url.eq(None::<String>),
            zoom_meetings::passcode_enc.eq(None::<Vec<u8>>),
            zoom_meetings::version.eq(zoom_meetings::version + 1),
        ))
        .execute(conn)?;
    Ok(diesel::update(appointments::table.filter(appointments::id.eq_any(ids)))
        .set(appointments::archived_at.eq(now))
        .execute(conn)?)
}

/// Forgets who was there: marks, connections, registrations, rosters. The bookings stay; without their pins, no change
/// of the rules scores them again.
pub(super) fn forget_marks(conn: &mut Conn, ids: &[String], now: UtcMillis) -> Result<usize, StoreError> {
    for text in [
        "DELETE FROM zoom_participants",
        "DELETE FROM participant_matches",
        "DELETE FROM meeting_registrants",
    ] {
        of_meetings(conn, text, ids)?;
    }
    for text in [
        "DELETE FROM attendance_records",
        "DELETE FROM attendance_corrections",
        "DELETE FROM attendance_pins",
        "DELETE FROM appointment_attendees",
    ] {
        of_bookings(conn, text, ids)?;
    }
    Ok(diesel::update(appointments::table.filter(appointments::id.eq_any(ids)))
        .set(appointments::forgotten_at.eq(now))
        .execute(conn)?)
}
