//! A simulated Zoom account on a clock that stands still, and a client that speaks to it as any other would.

use std::sync::Arc;
use std::time::Duration;

use convened::clock::{Clock, Instant, ManualClock};
use convened::sandbox::model::{Plan, SandboxUser};
use convened::sandbox::state::{NewSandboxUser, SandboxState};
use convened::sandbox::{Sandbox, SandboxHandle, SandboxOptions};
use convened::zoom::http::{self, Client, Method, header::HeaderMap};
use serde_json::{Value, json};

/// No answer may take longer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The account and its client.
pub(crate) struct Zoom {
    pub(crate) handle: SandboxHandle,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) client: Client,
    token: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Status and Zoom's error number.
    pub(crate) fn refusal(&self) -> (u16, i64) {
        (self.status, self.json()["code"].as_i64().unwrap())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Zoom {
    /// Starts an account at ten in the morning of a Monday and fetches a token.
    pub(crate) async fn start(plan: Plan) -> Self {
        let clock = Arc::new(ManualClock::at("2026-03-02T10:00:00Z".parse().unwrap()));
        let handle = Sandbox::start(SandboxOptions {
            bind: "127.0.0.1:0".to_owned(),
            clock: clock.clone(),
            account_id: "account".to_owned(),
            client_id: "client".to_owned(),
            client_secret: "secret".to_owned(),
            webhook_secret: "webhook".to_owned(),
            webhook_url: None,
            plan,
            seed: 7,
        })
        .unwrap();
        let client = http::client(TIMEOUT).unwrap();
        let mut zoom = Self { handle, clock, client, token: String::new() };
        zoom.sign_in().await;
        zoom
    }

    pub(crate) fn state(&self) -> &SandboxState {
        self.handle.state()
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Fetches an account token and uses it from now on.
    pub(crate) async fn sign_in(&mut self) {
        let answer = self.token(&[("grant_type", "account_credentials"), ("account_id", "account")]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        self.use_token(&answer.json()["access_token"]);
    }

    pub(crate) fn use_token(&mut self, token: &Value) {
        self.token = token.as_str().unwrap().to_owned();
    }

    pub(crate) fn bearer(&self) -> &str {
        &self.token
    }

    /// A token request with the app's credentials and a form body.
    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> Answer {
        let url = format!("{}/oauth/token", self.handle.url());
        let request = self.client.post(url).basic_auth("client", Some("secret")).form(form);
        read(request.send().await.unwrap()).await
    }

    /// A request below `/v2`.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        read(self.try_call(method, path, body).await.unwrap()).await
    }

    /// The same, for requests whose answer may be lost.
    pub(crate) async fn try_call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<http::Response, http::Error> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, format!("{}/v2{path}", self.handle.url()));
        let request = request.bearer_auth(&self.token);
        match body {
            Some(body) => request.json(&body).send().await,
            None => request.send().await,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    /// A licensed user.
    pub(crate) fn host(&self, email: &str) -> SandboxUser {
        let new = json!({"email": email, "first_name": "Ada", "last_name": "Host"});
        let new: NewSandboxUser = serde_json::from_value(new).unwrap();
        self.state().add_user(&new).unwrap()
    }

    /// Creates a meeting tomorrow and returns what Zoom answers.
    pub(crate) async fn meeting(&self, host: &str, fields: Value) -> Value {
        let mut body =
            json!({"topic": "Algebra", "type": 2, "start_time": "2026-03-03T09:00:00Z", "duration": 60});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let answer = self.call("POST", &format!("/users/{host}/meetings"), Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }
}

async fn read(response: http::Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}
