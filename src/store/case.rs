//! Everything known about the attendance of one booking, as `domain::attendance` wants it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::meeting::{self, BookingRow, MeetingRow};
use super::participant::{self, ParticipantRow};
use super::report::{self, ReportState};
use super::{Conn, StoreError, instance, roster, settlement};
use crate::domain::attendance::{Assessed, Assessment, InstanceSpan, RosterPerson, assess};
use crate::domain::connection::Connection;
use crate::domain::lifecycle::{Planned, Run};
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
    /// Every instance of the class has been judged by its report, or the report was given up.
    pub judged: bool,
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
    let reports: BTreeMap<String, ReportState> = report::of_meeting(conn, &row.id)?
        .into_iter()
        .map(|report| (report.instance_uuid, report.state))
        .collect();
    let spans = instance::of_meeting(conn, &row.id)?;
    let planned = Planned { start: view.booking.start_at.into(), end: view.booking.end_at.into() };
    let judged = spans
        .iter()
        .filter(|span| {
            let (started, ended) = (span.started_at.map(Into::into), span.ended_at.map(Into::into));
            planned.covers(&Run { started, ended })
        })
        .all(|span| reports.get(&span.uuid).is_some_and(|state| *state != ReportState::Waiting));
    let instances = spans
        .into_iter()
        .map(|span| InstanceSpan {
            report_complete: reports.get(&span.uuid) == Some(&ReportState::Complete),
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
    }))
}
