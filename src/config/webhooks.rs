//! `[webhooks]`: who is told what happens here, and with which secret our calls are signed.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use url::{Host, Url};

use super::reader::Section;

/// More endpoints than this are a fan-out that belongs behind one of them.
const ENDPOINTS_MAX: usize = 32;
/// What a secret of Standard Webhooks begins with.
const SECRET_PREFIX: &str = "whsec_";
/// How long its key may be (Standard Webhooks, "Signature scheme").
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The events that can be asked for. `app` holds this list to what the store tells.
pub const EVENTS: [&str; 15] = [
    "appointment.confirmed",
    "appointment.changed",
    "appointment.cancelled",
    "appointment.completed",
    "meeting.scheduled",
    "meeting.started",
    "meeting.ended",
    "meeting.failed",
    "meeting.link_changed",
    "attendance.provisional",
    "attendance.final",
    "attendance.corrected",
    "recording.available",
    "licence.exhausted",
    "connection.lost",
];

/// `[webhooks]`: from us to other systems.
#[derive(Debug, Clone)]
pub struct Webhooks {
    /// Who is told.
    pub endpoints: Vec<Endpoint>,
}

/// One system that is told what happens.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Where it listens; https, unless it is on this machine.
    pub url: Url,
    /// The key that our calls are signed with: what `whsec_…` stands for.
    pub key: SecretSlice<u8>,
    /// Which events it wants; all of them when empty.
    pub events: Vec<String>,
}

impl Webhooks {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let endpoints = section.tables("endpoints", endpoint);
        let endpoints: Vec<Endpoint> = endpoints.into_iter().flatten().collect();
        if endpoints.len() > ENDPOINTS_MAX {
            section.fault("endpoints", format!("more than {ENDPOINTS_MAX}"));
        }
        let mut urls: Vec<&Url> = endpoints.iter().map(|endpoint| &endpoint.url).collect();
        urls.sort_unstable();
        urls.dedup();
        if urls.len() < endpoints.len() {
            section.fault("endpoints", "two of them have the same url");
        }
        Self { endpoints }
    }
}

fn endpoint(section: &mut Section<'_>) -> Option<Endpoint> {
    let url: Option<Url> = section.required("url");
    let secret = section.required_secret("secret");
    let events: Vec<String> = section.get("events", Vec::new());
    if url.as_ref().is_some_and(|url| !is_safe(url)) {
        section.fault("url", "must be https, unless it is on this machine");
    }
    for event in events.iter().filter(|event| !EVENTS.contains(&event.as_str())) {
        section.fault("events", format!("`{event}` is no event"));
    }
    let key = key(&secret?);
    if key.is_none() {
        let reason = "must be `whsec_` and 24 to 64 bytes in base64 (openssl rand -base64 32)";
        section.fault("secret", reason);
    }
    Some(Endpoint { url: url?, key: key?, events })
}

/// Whether what is sent there can be read by nobody else.
fn is_safe(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

fn key(secret: &SecretString) -> Option<SecretSlice<u8>> {
    let encoded = secret.expose_secret().trim().strip_prefix(SECRET_PREFIX)?;
    let key = STANDARD.decode(encoded).ok()?;
    KEY_BYTES.contains(&key.len()).then(|| SecretSlice::from(key))
}
