//! `convened openapi`: the description of the HTTP API, for generators of clients and for reviews.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::output;
use crate::http::openapi::openapi;

/// Print the OpenAPI document.
#[derive(Debug, Args)]
pub(super) struct OpenApi {}

impl OpenApi {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let document = openapi().to_pretty_json().context("the document cannot be written as JSON")?;
        output::line(document)?;
        Ok(ExitCode::SUCCESS)
    }
}
