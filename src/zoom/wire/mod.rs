//! Zoom's request and answer objects as they stand in its OpenAPI, shared by the client and the sandbox.
//!
//! Every field is optional and left out when unset: Zoom leaves fields out, sends `""` for "nothing", and
//! adds new ones at any time. Numbers and strings are accepted for identifiers alike.

mod lenient;
mod meeting;
mod past;
mod recording;
mod registrant;
mod user;

use serde::{Deserialize, Serialize};

pub use self::meeting::{Meeting, MeetingPage, MeetingPatch, MeetingRequest, MeetingSettings, StatusChange};
pub use self::past::{
    PastInstance, PastInstances, PastMeeting, PastParticipant, PastParticipantPage, ReportMeeting,
    ReportParticipant, ReportParticipantPage,
};
pub use self::recording::{RecordedMeeting, RecordedMeetingPage, RecordingFile};
pub use self::registrant::{
    BatchAdded, BatchRegistrant, BatchRequest, Registrant, RegistrantAdded, RegistrantPage,
    RegistrantRequest, RegistrantStatusChange, RegistrantTarget,
};
pub use self::user::{CreateUser, EmailChange, NewUser, User, UserPage, UserPatch, UserToken};

/// Zoom's error body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Zoom's own error number; the HTTP status alone does not tell errors apart.
    pub code: i64,
    /// The reason in words; some errors differ only here.
    #[serde(default)]
    pub message: String,
    /// The fields at fault, for error 300.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// One field at fault.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field's name.
    #[serde(default)]
    pub field: String,
    /// What is wrong with it.
    #[serde(default)]
    pub message: String,
}

/// The OAuth server's error body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthError {
    /// The reason in words.
    #[serde(default)]
    pub reason: String,
    /// The error's name (`invalid_client`, `invalid_grant` …).
    #[serde(default)]
    pub error: String,
}

/// A granted token.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenAnswer {
    /// The access token; opaque.
    pub access_token: String,
    /// `bearer`.
    #[serde(default)]
    pub token_type: String,
    /// The refresh token, for user grants only; it changes with every use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Seconds until the access token expires.
    pub expires_in: i64,
    /// What the token may do, separated by spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The API host to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
}

impl std::fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenAnswer").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}
