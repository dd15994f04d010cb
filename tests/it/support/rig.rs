//! The real binary beside a sandboxed Zoom account, as an operator would run them.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use convened::sandbox::model::Plan;
use convened::sandbox::{Sandbox, SandboxHandle, SandboxOptions};
use convened::zoom::http::{Client, Method, client};
use serde_json::{Value, json};

use super::database::TestDatabase;
use super::pace::{Pace, Setting};

const SECRET: &str = "a secret that only this test knows, 32 bytes";
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon and its Zoom.
pub(crate) struct Rig {
    pub(crate) sandbox: SandboxHandle,
    pub(crate) clock: Arc<Pace>,
    pub(crate) http: Client,
    pub(crate) database: TestDatabase,
    folder: tempfile::TempDir,
    port: u16,
    daemon: Option<Child>,
    /// The configuration of a daemon on this port, with the clock as it is set.
    config: Box<dyn Fn(u16, Setting) -> String + Send + Sync>,
}

/// An answer: its status and its JSON.
pub(crate) type Answer = (u16, Value);

impl Rig {
    /// Starts both; `speed` is how fast their common clock runs, `extra` further lines of configuration: of `[zoom]`
    /// and sections of their own, and before a line `---` of `[auth]`.
    pub(crate) fn start(database: TestDatabase, speed: f64, extra: &str) -> Self {
        Self::start_behind(database, speed, extra, None)
    }

    /// As [`Rig::start`], with Zoom's webhooks going to the port `front`.
    pub(crate) fn start_behind(database: TestDatabase, speed: f64, extra: &str, front: Option<u16>) -> Self {
        let clock = Arc::new(Pace::new(speed));
        let port = free_port();
        let sandbox = Sandbox::start(SandboxOptions {
            bind: "127.0.0.1:0".to_owned(),
            clock: Arc::<Pace>::clone(&clock),
            account_id: "account".to_owned(),
            client_id: "client".to_owned(),
            client_secret: "client secret".to_owned(),
            webhook_secret: "webhook secret".to_owned(),
            webhook_url: Some(format!("http://127.0.0.1:{}/api/zoom/webhook", front.unwrap_or(port))),
            plan: Plan::Business,
            seed: 7,
        })
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (url, text, extra) = (sandbox.url().to_owned(), database.text.clone(), extra.to_owned());
        let config = Box::new(move |port, setting| config(&text, &url, port, setting, &extra));
        let http = client(Duration::from_secs(30)).unwrap();
        let mut rig = Self { sandbox, clock, http, database, folder, port, daemon: None, config };
        rig.start_daemon();
        rig
    }

    /// Starts the daemon (again) and waits until it listens.
    pub(crate) fn start_daemon(&mut self) {
        self.daemon = Some(self.spawn(self.port));
    }

    /// Starts a daemon on `port` beside the rig's own, on the same database and the same Zoom.
    pub(crate) fn spawn(&self, port: u16) -> Child {
        let file = self.config_file(port);
        std::fs::write(&file, (self.config)(port, self.clock.setting())).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_convened"))
            .arg("--config")
            .arg(file)
            .arg("serve")
            .env_remove("DATABASE_URL")
            .stdout(Stdio::piped())
            .stderr(if std::env::var_os("RIG_LOG").is_some() { Stdio::inherit() } else { Stdio::null() })
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on http://"), "the daemon said {line:?}");
        child
    }

    /// Where the rig's own daemon listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The rig's own daemon, to be taken care of by somebody else.
    pub(crate) fn take_daemon(&mut self) -> Child {
        self.daemon.take().unwrap()
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let mut child = self.take_daemon();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Kills the daemon, lets the common clock run at `speed` from now on, and starts another.
    pub(crate) fn hurry(&mut self, speed: f64) {
        self.kill();
        self.clock.turn_to(speed);
        self.start_daemon();
    }

    /// The configuration of the daemon on `port`, also for commands that share its database.
    pub(crate) fn config_file(&self, port: u16) -> std::path::PathBuf {
        self.folder.path().join(format!("convened-{port}.toml"))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// A token for `role`.
    pub(crate) fn token(&self, role: &str, subject: &str) -> String {
        let claims = json!({ "sub": subject, "role": role, "exp": 4_102_444_800_u64 });
        let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
    }

    /// One call to the daemon as an internal caller.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request =
            self.http.request(method, self.url(path)).bearer_auth(self.token("service", "tests"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::PUT, path, Some(body)).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::POST, path, Some(body)).await;
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    }

    /// One call to the sandbox's control.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.http.request(method, format!("{}/sandbox{path}", self.sandbox.url()));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Asks `path` again and again until `good` likes the answer.
    pub(crate) async fn until(&self, path: &str, what: &str, good: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let (_, answer) = self.call(Method::GET, path, None).await;
            if good(&answer) {
                return answer;
            }
            assert!(began.elapsed() < PATIENCE, "never {what}; last answer of {path}: {answer:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks `path` again and again until `faults` finds none in the answer; those it found last are told.
    pub(crate) async fn until_agreed(&self, path: &str, what: &str, faults: impl Fn(&Value) -> Vec<String>) {
        let began = Instant::now();
        loop {
            let found = faults(&self.get(path).await);
            if found.is_empty() {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "never {what}: {}", found.join("; "));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asks the sandbox's control again and again until `good` makes something of the answer.
    pub(crate) async fn until_zoom<T>(
        &self,
        path: &str,
        what: &str,
        good: impl Fn(&Value) -> Option<T>,
    ) -> T {
        let began = Instant::now();
        loop {
            let answer = self.control(Method::GET, path, None).await;
            if let Some(made) = good(&answer) {
                return made;
            }
            assert!(began.elapsed() < PATIENCE, "never {what}; last answer of {path}: {answer:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(mut child) = self.daemon.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn config(database: &str, zoom: &str, port: u16, setting: Setting, extra: &str) -> String {
    let (origin, speed) = (setting.origin.to_rfc3339(), setting.speed);
    let (auth, extra) = extra.split_once("---\n").unwrap_or(("", extra));
    format!(
        r#"
[server]
bind = "127.0.0.1:{port}"
[database]
url = "{database}"
encryption_key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
[auth]
jwt_secret = "{SECRET}"
{auth}
[clock]
speed = {speed}
origin = "{origin}"
[limits]
requests_per_second = 100000
burst = 100000
[zoom]
api_url = "{zoom}/v2"
oauth_url = "{zoom}/oauth"
account_id = "account"
client_id = "client"
client_secret = "client secret"
webhook_secret_token = "webhook secret"
plan = "business"
{extra}
"#
    )
}
