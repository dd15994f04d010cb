//! SQLite's checkpoints, off the writer's path: copying the log back into the file takes milliseconds that
//! otherwise somebody's commit would wait (<https://www.sqlite.org/wal.html#ckpt>).
//!
//! A second connection copies what it can, again and again, while the writer goes on. It never catches up with
//! a busy writer, and a log that is never copied to its end is never begun anew; so when the log has grown
//! long, the writer is asked to copy the little that is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::connection::Manager;
use super::{Conn, StoreError};

/// The pause between two checkpoints under load: long enough that pages written often are copied once.
const PAUSE: Duration = Duration::from_millis(500);
/// The length of the log, in pages of 4 KiB, from which the writer finishes a checkpoint.
const LOG_PAGES_MAX: i32 = 16_384;

/// The writer's side of the checkpointer.
#[derive(Debug)]
pub(super) struct Checkpointer {
    pulse: SyncSender<()>,
    log_is_long: Arc<AtomicBool>,
}

#[derive(QueryableByName)]
struct Progress {
    /// Pages in the log; -1 when there is none.
    #[diesel(sql_type = Integer)]
    log: i32,
}

impl Checkpointer {
    /// Starts the thread on a connection of its own. It ends with this value.
    ///
    /// # Errors
    /// When the connection cannot be opened or no thread can be started.
    pub(super) fn start(manager: &Manager) -> Result<Self, StoreError> {
        let conn = manager.open()?;
        let (pulse, beats) = sync_channel(1);
        let log_is_long = Arc::new(AtomicBool::new(false));
        let says_long = Arc::clone(&log_is_long);
        std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || run(conn, &beats, &says_long))
            .map_err(StoreError::unavailable)?;
        Ok(Self { pulse, log_is_long })
    }

    /// Something was committed on `conn`. Between two groups, so nobody waits for the part that may fall to it.
    pub(super) fn committed(&self, conn: &mut Conn) {
        if self.log_is_long.swap(false, Ordering::Relaxed) {
            log_failure(copy(conn, "PASSIVE"));
        }
        match self.pulse.try_send(()) {
            // Full: it has been told already.
            Ok(()) | Err(TrySendError::Full(())) => {}
            Err(TrySendError::Disconnected(())) => tracing::error!("the checkpointer has ended"),
        }
    }
}

/// Copies the whole log and empties it: for the end, when nobody writes any more.
pub(super) fn finish(conn: &mut Conn) {
    log_failure(copy(conn, "TRUNCATE"));
}

#[expect(clippy::disallowed_methods, reason = "the checkpointer's own thread: nobody else is stalled")]
fn run(mut conn: Conn, beats: &Receiver<()>, log_is_long: &AtomicBool) {
    while beats.recv().is_ok() {
        let copied = copy(&mut conn, "PASSIVE");
        if copied.as_ref().is_ok_and(|progress| progress.log > LOG_PAGES_MAX) {
            log_is_long.store(true, Ordering::Relaxed);
        }
        log_failure(copied);
        std::thread::sleep(PAUSE);
    }
}

fn copy(conn: &mut Conn, mode: &str) -> Result<Progress, StoreError> {
    Ok(diesel::sql_query(format!("PRAGMA wal_checkpoint({mode})")).get_result(conn)?)
}

/// A checkpoint that fails costs no data, only room in the log; the next one copies it.
fn log_failure(copied: Result<Progress, StoreError>) {
    match copied {
        Ok(progress) => metrics::gauge!("convened_store_log_pages").set(progress.log),
        Err(error) => tracing::warn!(%error, "a checkpoint failed"),
    }
}
