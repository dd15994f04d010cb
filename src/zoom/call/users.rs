//! Users of the account and their licences.

use super::{Label, Method, ZoomCall, encode_segment, get};
use crate::zoom::types::{CreateUser, EmailChange, StatusChange, UserPatch};

/// The most users Zoom puts on a page.
const USER_PAGE_SIZE: &str = "2000";

/// What becomes of a user who is removed. Zoom's own default, when nothing is said, is to disassociate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserRemoval {
    /// The person keeps a free account of their own.
    Disassociate,
    /// The account ends.
    Delete,
}

/// Reads a user by id or address.
#[must_use]
pub fn get_user(id_or_email: &str) -> ZoomCall {
    get("get_user", user(id_or_email))
}

/// One page of the users with this status (`active`, `inactive` or `pending`).
#[must_use]
pub fn list_users(status: &str, page_token: Option<&str>) -> ZoomCall {
    let call = get("list_users", "/users".to_owned())
        .label(Label::Medium)
        .query("status", status)
        .query("page_size", USER_PAGE_SIZE);
    match page_token {
        Some(token) => call.query("next_page_token", token),
        None => call,
    }
}

/// Adds a user to the account.
#[must_use]
pub fn create_user(new: &CreateUser) -> ZoomCall {
    ZoomCall::new(Method::POST, "create_user", "/users".to_owned()).body(new)
}

/// Changes a user; a licence is the field `type`.
#[must_use]
pub fn update_user(id_or_email: &str, patch: &UserPatch) -> ZoomCall {
    ZoomCall::new(Method::PATCH, "update_user", user(id_or_email)).body(patch)
}

/// Gives a user another address, which nobody at Zoom may have yet.
#[must_use]
pub fn change_email(id_or_email: &str, email: &str) -> ZoomCall {
    ZoomCall::new(Method::PUT, "change_email", format!("{}/email", user(id_or_email)))
        .body(&EmailChange { email: email.to_owned() })
}

/// Removes a user from the account.
#[must_use]
pub fn delete_user(id_or_email: &str, removal: UserRemoval) -> ZoomCall {
    let action = match removal {
        UserRemoval::Disassociate => "disassociate",
        UserRemoval::Delete => "delete",
    };
    ZoomCall::new(Method::DELETE, "delete_user", user(id_or_email)).query("action", action)
}

/// Activates or deactivates a user; deactivating takes every licence away.
#[must_use]
pub fn change_user_status(id_or_email: &str, change: &StatusChange) -> ZoomCall {
    ZoomCall::new(Method::PUT, "change_user_status", format!("{}/status", user(id_or_email))).body(change)
}

/// The token with which a host starts a meeting. Zoom's default kind is one it no longer supports.
#[must_use]
pub fn zak(id_or_email: &str) -> ZoomCall {
    get("zak", format!("{}/token", user(id_or_email))).query("type", "zak")
}

fn user(id_or_email: &str) -> String {
    format!("/users/{}", encode_segment(id_or_email))
}
