//! One way to build an HTTP client, so that the TLS provider and the time limits are the same everywhere.

use std::sync::Once;
use std::time::Duration;

pub use reqwest::header;
pub use reqwest::{Client, Error, Method, RequestBuilder, Response, StatusCode, Url};

/// How long a connection may take to open; a host that does not answer in this time is down.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(5);
/// How long an idle connection is kept; shorter than the minute after which Zoom's front ends close theirs.
const IDLE_CONNECTION_MAX: Duration = Duration::from_secs(45);
/// What we call ourselves.
const USER_AGENT: &str = concat!("convened/", env!("CARGO_PKG_VERSION"));

/// A client whose requests end after `timeout` at the latest.
///
/// Redirects are not followed: a bearer token must not travel to another host, and a `POST` must not become
/// a `GET`.
///
/// # Errors
/// When no client can be built, which means that TLS cannot be set up at all.
pub fn client(timeout: Duration) -> Result<Client, Error> {
    install_tls_provider();
    builder(timeout).build().or_else(|fault| {
        // A container without CA certificates can still talk to a sandbox over plain HTTP. With no
        // certificate trusted every https connection is refused, so nothing is lost in safety.
        tracing::warn!(fault = %fault, "no CA certificates on this machine: https connections will be refused");
        builder(timeout).tls_certs_only([]).build()
    })
}

fn builder(timeout: Duration) -> reqwest::ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .timeout(timeout)
        .connect_timeout(timeout.min(CONNECT_TIMEOUT_MAX))
        .pool_idle_timeout(IDLE_CONNECTION_MAX)
        .redirect(reqwest::redirect::Policy::none())
}

/// `reqwest` is built without a TLS provider of its own; ours is ring, the one that needs no C++ to build.
fn install_tls_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // Refused when another part of the process came first; then theirs is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_can_be_built_more_than_once() {
        assert!(client(Duration::from_secs(1)).is_ok());
        assert!(client(Duration::from_millis(1)).is_ok());
    }
}
