//! What is known about one mark, gathered from where it is kept.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use crate::clock::Instant;
use crate::domain::attendance::{Assessed, Evidence, Mark, MarkStatus};
use crate::domain::lifecycle::MeetingStatus;
use crate::domain::rules::Rules;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::meetings::record::judged_by;
use crate::http::meetings::roll::{Roll, Share};
use crate::http::meetings::{Attended, read_attended, view};
use crate::store::attendance::{self, MarkRow};
use crate::store::correction::{self, Correction};
use crate::store::{Conn, retention, rules, story};

/// Lines of a booking's story that are looked through, the newest.
const STORY_MAX: i64 = 1000;
/// Display names that are shown.
const NAMES_MAX: usize = 12;

/// How far the meeting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before its time, or nobody was there.
    NotBegun,
    /// It runs: the mark is what it would be by now.
    Running,
    /// Over and not scored yet: the mark is what it would be.
    BeingScored,
    /// The mark is stored.
    Scored,
}

/// Whose mark it is.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: Option<String>,
}

/// The meeting it is about.
#[derive(Debug, Clone)]
pub(super) struct Lesson {
    pub(super) id: String,
    pub(super) appointment_id: String,
    pub(super) number: Option<String>,
    pub(super) title: String,
    pub(super) group: Option<String>,
    pub(super) status: String,
    pub(super) zone: Tz,
    pub(super) phase: Phase,
    /// A run of it is known.
    pub(super) ran: bool,
}

/// The mark as computed.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) status: MarkStatus,
    pub(super) score_milli: i64,
    pub(super) attended_secs: i64,
    pub(super) first_join: Option<DateTime<Utc>>,
    pub(super) last_leave: Option<DateTime<Utc>>,
    pub(super) left_early: bool,
    pub(super) host_absent: bool,
    pub(super) host_late: bool,
    pub(super) held_against: bool,
    pub(super) together_secs: i64,
    pub(super) provisional: bool,
    pub(super) evidence: Evidence,
}

/// A host's time.
#[derive(Debug, Clone)]
pub(super) struct HostTime {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) evidence: Evidence,
}

/// A line of the story that is about this mark.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) at: DateTime<Utc>,
    pub(super) kind: String,
    pub(super) text: String,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
}

/// Everything about one mark.
#[derive(Debug, Clone)]
pub(in crate::http) struct Account {
    pub(super) person: Subject,
    pub(super) lesson: Lesson,
    pub(super) facts: Facts,
    /// The thresholds behind the label, where they are known.
    pub(super) rules: Option<Rules>,
    pub(super) hosts: Vec<HostTime>,
    /// Every word of a hand, oldest first.
    pub(super) words: Vec<Correction>,
    pub(super) story: Vec<Line>,
    /// The display names they used.
    pub(super) names: Vec<String>,
    /// Connections of nobody we know, for who may see them.
    pub(super) strangers: Option<usize>,
    /// By what the mark is final.
    pub(super) judged_by: Option<&'static str>,
    pub(super) as_of: DateTime<Utc>,
}

impl Account {
    /// Gathers it, as far as the caller may see it.
    pub(super) fn read(
        conn: &mut Conn,
        caller: &Caller,
        id: &str,
        person: &str,
        house: &Rules,
        now: Instant,
    ) -> Result<Self, ApiError> {
        let attended = read_attended(conn, caller, id)?;
        if !attended.share.covers(Some(person)) {
            return Err(ApiError::NotFound("record"));
        }
        let appointment = attended.booking.appointment.id.clone();
        let rows = attendance::of_appointment(conn, &appointment)?;
        if rows.is_empty() && retention::is_forgotten(conn, &appointment)? {
            return Err(ApiError::NotFound("record"));
        }
        let words = correction::history(conn, &appointment, person)?;
        let lesson = Lesson::of(&attended, !rows.is_empty());
        let own = rules::for_scoring(conn, &appointment, house)?;
        let assessed = attended.case.assess(&own, now);
        let marks: Vec<&MarkRow> = match lesson.phase {
            Phase::Scored => rows.iter().map(|(mark, _)| mark).collect(),
            _ => Vec::new(),
        };
        let stored = marks.iter().find(|mark| mark.person_ref == person).and_then(|mark| Facts::stored(mark));
        let facts = match stored {
            Some(facts) => facts,
            None => Facts::found(&assessed, person).ok_or(ApiError::NotFound("record"))?,
        };
        let rules =
            if facts.evidence.rules == own.label() { Some(own) } else { labelled(conn, &facts, house)? };
        let story = story_of(conn, &appointment, person)?;
        Ok(Self {
            person: Subject::of(&attended, person),
            judged_by: judged_by(&attended, facts.provisional),
            hosts: hosts(&attended, &marks, &assessed),
            names: names(&attended, &assessed, person),
            strangers: (attended.share == Share::All)
                .then(|| Roll::of(&attended.case, assessed, now).strangers().len()),
            lesson,
            facts,
            rules,
            words,
            story,
            as_of: now,
        })
    }

    /// The word of a hand that counts.
    pub(super) fn standing(&self) -> Option<&Correction> {
        correction::standing(&self.words)
    }

    /// The status that counts; `None` while nothing does.
    pub(super) fn status(&self) -> Option<&str> {
        let by_hand = self.standing().and_then(|word| word.status.as_deref());
        let found = (self.lesson.phase != Phase::NotBegun).then(|| self.facts.status.as_str());
        by_hand.or(found)
    }

    /// The version of what a hand may change.
    pub(super) fn version(&self) -> i64 {
        self.words.last().map_or(0, |word| word.id)
    }

    /// What tells states apart that no hand made.
    pub(super) fn shade(&self) -> i64 {
        self.facts.attended_secs * 2 + i64::from(self.facts.provisional)
    }
}

impl Subject {
    fn of(attended: &Attended, person: &str) -> Self {
        let known = attended.case.roster.iter().find(|known| known.person == person);
        Self {
            id: person.to_owned(),
            name: known.map_or_else(|| person.to_owned(), |known| known.name.clone()),
            email: known.and_then(|known| known.email.clone()),
        }
    }
}

impl Lesson {
    fn of(attended: &Attended, scored: bool) -> Self {
        let (booking, meeting) = (&attended.booking, &attended.case.meeting);
        let row = &booking.appointment;
        let status = view::status(booking, meeting);
        let phase = if status == MeetingStatus::Started.as_str() {
            Phase::Running
        } else if scored {
            Phase::Scored
        } else if meeting.ended_at.is_some() {
            Phase::BeingScored
        } else {
            Phase::NotBegun
        };
        Self {
            id: meeting.id.clone(),
            appointment_id: row.id.clone(),
            number: meeting.zoom_meeting_id.clone(),
            title: row.title.clone(),
            group: booking.group.as_ref().map(|group| group.name.clone()),
            zone: row.timezone.parse().unwrap_or(Tz::UTC),
            status,
            phase,
            ran: attended.case.may_have_run(),
        }
    }
}

impl Facts {
    /// A stored mark, if its evidence can be read.
    fn stored(row: &MarkRow) -> Option<Self> {
        Some(Self {
            status: MarkStatus::parse(&row.status)?,
            score_milli: row.score_milli,
            attended_secs: row.attended_seconds,
            first_join: row.first_join.map(Into::into),
            last_leave: row.last_leave.map(Into::into),
            left_early: row.left_early,
            host_absent: row.host_absent,
            host_late: row.host_late,
            held_against: row.held_against,
            together_secs: row.together_seconds,
            provisional: row.provisional,
            evidence: row.evidence.parse("attendance_records.evidence").ok()?,
        })
    }

    /// The mark by what is known now.
    fn found(assessed: &Assessed, person: &str) -> Option<Self> {
        let mark = assessed.marks.iter().chain(&assessed.hosts).find(|mark| mark.person == person)?;
        let Mark { status, score_milli, attended_secs, first_join, last_leave, .. } = *mark;
        Some(Self {
            status,
            score_milli,
            attended_secs,
            first_join,
            last_leave,
            left_early: mark.left_early,
            host_absent: mark.host_absent,
            host_late: mark.host_late,
            held_against: mark.held_against,
            together_secs: mark.together_secs,
            provisional: true,
            evidence: mark.evidence.clone(),
        })
    }
}

/// The rules behind the label of a mark, where it is not the newest version's.
fn labelled(conn: &mut Conn, facts: &Facts, house: &Rules) -> Result<Option<Rules>, ApiError> {
    if facts.evidence.rules == house.label() {
        return Ok(Some(house.clone()));
    }
    let Some((name, version)) = Rules::parse_label(&facts.evidence.rules) else { return Ok(None) };
    Ok(rules::version(conn, name, version)?.map(|version| version.rules))
}

fn hosts(attended: &Attended, marks: &[&MarkRow], assessed: &Assessed) -> Vec<HostTime> {
    let name = |person: &str| {
        let known = attended.case.roster.iter().find(|known| known.person == person);
        known.map_or_else(|| person.to_owned(), |known| known.name.clone())
    };
    let stored = marks.iter().filter(|mark| mark.role == "host").filter_map(|mark| {
        let evidence = mark.evidence.parse("attendance_records.evidence").ok()?;
        Some(HostTime { id: mark.person_ref.clone(), name: name(&mark.person_ref), evidence })
    });
    let stored: Vec<HostTime> = stored.collect();
    if !marks.is_empty() {
        return stored;
    }
    let found = assessed.hosts.iter();
    found
        .map(|mark| HostTime {
            id: mark.person.clone(),
            name: name(&mark.person),
            evidence: mark.evidence.clone(),
        })
        .collect()
}

/// The names that somebody's connections showed.
fn names(attended: &Attended, assessed: &Assessed, person: &str) -> Vec<String> {
    let theirs: BTreeSet<_> =
        assessed.matched.iter().filter(|(_, whose, _)| whose == person).map(|(id, _, _)| id).collect();
    let names: BTreeSet<&str> = attended
        .case
        .connections
        .iter()
        .filter(|connection| theirs.contains(&connection.id()) && !connection.name.is_empty())
        .map(|connection| connection.name.as_str())
        .collect();
    names.into_iter().take(NAMES_MAX).map(str::to_owned).collect()
}

/// The lines about this mark: what was said of all marks, and of the changes only this one.
fn story_of(conn: &mut Conn, appointment: &str, person: &str) -> Result<Vec<Line>, ApiError> {
    let mut lines = Vec::new();
    for line in story::of_appointment(conn, appointment, STORY_MAX)? {
        if !line.kind.starts_with("attendance.") {
            continue;
        }
        let details: Value = match &line.details {
            Some(details) => details.parse("story.details")?,
            None => Value::Null,
        };
        let (change, of_all) = match (details.get("person"), details.get("changed")) {
            (Some(Value::String(whose)), _) => (Some(&details).filter(|_| whose == person), false),
            (_, Some(Value::Array(changed))) => (
                changed.iter().find(|change| change.get("person").is_some_and(|whose| whose == person)),
                true,
            ),
            _ => (None, true),
        };
        if change.is_none() && !of_all {
            continue;
        }
        let word = |name: &str| change.and_then(|change| change.get(name)?.as_str()).map(str::to_owned);
        let (from, to) = (word("from"), word("to"));
        lines.push(Line { at: line.at.into(), kind: line.kind, text: line.text, from, to });
    }
    Ok(lines)
}
