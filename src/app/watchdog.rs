//! The service manager's view: ready, alive, stopping (sd_notify(3)). Without systemd nothing of this happens.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::actors::health::Health;

/// Says that the daemon is ready and, where the unit asks for it (`WatchdogSec=`), feeds the watchdog for as long
/// as the essential actors answer.
pub(super) fn start(health: Health) {
    tell(&[NotifyState::Ready]);
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    // Twice an interval, as sd_watchdog_enabled(3) advises.
    let every = (limit / 2).max(Duration::from_millis(100));
    actix_rt::spawn(async move {
        let mut ticks = tokio::time::interval(every);
        loop {
            ticks.tick().await;
            let silent = health.silent().await;
            if silent.is_empty() {
                tell(&[NotifyState::Watchdog]);
            } else {
                tracing::error!(?silent, "the watchdog is not fed");
            }
        }
    });
}

/// Says that the daemon is going down.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}
