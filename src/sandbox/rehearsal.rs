//! The player, the account and the delivery together, against a receiver over loopback.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as RealInstant};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::classes::{ClassRefusal, ClassState, ClassView};
use super::deliveries::{DeliveryFilter, DeliveryState};
use super::delivery::DeliverySettings;
use super::mischief::Mischief;
use super::model::{Plan, SandboxMeeting};
use super::state::SandboxRefusal;
use super::timetable::Timetable;
use super::{Sandbox, SandboxHandle, SandboxOptions};
use crate::clock::{Clock, ScaledClock, SystemClock};
use crate::zoom::http::client;

const NUMBER: u64 = 81_234_567_890;
const SECRET: &str = "zoomwebhooksecret";
/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request as the receiver got it.
#[derive(Debug, Clone)]
struct Received {
    request_id: String,
    timestamp: String,
    signature: String,
    body: Vec<u8>,
}

impl Received {
    fn name(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        body["event"].as_str().unwrap().to_owned()
    }

    fn is_signed(&self) -> bool {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("v0:{}:", self.timestamp).as_bytes());
        mac.update(&self.body);
        self.signature == format!("v0={}", hex::encode(mac.finalize().into_bytes()))
    }
}

/// A receiver of webhooks that answers the first requests with these statuses and all others with 200.
struct Receiver {
    url: String,
    server: ServerHandle,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    fn start(statuses: &'static [u16]) -> Self {
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let kept = web::Data::from(Arc::clone(&received));
        let server = HttpServer::new(move || {
            let take = move |request: HttpRequest,
                             body: web::Bytes,
                             kept: web::Data<Mutex<Vec<Received>>>| async move {
                let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
                let mut kept = kept.lock().unwrap();
                kept.push(Received {
                    request_id: header("x-zm-request-id"),
                    timestamp: header("x-zm-request-timestamp"),
                    signature: header("x-zm-signature"),
                    body: body.to_vec(),
                });
                let status = statuses.get(kept.len() - 1).copied().unwrap_or(200);
                answer(status, &body)
            };
            App::new().app_data(kept.clone()).default_service(web::to(take))
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api/zoom/webhook", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { url, server: handle, received }
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// Proves the secret where a validation asks for it.
fn answer(status: u16, body: &[u8]) -> HttpResponse {
    let body: Value = serde_json::from_slice(body).unwrap();
    let status = actix_web::http::StatusCode::from_u16(status).unwrap();
    let Some(plain) = body["payload"]["plainToken"].as_str() else {
        return HttpResponse::build(status).finish();
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(plain.as_bytes());
    let encrypted = hex::encode(mac.finalize().into_bytes());
    HttpResponse::build(status).json(json!({"plainToken": plain, "encryptedToken": encrypted}))
}

/// A sandbox whose clock runs `speed` times as fast, with one meeting of 45 minutes that starts now.
fn sandbox(speed: f64, receiver: &Receiver) -> SandboxHandle {
    let clock = Arc::new(ScaledClock::new(SystemClock.now(), speed));
    let handle = Sandbox::start(SandboxOptions {
        bind: "127.0.0.1:0".to_owned(),
        clock: clock.clone(),
        account_id: "account".to_owned(),
        client_id: "client".to_owned(),
        client_secret: "secret".to_owned(),
        webhook_secret: SECRET.to_owned(),
        webhook_url: Some(receiver.url.clone()),
        plan: Plan::Business,
        seed: 1,
    })
    .unwrap();
    let now = clock.now();
    let owner = handle.state().users()[0].id.clone();
    handle.state().account().insert_meeting(SandboxMeeting {
        number: NUMBER,
        uuid: "Jt4PAh1jSaiRSDnd90ssWA==".to_owned(),
        host_id: owner,
        topic: "Algebra".to_owned(),
        kind: 2,
        start: now,
        duration: 45,
        timezone: "UTC".to_owned(),
        agenda: String::new(),
        password: String::new(),
        encrypted_password: String::new(),
        settings: Map::new(),
        recurrence: None,
        occurrences: Vec::new(),
        tracking_fields: None,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        listed_from: now,
        registrants: Vec::new(),
        live: None,
        instances: Vec::new(),
    });
    handle
}

fn class(instant: bool) -> Timetable {
    serde_json::from_value(json!({
        "meeting": NUMBER.to_string(), "instant": instant, "host_ends": ["45m"],
        "persons": [{"name": "Grace", "role": "host", "devices": [["10s join"]]},
            {"name": "Ada", "registrant_id": "r1", "devices": [["5s wait", "30s admit", "40m leave"]]}],
    }))
    .unwrap()
}

async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = RealInstant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn played(sandbox: &SandboxHandle, class_id: u64) -> ClassView {
    let view = || sandbox.classes().view(class_id).filter(|view| view.state == ClassState::Played);
    let view = until("the end of the class", view).await;
    until("the end of the deliveries", || (sandbox.delivery().counts().waiting == 0).then_some(())).await;
    view
}

#[actix_web::test]
async fn an_instant_class_is_reported_and_told_with_signatures() {
    let receiver = Receiver::start(&[]);
    let sandbox = sandbox(1.0, &receiver);
    let class_id = sandbox.classes().play(class(true)).unwrap();
    let view = played(&sandbox, class_id).await;
    assert_eq!(view.truth.persons[1].score_milli, 881);
    let instance = sandbox.state().instance(&view.instances[0].uuid).unwrap();
    assert_eq!((instance.report.len(), instance.ended), (3, Some(view.instances[0].ended)));
    let received = receiver.received();
    assert_eq!(received.len(), 8);
    assert!(received.iter().all(Received::is_signed));
    assert_eq!(sandbox.delivery().counts().delivered, 8);
    receiver.server.stop(false).await;
}

#[actix_web::test]
async fn a_class_in_time_is_cut_short_by_an_end_through_the_api() {
    let receiver = Receiver::start(&[]);
    let sandbox = sandbox(600.0, &receiver);
    let class_id = sandbox.classes().play(class(false)).unwrap();
    let joined =
        || receiver.received().iter().filter(|got| got.name().ends_with("participant_joined")).count();
    until("both participants", || (joined() == 2).then_some(())).await;
    {
        let mut account = sandbox.state().account();
        let uuid = "Jt4PAh1jSaiRSDnd90ssWA==";
        assert!(account.end_instance(uuid, sandbox.state().now()));
        account.ended.send(uuid.to_owned()).unwrap();
    }
    let view = played(&sandbox, class_id).await;
    assert!(view.instances[0].ended < view.truth.window_start + chrono::Duration::minutes(40));
    assert_eq!(view.truth.window_end, view.instances[0].ended);
    let names: Vec<_> = receiver.received().iter().map(Received::name).collect();
    assert_eq!(names.iter().filter(|name| name.ends_with("participant_left")).count(), 2);
    assert!(!names.contains(&"meeting.ended".to_owned()), "the API announces the end itself");
    receiver.server.stop(false).await;
}

#[actix_web::test]
async fn a_refused_event_comes_again_signed_afresh_under_the_same_request_id() {
    let receiver = Receiver::start(&[500, 302]);
    let sandbox = sandbox(6_000.0, &receiver);
    sandbox.state().events().emit(json!({"event": "user.created", "event_ts": 1, "payload": {}}));
    until("the delivery", || (sandbox.delivery().counts().delivered == 1).then_some(())).await;
    let received = receiver.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(Received::is_signed));
    assert!(received.windows(2).all(|pair| pair[0].request_id == pair[1].request_id));
    assert!(received.windows(2).all(|pair| pair[0].timestamp < pair[1].timestamp));
    let failed = DeliveryFilter { failed: Some(true), ..DeliveryFilter::default() };
    let record = sandbox.delivery().records(&failed).remove(0);
    assert_eq!(record.attempts[1].outcome.status, Some(302));
    assert!(record.attempts[2].at - record.attempts[1].at >= chrono::Duration::minutes(20));
    receiver.server.stop(false).await;
}

#[actix_web::test]
async fn accidents_are_recorded_and_a_doubled_event_keeps_its_bytes() {
    let receiver = Receiver::start(&[]);
    let sandbox = sandbox(1.0, &receiver);
    let mischief = Mischief { double: 1.0, lose: vec!["meeting.ended".to_owned()], ..Mischief::default() };
    sandbox.delivery().set_settings(DeliverySettings { mischief, ..DeliverySettings::default() }).unwrap();
    let class_id = sandbox.classes().play(class(true)).unwrap();
    played(&sandbox, class_id).await;
    assert_eq!((sandbox.delivery().counts().delivered, sandbox.delivery().counts().unsent), (14, 1));
    let lost = DeliveryFilter { state: Some(DeliveryState::Lost), ..DeliveryFilter::default() };
    assert_eq!(sandbox.delivery().records(&lost)[0].event, "meeting.ended");
    let bodies: std::collections::BTreeSet<_> = receiver.received().into_iter().map(|got| got.body).collect();
    assert_eq!(bodies.len(), 7);
    receiver.server.stop(false).await;
}

#[actix_web::test]
async fn a_receiver_that_knows_the_secret_is_valid_and_another_is_not() {
    let receiver = Receiver::start(&[]);
    let sandbox = sandbox(1.0, &receiver);
    assert!(sandbox.delivery().validate_url().await.valid);
    assert!(receiver.received()[0].is_signed());
    let mut webhook = sandbox.state().webhook();
    webhook.secret = "another".to_owned();
    sandbox.state().set_webhook(webhook);
    let validation = sandbox.delivery().validate_url().await;
    assert_eq!(validation.reason.as_deref(), Some("the tokens are not the expected ones"));
    receiver.server.stop(false).await;
}

#[actix_web::test]
async fn a_class_needs_a_meeting() {
    let receiver = Receiver::start(&[]);
    let sandbox = sandbox(1.0, &receiver);
    let elsewhere = Timetable { meeting: "1".to_owned(), ..class(true) };
    let refusal = sandbox.classes().play(elsewhere).unwrap_err();
    assert_eq!(refusal, ClassRefusal::Account(SandboxRefusal::NoMeeting(1)));
    receiver.server.stop(false).await;
}

/// One control request; answers status and body.
async fn control(
    sandbox: &SandboxHandle,
    method: &str,
    path: &str,
    kind: &str,
    body: String,
) -> (u16, Value) {
    let client = client(PATIENCE).unwrap();
    let url = format!("{}/sandbox/{path}", sandbox.url());
    let request = client.request(method.parse().unwrap(), url).header("content-type", kind).body(body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[actix_web::test]
async fn everything_can_be_controlled_over_http() {
    let receiver = Receiver::start(&[]);
    let sandbox = sandbox(1.0, &receiver);
    let json = "application/json";
    let script = format!(
        "meeting = \"{NUMBER}\"\ninstant = true\n[[persons]]\nname = \"Ada\"\ndevices = [[\"0s join\", \"9m leave\"]]"
    );
    let (status, taken) = control(&sandbox, "POST", "classes", "application/toml", script).await;
    assert_eq!((status, taken), (202, json!({"class_id": 1})));
    played(&sandbox, 1).await;
    let (_, view) = control(&sandbox, "GET", "classes/1", json, String::new()).await;
    assert_eq!(
        (&view["state"], &view["truth"]["persons"][0]["status"]),
        (&json!("played"), &json!("present"))
    );
    let (_, shown) = control(&sandbox, "GET", "deliveries?event=meeting.ended", json, String::new()).await;
    assert_eq!(shown["counts"]["delivered"], 5);
    assert_eq!(shown["deliveries"][0]["attempts"][0]["status"], 200);
    let (_, shown) = control(&sandbox, "GET", "deliveries?failed=true", json, String::new()).await;
    assert_eq!(shown["deliveries"], json!([]));
    let (_, validation) = control(&sandbox, "POST", "validate-url", json, String::new()).await;
    assert_eq!(validation["valid"], true);
    let settings = json!({"retry_on": "only5xx", "mischief": {"double": 0.5}}).to_string();
    let (status, settings) = control(&sandbox, "PUT", "delivery", json, settings).await;
    assert_eq!((status, &settings["mischief"]["double"]), (200, &json!(0.5)));
    for (method, path, body, expected) in [
        ("POST", "classes", json!({"meeting": "1"}), 404),
        ("POST", "classes", json!({"meeting": NUMBER.to_string(), "host_ends": ["soon"]}), 400),
        ("PUT", "delivery", json!({"mischief": {"drop": 7}}), 400),
        ("GET", "classes/2", json!({}), 404),
    ] {
        let (status, refusal) = control(&sandbox, method, path, json, body.to_string()).await;
        assert_eq!((status, refusal["error"].is_string()), (expected, true), "{refusal}");
    }
    receiver.server.stop(false).await;
}
