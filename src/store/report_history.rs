//! Zoom's reports as they were read: what Zoom said of each run, and the rows of its report.

use diesel::prelude::*;

use super::report::ReportRow;
use super::schema::{meeting_instances, meeting_reports, zoom_meetings, zoom_participants as rows};
use super::{Conn, Json, StoreError, UtcMillis};
use crate::domain::connection::Source;

/// The report of a run, with what is known of the run.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = meeting_reports)]
pub struct SavedReport {
    /// How it was read.
    #[diesel(embed)]
    pub report: ReportRow,
    /// The booking.
    #[diesel(select_expression = zoom_meetings::appointment_id)]
    pub appointment_id: String,
    /// The meeting's Zoom number.
    #[diesel(select_expression = meeting_instances::zoom_meeting_id)]
    pub zoom_meeting_id: String,
    /// When the run began, by whatever told it first.
    #[diesel(select_expression = meeting_instances::started_at)]
    pub started_at: Option<UtcMillis>,
    /// When it ended.
    #[diesel(select_expression = meeting_instances::ended_at)]
    pub ended_at: Option<UtcMillis>,
}

/// Which reports are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of one meeting (our id).
    pub meeting_id: Option<String>,
    /// Of runs that began then or later.
    pub from: Option<UtcMillis>,
    /// Of runs that began before.
    pub to: Option<UtcMillis>,
    /// Those after this place in the list.
    pub after: Option<(UtcMillis, String)>,
}

/// The reports, those of the runs that were heard of last first.
///
/// # Errors
/// [`StoreError`].
pub fn list(conn: &mut Conn, wanted: &Wanted, limit: i64) -> Result<Vec<SavedReport>, StoreError> {
    let mut query = meeting_reports::table
        .inner_join(zoom_meetings::table)
        .inner_join(meeting_instances::table.on(meeting_instances::uuid.eq(meeting_reports::instance_uuid)))
        .order((meeting_reports::created_at.desc(), meeting_reports::instance_uuid))
        .limit(limit)
        .select(SavedReport::as_select())
        .into_boxed();
    if let Some(id) = &wanted.meeting_id {
        query = query.filter(meeting_reports::meeting_id.eq(id));
    }
    if let Some(from) = wanted.from {
        query = query.filter(meeting_instances::started_at.ge(from));
    }
    if let Some(to) = wanted.to {
        query = query.filter(meeting_instances::started_at.lt(to));
    }
    if let Some((at, uuid)) = &wanted.after {
        let same = meeting_reports::created_at.eq(*at).and(meeting_reports::instance_uuid.gt(uuid));
        query = query.filter(meeting_reports::created_at.lt(*at).or(same));
    }
    Ok(query.load(conn)?)
}

/// The report of one run.
///
/// # Errors
/// [`StoreError`].
pub fn of_instance(conn: &mut Conn, uuid: &str) -> Result<Option<SavedReport>, StoreError> {
    Ok(meeting_reports::table
        .inner_join(zoom_meetings::table)
        .inner_join(meeting_instances::table.on(meeting_instances::uuid.eq(meeting_reports::instance_uuid)))
        .filter(meeting_reports::instance_uuid.eq(uuid))
        .select(SavedReport::as_select())
        .first(conn)
        .optional()?)
}

/// A row of a report.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = rows)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct SavedRow {
    pub id: i64,
    pub room: String,
    pub user_id: Option<String>,
    pub zoom_user_id: Option<String>,
    pub registrant_id: Option<String>,
    pub customer_key: Option<String>,
    pub email: Option<String>,
    pub name: String,
    pub join_time: Option<UtcMillis>,
    pub leave_time: Option<UtcMillis>,
    pub person_ref: Option<String>,
    pub matched_by: Option<String>,
    pub told: Option<Json>,
}

/// The rows of a run's report in Zoom's order, after the row `after`.
///
/// # Errors
/// [`StoreError`].
pub fn rows(conn: &mut Conn, uuid: &str, after: i64, limit: i64) -> Result<Vec<SavedRow>, StoreError> {
    Ok(rows::table
        .filter(rows::instance_uuid.eq(uuid).and(rows::source.eq(Source::Report.as_str())))
        .filter(rows::id.gt(after))
        .order(rows::id)
        .limit(limit)
        .select(SavedRow::as_select())
        .load(conn)?)
}
