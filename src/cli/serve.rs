//! `convened serve`: the daemon.

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};

use super::sandbox::plan;
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Settings, Sources};
use crate::sandbox::{Sandbox, SandboxHandle, SandboxOptions};

/// Run the daemon.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Against a simulated Zoom account in this process, instead of Zoom.
    #[arg(long)]
    sandbox: bool,
}

impl Serve {
    pub(super) fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        if !self.sandbox {
            return exit_code(crate::app::run(super::settings(&sources)?)?);
        }
        let port = free_port()?;
        let url = format!("http://127.0.0.1:{port}");
        let sources = sources
            .with_variable("CONVENED_ZOOM__API_URL", &format!("{url}/v2"))
            .with_variable("CONVENED_ZOOM__OAUTH_URL", &format!("{url}/oauth"));
        let mut settings = super::settings(&sources)?;
        let sandbox = start_sandbox(&mut settings, port)?;
        tracing::info!(sandbox.url = sandbox.url(), "Zoom is simulated: its control is below /sandbox");
        let code = crate::app::run(settings)?;
        sandbox.stop();
        exit_code(code)
    }
}

fn exit_code(code: i32) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::from(u8::try_from(code).context("the daemon ended with an odd code")?))
}

/// Starts a sandbox at `port` that agrees with `settings` on the time, the credentials and who calls whom.
fn start_sandbox(settings: &mut Settings, port: u16) -> anyhow::Result<SandboxHandle> {
    if settings.server.bind.port() == 0 {
        settings.server.bind.set_port(free_port()?);
    }
    settings.clock.origin.get_or_insert_with(|| SystemClock.now());
    let zoom = &mut settings.zoom;
    let secret = |value: &mut Option<SecretString>, text: &str| -> String {
        value.get_or_insert_with(|| SecretString::from(text)).expose_secret().to_owned()
    };
    let options = SandboxOptions {
        bind: format!("127.0.0.1:{port}"),
        clock: settings.clock.build(),
        account_id: zoom.account_id.get_or_insert_with(|| "sandbox-account".to_owned()).clone(),
        client_id: zoom.client_id.get_or_insert_with(|| "sandbox-client".to_owned()).clone(),
        client_secret: secret(&mut zoom.client_secret, "sandbox-client-secret"),
        webhook_secret: secret(&mut zoom.webhook_secret_token, "sandbox-webhook-secret"),
        webhook_url: Some(format!("http://{}/api/zoom/webhook", reachable(settings.server.bind))),
        plan: plan(settings.zoom.plan),
        seed: 1,
    };
    Sandbox::start(options).context("the sandbox cannot start")
}

/// The address that a neighbour on this machine calls.
fn reachable(bind: SocketAddr) -> SocketAddr {
    if bind.ip().is_unspecified() { SocketAddr::from(([127, 0, 0, 1], bind.port())) } else { bind }
}

/// A port that is free now.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}
