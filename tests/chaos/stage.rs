//! What one seed is played on: an account, a daemon, a database, a clock, a folder.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use chrono::{NaiveTime, TimeDelta};
use convened::clock::{Clock, Instant, ScaledClock, SharedClock, SystemClock};
use convened::domain::marker::Marker;
use convened::sandbox::delivery::DeliverySettings;
use convened::sandbox::model::{Plan as AccountPlan, SandboxMeeting};
use convened::sandbox::settings::TokenMode;
use convened::sandbox::state::NewSandboxUser;
use convened::sandbox::{Sandbox, SandboxHandle, SandboxOptions};

use crate::api::{Api, SECRET};
use crate::book::Book;
use crate::daemon::Daemon;
use crate::database::TestDatabase;
use crate::options::{Engine, Run};
use crate::plan::Plan;

/// Seconds of the daemon's world in one of ours: a class of twelve minutes lasts a second.
const SPEED: f64 = 600.0;
/// Shared hosts.
pub(crate) const POOL: [&str; 2] = ["pool-0", "pool-1"];
/// How long after the end the report appears.
const REPORT_DELAY_SECS: u32 = 120;
/// Bookings are made from this many days on, far beyond the end of the run.
const FIRST_DAY: i64 = 2;

/// Everything of one seed.
pub(crate) struct Stage {
    pub(crate) sandbox: SandboxHandle,
    pub(crate) clock: SharedClock,
    pub(crate) daemon: Daemon,
    pub(crate) api: Api,
    pub(crate) book: Book,
    pub(crate) database: TestDatabase,
    pub(crate) folder: PathBuf,
    began: Instant,
    /// When Zoom's next day begins.
    midnight: Instant,
}

impl Stage {
    /// Builds it; the daemon is listening afterwards.
    pub(crate) async fn build(run: Run, plan: &Plan) -> Result<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos").join(format!(
            "{}-{}",
            run.seed,
            run.engine.name()
        ));
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let database = match run.engine {
            Engine::Sqlite => TestDatabase::sqlite(),
            Engine::Postgres => {
                TestDatabase::postgres().context("CONVENED_TEST_POSTGRES names no PostgreSQL server")?
            }
        };
        let database = database.migrated();
        let origin = origin(plan.minutes_to_midnight);
        let clock: SharedClock = Arc::new(ScaledClock::new(origin, SPEED));
        let port = free_port()?;
        let sandbox = Sandbox::start(SandboxOptions {
            bind: "127.0.0.1:0".to_owned(),
            clock: clock.clone(),
            account_id: "account".to_owned(),
            client_id: "client".to_owned(),
            client_secret: "client secret".to_owned(),
            webhook_secret: "webhook secret".to_owned(),
            webhook_url: Some(format!("http://127.0.0.1:{port}/api/zoom/webhook")),
            plan: if plan.pro { AccountPlan::Pro } else { AccountPlan::Business },
            seed: run.seed,
        })?;
        let daemon =
            Daemon::new(&folder, &configuration(&database.text, sandbox.url(), port, origin, plan.pro))?;
        let api = Api::new(format!("http://127.0.0.1:{port}"))?;
        let began = clock.now();
        let midnight = began + TimeDelta::minutes(plan.minutes_to_midnight);
        let book = Book::default();
        let stage = Self { sandbox, clock, daemon, api, book, database, folder, began, midnight };
        stage.furnish(plan)?;
        stage.daemon.start().await?;
        Ok(stage)
    }

    /// The account as the plan has it.
    fn furnish(&self, plan: &Plan) -> Result<()> {
        let state = self.sandbox.state();
        let mut settings = state.settings();
        settings.report_delay_secs = REPORT_DELAY_SECS;
        settings.list_lag_secs = plan.list_lag_secs;
        settings.token_mode = if plan.single_token { TokenMode::Single } else { TokenMode::Multi };
        state.set_settings(settings);
        let mischief = plan.webhooks.clone();
        self.sandbox.delivery().set_settings(DeliverySettings { mischief, ..DeliverySettings::default() })?;
        POOL.iter().try_for_each(|host| self.zoom_user(host))
    }

    /// A licensed user of the account.
    pub(crate) fn zoom_user(&self, reference: &str) -> Result<()> {
        let user = serde_json::json!({ "email": Self::email(reference), "first_name": reference });
        self.sandbox.state().add_user(&serde_json::from_value::<NewSandboxUser>(user)?)?;
        Ok(())
    }

    /// The address of whoever has this `ref`.
    pub(crate) fn email(reference: &str) -> String {
        format!("{reference}@school.example")
    }

    /// The start of a half hour that can be booked.
    pub(crate) fn slot(&self, slot: i64) -> Instant {
        let day = (self.began + TimeDelta::days(FIRST_DAY)).date_naive();
        day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::minutes(30 * slot)
    }

    /// How long Zoom's day still lasts, in real time.
    pub(crate) fn rest_of_day(&self) -> Duration {
        self.clock.real((self.midnight - self.clock.now()).to_std().unwrap_or_default())
    }

    /// What a booking is described as: its meeting can be told by it.
    pub(crate) fn description(&self, tag: &str) -> String {
        format!("tag={tag};")
    }

    /// The tag of the booking that a meeting is of.
    pub(crate) fn tag_of(meeting: &SandboxMeeting) -> Option<&str> {
        Marker::at_head_of(&meeting.agenda)?;
        Some(meeting.agenda.split_once("tag=")?.1.split_once(';')?.0)
    }

    /// The number of the live meeting of the booking with this tag.
    pub(crate) fn number_of(&self, tag: &str) -> Option<u64> {
        let meetings = self.sandbox.state().meetings();
        let ours =
            |meeting: &&SandboxMeeting| meeting.deleted_at.is_none() && Self::tag_of(meeting) == Some(tag);
        meetings.iter().find(ours).map(|meeting| meeting.number)
    }

    /// Looks until there is something, or the time is over.
    pub(crate) async fn until<T>(
        &self,
        limit: Duration,
        every: Duration,
        look: impl Fn() -> Option<T>,
    ) -> Option<T> {
        let looking = async {
            loop {
                if let Some(found) = look() {
                    return found;
                }
                tokio::time::sleep(every).await;
            }
        };
        tokio::time::timeout(limit, looking).await.ok()
    }
}

/// When the scaled clock has to have started so that it shows, now, so many minutes before a midnight that is ahead.
fn origin(minutes_to_midnight: i64) -> Instant {
    let now = SystemClock.now();
    let midnight = (now + TimeDelta::days(2)).date_naive().and_time(NaiveTime::MIN).and_utc();
    let ahead = midnight - TimeDelta::minutes(minutes_to_midnight) - now;
    now - TimeDelta::milliseconds((ahead.num_milliseconds() as f64 / (SPEED - 1.0)) as i64)
}

/// A port below those that the system gives to others: it must still be free after a `kill -9`.
fn free_port() -> Result<u16> {
    const FIRST: u16 = 10_000;
    const COUNT: u16 = 20_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Several runners on one machine begin at different places.
    let base = (std::process::id() % u32::from(COUNT)) as u16;
    (0..COUNT)
        .map(|_| FIRST + (base.wrapping_mul(37).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed))) % COUNT)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("no free port")
}

fn configuration(database: &str, zoom: &str, port: u16, origin: Instant, pro: bool) -> String {
    let plan = if pro { "pro" } else { "business" };
    let origin = origin.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let pool = POOL.map(|host| format!("\"{}\"", Stage::email(host))).join(", ");
    format!(
        r#"[server]
bind = "127.0.0.1:{port}"
workers = 1
[database]
url = "{database}"
encryption_key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
[auth]
jwt_secret = "{SECRET}"
[clock]
speed = {SPEED:?}
origin = "{origin}"
[limits]
requests_per_second = 100000
burst = 100000
[attendance]
report_delay = "3m"
[sync]
second_look = "3m"
sweep_every = "20m"
[zoom]
api_url = "{zoom}/v2"
oauth_url = "{zoom}/oauth"
account_id = "account"
client_id = "client"
client_secret = "client secret"
webhook_secret_token = "webhook secret"
plan = "{plan}"
host_pool = [{pool}]
# In real time, unlike all others.
timeout = "600ms"
retry_min = "20s"
retry_max = "4m"
"#
    )
}
