//! NotifierActor — tells other systems what happened here: the outbox, carried to each configured endpoint.
//! Receives: Look (after commits), Deliver (http), KeepUp (DueActor); its own tick.
//! Sends: signed messages to the endpoints; batches of events to the readers of the stream.
//! Stops when: the process does.
//! If it dies: what was told is in `outbox`, what is to be sent in `notifications`; a message on its way is sent again.
//!
//! Two things run side by side. Placing gives each told event its place in the stream and its messages to the
//! endpoints. Delivering has a line for each endpoint with a number of messages under way, so that a slow one
//! holds up nobody but itself; one that fails is asked with a single message at a time.

mod deliver;
mod target;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;

use self::deliver::Sent;
pub use self::target::{Target, Targets};
use super::engine::Engine;
use super::stream::EventStream;
use super::supervision::{Essential, supervised};
use crate::hooks::client::HookClient;
use crate::store::notification::{self, NotificationRow};
use crate::store::{StoreError, UtcMillis, outbox};

/// How often it looks for what other processes told and what is to be sent again, in real time. Only a read: a row
/// in `due_work` that every process writes at every message would make their transactions wait for each other.
const TICK: Duration = Duration::from_secs(1);
/// After a commit it takes a breath, so that many commits are one look.
const BREATH: Duration = Duration::from_millis(20);
/// Events placed in one transaction.
const PLACED_MAX: i64 = 200;
/// Messages under way to one endpoint, while it answers well.
const UNDER_WAY_MAX: usize = 8;
/// How often old events and messages are forgotten.
const UPKEEP_EVERY: Duration = Duration::from_secs(3600);

/// There may be something new in the outbox.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
struct Look;

/// There may be messages to send.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
struct Deliver;

/// What is old may be forgotten.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
struct KeepUp;

/// The notifier as others see it.
#[derive(Debug, Clone)]
pub struct NotifierHandle {
    notifier: Essential<NotifierActor>,
    targets: Targets,
}

impl NotifierHandle {
    /// A handle on the actor that tells these.
    #[must_use]
    pub fn new(notifier: Essential<NotifierActor>, targets: Targets) -> Self {
        Self { notifier, targets }
    }

    /// Asks it to send what is due. Should that be lost, its next tick finds it.
    pub fn deliver(&self) {
        self.notifier.tell(Deliver);
    }

    /// Asks it to forget what is old. Should that be lost (`false`), the row in `due_work` repeats it.
    pub fn keep_up(&self) -> bool {
        self.notifier.tell(KeepUp)
    }

    /// Who is told.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }
}

/// What an endpoint is up to.
#[derive(Debug, Default)]
struct Line {
    /// Its due messages are being fetched.
    claiming: bool,
    /// They have to be fetched again afterwards.
    claim_again: bool,
    under_way: usize,
    /// The last message did not arrive.
    failing: bool,
}

impl Line {
    /// How many messages more may be under way.
    fn room(&self) -> usize {
        let most = if self.failing { 1 } else { UNDER_WAY_MAX };
        most.saturating_sub(self.under_way)
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct NotifierActor {
    engine: Arc<Engine>,
    targets: Targets,
    client: HookClient,
    stream: EventStream,
    /// How long events and messages are kept.
    retention: chrono::Duration,
    placing: bool,
    place_again: bool,
    lines: BTreeMap<String, Line>,
}

impl NotifierActor {
    /// A notifier of these endpoints and of the readers of `stream`.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        targets: Targets,
        client: HookClient,
        stream: EventStream,
        retention: Duration,
    ) -> Self {
        Self {
            engine,
            targets,
            client,
            stream,
            retention: chrono::Duration::from_std(retention).unwrap_or(chrono::Duration::MAX),
            placing: false,
            place_again: false,
            lines: BTreeMap::new(),
        }
    }

    /// Looks after each commit of this process.
    fn follow_commits(&self, ctx: &mut Context<Self>) {
        let (mut commits, address) = (self.engine.store.commits(), ctx.address());
        let follow = async move {
            while commits.changed().await.is_ok() {
                if address.send(Look).await.is_err() {
                    return;
                }
                tokio::time::sleep(BREATH).await;
            }
        };
        ctx.spawn(follow.into_actor(self));
    }

    fn place(&mut self, ctx: &mut Context<Self>) {
        if self.placing {
            self.place_again = true;
            return;
        }
        self.placing = true;
        let (engine, targets, stream) =
            (Arc::clone(&self.engine), Arc::clone(&self.targets), self.stream.clone());
        let place = async move {
            let placed = place(&engine, &targets).await?;
            stream.publish().await?;
            Ok::<bool, StoreError>(placed)
        };
        ctx.spawn(place.into_actor(self).map(|placed, actor, ctx| {
            actor.placing = false;
            match placed {
                Ok(true) => actor.deliver_all(ctx),
                Ok(false) => {}
                // The next tick looks again.
                Err(error) => tracing::warn!(%error, "what happened cannot be passed on yet"),
            }
            if std::mem::take(&mut actor.place_again) {
                actor.place(ctx);
            }
        }));
    }

    fn deliver_all(&mut self, ctx: &mut Context<Self>) {
        for target in Arc::clone(&self.targets).iter() {
            self.deliver(target, ctx);
        }
    }

    /// Fetches what is due for an endpoint, as far as it has room, and sends it.
    fn deliver(&mut self, target: &Target, ctx: &mut Context<Self>) {
        let line = self.lines.entry(target.id.clone()).or_default();
        let room = line.room();
        if line.claiming || room == 0 {
            line.claim_again = true;
            return;
        }
        (line.claiming, line.claim_again) = (true, false);
        let claim = deliver::claim(Arc::clone(&self.engine), target.id.clone(), room);
        let target = target.clone();
        ctx.spawn(claim.into_actor(self).map(move |claimed, actor, ctx| {
            if let Some(line) = actor.lines.get_mut(&target.id) {
                line.claiming = false;
            }
            match claimed {
                Ok(rows) => actor.send(&target, rows, ctx),
                // The next tick finds them again.
                Err(error) => tracing::warn!(%error, "messages to other systems cannot be read"),
            }
            if actor.lines.get(&target.id).is_some_and(|line| line.claim_again && line.room() > 0) {
                actor.deliver(&target, ctx);
            }
        }));
    }

    fn send(&mut self, target: &Target, rows: Vec<NotificationRow>, ctx: &mut Context<Self>) {
        for row in rows {
            self.lines.entry(target.id.clone()).or_default().under_way += 1;
            let (engine, client) = (Arc::clone(&self.engine), self.client.clone());
            let attempt = deliver::attempt(engine, client, target.clone(), row);
            let target = target.clone();
            ctx.spawn(attempt.into_actor(self).map(move |sent, actor, ctx| {
                let line = actor.lines.entry(target.id.clone()).or_default();
                line.under_way = line.under_way.saturating_sub(1);
                line.failing = sent == Sent::Failed;
                if sent != Sent::EndpointGone {
                    actor.deliver(&target, ctx);
                }
            }));
        }
    }

    /// Looks for what nobody told it of: what other processes told, and what is to be sent again.
    fn look_around(&mut self, ctx: &mut Context<Self>) {
        metrics::gauge!("convened_event_readers").set(self.stream.readers() as f64);
        self.place(ctx);
        if self.targets.is_empty() {
            return;
        }
        let engine = Arc::clone(&self.engine);
        let endpoints: Vec<String> = self.targets.iter().map(|target| target.id.clone()).collect();
        let look = async move {
            let next = engine.store.read(move |conn| notification::next_due(conn, &endpoints)).await?;
            Ok::<bool, StoreError>(next.is_some_and(|next| next <= UtcMillis::from(engine.clock.now())))
        };
        ctx.spawn(look.into_actor(self).map(|due, actor, ctx| match due {
            Ok(true) => actor.deliver_all(ctx),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "messages to other systems cannot be read"),
        }));
    }

    /// Does a piece of housekeeping; what fails is due again.
    fn tidy<F>(&self, work: F, ctx: &mut Context<Self>)
    where
        F: Future<Output = Result<(), StoreError>> + 'static,
    {
        ctx.spawn(work.into_actor(self).map(|kept, _, _| {
            if let Err(error) = kept {
                tracing::warn!(%error, "old events cannot be forgotten yet");
            }
        }));
    }
}

/// Places what is new; whether anything was.
async fn place(engine: &Engine, targets: &Targets) -> Result<bool, StoreError> {
    if !engine.store.read(outbox::any_unplaced).await? {
        return Ok(false);
    }
    let subscriptions: Vec<_> = targets.iter().map(Target::subscription).collect();
    let mut any = false;
    loop {
        let (subscriptions, now) = (subscriptions.clone(), UtcMillis::from(engine.clock.now()));
        let placed = engine
            .store
            .write(move |conn| outbox::place(conn, &subscriptions, now, PLACED_MAX))
            .await?
            .unwrap_or_default();
        any |= placed > 0;
        if i64::try_from(placed).unwrap_or(i64::MAX) < PLACED_MAX {
            return Ok(any);
        }
    }
}

impl Actor for NotifierActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.follow_commits(ctx);
        ctx.run_interval(TICK, Self::look_around);
        self.tidy(deliver::ask_for_upkeep(Arc::clone(&self.engine)), ctx);
        // What a life before this one left over.
        self.look_around(ctx);
    }
}

supervised!(NotifierActor);

impl Handler<Look> for NotifierActor {
    type Result = ();

    fn handle(&mut self, _: Look, ctx: &mut Self::Context) {
        self.place(ctx);
    }
}

impl Handler<Deliver> for NotifierActor {
    type Result = ();

    fn handle(&mut self, _: Deliver, ctx: &mut Self::Context) {
        self.deliver_all(ctx);
    }
}

impl Handler<KeepUp> for NotifierActor {
    type Result = ();

    fn handle(&mut self, _: KeepUp, ctx: &mut Self::Context) {
        self.tidy(deliver::keep_up(Arc::clone(&self.engine), self.retention), ctx);
    }
}
