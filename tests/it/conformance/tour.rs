//! A tour of the sandbox: every endpoint is used once or more, by the daemon's own calls where it has one.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use convened::clock::SystemClock;
use convened::sandbox::classes::{ClassState, ClassView};
use convened::sandbox::model::Plan;
use convened::sandbox::settings::Settings;
use convened::sandbox::{Sandbox, SandboxHandle, SandboxOptions};
use convened::zoom::ZoomCall;
use convened::zoom::http::{Client, Method, client};
use serde_json::Value;

/// One request and its answer.
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<String>,
    pub(crate) body: Option<Value>,
    pub(crate) status: u16,
    pub(crate) answer: Option<Value>,
    /// Whether the daemon itself makes this request.
    pub(crate) ours: bool,
}

/// A sandbox, a client with a token, and a receiver of webhooks.
pub(crate) struct Tour {
    pub(crate) sandbox: SandboxHandle,
    pub(crate) exchanges: Vec<Exchange>,
    client: Client,
    token: String,
    receiver: ServerHandle,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Tour {
    pub(crate) async fn start() -> Self {
        let events: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (receiver, webhook_url) = receiver(Arc::clone(&events));
        let sandbox = Sandbox::start(SandboxOptions {
            bind: "127.0.0.1:0".to_owned(),
            clock: Arc::new(SystemClock),
            account_id: "NC2MxQ9RR-ucygc5mo3MSw".to_owned(),
            client_id: "client".to_owned(),
            client_secret: "secret".to_owned(),
            webhook_secret: "webhook-secret".to_owned(),
            webhook_url: Some(webhook_url),
            plan: Plan::Business,
            seed: 3,
        })
        .unwrap();
        sandbox.state().set_settings(Settings { limits: false, report_delay_secs: 0, ..Settings::default() });
        let client = client(Duration::from_secs(10)).unwrap();
        let token: Value = client
            .post(format!("{}/oauth/token", sandbox.url()))
            .basic_auth("client", Some("secret"))
            .form(&[("grant_type", "account_credentials"), ("account_id", "NC2MxQ9RR-ucygc5mo3MSw")])
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let token = token["access_token"].as_str().unwrap().to_owned();
        Self { sandbox, exchanges: Vec::new(), client, token, receiver, events }
    }

    /// Makes one of the daemon's calls; answers status and body.
    pub(crate) async fn call(&mut self, call: ZoomCall) -> (u16, Value) {
        self.exchange(call.method, &call.path, &call.query, call.body, true).await
    }

    /// Makes a request that the daemon does not make, but the sandbox answers.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        query: &[(&'static str, &str)],
        body: Option<Value>,
    ) -> (u16, Value) {
        let query: Vec<_> = query.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.exchange(method.parse().unwrap(), path, &query, body, false).await
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        query: &[(&'static str, String)],
        body: Option<Value>,
        ours: bool,
    ) -> (u16, Value) {
        let url = format!("{}/v2{path}", self.sandbox.url());
        let mut request = self.client.request(method.clone(), url).query(query).bearer_auth(&self.token);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.unwrap();
        let answer = (!bytes.is_empty()).then(|| serde_json::from_slice(&bytes).unwrap());
        self.exchanges.push(Exchange {
            method: method.to_string(),
            path: path.to_owned(),
            query: query.iter().map(|(name, _)| (*name).to_owned()).collect(),
            body,
            status,
            answer: answer.clone(),
            ours,
        });
        (status, answer.unwrap_or_default())
    }

    /// Plays a class to its end.
    pub(crate) async fn play(&self, class: Value) -> ClassView {
        let class_id = self.sandbox.classes().play(serde_json::from_value(class).unwrap()).unwrap();
        let view = || self.sandbox.classes().view(class_id).unwrap();
        until(|| view().state == ClassState::Played).await;
        view()
    }

    /// The bodies of the webhooks; waits until all of these have come.
    pub(crate) async fn events(&self, expected: &[&str]) -> Vec<Value> {
        let come = |name: &&str| self.events.lock().unwrap().iter().any(|event| event["event"] == **name);
        until(|| expected.iter().all(come) && self.sandbox.delivery().counts().waiting == 0).await;
        self.events.lock().unwrap().clone()
    }

    pub(crate) async fn stop(self) {
        self.receiver.stop(false).await;
    }
}

/// Waits for a condition; gives up in silence, because the assertions that follow say more.
async fn until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Keeps every body it gets.
fn receiver(events: Arc<Mutex<Vec<Value>>>) -> (ServerHandle, String) {
    let server = HttpServer::new(move || {
        let events = Arc::clone(&events);
        let keep = move |body: web::Bytes| {
            events.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            std::future::ready(HttpResponse::NoContent().finish())
        };
        App::new().default_service(web::to(keep))
    });
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/zoom/webhook", server.addrs().first().unwrap());
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (handle, url)
}
