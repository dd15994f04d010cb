//! The sections of the configuration, each with its keys and their defaults.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use secrecy::SecretString;
use url::Url;

use super::reader::Section;
use super::types::{Algorithm, LogFormat, LogLevel, Orphans, Registration};
use crate::clock::{ScaledClock, SharedClock, SystemClock};

/// Seconds as a duration.
pub(super) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Minutes as a duration.
pub(super) const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

/// Hours as a duration.
pub(super) const fn hours(count: u64) -> Duration {
    minutes(count * 60)
}

/// Days as a duration.
pub(super) const fn days(count: u64) -> Duration {
    hours(count * 24)
}

/// A compiled-in URL.
#[expect(clippy::expect_used, reason = "only for the literals of this module, all of them read by a test")]
pub(super) fn url(literal: &'static str) -> Url {
    Url::parse(literal).expect("a compiled-in URL")
}

/// `[server]`
#[derive(Debug, Clone)]
pub struct Server {
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// What callers and Zoom call us, for links.
    pub public_url: Option<Url>,
    /// HTTP workers; as many as cores without it.
    pub workers: Option<usize>,
    /// How long a stop may take.
    pub shutdown_grace: Duration,
}

impl Server {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            bind: section.get("bind", SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))),
            public_url: section.optional("public_url"),
            workers: section.optional("workers"),
            shutdown_grace: section.get("shutdown_grace", seconds(20)),
        }
    }
}

/// `[database]`
#[derive(Debug, Clone)]
pub struct Database {
    /// `sqlite://FILE` or `postgres://…`; a secret, because it may hold a password.
    pub url: SecretString,
    /// 32 bytes in base64 that secrets in rows are encrypted with.
    pub encryption_key: Option<SecretString>,
    /// Connections that only read.
    pub readers: usize,
}

impl Database {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            url: section.secret("url").unwrap_or_else(|| SecretString::from("sqlite://convened.db")),
            encryption_key: section.secret("encryption_key"),
            readers: section.get_if("readers", 4, |n| (1..=64).contains(n), "1 to 64"),
        }
    }
}

/// `[webhook]`: from Zoom to us.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// How old a signature may be: Zoom's own retries come up to 85 minutes later.
    pub max_age: Duration,
    /// How far ahead of our clock a signature may be.
    pub max_ahead: Duration,
    /// How long processed events are kept, by which a repetition is known.
    pub retention: Duration,
}

impl Webhook {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            max_age: section.get("max_age", minutes(100)),
            max_ahead: section.get("max_ahead", minutes(5)),
            retention: section.get("retention", days(30)),
        }
    }
}

/// `[appointments]`
#[derive(Debug, Clone)]
pub struct Appointments {
    /// The zone of wall times that come without one.
    pub default_timezone: Tz,
}

impl Appointments {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self { default_timezone: section.get("default_timezone", Tz::UTC) }
    }
}

/// `[meetings]`
#[derive(Debug, Clone)]
pub struct Meetings {
    /// How long after the end a link is still given out.
    pub link_grace: Duration,
    /// Free time a host gets around each meeting.
    pub host_padding: Duration,
    /// Whether people wait until the host lets them in.
    pub waiting_room: bool,
    /// When to end a meeting that overruns; never without it.
    pub auto_end_after: Option<Duration>,
    /// Who registers at Zoom.
    pub registration: Registration,
}

impl Meetings {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            link_grace: section.get("link_grace", minutes(15)),
            host_padding: section.get("host_padding", minutes(5)),
            waiting_room: section.get("waiting_room", true),
            auto_end_after: section.optional("auto_end_after"),
            registration: section.get("registration", Registration::Auto),
        }
    }
}

/// `[attendance]`: the default rules, and how long Zoom's report is waited for.
#[derive(Debug, Clone)]
pub struct Attendance {
    /// Present after this long …
    pub present_after: Duration,
    /// … or after this share of the meeting, whichever is less.
    pub present_share: f64,
    /// Late when the first join comes this long after the start.
    pub late_after: Duration,
    /// When the report is asked for first, counted from the end.
    pub report_delay: Duration,
    /// When the report is no longer waited for, counted from the end.
    pub report_give_up: Duration,
}

/// The longest threshold of a rule.
const THRESHOLD_MAX: Duration = hours(24);

/// A threshold of rules, which count in whole minutes.
fn in_minutes(section: &mut Section<'_>, key: &str, default: Duration) -> Duration {
    let span = section.get(key, default);
    let whole = span.subsec_nanos() == 0 && span.as_secs().is_multiple_of(60);
    if whole && span <= THRESHOLD_MAX {
        return span;
    }
    section.fault(key, format!("must be whole minutes, from 0 to 1440, and is {span:?}"));
    default
}

impl Attendance {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let share = |share: &f64| (0.0..=1.0).contains(share);
        Self {
            present_after: in_minutes(section, "present_after", minutes(15)),
            present_share: section.get_if("present_share", 0.5, share, "between 0 and 1"),
            late_after: in_minutes(section, "late_after", minutes(10)),
            report_delay: section.get("report_delay", minutes(15)),
            report_give_up: section.get("report_give_up", hours(72)),
        }
    }
}

/// `[auth]`: whose tokens are good.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The secret that tokens are signed with (HS256).
    pub jwt_secret: Option<SecretString>,
    /// A file with the public keys of whoever signs tokens.
    pub jwks_file: Option<PathBuf>,
    /// Where those keys are published.
    pub jwks_url: Option<Url>,
    /// The one algorithm that is accepted.
    pub algorithm: Algorithm,
    /// The issuer a token must name.
    pub issuer: Option<String>,
    /// The audience a token must name.
    pub audience: Option<String>,
    /// The only domain that attendees' e-mails may have.
    pub allowed_email_domain: Option<String>,
}

impl Auth {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let jwks_file = section.optional("jwks_file");
        let jwks_url = section.optional("jwks_url");
        let keys = jwks_file.is_some() || jwks_url.is_some();
        Self {
            jwt_secret: section.secret("jwt_secret"),
            jwks_file,
            jwks_url,
            algorithm: section.get("algorithm", if keys { Algorithm::Rs256 } else { Algorithm::Hs256 }),
            issuer: section.optional("issuer"),
            audience: section.optional("audience"),
            allowed_email_domain: section.optional("allowed_email_domain"),
        }
    }
}

/// `[limits]`: what one caller may ask of us.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests a second, in the long run.
    pub requests_per_second: u32,
    /// Requests at once, above that.
    pub burst: u32,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Requests being worked on at a time, by all callers; the next one gets a 503.
    pub in_flight: usize,
}

impl Limits {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            requests_per_second: section.get_if("requests_per_second", 50, |n| *n > 0, "at least 1"),
            burst: section.get_if("burst", 100, |n| *n > 0, "at least 1"),
            body_bytes: section.get_if("body_bytes", 1 << 20, |n| *n >= 1024, "at least 1024"),
            in_flight: section.get_if("in_flight", 1024, |n| *n > 0, "at least 1"),
        }
    }
}

/// `[retention]`: how long things are kept.
#[derive(Debug, Clone)]
pub struct Retention {
    /// Bookings and meetings after their end.
    pub meetings: Duration,
    /// Names and addresses of who took part.
    pub participants: Duration,
    /// Webhooks that could not be processed, what we told other systems, and the stream of events.
    pub webhooks: Duration,
    /// Marks and rosters after the end of their booking.
    pub attendance: Duration,
    /// What happened to a booking.
    pub audit: Duration,
}

impl Retention {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            meetings: section.get("meetings", days(365)),
            participants: section.get("participants", days(180)),
            webhooks: section.get("webhooks", days(30)),
            attendance: section.get("attendance", days(730)),
            audit: section.get("audit", days(730)),
        }
    }
}

/// `[mail]`: invitations; off without a server.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The SMTP server, `smtp://` or `smtps://`; a secret, because it may hold a password.
    pub smtp_url: Option<SecretString>,
    /// Who the mails are from.
    pub from: Option<String>,
}

impl Mail {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self { smtp_url: section.secret("smtp_url"), from: section.optional("from") }
    }
}

/// `[sync]`: keeping Zoom true to the bookings.
#[derive(Debug, Clone)]
pub struct Sync {
    /// How long after a first "not found" Zoom is asked again before it is believed.
    pub second_look: Duration,
    /// How often drift and ownerless meetings are looked for.
    pub sweep_every: Duration,
    /// What becomes of our meetings at Zoom that no booking owns.
    pub orphans: Orphans,
    /// How this installation signs its meetings, instead of the name kept in the database.
    pub installation: Option<String>,
}

impl Sync {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            second_look: section.get("second_look", minutes(2)),
            sweep_every: section.get_if("sweep_every", hours(1), |t| !t.is_zero(), "longer than nothing"),
            orphans: section.get("orphans", Orphans::Remove),
            installation: section.optional("installation"),
        }
    }
}

/// `[clock]`: a clock that runs faster, for rehearsals against the sandbox.
#[derive(Debug, Clone)]
pub struct Clock {
    /// How many seconds pass in one.
    pub speed: f64,
    /// When it began to run so; the start of the process without it.
    pub origin: Option<DateTime<Utc>>,
}

impl Clock {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let speed = |speed: &f64| (1.0..=10_000.0).contains(speed);
        Self { speed: section.get_if("speed", 1.0, speed, "1 to 10000"), origin: section.optional("origin") }
    }

    /// The clock that the settings ask for.
    #[must_use]
    pub fn build(&self) -> SharedClock {
        if self.speed > 1.0 {
            let origin = self.origin.unwrap_or_else(|| crate::clock::Clock::now(&SystemClock));
            Arc::new(ScaledClock::new(origin, self.speed))
        } else {
            Arc::new(SystemClock)
        }
    }
}

/// `[log]`
#[derive(Debug, Clone)]
pub struct Log {
    /// The least severe line that is written.
    pub level: LogLevel,
    /// How lines look.
    pub format: LogFormat,
}

impl Log {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self { level: section.get("level", LogLevel::Info), format: section.get("format", LogFormat::Auto) }
    }
}
