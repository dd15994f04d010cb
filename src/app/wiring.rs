//! Which actor gets what.

use std::sync::Arc;

use actix::{Arbiter, ArbiterHandle};
use actix_web::web;
use anyhow::Context as _;
use secrecy::ExposeSecret as _;

use super::options;
use crate::actors::attendance::{AttendanceActor, AttendanceHandle, Job};
use crate::actors::due::{DueActor, Neighbours};
use crate::actors::engine::Engine;
use crate::actors::health::Health;
use crate::actors::inbox::Inbox;
use crate::actors::janitor::{self, JanitorActor, JanitorHandle};
use crate::actors::licence::{LicenceActor, LicenceHandle};
use crate::actors::live_view::{LiveViewActor, LiveViews, Studio};
use crate::actors::notifier::{NotifierActor, NotifierHandle, Target, Targets};
use crate::actors::reconciler::{ReconcilerActor, ReconcilerHandle};
use crate::actors::registration::{RegistrationActor, RegistrationHandle};
use crate::actors::registry::{MeetingRegistry, RegistryHandle, SharedBook};
use crate::actors::shards::Shards;
use crate::actors::store::Store;
use crate::actors::stream::EventStream;
use crate::actors::supervision::{Essential, Supervision};
use crate::actors::zoom_api::{StoreRecords, ZoomApiConfig};
use crate::clock::{Instant, SharedClock};
use crate::config::{Algorithm, Settings};
use crate::hooks::client::HookClient;
use crate::http::Front;
use crate::http::admission::Admission;
use crate::http::auth::Auth;
use crate::http::connection::{Account, AccountFacts};
use crate::http::keys::Keys;
use crate::http::webhook::Intake;
use crate::store::due::{self, DueKind};
use crate::store::{DatabaseUrl, Sealer, installation, migrate, rules};
use crate::zoom::sdk_jwt::SdkKeys;
use crate::zoom::signature::WebhookKey;

/// Long enough that two installations do not draw the same name; short, because people read it in agendas.
const INSTALLATION_DRAWN_LENGTH: usize = 8;

/// The threads on which the actors live: talkative neighbours share one.
#[derive(Debug)]
pub(super) struct Arbiters {
    /// The registry, the meetings, attendance and the clock.
    pub(super) meetings: Arbiter,
    /// Tokens and calls to Zoom, with the HTTP client's connections.
    pub(super) zoom: Arbiter,
}

impl Arbiters {
    pub(super) fn start() -> Self {
        Self { meetings: Arbiter::new(), zoom: Arbiter::new() }
    }
}

/// What the parts are reached by.
#[derive(Debug, Clone)]
pub struct Wired {
    /// What the actors share.
    pub engine: Arc<Engine>,
    /// The meetings.
    pub registry: RegistryHandle,
    /// Scoring and reports.
    pub attendance: AttendanceHandle,
    /// Licences and users.
    pub licences: LicenceHandle,
    /// The webhooks' way in.
    pub inbox: Inbox,
    /// What happens, for those who read along.
    pub events: EventStream,
    /// Who tells other systems.
    pub notifier: NotifierHandle,
    /// Who puts away what is old.
    pub janitor: JanitorHandle,
}

/// Brings the database to this program's tables and finds the key of its sealed columns.
pub(super) fn prepare_database(settings: &Settings) -> anyhow::Result<(DatabaseUrl, Sealer)> {
    let url = DatabaseUrl::parse(settings.database.url.expose_secret())?;
    for applied in migrate::run(&url)? {
        tracing::info!(migration = %applied, "migrated");
    }
    let sealer = Sealer::for_database(&url, settings.database.encryption_key.as_ref())?;
    Ok((url, sealer))
}

/// What a database makes an installation be.
pub(super) struct Identity {
    /// Seals secrets in rows.
    sealer: Sealer,
    /// The name under which meetings are signed.
    installation: String,
}

/// Finds the name under which this installation signs its meetings, and makes the first sweep due.
pub(super) async fn identity(
    settings: &Settings,
    store: &Store,
    sealer: Sealer,
    now: Instant,
) -> anyhow::Result<Identity> {
    let wanted = settings.sync.installation.clone();
    let drawn = uuid::Uuid::new_v4().simple().to_string();
    let drawn: String = drawn.chars().take(INSTALLATION_DRAWN_LENGTH).collect();
    let house = options::attendance(settings).rules;
    let name = store.write(move |conn| {
        rules::adopt(conn, &house, now.into())?;
        due::set(conn, DueKind::Sweep, due::ACCOUNT, now.into())?;
        // The pool, the plan or the pause may be others than before.
        due::set(conn, DueKind::Seats, due::ACCOUNT, now.into())?;
        installation::name(conn, wanted.as_deref(), &drawn, now.into())
    });
    let installation = name.await.context("the first rows cannot be written")?;
    Ok(Identity { sealer, installation })
}

/// Starts the actors, each with the neighbours it needs.
pub(super) fn wire(
    settings: &Settings,
    store: &Store,
    shards: Shards,
    clock: SharedClock,
    identity: Identity,
    supervision: &Supervision,
    arbiters: &Arbiters,
) -> anyhow::Result<Wired> {
    let share = shards.standing().map(|_| (store, &identity.sealer));
    let records = StoreRecords::new(store.clone(), identity.sealer.clone());
    let zoom = super::zoom::start(settings, &clock, supervision, &arbiters.zoom.handle(), share, records)?;
    let meetings = arbiters.meetings.handle();
    let live = live_views(settings, store, &clock, &shards, supervision, &meetings);
    let engine = Arc::new(Engine {
        store: store.clone(),
        clock,
        sealer: identity.sealer,
        zoom,
        shards,
        sync: options::sync_policy(settings),
        meetings: options::meeting_defaults(settings),
        attendance: options::attendance(settings),
        licences: options::licences(settings),
        users: options::users(settings),
        installation: identity.installation,
        hosts: options::hosts(settings),
        live,
    });
    let attendance = AttendanceHandle::new(supervision.essential("attendance", &meetings, {
        let engine = Arc::clone(&engine);
        move || AttendanceActor::new(Arc::clone(&engine))
    }));
    let registry =
        RegistryHandle::new(registry(&engine, &attendance, supervision, &meetings), Arc::clone(&engine));
    let licences = LicenceHandle::new(supervision.essential("licence", &meetings, {
        let engine = Arc::clone(&engine);
        move || LicenceActor::new(Arc::clone(&engine))
    }));
    let reconciler = ReconcilerHandle::new(supervision.essential("reconciler", &meetings, {
        let (engine, registry) = (Arc::clone(&engine), registry.clone());
        let options = Arc::new(options::sweeps(settings));
        move || ReconcilerActor::new(Arc::clone(&engine), registry.clone(), Arc::clone(&options))
    }));
    let registration = RegistrationHandle::new(supervision.essential("registration", &meetings, {
        let engine = Arc::clone(&engine);
        move || RegistrationActor::new(Arc::clone(&engine))
    }));
    let events = EventStream::new(store.clone());
    let notifier = notifier(settings, &engine, &events, supervision, &arbiters.zoom.handle())?;
    let janitor = janitor(settings, &engine, supervision, &meetings);
    supervision.essential("due", &meetings, {
        let engine = Arc::clone(&engine);
        let neighbours = Neighbours {
            registry: registry.clone(),
            attendance: attendance.clone(),
            licences: licences.clone(),
            reconciler,
            notifier: notifier.clone(),
            registration,
            janitor: janitor.clone(),
        };
        move || DueActor::new(Arc::clone(&engine), neighbours.clone())
    });
    let inbox = Inbox::new(store, Arc::new(registry.clone()));
    Ok(Wired { engine, registry, attendance, licences, inbox, events, notifier, janitor })
}

fn janitor(
    settings: &Settings,
    engine: &Arc<Engine>,
    supervision: &Supervision,
    arbiter: &ArbiterHandle,
) -> JanitorHandle {
    let (engine, zone) = (Arc::clone(engine), settings.appointments.default_timezone);
    let periods = janitor::periods(settings);
    let actor = supervision
        .essential("janitor", arbiter, move || JanitorActor::new(Arc::clone(&engine), periods, zone));
    JanitorHandle::new(actor, periods)
}

fn live_views(
    settings: &Settings,
    store: &Store,
    clock: &SharedClock,
    shards: &Shards,
    supervision: &Supervision,
    arbiter: &ArbiterHandle,
) -> LiveViews {
    let rules = options::attendance(settings).rules;
    let studio = Studio::new(store.clone(), Arc::clone(clock), rules, shards.clone());
    let actor = supervision.essential("live_view", arbiter, {
        let studio = studio.clone();
        move || LiveViewActor::new(studio.clone())
    });
    LiveViews::new(actor, studio)
}

fn notifier(
    settings: &Settings,
    engine: &Arc<Engine>,
    events: &EventStream,
    supervision: &Supervision,
    arbiter: &ArbiterHandle,
) -> anyhow::Result<NotifierHandle> {
    let targets: Targets = settings.webhooks.endpoints.iter().filter_map(Target::of).collect();
    let client = HookClient::new().context("no HTTP client for outgoing webhooks")?;
    let retention = settings.retention.webhooks;
    let notifier = supervision.essential("notifier", arbiter, {
        let (engine, targets, events) = (Arc::clone(engine), Arc::clone(&targets), events.clone());
        move || {
            let (engine, targets) = (Arc::clone(&engine), Arc::clone(&targets));
            NotifierActor::new(engine, targets, client.clone(), events.clone(), retention)
        }
    });
    Ok(NotifierHandle::new(notifier, targets))
}

fn registry(
    engine: &Arc<Engine>,
    attendance: &AttendanceHandle,
    supervision: &Supervision,
    arbiter: &ArbiterHandle,
) -> Essential<MeetingRegistry> {
    let book = SharedBook::default();
    let (engine, attendance) = (Arc::clone(engine), attendance.clone());
    supervision.essential("registry", arbiter, move || {
        let attendance = attendance.clone();
        let score = Arc::new(move |appointment| {
            attendance.ask(Job::Score(appointment));
        });
        MeetingRegistry::new(Arc::clone(&engine), Arc::clone(&book), score)
    })
}

/// What the HTTP front needs of it all.
pub(super) fn front(
    settings: &Settings,
    wired: &Wired,
    health: Health,
) -> anyhow::Result<(web::Data<Front>, web::Data<Intake>)> {
    let auth = &settings.auth;
    let keys = keys(auth)?;
    let (issuer, audience) = (auth.issuer.as_deref(), auth.audience.as_deref());
    let limits = &settings.limits;
    let engine = &wired.engine;
    let front = Front {
        store: engine.store.clone(),
        registry: wired.registry.clone(),
        attendance: wired.attendance.clone(),
        licences: wired.licences.clone(),
        events: wired.events.clone(),
        notifier: wired.notifier.clone(),
        janitor: wired.janitor.clone(),
        health,
        sealer: engine.sealer.clone(),
        clock: Arc::clone(&engine.clock),
        auth: Auth::new(keys, algorithm(auth.algorithm), issuer, audience),
        admission: Admission::new(limits.in_flight, limits.requests_per_second, limits.burst),
        body_bytes: limits.body_bytes,
        hosts: engine.hosts.clone(),
        default_timezone: settings.appointments.default_timezone,
        rules: engine.attendance.rules.clone(),
        installation: engine.installation.clone(),
        engine: Arc::clone(engine),
        link_grace: chrono::Duration::from_std(settings.meetings.link_grace)
            .context("meetings.link_grace is too long")?,
        sdk: sdk_keys(&settings.zoom),
        account: account(&settings.zoom),
    };
    let secret = settings.zoom.webhook_secret_token.as_ref();
    let intake = Intake {
        inbox: wired.inbox.clone(),
        clock: Arc::clone(&engine.clock),
        key: secret.and_then(WebhookKey::new),
        max_age: settings.webhook.max_age,
        max_ahead: settings.webhook.max_ahead,
        body_bytes: limits.body_bytes,
    };
    Ok((web::Data::new(front), web::Data::new(intake)))
}

fn sdk_keys(zoom: &crate::config::Zoom) -> Option<SdkKeys> {
    Some(SdkKeys { key: zoom.sdk_key.clone()?, secret: zoom.sdk_secret.clone()? })
}

fn account(zoom: &crate::config::Zoom) -> Account {
    let facts = AccountFacts {
        configured: zoom.configured(),
        account_id: zoom.account_id.clone(),
        api_url: zoom.api_url.to_string(),
        oauth_url: zoom.oauth_url.to_string(),
        plan: zoom.plan.as_str(),
        quotas: ZoomApiConfig::from(zoom).quotas,
        webhook_secret: zoom.webhook_secret_token.is_some(),
        sdk: zoom.sdk_key.is_some() && zoom.sdk_secret.is_some(),
    };
    Account { facts, health: Default::default() }
}

fn keys(auth: &crate::config::Auth) -> anyhow::Result<Keys> {
    if let Some(url) = &auth.jwks_url {
        return Ok(Keys::from_url(url.as_str())?);
    }
    if let Some(path) = &auth.jwks_file {
        return Ok(Keys::from_file(path)?);
    }
    match &auth.jwt_secret {
        Some(secret) => Ok(Keys::secret(secret.expose_secret())),
        None => {
            tracing::warn!("auth: no jwt_secret, jwks_file or jwks_url is set, so no caller is let in");
            Ok(Keys::secret(&uuid::Uuid::new_v4().to_string()))
        }
    }
}

fn algorithm(configured: Algorithm) -> jsonwebtoken::Algorithm {
    match configured {
        Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
    }
}
