//! How far Zoom's report of each instance has been read. A partial reading is never stored as complete.

use diesel::prelude::*;

use super::schema::meeting_reports;
use super::types::text_enum;
use super::{Conn, StoreError, UtcMillis, each_backend};
use crate::domain::judgement::Told;

text_enum! {
    /// How far the reading is.
    pub enum ReportState {
        /// Not read yet.
        Waiting = "waiting",
        /// Read to the last page: the judge.
        Complete = "complete",
        /// Zoom never had it; the webhooks have to do.
        GivenUp = "given_up",
    }
}

/// A row of `meeting_reports`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = meeting_reports, treat_none_as_default_value = false)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct ReportRow {
    pub instance_uuid: String,
    pub meeting_id: String,
    pub state: ReportState,
    pub attempts: i64,
    pub next_attempt_at: Option<UtcMillis>,
    pub pages_read: i64,
    pub participants: i64,
    pub last_error: Option<String>,
    pub completed_at: Option<UtcMillis>,
    pub created_at: UtcMillis,
    pub updated_at: UtcMillis,
    pub note: Option<String>,
    pub unreadable: i64,
    pub zoom_started_at: Option<UtcMillis>,
    pub zoom_ended_at: Option<UtcMillis>,
    pub duration_minutes: Option<i64>,
    pub total_minutes: Option<i64>,
    pub participants_count: Option<i64>,
    pub reread_wanted: i64,
    pub reread_served: i64,
}

impl ReportRow {
    /// Whether it is the judge: read to its last page, with somebody in it.
    #[must_use]
    pub fn judges(&self) -> bool {
        self.state == ReportState::Complete && self.participants > 0
    }

    /// How far it is, for the judge; whether anybody was `seen` in the run otherwise.
    #[must_use]
    pub fn told(&self, seen: bool) -> Told {
        match self.state {
            ReportState::Waiting => Told::Waiting,
            _ if self.judges() => Told::Everything,
            _ if seen => Told::Live,
            _ => Told::Nothing,
        }
    }

    /// Whether it is to be read: for the first time, or because somebody wants it again.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.state == ReportState::Waiting || self.reread_wanted > self.reread_served
    }
}

/// The reports of a meeting's instances.
///
/// # Errors
/// [`StoreError`].
pub fn of_meeting(conn: &mut Conn, meeting_id: &str) -> Result<Vec<ReportRow>, StoreError> {
    Ok(meeting_reports::table
        .filter(meeting_reports::meeting_id.eq(meeting_id))
        .select(ReportRow::as_select())
        .load(conn)?)
}

/// The report of one instance.
///
/// # Errors
/// [`StoreError`].
pub fn by_instance(conn: &mut Conn, uuid: &str) -> Result<Option<ReportRow>, StoreError> {
    Ok(meeting_reports::table.find(uuid).select(ReportRow::as_select()).first(conn).optional()?)
}

/// Notes that a report has to be read; `false` when that was noted before.
///
/// # Errors
/// [`StoreError`].
pub fn expect_one(conn: &mut Conn, uuid: &str, meeting_id: &str, now: UtcMillis) -> Result<bool, StoreError> {
    let row = ReportRow {
        instance_uuid: uuid.to_owned(),
        meeting_id: meeting_id.to_owned(),
        state: ReportState::Waiting,
        attempts: 0,
        next_attempt_at: None,
        pages_read: 0,
        participants: 0,
        last_error: None,
        completed_at: None,
        created_at: now,
        updated_at: now,
        note: None,
        unreadable: 0,
        zoom_started_at: None,
        zoom_ended_at: None,
        duration_minutes: None,
        total_minutes: None,
        participants_count: None,
        reread_wanted: 0,
        reread_served: 0,
    };
    let written = each_backend!(conn, |c| diesel::insert_into(meeting_reports::table)
        .values(&row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(written == 1)
}

/// Raises the wish that a report be read again.
///
/// # Errors
/// [`StoreError`].
pub fn want_again(conn: &mut Conn, uuid: &str) -> Result<(), StoreError> {
    diesel::update(meeting_reports::table.find(uuid))
        .set(meeting_reports::reread_wanted.eq(meeting_reports::reread_wanted + 1))
        .execute(conn)?;
    Ok(())
}

/// Writes how an attempt came out; a wish to read it again that came meanwhile stays.
///
/// # Errors
/// [`StoreError`].
pub fn save(conn: &mut Conn, row: &ReportRow) -> Result<(), StoreError> {
    diesel::update(meeting_reports::table.find(&row.instance_uuid))
        .set((
            meeting_reports::state.eq(row.state),
            meeting_reports::attempts.eq(row.attempts),
            meeting_reports::next_attempt_at.eq(row.next_attempt_at),
            meeting_reports::pages_read.eq(row.pages_read),
            meeting_reports::participants.eq(row.participants),
            meeting_reports::last_error.eq(&row.last_error),
            meeting_reports::completed_at.eq(row.completed_at),
            meeting_reports::updated_at.eq(row.updated_at),
            meeting_reports::note.eq(&row.note),
            meeting_reports::unreadable.eq(row.unreadable),
            meeting_reports::zoom_started_at.eq(row.zoom_started_at),
            meeting_reports::zoom_ended_at.eq(row.zoom_ended_at),
            meeting_reports::duration_minutes.eq(row.duration_minutes),
            meeting_reports::total_minutes.eq(row.total_minutes),
            meeting_reports::participants_count.eq(row.participants_count),
            meeting_reports::reread_served.eq(row.reread_served),
        ))
        .execute(conn)?;
    Ok(())
}
