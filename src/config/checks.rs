//! What no key can tell alone: values that have to agree with each other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;

use super::reader::Reader;
use super::types::Algorithm;
use super::{Auth, Database, Settings, Zoom};

const JWT_SECRET_BYTES_MIN: usize = 32;
const ENCRYPTION_KEY_BYTES: usize = 32;
/// The name stands at the head of every agenda, where people read it.
const INSTALLATION_LENGTH_MAX: usize = 16;

/// Reports every disagreement to `reader`.
pub(super) fn agree(settings: &Settings, reader: &mut Reader) {
    database(&settings.database, reader);
    zoom(&settings.zoom, reader);
    auth(&settings.auth, reader);
    if settings.webhook.retention < settings.webhook.max_age {
        reader.fault(
            "webhook.retention",
            "shorter than webhook.max_age: a replayed event would not be recognised",
        );
    }
    retention(settings, reader);
    if settings.mail.smtp_url.is_some() != settings.mail.from.is_some() {
        reader.fault("mail.from", "mail.smtp_url and mail.from go together");
    }
    let is_name = |name: &String| {
        (1..=INSTALLATION_LENGTH_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if settings.sync.installation.as_ref().is_some_and(|name| !is_name(name)) {
        reader.fault("sync.installation", "must be 1 to 16 lower-case letters and digits");
    }
    let rehearsal = settings.clock.origin.is_some() || settings.clock.speed > 1.0;
    if rehearsal && !settings.zoom.on_loopback() {
        reader.fault(
            "clock.speed",
            "a clock of its own is for rehearsals: zoom.api_url must be on this machine",
        );
    }
}

/// A booking becomes nameless when nothing is to come of it any more, and only then it is put away.
fn retention(settings: &Settings, reader: &mut Reader) {
    let kept = &settings.retention;
    if kept.participants < settings.attendance.report_give_up {
        reader.fault(
            "retention.participants",
            "shorter than attendance.report_give_up: reports would bring back what was put away",
        );
    }
    for (key, period) in [("retention.meetings", kept.meetings), ("retention.attendance", kept.attendance)] {
        if period < kept.participants {
            reader.fault(key, "shorter than retention.participants, which come first");
        }
    }
}

fn database(database: &Database, reader: &mut Reader) {
    let scheme = database.url.expose_secret().split_once("://").map_or("", |(scheme, _)| scheme);
    let postgres = matches!(scheme, "postgres" | "postgresql");
    if !postgres && scheme != "sqlite" {
        reader.fault("database.url", "must start with sqlite:// or postgres://");
    }
    match &database.encryption_key {
        None if postgres => {
            let reason =
                "required on PostgreSQL, where there is no file to keep one beside (openssl rand -base64 32)";
            reader.fault("database.encryption_key", reason);
        }
        Some(key) if !is_key(key.expose_secret()) => {
            reader.fault("database.encryption_key", "must be 32 bytes in base64 (openssl rand -base64 32)");
        }
        _ => {}
    }
}

fn is_key(text: &str) -> bool {
    STANDARD.decode(text.trim()).is_ok_and(|bytes| bytes.len() == ENCRYPTION_KEY_BYTES)
}

fn zoom(zoom: &Zoom, reader: &mut Reader) {
    if zoom.client_id.is_some() != zoom.client_secret.is_some() {
        reader.fault("zoom.client_id", "zoom.client_id and zoom.client_secret go together");
    }
    if zoom.account_id.is_some() && zoom.client_id.is_none() {
        reader.fault("zoom.account_id", "needs zoom.client_id and zoom.client_secret");
    }
    if zoom.sdk_key.is_some() != zoom.sdk_secret.is_some() {
        reader.fault("zoom.sdk_key", "zoom.sdk_key and zoom.sdk_secret go together");
    }
    if zoom.retry_min > zoom.retry_max {
        reader.fault("zoom.retry_min", "longer than zoom.retry_max");
    }
}

fn auth(auth: &Auth, reader: &mut Reader) {
    let sources = [
        ("auth.jwt_secret", auth.jwt_secret.is_some()),
        ("auth.jwks_file", auth.jwks_file.is_some()),
        ("auth.jwks_url", auth.jwks_url.is_some()),
    ];
    let set: Vec<&str> = sources.iter().filter(|(_, set)| *set).map(|(key, _)| *key).collect();
    if let [first, _, ..] = set.as_slice() {
        reader.fault(first, format!("only one of {} can say whose tokens are good", set.join(", ")));
    }
    if auth.jwt_secret.as_ref().is_some_and(|secret| secret.expose_secret().len() < JWT_SECRET_BYTES_MIN) {
        reader.fault("auth.jwt_secret", "shorter than 32 bytes");
    }
    let shared = auth.algorithm == Algorithm::Hs256;
    if shared && (auth.jwks_file.is_some() || auth.jwks_url.is_some()) {
        reader.fault("auth.algorithm", "HS256 has no public keys: it goes with auth.jwt_secret");
    }
    if !shared && auth.jwt_secret.is_some() {
        reader.fault(
            "auth.algorithm",
            "goes with auth.jwks_file or auth.jwks_url; auth.jwt_secret is for HS256",
        );
    }
}
