//! Inbox — one per process; the way of a verified webhook into the database and on to its meeting.
//! Receives: [`Inbox::store`] (http::webhook), from any thread.
//! Sends: the stored events → an [`EventSink`] (the meetings' registry), after the commit.
//! Stops when: the store does.
//! If it dies: nothing of it can; it has no task of its own. What waited unanswered is Zoom's to send again.
//!
//! The batch forms itself at the latest moment: events wait in a queue, one [`Drain`] job stands in the writer's
//! queue for all of them, and when its turn comes it takes whatever waits by then. So the batch is as large as
//! the last commit was long, there is no artificial wait, and an event changes threads once on its way in and
//! once on its way back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::store::Store;
use crate::store::inbox::{self, InboxEvent, NewEvent, Receipt};
use crate::store::writer::{Job, Writer};
use crate::store::{Conn, Retry, StoreError};

/// Events that may wait; each is a body in memory and a request of Zoom's that waits for its answer.
const WAITING_MAX: usize = 8192;
/// Events in one transaction.
const BATCH_MAX: usize = 1000;

/// Who is told of new events. Called on the writer's thread: it must not block.
pub trait EventSink: Send + Sync + 'static {
    /// Takes the events over. One that cannot take them drops them: they are pending in the inbox and found
    /// there by [`inbox::pending`].
    fn stored(&self, events: Vec<InboxEvent>);
}

/// The handle of the inbox.
#[derive(Clone)]
pub struct Inbox(Arc<Shared>);

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox").field("waiting", &self.0.lock().events.len()).finish_non_exhaustive()
    }
}

struct Shared {
    writer: Writer,
    sink: Arc<dyn EventSink>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Entry>,
    /// Whether a [`Drain`] stands in the writer's queue.
    drain_is_queued: bool,
}

struct Entry {
    event: NewEvent,
    reply: oneshot::Sender<Result<Receipt, StoreError>>,
    /// After its batch was refused as a whole: tried once more, by itself.
    alone: bool,
}

impl Inbox {
    /// An inbox that stores in `store` and tells `sink`.
    #[must_use]
    pub fn new(store: &Store, sink: Arc<dyn EventSink>) -> Self {
        Self(Arc::new(Shared { writer: store.writer().clone(), sink, waiting: Mutex::default() }))
    }

    /// Stores an event; answers after the commit.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] when too many wait, or why it could not be stored.
    pub async fn store(&self, event: NewEvent) -> Result<Receipt, StoreError> {
        let (reply, receipt) = oneshot::channel();
        self.0.push(Entry { event, reply, alone: false })?;
        receipt.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Makes a dead letter pending again and hands it on, as if it had just come.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when no dead letter has this id.
    pub async fn replay(&self, id: i64) -> Result<(), StoreError> {
        let event = self.0.writer.write(move |conn| inbox::replay(conn, id)).await?;
        self.0.sink.stored(vec![event]);
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics under this lock, and a queue is valid at every step.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(self: &Arc<Self>, entry: Entry) -> Result<(), StoreError> {
        let mut waiting = self.lock();
        if waiting.events.len() >= WAITING_MAX {
            metrics::counter!("convened_inbox_refused_total").increment(1);
            return Err(StoreError::Overloaded);
        }
        waiting.events.push_back(entry);
        self.queue_drain(waiting);
        Ok(())
    }

    /// Sees to it that somebody takes what waits.
    fn queue_drain(self: &Arc<Self>, mut waiting: MutexGuard<'_, Waiting>) {
        if waiting.drain_is_queued || waiting.events.is_empty() {
            return;
        }
        waiting.drain_is_queued = true;
        drop(waiting);
        let drain = Drain { inbox: Arc::clone(self), batch: Vec::new(), receipts: None };
        if let Err(error) = self.writer.submit(Box::new(drain)) {
            let mut waiting = self.lock();
            waiting.drain_is_queued = false;
            for entry in waiting.events.drain(..) {
                let _ = entry.reply.send(Err(error.clone()));
            }
        }
    }

    /// The next batch: an event that has to be alone, or as many as need not.
    fn take(&self) -> Vec<Entry> {
        let mut waiting = self.lock();
        waiting.drain_is_queued = false;
        let size = match waiting.events.front() {
            Some(first) if first.alone => 1,
            _ => waiting.events.iter().take(BATCH_MAX).take_while(|entry| !entry.alone).count(),
        };
        waiting.events.drain(..size).collect()
    }
}

/// Stores, in the writer's transaction, what waits when its turn comes.
struct Drain {
    inbox: Arc<Shared>,
    batch: Vec<Entry>,
    /// `None` after a panic.
    receipts: Option<Result<Vec<Receipt>, StoreError>>,
}

impl Job for Drain {
    fn run(&mut self, conn: &mut Conn) -> bool {
        self.batch = self.inbox.take();
        // Those who come from here on need another drain, which waits behind this one.
        self.inbox.queue_drain(self.inbox.lock());
        let events: Vec<&NewEvent> = self.batch.iter().map(|entry| &entry.event).collect();
        let receipts = inbox::insert(conn, &events);
        let kept = receipts.is_ok();
        self.receipts = Some(receipts);
        kept
    }

    fn refuse(&mut self, error: StoreError) {
        self.receipts = Some(Err(error));
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        if self.batch.is_empty() {
            // The transaction was never begun: what waits has to hear of it.
            if let Err(error) = committed {
                for entry in self.inbox.take() {
                    let _ = entry.reply.send(Err(error.clone()));
                }
                self.inbox.queue_drain(self.inbox.lock());
            }
            return;
        }
        metrics::histogram!("convened_inbox_batch_size").record(self.batch.len() as f64);
        let receipts = self.receipts.unwrap_or(Err(StoreError::Panicked));
        match committed.and(receipts) {
            Ok(receipts) => acknowledge(&self.inbox, self.batch, receipts),
            Err(error) => refuse(&self.inbox, self.batch, &error),
        }
    }
}

/// Answers everybody, then hands the new ones on: Zoom's three seconds come first.
fn acknowledge(inbox: &Shared, batch: Vec<Entry>, receipts: Vec<Receipt>) {
    let mut stored = Vec::with_capacity(batch.len());
    let mut duplicates = 0;
    for (entry, receipt) in batch.into_iter().zip(receipts) {
        let _ = entry.reply.send(Ok(receipt));
        match receipt {
            Receipt::Stored(id) => stored.extend(entry.event.stored(id)),
            Receipt::Duplicate => duplicates += 1,
        }
    }
    metrics::counter!("convened_inbox_stored_total").increment(stored.len() as u64);
    metrics::counter!("convened_inbox_duplicates_total").increment(duplicates);
    if !stored.is_empty() {
        inbox.sink.stored(stored);
    }
}

/// A refusal that would come again may be the fault of one event: then each is tried by itself, and only the
/// one at fault is refused.
fn refuse(inbox: &Arc<Shared>, batch: Vec<Entry>, error: &StoreError) {
    let may_be_one = batch.len() > 1 && error.retry() == Retry::Never && !matches!(error, StoreError::Closed);
    if may_be_one {
        let mut waiting = inbox.lock();
        for entry in batch.into_iter().rev() {
            waiting.events.push_front(Entry { alone: true, ..entry });
        }
        inbox.queue_drain(waiting);
    } else {
        tracing::error!(%error, events = batch.len(), "webhook events were not stored");
        for entry in batch {
            let _ = entry.reply.send(Err(error.clone()));
        }
    }
}
