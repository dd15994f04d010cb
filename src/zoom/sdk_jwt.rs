//! The proof with which a browser joins a meeting through Zoom's Meeting SDK: a short-lived HS256 token.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// The shortest life Zoom accepts.
const LIFETIME_MIN: Duration = Duration::from_secs(30 * 60);
/// The longest life Zoom accepts.
const LIFETIME_MAX: Duration = Duration::from_secs(48 * 60 * 60);

/// What the bearer may do. A host needs the ZAK beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SdkRole {
    /// Take part.
    Participant,
    /// Start and lead the meeting.
    Host,
}

/// The Meeting SDK app's key and secret.
#[derive(Clone)]
pub struct SdkKeys {
    /// The public half, which the browser needs too.
    pub key: String,
    /// The secret half.
    pub secret: SecretString,
}

impl fmt::Debug for SdkKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SdkKeys").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the meeting sdk token cannot be signed")]
pub struct SdkJwtError(#[from] jsonwebtoken::errors::Error);

/// The claims, in the names and the order of Zoom's own sample.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    app_key: String,
    sdk_key: String,
    mn: String,
    role: u8,
    iat: i64,
    exp: i64,
    token_exp: i64,
}

impl SdkKeys {
    /// A token for one meeting, good from `now` for `lifetime` (brought into what Zoom accepts: half an hour to
    /// two days).
    ///
    /// # Errors
    /// When the signature cannot be made.
    pub fn sign(
        &self,
        meeting_number: &str,
        role: SdkRole,
        now: DateTime<Utc>,
        lifetime: Duration,
    ) -> Result<String, SdkJwtError> {
        let claims = self.claims(meeting_number, role, now, lifetime);
        let key = EncodingKey::from_secret(self.secret.expose_secret().as_bytes());
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)?)
    }

    fn claims(&self, meeting_number: &str, role: SdkRole, now: DateTime<Utc>, lifetime: Duration) -> Claims {
        let lifetime = TimeDelta::from_std(lifetime.clamp(LIFETIME_MIN, LIFETIME_MAX)).unwrap_or_default();
        let exp = (now + lifetime).timestamp();
        Claims {
            app_key: self.key.clone(),
            sdk_key: self.key.clone(),
            mn: meeting_number.to_owned(),
            role: match role {
                SdkRole::Participant => 0,
                SdkRole::Host => 1,
            },
            iat: now.timestamp(),
            exp,
            token_exp: exp,
        }
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;
    use crate::zoom::testing::facts;

    const TWO_HOURS: Duration = Duration::from_secs(7200);

    fn keys(key: &str, secret: &str) -> SdkKeys {
        SdkKeys { key: key.to_owned(), secret: SecretString::from(secret) }
    }

    fn read(token: &str, secret: &str) -> Claims {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.validate_exp = false;
        jsonwebtoken::decode(token, &DecodingKey::from_secret(secret.as_bytes()), &rules).unwrap().claims
    }

    #[test]
    fn zooms_own_sample_makes_the_same_token() {
        let Some(vectors) = facts("fixtures/vectors.json") else { return };
        for vector in vectors["meeting_sdk_jwt"].as_array().unwrap() {
            let text = |field: &str| vector[field].as_str().unwrap();
            let secret = text("sdk_secret");
            let theirs = read(text("jwt"), secret);
            let now = DateTime::from_timestamp(theirs.iat, 0).unwrap();
            let ours = keys(text("sdk_key"), secret).sign(&theirs.mn, SdkRole::Participant, now, TWO_HOURS);
            let ours = ours.unwrap();
            assert_eq!(read(&ours, secret), theirs);
            let payload = |token: &str| token.split('.').nth(1).map(str::to_owned);
            assert_eq!(payload(&ours), payload(text("jwt")), "to the byte");
        }
    }

    #[test]
    fn the_lifetime_stays_within_what_zoom_accepts() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let lives = |span| {
            let claims = keys("key", "secret").claims("1", SdkRole::Host, now, span);
            claims.exp - claims.iat
        };
        assert_eq!(lives(Duration::ZERO), 1_800);
        assert_eq!(lives(TWO_HOURS), 7_200);
        assert_eq!(lives(Duration::MAX), 172_800);
    }

    #[test]
    fn the_secret_is_not_printed() {
        assert!(!format!("{:?}", keys("key", "hush")).contains("hush"));
    }
}
