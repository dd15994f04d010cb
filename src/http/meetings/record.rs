//! One person's record: the mark, what a hand put in its place, and every word of a hand before that.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Attended;
use crate::domain::report::JudgedBy;
use crate::store::attendance::{CorrectionRow, MarkRow, effective_status};
use crate::store::correction::{self, Correction};

/// The attendance of one person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AttendanceRecord)]
pub(in crate::http) struct Record {
    /// The person's `ref`.
    pub(in crate::http) student_id: String,
    /// present, late, partial, absent or excused; what a hand gave, where one did.
    pub(in crate::http) status: String,
    pub(in crate::http) student: StudentView,
    /// Attended by effective time, 0.000 to 1.000.
    pub(in crate::http) score: f64,
    pub(in crate::http) attended_seconds: i64,
    pub(in crate::http) first_join: Option<DateTime<Utc>>,
    pub(in crate::http) last_leave: Option<DateTime<Utc>>,
    pub(in crate::http) left_early: bool,
    pub(in crate::http) host_absent: bool,
    /// The first host came later than the rules allow a host to.
    pub(in crate::http) host_late: bool,
    /// False where the host's absence or lateness may be the reason; rates leave such a record out.
    pub(in crate::http) held_against: bool,
    /// Of the attended time, that with a host in the meeting.
    pub(in crate::http) together_seconds: i64,
    /// Zoom's reports may still change it.
    pub(in crate::http) provisional: bool,
    /// By what it is final: `report`, `webhooks` where Zoom gave no report, or `no_run` where it told of no run of the
    /// meeting until `attendance.report_give_up`; null while it is not.
    pub(in crate::http) judged_by: Option<&'static str>,
    #[schema(value_type = Object)]
    pub(in crate::http) evidence: Value,
    /// Such as `standard@1`.
    pub(in crate::http) rules: String,
    /// What a hand put in the mark's place, while it counts.
    pub(in crate::http) correction: Option<CorrectionView>,
    /// Every word of a hand about this mark, oldest first, lifted ones too.
    pub(in crate::http) history: Vec<WordView>,
}

/// Whose record it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Student)]
pub(in crate::http) struct StudentView {
    /// Their `ref`.
    pub(in crate::http) id: String,
    pub(in crate::http) name: String,
    pub(in crate::http) email: Option<String>,
}

/// What a hand put in a mark's place.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = AttendanceCorrection)]
pub(in crate::http) struct CorrectionView {
    /// What was found before it; null while nothing is.
    pub(in crate::http) computed_status: Option<String>,
    pub(in crate::http) note: Option<String>,
    pub(in crate::http) by: Option<String>,
    pub(in crate::http) at: Option<DateTime<Utc>>,
}

/// A word of a hand.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = AttendanceWord)]
pub(in crate::http) struct WordView {
    /// `corrected` or `lifted`.
    pub(in crate::http) action: &'static str,
    /// What was to count; null where an earlier word was lifted.
    pub(in crate::http) status: Option<String>,
    pub(in crate::http) note: Option<String>,
    /// A `ref`, or the name of a system.
    pub(in crate::http) by: String,
    pub(in crate::http) at: DateTime<Utc>,
}

impl From<&Correction> for WordView {
    fn from(word: &Correction) -> Self {
        Self {
            action: if word.status.is_some() { "corrected" } else { "lifted" },
            status: word.status.clone(),
            note: word.note.clone(),
            by: word.author.clone(),
            at: word.at.into(),
        }
    }
}

impl StudentView {
    /// The person as the roster has them; a name is wanting for who is not on it any more.
    pub(in crate::http) fn of(attended: &Attended, person: &str) -> Self {
        let known = attended.case.roster.iter().find(|known| known.person == person);
        Self {
            id: person.to_owned(),
            name: known.map_or_else(String::new, |known| known.name.clone()),
            email: known.and_then(|known| known.email.clone()),
        }
    }
}

impl CorrectionView {
    /// The word that counts, before there is a mark.
    pub(in crate::http) fn standing(history: &[Correction]) -> Option<Self> {
        correction::standing(history).map(|word| Self {
            computed_status: None,
            note: word.note.clone(),
            by: Some(word.author.clone()),
            at: Some(word.at.into()),
        })
    }
}

/// By what a mark is final.
pub(in crate::http) fn judged_by(attended: &Attended, provisional: bool) -> Option<&'static str> {
    attended.case.judged_by.filter(|_| !provisional).map(JudgedBy::as_str)
}

impl Record {
    /// The record of a stored mark.
    pub(in crate::http) fn new(
        mark: MarkRow,
        correction: CorrectionRow,
        history: &[Correction],
        attended: &Attended,
    ) -> Self {
        Self {
            student: StudentView::of(attended, &mark.person_ref),
            status: effective_status(&mark, &correction).to_owned(),
            correction: correction.corrected_status.map(|_| CorrectionView {
                computed_status: Some(mark.status),
                note: correction.corrected_note,
                by: correction.corrected_by,
                at: correction.corrected_at.map(Into::into),
            }),
            history: history.iter().map(Into::into).collect(),
            student_id: mark.person_ref,
            score: mark.score_milli as f64 / 1000.0,
            attended_seconds: mark.attended_seconds,
            first_join: mark.first_join.map(Into::into),
            last_leave: mark.last_leave.map(Into::into),
            left_early: mark.left_early,
            host_absent: mark.host_absent,
            host_late: mark.host_late,
            held_against: mark.held_against,
            together_seconds: mark.together_seconds,
            judged_by: judged_by(attended, mark.provisional),
            provisional: mark.provisional,
            evidence: serde_json::from_str(mark.evidence.as_str()).unwrap_or_default(),
            rules: mark.rules,
        }
    }
}
