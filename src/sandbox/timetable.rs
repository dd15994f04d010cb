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
//! Times count from the planned start, in whole seconds, because Zoom's reports know nothing finer. A move may say what
//! becomes of its webhooks: `20m leave (unheard)` never tells of it, `20m leave (3h late)` tells of it late.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::mischief::Mischief;
pub use super::moves::{Act, Move, Offset, Told};
use super::stays;
use crate::clock::Instant;

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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The number of somebody who dials in by telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
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
        devices = [["-4m wait", "1m admit", "20m die", "20m30s join", "30m breakout Blue Room (2h late)",
            "40m return (unheard)"]]
    "#;

    #[test]
    fn a_class_reads_like_a_script_and_survives_being_written_as_json() {
        let class: Timetable = toml::from_str(CLASS).unwrap();
        class.check().unwrap();
        let ada = &class.persons[1].devices[0];
        assert_eq!(ada[0], Move { at: Offset(-240), act: Act::Wait, told: Told::Normally });
        assert_eq!(ada[2].act, Act::Die { noticed_after: 75 });
        assert_eq!((&ada[4].act, ada[4].told), (&Act::Breakout("Blue Room".to_owned()), Told::Late(7200)));
        assert_eq!((&ada[5].act, ada[5].told), (&Act::Return, Told::Never));
        let json = serde_json::to_string(&class).unwrap();
        assert_eq!(serde_json::from_str::<Timetable>(&json).unwrap(), class);
    }

    #[test]
    fn every_fault_is_named() {
        for bad in [
            "",
            "5m",
            "5m fly",
            "soon join",
            "1.5s join",
            "5m breakout",
            "9000h join",
            "5m join now",
            "5m join (x)",
        ] {
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
