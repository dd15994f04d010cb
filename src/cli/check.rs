//! `convened check`: whether everything that a daemon needs is in place, one line each.

mod zoom;

use std::fmt;
use std::process::ExitCode;

use clap::Args;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::{FAULT, output};
use crate::config::{Auth, Database, Settings, Sources, Zoom};
use crate::store::{DatabaseUrl, migrate};
use crate::telemetry;

/// Check configuration, database, Zoom credentials, scopes and secrets.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Do not call Zoom.
    #[arg(long)]
    offline: bool,
}

/// How one check came out.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    check: &'static str,
    ok: bool,
    detail: String,
}

impl Finding {
    pub(super) fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, ok: true, detail: detail.into() }
    }

    pub(super) fn fault(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, ok: false, detail: detail.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.ok { "ok   " } else { "FAULT" };
        write!(f, "{verdict}  {:<15} {}", self.check, self.detail)
    }
}

impl Check {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let findings = match Settings::load(sources) {
            Ok(settings) => {
                telemetry::start_logging(&settings.log);
                self.findings(sources, &settings)
            }
            Err(faults) => {
                faults.iter().map(|fault| Finding::fault("configuration", fault.to_string())).collect()
            }
        };
        if self.json {
            output::line(serde_json::to_string_pretty(&findings)?)?;
        } else {
            findings.iter().try_for_each(output::line)?;
        }
        let good = findings.iter().all(|finding| finding.ok);
        Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(FAULT) })
    }

    fn findings(&self, sources: &Sources, settings: &Settings) -> Vec<Finding> {
        let file =
            sources.file().map_or("defaults and environment".to_owned(), |path| path.display().to_string());
        let mut findings = vec![
            Finding::good("configuration", file),
            database(&settings.database),
            callers(&settings.auth),
            webhooks(&settings.zoom),
        ];
        if !self.offline {
            findings.extend(zoom::findings(settings));
        }
        findings
    }
}

fn database(database: &Database) -> Finding {
    const CHECK: &str = "database";
    let url = match DatabaseUrl::parse(database.url.expose_secret()) {
        Ok(url) => url,
        Err(error) => return Finding::fault(CHECK, error.to_string()),
    };
    if let Some(path) = url.sqlite_path().filter(|path| !path.exists()) {
        // Looking would make the file.
        return Finding::good(CHECK, format!("{} will be made at the first start", path.display()));
    }
    match migrate::pending(&url) {
        Ok(pending) if pending.is_empty() => Finding::good(CHECK, format!("{url:?} is up to date")),
        Ok(pending) => {
            Finding::good(CHECK, format!("{url:?}: {} migrations to run at the next start", pending.len()))
        }
        Err(error) => Finding::fault(CHECK, format!("{:#}", anyhow::Error::from(error))),
    }
}

fn callers(auth: &Auth) -> Finding {
    const CHECK: &str = "callers";
    match (&auth.jwt_secret, &auth.jwks_file, &auth.jwks_url) {
        (Some(_), ..) => Finding::good(CHECK, "tokens are signed with auth.jwt_secret"),
        (_, Some(path), _) if path.is_file() => Finding::good(CHECK, format!("keys in {}", path.display())),
        (_, Some(path), _) => {
            Finding::fault(CHECK, format!("auth.jwks_file: {} is not there", path.display()))
        }
        (.., Some(url)) => Finding::good(CHECK, format!("keys at {url}")),
        _ => Finding::fault(
            CHECK,
            "none of auth.jwt_secret, auth.jwks_file and auth.jwks_url is set: nobody can call",
        ),
    }
}

fn webhooks(zoom: &Zoom) -> Finding {
    const CHECK: &str = "webhook secret";
    match zoom.webhook_secret_token {
        Some(_) => Finding::good(CHECK, "zoom.webhook_secret_token is set"),
        None => Finding::fault(CHECK, "zoom.webhook_secret_token is not set: webhooks are refused with 503"),
    }
}
