//! A rule in two: what comes before one of its times, and what comes from there on.

use chrono::NaiveDateTime;

use super::{Rule, RuleError, joined};

/// The two halves of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halves {
    /// The rule of the first half, from the same start.
    pub head: String,
    /// The rule of the second half.
    pub tail: String,
    /// The start of the second half.
    pub tail_start: NaiveDateTime,
}

impl Rule {
    /// Cuts the rule before its time number `number`, counted from 0 at `start`; `None` when one half would be
    /// empty. Both halves together give the times of the whole.
    ///
    /// # Errors
    /// [`RuleError`] when the rule does not fit `start`.
    pub fn halves(&self, start: NaiveDateTime, number: usize) -> Result<Option<Halves>, RuleError> {
        // The end needs no zone here: a half is as long as is counted.
        let walls = self.walls(start, NaiveDateTime::MAX, number.saturating_add(1))?;
        let Some(tail_start) = walls.get(number).copied().filter(|_| number > 0) else { return Ok(None) };
        let counted = |count: usize| ("COUNT".to_owned(), count.to_string());
        let head = self.parts.iter().map(|(name, value)| match name.as_str() {
            "COUNT" | "UNTIL" => counted(number),
            _ => (name.clone(), value.clone()),
        });
        let tail = self.parts.iter().map(|(name, value)| match (name.as_str(), value.parse::<usize>()) {
            ("COUNT", Ok(count)) => counted(count.saturating_sub(number)),
            _ => (name.clone(), value.clone()),
        });
        let (head, tail): (Vec<_>, Vec<_>) = (head.collect(), tail.collect());
        Ok(Some(Halves { head: joined(head.iter()), tail: joined(tail.iter()), tail_start }))
    }
}
