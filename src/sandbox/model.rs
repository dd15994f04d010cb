//! What the simulated account holds: users, meetings, registrants, instances, recordings.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Instant;
use crate::zoom::wire;

/// One stay of one device in the report, as Zoom will tell it.
pub type ReportRow = wire::ReportParticipant;

/// Licence type "Basic": forty minutes, no registration, no cloud recording.
pub const BASIC: i64 = 1;
/// Licence type "Licensed".
pub const LICENSED: i64 = 2;

/// The account's plan, which decides its limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// No registration, no reports.
    Free,
    /// Paid, smaller limits.
    Pro,
    /// Business, Education, Enterprise.
    #[default]
    Business,
}

/// Whether a user can be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserStatus {
    /// Can host.
    #[default]
    Active,
    /// Deactivated: has lost its licences.
    Inactive,
    /// Invited, has not accepted.
    Pending,
}

impl UserStatus {
    /// As the API writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Pending => "pending",
        }
    }
}

/// A user of the account.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SandboxUser {
    /// The user id; hidden from lists while pending.
    pub id: String,
    /// The address.
    pub email: String,
    /// The given name.
    pub first_name: String,
    /// The family name.
    pub last_name: String,
    /// The name shown in meetings.
    pub display_name: String,
    /// 1 Basic, 2 Licensed, 4 unassigned, 99 none.
    #[serde(rename = "type")]
    pub kind: i64,
    /// Whether the user can be used.
    pub status: UserStatus,
    /// The user's zone.
    pub timezone: String,
    /// The personal meeting number.
    pub pmi: u64,
    /// When it was created.
    pub created_at: Instant,
    /// What was set through the settings endpoint, laid over the defaults.
    pub settings: Map<String, Value>,
    /// Every other field a patch has set.
    pub profile: Map<String, Value>,
}

/// How far a registration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistrantStatus {
    /// May join.
    Approved,
    /// Waits for the host.
    Pending,
    /// Was refused.
    Denied,
    /// Was taken back; appears in no list.
    Cancelled,
}

impl RegistrantStatus {
    /// As the API writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One registration.
#[derive(Debug, Clone, Serialize)]
pub struct SandboxRegistrant {
    /// The registrant's id.
    pub id: String,
    /// The address.
    pub email: String,
    /// The given name.
    pub first_name: String,
    /// The family name.
    pub last_name: String,
    /// How far it is.
    pub status: RegistrantStatus,
    /// When it was made.
    pub created_at: Instant,
    /// The personal link; told only when approved.
    pub join_url: String,
    /// The PIN for telephones.
    pub pin: u64,
    /// The other answers of the form.
    pub answers: Map<String, Value>,
}

/// One planned run of a recurring meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Occurrence {
    /// The start in epoch milliseconds, as text.
    pub occurrence_id: String,
    /// When it starts.
    pub start_time: Instant,
    /// In minutes.
    pub duration: i64,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// A meeting, deleted ones included: the ground truth.
#[derive(Debug, Clone, Serialize)]
pub struct SandboxMeeting {
    /// The meeting number.
    pub number: u64,
    /// The UUID of the running, else of the next instance.
    pub uuid: String,
    /// The host's user id.
    pub host_id: String,
    /// The title.
    pub topic: String,
    /// 1 instant, 2 scheduled, 3 and 8 recurring.
    #[serde(rename = "type")]
    pub kind: i64,
    /// The planned start.
    pub start: Instant,
    /// In minutes.
    pub duration: i64,
    /// The zone the start is shown in.
    pub timezone: String,
    /// The description.
    pub agenda: String,
    /// The passcode; empty for none.
    pub password: String,
    /// The passcode as it stands in the join link.
    pub encrypted_password: String,
    /// The settings as Zoom would answer them.
    pub settings: Map<String, Value>,
    /// The recurrence as given.
    pub recurrence: Option<Value>,
    /// The planned runs of type 8.
    pub occurrences: Vec<Occurrence>,
    /// The tracking fields as given.
    pub tracking_fields: Option<Value>,
    /// When it was created.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
    /// When it was deleted.
    pub deleted_at: Option<Instant>,
    /// From when lists show it.
    pub listed_from: Instant,
    /// The registrations, cancelled ones included.
    pub registrants: Vec<SandboxRegistrant>,
    /// The UUID of the running instance.
    pub live: Option<String>,
    /// The UUIDs of all instances, the oldest first.
    pub instances: Vec<String>,
}

impl SandboxMeeting {
    /// Whether people must register.
    #[must_use]
    pub fn registration_on(&self) -> bool {
        matches!(self.setting("approval_type").and_then(Value::as_i64), Some(0 | 1))
    }

    /// One setting.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&Value> {
        self.settings.get(name)
    }

    /// The planned end.
    #[must_use]
    pub fn end(&self) -> Instant {
        let last = self.occurrences.iter().filter(|one| !one.deleted).map(|one| one.start_time).max();
        last.unwrap_or(self.start) + chrono::Duration::minutes(self.duration)
    }

    /// Whether Zoom has dropped the number: an instant meeting at its end, a one-time meeting thirty days after
    /// its date, a recurring one after a year.
    #[must_use]
    pub fn expired(&self, now: Instant) -> bool {
        if self.live.is_some() {
            return false;
        }
        match self.kind {
            1 => !self.instances.is_empty(),
            3 => now > self.start + chrono::Duration::days(365),
            _ => now > self.end() + chrono::Duration::days(30),
        }
    }
}

/// One run of a meeting.
#[derive(Debug, Clone, Serialize)]
pub struct SandboxInstance {
    /// The instance's UUID.
    pub uuid: String,
    /// The meeting number.
    pub number: u64,
    /// The host's user id.
    pub host_id: String,
    /// The title at the time.
    pub topic: String,
    /// The meeting's type.
    #[serde(rename = "type")]
    pub kind: i64,
    /// When it began.
    pub started: Instant,
    /// When it ended; nothing while it runs.
    pub ended: Option<Instant>,
    /// Who was there.
    pub report: Vec<ReportRow>,
    /// The files of its cloud recording.
    pub recordings: Vec<SandboxRecording>,
}

/// One file of a cloud recording; its bytes follow from its id.
#[derive(Debug, Clone, Serialize)]
pub struct SandboxRecording {
    /// The file's id.
    pub id: String,
    /// `MP4`, `M4A`, `CHAT` …
    pub file_type: String,
    /// `shared_screen_with_speaker_view`, `audio_only` …
    pub recording_type: String,
    /// In bytes.
    pub file_size: u64,
    /// When it begins.
    pub start: Instant,
    /// When it ends.
    pub end: Instant,
    /// Whether it lies in the trash.
    pub trashed: bool,
}

/// Where events are sent and how they are signed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The receiver; nothing is sent without one.
    pub url: Option<String>,
    /// The secret token.
    pub secret: String,
}
