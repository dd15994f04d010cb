//! `convened migrate`: brings the database to this program's tables. `serve` does the same at its start.

use std::process::ExitCode;

use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::output;
use crate::config::Sources;
use crate::store::{DatabaseUrl, migrate};

/// Bring the database to this version's tables.
#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// Only tell what would be done.
    #[arg(long)]
    dry_run: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Migrate {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let settings = super::settings(sources)?;
        let url = DatabaseUrl::parse(settings.database.url.expose_secret())?;
        let (word, migrations) = if self.dry_run {
            ("pending", migrate::pending(&url)?)
        } else {
            ("applied", migrate::run(&url)?)
        };
        if self.json {
            output::line(json!({ word: migrations }))?;
        } else if migrations.is_empty() {
            output::line("nothing to do")?;
        } else {
            for migration in migrations {
                output::line(format_args!("{word} {migration}"))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
