//! Bookings and what Zoom has to know of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

/// How many characters of a topic Zoom keeps (`zoom` API reference, create a meeting: `topic`).
pub const TOPIC_CHARS_MAX: usize = 200;

/// How many characters of an agenda Zoom keeps (create a meeting: `agenda`); lists show the first 250.
pub const AGENDA_CHARS_MAX: usize = 2000;

/// Where a booking stands: `requested → confirmed → in_progress → completed | no_show`, `cancelled` before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentStatus {
    /// Asked for, not agreed: has no Zoom meeting yet.
    Requested,
    /// Agreed: has, or will have, a Zoom meeting.
    Confirmed,
    /// Its meeting runs.
    InProgress,
    /// Its meeting has ended.
    Completed,
    /// Nobody came.
    NoShow,
    /// Called off.
    Cancelled,
}

impl AppointmentStatus {
    /// The word used in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Confirmed => "confirmed",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::NoShow => "no_show",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word back; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Requested, Self::Confirmed, Self::InProgress, Self::Completed, Self::NoShow, Self::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == word)
    }

    /// Nothing follows any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::NoShow | Self::Cancelled)
    }

    /// A Zoom meeting should exist.
    #[must_use]
    pub fn wants_meeting(self) -> bool {
        matches!(self, Self::Confirmed | Self::InProgress)
    }
}

/// What Zoom is told of a meeting: the fields that are ours (the schedule and the words, not the credentials).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeetingSpec {
    /// The topic, at most [`TOPIC_CHARS_MAX`] characters.
    pub topic: String,
    /// The agenda, headed by the marker by which an unknown create is found again.
    pub agenda: String,
    /// The planned start.
    pub start: DateTime<Utc>,
    /// The planned length in minutes, 1 to 1440.
    pub duration_minutes: i64,
    /// The IANA zone that Zoom shows the start in.
    pub timezone: String,
    /// Zoom's meeting settings by their own names (`waiting_room`, `join_before_host`, …).
    #[serde(default)]
    pub settings: BTreeMap<String, serde_json::Value>,
}

impl MeetingSpec {
    /// The planned end.
    #[must_use]
    pub fn end(&self) -> DateTime<Utc> {
        self.start + Duration::minutes(self.duration_minutes)
    }
}

/// Puts the marker at the head of the agenda and keeps the whole within Zoom's limit.
///
/// The head survives the cut to 250 characters that Zoom's lists make, so a listed meeting still shows it.
#[must_use]
pub fn marked_agenda(marker: &str, description: &str) -> String {
    let mut agenda = format!("[{marker}]");
    if !description.is_empty() {
        agenda.push(' ');
        agenda.push_str(description);
    }
    truncate_chars(&agenda, AGENDA_CHARS_MAX)
}

/// At most `max` characters of `text`, cut at a character's edge.
#[must_use]
pub fn truncate_chars(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::marker::Marker;

    #[test]
    fn the_marker_survives_the_cut_that_lists_make() {
        let agenda = marked_agenda("convened:0123456789ab", &"long ".repeat(1000));
        assert_eq!(agenda.chars().count(), AGENDA_CHARS_MAX);
        assert_eq!(Marker::at_head_of(&truncate_chars(&agenda, 250)).unwrap().id, "0123456789ab");
    }

    #[test]
    fn every_status_reads_back() {
        for word in ["requested", "confirmed", "in_progress", "completed", "no_show", "cancelled"] {
            assert_eq!(AppointmentStatus::parse(word).map(AppointmentStatus::as_str), Some(word));
        }
        assert_eq!(AppointmentStatus::parse("done"), None);
    }
}
