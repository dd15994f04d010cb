//! Scores one booking: reads everything known about it, asks `domain::attendance`, writes the marks.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::difference::{Difference, Was};
use super::proof;
use crate::actors::engine::Engine;
use crate::domain::appointment::AppointmentStatus;
use crate::domain::attendance::{Assessed, Mark, MarkStatus};
use crate::domain::connection::ConnectionId;
use crate::domain::identity::NOBODY;
use crate::domain::report::JudgedBy;
use crate::domain::rules::Rules;
use crate::store::attendance::{self, MarkRow};
use crate::store::case::{self, Case};
use crate::store::due::{self, DueKind};
use crate::store::outbox::Event;
use crate::store::participant::{self, Match};
use crate::store::{Conn, Json, StoreError, UtcMillis, lifecycle, news, pin, rules, story};

/// The line of the story when other rules made the marks anew.
const RECALCULATED: &str = "attendance.recalculated";

/// What the marks were before.
#[derive(Debug)]
struct Before {
    /// By person.
    marks: BTreeMap<String, Was>,
    /// Who asked for other rules, if anybody ever did.
    moved_by: Option<String>,
}

impl Before {
    /// Who wanted these marks to be made anew, where other rules made them before.
    fn recalculation(&self, marks: &[MarkRow]) -> Option<String> {
        let others =
            |mark: &MarkRow| self.marks.get(&mark.person_ref).is_some_and(|was| was.rules != mark.rules);
        self.moved_by.clone().filter(|_| marks.iter().any(others))
    }
}

/// Scores the booking and writes its marks.
pub(super) async fn run(engine: &Engine, appointment_id: &str) -> Result<(), StoreError> {
    let fences = engine.shards.fences();
    let (id, house) = (appointment_id.to_owned(), engine.attendance.rules.clone());
    let (due_at, loaded) = engine
        .store
        .read(move |conn| {
            // Before everything else: a report that is stored from now on asks for another scoring.
            let due_at = due::at(conn, DueKind::Score, &id)?;
            Ok((due_at, load(conn, &id, &house)?))
        })
        .await?;
    let Some((case, before, rules)) = loaded else {
        let id = appointment_id.to_owned();
        return engine.store.write(move |conn| due::replace(conn, DueKind::Score, &id, due_at, None)).await;
    };
    // Another process's by now: it scores the booking, from what it knows.
    let Some(fence) = fences.of(&case.meeting.id) else { return Ok(()) };
    let now = engine.clock.now();
    let assessed = case.assess(&rules, now);
    let write = Verdict { due_at, ..Verdict::new(case, &before, &assessed, &rules, now)? };
    engine
        .store
        .write(move |conn| {
            fence.hold(conn)?;
            write.perform(conn)
        })
        .await
}

fn load(
    conn: &mut Conn,
    appointment_id: &str,
    house: &Rules,
) -> Result<Option<(Case, Before, Rules)>, StoreError> {
    let Some(case) = case::of_appointment(conn, appointment_id)? else { return Ok(None) };
    let marks = attendance::of_appointment(conn, appointment_id)?
        .into_iter()
        .map(|(mark, _)| (mark.person_ref.clone(), Was::of(&mark)))
        .collect();
    let before = Before { marks, moved_by: pin::moved_by(conn, appointment_id)? };
    Ok(Some((case, before, rules::for_scoring(conn, appointment_id, house)?)))
}

/// What one write needs.
struct Verdict {
    appointment_id: String,
    /// When the scoring was due as the facts were read.
    due_at: Option<UtcMillis>,
    meeting_id: String,
    rules: String,
    summary: BTreeMap<&'static str, usize>,
    marks: Vec<MarkRow>,
    matches: Vec<Match>,
    /// People who were seen, hosts aside.
    heads: usize,
    provisional: bool,
    /// The last marks were provisional, or there were none.
    news: bool,
    difference: Difference,
    /// What the story keeps of every mark; nothing while marks are provisional.
    proof: Map<String, Value>,
    judged_by: Option<JudgedBy>,
    judge_notes: Vec<String>,
    /// The booking's status as it was read, and that by the marks where that is another one.
    status: Option<(String, AppointmentStatus)>,
    /// Who wanted the marks to be made anew by other rules, where this is that.
    recalculated: Option<String>,
    now: DateTime<Utc>,
}

impl Verdict {
    fn new(
        case: Case,
        before: &Before,
        assessed: &Assessed,
        rules: &Rules,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let provisional = case.judged_by.is_none();
        let id = &case.booking.id;
        let row = |role, mark: &Mark| mark_row(id, role, mark, provisional, rules, now);
        let attendees = assessed.marks.iter().map(|mark| row("attendee", mark));
        let hosts = assessed.hosts.iter().map(|mark| row("host", mark));
        let marks: Vec<MarkRow> = attendees.chain(hosts).collect::<Result<_, _>>()?;
        let difference = Difference::of(&marks, &before.marks);
        let was_final = before.marks.values().any(|was| !was.provisional);
        let moved = !provisional && difference.is_any();
        let proof = match provisional {
            true => Map::new(),
            false => proof::of(assessed, &case.meeting.id, &rules.label()),
        };
        let (matches, heads) = (matches(&case, assessed), case.heads(assessed, None));
        let status = (!provisional).then(|| status(&case, assessed)).flatten();
        let status = status.map(|status| (case.booking.status, status));
        tracing::debug!(meeting.id = %case.meeting.id, provisional, "scored");
        Ok(Self {
            appointment_id: case.booking.id,
            due_at: None,
            meeting_id: case.meeting.id,
            rules: rules.label(),
            summary: summary(assessed),
            matches,
            heads,
            provisional,
            recalculated: before.recalculation(&marks),
            news: before.marks.is_empty()
                || (!provisional && !was_final)
                || !difference.changed.is_empty()
                || moved,
            difference,
            proof,
            judged_by: case.judged_by,
            judge_notes: case.judge_notes,
            status,
            marks,
            now,
        })
    }

    fn perform(self, conn: &mut Conn) -> Result<(), StoreError> {
        attendance::save(conn, &self.appointment_id, &self.marks)?;
        participant::save_matches(conn, &self.matches)?;
        participant::save_heads(conn, &self.meeting_id, self.heads)?;
        pin::keep(conn, &self.appointment_id, &self.rules, self.now.into())?;
        due::replace(conn, DueKind::Score, &self.appointment_id, self.due_at, None)?;
        if let Some((was, status)) = &self.status {
            // A cancel that came meanwhile stays.
            let change = (was.as_str(), status.as_str());
            lifecycle::set_status(conn, &self.appointment_id, change, UtcMillis::from(self.now))?;
        }
        self.tell(conn)
    }

    /// Says what came of it, where that is news.
    fn tell(self, conn: &mut Conn) -> Result<(), StoreError> {
        if let Some(by) = &self.recalculated {
            let text = format!("attendance was scored again by the rules {}", self.rules);
            let details = json!({ "by": by, "people": self.marks.len(),
                "changed": self.difference.lines() });
            let details = proof::with(details, &self.proof);
            story::tell(conn, &self.appointment_id, self.now, RECALCULATED, &text, Some(details))?;
        }
        if !self.news {
            return Ok(());
        }
        let (kind, text) = (
            if self.provisional { Event::AttendanceProvisional } else { Event::AttendanceFinal },
            self.text(),
        );
        // Others hear once that marks are final; what becomes of them later is a correction.
        let was_told = story::tells(conn, &self.appointment_id, Event::AttendanceFinal.as_str())?;
        let event = match (was_told, kind) {
            (true, Event::AttendanceFinal) => Some(Event::AttendanceCorrected),
            // They are being judged again: what comes of that is told.
            (true, _) => None,
            (false, kind) => Some(kind),
        };
        let changed = self.difference.changed.len();
        // Booked for nobody, there is nothing to say.
        if let Some(event) = event.filter(|_| !self.marks.is_empty()) {
            let more = json!({ "rules": self.rules, "summary": self.summary, "changed": changed,
                "judged_by": self.judged_by.map(JudgedBy::as_str) });
            news::of_meeting(conn, self.now.into(), event, &self.meeting_id, more)?;
        }
        if event == Some(Event::AttendanceCorrected) && self.recalculated.is_some() {
            return Ok(());
        }
        let details = json!({ "people": self.marks.len(), "changed": self.difference.lines(),
            "judged_by": self.judged_by.map(JudgedBy::as_str), "notes": self.judge_notes });
        let details = proof::with(details, &self.proof);
        story::tell(conn, &self.appointment_id, self.now, kind.as_str(), &text, Some(details))
    }

    /// For the story: what came of the marks, and by what.
    fn text(&self) -> String {
        let changed = match self.difference.lines().len() {
            0 => String::new(),
            1 => ", which changed what was known of one person".to_owned(),
            people => format!(", which changed what was known of {people} people"),
        };
        match self.judged_by {
            None => "attendance was scored from the webhooks so far".to_owned(),
            Some(JudgedBy::NoRun) => {
                format!("attendance is final: Zoom told of no run of the meeting{changed}")
            }
            Some(JudgedBy::Report) => format!("attendance is final by Zoom's report{changed}"),
            Some(JudgedBy::Webhooks) => {
                let why = self.judge_notes.join("; ");
                let why = if why.is_empty() { why } else { format!(" ({why})") };
                format!("attendance is final from the webhooks{why}{changed}")
            }
        }
    }
}

/// The rows whose person is another one than the row says.
fn matches(case: &Case, assessed: &Assessed) -> Vec<Match> {
    let found: HashMap<&ConnectionId, (&str, &'static str)> =
        assessed.matched.iter().map(|(id, person, by)| (id, (person.as_str(), by.as_str()))).collect();
    let rows = case.participants.iter().zip(&case.connections);
    rows.filter_map(|(row, connection)| {
        let (person, matched) = found.get(&connection.id()).copied().unzip();
        // Those that a hand settled to be nobody have no person, but say what by.
        let person = person.filter(|person| *person != NOBODY);
        let same = row.person_ref.as_deref() == person && row.matched_by.as_deref() == matched;
        (!same).then(|| Match { id: row.id, person: person.map(str::to_owned), matched })
    })
    .collect()
}

/// What final marks make of a booking's status, where that is another one: nobody came, or somebody did after all.
fn status(case: &Case, assessed: &Assessed) -> Option<AppointmentStatus> {
    if assessed.marks.is_empty() {
        return None;
    }
    let nobody = assessed.marks.iter().all(|mark| mark.status == MarkStatus::Absent);
    match (AppointmentStatus::parse(&case.booking.status)?, nobody) {
        (AppointmentStatus::NoShow | AppointmentStatus::Requested | AppointmentStatus::Cancelled, true) => {
            None
        }
        (_, true) => case.may_be_no_show.then_some(AppointmentStatus::NoShow),
        (AppointmentStatus::NoShow, false) => Some(AppointmentStatus::Completed),
        (_, false) => None,
    }
}

/// How many attendees have each mark.
fn summary(assessed: &Assessed) -> BTreeMap<&'static str, usize> {
    let mut summary = BTreeMap::new();
    for mark in &assessed.marks {
        *summary.entry(mark.status.as_str()).or_default() += 1;
    }
    summary
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
        host_late: mark.host_late,
        held_against: mark.held_against,
        together_seconds: mark.together_secs,
        provisional,
        evidence: Json::of(&mark.evidence)?,
        rules: rules.label(),
        created_at: now,
        updated_at: now,
    })
}
