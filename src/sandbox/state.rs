//! The seam between the simulated API, the player of classes, the delivery of events, and tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;

use super::account::{Account, Founding};
use super::announce::EventSink;
use super::faults::FaultRule;
use super::ledger::{LedgerEntry, LedgerFilter};
use super::model::{LICENSED, ReportRow, SandboxInstance, SandboxMeeting, SandboxUser, UserStatus, Webhook};
use super::settings::Settings;
use super::{SandboxOptions, meetings, recordings, users};
use crate::clock::{Instant, SharedClock};
use crate::sandbox::oauth::Grants;
use crate::zoom::ids;

/// Endings that a slow listener may be behind.
const ENDINGS_MAX: usize = 1_024;

/// The simulated account, shared between the server's threads, the player and the tests.
#[derive(Debug, Clone)]
pub struct SandboxState(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: SharedClock,
    url: String,
    account: Mutex<Account>,
    sink: Arc<EventSink>,
    ended: broadcast::Sender<String>,
}

/// A user to add without the API's limits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewSandboxUser {
    /// The address.
    pub email: String,
    /// The given name.
    #[serde(default)]
    pub first_name: String,
    /// The family name.
    #[serde(default)]
    pub last_name: String,
    /// 1 Basic, 2 Licensed (the default).
    #[serde(default = "licensed", rename = "type")]
    pub kind: i64,
    /// `active` unless told otherwise.
    #[serde(default)]
    pub status: UserStatus,
}

fn licensed() -> i64 {
    LICENSED
}

/// Why something could not be done behind the API's back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SandboxRefusal {
    /// There is no such meeting, or it was deleted.
    #[error("meeting {0} does not exist")]
    NoMeeting(u64),
    /// There is no such instance.
    #[error("instance {0} does not exist")]
    NoInstance(String),
    /// The address belongs to somebody already.
    #[error("{0} is a user already")]
    EmailTaken(String),
    /// The values are not valid.
    #[error("{0}")]
    Invalid(String),
}

impl SandboxState {
    pub(super) fn new(options: SandboxOptions, url: String) -> Self {
        let sink = Arc::new(EventSink::default());
        let (ended, _) = broadcast::channel(ENDINGS_MAX);
        let account = Account::found(Founding {
            account_id: options.account_id.clone(),
            base_url: url.clone(),
            webhook: Webhook { url: options.webhook_url, secret: options.webhook_secret },
            settings: Settings { plan: options.plan, ..Settings::default() },
            grants: Grants::new(options.account_id, options.client_id, options.client_secret),
            seed: options.seed,
            sink: Arc::clone(&sink),
            ended: ended.clone(),
            now: options.clock.now(),
        });
        Self(Arc::new(Shared { clock: options.clock, url, account: Mutex::new(account), sink, ended }))
    }

    /// The account, locked. Never held across an await.
    pub(super) fn account(&self) -> MutexGuard<'_, Account> {
        self.0.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sandbox's clock.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.0.clock
    }

    /// The sandbox's time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.clock.now()
    }

    /// Where the sandbox listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The account's id.
    #[must_use]
    pub fn account_id(&self) -> String {
        self.account().account_id.clone()
    }

    /// Where events go; the API's handlers, the player and tests emit into it.
    #[must_use]
    pub fn events(&self) -> &EventSink {
        &self.0.sink
    }

    /// Tells the UUID of every instance that was ended through the API, for the player of its class.
    #[must_use]
    pub fn endings(&self) -> broadcast::Receiver<String> {
        self.0.ended.subscribe()
    }

    /// Where events are sent and how they are signed.
    #[must_use]
    pub fn webhook(&self) -> Webhook {
        self.account().webhook.clone()
    }

    /// Changes where events are sent.
    pub fn set_webhook(&self, webhook: Webhook) {
        self.account().webhook = webhook;
    }

    /// The switches.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.account().settings.clone()
    }

    /// Sets the switches.
    pub fn set_settings(&self, settings: Settings) {
        self.account().settings = settings;
    }

    /// Draws from the sandbox's seeded randomness.
    pub fn random<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        draw(&mut self.account().rng)
    }

    /// A user by id or address.
    #[must_use]
    pub fn user(&self, key: &str) -> Option<SandboxUser> {
        self.account().user(key).cloned()
    }

    /// All users, by id.
    #[must_use]
    pub fn users(&self) -> Vec<SandboxUser> {
        self.account().users.values().cloned().collect()
    }

    /// Adds a user, without the API's limits and without an event.
    pub fn add_user(&self, new: &NewSandboxUser) -> Result<SandboxUser, SandboxRefusal> {
        let now = self.now();
        let mut account = self.account();
        if account.user(&new.email).is_some() {
            return Err(SandboxRefusal::EmailTaken(new.email.clone()));
        }
        let mut user = account.new_user(&new.email, &new.first_name, &new.last_name, new.kind, now);
        user.status = new.status;
        account.insert_user(user.clone());
        Ok(user)
    }

    /// A pending user accepts the invitation.
    pub fn accept_invitation(&self, key: &str) -> Result<(), SandboxRefusal> {
        let now = self.now();
        users::accept(&mut self.account(), key, now)
    }

    /// Ends a meeting that a Basic host has run for as long as Zoom lets them, and says when it will if it is not
    /// time yet; `None` when nothing of the kind will happen.
    #[must_use]
    pub fn end_basic(&self, number: u64) -> Option<Instant> {
        let now = self.now();
        meetings::end_basic(&mut self.account(), number, now)
    }

    /// A meeting that exists: neither deleted nor unknown.
    #[must_use]
    pub fn meeting(&self, number: u64) -> Option<SandboxMeeting> {
        self.account().meetings.get(&number).filter(|meeting| meeting.deleted_at.is_none()).cloned()
    }

    /// Every meeting there ever was, deleted ones included.
    #[must_use]
    pub fn meetings(&self) -> Vec<SandboxMeeting> {
        self.account().meetings.values().cloned().collect()
    }

    /// An instance.
    #[must_use]
    pub fn instance(&self, uuid: &str) -> Option<SandboxInstance> {
        self.account().instances.get(uuid).cloned()
    }

    /// Starts an instance. `uuid` is normally the meeting's own, which stands for its next instance.
    pub fn begin_instance(&self, number: u64, uuid: &str, started: Instant) -> Result<(), SandboxRefusal> {
        let mut account = self.account();
        let meeting = account
            .meetings
            .get_mut(&number)
            .filter(|meeting| meeting.deleted_at.is_none())
            .ok_or(SandboxRefusal::NoMeeting(number))?;
        uuid.clone_into(&mut meeting.uuid);
        meeting.live = Some(uuid.to_owned());
        meeting.instances.push(uuid.to_owned());
        let instance = SandboxInstance {
            uuid: uuid.to_owned(),
            number,
            host_id: meeting.host_id.clone(),
            topic: meeting.topic.clone(),
            kind: meeting.kind,
            started,
            ended: None,
            report: Vec::new(),
            recordings: Vec::new(),
        };
        account.instances.insert(uuid.to_owned(), instance);
        Ok(())
    }

    /// Ends an instance and gives the meeting a UUID for its next one. True if it was running: whoever gets
    /// "true" announces the end.
    pub fn end_instance(&self, uuid: &str, ended: Instant) -> bool {
        self.account().end_instance(uuid, ended)
    }

    /// Adds one stay to the report of an instance.
    pub fn add_report_row(&self, uuid: &str, row: ReportRow) -> Result<(), SandboxRefusal> {
        let mut account = self.account();
        let instance =
            account.instances.get_mut(uuid).ok_or_else(|| SandboxRefusal::NoInstance(uuid.to_owned()))?;
        instance.report.push(row);
        Ok(())
    }

    /// Publishes a cloud recording of an ended instance and announces it.
    pub fn publish_recording(&self, uuid: &str) -> Result<(), SandboxRefusal> {
        let now = self.now();
        recordings::publish(&mut self.account(), uuid, now)
    }

    /// Deletes a meeting as its host would in Zoom's own client.
    pub fn delete_meeting(&self, number: u64) -> Result<(), SandboxRefusal> {
        let now = self.now();
        meetings::delete_behind(&mut self.account(), number, now)
    }

    /// Changes a meeting as its host would in Zoom's own client.
    pub fn patch_meeting(&self, number: u64, fields: &Value) -> Result<(), SandboxRefusal> {
        let now = self.now();
        meetings::patch_behind(&mut self.account(), number, fields, now)
    }

    /// Injects a fault; the answer is its number.
    pub fn add_fault(&self, rule: FaultRule) -> u64 {
        self.account().faults.add(rule)
    }

    /// Removes a fault; false when it was gone already.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.account().faults.remove(id)
    }

    /// How often a fault has struck; 0 when it is gone.
    #[must_use]
    pub fn struck(&self, id: u64) -> u32 {
        let account = self.account();
        account.faults.standing().iter().find(|standing| standing.id == id).map_or(0, |found| found.struck)
    }

    /// Removes every fault.
    pub fn clear_faults(&self) {
        self.account().faults.clear();
    }

    /// The recorded requests that match.
    #[must_use]
    pub fn ledger(&self, filter: &LedgerFilter) -> Vec<LedgerEntry> {
        self.account().ledger.entries(filter)
    }
}

impl Account {
    pub(super) fn end_instance(&mut self, uuid: &str, ended: Instant) -> bool {
        let Some(instance) = self.instances.get_mut(uuid).filter(|instance| instance.ended.is_none()) else {
            return false;
        };
        instance.ended = Some(ended);
        if let Some(meeting) = self.meetings.get_mut(&instance.number) {
            meeting.live = None;
            meeting.uuid = ids::instance_uuid(&mut self.rng);
        }
        true
    }
}
