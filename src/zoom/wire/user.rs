//! Users of the account.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient;

/// A user as Zoom tells it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The user id; pending users have none.
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
    /// The name shown in meetings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// 1 Basic, 2 Licensed, 4 unassigned, 99 none.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<i64>,
    /// `active`, `inactive` or `pending`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The user's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The personal meeting number.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::number")]
    pub pmi: Option<u64>,
    /// Every other field.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A page of users.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UserPage {
    /// How many a page holds.
    #[serde(default)]
    pub page_size: i64,
    /// How many there are in all.
    #[serde(default)]
    pub total_records: i64,
    /// The next page; nothing on the last.
    #[serde(default, deserialize_with = "lenient::text", serialize_with = "lenient::write_text")]
    pub next_page_token: Option<String>,
    /// The users.
    #[serde(default)]
    pub users: Vec<User>,
}

/// The body of "create users".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateUser {
    /// `create`, `autoCreate`, `custCreate` or `ssoCreate`.
    pub action: String,
    /// Who.
    pub user_info: NewUser,
}

/// Who is to be created.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewUser {
    /// The address.
    pub email: String,
    /// 1 Basic, 2 Licensed.
    #[serde(rename = "type")]
    pub kind: i64,
    /// The given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// The family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// The name shown in meetings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Only for `autoCreate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// The body of "update a user"; only what is to change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UserPatch {
    /// 1 Basic, 2 Licensed.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<i64>,
    /// The given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// The family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// The name shown in meetings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The user's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Every other field.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The body of "update a user's email".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailChange {
    /// The new address.
    pub email: String,
}

/// A user's token (the ZAK with which a host starts a meeting).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserToken {
    /// A credential.
    pub token: String,
}

impl std::fmt::Debug for UserToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserToken").finish_non_exhaustive()
    }
}
