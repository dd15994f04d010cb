//! Meetings: what a caller may ask for and what Zoom answers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient;

/// The body of "create a meeting".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MeetingRequest {
    /// At most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// 1 instant, 2 scheduled, 3 and 8 recurring.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<i64>,
    /// The planned start.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::time",
        serialize_with = "lenient::write_time"
    )]
    pub start_time: Option<DateTime<Utc>>,
    /// In minutes, 1 to 1440.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// The zone the start is shown in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The passcode, at most ten characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Whether Zoom makes a passcode when none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_password: Option<bool>,
    /// At most 2,000 characters; lists show 250.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agenda: Option<String>,
    /// Another user to schedule for, by id or address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_for: Option<String>,
    /// Only for type 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Value>,
    /// The settings to change; the rest follows the user's defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<MeetingSettings>,
}

/// The body of "update a meeting": the same fields, only those to change.
pub type MeetingPatch = MeetingRequest;

/// The settings the daemon knows by name; every other is passed on as it came.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MeetingSettings {
    /// 0 automatic registration, 1 by hand, 2 none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_type: Option<i64>,
    /// Whether people may enter before the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_before_host: Option<bool>,
    /// How many minutes before the start: 0 any time, 5, 10, 15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jbh_time: Option<i64>,
    /// Whether people wait for admission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_room: Option<bool>,
    /// Whether people enter muted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mute_upon_entry: Option<bool>,
    /// Whether the host's camera starts on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_video: Option<bool>,
    /// Whether the participants' cameras start on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant_video: Option<bool>,
    /// `local`, `cloud` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_recording: Option<String>,
    /// Addresses separated by semicolons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative_hosts: Option<String>,
    /// Whether only signed-in users may join.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meeting_authentication: Option<bool>,
    /// Whether Zoom mails registrants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registrants_email_notification: Option<bool>,
    /// Whether Zoom mails registrants a confirmation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registrants_confirmation_email: Option<bool>,
    /// Whether a registrant may join from several devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_multiple_devices: Option<bool>,
    /// Every other setting.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A meeting as Zoom tells it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Meeting {
    /// The UUID of the present or next instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// The meeting number.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::number")]
    pub id: Option<u64>,
    /// The host's user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_id: Option<String>,
    /// The host's address; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_email: Option<String>,
    /// The title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// 1 instant, 2 scheduled, 3 and 8 recurring.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<i64>,
    /// `waiting` or `started`; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The planned start.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::time",
        serialize_with = "lenient::write_time"
    )]
    pub start_time: Option<DateTime<Utc>>,
    /// In minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<i64>,
    /// The zone the start is shown in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The description, cut to 250 characters in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agenda: Option<String>,
    /// When it was created.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::time",
        serialize_with = "lenient::write_time"
    )]
    pub created_at: Option<DateTime<Utc>>,
    /// Where the host starts it; a credential that lives two hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_url: Option<String>,
    /// Where everybody joins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_url: Option<String>,
    /// The passcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The passcode as it stands in `join_url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_password: Option<String>,
    /// Where people register, when registration is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_url: Option<String>,
    /// The settings; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<MeetingSettings>,
    /// Every other field.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A page of a host's meetings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MeetingPage {
    /// How many a page holds.
    #[serde(default)]
    pub page_size: i64,
    /// How many there are in all.
    #[serde(default)]
    pub total_records: i64,
    /// The next page; nothing on the last.
    #[serde(default, deserialize_with = "lenient::text", serialize_with = "lenient::write_text")]
    pub next_page_token: Option<String>,
    /// The meetings.
    #[serde(default)]
    pub meetings: Vec<Meeting>,
}

/// The body of "update a meeting's status" and "update a user's status".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChange {
    /// `end` or `recover` for meetings, `activate` or `deactivate` for users.
    pub action: String,
}
