//! Marks one by one, with everything that a table shows of them.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamp};

use super::{EFFECTIVE, Selection};
use crate::store::sql::Sql;
use crate::store::{Conn, StoreError, UtcMillis};

/// A mark and what it belongs to.
#[derive(Debug, Clone, QueryableByName)]
#[expect(missing_docs, reason = "the columns are explained in the migration of marks")]
pub struct MarkLine {
    #[diesel(sql_type = Text)]
    pub meeting_id: String,
    #[diesel(sql_type = Text)]
    pub title: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub group_ref: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub group_name: Option<String>,
    #[diesel(sql_type = Timestamp)]
    pub start_at: UtcMillis,
    #[diesel(sql_type = Text)]
    pub timezone: String,
    #[diesel(sql_type = Text)]
    pub person: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub email: Option<String>,
    /// The status that counts.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// The computed one.
    #[diesel(sql_type = Text)]
    pub computed_status: String,
    #[diesel(sql_type = BigInt)]
    pub score_milli: i64,
    #[diesel(sql_type = BigInt)]
    pub attended_seconds: i64,
    #[diesel(sql_type = BigInt)]
    pub together_seconds: i64,
    #[diesel(sql_type = Nullable<Timestamp>)]
    pub first_join: Option<UtcMillis>,
    #[diesel(sql_type = Nullable<Timestamp>)]
    pub last_leave: Option<UtcMillis>,
    #[diesel(sql_type = Bool)]
    pub left_early: bool,
    #[diesel(sql_type = Bool)]
    pub host_absent: bool,
    #[diesel(sql_type = Bool)]
    pub host_late: bool,
    #[diesel(sql_type = Bool)]
    pub held_against: bool,
    #[diesel(sql_type = Bool)]
    pub provisional: bool,
    #[diesel(sql_type = Text)]
    pub rules: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub corrected_note: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub corrected_by: Option<String>,
    #[diesel(sql_type = Nullable<Timestamp>)]
    pub corrected_at: Option<UtcMillis>,
}

/// The selected marks, by start, booking and person, at most `limit`.
///
/// # Errors
/// [`StoreError`].
pub fn marks(conn: &mut Conn, selection: &Selection, limit: i64) -> Result<Vec<MarkLine>, StoreError> {
    let mut sql = Sql::new(&format!(
        "SELECT m.id AS meeting_id, a.title AS title, a.group_ref AS group_ref, g.name AS group_name,
            a.start_at AS start_at, a.timezone AS timezone, r.person_ref AS person, p.name AS name,
            p.email AS email, {EFFECTIVE} AS status, r.status AS computed_status,
            r.score_milli AS score_milli, r.attended_seconds AS attended_seconds,
            r.together_seconds AS together_seconds, r.first_join AS first_join, r.last_leave AS last_leave,
            r.left_early AS left_early, r.host_absent AS host_absent, r.host_late AS host_late,
            r.held_against AS held_against, r.provisional AS provisional, r.rules AS rules,
            r.corrected_note AS corrected_note, r.corrected_by AS corrected_by, r.corrected_at AS corrected_at
        FROM appointments a JOIN zoom_meetings m ON m.appointment_id = a.id
        JOIN attendance_records r ON r.appointment_id = a.id
        LEFT JOIN groups g ON g.ref = a.group_ref LEFT JOIN people p ON p.ref = r.person_ref WHERE "
    ));
    selection.bookings(&mut sql);
    sql.push(" AND ");
    selection.marks(&mut sql);
    sql.push(" ORDER BY a.start_at, a.id, r.person_ref LIMIT ").bind(limit);
    sql.load(conn)
}
