//! The account itself: one value behind one lock, with the look-ups every endpoint needs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Map, Value};
use tokio::sync::broadcast;

use super::announce::{Announcer, EventSink};
use super::errors::ApiError;
use super::faults::Faults;
use super::ledger::Ledger;
use super::limits::{Limits, Refusal};
use super::model::{LICENSED, SandboxInstance, SandboxMeeting, SandboxUser, UserStatus, Webhook};
use super::oauth::Grants;
use super::pages::Pages;
use super::request::ApiRequest;
use super::settings::Settings;
use crate::clock::Instant;
use crate::zoom::ids;

/// Everything the simulated account holds.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) account_id: String,
    pub(super) owner: String,
    pub(super) base_url: String,
    pub(super) webhook: Webhook,
    pub(super) settings: Settings,
    pub(super) users: BTreeMap<String, SandboxUser>,
    emails: HashMap<String, String>,
    pub(super) meetings: BTreeMap<u64, SandboxMeeting>,
    by_host: HashMap<String, BTreeSet<u64>>,
    pub(super) instances: HashMap<String, SandboxInstance>,
    pub(super) grants: Grants,
    pub(super) limits: Limits,
    pub(super) pages: Pages,
    pub(super) faults: Faults,
    pub(super) ledger: Ledger,
    pub(super) rng: StdRng,
    pub(super) sink: Arc<EventSink>,
    pub(super) ended: broadcast::Sender<String>,
}

/// What an account starts with.
#[derive(Debug)]
pub(super) struct Founding {
    pub(super) account_id: String,
    pub(super) base_url: String,
    pub(super) webhook: Webhook,
    pub(super) settings: Settings,
    pub(super) grants: Grants,
    pub(super) seed: u64,
    pub(super) sink: Arc<EventSink>,
    pub(super) ended: broadcast::Sender<String>,
    pub(super) now: Instant,
}

impl Account {
    /// A new account with its owner and nobody else.
    pub(super) fn found(founding: Founding) -> Self {
        let mut account = Self {
            account_id: founding.account_id,
            owner: String::new(),
            base_url: founding.base_url,
            webhook: founding.webhook,
            settings: founding.settings,
            users: BTreeMap::new(),
            emails: HashMap::new(),
            meetings: BTreeMap::new(),
            by_host: HashMap::new(),
            instances: HashMap::new(),
            grants: founding.grants,
            limits: Limits::default(),
            pages: Pages::default(),
            faults: Faults::default(),
            ledger: Ledger::default(),
            rng: StdRng::seed_from_u64(founding.seed),
            sink: founding.sink,
            ended: founding.ended,
        };
        let mut owner = account.new_user("owner@sandbox.example", "Olga", "Owner", LICENSED, founding.now);
        owner.profile.insert("role_id".to_owned(), Value::from("0"));
        owner.profile.insert("role_name".to_owned(), Value::from("Owner"));
        account.owner.clone_from(&owner.id);
        account.insert_user(owner);
        account
    }

    /// A user that is not in the account yet.
    pub(super) fn new_user(
        &mut self,
        email: &str,
        first_name: &str,
        last_name: &str,
        kind: i64,
        now: Instant,
    ) -> SandboxUser {
        SandboxUser {
            id: ids::user_id(&mut self.rng),
            email: email.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            display_name: format!("{first_name} {last_name}").trim().to_owned(),
            kind,
            status: UserStatus::Active,
            timezone: "UTC".to_owned(),
            pmi: ids::personal_meeting_number(&mut self.rng),
            created_at: now,
            settings: Map::new(),
            profile: Map::new(),
        }
    }

    pub(super) fn insert_user(&mut self, user: SandboxUser) {
        self.emails.insert(user.email.to_lowercase(), user.id.clone());
        self.users.insert(user.id.clone(), user);
    }

    pub(super) fn remove_user(&mut self, id: &str) -> Option<SandboxUser> {
        let user = self.users.remove(id)?;
        self.emails.remove(&user.email.to_lowercase());
        Some(user)
    }

    /// A user by id or address.
    pub(super) fn user(&self, key: &str) -> Option<&SandboxUser> {
        let by_id = || self.users.get(key);
        by_id().or_else(|| self.users.get(self.emails.get(&key.to_lowercase())?))
    }

    /// The user the path names; `me` is the token's user, and the owner for an account token.
    pub(super) fn user_of(&self, request: &ApiRequest) -> Result<&SandboxUser, ApiError> {
        let key = request.param("userId");
        let found = match (key.as_str(), &request.subject) {
            ("me", Some(subject)) => self.users.get(subject),
            ("me", None) => self.users.get(&self.owner),
            (key, _) => self.user(key),
        };
        found.ok_or_else(|| ApiError::no_user(&key))
    }

    /// How many licensed users there are.
    pub(super) fn seats_used(&self) -> usize {
        self.users.values().filter(|user| user.kind == LICENSED).count()
    }

    /// Whether one more user may be licensed.
    pub(super) fn seat_free(&self) -> bool {
        self.seats_used() < usize::try_from(self.settings.seats).unwrap_or(usize::MAX)
    }

    pub(super) fn insert_meeting(&mut self, meeting: SandboxMeeting) {
        self.by_host.entry(meeting.host_id.clone()).or_default().insert(meeting.number);
        self.meetings.insert(meeting.number, meeting);
    }

    /// Gives a meeting to another host.
    pub(super) fn move_meeting(&mut self, number: u64, host: &str) {
        if let Some(meeting) = self.meetings.get_mut(&number) {
            if let Some(numbers) = self.by_host.get_mut(&meeting.host_id) {
                numbers.remove(&number);
            }
            host.clone_into(&mut meeting.host_id);
            self.by_host.entry(host.to_owned()).or_default().insert(number);
        }
    }

    /// The host's meetings, deleted ones included.
    pub(super) fn meetings_of(&self, host: &str) -> impl Iterator<Item = &SandboxMeeting> {
        let numbers = self.by_host.get(host).into_iter().flatten();
        numbers.filter_map(|number| self.meetings.get(number))
    }

    /// A free meeting number.
    pub(super) fn new_number(&mut self) -> u64 {
        loop {
            let number = ids::meeting_number(&mut self.rng);
            if !self.meetings.contains_key(&number) {
                return number;
            }
        }
    }

    /// The meeting the path names, if Zoom still knows it.
    pub(super) fn meeting_of(&self, request: &ApiRequest) -> Result<&SandboxMeeting, ApiError> {
        let key = request.param("meetingId");
        let number: u64 = key.parse().map_err(|_| ApiError::invalid_field("meetingId"))?;
        self.meetings
            .get(&number)
            .filter(|meeting| meeting.deleted_at.is_none() && !meeting.expired(request.now))
            .ok_or_else(|| ApiError::no_meeting(&key))
    }

    /// The instance the path names: by UUID in any encoding, by number the latest one that has ended.
    pub(super) fn instance_of(&self, request: &ApiRequest) -> Option<&SandboxInstance> {
        let readings = ids::decoded_candidates(request.raw_param("meetingId"));
        if let Some(instance) = readings.iter().find_map(|uuid| self.instances.get(uuid)) {
            return Some(instance);
        }
        let [once, _] = &readings;
        let meeting = self.meetings.get(&once.parse().ok()?)?;
        let mut latest_first = meeting.instances.iter().rev().filter_map(|uuid| self.instances.get(uuid));
        latest_first.find(|instance| instance.ended.is_some())
    }

    /// Counts a create or an update against the host's day.
    pub(super) fn count_host(&mut self, host: &str, now: Instant) -> Result<(), ApiError> {
        self.counted(now, |limits, settings| {
            limits.take_host(host, settings.host_daily_limit, now.date_naive())
        })
    }

    /// Counts against a limit, unless limits are off.
    pub(super) fn counted(
        &mut self,
        now: Instant,
        take: impl FnOnce(&mut Limits, &Settings) -> Result<(), Refusal>,
    ) -> Result<(), ApiError> {
        if !self.settings.limits {
            return Ok(());
        }
        take(&mut self.limits, &self.settings).map_err(|refusal| ApiError::too_many(&refusal, now))
    }

    /// Announces on behalf of the account's owner, under whose app the API works.
    pub(super) fn announcer(&self, now: Instant) -> Announcer<'_> {
        let operator = self.users.get(&self.owner).map(|owner| (owner.email.as_str(), owner.id.as_str()));
        Announcer { sink: &self.sink, account_id: &self.account_id, operator, now }
    }

    /// The link everybody joins with.
    pub(super) fn join_url(&self, meeting: &SandboxMeeting) -> String {
        let plain = format!("{}/j/{}", self.base_url, meeting.number);
        if meeting.encrypted_password.is_empty() {
            plain
        } else {
            format!("{plain}?pwd={}", meeting.encrypted_password)
        }
    }
}
