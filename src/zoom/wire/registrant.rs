//! Registrants: one person's registration for a meeting, with a personal join link.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient;

/// The body of "add a meeting registrant".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RegistrantRequest {
    /// The address, at most 128 characters.
    pub email: String,
    /// The given name, at most 64 characters.
    pub first_name: String,
    /// The family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Whether to approve at once where approval is by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_approve: Option<bool>,
    /// Every other answer of the registration form.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The answer to "add a meeting registrant".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RegistrantAdded {
    /// The meeting number.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::number")]
    pub id: Option<u64>,
    /// The registrant's id.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub registrant_id: Option<String>,
    /// The meeting's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The meeting's start.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::time",
        serialize_with = "lenient::write_time"
    )]
    pub start_time: Option<DateTime<Utc>>,
    /// The personal link; absent until approved.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub join_url: Option<String>,
    /// The PIN for telephones.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::number")]
    pub participant_pin_code: Option<u64>,
}

/// A registrant as lists tell it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Registrant {
    /// The registrant's id.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub id: Option<String>,
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// The family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// `approved`, `pending` or `denied`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// When they registered.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::time",
        serialize_with = "lenient::write_time"
    )]
    pub create_time: Option<DateTime<Utc>>,
    /// The personal link; absent until approved.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub join_url: Option<String>,
    /// The PIN for telephones.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::number")]
    pub participant_pin_code: Option<u64>,
    /// Every other answer of the registration form.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A page of registrants.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RegistrantPage {
    /// How many a page holds.
    #[serde(default)]
    pub page_size: i64,
    /// How many there are in all.
    #[serde(default)]
    pub total_records: i64,
    /// The next page; nothing on the last.
    #[serde(default, deserialize_with = "lenient::text", serialize_with = "lenient::write_text")]
    pub next_page_token: Option<String>,
    /// The registrants.
    #[serde(default)]
    pub registrants: Vec<Registrant>,
}

/// The body of "perform batch registration": at most thirty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchRequest {
    /// Whether to approve at once where approval is by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_approve: Option<bool>,
    /// Who.
    #[serde(default)]
    pub registrants: Vec<RegistrantRequest>,
}

/// The answer to "perform batch registration".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchAdded {
    /// Who was registered.
    #[serde(default)]
    pub registrants: Vec<BatchRegistrant>,
}

/// One of a batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchRegistrant {
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The registrant's id.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub registrant_id: Option<String>,
    /// The personal link; absent until approved.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub join_url: Option<String>,
    /// The PIN for telephones.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::number")]
    pub participant_pin_code: Option<u64>,
}

/// The body of "update registrant's status": at most thirty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrantStatusChange {
    /// `approve`, `cancel` or `deny`.
    pub action: String,
    /// Whose.
    pub registrants: Vec<RegistrantTarget>,
}

/// Whose status changes: the id decides, else the address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrantTarget {
    /// The registrant's id.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub id: Option<String>,
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub email: Option<String>,
}
