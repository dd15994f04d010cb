//! The lines of a report by person.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::{EFFECTIVE, Selection};
use crate::domain::attendance::MarkStatus;
use crate::domain::statistics::{Tally, counts};
use crate::store::sql::Sql;
use crate::store::{Conn, StoreError};

/// Rows that one person can have: one for each status, counting or not.
const ROWS_EACH_MAX: i64 = 10;

/// What one person's marks come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonLine {
    /// Who.
    pub person: String,
    /// Their name, while they are known.
    pub name: Option<String>,
    /// Their address, while they are known.
    pub email: Option<String>,
    /// Their marks.
    pub marks: Tally,
    /// What they attended, in seconds.
    pub attended_seconds: i64,
    /// The scores of the marks that count, added up, in thousandths.
    pub score_milli: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    person: String,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Bool)]
    held_against: bool,
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = BigInt)]
    seconds: i64,
    #[diesel(sql_type = BigInt)]
    score: i64,
}

/// The people with marks in the selected bookings, by `ref`, at most `limit` of them.
///
/// # Errors
/// [`StoreError`].
pub fn lines(conn: &mut Conn, selection: &Selection, limit: usize) -> Result<Vec<PersonLine>, StoreError> {
    let mut sql = Sql::new(&format!(
        "SELECT r.person_ref AS person, p.name AS name, p.email AS email, {EFFECTIVE} AS status,
            r.held_against AS held_against, COUNT(*) AS number,
            CAST(SUM(r.attended_seconds) AS BIGINT) AS seconds, CAST(SUM(r.score_milli) AS BIGINT) AS score
        FROM appointments a JOIN attendance_records r ON r.appointment_id = a.id
        LEFT JOIN people p ON p.ref = r.person_ref WHERE "
    ));
    selection.bookings(&mut sql);
    sql.push(" AND ");
    selection.marks(&mut sql);
    sql.push(" GROUP BY 1, 2, 3, 4, 5 ORDER BY 1 LIMIT ");
    sql.bind(i64::try_from(limit).unwrap_or(i64::MAX).saturating_mul(ROWS_EACH_MAX));
    let mut lines: Vec<PersonLine> = Vec::new();
    for row in sql.load::<Row>(conn)? {
        if lines.last().is_none_or(|line| line.person != row.person) {
            if lines.len() == limit {
                break;
            }
            let Row { person, name, email, .. } = row;
            lines.push(PersonLine { person, name, email, ..PersonLine::default() });
        }
        if let Some(line) = lines.last_mut() {
            line.marks.add(&row.status, row.held_against, row.number);
            line.attended_seconds += row.seconds;
            if MarkStatus::parse(&row.status).is_some_and(|status| counts(status, row.held_against)) {
                line.score_milli += row.score;
            }
        }
    }
    Ok(lines)
}
