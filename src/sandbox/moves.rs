//! What the people of a class do, one move at a time, written as a person would say it: `12m30s leave`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::timetable::TimetableError;

/// How long Zoom takes to notice a connection that died, unless the script says otherwise.
const NOTICED_AFTER_SECS: i64 = 75;
/// How far from the planned start a script may reach, either way.
const REACH_SECS: i64 = 7 * 24 * 3600;

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
    /// What becomes of its webhooks.
    pub told: Told,
}

/// What becomes of the webhooks of one move, beside the accidents that happen to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Told {
    /// They leave Zoom as they should.
    #[default]
    Normally,
    /// They are never sent.
    Never,
    /// They are sent so many seconds late.
    Late(i64),
}

/// What a device can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Comes before the host, where nobody may join before the host: Zoom shows them "waiting for the host".
    Knock,
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

impl Move {
    /// A move whose webhooks leave Zoom as they should.
    #[must_use]
    pub fn new(at: Offset, act: Act) -> Self {
        Self { at, act, told: Told::Normally }
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
        let (text, told) = split_told(text.trim()).ok_or_else(fault)?;
        let (at, rest) = text.split_once(' ').ok_or_else(fault)?;
        let (verb, detail) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        let act = match (verb, detail.trim()) {
            ("knock", "") => Act::Knock,
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
        Ok(Self { at: at.parse()?, act, told })
    }
}

/// Takes `(unheard)` or `(3h late)` off the end of a move; `None` when it is neither.
fn split_told(text: &str) -> Option<(&str, Told)> {
    let Some((text, note)) = text.strip_suffix(')').and_then(|text| text.rsplit_once(" (")) else {
        return Some((text, Told::Normally));
    };
    let told = match note.strip_suffix(" late") {
        Some(span) => Told::Late(span.parse::<Offset>().ok()?.0.max(0)),
        None if note == "unheard" => Told::Never,
        None => return None,
    };
    Some((text.trim_end(), told))
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match &self.act {
            Act::Knock => write!(f, "{at} knock"),
            Act::Wait => write!(f, "{at} wait"),
            Act::Admit => write!(f, "{at} admit"),
            Act::Join => write!(f, "{at} join"),
            Act::Breakout(room) => write!(f, "{at} breakout {room}"),
            Act::Return => write!(f, "{at} return"),
            Act::Leave => write!(f, "{at} leave"),
            Act::Die { noticed_after } => write!(f, "{at} die {}", Offset(*noticed_after)),
        }?;
        match self.told {
            Told::Normally => Ok(()),
            Told::Never => write!(f, " (unheard)"),
            Told::Late(secs) => write!(f, " ({} late)", Offset(secs)),
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
