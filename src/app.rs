//! Builds and wires the actors (being built).

use crate::config::Settings;

/// Runs the daemon until it is told to stop; gives the exit code.
///
/// # Errors
/// When it cannot start.
pub fn run(settings: Settings) -> anyhow::Result<i32> {
    drop(settings);
    anyhow::bail!("the daemon is being built")
}
