//! Everything known about the attendance of one booking, as `domain::attendance` wants it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::instance::InstanceRow;
use super::meeting::{self, BookingRow, MeetingRow};
use super::participant::{self, ParticipantRow};
use super::report::{self, ReportRow, ReportState};
use super::{Conn, StoreError, instance, judging, roster, settlement};
use crate::domain::appointment::AppointmentStatus;
use crate::domain::attendance::{Assessed, Assessment, InstanceSpan, RosterPerson, assess};
use crate::domain::connection::Connection;
use crate::domain::lifecycle::{Planned, Run};
use crate::domain::report::JudgedBy;
use crate::domain::rules::Rules;

/// Everything known about who was at a booking's meeting.
#[derive(Debug, Clone)]
pub struct Case {
    /// The booking.
    pub booking: BookingRow,
    /// Its meeting.
    pub meeting: MeetingRow,
    /// Who is expected, hosts included.
    pub roster: Vec<RosterPerson>,
    /// The runs of the meeting.
    pub instances: Vec<InstanceSpan>,
    /// Who was seen, as stored.
    pub participants: Vec<ParticipantRow>,
    /// Who was seen, in the same order.
    pub connections: Vec<Connection>,
    /// What the staff settled.
    pub settled: BTreeMap<String, String>,
    /// Zoom was asked for all runs after the end, and each of the class has been judged by its report, or the report
    /// was given up: the marks are final.
    pub judged: bool,
    /// By what they are; `None` while they are not.
    pub judged_by: Option<JudgedBy>,
    /// What is to be known of the reports of the class's runs, in words for people.
    pub judge_notes: Vec<String>,
}

impl Case {
    /// Who was there, by what is known `as_of` now.
    #[must_use]
    pub fn assess(&self, rules: &Rules, as_of: DateTime<Utc>) -> Assessed {
        assess(&Assessment {
            planned_start: self.booking.start_at.into(),
            planned_end: self.booking.end_at.into(),
            as_of,
            roster: &self.roster,
            instances: &self.instances,
            connections: &self.connections,
            settled: &self.settled,
            rules,
        })
    }
}

/// The case of a booking; `None` when it has no meeting.
///
/// # Errors
/// [`StoreError`].
pub fn of_appointment(conn: &mut Conn, appointment_id: &str) -> Result<Option<Case>, StoreError> {
    let Some(row) = meeting::by_appointment(conn, appointment_id)? else { return Ok(None) };
    let Some(view) = meeting::sync_view(conn, &row.id)? else { return Ok(None) };
    let reports: BTreeMap<String, ReportRow> = report::of_meeting(conn, &row.id)?
        .into_iter()
        .map(|report| (report.instance_uuid.clone(), report))
        .collect();
    let spans = instance::of_meeting(conn, &row.id)?;
    let planned = Planned { start: view.booking.start_at.into(), end: view.booking.end_at.into() };
    let covered = |span: &&InstanceRow| {
        let (started, ended) = (span.started_at.map(Into::into), span.ended_at.map(Into::into));
        planned.covers(&Run { started, ended })
    };
    let judges: Vec<Option<&ReportRow>> =
        spans.iter().filter(covered).map(|span| reports.get(&span.uuid)).collect();
    // Nobody asks for the runs of what was called off; what is known of it may be final all the same.
    let called_off = view.booking.status == AppointmentStatus::Cancelled.as_str();
    let judged = (called_off || judging::of(conn, &row.id)?.is_listed(view.booking.end_at))
        && judges.iter().all(|report| report.is_some_and(|report| report.state != ReportState::Waiting));
    let by_reports = judges.iter().all(|report| report.is_some_and(ReportRow::judges));
    let judged_by = judged.then_some(if by_reports { JudgedBy::Report } else { JudgedBy::Webhooks });
    let judge_notes = judges.iter().filter_map(|report| report.as_ref()?.note.clone()).collect();
    let instances = spans
        .into_iter()
        .map(|span| InstanceSpan {
            report_complete: reports
                .get(&span.uuid)
                .is_some_and(|report| report.state == ReportState::Complete),
            uuid: span.uuid,
            started: span.started_at.map(Into::into),
            ended: span.ended_at.map(Into::into),
        })
        .collect();
    let participants = participant::of_meeting(conn, &row.id)?;
    let roster = roster::of_appointment(conn, appointment_id, view.host_id.as_deref())?;
    let connections: Vec<Connection> =
        participants.iter().map(ParticipantRow::connection).collect::<Result<_, _>>()?;
    Ok(Some(Case {
        settled: settlement::settled(conn, &row.id, &roster, &connections)?,
        roster,
        connections,
        meeting: view.meeting,
        booking: view.booking,
        participants,
        instances,
        judged,
        judged_by,
        judge_notes,
    }))
}
