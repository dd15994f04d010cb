//! Recurring bookings: a rule of RFC 5545 and a start become wall times, and in their zone instants.
//!
//! The rule is walked on the clock on the wall, as if there were no zones: "Mondays at ten" does not depend on
//! one. Only then is each wall time looked up in the zone. So a weekly ten o'clock stays ten o'clock when the clocks
//! change, and no occurrence is lost or doubled there (the crate's own walk through a zone does both:
//! fmeringdal/rust-rrule#115). `UNTIL` and the exceptions are ours for the same reason.

mod moment;
mod split;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Datelike, Duration, LocalResult, NaiveDateTime, TimeZone, Utc};
use rrule::{RRule, RRuleSet, Tz as Walked, Unvalidated};

pub use self::moment::Moment;
pub use self::split::Halves;
use super::schedule;

/// The most bookings that one rule may make.
pub const OCCURRENCES_MAX: usize = 200;
/// The last year that a booking may lie in, as for single ones.
const YEAR_MAX: i32 = 2200;
/// What a rule may be made of (RFC 5545, 3.3.10).
const PARTS: [&str; 14] = [
    "FREQ",
    "UNTIL",
    "COUNT",
    "INTERVAL",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
    "WKST",
];
/// How far back the time before a gap is looked for, and in which steps: the widest gaps are whole days that a
/// country skipped, the finest start on a quarter of an hour.
const GAP_MAX: Duration = Duration::days(2);
const GAP_STEP: Duration = Duration::minutes(15);

/// Why a rule makes no series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It is not a rule of RFC 5545.
    #[error("is not an RFC 5545 rule such as FREQ=WEEKLY;COUNT=10: {0}")]
    Syntax(String),
    /// It repeats within the day.
    #[error("must repeat daily, weekly, monthly or yearly")]
    Frequency,
    /// It has no end.
    #[error("has no end: it must say COUNT or UNTIL, for at most {OCCURRENCES_MAX} occurrences")]
    Endless,
    /// It has two ends.
    #[error("says both COUNT and UNTIL; RFC 5545 allows one of them")]
    TwoEnds,
    /// It makes too many.
    #[error("makes more than {OCCURRENCES_MAX} occurrences")]
    TooMany,
    /// It ends before it starts.
    #[error("ends before start_time")]
    EndsBeforeStart,
    /// There is no such day.
    #[error("never occurs")]
    Never,
    /// It leads into years that no booking can lie in.
    #[error("leads beyond the year {YEAR_MAX}")]
    TooFar,
    /// The start is not one of its times.
    #[error("does not occur at start_time; its first time from there on is {0}")]
    StartOutside(NaiveDateTime),
}

/// What is odd about a wall time on a day when the clocks change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// The clocks jump over it: the time that shows when they had not been moved was taken.
    Gap,
    /// It comes twice; the earlier was taken.
    Twice,
}

/// A wall time as an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Landed {
    /// The instant.
    pub at: DateTime<Utc>,
    /// What was decided, if there was something to decide.
    pub oddity: Option<Oddity>,
}

/// One time of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// Its number by the rule, from 0; exceptions count.
    pub number: usize,
    /// What the rule says, on the clock on the wall.
    pub wall: NaiveDateTime,
    /// When that is.
    pub landed: Landed,
}

/// A rule that ends.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Names in capitals, values in capitals, in the order in which they were given.
    parts: Vec<(String, String)>,
    until: Option<Moment>,
    /// The rule without its `UNTIL`.
    walked: RRule<Unvalidated>,
}

impl Rule {
    /// Reads a rule, with or without `RRULE:` before it.
    ///
    /// # Errors
    /// [`RuleError`]; what depends on the start is told by [`Rule::occurrences`].
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let parts = read_parts(text)?;
        let part =
            |name: &str| parts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        if !matches!(part("FREQ"), Some("DAILY" | "WEEKLY" | "MONTHLY" | "YEARLY")) {
            return Err(match part("FREQ") {
                None => RuleError::Syntax("FREQ is missing".to_owned()),
                Some(_) => RuleError::Frequency,
            });
        }
        let until = match part("UNTIL") {
            Some(text) => Some(Moment::compact(text).ok_or_else(|| {
                RuleError::Syntax(
                    "UNTIL must be such as 20270331, 20270331T100000 or 20270331T080000Z".to_owned(),
                )
            })?),
            None => None,
        };
        match (part("COUNT"), &until) {
            (Some(_), Some(_)) => return Err(RuleError::TwoEnds),
            (None, None) => return Err(RuleError::Endless),
            (Some(count), None) => check_count(count)?,
            (None, Some(_)) => {}
        }
        let walked = joined(parts.iter().filter(|(name, _)| name != "UNTIL"));
        let walked =
            walked.parse().map_err(|error: rrule::RRuleError| RuleError::Syntax(error.to_string()))?;
        Ok(Self { parts, until, walked })
    }

    /// The rule as text.
    #[must_use]
    pub fn text(&self) -> String {
        joined(self.parts.iter())
    }

    /// Every time of the rule from `start` on, a wall time in `zone` that must itself be one of them.
    ///
    /// # Errors
    /// [`RuleError`].
    pub fn occurrences<Z: TimeZone>(
        &self,
        start: NaiveDateTime,
        zone: &Z,
    ) -> Result<Vec<Occurrence>, RuleError> {
        let horizon = self.until.map_or(NaiveDateTime::MAX, Moment::horizon);
        let walls = self.walls(start, horizon, OCCURRENCES_MAX + 1)?;
        let mut found: Vec<Occurrence> = walls
            .into_iter()
            .zip(0..)
            .map(|(wall, number)| Occurrence { number, wall, landed: land(wall, zone) })
            .collect();
        if let Some(until) = self.until {
            found.retain(|occurrence| until.not_before(occurrence));
        }
        match found.first() {
            None => Err(RuleError::EndsBeforeStart),
            Some(first) if first.wall != start => Err(RuleError::StartOutside(first.wall)),
            _ if found.len() > OCCURRENCES_MAX => Err(RuleError::TooMany),
            _ => Ok(found),
        }
    }

    /// The wall times up to `horizon`, `most` at most. The walk ends with the last year that a
    /// booking may lie in, or where the crate gives up, so that no rule keeps anybody busy.
    fn walls(
        &self,
        start: NaiveDateTime,
        horizon: NaiveDateTime,
        most: usize,
    ) -> Result<Vec<NaiveDateTime>, RuleError> {
        if horizon < start {
            return Err(RuleError::EndsBeforeStart);
        }
        let first = Walked::UTC.from_utc_datetime(&start);
        let rule = self.walked.clone().validate(first);
        let rule = rule.map_err(|error| RuleError::Syntax(error.to_string()))?;
        let set = RRuleSet::new(first).rrule(rule).limit();
        let mut walls = Vec::new();
        let mut never = true;
        for wall in set.into_iter().map(|at| at.naive_utc()).take(most) {
            never = false;
            if wall > horizon {
                break;
            }
            if wall.year() > YEAR_MAX {
                return Err(RuleError::TooFar);
            }
            walls.push(wall);
        }
        let wanted = self.walked.get_count().and_then(|count| usize::try_from(count).ok());
        match wanted {
            _ if never => Err(RuleError::Never),
            // The walk gave up on the way to the next one.
            Some(count) if walls.len() < count.min(most) => Err(RuleError::TooFar),
            _ => Ok(walls),
        }
    }
}

/// The instant of a wall time that belongs to a series.
///
/// A single booking in a gap is refused; of a series nobody wants the whole year refused for one night, so the
/// time is read with the offset before the gap (RFC 5545, 3.3.5): half past two becomes half past three.
pub fn land<Z: TimeZone>(wall: NaiveDateTime, zone: &Z) -> Landed {
    match schedule::resolve(wall, zone) {
        Some(found) => Landed { at: found.at, oddity: found.twice.then_some(Oddity::Twice) },
        None => Landed { at: across_gap(wall, zone), oddity: Some(Oddity::Gap) },
    }
}

/// Goes back to a time before the gap, and from there on as if the clocks had not been moved.
fn across_gap<Z: TimeZone>(wall: NaiveDateTime, zone: &Z) -> DateTime<Utc> {
    let mut back = GAP_STEP;
    while back <= GAP_MAX {
        match zone.from_local_datetime(&(wall - back)) {
            LocalResult::Single(at) | LocalResult::Ambiguous(_, at) => return at.with_timezone(&Utc) + back,
            LocalResult::None => back += GAP_STEP,
        }
    }
    wall.and_utc()
}

fn read_parts(text: &str) -> Result<Vec<(String, String)>, RuleError> {
    let syntax = |what: String| Err(RuleError::Syntax(what));
    if !text.is_ascii() {
        return syntax("it has letters that no rule has".to_owned());
    }
    let text = text.trim().to_ascii_uppercase();
    let text = text.strip_prefix("RRULE:").unwrap_or(&text);
    let mut parts: Vec<(String, String)> = Vec::new();
    for part in text.split(';') {
        let Some((name, value)) = part.split_once('=') else {
            return syntax(format!("`{part}` is not NAME=VALUE"));
        };
        if !PARTS.contains(&name) {
            return syntax(format!("`{name}` is no part of a rule"));
        }
        if parts.iter().any(|(known, _)| known == name) {
            return syntax(format!("{name} is there twice"));
        }
        if value.is_empty()
            || !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-,".contains(&byte))
        {
            return syntax(format!("{name} has no value that could be read"));
        }
        parts.push((name.to_owned(), value.to_owned()));
    }
    Ok(parts)
}

fn check_count(count: &str) -> Result<(), RuleError> {
    match count.parse::<u64>() {
        Ok(0) => Err(RuleError::Never),
        Ok(count) if count > OCCURRENCES_MAX as u64 => Err(RuleError::TooMany),
        Ok(_) => Ok(()),
        // More digits than a number has are too many as well.
        Err(_) if count.bytes().all(|byte| byte.is_ascii_digit()) => Err(RuleError::TooMany),
        Err(_) => Err(RuleError::Syntax("COUNT must be a whole number".to_owned())),
    }
}

fn joined<'a>(parts: impl Iterator<Item = &'a (String, String)>) -> String {
    parts.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(";")
}
