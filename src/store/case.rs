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
use crate::domain::judgement::{Known, Told};
use crate::domain::lifecycle::{Planned, Run};
use crate::domain::report::JudgedBy;
use crate::domain::rules::Rules;
use crate::domain::seen;

/// What is to be known where Zoom's list of runs could not be had.
const UNHEARD: &str = "Zoom never gave its list of the meeting's runs";

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
    /// By what the marks are final, see [`Known::judged_by`]; `None` while they are provisional.
    pub judged_by: Option<JudgedBy>,
    /// Whether nobody came if all of them say "absent".
    pub may_be_no_show: bool,
    /// What is to be known of the reports of the class's runs, in words for people.
    pub judge_notes: Vec<String>,
}

impl Case {
    /// Whether a run is known that is the class, or may turn out to be.
    #[must_use]
    pub fn may_have_run(&self) -> bool {
        let planned = Planned { start: self.booking.start_at.into(), end: self.booking.end_at.into() };
        self.instances.iter().any(|span| planned.may_cover(&Run { started: span.started, ended: span.ended }))
    }

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

    /// How many people were seen, hosts aside; of `whose` alone where it names somebody.
    #[must_use]
    pub fn heads(&self, assessed: &Assessed, whose: Option<&str>) -> usize {
        seen::heads(&self.instances, &self.connections, assessed, whose)
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
    let run_of = |span: &InstanceRow| Run {
        started: span.started_at.map(Into::into),
        ended: span.ended_at.map(Into::into),
    };
    let covered = |span: &&InstanceRow| planned.covers(&run_of(span));
    let open = spans.iter().any(|span| span.ended_at.is_none() && planned.may_cover(&run_of(span)));
    let participants = participant::of_meeting(conn, &row.id)?;
    let judges: Vec<(&str, Option<&ReportRow>)> =
        spans.iter().filter(covered).map(|span| (span.uuid.as_str(), reports.get(&span.uuid))).collect();
    let told = |(uuid, report): &(&str, Option<&ReportRow>)| {
        let seen = participants.iter().any(|row| row.instance_uuid == *uuid);
        report.map_or(Told::Waiting, |report| report.told(seen))
    };
    let judging = judging::of(conn, &row.id)?;
    let end = view.booking.end_at;
    let known = Known {
        // Nobody asks for the runs of what was called off; what is known of it may be final all the same.
        called_off: view.booking.status == AppointmentStatus::Cancelled.as_str(),
        listed: judging.is_listed(end),
        given_up: judging.is_given_up(end),
        unheard: judging.unheard,
        open,
        reports: judges.iter().map(told).collect(),
    };
    let mut judge_notes: Vec<String> =
        judges.iter().filter_map(|(_, report)| report.as_ref()?.note.clone()).collect();
    judge_notes.extend((known.listed && known.unheard).then(|| UNHEARD.to_owned()));
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
        judged_by: known.judged_by(),
        may_be_no_show: known.may_be_no_show(),
        judge_notes,
    }))
}
