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
    /// People seen in it, expected or not, hosts aside, as counted when it was scored last.
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
            a.host_ref AS host_ref, h.name AS host_name, a.group_ref AS group_ref, g.name AS group_name, ",
    );
    seen(selection, &mut sql);
    sql.push(" AS participants, (SELECT COUNT(*) FROM attendance_records r WHERE ");
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
    let mut sql = Sql::new("SELECT CAST(COALESCE(SUM(");
    seen(selection, &mut sql);
    sql.push(
        "), 0) AS BIGINT) AS number
        FROM appointments a JOIN zoom_meetings m ON m.appointment_id = a.id WHERE ",
    );
    selection.bookings(&mut sql);
    sql.number(conn)
}

/// How many people were seen in the meeting `m` of the booking `a`, hosts aside, as it was counted at its last scoring
/// (`domain::seen`); whether they were, where one person's record is wanted.
fn seen(selection: &Selection, sql: &mut Sql) {
    let own = match &selection.scope {
        Scope::Own(own) => Some(own),
        Scope::All | Scope::Host(_) => None,
    };
    let wanted: Vec<&String> = [selection.person.as_ref(), own].into_iter().flatten().collect();
    if wanted.is_empty() {
        sql.push("m.seen");
        return;
    }
    sql.push("CAST(CASE WHEN EXISTS (SELECT 1 FROM zoom_participants p WHERE p.meeting_id = m.id");
    for person in wanted {
        sql.push(" AND p.person_ref = ").bind(person);
    }
    sql.push(SHOWN);
    sql.push(
        " AND NOT EXISTS (SELECT 1 FROM attendance_records o
            WHERE o.appointment_id = a.id AND o.person_ref = p.person_ref AND o.role = 'host'))
            THEN 1 ELSE 0 END AS BIGINT)",
    );
}

/// The condition that a row `p` shows somebody in the meeting `m`, as `domain::seen` has it.
const SHOWN: &str = " AND p.room <> 'waiting' AND (p.source = 'hand'
    OR (p.source = 'report' AND EXISTS (SELECT 1 FROM meeting_reports c
        WHERE c.instance_uuid = p.instance_uuid AND c.state = 'complete'))
    OR (p.source = 'webhook' AND NOT EXISTS (SELECT 1 FROM meeting_reports c
        JOIN zoom_participants q ON q.instance_uuid = c.instance_uuid AND q.source = 'report'
        WHERE c.instance_uuid = p.instance_uuid AND c.state = 'complete')))";
