//! What the demo is played on: a folder, a sandbox, a daemon, and a clock that all of them share.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;

use super::client::Api;
use super::daemon::{Daemon, Home};
use super::narrator::Narrator;
use crate::cli::token;
use crate::clock::{Clock as _, Instant, ScaledClock, SharedClock, SystemClock};
use crate::config::Settings;
use crate::sandbox::model::Plan;
use crate::sandbox::{Sandbox, SandboxHandle, SandboxOptions};

/// Seconds of the demo's world that pass in one of ours: the class of 45 minutes takes eleven seconds.
const SPEED: f64 = 240.0;
/// The token outlives the demo, also with `--keep`.
const TOKEN_TTL: Duration = Duration::from_secs(365 * 24 * 3600);

const ACCOUNT_ID: &str = "demo-account";
const CLIENT_ID: &str = "demo-client";

/// Everything that has to be there before the first booking.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) clock: SharedClock,
    pub(super) narrator: Narrator,
    pub(super) sandbox: SandboxHandle,
    pub(super) daemon: Daemon,
    pub(super) api: Api,
    pub(super) url: String,
    pub(super) token: String,
    pub(super) folder: TempDir,
}

impl Stage {
    /// Builds it; returns when the daemon is ready.
    pub(super) async fn build() -> anyhow::Result<Self> {
        let origin = SystemClock.now();
        let clock: SharedClock = Arc::new(ScaledClock::new(origin, SPEED));
        let narrator = Narrator::new(clock.clone());
        let folder =
            tempfile::Builder::new().prefix("convened-demo-").tempdir().context("no temporary folder")?;
        let port = TcpListener::bind("127.0.0.1:0").context("no free port")?.local_addr()?.port();
        let url = format!("http://127.0.0.1:{port}");
        let secrets = Secrets::new();
        let sandbox = Sandbox::start(SandboxOptions {
            bind: "127.0.0.1:0".to_owned(),
            clock: clock.clone(),
            account_id: ACCOUNT_ID.to_owned(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: secrets.client.clone(),
            webhook_secret: secrets.webhook.clone(),
            webhook_url: Some(format!("{url}/api/zoom/webhook")),
            plan: Plan::Business,
            seed: 1,
        })
        .context("the sandbox cannot start")?;
        narrator.step("sandbox", format_args!("a simulated Zoom account at {}", sandbox.url()));

        let text = configuration(port, sandbox.url(), &secrets, origin, folder.path());
        let settings = Settings::from_toml(&text)?;
        let home =
            Home { config: folder.path().join("convened.toml"), log: folder.path().join("daemon.log") };
        std::fs::write(&home.config, text).context("the configuration cannot be written")?;
        let (token, _) = token::for_service("demo", TOKEN_TTL, &settings.auth, clock.now())?;
        let api = Api::new(&url, &token)?;
        let daemon = Daemon::start(&home, &narrator)?;
        api.until("/readyz", "the daemon to be ready", |_| Some(())).await?;
        let pid = daemon.pid().unwrap_or_default();
        narrator.step(
            "daemon",
            format_args!(
                "process {pid} listens on {url}; SQLite, configuration and log in {}",
                folder.path().display()
            ),
        );
        Ok(Self { clock, narrator, sandbox, daemon, api, url, token, folder })
    }

    /// Stops the daemon and the sandbox.
    pub(super) async fn strike(self) -> anyhow::Result<()> {
        self.daemon.stop().await?;
        self.sandbox.stop();
        Ok(())
    }
}

struct Secrets {
    client: String,
    webhook: String,
    jwt: String,
}

impl Secrets {
    fn new() -> Self {
        // Two random UUIDs hold 244 random bits.
        let secret = || format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        Self { client: secret(), webhook: secret(), jwt: secret() }
    }
}

fn configuration(port: u16, sandbox: &str, secrets: &Secrets, origin: Instant, folder: &Path) -> String {
    let database = folder.join("convened.db");
    let Secrets { client, webhook, jwt } = secrets;
    format!(
        r#"# Written by `convened demo`.
[server]
bind = "127.0.0.1:{port}"

[database]
url = "sqlite://{database}"

[zoom]
api_url = "{sandbox}/v2"
oauth_url = "{sandbox}/oauth"
account_id = "{ACCOUNT_ID}"
client_id = "{CLIENT_ID}"
client_secret = "{client}"
webhook_secret_token = "{webhook}"
plan = "business"

[attendance]
report_delay = "5m"

[auth]
jwt_secret = "{jwt}"

# The sandbox lives by the same clock.
[clock]
speed = {SPEED:?}
origin = "{origin}"
"#,
        database = database.display(),
        origin = origin.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
    )
}
