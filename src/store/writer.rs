//! The one thread that writes, with group commit: what waits goes into one transaction, a savepoint each, and
//! is answered after the commit.
//!
//! One `fsync` then pays for everybody who waited during the last one, so the group grows with the load and
//! there is no artificial wait. A job that fails or panics loses its own savepoint, the rest goes on; a commit
//! that fails is everybody's answer. One writer is all SQLite allows, and on PostgreSQL a second one made
//! things slower; it also gives jobs of one process an order they can rely on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use tokio::sync::{mpsc, oneshot, watch};

use super::checkpoint::{self, Checkpointer};
use super::connection::Manager;
use super::{Conn, StoreError};

/// How many jobs may wait; beyond that a writer waits for its turn, or is refused.
const QUEUE_MAX: usize = 4096;
/// How many jobs share a commit: bounds how long the first of them waits for the others.
const GROUP_MAX: usize = 256;
/// How often a transaction is begun anew, over a lost connection or another process's lock.
const BEGIN_ATTEMPTS_MAX: u32 = 5;
/// The pause before the second attempt; it doubles.
const BEGIN_PAUSE: Duration = Duration::from_millis(50);

/// A job for the writer, with its result inside until the commit.
pub(crate) trait Job: Send {
    /// Does the work. `true` when its writes are to be kept.
    fn run(&mut self, conn: &mut Conn) -> bool;
    /// Its writes were not kept after all.
    fn refuse(&mut self, error: StoreError);
    /// Tells the caller, after the commit.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A closure and who waits for it.
struct Call<T, F> {
    work: Option<F>,
    /// `None` after a panic.
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Call<T, F> {
    fn new(work: F) -> (Box<Self>, Written<T>) {
        let (reply, written) = oneshot::channel();
        (Box::new(Self { work: Some(work), result: None, reply }), Written(written))
    }
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: FnOnce(&mut Conn) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, conn: &mut Conn) -> bool {
        self.result = self.work.take().map(|work| work(conn));
        matches!(self.result, Some(Ok(_)))
    }

    fn refuse(&mut self, error: StoreError) {
        self.result = Some(Err(error));
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let outcome = match self.result.unwrap_or(Err(StoreError::Panicked)) {
            Ok(value) => committed.map(|()| value),
            Err(error) => Err(error),
        };
        // A caller who has left does not unmake what is stored.
        let _ = self.reply.send(outcome);
    }
}

enum Command {
    Run(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

/// The handle of the writer thread.
#[derive(Clone, Debug)]
pub struct Writer {
    queue: mpsc::Sender<Command>,
    commits: watch::Receiver<u64>,
}

/// The answer to a write that has been taken.
#[derive(Debug)]
#[must_use = "a write is only known to be kept when its answer has come"]
pub struct Written<T>(oneshot::Receiver<Result<T, StoreError>>);

impl<T> Written<T> {
    /// Waits for the commit.
    ///
    /// # Errors
    /// The job's own error, the commit's, or [`StoreError::Closed`].
    pub async fn wait(self) -> Result<T, StoreError> {
        self.0.await.unwrap_or(Err(StoreError::Closed))
    }
}

impl Writer {
    /// Starts the thread on a connection of `manager`.
    ///
    /// # Errors
    /// When the database cannot be opened or no thread can be started.
    pub fn start(manager: Manager) -> Result<Self, StoreError> {
        let conn = manager.open()?;
        let checkpointer = match &conn {
            Conn::Sqlite(_) => Some(Checkpointer::start(&manager)?),
            Conn::Postgres(_) => None,
        };
        let (queue, commands) = mpsc::channel(QUEUE_MAX);
        let (committed, commits) = watch::channel(0);
        let thread = WriterThread { manager, conn: Some(conn), checkpointer, commands, committed };
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || thread.run())
            .map_err(StoreError::unavailable)?;
        Ok(Self { queue, commits })
    }

    /// Runs `work` in the next group and answers after its commit. Waits while the queue is full.
    ///
    /// Once taken, the work is done even if the caller stops waiting.
    ///
    /// # Errors
    /// Its own error, [`StoreError::Panicked`], the commit's error, or [`StoreError::Closed`].
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        let (call, written) = Call::new(work);
        self.queue.send(Command::Run(call)).await.map_err(|_| StoreError::Closed)?;
        written.wait().await
    }

    /// As [`Writer::write`], but never waits for room.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] when the queue is full, [`StoreError::Closed`] after the shutdown.
    pub fn try_write<T, F>(&self, work: F) -> Result<Written<T>, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        let (call, written) = Call::new(work);
        self.submit(call)?;
        Ok(written)
    }

    /// Queues a job that brings its own way to answer.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] when the queue is full, [`StoreError::Closed`] after the shutdown.
    pub(crate) fn submit(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        self.queue.try_send(Command::Run(job)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })
    }

    /// Changes after each commit: what was written before can be read then.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.commits.clone()
    }

    /// Refuses new work, writes what waits and closes the database. Answers when that is done.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.queue.send(Command::Close(reply)).await.is_ok() {
            // An error means that the thread has ended, which is what was asked for.
            let _ = closed.await;
        }
    }
}

struct WriterThread {
    manager: Manager,
    /// `None` from the moment it broke until the next transaction.
    conn: Option<Conn>,
    /// On SQLite.
    checkpointer: Option<Checkpointer>,
    commands: mpsc::Receiver<Command>,
    /// The number of groups that were committed.
    committed: watch::Sender<u64>,
}

impl WriterThread {
    fn run(mut self) {
        let mut waiting = Vec::with_capacity(GROUP_MAX);
        let mut closing = Vec::new();
        while self.commands.blocking_recv_many(&mut waiting, GROUP_MAX) > 0 {
            let mut jobs = Vec::with_capacity(waiting.len());
            for command in waiting.drain(..) {
                match command {
                    Command::Run(job) => jobs.push(job),
                    Command::Close(reply) => {
                        self.commands.close();
                        closing.push(reply);
                    }
                }
            }
            if !jobs.is_empty() {
                metrics::gauge!("convened_store_queue_depth").set(self.commands.len() as f64);
                metrics::histogram!("convened_store_group_size").record(jobs.len() as f64);
                self.commit_group(jobs);
            }
        }
        if let (Some(conn), Some(_)) = (&mut self.conn, self.checkpointer.take()) {
            checkpoint::finish(conn);
        }
        drop(self.conn.take());
        for reply in closing {
            let _ = reply.send(());
        }
    }

    fn commit_group(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        let outcome = self.begin().and_then(|mut conn| {
            let committed = run_group(&mut conn, &mut jobs);
            self.keep(conn);
            committed
        });
        if let Err(error) = &outcome {
            metrics::counter!("convened_store_failed_groups_total").increment(1);
            tracing::error!(error = %error, jobs = jobs.len(), "a group of writes was not committed");
        }
        for job in jobs {
            job.answer(outcome.clone());
        }
        if outcome.is_ok() {
            self.committed.send_modify(|groups| *groups += 1);
        }
        if let (Some(conn), Some(checkpointer)) = (&mut self.conn, &self.checkpointer) {
            checkpointer.committed(conn);
        }
    }

    /// A connection with a transaction open that may write.
    #[expect(clippy::disallowed_methods, reason = "the writer's own thread: nobody else is stalled")]
    fn begin(&mut self) -> Result<Conn, StoreError> {
        let mut pause = BEGIN_PAUSE;
        let mut attempt = 1;
        loop {
            match self.try_begin() {
                Err(StoreError::Busy | StoreError::Unavailable { .. }) if attempt < BEGIN_ATTEMPTS_MAX => {
                    std::thread::sleep(pause);
                    pause *= 2;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn try_begin(&mut self) -> Result<Conn, StoreError> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.manager.open()?,
        };
        // SQLite takes the write lock at once: a transaction that reads first and then finds another
        // process's write in between fails without waiting.
        let begun = match &mut conn {
            Conn::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE"),
            Conn::Postgres(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN"),
        };
        match begun {
            Ok(()) => Ok(conn),
            Err(error) => {
                self.keep(conn);
                Err(error.into())
            }
        }
    }

    /// Keeps a connection for the next transaction, unless it is of no more use: it broke, or did not come out
    /// of the last one.
    fn keep(&mut self, mut conn: Conn) {
        if open_levels(&mut conn) == 0 && !Conn::is_broken_transaction_manager(&mut conn) {
            self.conn = Some(conn);
        }
    }
}

/// Runs the jobs in the open transaction and commits it. An error is everybody's: nothing was kept.
fn run_group(conn: &mut Conn, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    let outcome = match jobs {
        // Alone, a job needs no savepoint: the transaction is its own.
        [job] => match run_fenced(conn, job) {
            true => commit(conn),
            // Its own answer says why; there is nothing to commit.
            false => Ok(()),
        },
        jobs => run_with_savepoints(conn, jobs).and_then(|()| commit(conn)),
    };
    unwind_to(conn, 0)?;
    outcome
}

/// Gives each job a savepoint, named `job`. A new one is set in the round trip that releases the last.
fn run_with_savepoints(conn: &mut Conn, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    conn.batch_execute("SAVEPOINT job")?;
    for job in jobs {
        let kept = run_fenced(conn, job);
        unwind_to(conn, 1)?;
        // PostgreSQL refuses the release after a failed statement, also after one whose error the job has
        // passed over; then its writes are lost and it must not be told otherwise.
        let released = match kept {
            true => conn.batch_execute("RELEASE SAVEPOINT job; SAVEPOINT job"),
            false => conn.batch_execute("ROLLBACK TO SAVEPOINT job"),
        };
        match released {
            Err(error) if kept => {
                conn.batch_execute("ROLLBACK TO SAVEPOINT job")?;
                job.refuse(error.into());
            }
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Commits. On PostgreSQL a `COMMIT` after a failed statement rolls back and reports success; the savepoint
/// before it makes that an error, in the same round trip.
fn commit(conn: &mut Conn) -> Result<(), StoreError> {
    Ok(match conn {
        Conn::Sqlite(conn) => AnsiTransactionManager::commit_transaction(conn),
        Conn::Postgres(conn) => conn.batch_execute("SAVEPOINT kept; COMMIT"),
    }?)
}

/// Runs a job; a panic is a failed job.
fn run_fenced(conn: &mut Conn, job: &mut Box<dyn Job>) -> bool {
    catch_unwind(AssertUnwindSafe(|| job.run(conn))).unwrap_or_else(|_| {
        metrics::counter!("convened_store_panics_total").increment(1);
        tracing::error!("a write panicked; nothing of it is kept");
        false
    })
}

/// Rolls back until `levels` transactions are open: a panic leaves those open that the job had begun itself.
fn unwind_to(conn: &mut Conn, levels: u32) -> Result<(), StoreError> {
    while open_levels(conn) > levels {
        Conn::rollback_transaction(conn)?;
    }
    Ok(())
}

fn open_levels(conn: &mut Conn) -> u32 {
    match Conn::transaction_manager_status_mut(conn).transaction_depth() {
        Ok(Some(depth)) => depth.get(),
        Ok(None) | Err(_) => 0,
    }
}
