//! What an erasure waits for: classes of the person's that run, or whose marks are not final. Until then Zoom's report
//! may name them, and the class's own process knows them.

use diesel::QueryableByName;
use diesel::sql_types::Text;

use crate::store::sql::Sql;
use crate::store::{Conn, StoreError, UtcMillis};

/// Bookings that are told.
const TOLD_MAX: i64 = 100;

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    id: String,
}

/// The bookings of this person that run or await their final marks. One that ended before `given_up` is not waited for:
/// no report changes it any more.
///
/// # Errors
/// [`StoreError`].
pub fn waits_for(
    conn: &mut Conn,
    person: &str,
    given_up: UtcMillis,
    now: UtcMillis,
) -> Result<Vec<String>, StoreError> {
    let mut sql = Sql::new(
        "SELECT a.id AS id FROM appointments a JOIN zoom_meetings m ON m.appointment_id = a.id
        WHERE a.id IN (SELECT appointment_id FROM appointment_attendees WHERE person_ref = ",
    );
    sql.bind(person).push(" UNION SELECT id FROM appointments WHERE host_ref = ").bind(person);
    sql.push(" UNION SELECT appointment_id FROM attendance_records WHERE person_ref = ").bind(person);
    sql.push(
        " UNION SELECT s.appointment_id FROM zoom_participants p JOIN zoom_meetings s ON s.id = p.meeting_id
            WHERE p.person_ref = ",
    );
    sql.bind(person).push(") AND (a.start_at <= ").bind(now).push(" OR m.started_at IS NOT NULL)");
    sql.push(" AND (a.end_at > ").bind(given_up).push(" OR m.ended_at > ").bind(given_up);
    sql.push(
        ") AND a.status <> 'requested' AND (a.status <> 'cancelled' OR m.started_at IS NOT NULL)
        AND (a.status IN ('confirmed', 'in_progress')
            OR (m.started_at IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM attendance_pins n WHERE n.appointment_id = a.id))
            OR EXISTS (SELECT 1 FROM attendance_records r WHERE r.appointment_id = a.id AND r.provisional)
            OR EXISTS (SELECT 1 FROM meeting_reports t WHERE t.meeting_id = m.id
                AND t.state IN ('waiting', 'reading'))
            OR EXISTS (SELECT 1 FROM webhook_events w WHERE w.zoom_meeting_id = m.zoom_meeting_id
                AND w.state = 'pending'))
        ORDER BY a.start_at, a.id LIMIT ",
    );
    sql.bind(TOLD_MAX);
    let found: Vec<Found> = sql.load(conn)?;
    Ok(found.into_iter().map(|found| found.id).collect())
}
