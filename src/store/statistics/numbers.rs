//! Counts of bookings, meetings and marks, as a whole or divided by host, class or time.

use std::collections::BTreeMap;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Text};

use super::{EFFECTIVE, Selection};
use crate::domain::calendar::Part;
use crate::domain::statistics::{Tally, per_cent};
use crate::store::sql::Sql;
use crate::store::{Conn, StoreError};

/// By what the numbers are divided.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// Not at all: one entry with the key ``.
    All,
    /// By the host's `ref`; `` for bookings without one.
    Host,
    /// By the group's `ref`; `` for bookings without one.
    Group,
    /// By these stretches of time; the key is the place in the list.
    Time(&'a [Part]),
}

/// What some bookings come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Numbers {
    /// Bookings with a meeting.
    pub meetings: i64,
    /// How many bookings are in each state.
    pub bookings_by_status: BTreeMap<String, i64>,
    /// How many meetings are in each state.
    pub meetings_by_status: BTreeMap<String, i64>,
    /// Meetings that Zoom made.
    pub created: i64,
    /// Meetings that Zoom refuses to make, or that were given up.
    pub not_created: i64,
    /// Minutes that were planned.
    pub planned_minutes: i64,
    /// Seconds from the first opening of each meeting to its last closing.
    pub run_seconds: i64,
    /// The marks.
    pub marks: Tally,
    /// What the attendees attended, added up, in seconds.
    pub attended_seconds: i64,
}

impl Numbers {
    /// The share of meetings that Zoom made among those it made or refused, in per cent; those on their way are
    /// neither.
    #[must_use]
    pub fn creation_rate(&self) -> Option<f64> {
        per_cent(self.created, self.created + self.not_created)
    }

    /// How many bookings are in this state.
    #[must_use]
    pub fn bookings(&self, status: &str) -> i64 {
        self.bookings_by_status.get(status).copied().unwrap_or_default()
    }

    /// How many meetings are in this state.
    #[must_use]
    pub fn meetings(&self, status: &str) -> i64 {
        self.meetings_by_status.get(status).copied().unwrap_or_default()
    }
}

/// The sources of a query divided in this way: what stands before `SELECT`, the key, and what stands after `FROM`.
struct Divided {
    sql: Sql,
    key: &'static str,
    from: &'static str,
}

impl Divided {
    fn new(by: By<'_>) -> Self {
        let of_all = |key| Self { sql: Sql::default(), key, from: "appointments a" };
        match by {
            By::All => of_all("''"),
            By::Host => of_all("COALESCE(a.host_ref, '')"),
            By::Group => of_all("COALESCE(a.group_ref, '')"),
            By::Time(parts) => {
                let mut sql = Sql::new("WITH b (n, from_at, until_at) AS (VALUES ");
                for (place, part) in parts.iter().enumerate() {
                    sql.push(if place == 0 { "(" } else { ", (" });
                    sql.bind(i64::try_from(place).unwrap_or(i64::MAX)).push(", ");
                    sql.bind(crate::store::UtcMillis::from(part.span.from)).push(", ");
                    sql.bind(crate::store::UtcMillis::from(part.span.until)).push(")");
                }
                sql.push(") ");
                let from = "b JOIN appointments a ON a.start_at >= b.from_at AND a.start_at < b.until_at";
                Self { sql, key: "CAST(b.n AS TEXT)", from }
            }
        }
    }
}

/// Seconds from the first opening of a meeting to its last closing.
fn run_seconds(conn: &Conn) -> &'static str {
    match conn {
        Conn::Sqlite(_) => {
            "CAST(ROUND((julianday(m.ended_at) - julianday(m.started_at)) * 86400.0) AS INTEGER)"
        }
        Conn::Postgres(_) => "CAST(EXTRACT(EPOCH FROM (m.ended_at - m.started_at)) AS BIGINT)",
    }
}

/// What the selected bookings come to, divided as said. A key without bookings is not there.
///
/// # Errors
/// [`StoreError`].
pub fn numbers(
    conn: &mut Conn,
    selection: &Selection,
    by: By<'_>,
) -> Result<BTreeMap<String, Numbers>, StoreError> {
    let mut found: BTreeMap<String, Numbers> = BTreeMap::new();
    if matches!(by, By::Time(parts) if parts.is_empty()) {
        return Ok(found);
    }
    for row in bookings(conn, selection, by)? {
        let numbers = found.entry(row.key).or_default();
        numbers.meetings += row.number;
        *numbers.bookings_by_status.entry(row.booking).or_default() += row.number;
        *numbers.meetings_by_status.entry(row.meeting).or_default() += row.number;
        numbers.created += row.created;
        numbers.not_created += row.not_created;
        numbers.planned_minutes += row.planned_minutes;
        numbers.run_seconds += row.run_seconds;
    }
    for row in marks(conn, selection, by)? {
        let numbers = found.entry(row.key).or_default();
        numbers.marks.add(&row.status, row.held_against, row.number);
        numbers.attended_seconds += row.seconds;
    }
    Ok(found)
}

#[derive(QueryableByName)]
struct BookingsRow {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    booking: String,
    #[diesel(sql_type = Text)]
    meeting: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = BigInt)]
    created: i64,
    #[diesel(sql_type = BigInt)]
    not_created: i64,
    #[diesel(sql_type = BigInt)]
    planned_minutes: i64,
    #[diesel(sql_type = BigInt)]
    run_seconds: i64,
}

fn bookings(conn: &mut Conn, selection: &Selection, by: By<'_>) -> Result<Vec<BookingsRow>, StoreError> {
    let Divided { mut sql, key, from } = Divided::new(by);
    let seconds = run_seconds(conn);
    sql.push(&format!(
        "SELECT {key} AS key, a.status AS booking,
            CASE WHEN a.status = 'cancelled' THEN 'cancelled' ELSE m.status END AS meeting,
            COUNT(*) AS number,
            CAST(SUM(CASE WHEN m.zoom_meeting_id IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT) AS created,
            CAST(SUM(CASE WHEN m.zoom_meeting_id IS NULL AND m.sync_state IN ('failed', 'parked')
                THEN 1 ELSE 0 END) AS BIGINT) AS not_created,
            CAST(SUM(a.duration_minutes) AS BIGINT) AS planned_minutes,
            CAST(COALESCE(SUM(CASE WHEN m.ended_at > m.started_at THEN {seconds} ELSE 0 END), 0) AS BIGINT)
                AS run_seconds
        FROM {from} JOIN zoom_meetings m ON m.appointment_id = a.id WHERE "
    ));
    selection.bookings(&mut sql);
    sql.push(" GROUP BY 1, 2, 3");
    sql.load(conn)
}

#[derive(QueryableByName)]
struct MarksRow {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Bool)]
    held_against: bool,
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = BigInt)]
    seconds: i64,
}

fn marks(conn: &mut Conn, selection: &Selection, by: By<'_>) -> Result<Vec<MarksRow>, StoreError> {
    let Divided { mut sql, key, from } = Divided::new(by);
    sql.push(&format!(
        "SELECT {key} AS key, {EFFECTIVE} AS status, r.held_against AS held_against, COUNT(*) AS number,
            CAST(SUM(r.attended_seconds) AS BIGINT) AS seconds
        FROM {from} JOIN attendance_records r ON r.appointment_id = a.id WHERE "
    ));
    selection.bookings(&mut sql);
    sql.push(" AND ");
    selection.marks(&mut sql);
    sql.push(" GROUP BY 1, 2, 3");
    sql.load(conn)
}
