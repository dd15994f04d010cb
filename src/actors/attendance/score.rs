//! Scores one booking: reads everything known about it, asks `domain::attendance`, writes the marks.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::actors::engine::Engine;
use crate::domain::appointment::AppointmentStatus;
use crate::domain::attendance::{Assessed, Assessment, InstanceSpan, Mark, MarkStatus, RosterPerson, assess};
use crate::domain::connection::{Connection, ConnectionId};
use crate::domain::lifecycle::{Planned, Run};
use crate::domain::rules::Rules;
use crate::store::attendance::{self, MarkRow};
use crate::store::due::{self, DueKind};
use crate::store::meeting::{self, BookingRow};
use crate::store::report::{self, ReportState};
use crate::store::{Conn, Json, StoreError, UtcMillis, instance, lifecycle, participant, roster, story};

/// Everything known about a booking.
struct Case {
    booking: BookingRow,
    meeting_id: String,
    roster: Vec<RosterPerson>,
    instances: Vec<InstanceSpan>,
    connections: Vec<Connection>,
    settled: BTreeMap<String, String>,
    /// Every instance of the class has been judged by its report, or the report was given up.
    judged: bool,
    marks_before: BTreeMap<String, (String, bool)>,
}

/// Scores the booking and writes its marks.
pub(super) async fn run(engine: &Engine, appointment_id: &str) -> Result<(), StoreError> {
    let id = appointment_id.to_owned();
    let Some(case) = engine.store.read(move |conn| load(conn, &id)).await? else {
        let id = appointment_id.to_owned();
        return engine.store.write(move |conn| due::clear(conn, DueKind::Score, &id)).await;
    };
    let rules = engine.attendance.rules.clone();
    let now = engine.clock.now();
    let assessed = assess(&Assessment {
        planned_start: case.booking.start_at.into(),
        planned_end: case.booking.end_at.into(),
        as_of: now,
        roster: &case.roster,
        instances: &case.instances,
        connections: &case.connections,
        settled: &case.settled,
        rules: &rules,
    });
    let write = Verdict::new(case, &assessed, &rules, now)?;
    engine.store.write(move |conn| write.perform(conn)).await
}

fn load(conn: &mut Conn, appointment_id: &str) -> Result<Option<Case>, StoreError> {
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
    let rows = participant::of_meeting(conn, &row.id)?;
    Ok(Some(Case {
        roster: roster::of_appointment(conn, appointment_id, view.host_id.as_deref())?,
        connections: rows.iter().map(participant::ParticipantRow::connection).collect::<Result<_, _>>()?,
        settled: participant::settled(conn, &row.id)?,
        marks_before: attendance::of_appointment(conn, appointment_id)?
            .into_iter()
            .map(|(mark, _)| (mark.person_ref, (mark.status, mark.provisional)))
            .collect(),
        meeting_id: row.id,
        booking: view.booking,
        instances,
        judged,
    }))
}

/// What one write needs.
struct Verdict {
    appointment_id: String,
    marks: Vec<MarkRow>,
    matches: Vec<(ConnectionId, Option<(String, &'static str)>)>,
    provisional: bool,
    /// The last marks were provisional, or there were none.
    news: bool,
    changed: Vec<serde_json::Value>,
    nobody_came: bool,
    now: DateTime<Utc>,
}

impl Verdict {
    fn new(case: Case, assessed: &Assessed, rules: &Rules, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let provisional = !case.judged;
        let id = &case.booking.id;
        let row = |role, mark: &Mark| mark_row(id, role, mark, provisional, rules, now);
        let attendees = assessed.marks.iter().map(|mark| row("attendee", mark));
        let hosts = assessed.hosts.iter().map(|mark| row("host", mark));
        let marks: Vec<MarkRow> = attendees.chain(hosts).collect::<Result<_, _>>()?;
        let changed = changes(&marks, &case.marks_before);
        let was_final = case.marks_before.values().any(|(_, provisional)| !provisional);
        let matched =
            assessed.matched.iter().map(|(id, person, by)| (id.clone(), Some((person.clone(), by.as_str()))));
        let unmatched = assessed.unmatched.iter().map(|id| (id.clone(), None));
        let roster_empty = assessed.marks.is_empty();
        tracing::debug!(meeting.id = %case.meeting_id, provisional, "scored");
        Ok(Self {
            appointment_id: case.booking.id,
            matches: matched.chain(unmatched).collect(),
            provisional,
            news: case.marks_before.is_empty() || (!provisional && !was_final) || !changed.is_empty(),
            changed,
            nobody_came: !provisional
                && !roster_empty
                && assessed.marks.iter().all(|mark| mark.status == MarkStatus::Absent),
            marks,
            now,
        })
    }

    fn perform(self, conn: &mut Conn) -> Result<(), StoreError> {
        attendance::save(conn, &self.appointment_id, &self.marks)?;
        participant::save_matches(conn, &self.matches)?;
        due::clear(conn, DueKind::Score, &self.appointment_id)?;
        if self.nobody_came {
            let status = AppointmentStatus::NoShow.as_str();
            lifecycle::set_status(conn, &self.appointment_id, status, UtcMillis::from(self.now))?;
        }
        if !self.news {
            return Ok(());
        }
        let (kind, text) = if self.provisional {
            ("attendance.provisional", "attendance was scored from the webhooks so far")
        } else {
            ("attendance.final", "attendance is final")
        };
        let details = json!({ "people": self.marks.len(), "changed": self.changed });
        story::tell(conn, &self.appointment_id, self.now, kind, text, Some(details))
    }
}

/// The marks that differ from before, without those of people who had none.
fn changes(marks: &[MarkRow], before: &BTreeMap<String, (String, bool)>) -> Vec<serde_json::Value> {
    marks
        .iter()
        .filter_map(|mark| {
            let (was, _) = before.get(&mark.person_ref)?;
            (*was != mark.status)
                .then(|| json!({ "person": mark.person_ref, "from": was, "to": mark.status }))
        })
        .collect()
}

fn mark_row(
    appointment_id: &str,
    role: &str,
    mark: &Mark,
    provisional: bool,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<MarkRow, StoreError> {
    let now = UtcMillis::from(now);
    Ok(MarkRow {
        appointment_id: appointment_id.to_owned(),
        person_ref: mark.person.clone(),
        role: role.to_owned(),
        status: mark.status.as_str().to_owned(),
        score_milli: mark.score_milli,
        attended_seconds: mark.attended_secs,
        first_join: mark.first_join.map(UtcMillis::from),
        last_leave: mark.last_leave.map(UtcMillis::from),
        left_early: mark.left_early,
        host_absent: mark.host_absent,
        provisional,
        evidence: Json::of(&mark.evidence)?,
        rules: rules.label(),
        created_at: now,
        updated_at: now,
    })
}
