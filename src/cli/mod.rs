//! The command line: one file a subcommand, and the exit codes 0 (done), 1 (a fault found), 2 (wrong usage).

mod check;
mod cleanup;
mod demo;
mod migrate;
mod openapi;
mod output;
mod resync;
mod sandbox;
mod serve;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Settings, Sources};
use crate::telemetry;

/// Something is wrong with the world: configuration, database, Zoom.
const FAULT: u8 = 1;

/// Keeps one Zoom meeting true to every booking and says, with evidence, who was there.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true, after_help = EXAMPLES)]
struct CommandLine {
    /// The configuration file; else CONVENED_CONFIG, else config/convened.toml when it exists.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  convened demo                              see it work, in half a minute
  convened serve --sandbox                   try it without a Zoom account
  convened check                             is everything in place?
  convened token --role service --sub timetable --ttl 30d
  convened --config /etc/convened/convened.toml serve

Logs go to standard error. Exit codes: 0 done, 1 a fault found, 2 wrong usage.
Every key of the configuration is explained in config/convened.toml.";

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Sandbox(sandbox::Sandbox),
    Migrate(migrate::Migrate),
    Check(check::Check),
    Token(token::Token),
    Resync(resync::Resync),
    Cleanup(cleanup::Cleanup),
    #[command(name = "openapi")]
    OpenApi(openapi::OpenApi),
}

/// Runs the command line and gives the process's exit code.
#[must_use]
pub fn run() -> ExitCode {
    let line = CommandLine::parse();
    let sources = Sources::of_process(line.config);
    let done = match line.command {
        Command::Serve(serve) => serve.run(sources),
        Command::Demo(demo) => demo.run(),
        Command::Sandbox(sandbox) => sandbox.run(&sources),
        Command::Migrate(migrate) => migrate.run(&sources),
        Command::Check(check) => check.run(&sources),
        Command::Token(token) => token.run(&sources),
        Command::Resync(resync) => resync.run(&sources),
        Command::Cleanup(cleanup) => cleanup.run(&sources),
        Command::OpenApi(openapi) => openapi.run(),
    };
    done.unwrap_or_else(|error| {
        // One line, with its causes; a fault of the configuration has a line of its own each.
        for line in format!("{error:#}").lines() {
            eprintln!("convened: {line}");
        }
        ExitCode::from(FAULT)
    })
}

/// The settings, with logging started as they say.
fn settings(sources: &Sources) -> anyhow::Result<Settings> {
    let settings = Settings::load(sources)?;
    telemetry::start_logging(&settings.log);
    Ok(settings)
}
