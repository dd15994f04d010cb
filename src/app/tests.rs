//! Every actor is killed on purpose, one after the other: it comes back from the store, and the work goes on.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{App, wiring};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Settings;
use crate::sandbox::faults::{Fault, FaultRule};
use crate::sandbox::model::Plan;
use crate::sandbox::{Sandbox, SandboxHandle, SandboxOptions};
use crate::zoom::http::{self, Client};

const SECRET: &str = "a secret that only this test knows, 32 bytes";
const PATIENCE: Duration = Duration::from_secs(30);

struct House {
    app: App,
    sandbox: SandboxHandle,
    http: Client,
    _folder: tempfile::TempDir,
}

impl House {
    async fn start() -> Self {
        let sandbox = Sandbox::start(SandboxOptions {
            bind: "127.0.0.1:0".to_owned(),
            clock: Arc::new(SystemClock),
            account_id: "account".to_owned(),
            client_id: "client".to_owned(),
            client_secret: "client secret".to_owned(),
            webhook_secret: "webhook secret".to_owned(),
            webhook_url: None,
            plan: Plan::Business,
            seed: 5,
        })
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::from_toml(&config(&folder, &sandbox)).unwrap();
        let (database, sealer) = wiring::prepare_database(&settings).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let app = App::start(&settings, &database, sealer, listener).await.unwrap();
        Self { app, sandbox, http: http::client(PATIENCE).unwrap(), _folder: folder }
    }

    /// Books a lesson and gives its meeting's id.
    async fn book(&self, title: &str) -> String {
        let start = SystemClock.now() + chrono::Duration::hours(2);
        let body = json!({ "kind": "consultation", "title": title, "host": "reyes", "duration": 30,
            "start_time": start.to_rfc3339(), "on_conflict": "allow" });
        let booked = self.call("POST", "/api/appointments", Some(body)).await;
        booked["appointment"]["meeting"]["id"].as_str().unwrap().to_owned()
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let claims = json!({ "sub": "tests", "role": "service", "exp": 4_102_444_800_u64 });
        let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
        let url = format!("{}{path}", self.app.url());
        let mut request = self.http.request(method.parse().unwrap(), url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{method} {path}: {}", response.status());
        response.json().await.unwrap()
    }

    async fn host(&self) {
        let user = json!({ "email": "reyes@school.example", "first_name": "Ana", "type": 2 });
        let url = format!("{}/sandbox/users", self.sandbox.url());
        assert!(self.http.post(url).json(&user).send().await.unwrap().status().is_success());
        let person = json!({ "name": "Ana Reyes", "email": "reyes@school.example", "role": "host" });
        self.call("PUT", "/api/people/reyes", Some(person)).await;
    }

    /// Waits until Zoom has the meeting.
    async fn scheduled(&self, meeting: &str) -> Value {
        self.until(|house| house.call_meeting(meeting), |answer| answer["meeting"]["status"] == "scheduled")
            .await
    }

    async fn call_meeting(&self, meeting: &str) -> Value {
        self.call("GET", &format!("/api/zoom/meetings/{meeting}"), None).await
    }

    async fn until<'a, F>(&'a self, ask: impl Fn(&'a Self) -> F, good: impl Fn(&Value) -> bool) -> Value
    where
        F: Future<Output = Value>,
    {
        let began = Instant::now();
        loop {
            let answer = ask(self).await;
            if good(&answer) {
                return answer;
            }
            assert!(began.elapsed() < PATIENCE, "never; last answer: {answer:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn all_answer(&self) {
        let began = Instant::now();
        while !self.app.health().silent().await.is_empty() {
            assert!(began.elapsed() < PATIENCE, "an actor did not come back");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn stop(self) {
        self.app.stop(Duration::from_secs(1)).await;
        self.sandbox.stop();
    }
}

fn config(folder: &tempfile::TempDir, sandbox: &SandboxHandle) -> String {
    format!(
        "[database]\nurl = \"sqlite://{}\"\n[auth]\njwt_secret = \"{SECRET}\"\n[zoom]\napi_url = \"{url}/v2\"\n\
         oauth_url = \"{url}/oauth\"\naccount_id = \"account\"\nclient_id = \"client\"\n\
         client_secret = \"client secret\"\nplan = \"business\"\ntimeout = \"1s\"\nretry_min = \"100ms\"\n",
        folder.path().join("convened.db").display(),
        url = sandbox.url(),
    )
}

#[test]
fn every_essential_actor_comes_back_and_bookings_still_reach_zoom() {
    actix_rt::System::new().block_on(async {
        let house = House::start().await;
        house.host().await;
        let names = house.app.supervision.names();
        assert_eq!(
            names,
            [
                "token",
                "zoom_api",
                "live_view",
                "attendance",
                "registry",
                "licence",
                "reconciler",
                "registration",
                "notifier",
                "janitor",
                "due"
            ]
        );
        for name in names.iter().copied() {
            house.app.supervision.crash(name).await;
            // The others go on meanwhile: the front takes the booking at once.
            let meeting = house.book(&format!("after the death of {name}")).await;
            house.all_answer().await;
            house.scheduled(&meeting).await;
        }
        let made = house.sandbox.state().meetings().len();
        assert_eq!(made, names.len(), "one meeting for each booking");
        house.stop().await;
    });
}

#[test]
fn a_meeting_whose_actor_dies_during_the_create_is_neither_lost_nor_doubled() {
    actix_rt::System::new().block_on(async {
        let house = House::start().await;
        house.host().await;
        house.sandbox.state().add_fault(FaultRule {
            endpoint: "POST /users/{userId}/meetings".to_owned(),
            count: None,
            skip: 0,
            probability: 1.0,
            fault: Fault::Delay { millis: 400 },
        });
        let meeting = house.book("killed while Zoom is at work").await;
        let neighbour = house.book("undisturbed").await;
        house.app.wired.registry.crash_meeting(&meeting).await;
        house.scheduled(&neighbour).await;
        house.scheduled(&meeting).await;
        assert_eq!(house.sandbox.state().meetings().len(), 2);
        house.stop().await;
    });
}
