//! `convened sandbox`: the simulated Zoom account alone, for other programs to talk to.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use secrecy::ExposeSecret as _;

use super::output;
use crate::config::{Plan, Sources};
use crate::sandbox::model::Plan as SandboxPlan;
use crate::sandbox::{Sandbox as Account, SandboxOptions};

/// Run the simulated Zoom account alone.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  convened sandbox --bind 127.0.0.1:4600 --webhook-url \
                        http://127.0.0.1:8080/api/zoom/webhook\n\nThe account's id and secrets are those of \
                        the configuration, else sandbox-account, sandbox-client,\nsandbox-client-secret and \
                        sandbox-webhook-secret.")]
pub(super) struct Sandbox {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:4600", value_name = "ADDRESS")]
    bind: String,
    /// Where to send webhooks.
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// Where the account's randomness starts.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Sandbox {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let settings = super::settings(sources)?;
        let zoom = &settings.zoom;
        let or = |value: Option<&str>, text: &str| value.unwrap_or(text).to_owned();
        let secret = |value: &Option<secrecy::SecretString>, text: &str| {
            or(value.as_ref().map(|secret| secret.expose_secret()), text)
        };
        let account = Account::start(SandboxOptions {
            bind: self.bind.clone(),
            clock: settings.clock.build(),
            account_id: or(zoom.account_id.as_deref(), "sandbox-account"),
            client_id: or(zoom.client_id.as_deref(), "sandbox-client"),
            client_secret: secret(&zoom.client_secret, "sandbox-client-secret"),
            webhook_secret: secret(&zoom.webhook_secret_token, "sandbox-webhook-secret"),
            webhook_url: self.webhook_url,
            plan: plan(zoom.plan),
            seed: self.seed,
        })
        .with_context(|| format!("the sandbox cannot listen on {}", self.bind))?;
        output::line(format_args!("listening on {}", account.url()))?;
        wait_for_the_end()?;
        account.stop();
        Ok(ExitCode::SUCCESS)
    }
}

/// The plan of a sandbox that is to behave like an account on `plan`.
pub(super) fn plan(plan: Plan) -> SandboxPlan {
    match plan {
        Plan::Free => SandboxPlan::Free,
        Plan::Pro => SandboxPlan::Pro,
        Plan::Business => SandboxPlan::Business,
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub(super) fn wait_for_the_end() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = terminate.recv() => {}
        }
        Ok(())
    })
}
