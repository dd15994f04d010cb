//! `convened cleanup`: puts away what is older than `[retention]` allows, beside a running daemon or without one.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::output;
use crate::actors::janitor::{Counts, periods};
use crate::config::Sources;
use crate::domain::retention::Limits;
use crate::store::connection::{Manager, Role};
use crate::store::retention::Sweep;
use crate::store::{Conn, DatabaseUrl, StoreError, UtcMillis, savepoint};

/// Put away what is older than the section `retention` of the configuration allows.
#[derive(Debug, Args)]
#[command(
    after_help = "A running daemon does the same every night. Interrupt it whenever you like: what is left is \
                        found again."
)]
pub(super) struct Cleanup {
    /// Only count.
    #[arg(long)]
    dry_run: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Cleanup {
    pub(super) fn run(&self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let settings = super::settings(sources)?;
        let url = DatabaseUrl::parse(settings.database.url.expose_secret())?;
        super::resync::must_be_ready(&url)?;
        let mut conn = Manager::new(url, Role::Writer).open().context("the database cannot be opened")?;
        let now = settings.clock.build().now();
        let limits = periods(&settings).limits(now);
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}: {pos}") {
            bar.set_style(style);
        }
        let mut counts = Counts::default();
        for sweep in Sweep::ALL {
            bar.set_message(sweep.as_str());
            bar.set_position(0);
            self.sweep(&mut conn, sweep, &limits, now.into(), |number| {
                counts.add(sweep, number);
                bar.inc(u64::try_from(number).unwrap_or(u64::MAX));
            })?;
        }
        bar.finish_and_clear();
        self.tell(&counts)
    }

    /// Goes through one kind of thing, a batch and a transaction at a time.
    fn sweep(
        &self,
        conn: &mut Conn,
        sweep: Sweep,
        limits: &Limits,
        now: UtcMillis,
        mut done: impl FnMut(usize),
    ) -> Result<(), StoreError> {
        let mut after = Some(String::new());
        while let Some(from) = after {
            let batch = sweep.find(conn, limits, &from)?;
            if self.dry_run {
                done(batch.len());
                after = batch.next().filter(|next| !next.is_empty()).map(str::to_owned);
            } else {
                done(savepoint(conn, |conn| sweep.put_away(conn, &batch, limits, now))?);
                after = batch.next().map(str::to_owned);
            }
        }
        Ok(())
    }

    fn tell(&self, counts: &Counts) -> anyhow::Result<ExitCode> {
        if self.json {
            output::line(json!({ "dry_run": self.dry_run, "counts": counts }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let would = if self.dry_run { "would be " } else { "" };
        let lines = [
            (counts.webhooks, "webhooks", "deleted"),
            (counts.kept_answers, "kept answers", "deleted"),
            (counts.participants, "bookings", "made nameless"),
            (counts.meetings, "bookings", "put away"),
            (counts.attendance, "bookings", "stripped of their marks"),
            (counts.stories, "lines of stories", "deleted"),
        ];
        for (number, what, done) in lines {
            output::line(format_args!("{number} {what} {would}{done}"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
