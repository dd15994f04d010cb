//! The way to Zoom: the client, its tokens, its pace.

use std::sync::Arc;

use actix::ArbiterHandle;
use anyhow::Context as _;

use crate::actors::door::Door;
use crate::actors::engine::ZoomHandle;
use crate::actors::store::Store;
use crate::actors::supervision::Supervision;
use crate::actors::token::{AccountCredentials, Grants, SharedGrants, TokenActor, TokenSource};
use crate::actors::zoom_api::{Records, StoreRecords, ZoomApiActor, ZoomApiConfig};
use crate::clock::SharedClock;
use crate::config::{self, Settings};
use crate::store::Sealer;
use crate::zoom::client::ZoomClient;
use crate::zoom::http;
use crate::zoom::oauth::OAuthClient;

/// Starts the actors towards Zoom. With `share` the access token is other processes' too, by way of the database.
pub(super) fn start(
    settings: &Settings,
    clock: &SharedClock,
    supervision: &Supervision,
    arbiter: &ArbiterHandle,
    share: Option<(&Store, &Sealer)>,
    records: StoreRecords,
) -> anyhow::Result<ZoomHandle> {
    let zoom = &settings.zoom;
    let client = http::client(zoom.timeout).context("no HTTP client for Zoom")?;
    let grants = credentials(zoom, &client, clock).map(|(app, own)| -> Arc<dyn Grants> {
        match share {
            Some((store, sealer)) => {
                let (store, sealer) = (store.clone(), sealer.clone());
                Arc::new(SharedGrants::new(own, app, store, sealer, Arc::clone(clock)))
            }
            None => own,
        }
    });
    let door = Door::new(None);
    if grants.is_none() {
        tracing::warn!(
            "zoom: account_id, client_id or client_secret is missing; bookings wait until they are set"
        );
    }
    let tokens = supervision.essential("token", arbiter, {
        let clock = Arc::clone(clock);
        move || TokenActor::new(grants.clone(), Arc::clone(&clock))
    });
    let config = Arc::new(ZoomApiConfig::from(zoom));
    let api = ZoomClient::new(client, zoom.api_url.as_str(), Arc::clone(clock));
    let tokens: Arc<dyn TokenSource> = Arc::new(tokens);
    let (clock, sign) = (Arc::clone(clock), door.clone());
    let records: Arc<dyn Records> = Arc::new(records);
    let api = supervision.essential("zoom_api", arbiter, move || {
        let (config, tokens) = (Arc::clone(&config), Arc::clone(&tokens));
        let (clock, records) = (Arc::clone(&clock), Arc::clone(&records));
        ZoomApiActor::new(config, api.clone(), tokens, clock, records, sign.clone())
    });
    Ok(ZoomHandle::new(api, door))
}

/// The account's app, by its client id, and its credentials, when they are all there.
fn credentials(
    zoom: &config::Zoom,
    client: &http::Client,
    clock: &SharedClock,
) -> Option<(String, Arc<dyn Grants>)> {
    let (account_id, client_id) = (zoom.account_id.clone()?, zoom.client_id.as_deref()?);
    let secret = zoom.client_secret.clone()?;
    let oauth =
        OAuthClient::new(client.clone(), zoom.oauth_url.as_str(), client_id, secret, Arc::clone(clock));
    Some((client_id.to_owned(), Arc::new(AccountCredentials { oauth, account_id })))
}
