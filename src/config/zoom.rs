//! `[zoom]`: the account, its credentials, its limits.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::reader::Section;
use super::sections::{days, minutes, seconds, url};
use super::types::{Plan, UserAction};

/// The Zoom account and how to talk to it.
#[derive(Debug, Clone)]
pub struct Zoom {
    /// Where Zoom's API is.
    pub api_url: Url,
    /// Where Zoom's token endpoint is.
    pub oauth_url: Url,
    /// The account of the server-to-server app.
    pub account_id: Option<String>,
    /// The app's id.
    pub client_id: Option<String>,
    /// The app's secret.
    pub client_secret: Option<SecretString>,
    /// What webhooks are signed with. Without it none is accepted.
    pub webhook_secret_token: Option<SecretString>,
    /// The Meeting SDK app's key.
    pub sdk_key: Option<String>,
    /// The Meeting SDK app's secret.
    pub sdk_secret: Option<SecretString>,
    /// Where Zoom sends users back to after they connected.
    pub redirect_uri: Option<Url>,
    /// The plan, which decides the limits.
    pub plan: Plan,
    /// Limits that differ from the plan's.
    pub limits: ZoomLimits,
    /// E-mails of licensed hosts that bookings without a host share.
    pub host_pool: Vec<String>,
    /// How many licensed seats there are to manage.
    pub licences: Option<u32>,
    /// How long before a meeting a licence is given, and how long after it taken back.
    pub licence_margin: Duration,
    /// What is done about a host whom Zoom does not know.
    pub user_action: UserAction,
    /// How long one call may take.
    pub timeout: Duration,
    /// The first wait after a failed call.
    pub retry_min: Duration,
    /// The longest wait between tries.
    pub retry_max: Duration,
}

impl Zoom {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            api_url: section.get("api_url", url("https://api.zoom.us/v2")),
            oauth_url: section.get("oauth_url", url("https://zoom.us/oauth")),
            account_id: section.optional("account_id"),
            client_id: section.optional("client_id"),
            client_secret: section.secret("client_secret"),
            webhook_secret_token: section.secret("webhook_secret_token"),
            sdk_key: section.optional("sdk_key"),
            sdk_secret: section.secret("sdk_secret"),
            redirect_uri: section.optional("redirect_uri"),
            plan: section.get("plan", Plan::Pro),
            limits: ZoomLimits::read(&mut section.section("limits")),
            host_pool: section.get("host_pool", Vec::new()),
            licences: section.optional("licences"),
            licence_margin: section.get_if(
                "licence_margin",
                minutes(30),
                |t| *t < days(1),
                "shorter than a day",
            ),
            user_action: section.get("user_action", UserAction::None),
            timeout: section.get_if("timeout", seconds(10), |t| !t.is_zero(), "longer than nothing"),
            retry_min: section.get_if("retry_min", seconds(1), |t| !t.is_zero(), "longer than nothing"),
            retry_max: section.get_if("retry_max", minutes(15), |t| *t < days(1), "shorter than a day"),
        }
    }

    /// Whether there are credentials to call Zoom with.
    #[must_use]
    pub fn configured(&self) -> bool {
        self.account_id.is_some() && self.client_id.is_some() && self.client_secret.is_some()
    }

    /// Whether "Zoom" is on this machine, as the sandbox is.
    #[must_use]
    pub fn on_loopback(&self) -> bool {
        match self.api_url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

/// Limits that the account has instead of its plan's; unset ones follow the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ZoomLimits {
    /// Calls a second labelled light.
    pub light_per_second: Option<u32>,
    /// Calls a second labelled medium.
    pub medium_per_second: Option<u32>,
    /// Calls a second labelled heavy.
    pub heavy_per_second: Option<u32>,
    /// Calls a minute labelled resource-intensive.
    pub resource_intensive_per_minute: Option<u32>,
    /// Heavy and resource-intensive calls a day, together.
    pub heavy_per_day: Option<u32>,
    /// Meetings created or changed a day for one host.
    pub host_per_day: Option<u32>,
    /// Times a day that one registrant can be added to a meeting.
    pub registrant_per_day: Option<u32>,
}

impl ZoomLimits {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            light_per_second: section.optional("light_per_second"),
            medium_per_second: section.optional("medium_per_second"),
            heavy_per_second: section.optional("heavy_per_second"),
            resource_intensive_per_minute: section.optional("resource_intensive_per_minute"),
            heavy_per_day: section.optional("heavy_per_day"),
            host_per_day: section.optional("host_per_day"),
            registrant_per_day: section.optional("registrant_per_day"),
        }
    }
}
