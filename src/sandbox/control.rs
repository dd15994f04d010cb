//! The control of the sandbox, below `/sandbox`: faults, switches, what happens behind the daemon's back, and the
//! ground truth to compare with.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::FaultRule;
use super::ledger::LedgerFilter;
use super::model::Webhook;
use super::settings::Settings;
use super::state::{NewSandboxUser, SandboxRefusal, SandboxState};

/// The routes of this file.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/sandbox/ledger", web::get().to(ledger))
        .route("/sandbox/meetings", web::get().to(meetings))
        .route("/sandbox/meetings/{number}", web::get().to(meeting))
        .route("/sandbox/meetings/{number}/delete", web::post().to(delete_meeting))
        .route("/sandbox/meetings/{number}/patch", web::post().to(patch_meeting))
        .route("/sandbox/instances", web::get().to(instance))
        .route("/sandbox/recordings", web::post().to(publish_recording))
        .route("/sandbox/users", web::get().to(users))
        .route("/sandbox/users", web::post().to(add_user))
        .route("/sandbox/users/{key}/accept", web::post().to(accept))
        .route("/sandbox/webhook", web::get().to(webhook))
        .route("/sandbox/webhook", web::put().to(set_webhook))
        .route("/sandbox/settings", web::get().to(settings))
        .route("/sandbox/settings", web::put().to(set_settings))
        .route("/sandbox/faults", web::get().to(faults))
        .route("/sandbox/faults", web::post().to(add_fault))
        .route("/sandbox/faults", web::delete().to(clear_faults))
        .route("/sandbox/faults/{id}", web::delete().to(remove_fault))
        .route("/sandbox/clock", web::get().to(clock));
}

type State = web::Data<SandboxState>;

async fn ledger(state: State, filter: web::Query<LedgerFilter>) -> HttpResponse {
    HttpResponse::Ok().json(state.ledger(&filter))
}

async fn meetings(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.meetings())
}

async fn meeting(state: State, number: web::Path<u64>) -> HttpResponse {
    match state.account().meetings.get(&number) {
        Some(meeting) => HttpResponse::Ok().json(meeting),
        None => refuse(&SandboxRefusal::NoMeeting(*number)),
    }
}

async fn delete_meeting(state: State, number: web::Path<u64>) -> HttpResponse {
    done(state.delete_meeting(*number))
}

async fn patch_meeting(state: State, number: web::Path<u64>, fields: web::Json<Value>) -> HttpResponse {
    done(state.patch_meeting(*number, &fields))
}

/// Names an instance.
#[derive(Debug, Deserialize)]
struct InstanceName {
    uuid: String,
}

async fn instance(state: State, named: web::Query<InstanceName>) -> HttpResponse {
    match state.instance(&named.uuid) {
        Some(instance) => HttpResponse::Ok().json(instance),
        None => refuse(&SandboxRefusal::NoInstance(named.into_inner().uuid)),
    }
}

async fn publish_recording(state: State, named: web::Json<InstanceName>) -> HttpResponse {
    done(state.publish_recording(&named.uuid))
}

async fn users(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.users())
}

async fn add_user(state: State, new: web::Json<NewSandboxUser>) -> HttpResponse {
    match state.add_user(&new) {
        Ok(user) => HttpResponse::Created().json(user),
        Err(refusal) => refuse(&refusal),
    }
}

async fn accept(state: State, key: web::Path<String>) -> HttpResponse {
    done(state.accept_invitation(&key))
}

async fn webhook(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.webhook())
}

/// Where to send events; without a secret the present one stays.
#[derive(Debug, Deserialize)]
struct NewWebhook {
    url: Option<String>,
    secret: Option<String>,
}

async fn set_webhook(state: State, new: web::Json<NewWebhook>) -> HttpResponse {
    let NewWebhook { url, secret } = new.into_inner();
    let secret = secret.unwrap_or_else(|| state.webhook().secret);
    state.set_webhook(Webhook { url, secret });
    HttpResponse::NoContent().finish()
}

async fn settings(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.settings())
}

async fn set_settings(state: State, part: web::Json<Value>) -> HttpResponse {
    match Settings::with(&state.settings(), &part) {
        Ok(settings) => {
            state.set_settings(settings.clone());
            HttpResponse::Ok().json(settings)
        }
        Err(error) => refuse(&SandboxRefusal::Invalid(error.to_string())),
    }
}

async fn faults(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.account().faults.standing())
}

async fn add_fault(state: State, rule: web::Json<FaultRule>) -> HttpResponse {
    HttpResponse::Created().json(json!({"id": state.add_fault(rule.into_inner())}))
}

async fn clear_faults(state: State) -> HttpResponse {
    state.clear_faults();
    HttpResponse::NoContent().finish()
}

async fn remove_fault(state: State, id: web::Path<u64>) -> HttpResponse {
    if state.remove_fault(*id) {
        HttpResponse::NoContent().finish()
    } else {
        refuse(&SandboxRefusal::Invalid(format!("there is no fault {id}")))
    }
}

async fn clock(state: State) -> HttpResponse {
    HttpResponse::Ok().json(json!({"now": state.now(), "events_dropped": state.events().dropped()}))
}

fn done(result: Result<(), SandboxRefusal>) -> HttpResponse {
    match result {
        Ok(()) => HttpResponse::NoContent().finish(),
        Err(refusal) => refuse(&refusal),
    }
}

/// The control answers plainly: `{"error": "…"}`.
fn refuse(refusal: &SandboxRefusal) -> HttpResponse {
    let body = json!({"error": refusal.to_string()});
    match refusal {
        SandboxRefusal::NoMeeting(_) | SandboxRefusal::NoInstance(_) => HttpResponse::NotFound().json(body),
        SandboxRefusal::EmailTaken(_) => HttpResponse::Conflict().json(body),
        SandboxRefusal::Invalid(_) => HttpResponse::BadRequest().json(body),
    }
}
