//! Cloud recordings.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::lenient;

/// The recordings of one instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedMeeting {
    /// The instance's UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// The meeting number.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::number")]
    pub id: Option<u64>,
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The host's user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_id: Option<String>,
    /// The title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The meeting's type: a number in real answers, a text in the OpenAPI.
    #[serde(
        default,
        rename = "type",
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::text"
    )]
    pub kind: Option<String>,
    /// When the instance began; can be that of another occurrence.
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
    /// In bytes, all files together.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::number")]
    pub total_size: Option<u64>,
    /// How many files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_count: Option<i64>,
    /// A token for downloads, when asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_access_token: Option<String>,
    /// The files.
    #[serde(default)]
    pub recording_files: Vec<RecordingFile>,
}

/// One file of a recording.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingFile {
    /// The file's id.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub id: Option<String>,
    /// The instance's UUID, not the number.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub meeting_id: Option<String>,
    /// When it begins.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::time",
        serialize_with = "lenient::write_time"
    )]
    pub recording_start: Option<DateTime<Utc>>,
    /// When it ends; nothing while it runs.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::time",
        serialize_with = "lenient::write_time"
    )]
    pub recording_end: Option<DateTime<Utc>>,
    /// `MP4`, `M4A`, `CHAT`, `TIMELINE` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_type: Option<String>,
    /// `MP4`, `M4A` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_extension: Option<String>,
    /// In bytes.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::number")]
    pub file_size: Option<u64>,
    /// Where to watch it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub play_url: Option<String>,
    /// Where to fetch it, with a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download_url: Option<String>,
    /// `completed` or `processing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `shared_screen_with_speaker_view`, `audio_only` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_type: Option<String>,
}

/// A page of a user's recordings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedMeetingPage {
    /// The first day looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The last day looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How many pages there are.
    #[serde(default)]
    pub page_count: i64,
    /// How many a page holds.
    #[serde(default)]
    pub page_size: i64,
    /// How many there are in all.
    #[serde(default)]
    pub total_records: i64,
    /// The next page; nothing on the last.
    #[serde(default, deserialize_with = "lenient::text", serialize_with = "lenient::write_text")]
    pub next_page_token: Option<String>,
    /// One for each recorded instance.
    #[serde(default)]
    pub meetings: Vec<RecordedMeeting>,
}
