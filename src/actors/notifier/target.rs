//! An endpoint as the notifier knows it.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use sha2::{Digest, Sha256};
use url::{Position, Url};

use crate::config::Endpoint;
use crate::hooks::signature::SigningKey;
use crate::store::outbox::Subscription;

/// The bytes of the URL's digest that make an endpoint's key.
const KEY_BYTES: usize = 6;

/// Who is told.
pub type Targets = Arc<[Target]>;

/// One endpoint.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its key in rows and in the API: a digest of its URL, which may hold a token of its own.
    pub id: String,
    /// Its URL as far as it may be shown.
    pub address: String,
    /// Which events it wants; all of them when empty.
    pub events: Vec<String>,
    pub(super) url: Url,
    pub(super) key: SigningKey,
}

impl Target {
    /// The endpoint of these settings; none for an empty key, which the configuration refuses.
    #[must_use]
    pub fn of(endpoint: &Endpoint) -> Option<Self> {
        let digest = Sha256::digest(endpoint.url.as_str().as_bytes());
        let mut shown = endpoint.url.clone();
        // Refused only by URLs that have no place for them.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        Some(Self {
            id: hex::encode(digest.get(..KEY_BYTES)?),
            address: shown.as_str().get(..shown[..Position::AfterPath].len())?.to_owned(),
            events: endpoint.events.clone(),
            url: endpoint.url.clone(),
            key: SigningKey::new(endpoint.key.expose_secret())?,
        })
    }

    pub(super) fn subscription(&self) -> Subscription {
        Subscription { endpoint: self.id.clone(), events: self.events.clone() }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretSlice;

    use super::*;

    #[test]
    fn an_address_shows_neither_password_nor_query() {
        let url = "https://me:hush@x.org/hook?token=hush".parse().unwrap();
        let endpoint = Endpoint { url, key: SecretSlice::from(vec![1; 32]), events: Vec::new() };
        let target = Target::of(&endpoint).unwrap();
        assert_eq!(target.address, "https://x.org/hook");
        assert_eq!(target.id.len(), 12);
    }
}
