//! What is known after a meeting: instances, details, and who was there.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::lenient;

/// The ended instances of a meeting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastInstances {
    /// One for each run.
    #[serde(default, deserialize_with = "lenient::those_readable")]
    pub meetings: Vec<PastInstance>,
}

/// One ended instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastInstance {
    /// The instance's UUID.
    pub uuid: String,
    /// When it began.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::time",
        serialize_with = "lenient::write_time"
    )]
    pub start_time: Option<DateTime<Utc>>,
}

/// The details of one past instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastMeeting {
    /// The instance's UUID.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub uuid: Option<String>,
    /// The meeting number.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::number")]
    pub id: Option<u64>,
    /// The host's user id.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub host_id: Option<String>,
    /// The meeting's type.
    #[serde(
        default,
        rename = "type",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::integer"
    )]
    pub kind: Option<i64>,
    /// The title.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub topic: Option<String>,
    /// The host's name.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub user_name: Option<String>,
    /// The host's address.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub user_email: Option<String>,
    /// When it began.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::time",
        serialize_with = "lenient::write_time"
    )]
    pub start_time: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::time",
        serialize_with = "lenient::write_time"
    )]
    pub end_time: Option<DateTime<Utc>>,
    /// In minutes; 0 while Zoom is still counting.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::integer")]
    pub duration: Option<i64>,
    /// Minutes of all participants together.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::integer")]
    pub total_minutes: Option<i64>,
    /// How many were there.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::integer")]
    pub participants_count: Option<i64>,
}

/// The report of one past instance: the same fields.
pub type ReportMeeting = PastMeeting;

/// One stay of one device, as the report tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReportParticipant {
    /// The user id of a signed-in member of the account.
    #[serde(default, deserialize_with = "lenient::text", serialize_with = "lenient::write_text")]
    pub id: Option<String>,
    /// The number of this join within the instance.
    #[serde(default, deserialize_with = "lenient::text", serialize_with = "lenient::write_text")]
    pub user_id: Option<String>,
    /// As `id`, for signed-in users.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub participant_user_id: Option<String>,
    /// The name shown.
    #[serde(default, deserialize_with = "lenient::text", serialize_with = "lenient::write_text")]
    pub name: Option<String>,
    /// The address; nothing for guests.
    #[serde(default, deserialize_with = "lenient::text", serialize_with = "lenient::write_text")]
    pub user_email: Option<String>,
    /// The registrant, when `include_fields=registrant_id` was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub registrant_id: Option<String>,
    /// The Meeting SDK's key.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub customer_key: Option<String>,
    /// The breakout room of this stay.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub bo_mtg_id: Option<String>,
    /// When it began.
    #[serde(default, deserialize_with = "lenient::time", serialize_with = "lenient::write_time")]
    pub join_time: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default, deserialize_with = "lenient::time", serialize_with = "lenient::write_time")]
    pub leave_time: Option<DateTime<Utc>>,
    /// In seconds; 0 where Zoom did not say.
    #[serde(default, deserialize_with = "lenient::count")]
    pub duration: i64,
    /// Whether Zoom moved the person to another server meanwhile.
    #[serde(default, deserialize_with = "lenient::flag")]
    pub failover: bool,
    /// `in_meeting` or `in_waiting_room`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub status: Option<String>,
}

/// One stay, as "past meeting participants" tells it: the same fields, some of them missing.
pub type PastParticipant = ReportParticipant;

/// A page of the report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportParticipantPage {
    /// How many pages there are.
    #[serde(default, deserialize_with = "lenient::count")]
    pub page_count: i64,
    /// How many a page holds.
    #[serde(default, deserialize_with = "lenient::count")]
    pub page_size: i64,
    /// How many there are in all; 0 where Zoom did not say.
    #[serde(default, deserialize_with = "lenient::count")]
    pub total_records: i64,
    /// The next page; nothing on the last.
    #[serde(default, deserialize_with = "lenient::text", serialize_with = "lenient::write_text")]
    pub next_page_token: Option<String>,
    /// The stays; `None` for an entry that is none. A page without a list is no page.
    #[serde(deserialize_with = "lenient::entries")]
    pub participants: Vec<Option<ReportParticipant>>,
}

/// A page of "past meeting participants".
pub type PastParticipantPage = ReportParticipantPage;

#[cfg(test)]
mod tests;
