//! Supervision: who notices that an actor died, and what happens then.
//!
//! actix restarts no actor that panics: its task ends, its mail is lost, and the process goes on without it
//! (`docs/adr/0004-restart-policy.md`). So every actor carries a [`Lifeline`], a value inside its context that is
//! dropped with it, however it ends. An essential actor is rebuilt by its factory, after a back-off, from the
//! store; one that keeps dying stops the process with a non-zero code, and the service manager starts it afresh.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use actix::dev::ToEnvelope;
use actix::prelude::*;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

/// Asks an actor whether it still answers.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Ping;

/// Makes an actor panic; the tests' way to kill one.
#[cfg(test)]
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Crash;

/// What supervision asks of an actor; [`supervised!`] gives it.
#[cfg(not(test))]
pub trait Supervisable: Actor<Context = Context<Self>> + Handler<Ping> {}
#[cfg(not(test))]
impl<A: Actor<Context = Context<A>> + Handler<Ping>> Supervisable for A {}

/// What supervision asks of an actor; [`supervised!`] gives it. In tests it can be killed, too.
#[cfg(test)]
pub trait Supervisable: Actor<Context = Context<Self>> + Handler<Ping> + Handler<Crash> {}
#[cfg(test)]
impl<A: Actor<Context = Context<A>> + Handler<Ping> + Handler<Crash>> Supervisable for A {}

/// Implements what supervision asks of an actor.
macro_rules! supervised {
    ($actor:ty) => {
        impl actix::Handler<$crate::actors::supervision::Ping> for $actor {
            type Result = ();
            fn handle(&mut self, _: $crate::actors::supervision::Ping, _: &mut Self::Context) {}
        }
        #[cfg(test)]
        impl actix::Handler<$crate::actors::supervision::Crash> for $actor {
            type Result = ();
            fn handle(&mut self, _: $crate::actors::supervision::Crash, _: &mut Self::Context) {
                panic!("killed by a test")
            }
        }
    };
}
pub(crate) use supervised;

/// When an essential actor is restarted and when the process gives up on it.
#[derive(Debug, Clone, Copy)]
pub struct RestartPolicy {
    /// The wait before the first restart; it doubles with each death in the window.
    pub back_off: Duration,
    /// The longest wait.
    pub back_off_max: Duration,
    /// More deaths than this within [`RestartPolicy::window`] stop the process.
    pub deaths_max: usize,
    /// How long a death counts.
    pub window: Duration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            back_off: Duration::from_millis(200),
            back_off_max: Duration::from_secs(5),
            deaths_max: 5,
            window: Duration::from_secs(60),
        }
    }
}

impl RestartPolicy {
    /// What follows from one more death: the wait before the restart, or `None` to give up.
    pub fn verdict(&self, deaths: &mut VecDeque<Instant>, now: Instant) -> Option<Duration> {
        deaths.retain(|at| now.duration_since(*at) < self.window);
        deaths.push_back(now);
        if deaths.len() > self.deaths_max {
            return None;
        }
        let doublings = u32::try_from(deaths.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = 2_u32.checked_pow(doublings).and_then(|factor| self.back_off.checked_mul(factor));
        Some(wait.map_or(self.back_off_max, |wait| wait.min(self.back_off_max)))
    }
}

/// Dropped when the actor that holds it is gone; says so once.
pub struct Lifeline(Option<Box<dyn FnOnce() + Send>>);

impl fmt::Debug for Lifeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lifeline")
    }
}

impl Lifeline {
    /// Calls `on_death` when it is dropped.
    pub fn new(on_death: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(on_death)))
    }

    /// Ties itself to an actor's context: it falls when the context does.
    pub fn tie<A: Actor<Context = Context<A>>>(self, ctx: &mut Context<A>) {
        ctx.spawn(actix::fut::wrap_future(async move {
            let _tied = self;
            std::future::pending::<()>().await;
        }));
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        if let Some(on_death) = self.0.take() {
            on_death();
        }
    }
}

/// An essential actor: its present address, renewed at every restart.
pub struct Essential<A: Actor>(Arc<Child<A>>);

impl<A: Actor> Clone for Essential<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: Actor> fmt::Debug for Essential<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Essential").field(&self.0.name).finish()
    }
}

struct Child<A: Actor> {
    name: &'static str,
    arbiter: ArbiterHandle,
    factory: Box<dyn Fn() -> A + Send + Sync>,
    present: RwLock<Option<Addr<A>>>,
    deaths: RwLock<VecDeque<Instant>>,
    watch: Watch,
}

impl<A: Supervisable> Essential<A> {
    /// Sends and waits. [`MailboxError::Closed`] means that the actor died with the message or is being rebuilt:
    /// whether it took effect is unknown.
    ///
    /// # Errors
    /// [`MailboxError`], see above.
    pub async fn ask<M>(&self, message: M) -> Result<M::Result, MailboxError>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        match self.present() {
            Some(address) => address.send(message).await,
            None => Err(MailboxError::Closed),
        }
    }

    /// Tells, without waiting; `false` when the mailbox is full or the actor is being rebuilt. Only for what the
    /// store repeats by itself.
    pub fn tell<M>(&self, message: M) -> bool
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        self.present().is_some_and(|address| address.try_send(message).is_ok())
    }

    fn present(&self) -> Option<Addr<A>> {
        self.0.present.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What supervision needs of any essential actor.
trait Supervised: Send + Sync {
    fn name(&self) -> &'static str;
    fn start(self: Arc<Self>);
    fn died(&self, policy: &RestartPolicy) -> Option<Duration>;
    fn ping(&self) -> BoxFuture<'static, bool>;
    /// Kills it, and gives when it is dead.
    #[cfg(test)]
    fn crash(&self) -> BoxFuture<'static, ()>;
}

impl<A: Supervisable> Supervised for Child<A> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn start(self: Arc<Self>) {
        let (child, watch) = (Arc::clone(&self), self.watch.clone());
        let lifeline = Lifeline::new({
            let child: Arc<dyn Supervised> = Arc::clone(&self) as _;
            move || watch.report(child)
        });
        let address = A::start_in_arbiter(&self.arbiter, move |ctx| {
            lifeline.tie(ctx);
            (child.factory)()
        });
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }

    fn died(&self, policy: &RestartPolicy) -> Option<Duration> {
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = None;
        let mut deaths = self.deaths.write().unwrap_or_else(PoisonError::into_inner);
        policy.verdict(&mut deaths, Instant::now())
    }

    fn ping(&self) -> BoxFuture<'static, bool> {
        let present = self.present.read().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            match present {
                Some(address) => address.send(Ping).await.is_ok(),
                None => false,
            }
        })
    }

    #[cfg(test)]
    fn crash(&self) -> BoxFuture<'static, ()> {
        let present = self.present.read().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            if let Some(address) = present {
                assert!(address.send(Crash).await.is_err());
            }
        })
    }
}

#[derive(Clone)]
struct Watch {
    deaths: mpsc::UnboundedSender<Arc<dyn Supervised>>,
    stopping: Arc<AtomicBool>,
}

impl Watch {
    fn report(&self, child: Arc<dyn Supervised>) {
        if !self.stopping.load(Ordering::SeqCst) {
            // The receiver is gone only when the process is stopping.
            let _ = self.deaths.send(child);
        }
    }
}

/// Starts, watches and restarts the essential actors of the process.
#[derive(Clone)]
pub struct Supervision {
    watch: Watch,
    children: Arc<RwLock<Vec<Arc<dyn Supervised>>>>,
}

impl fmt::Debug for Supervision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Supervision")
    }
}

impl Supervision {
    /// Starts watching, on the present actix system. `give_up` is told the name of an actor that keeps dying.
    #[must_use]
    pub fn start(policy: RestartPolicy, give_up: mpsc::Sender<&'static str>) -> Self {
        let (deaths, mut died) = mpsc::unbounded_channel::<Arc<dyn Supervised>>();
        let watch = Watch { deaths, stopping: Arc::default() };
        actix_rt::spawn(async move {
            while let Some(child) = died.recv().await {
                metrics::counter!("convened_actor_deaths_total", "actor" => child.name()).increment(1);
                match child.died(&policy) {
                    Some(wait) => {
                        tracing::error!(actor = child.name(), ?wait, "an actor died and is restarted");
                        actix_rt::spawn(async move {
                            tokio::time::sleep(wait).await;
                            child.start();
                        });
                    }
                    None => {
                        tracing::error!(actor = child.name(), "an actor keeps dying; giving up");
                        let _ = give_up.try_send(child.name());
                    }
                }
            }
        });
        Self { watch, children: Arc::default() }
    }

    /// Starts an essential actor on `arbiter` and keeps it alive by `factory`, which must be cheap and must take
    /// its state from the store.
    pub fn essential<A>(
        &self,
        name: &'static str,
        arbiter: &ArbiterHandle,
        factory: impl Fn() -> A + Send + Sync + 'static,
    ) -> Essential<A>
    where
        A: Supervisable,
    {
        let child = Arc::new(Child {
            name,
            arbiter: arbiter.clone(),
            factory: Box::new(factory),
            present: RwLock::default(),
            deaths: RwLock::default(),
            watch: self.watch.clone(),
        });
        Arc::clone(&child).start();
        self.children.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&child) as _);
        Essential(child)
    }

    /// The names of the essential actors that do not answer a ping within `limit`.
    pub async fn silent(&self, limit: Duration) -> Vec<&'static str> {
        let children = self.children.read().unwrap_or_else(PoisonError::into_inner).clone();
        let pings = children.iter().map(|child| async move {
            let answered = tokio::time::timeout(limit, child.ping()).await.unwrap_or(false);
            (!answered).then(|| child.name())
        });
        futures::future::join_all(pings).await.into_iter().flatten().collect()
    }

    /// The names of the essential actors.
    #[cfg(test)]
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let children = self.children.read().unwrap_or_else(PoisonError::into_inner);
        children.iter().map(|child| child.name()).collect()
    }

    /// Kills the actor of that name.
    #[cfg(test)]
    pub(crate) async fn crash(&self, name: &str) {
        let children = self.children.read().unwrap_or_else(PoisonError::into_inner).clone();
        for child in children.iter().filter(|child| child.name() == name) {
            child.crash().await;
        }
    }

    /// From now on a death is the end of a shutdown, not a fault.
    pub fn stopping(&self) {
        self.watch.stopping.store(true, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests;
