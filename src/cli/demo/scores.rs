//! The scored roster beside what really happened.

use std::fmt::Write as _;

use anyhow::Context as _;
use serde_json::Value;

use super::script::Enrolled;
use crate::clock::Instant;
use crate::sandbox::truth::{PersonTruth, Truth};

/// The roster as the daemon scored it, beside the ground truth.
#[derive(Debug)]
pub(super) struct Scores {
    rows: Vec<Row>,
    start: Instant,
}

#[derive(Debug)]
struct Row {
    name: String,
    marked: Option<Mark>,
    first_join: Option<Instant>,
    attended_minutes: i64,
    truth: Mark,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    status: String,
    score_milli: i64,
}

impl Scores {
    /// Sets the daemon's `attendance` beside the `truth`, person by person of the roster.
    pub(super) fn compare(
        attendance: &Value,
        truth: &Truth,
        roster: &[Enrolled],
        start: Instant,
    ) -> anyhow::Result<Self> {
        let records =
            attendance.get("records").and_then(Value::as_array).context("no records of attendance")?;
        let mut rows = Vec::new();
        for person in roster.iter().filter(|person| !person.host) {
            let of = |truth: &&PersonTruth| truth.email.as_ref() == Some(&person.email);
            let truth =
                truth.persons.iter().find(of).with_context(|| format!("no truth about {}", person.name))?;
            let mine =
                |record: &&Value| record.get("student_id").and_then(Value::as_str) == Some(&person.reference);
            rows.push(Row::new(person, records.iter().find(mine), truth)?);
        }
        Ok(Self { rows, start })
    }

    /// How many marks and scores equal the truth.
    pub(super) fn right(&self) -> usize {
        self.rows.iter().filter(|row| row.is_right()).count()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The table, for people.
    pub(super) fn table(&self) -> String {
        let mut table = format!(
            "{:<22} {:>8} {:>8}   {:<8} {:>5}   what really happened\n",
            "", "joined", "attended", "mark", "score"
        );
        for row in &self.rows {
            // Writing to a text cannot fail.
            let _ = writeln!(table, "{}", row.line(self.start));
        }
        table
    }
}

impl Row {
    fn new(person: &Enrolled, record: Option<&Value>, truth: &PersonTruth) -> anyhow::Result<Self> {
        let marked = record.map(|record| {
            let status = record.get("status").and_then(Value::as_str).unwrap_or("?").to_owned();
            let score = record.get("score").and_then(Value::as_f64).unwrap_or(-1.0);
            // Three digits after the point, so nothing is lost.
            #[expect(clippy::cast_possible_truncation, reason = "at most 1000")]
            let score_milli = (score * 1000.0).round() as i64;
            Mark { status, score_milli }
        });
        let number = |key: &str| record.and_then(|record| record.get(key)?.as_i64());
        let status = serde_json::to_value(truth.status)?.as_str().unwrap_or("?").to_owned();
        Ok(Self {
            name: person.name.clone(),
            marked,
            first_join: record.and_then(|record| record.get("first_join")?.as_str()?.parse().ok()),
            attended_minutes: number("attended_seconds").unwrap_or(0) / 60,
            truth: Mark { status, score_milli: truth.score_milli },
        })
    }

    fn is_right(&self) -> bool {
        self.marked.as_ref() == Some(&self.truth)
    }

    fn line(&self, start: Instant) -> String {
        let joined = self
            .first_join
            .map_or_else(|| "–".to_owned(), |at| format!("{:+} min", (at - start).num_minutes()));
        let (status, score) =
            self.marked.as_ref().map_or(("none", -1), |mark| (mark.status.as_str(), mark.score_milli));
        let truth = format!("{:<8} {}", self.truth.status, points(self.truth.score_milli));
        let verdict = if self.is_right() { "=" } else { "≠ DIFFERENT" };
        let (name, attended) = (&self.name, self.attended_minutes);
        format!(
            "{name:<22} {joined:>8} {attended:>4} min   {status:<8} {:>5}   {truth}  {verdict}",
            points(score)
        )
    }
}

/// `0.667` for 667 thousandths.
fn points(milli: i64) -> String {
    if milli < 0 { "–".to_owned() } else { format!("{}.{:03}", milli / 1000, milli % 1000) }
}
