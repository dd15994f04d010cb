//! The script of a class: who does what when, written as a person would say it.
//!
//! ```toml
//! meeting = "81234567890"
//! host_ends = ["45m"]
//!
//! [[persons]]
//! name = "Grace Hopper"
//! role = "host"
//! devices = [["-2m join"]]
//!
//! [[persons]]
//! name = "Ada Lovelace"
//! registrant_id = "bqFnvTWYQ6qgWPhTUAoNqA"
//! devices = [["-4m wait", "1m admit", "20m die", "20m30s join"], ["5m join", "9m leave"]]
//! ```
//!
//! Times count from the planned start, in whole seconds, because Zoom's reports know nothing finer.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::mischief::Mischief;
use super::stays;
use crate::clock::Instant;

/// How long Zoom takes to notice a connection that died, unless the script says otherwise.
const NOTICED_AFTER_SECS: i64 = 75;
/// How far from the planned start a script may reach, either way.
const REACH_SECS: i64 = 7 * 24 * 3600;
/// How many persons a script may have.
const PERSONS_MAX: usize = 5_000;
/// How many moves one device may make.
const MOVES_MAX: usize = 500;

/// A class as it will happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timetable {
    /// The meeting's number.
    pub meeting: String,
    /// When and how long the class was planned; as the meeting is booked at the account, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<Planned>,
    /// Decides every identifier and every accident: the same seed plays the same class.
    #[serde(default)]
    pub seed: u64,
    /// Plays at once instead of in the clock's time; the payloads still carry the scripted times.
    #[serde(default)]
    pub instant: bool,
    /// When the host ends the meeting for everybody. Whoever joins afterwards starts a new instance.
    #[serde(default)]
    pub host_ends: Vec<Offset>,
    /// Whether `meeting.ended` overtakes the last `participant_left`; two times in three, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_first: Option<bool>,
    /// Who comes.
    #[serde(default)]
    pub persons: Vec<Person>,
    /// What goes wrong with this class's webhooks.
    #[serde(default)]
    pub delivery: Mischief,
}

/// The planned time of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// The planned start.
    pub start: Instant,
    /// The planned length in minutes.
    pub duration: u32,
}

/// Someone who comes to the class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name shown in the meeting.
    pub name: String,
    /// The e-mail address, which Zoom shows only of registrants and of users of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The Zoom user, when signed in to this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zoom_user_id: Option<String>,
    /// The registration, when the personal link was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registrant_id: Option<String>,
    /// The key given by an SDK client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_key: Option<String>,
    /// Host or attendee.
    #[serde(default)]
    pub role: Role,
    /// One list of moves for each device.
    #[serde(default)]
    pub devices: Vec<Vec<Move>>,
}

impl Person {
    /// The e-mail address as Zoom shows it: empty for guests who did not register.
    pub(super) fn shown_email(&self) -> &str {
        let known = self.zoom_user_id.is_some() || self.registrant_id.is_some();
        self.email.as_deref().filter(|_| known).unwrap_or_default()
    }
}

/// What someone is in the meeting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Opens the meeting; not marked.
    Host,
    /// Is marked.
    #[default]
    Attendee,
}

/// Seconds from the planned start, written like `-5m`, `0s` or `12m30s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Offset(pub i64);

/// One thing a device does, written like `12m30s leave`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Move {
    /// When.
    pub at: Offset,
    /// What.
    pub act: Act,
}

/// What a device can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Comes to the waiting room, from outside or put back there by the host.
    Wait,
    /// Is let in from the waiting room.
    Admit,
    /// Comes straight into the meeting.
    Join,
    /// Goes to a breakout room.
    Breakout(String),
    /// Returns from the breakout room.
    Return,
    /// Leaves altogether.
    Leave,
    /// Loses its connection, which Zoom notices only later; it may join again before that.
    Die {
        /// Seconds until Zoom notices.
        noticed_after: i64,
    },
}

/// Why a timetable cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimetableError {
    /// Not a time.
    #[error("`{0}` is not a time like -5m, 0s or 12m30s within a week of the start")]
    Offset(String),
    /// Not a move.
    #[error("`{0}` is not a move like `1m admit`, `5m breakout Blue` or `20m die 75s`")]
    Move(String),
    /// A move that nobody can make where they are.
    #[error("{person}, device {device}: `{action}` cannot be done: {reason}")]
    Impossible {
        /// Whose move.
        person: String,
        /// On which device, from 1.
        device: usize,
        /// The move.
        action: String,
        /// What stands in the way.
        reason: &'static str,
    },
    /// Two persons that nobody could tell apart in the answers.
    #[error("two persons are called `{0}`: give them e-mail addresses or registrant ids that differ")]
    Indistinct(String),
    /// A limit of the simulation.
    #[error("too many {0}")]
    TooMany(&'static str),
    /// A probability outside 0 to 1.
    #[error("{0} is a probability, from 0 to 1")]
    Probability(&'static str),
}

impl Timetable {
    /// Checks everything that can be checked without the meeting.
    ///
    /// # Errors
    /// Returns the first fault.
    pub fn check(&self) -> Result<(), TimetableError> {
        if self.persons.len() > PERSONS_MAX {
            return Err(TimetableError::TooMany("persons"));
        }
        if self.persons.iter().flat_map(|person| &person.devices).any(|moves| moves.len() > MOVES_MAX) {
            return Err(TimetableError::TooMany("moves of one device"));
        }
        let mut seen = BTreeSet::new();
        if let Some(twin) =
            self.persons.iter().find(|p| !seen.insert((&p.name, &p.email, &p.registrant_id, &p.zoom_user_id)))
        {
            return Err(TimetableError::Indistinct(twin.name.clone()));
        }
        self.delivery.check()?;
        stays::of_class(self).map(drop)
    }

    /// The class as it becomes when the host ends the meeting and nobody comes back.
    #[must_use]
    pub(super) fn ended_at(mut self, end: Offset) -> Self {
        self.host_ends.retain(|earlier| *earlier < end);
        self.host_ends.push(end);
        for device in self.persons.iter_mut().flat_map(|person| &mut person.devices) {
            device.retain(|action| action.at < end);
        }
        self
    }
}

impl FromStr for Offset {
    type Err = TimetableError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = || TimetableError::Offset(text.to_owned());
        let (sign, span) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let span = humantime::parse_duration(span).map_err(|_| fault())?;
        let secs = i64::try_from(span.as_secs()).map_err(|_| fault())?;
        if span.subsec_nanos() != 0 || secs > REACH_SECS {
            return Err(fault());
        }
        Ok(Self(sign * secs))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let span = humantime::format_duration(Duration::from_secs(self.0.unsigned_abs())).to_string();
        write!(f, "{sign}{}", span.replace(' ', ""))
    }
}

impl FromStr for Move {
    type Err = TimetableError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = || TimetableError::Move(text.to_owned());
        let (at, rest) = text.trim().split_once(' ').ok_or_else(fault)?;
        let (verb, detail) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        let act = match (verb, detail.trim()) {
            ("wait", "") => Act::Wait,
            ("admit", "") => Act::Admit,
            ("join", "") => Act::Join,
            ("return", "") => Act::Return,
            ("leave", "") => Act::Leave,
            ("breakout", room) if !room.is_empty() => Act::Breakout(room.to_owned()),
            ("die", "") => Act::Die { noticed_after: NOTICED_AFTER_SECS },
            ("die", span) => Act::Die { noticed_after: span.parse::<Offset>()?.0.max(1) },
            _ => return Err(fault()),
        };
        Ok(Self { at: at.parse()?, act })
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match &self.act {
            Act::Wait => write!(f, "{at} wait"),
            Act::Admit => write!(f, "{at} admit"),
            Act::Join => write!(f, "{at} join"),
            Act::Breakout(room) => write!(f, "{at} breakout {room}"),
            Act::Return => write!(f, "{at} return"),
            Act::Leave => write!(f, "{at} leave"),
            Act::Die { noticed_after } => write!(f, "{at} die {}", Offset(*noticed_after)),
        }
    }
}

impl TryFrom<String> for Offset {
    type Error = TimetableError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<String> for Move {
    type Error = TimetableError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Offset> for String {
    fn from(offset: Offset) -> Self {
        offset.to_string()
    }
}

impl From<Move> for String {
    fn from(action: Move) -> Self {
        action.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASS: &str = r#"
        meeting = "81234567890"
        host_ends = ["45m"]

        [[persons]]
        name = "Grace"
        role = "host"
        devices = [["-2m join"]]

        [[persons]]
        name = "Ada"
        devices = [["-4m wait", "1m admit", "20m die", "20m30s join", "30m breakout Blue Room", "40m return"]]
    "#;

    #[test]
    fn a_class_reads_like_a_script_and_survives_being_written_as_json() {
        let class: Timetable = toml::from_str(CLASS).unwrap();
        class.check().unwrap();
        let ada = &class.persons[1].devices[0];
        assert_eq!(ada[0], Move { at: Offset(-240), act: Act::Wait });
        assert_eq!(ada[2], Move { at: Offset(1200), act: Act::Die { noticed_after: 75 } });
        assert_eq!(ada[4].act, Act::Breakout("Blue Room".to_owned()));
        let json = serde_json::to_string(&class).unwrap();
        assert_eq!(serde_json::from_str::<Timetable>(&json).unwrap(), class);
    }

    #[test]
    fn every_fault_is_named() {
        for bad in ["", "5m", "5m fly", "soon join", "1.5s join", "5m breakout", "9000h join", "5m join now"]
        {
            assert!(bad.parse::<Move>().is_err(), "{bad}");
        }
        let class = CLASS.replace("-2m join", "-2m admit");
        let fault = toml::from_str::<Timetable>(&class).unwrap().check().unwrap_err();
        assert!(fault.to_string().starts_with("Grace, device 1: `-2m admit`"), "{fault}");
        let class = CLASS.replace("name = \"Ada\"", "name = \"Grace\"");
        assert_eq!(
            toml::from_str::<Timetable>(&class).unwrap().check(),
            Err(TimetableError::Indistinct("Grace".to_owned()))
        );
        assert!(toml::from_str::<Timetable>(&CLASS.replace("devices", "gadgets")).is_err());
    }
}
