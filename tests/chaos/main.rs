//! The daemon's worst days: the real binary against a simulated Zoom account, with lost answers, limits, outages,
//! webhooks in disorder, and `kill -9` at random instants. One seed is one day.
//!
//! At its end the faults are gone, the daemon comes to rest, and what the account holds and has recorded is compared
//! with what callers were promised. `scripts/chaos --seeds 200` runs it; a plain `cargo test` leaves it out.

#![expect(clippy::print_stdout, reason = "a program for the command line")]

mod act;
mod api;
mod book;
mod daemon;
#[path = "../support/database.rs"]
#[expect(clippy::unwrap_used, reason = "a helper of a test may fail it")]
mod database;
mod evidence;
mod inbox;
mod lesson;
mod options;
mod plan;
mod proof;
mod report;
mod rest;
mod runner;
mod stage;
mod storm;
mod verdict;
mod weather;

use std::process::ExitCode;

use crate::options::Options;

fn main() -> ExitCode {
    let Some(options) = Options::read() else {
        println!("left out: the chaos runs under `scripts/chaos`");
        return ExitCode::SUCCESS;
    };
    runner::run(&options)
}
