//! The stream of events as its readers see it: each at a place of its own, first from the store, then live.
//!
//! The notifier publishes what it has placed; a reader that is behind, new or was too slow for the live batches
//! reads the store until it has caught up. Nobody is passed over, and nobody holds anybody up.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};

use super::store::Store;
use crate::store::audience::{self, Told};
use crate::store::{StoreError, outbox};

/// Readers at a time.
const READERS_MAX: usize = 256;
/// Batches that a reader may be behind before it has to read the store.
const BATCHES_MAX: usize = 16;
/// Events in a batch.
const BATCH: i64 = 200;

/// Events in order; an empty batch says that there is something to be read in the store.
type Batch = Arc<[Told]>;

/// The stream: cheap to clone, shared by the notifier and all readers.
#[derive(Debug, Clone)]
pub struct EventStream(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Store,
    live: broadcast::Sender<Batch>,
    /// The last place that was published; `None` while nobody was listening.
    published: Mutex<Option<i64>>,
    places: Arc<Semaphore>,
    closed: watch::Sender<bool>,
}

impl EventStream {
    /// A stream without readers.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self(Arc::new(Shared {
            store,
            live: broadcast::channel(BATCHES_MAX).0,
            published: Mutex::default(),
            places: Arc::new(Semaphore::new(READERS_MAX)),
            closed: watch::channel(false).0,
        }))
    }

    /// Hands readers what has been placed since the last time. Called by one caller at a time.
    ///
    /// # Errors
    /// [`StoreError`]; what was not published then is published the next time.
    pub(super) async fn publish(&self) -> Result<(), StoreError> {
        if self.0.live.receiver_count() == 0 {
            self.note(None);
            return Ok(());
        }
        let published = *self.0.published.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut last) = published else {
            // The first readers since a silence: they look for themselves.
            self.note(Some(self.0.store.read(outbox::last_seq).await?));
            self.send(Arc::from([]));
            return Ok(());
        };
        loop {
            let told = self.0.store.read(move |conn| audience::after(conn, last, BATCH)).await?;
            let Some(newest) = told.last() else { return Ok(()) };
            last = newest.seq;
            self.note(Some(last));
            self.send(told.into());
        }
    }

    fn note(&self, last: Option<i64>) {
        *self.0.published.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }

    fn send(&self, batch: Batch) {
        // Without readers there is nobody to miss it.
        let _ = self.0.live.send(batch);
    }

    /// Reads along from the place `after`; `None` for what happens from now on. `Ok(None)` when there are too many
    /// readers.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(&self, after: Option<i64>) -> Result<Option<Reader>, StoreError> {
        let Ok(place) = Arc::clone(&self.0.places).try_acquire_owned() else { return Ok(None) };
        // Before the first look at the store, so that nothing falls between the two.
        let live = self.0.live.subscribe();
        let last = self.0.store.read(outbox::last_seq).await?;
        // A place that was never given comes from another database's life.
        let cursor = after.map_or(last, |after| after.min(last));
        let closed = self.0.closed.subscribe();
        Ok(Some(Reader {
            store: self.0.store.clone(),
            live,
            closed,
            cursor,
            behind: cursor < last,
            _place: place,
        }))
    }

    /// How many read.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.0.live.receiver_count()
    }

    /// Ends all reading: the process is stopping.
    pub fn close(&self) {
        self.0.closed.send_replace(true);
    }
}

/// Somebody who reads along.
#[derive(Debug)]
pub struct Reader {
    store: Store,
    live: broadcast::Receiver<Batch>,
    closed: watch::Receiver<bool>,
    cursor: i64,
    behind: bool,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    /// The place up to which it has read.
    #[must_use]
    pub fn cursor(&self) -> i64 {
        self.cursor
    }

    /// Waits for the next events; never an empty batch. May be dropped while it waits: nothing is lost.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the stream is at its end, and what the store says.
    pub async fn next(&mut self) -> Result<Arc<[Told]>, StoreError> {
        loop {
            if *self.closed.borrow() {
                return Err(StoreError::Closed);
            }
            if self.behind {
                let cursor = self.cursor;
                let told = self.store.read(move |conn| audience::after(conn, cursor, BATCH)).await?;
                match told.last() {
                    Some(newest) => {
                        self.cursor = newest.seq;
                        return Ok(told.into());
                    }
                    None => self.behind = false,
                }
                continue;
            }
            let received = tokio::select! {
                received = self.live.recv() => received,
                _ = self.closed.changed() => continue,
            };
            match received {
                Ok(batch) => match (batch.first(), batch.last()) {
                    (Some(first), Some(last)) if first.seq == self.cursor + 1 => {
                        self.cursor = last.seq;
                        return Ok(batch);
                    }
                    (_, Some(last)) if last.seq <= self.cursor => {}
                    // A gap, an overlap, or the word that there is something to read.
                    _ => self.behind = true,
                },
                Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return Err(StoreError::Closed),
            }
        }
    }
}
