//! Reading users: lists, details, settings, tokens.

use serde_json::{Map, Value, json};

use super::account::Account;
use super::announce::zoom_time;
use super::errors::ApiError;
use super::model::{BASIC, LICENSED, SandboxUser, UserStatus};
use super::request::{Answer, ApiRequest, Outcome};
use crate::zoom::ids;

/// The largest page of users.
const PAGE_MAX: usize = 2_000;

/// `GET /users`: active ones unless told otherwise; pending ones have no id.
pub(super) fn list(account: &mut Account, request: &ApiRequest) -> Outcome {
    let status = request.query("status").unwrap_or("active");
    if !["active", "inactive", "pending"].contains(&status) {
        return Err(ApiError::invalid_field("status"));
    }
    let mut found: Vec<&SandboxUser> =
        account.users.values().filter(|user| user.status.as_str() == status).collect();
    found.sort_by_key(|user| user.created_at);
    let users = found.into_iter().map(|user| Value::Object(in_list(user, request))).collect();
    Ok(Answer::ok(Value::Object(account.page(request, "users", PAGE_MAX, users)?)))
}

fn in_list(user: &SandboxUser, request: &ApiRequest) -> Map<String, Value> {
    let pending = user.status == UserStatus::Pending;
    // Zoom shows the time of the call for users who have not accepted yet.
    let created = zoom_time(if pending { request.now } else { user.created_at });
    let mut fields = user.profile.clone();
    fields.extend([
        ("email".to_owned(), json!(user.email)),
        ("first_name".to_owned(), json!(user.first_name)),
        ("last_name".to_owned(), json!(user.last_name)),
        ("display_name".to_owned(), json!(user.display_name)),
        ("type".to_owned(), json!(user.kind)),
        ("status".to_owned(), json!(user.status.as_str())),
        ("created_at".to_owned(), json!(created)),
    ]);
    if !pending {
        fields.extend([
            ("id".to_owned(), json!(user.id)),
            ("pmi".to_owned(), json!(user.pmi)),
            ("timezone".to_owned(), json!(user.timezone)),
            ("verified".to_owned(), json!(1)),
            ("user_created_at".to_owned(), json!(created)),
        ]);
        fields.entry("role_id").or_insert_with(|| json!("2"));
        fields.remove("role_name");
    }
    fields
}

/// `GET /users/{userId}`
pub(super) fn get(account: &mut Account, request: &ApiRequest) -> Outcome {
    let user = account.user_of(request)?;
    let mut fields = in_list(user, request);
    fields.extend([
        ("id".to_owned(), json!(user.id)),
        ("account_id".to_owned(), json!(account.account_id)),
        ("language".to_owned(), json!("en-US")),
        ("use_pmi".to_owned(), json!(false)),
        ("personal_meeting_url".to_owned(), json!(format!("{}/j/{}", account.base_url, user.pmi))),
        ("role_name".to_owned(), user.profile.get("role_name").cloned().unwrap_or_else(|| json!("Member"))),
        ("cluster".to_owned(), json!("us06")),
    ]);
    Ok(Answer::ok(Value::Object(fields)))
}

/// `GET /users/summary`
pub(super) fn summary(account: &mut Account, _: &ApiRequest) -> Outcome {
    let count =
        |wanted: &dyn Fn(&SandboxUser) -> bool| account.users.values().filter(|user| wanted(user)).count();
    let settled = |user: &SandboxUser| user.status != UserStatus::Pending;
    Ok(Answer::ok(json!({
        "licensed_users_count": count(&|user| settled(user) && user.kind == LICENSED),
        "basic_users_count": count(&|user| settled(user) && user.kind == BASIC),
        "on_prem_users_count": 0,
        "room_users_count": 0,
        "pending_users_count": count(&|user| !settled(user)),
        "join_only_users_count": count(&|user| settled(user) && ![BASIC, LICENSED].contains(&user.kind)),
        "total_users_count": count(&settled),
    })))
}

/// `GET /users/email`
pub(super) fn check_email(account: &mut Account, request: &ApiRequest) -> Outcome {
    let email = request.query("email").ok_or_else(|| ApiError::missing_field("email"))?;
    Ok(Answer::ok(json!({"existed_email": account.user(email).is_some()})))
}

/// `GET /users/{userId}/token`: the default type is one that Zoom no longer serves.
pub(super) fn token(account: &mut Account, request: &ApiRequest) -> Outcome {
    let user = account.user_of(request)?.id.clone();
    let life: u32 = match request.query("ttl") {
        None => 7_200,
        Some(text) => text.parse().map_err(|_| ApiError::invalid_field("ttl"))?,
    };
    match request.query("type").unwrap_or("token") {
        "zak" | "onbehalf" => Ok(Answer::ok(json!({"token": zak(account, &user, life)}))),
        "token" => {
            Ok(Answer::ok(json!({"token": "Token is no longer supported. Please use ZAK token instead."})))
        }
        _ => Err(ApiError::invalid_field("type")),
    }
}

/// `GET /users/me/zak`: lives five minutes.
pub(super) fn own_zak(account: &mut Account, request: &ApiRequest) -> Outcome {
    let user = request.subject.clone().unwrap_or_else(|| account.owner.clone());
    Ok(Answer::ok(json!({"token": zak(account, &user, 300)})))
}

/// A key with which a host starts a meeting; new at every call.
pub(super) fn zak(account: &mut Account, user: &str, life_secs: u32) -> String {
    format!("eyJ6bV9za20iOiJ6bV9vMm0ifQ.{user}.{life_secs}.{}", ids::opaque(&mut account.rng, 43))
}

/// `GET /users/{userId}/settings`: the groups the daemon may care about.
pub(super) fn settings(account: &mut Account, request: &ApiRequest) -> Outcome {
    let user = account.user_of(request)?;
    let licensed = user.kind == LICENSED;
    let mut settings = json!({
        "schedule_meeting": {
            "host_video": false, "participants_video": false, "audio_type": "both", "join_before_host": false,
            "force_pmi_jbh_password": false, "use_pmi_for_scheduled_meetings": false,
            "use_pmi_for_instant_meetings": false, "default_password_for_scheduled_meetings": "",
            "require_password_for_scheduling_new_meetings": account.settings.default_passcode,
            "require_password_for_instant_meetings": account.settings.default_passcode,
            "pstn_password_protected": true, "meeting_password_requirement": {"length": 0},
        },
        "in_meeting": {
            "e2e_encryption": false, "chat": true, "private_chat": true, "entry_exit_chime": "none",
            "waiting_room": true, "breakout_room": true, "breakout_room_schedule": true, "annotation": true,
            "polling": true, "co_host": true, "screen_sharing": true, "who_can_share_screen": "host",
            "attendee_on_hold": false,
        },
        "email_notification": {
            "jbh_reminder": true, "cancel_meeting_reminder": true, "alternative_host_reminder": true,
            "cloud_recording_available_reminder": true, "schedule_for_reminder": true,
        },
        "recording": {
            "local_recording": true, "cloud_recording": licensed, "record_speaker_view": true,
            "record_gallery_view": false, "record_audio_file": true, "save_chat_text": true,
            "auto_recording": "none", "auto_delete_cmr": false,
        },
        "telephony": {"third_party_audio": false, "audio_conference_info": "", "show_international_numbers_link": true},
        "feature": {
            "meeting_capacity": if licensed { 300 } else { 100 }, "large_meeting": false, "webinar": false,
            "cn_meeting": false, "in_meeting": false, "zoom_phone": false,
            "concurrent_meeting": "None",
        },
    });
    if let Some(groups) = settings.as_object_mut() {
        for (group, values) in &user.settings {
            match (groups.get_mut(group).and_then(Value::as_object_mut), values) {
                (Some(known), Value::Object(values)) => known.extend(values.clone()),
                (_, values) => {
                    groups.insert(group.clone(), values.clone());
                }
            }
        }
    }
    Ok(Answer::ok(settings))
}
