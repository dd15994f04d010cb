//! The meetings of a report, in the order of their start.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp};

use super::{EFFECTIVE, Scope, Selection};
use crate::store::appointment::Place;
use crate::store::sql::Sql;
use crate::store::{Conn, StoreError, UtcMillis};

/// A meeting of a report.
#[derive(Debug, Clone, QueryableByName)]
pub struct ReportRow {
    /// The meeting's id.
    #[diesel(sql_type = Text)]
    pub id: String,
    /// Its booking's id.
    #[diesel(sql_type = Text)]
    pub appointment_id: String,
    /// Its title.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// When it starts.
    #[diesel(sql_type = Timestamp)]
    pub start_at: UtcMillis,
    /// Planned minutes.
    #[diesel(sql_type = BigInt)]
    pub duration_minutes: i64,
    /// The meeting's status; `cancelled` when its booking is.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// Who hosts it.
    #[diesel(sql_type = Nullable<Text>)]
    pub host_ref: Option<String>,
    /// Their name.
    #[diesel(sql_type = Nullable<Text>)]
    pub host_name: Option<String>,
    /// For which group.
    #[diesel(sql_type = Nullable<Text>)]
    pub group_ref: Option<String>,
    /// Its name.
    #[diesel(sql_type = Nullable<Text>)]
    pub group_name: Option<String>,
    /// People seen in it, expected or not, hosts aside.
    #[diesel(sql_type = BigInt)]
    pub participants: i64,
    /// Attendees whose mark says that they were there.
    #[diesel(sql_type = BigInt)]
    pub attendees: i64,
}

/// A page of the selected meetings, after `after`.
///
/// # Errors
/// [`StoreError`].
pub fn meetings(
    conn: &mut Conn,
    selection: &Selection,
    after: Option<&Place>,
    limit: i64,
) -> Result<Vec<ReportRow>, StoreError> {
    let mut sql = Sql::new(
        "SELECT m.id AS id, a.id AS appointment_id, a.title AS title, a.start_at AS start_at,
            a.duration_minutes AS duration_minutes,
            CASE WHEN a.status = 'cancelled' THEN 'cancelled' ELSE m.status END AS status,
            a.host_ref AS host_ref, h.name AS host_name, a.group_ref AS group_ref, g.name AS group_name,
            (SELECT COUNT(*) FROM (",
    );
    seen(selection, &mut sql);
    sql.push(" AND p.meeting_id = m.id) AS who) AS participants, (SELECT COUNT(*) FROM attendance_records r WHERE ");
    selection.marks(&mut sql);
    sql.push(&format!(
        " AND r.appointment_id = a.id AND {EFFECTIVE} IN ('present', 'late', 'partial')) AS attendees
        FROM appointments a JOIN zoom_meetings m ON m.appointment_id = a.id
        LEFT JOIN people h ON h.ref = a.host_ref LEFT JOIN groups g ON g.ref = a.group_ref WHERE "
    ));
    selection.bookings(&mut sql);
    if let Some((start, id)) = after {
        sql.push(" AND (a.start_at > ").bind(*start).push(" OR (a.start_at = ").bind(*start);
        sql.push(" AND a.id > ").bind(id).push("))");
    }
    sql.push(" ORDER BY a.start_at, a.id LIMIT ").bind(limit);
    sql.load(conn)
}

/// How many people were seen in the selected meetings, in each counted by itself.
///
/// # Errors
/// [`StoreError`].
pub fn participants(conn: &mut Conn, selection: &Selection) -> Result<i64, StoreError> {
    let mut sql = Sql::new("SELECT COUNT(*) AS number FROM (");
    seen(selection, &mut sql);
    sql.push(" AND p.meeting_id IN (SELECT m.id FROM appointments a JOIN zoom_meetings m ON m.appointment_id = a.id WHERE ");
    selection.bookings(&mut sql);
    sql.push(")) AS who");
    sql.number(conn)
}

/// The people seen in meetings, hosts aside: our person, or else the name they showed. A waiting room is no part of a
/// meeting, and the calling system's own buttons prove no presence.
fn seen(selection: &Selection, sql: &mut Sql) {
    sql.push(
        "SELECT DISTINCT p.meeting_id AS meeting_id, COALESCE(p.person_ref, '?' || LOWER(p.name)) AS who
        FROM zoom_participants p
        WHERE p.room <> 'waiting' AND p.source <> 'app' AND (p.person_ref IS NULL OR NOT EXISTS (
            SELECT 1 FROM attendance_records o JOIN zoom_meetings n ON n.appointment_id = o.appointment_id
            WHERE n.id = p.meeting_id AND o.person_ref = p.person_ref AND o.role = 'host'))",
    );
    if let Scope::Own(own) = &selection.scope {
        sql.push(" AND p.person_ref = ").bind(own);
    }
    if let Some(person) = &selection.person {
        sql.push(" AND p.person_ref = ").bind(person);
    }
}
