//! The proof that a webhook is Zoom's: an HMAC over the bytes as they came.
//!
//! The same secret answers Zoom's URL validation, and that is a trap: whoever gets a token "encrypted" that
//! reads `v0:<timestamp>:<body>` holds a valid signature for a body of their choice. So such tokens are refused
//! ([`WebhookKey::encrypt_token`]), and validations are to be answered only when they are signed themselves.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The version of the scheme, at the head of the signature and of what is signed.
const VERSION: &str = "v0";
/// Zoom's own validation tokens have 22 characters.
const PLAIN_TOKEN_MAX: usize = 64;
/// A timestamp beyond this is in milliseconds; as seconds it would be the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// The webhook secret, made ready once: a clone skips the key's share of the hashing.
#[derive(Clone)]
pub struct WebhookKey(Hmac<Sha256>);

impl fmt::Debug for WebhookKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("WebhookKey(***)")
    }
}

impl WebhookKey {
    /// The key for this secret; none for an empty one, which would let everybody in.
    #[must_use]
    pub fn new(secret: &SecretString) -> Option<Self> {
        let secret = secret.expose_secret();
        if secret.is_empty() {
            return None;
        }
        Hmac::new_from_slice(secret.as_bytes()).ok().map(Self)
    }

    /// Whether `signature` is Zoom's for these bytes under this timestamp. Both headers are taken as they came;
    /// the comparison takes the same time wherever they differ.
    #[must_use]
    pub fn verify(&self, timestamp: &str, raw: &[u8], signature: &str) -> bool {
        let mut claimed = [0_u8; 32];
        let is_hex = signature
            .strip_prefix(VERSION)
            .and_then(|rest| rest.strip_prefix('='))
            .is_some_and(|digits| hex::decode_to_slice(digits, &mut claimed).is_ok());
        is_hex && bool::from(self.digest(timestamp, raw).ct_eq(&claimed))
    }

    /// The signature Zoom would send; for rehearsals and tests.
    #[must_use]
    pub fn sign(&self, timestamp: &str, raw: &[u8]) -> String {
        format!("{VERSION}={}", hex::encode(self.digest(timestamp, raw)))
    }

    /// The answer to a URL validation; none for a token that could be a forger's.
    #[must_use]
    pub fn encrypt_token(&self, plain: &str) -> Option<String> {
        if plain.is_empty() || plain.len() > PLAIN_TOKEN_MAX || plain.contains(':') {
            return None;
        }
        let mut mac = self.0.clone();
        mac.update(plain.as_bytes());
        Some(hex::encode(mac.finalize().into_bytes()))
    }

    fn digest(&self, timestamp: &str, raw: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(VERSION.as_bytes());
        mac.update(b":");
        mac.update(timestamp.as_bytes());
        mac.update(b":");
        mac.update(raw);
        mac.finalize().into_bytes().into()
    }
}

/// How old a request is by its timestamp header, in seconds or milliseconds; negative when it comes from the
/// future, none when it is no timestamp.
#[must_use]
pub fn timestamp_age(timestamp: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let number: i64 = timestamp.parse().ok()?;
    let sent = if number > MILLISECONDS_FROM {
        DateTime::from_timestamp_millis(number)
    } else {
        DateTime::from_timestamp(number, 0)
    }?;
    Some(now - sent)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::zoom::testing::facts;

    fn key(secret: &str) -> WebhookKey {
        WebhookKey::new(&SecretString::from(secret)).unwrap()
    }

    fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
        vector[field].as_str().unwrap()
    }

    #[test]
    fn the_known_signatures_verify_and_nothing_near_them_does() {
        let Some(vectors) = facts("fixtures/vectors.json") else { return };
        let signatures = vectors["signature"].as_array().unwrap();
        assert!(!signatures.is_empty());
        for vector in signatures {
            let (name, body) = (text(vector, "name"), text(vector, "raw_body").as_bytes());
            let (timestamp, signature) =
                (text(vector, "x-zm-request-timestamp"), text(vector, "x-zm-signature"));
            let key = key(text(vector, "secret"));
            assert!(key.verify(timestamp, body, signature), "{name}");
            assert_eq!(key.sign(timestamp, body), signature, "{name}");

            let longer = [body, b" "].concat();
            assert!(!key.verify(timestamp, &longer, signature), "another body: {name}");
            assert!(!key.verify("1700160241", body, signature), "another time: {name}");
            assert!(!key.verify(timestamp, body, &signature[3..]), "no version: {name}");
            assert!(!key.verify(timestamp, body, &signature[..66]), "cut short: {name}");
            assert!(!super::tests::key("other").verify(timestamp, body, signature), "another secret: {name}");
        }
    }

    #[test]
    fn the_known_validation_tokens_are_answered() {
        let Some(vectors) = facts("fixtures/vectors.json") else { return };
        let validations = vectors["url_validation"].as_array().unwrap();
        assert!(!validations.is_empty());
        for vector in validations {
            let answer = key(text(vector, "secret")).encrypt_token(text(vector, "plainToken"));
            assert_eq!(answer.as_deref(), Some(text(vector, "encryptedToken")));
        }
    }

    #[test]
    fn a_validation_token_that_would_sign_a_body_is_refused() {
        let key = key("zoomwebhooksecret");
        for forged in ["v0:1700160240:{}", ":", "", &"x".repeat(65)] {
            assert_eq!(key.encrypt_token(forged), None, "{forged}");
        }
        assert!(key.encrypt_token(&"x".repeat(64)).is_some());
    }

    #[test]
    fn an_empty_secret_is_no_key() {
        assert!(WebhookKey::new(&SecretString::from("")).is_none());
    }

    #[test]
    fn the_age_is_the_same_in_seconds_and_in_milliseconds() {
        let now = DateTime::from_timestamp(1_660_149_900, 0).unwrap();
        assert_eq!(timestamp_age("1660149894", now), Some(TimeDelta::seconds(6)));
        assert_eq!(timestamp_age("1660149894000", now), Some(TimeDelta::seconds(6)));
        assert_eq!(timestamp_age("1660149906", now), Some(TimeDelta::seconds(-6)));
        for nonsense in ["", "yesterday", "9223372036854775807", "1.5"] {
            assert_eq!(timestamp_age(nonsense, now), None, "{nonsense}");
        }
        assert!(timestamp_age("-9223372036854775808", now).is_none());
    }
}
