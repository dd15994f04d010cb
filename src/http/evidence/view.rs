//! The evidence of a mark as JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::account::{Account, HostTime, Line, Phase};
use super::{path, words};
use crate::domain::interval::IntervalSet;
use crate::http::meetings::record::{CorrectionView, Record, StudentView};

/// One mark with everything behind it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EvidenceAnswer {
    /// As `GET …/attendance` has it.
    record: Record,
    /// The mark in one sentence.
    verdict: String,
    /// How it came about, in sentences.
    explanation: Vec<String>,
    /// Whether the mark is stored; otherwise it is what is known now.
    stored: bool,
    meeting: MeetingFacts,
    /// The thresholds behind `record.rules`; null when that version is not known any more.
    #[schema(value_type = Option<Object>)]
    rules: Option<Value>,
    hosts: Vec<HostFacts>,
    /// The display names that were seen.
    names: Vec<String>,
    /// Participants whom nobody recognises; null for who may see only themselves.
    unmatched: Option<usize>,
    /// What happened to this mark.
    story: Vec<LineFacts>,
    links: Links,
}

/// The meeting of a mark.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvidenceMeeting)]
struct MeetingFacts {
    id: String,
    appointment_id: String,
    zoom_meeting_id: Option<String>,
    title: String,
    status: String,
    start_time: DateTime<Utc>,
    end_time: DateTime<Utc>,
    timezone: &'static str,
}

/// A host, and when they were there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvidenceHost)]
struct HostFacts {
    id: String,
    name: String,
    /// Inside the counted time.
    #[schema(value_type = Vec<Object>)]
    attended: IntervalSet,
}

/// A line of the story.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvidenceLine)]
struct LineFacts {
    at: DateTime<Utc>,
    kind: String,
    text: String,
    from: Option<String>,
    to: Option<String>,
}

/// Where the same is shown to people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvidenceLinks)]
struct Links {
    page: String,
    timeline: String,
}

impl EvidenceAnswer {
    /// The answer for what is known.
    pub(super) fn new(account: &Account) -> Self {
        let said = words::say(account);
        let (lesson, evidence) = (&account.lesson, &account.facts.evidence);
        let page = path(&lesson.id, &account.person.id);
        Self {
            record: record(account),
            verdict: said.verdict,
            explanation: said.sentences,
            stored: lesson.phase == Phase::Scored,
            meeting: MeetingFacts {
                id: lesson.id.clone(),
                appointment_id: lesson.appointment_id.clone(),
                zoom_meeting_id: lesson.number.clone(),
                title: lesson.title.clone(),
                status: lesson.status.clone(),
                start_time: evidence.planned.start,
                end_time: evidence.planned.end,
                timezone: lesson.zone.name(),
            },
            rules: account.rules.as_ref().map(|rules| json!(rules)),
            hosts: account.hosts.iter().map(host).collect(),
            names: account.names.clone(),
            unmatched: account.strangers,
            story: account.story.iter().map(line).collect(),
            links: Links { timeline: format!("{page}?format=svg"), page },
        }
    }
}

fn host(host: &HostTime) -> HostFacts {
    HostFacts { id: host.id.clone(), name: host.name.clone(), attended: host.evidence.attended.clone() }
}

fn line(line: &Line) -> LineFacts {
    let Line { at, kind, text, from, to } = line.clone();
    LineFacts { at, kind, text, from, to }
}

fn record(account: &Account) -> Record {
    let facts = &account.facts;
    let found = facts.status.as_str();
    let correction = CorrectionView::standing(&account.words).map(|correction| CorrectionView {
        computed_status: (account.lesson.phase == Phase::Scored).then(|| found.to_owned()),
        ..correction
    });
    Record {
        student_id: account.person.id.clone(),
        status: account.status().unwrap_or(found).to_owned(),
        student: StudentView {
            id: account.person.id.clone(),
            name: account.person.name.clone(),
            email: account.person.email.clone(),
        },
        score: facts.score_milli as f64 / 1000.0,
        attended_seconds: facts.attended_secs,
        first_join: facts.first_join,
        last_leave: facts.last_leave,
        left_early: facts.left_early,
        host_absent: facts.host_absent,
        host_late: facts.host_late,
        held_against: facts.held_against,
        together_seconds: facts.together_secs,
        provisional: facts.provisional,
        judged_by: account.judged_by,
        evidence: json!(facts.evidence),
        rules: facts.evidence.rules.clone(),
        correction,
        history: account.words.iter().map(Into::into).collect(),
    }
}
