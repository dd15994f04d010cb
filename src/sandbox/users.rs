//! Changing users: create, update, delete, deactivate.

use serde_json::{Map, Value, json};

use super::account::Account;
use super::errors::ApiError;
use super::model::{LICENSED, SandboxUser, UserStatus};
use super::request::{Answer, ApiRequest, Outcome};
use super::state::SandboxRefusal;
use crate::clock::Instant;

/// The ways to create a user.
const ACTIONS: [&str; 4] = ["create", "autoCreate", "custCreate", "ssoCreate"];
/// Basic, Licensed, unassigned, none.
pub(super) const KINDS: [i64; 4] = [1, 2, 4, 99];
/// The longest address.
const EMAIL_MAX: usize = 128;
/// The longest given or family name.
const NAME_MAX: usize = 64;

/// `POST /users`
pub(super) fn create(account: &mut Account, request: &ApiRequest) -> Outcome {
    let body = request.object()?;
    let action =
        body.get("action").and_then(Value::as_str).ok_or_else(|| ApiError::missing_field("action"))?;
    if !ACTIONS.contains(&action) {
        return Err(ApiError::invalid_field("action"));
    }
    let info = body
        .get("user_info")
        .and_then(Value::as_object)
        .ok_or_else(|| ApiError::missing_field("user_info"))?;
    let text = |name: &str| info.get(name).and_then(Value::as_str).unwrap_or_default();
    let email = text("email");
    if email.is_empty() {
        return Err(ApiError::missing_field("user_info.email"));
    }
    if !email.contains('@') || email.chars().count() > EMAIL_MAX {
        return Err(ApiError::invalid_field("user_info.email"));
    }
    let kind = match info.get("type") {
        None => return Err(ApiError::missing_field("user_info.type")),
        Some(kind) => kind.as_i64().filter(|kind| KINDS.contains(kind)),
    };
    let kind = kind.ok_or_else(|| ApiError::invalid_field("user_info.type"))?;
    if account.user(email).is_some() {
        return Err(ApiError::new(409, 1005, format!("User already in the account: {email}")));
    }
    if kind == LICENSED && !account.seat_free() {
        return Err(ApiError::out_of_seats());
    }
    let mut user = account.new_user(email, text("first_name"), text("last_name"), kind, request.now);
    if !text("display_name").is_empty() {
        text("display_name").clone_into(&mut user.display_name);
    }
    // An invitation has to be accepted; the other ways make a user at once.
    if action == "create" {
        account.counted(request.now, |limits, settings| {
            limits.take_invitation(settings.plan, request.now.date_naive())
        })?;
        user.status = UserStatus::Pending;
    }
    account.announcer(request.now).user_created(&user, action);
    let answer = json!({
        "id": user.id, "email": user.email, "first_name": user.first_name, "last_name": user.last_name,
        "type": user.kind,
    });
    account.insert_user(user);
    Ok(Answer::created(answer))
}

/// `PATCH /users/{userId}`
pub(super) fn patch(account: &mut Account, request: &ApiRequest) -> Outcome {
    let before = account.user_of(request)?.clone();
    let body = request.object()?;
    let mut after = before.clone();
    for (name, value) in &body {
        apply(&mut after, name, value)?;
    }
    if body.contains_key("type")
        && (body.contains_key("plan_united_type") || body.contains_key("zoom_one_type"))
    {
        return Err(ApiError::invalid_field("type"));
    }
    if after.kind == LICENSED && before.kind != LICENSED && !account.seat_free() {
        return Err(ApiError::out_of_seats());
    }
    store(account, request, &before, after);
    Ok(Answer::done())
}

/// Sets one field of a user.
fn apply(user: &mut SandboxUser, name: &str, value: &Value) -> Result<(), ApiError> {
    let invalid = || ApiError::invalid_field(name);
    let text = |most: usize| {
        value.as_str().filter(|text| text.chars().count() <= most).map(str::to_owned).ok_or_else(invalid)
    };
    match name {
        "type" => user.kind = value.as_i64().filter(|kind| KINDS.contains(kind)).ok_or_else(invalid)?,
        "first_name" => user.first_name = text(NAME_MAX)?,
        "last_name" => user.last_name = text(NAME_MAX)?,
        "display_name" => user.display_name = text(EMAIL_MAX)?,
        "timezone" => user.timezone = text(EMAIL_MAX)?,
        "pmi" => user.pmi = value.as_u64().ok_or_else(invalid)?,
        _ => {
            user.profile.insert(name.to_owned(), value.clone());
        }
    }
    Ok(())
}

/// Stores a changed user and announces what differs, if anything does.
pub(super) fn store(account: &mut Account, request: &ApiRequest, before: &SandboxUser, after: SandboxUser) {
    let (old, new) = differences(before, &after);
    if !new.is_empty() {
        account.announcer(request.now).user_updated(&after.id, &old, &new);
    }
    account.users.insert(after.id.clone(), after);
}

fn differences(before: &SandboxUser, after: &SandboxUser) -> (Map<String, Value>, Map<String, Value>) {
    let told = |user: &SandboxUser| {
        let mut fields = user.profile.clone();
        fields.extend([
            ("type".to_owned(), json!(user.kind)),
            ("first_name".to_owned(), json!(user.first_name)),
            ("last_name".to_owned(), json!(user.last_name)),
            ("display_name".to_owned(), json!(user.display_name)),
            ("timezone".to_owned(), json!(user.timezone)),
            ("pmi".to_owned(), json!(user.pmi)),
        ]);
        fields
    };
    let (old, new) = (told(before), told(after));
    let changed = |one: &Map<String, Value>, other: &Map<String, Value>| {
        one.iter()
            .filter(|(name, value)| other.get(*name) != Some(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    (changed(&old, &new), changed(&new, &old))
}

/// `DELETE /users/{userId}`: without `action`, the user is only unlinked.
pub(super) fn delete(account: &mut Account, request: &ApiRequest) -> Outcome {
    let user = account.user_of(request)?.clone();
    let action = request.query("action").unwrap_or("disassociate");
    let event = match action {
        "disassociate" => "disassociated",
        "delete" if user.status == UserStatus::Pending => return Err(ApiError::invalid_field("action")),
        "delete" => "deleted",
        _ => return Err(ApiError::invalid_field("action")),
    };
    if user.id == account.owner {
        return Err(ApiError::new(400, 1117, "You cannot delete or disassociate the account owner."));
    }
    let heir = match request.query("transfer_email") {
        None => None,
        Some(email) if email.eq_ignore_ascii_case(&user.email) => {
            let message = "The transfer-to email address cannot be the same as the unlinked or deleted user's \
                           email address.";
            return Err(ApiError::new(400, 300, message));
        }
        Some(email) => Some(account.user(email).ok_or_else(|| ApiError::no_user(email))?.id.clone()),
    };
    let upcoming: Vec<u64> = account
        .meetings_of(&user.id)
        .filter(|meeting| meeting.deleted_at.is_none() && meeting.end() > request.now)
        .map(|meeting| meeting.number)
        .collect();
    for number in upcoming {
        match &heir {
            Some(heir) if request.flag("transfer_meeting") => account.move_meeting(number, heir),
            _ => {
                if let Some(meeting) = account.meetings.get_mut(&number) {
                    meeting.deleted_at = Some(request.now);
                }
            }
        }
    }
    account.announcer(request.now).user(event, &user);
    account.remove_user(&user.id);
    Ok(Answer::done())
}

/// `PUT /users/{userId}/status`: deactivating takes the licence away, activating does not give it back.
pub(super) fn set_status(account: &mut Account, request: &ApiRequest) -> Outcome {
    let mut user = account.user_of(request)?.clone();
    let body = request.object()?;
    let event = match body.get("action").and_then(Value::as_str) {
        Some("activate") => {
            user.status = UserStatus::Active;
            "activated"
        }
        Some("deactivate") if user.id == account.owner => {
            let message = "Zoom Room and Admin users' status cannot be activated or deactivated.";
            return Err(ApiError::new(400, 200, message));
        }
        Some("deactivate") => {
            user.status = UserStatus::Inactive;
            user.kind = super::model::BASIC;
            "deactivated"
        }
        Some("clock_in" | "clock_out") => return Ok(Answer::done()),
        _ => return Err(ApiError::invalid_field("action")),
    };
    account.announcer(request.now).user(event, &user);
    account.users.insert(user.id.clone(), user);
    Ok(Answer::done())
}

/// `PUT /users/{userId}/email`
pub(super) fn set_email(account: &mut Account, request: &ApiRequest) -> Outcome {
    let before = account.user_of(request)?.clone();
    let body = request.object()?;
    let email = body.get("email").and_then(Value::as_str).ok_or_else(|| ApiError::missing_field("email"))?;
    if !email.contains('@') || email.chars().count() > EMAIL_MAX {
        return Err(ApiError::invalid_field("email"));
    }
    if account.user(email).is_some_and(|other| other.id != before.id) {
        return Err(ApiError::new(409, 1005, format!("User already in the account: {email}")));
    }
    let after = SandboxUser { email: email.to_owned(), ..before.clone() };
    let fields = |user: &SandboxUser| Map::from_iter([("email".to_owned(), json!(user.email))]);
    if after.email != before.email {
        account.announcer(request.now).user_updated(&before.id, &fields(&before), &fields(&after));
    }
    account.remove_user(&before.id);
    account.insert_user(after);
    Ok(Answer::done())
}

/// A pending user accepts the invitation, as they would by the link in Zoom's mail.
pub(super) fn accept(account: &mut Account, key: &str, now: Instant) -> Result<(), SandboxRefusal> {
    let pending = account.user(key).filter(|user| user.status == UserStatus::Pending).cloned();
    let mut user =
        pending.ok_or_else(|| SandboxRefusal::Invalid(format!("`{key}` is no user who was invited")))?;
    user.status = UserStatus::Active;
    account.announcer(now).user("invitation_accepted", &user);
    account.users.insert(user.id.clone(), user);
    Ok(())
}

/// `PATCH /users/{userId}/settings`: kept as given and laid over the defaults.
pub(super) fn patch_settings(account: &mut Account, request: &ApiRequest) -> Outcome {
    let id = account.user_of(request)?.id.clone();
    let body = request.object()?;
    if let Some(user) = account.users.get_mut(&id) {
        for (group, values) in body {
            match (user.settings.get_mut(&group).and_then(Value::as_object_mut), values) {
                (Some(known), Value::Object(values)) => known.extend(values),
                (_, values) => {
                    user.settings.insert(group, values);
                }
            }
        }
    }
    Ok(Answer::done())
}
