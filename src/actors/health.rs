//! Whether the daemon can do its work: what `/readyz` answers and what feeds the service manager's watchdog.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::shards::{Shards, Standing};
use super::store::Store;
use super::supervision::Supervision;

/// An essential actor that does not answer a ping within this is silent.
const PING_MAX: Duration = Duration::from_secs(3);

/// The health of the process. Zoom is no part of it: without Zoom, bookings are still taken.
#[derive(Debug, Clone)]
pub struct Health {
    store: Store,
    supervision: Supervision,
    shards: Shards,
    stopping: Arc<AtomicBool>,
}

impl Health {
    /// The health of what these stand for.
    #[must_use]
    pub fn new(store: Store, supervision: Supervision, shards: Shards) -> Self {
        Self { store, supervision, shards, stopping: Arc::default() }
    }

    /// How the meetings are shared between processes; `None` with SQLite, where there is only one.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        self.shards.standing()
    }

    /// From now on the daemon is not ready: it is going down.
    pub fn stopping(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.supervision.stopping();
    }

    /// What keeps the daemon from its work; nothing when it is ready.
    pub async fn faults(&self) -> Vec<String> {
        if self.stopping.load(Ordering::SeqCst) {
            return vec!["the daemon is stopping".to_owned()];
        }
        let (database, silent) =
            tokio::join!(tokio::time::timeout(PING_MAX, self.store.read(|_| Ok(()))), self.silent());
        let mut faults = silent;
        match database {
            Ok(Ok(())) => {}
            Ok(Err(error)) => faults.push(format!("database: {error}")),
            Err(_) => faults.push("database: no answer".to_owned()),
        }
        faults.extend(self.shards.fault());
        faults
    }

    /// The essential actors that do not answer.
    pub async fn silent(&self) -> Vec<String> {
        let silent = self.supervision.silent(PING_MAX).await;
        silent.into_iter().map(|name| format!("actor {name}: no answer")).collect()
    }
}
