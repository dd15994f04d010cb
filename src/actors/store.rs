//! StoreActor — the way to the database: a pool of reader threads and the writer thread behind one handle.
//! Receives: Query (closures from [`Store::read`]); writes go past the actor to [`crate::store::writer`].
//! Sends: nothing; every answer goes to who asked.
//! Stops when: the process does, after [`Store::close`].
//! If it dies: a panic is caught, answered as [`StoreError::Panicked`], and the worker rebuilt by its factory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use actix::prelude::*;

use tokio::sync::{Semaphore, oneshot, watch};

use crate::store::connection::{Manager, Pool, Role};
use crate::store::writer::{Writer, Written};
use crate::store::{Conn, DatabaseUrl, StoreError};

/// Queries in a worker's hands or next in line, for each worker. The mailbox itself has no bound.
const PERMITS_PER_READER: usize = 2;

/// A query, with everything it needs to answer.
#[derive(Message)]
#[rtype(result = "()")]
struct Query(Ask);

type Ask = Box<dyn FnOnce(&Pool<Manager>) + Send>;

/// One reader thread.
struct Reader {
    pool: Pool<Manager>,
}

impl Actor for Reader {
    type Context = SyncContext<Self>;
}

impl Handler<Query> for Reader {
    type Result = ();

    fn handle(&mut self, query: Query, ctx: &mut Self::Context) {
        // A panic would end this thread for good; caught, the factory makes the worker anew.
        if catch_unwind(AssertUnwindSafe(|| (query.0)(&self.pool))).is_err() {
            metrics::counter!("convened_store_panics_total").increment(1);
            tracing::error!("a query panicked");
            ctx.stop();
        }
    }
}

/// The handle of the store: cheap to clone, shared by everybody.
#[derive(Clone)]
pub struct Store {
    readers: Addr<Reader>,
    permits: Arc<Semaphore>,
    writer: Writer,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("free_readers", &self.permits.available_permits())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the (migrated) database and starts `readers` reader threads and the writer. Needs a running
    /// actix `System`.
    ///
    /// # Errors
    /// When the database cannot be opened, with the driver's own words.
    pub fn start(url: &DatabaseUrl, readers: usize) -> Result<Self, StoreError> {
        let readers = readers.max(1);
        let writer = Writer::start(Manager::new(url.clone(), Role::Writer))?;
        let pool = Manager::new(url.clone(), Role::Reader).pool(u32::try_from(readers).unwrap_or(u32::MAX));
        Ok(Self {
            readers: SyncArbiter::start(readers, move || Reader { pool: pool.clone() }),
            permits: Arc::new(Semaphore::new(readers * PERMITS_PER_READER)),
            writer,
        })
    }

    /// Runs a query on a reader's connection, which refuses writes.
    ///
    /// # Errors
    /// The query's own error, [`StoreError::Panicked`], or that there is no connection to be had.
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let query = Query(Box::new(move |pool| {
            let _permit = permit;
            if !reply.is_closed() {
                let outcome =
                    pool.get().map_err(StoreError::unavailable).and_then(|mut conn| work(&mut conn));
                let _ = reply.send(outcome);
            }
        }));
        self.readers.try_send(query).map_err(|_| StoreError::Closed)?;
        answer.await.unwrap_or(Err(StoreError::Panicked))
    }

    /// Runs a write in the writer's next group commit: all of it is kept or nothing, and the answer comes
    /// after the commit. It is done even if the caller stops waiting.
    ///
    /// # Errors
    /// The work's own error, [`StoreError::Panicked`], or the commit's.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        self.writer.write(work).await
    }

    /// As [`Store::write`], but refused at once when too much waits already.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] or [`StoreError::Closed`].
    pub fn try_write<T, F>(&self, work: F) -> Result<Written<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        self.writer.try_write(work)
    }

    /// Changes after each commit of this process.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.writer.commits()
    }

    /// The writer itself, for whoever brings jobs of another kind.
    pub(super) fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Answers when everything taken before has been committed or refused.
    ///
    /// # Errors
    /// When the writer is gone or the database cannot be written.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.write(|_| Ok(())).await
    }

    /// Takes no more, writes what waits, and closes the database.
    pub async fn close(&self) {
        self.permits.close();
        self.writer.close().await;
    }
}
