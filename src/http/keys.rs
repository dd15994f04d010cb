//! The keys that tokens are checked with: one shared secret, or a set of public keys from a file or an address.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use tokio::sync::RwLock;

use super::error::ApiError;
use crate::zoom::http::Client;

/// How long a published key set is used before it is asked for again.
const FRESH: Duration = Duration::from_secs(600);
/// How soon a token with an unknown `kid` may make us ask again; a forger must not make us ask for every token.
const REFETCH_PAUSE: Duration = Duration::from_secs(15);
/// How long we wait for a key set.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// A larger key set is not one.
const KEY_SET_BYTES_MAX: usize = 256 * 1024;

/// Where the keys are.
#[derive(Debug)]
pub struct Keys(Source);

#[derive(Debug)]
enum Source {
    Secret(DecodingKey),
    File(KeySet),
    Url { url: String, client: Client, cache: RwLock<Cached> },
}

#[derive(Debug, Default)]
struct Cached {
    keys: KeySet,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

/// Keys with their ids.
#[derive(Debug, Clone, Default)]
struct KeySet(Arc<[(Option<String>, DecodingKey)]>);

/// Why there are no keys to start with.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read.
    #[error("auth.jwks_file {0} cannot be read")]
    File(String, #[source] std::io::Error),
    /// It is not a JSON Web Key Set.
    #[error("{0} is not a JSON Web Key Set")]
    Format(String, #[source] serde_json::Error),
    /// It has no key that tokens could be checked with.
    #[error("{0} has no RSA, P-256 or Ed25519 key")]
    Empty(String),
    /// No HTTP client can be made.
    #[error("keys cannot be fetched")]
    Client(#[source] crate::zoom::http::Error),
}

impl Keys {
    /// One secret, shared with whoever signs.
    #[must_use]
    pub fn secret(secret: &str) -> Self {
        Self(Source::Secret(DecodingKey::from_secret(secret.as_bytes())))
    }

    /// The key set in a file.
    ///
    /// # Errors
    /// When the file cannot be read or holds no usable key.
    pub fn from_file(path: &Path) -> Result<Self, KeysError> {
        let name = path.display().to_string();
        let text = std::fs::read(path).map_err(|error| KeysError::File(name.clone(), error))?;
        KeySet::parse(&name, &text).map(|keys| Self(Source::File(keys)))
    }

    /// The key set at an address, fetched with the first token.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn from_url(url: &str) -> Result<Self, KeysError> {
        let client = crate::zoom::http::client(FETCH_TIMEOUT).map_err(KeysError::Client)?;
        Ok(Self(Source::Url { url: url.to_owned(), client, cache: RwLock::default() }))
    }

    /// The key with this id; without one, the only key there is.
    pub(super) async fn find(&self, kid: Option<&str>) -> Result<DecodingKey, ApiError> {
        const UNKNOWN: ApiError = ApiError::Unauthenticated("the token is signed with a key we do not know");
        match &self.0 {
            Source::Secret(key) => Ok(key.clone()),
            Source::File(keys) => keys.find(kid).ok_or(UNKNOWN),
            Source::Url { url, client, cache } => {
                {
                    let cached = cache.read().await;
                    if let Some(key) = cached.keys.find(kid)
                        && cached.fetched.is_some_and(|at| at.elapsed() < FRESH)
                    {
                        return Ok(key);
                    }
                }
                let mut cached = cache.write().await;
                cached.refresh(url, client).await;
                cached.keys.find(kid).ok_or(UNKNOWN)
            }
        }
    }
}

impl Cached {
    /// Fetches the keys anew, unless that was done a moment ago; old keys stay when it fails.
    async fn refresh(&mut self, url: &str, client: &Client) {
        if self.tried.is_some_and(|at| at.elapsed() < REFETCH_PAUSE) {
            return;
        }
        self.tried = Some(Instant::now());
        match fetch(url, client).await {
            Ok(keys) => {
                self.keys = keys;
                self.fetched = self.tried;
            }
            Err(fault) => {
                tracing::warn!(%fault, "the keys at auth.jwks_url cannot be read; old ones are kept")
            }
        }
    }
}

async fn fetch(url: &str, client: &Client) -> Result<KeySet, String> {
    let answer = client.get(url).send().await.map_err(|error| error.to_string())?;
    let answer = answer.error_for_status().map_err(|error| error.to_string())?;
    if answer.content_length().is_some_and(|length| length > KEY_SET_BYTES_MAX as u64) {
        return Err("the answer is too large".to_owned());
    }
    let text = answer.bytes().await.map_err(|error| error.to_string())?;
    KeySet::parse(url, &text).map_err(|error| error.to_string())
}

impl KeySet {
    fn parse(name: &str, text: &[u8]) -> Result<Self, KeysError> {
        let set: JwkSet =
            serde_json::from_slice(text).map_err(|error| KeysError::Format(name.to_owned(), error))?;
        let keys: Arc<[_]> = set.keys.iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err(KeysError::Empty(name.to_owned()));
        }
        Ok(Self(keys))
    }

    fn find(&self, kid: Option<&str>) -> Option<DecodingKey> {
        match (kid, &*self.0) {
            (Some(kid), keys) => keys.iter().find(|(id, _)| id.as_deref() == Some(kid)),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
        .map(|(_, key)| key.clone())
    }
}

/// A public key of the kinds we take. Never a secret one: published, it would be no secret.
fn usable(jwk: &Jwk) -> Option<(Option<String>, DecodingKey)> {
    let taken = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => true,
        AlgorithmParameters::EllipticCurve(key) => key.curve == EllipticCurve::P256,
        AlgorithmParameters::OctetKeyPair(key) => key.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    let key = taken.then(|| DecodingKey::from_jwk(jwk).ok()).flatten()?;
    Some((jwk.common.key_id.clone(), key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED: &str =
        r#"{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    fn parsed(keys: &str) -> Result<KeySet, KeysError> {
        KeySet::parse("test", format!(r#"{{"keys":[{keys}]}}"#).as_bytes())
    }

    #[test]
    fn a_key_is_found_by_its_id_or_as_the_only_one() {
        let set = parsed(ED).unwrap();
        assert!(set.find(Some("a")).is_some());
        assert!(set.find(None).is_some());
        assert!(set.find(Some("b")).is_none());
    }

    #[test]
    fn a_published_secret_is_no_key() {
        let secret = r#"{"kty":"oct","kid":"s","k":"c2VjcmV0"}"#;
        assert!(matches!(parsed(secret), Err(KeysError::Empty(_))));
        assert_eq!(parsed(&format!("{secret},{ED}")).unwrap().0.len(), 1);
    }
}
