//! Whether Zoom takes our credentials, and what they allow.

use std::sync::Arc;

use super::Finding;
use crate::config::{Settings, Zoom};
use crate::zoom::http;
use crate::zoom::oauth::{Grant, OAuthClient};
use crate::zoom::scopes;

const CREDENTIALS: &str = "zoom";
const SCOPES: &str = "zoom scopes";

/// Asks Zoom for a token and looks at what it may do.
pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    let zoom = &settings.zoom;
    let (Some(account), Some(client), Some(secret)) =
        (&zoom.account_id, &zoom.client_id, &zoom.client_secret)
    else {
        let detail = "zoom.account_id, .client_id and .client_secret are not all set: bookings are taken, their meetings wait";
        return vec![Finding::fault(CREDENTIALS, detail)];
    };
    let asked = || -> anyhow::Result<Grant> {
        let http = http::client(zoom.timeout)?;
        let clock = settings.clock.build();
        let oauth =
            OAuthClient::new(http, zoom.oauth_url.as_str(), client, secret.clone(), Arc::clone(&clock));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(oauth.account_credentials(account))?)
    };
    match asked() {
        Ok(grant) => vec![Finding::good(CREDENTIALS, accepted(zoom)), allowed(&grant)],
        Err(error) => vec![Finding::fault(CREDENTIALS, format!("{error:#}"))],
    }
}

fn accepted(zoom: &Zoom) -> String {
    format!("{} takes the credentials; plan {}", zoom.oauth_url, zoom.plan.as_str())
}

fn allowed(grant: &Grant) -> Finding {
    let missing = scopes::missing(&grant.scopes);
    if missing.is_empty() {
        return Finding::good(SCOPES, format!("all {} are there", scopes::WANTED.len()));
    }
    let named: Vec<String> = missing
        .iter()
        .map(|scope| format!("{}:admin (or {}) to {}", scope.granular, scope.classic, scope.purpose))
        .collect();
    Finding::fault(SCOPES, format!("missing: {}", named.join("; ")))
}
