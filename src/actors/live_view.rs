//! LiveViewActor — tells those who read along who is in a meeting, as it changes.
//! Receives: Changed (MeetingActor), Heard (the keeper of the shards).
//! Sends: moments to the readers of the stream; a note to the other processes, whose readers are told there.
//! Stops when: the process does.
//! If it dies: it is rebuilt; a moment that was lost is made good by the next, and nobody keeps moments.
//!
//! Unlike events, moments are not kept: they have no place in the stream, are never sent to other systems, and cost
//! nothing while nobody reads. A meeting has at most one in [`SPACING`], however many people come at once.

mod moment;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::{Semaphore, broadcast};

pub use self::moment::Moment;
use super::shards::{Note, Shards};
use super::store::Store;
use super::supervision::{Essential, supervised};
use crate::clock::SharedClock;
use crate::domain::rules::Rules;

/// The pause between two moments of one meeting, in real time. Somebody who comes right after a moment is in the
/// next one, which leaves half of the second that is promised for everything else.
const SPACING: Duration = Duration::from_millis(500);
/// Moments that a reader may be behind; what it misses is in the next one.
const MOMENTS_MAX: usize = 256;
/// Moments that are put together at once.
const AT_ONCE: usize = 4;
/// Meetings that are told of at a time; what is refused is told at its next change.
const MEETINGS_MAX: usize = 50_000;

/// Something was seen in a meeting of this process.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
struct Changed(String);

/// Another process saw something in a meeting of its own.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
struct Heard(String);

/// What every moment is made with.
#[derive(Debug, Clone)]
pub struct Studio {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: SharedClock,
    /// The house's rules; only who is who is taken from them.
    pub rules: Rules,
    /// The other processes.
    pub shards: Shards,
    moments: broadcast::Sender<Arc<Moment>>,
}

impl Studio {
    /// A studio without readers.
    #[must_use]
    pub fn new(store: Store, clock: SharedClock, rules: Rules, shards: Shards) -> Self {
        Self { store, clock, rules, shards, moments: broadcast::channel(MOMENTS_MAX).0 }
    }

    fn has_readers(&self) -> bool {
        self.moments.receiver_count() > 0
    }

    fn has_neighbours(&self) -> bool {
        self.shards.standing().is_some_and(|standing| standing.processes > 1)
    }

    /// Puts a moment together and hands it to the readers.
    async fn show(&self, meeting: String) {
        if !self.has_readers() {
            return;
        }
        let (rules, clock) = (self.rules.clone(), Arc::clone(&self.clock));
        let id = meeting.clone();
        match self.store.read(move |conn| moment::of_meeting(conn, &id, &rules, clock.now())).await {
            Ok(Some(moment)) => {
                metrics::counter!("convened_live_moments_total").increment(1);
                // Without readers there is nobody to miss it.
                let _ = self.moments.send(Arc::new(moment));
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(meeting.id = %meeting, %error, "readers are told of this later"),
        }
    }
}

/// The live view as others see it.
#[derive(Debug, Clone)]
pub struct LiveViews {
    actor: Essential<LiveViewActor>,
    studio: Studio,
}

impl LiveViews {
    /// A handle on the actor that works in this studio.
    #[must_use]
    pub fn new(actor: Essential<LiveViewActor>, studio: Studio) -> Self {
        Self { actor, studio }
    }

    /// Says that something was seen in a meeting. Costs nothing while nobody reads.
    pub(super) fn changed(&self, meeting: &str) {
        if self.studio.has_readers() || self.studio.has_neighbours() {
            self.actor.tell(Changed(meeting.to_owned()));
        }
    }

    /// Says that another process saw something.
    pub(super) fn heard(&self, meeting: String) {
        if self.studio.has_readers() {
            self.actor.tell(Heard(meeting));
        }
    }

    /// The moments from now on. Who falls behind misses some, never the newest.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Arc<Moment>> {
        self.studio.moments.subscribe()
    }
}

/// Who saw that a meeting changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    /// Another process: it told everybody.
    Another,
    /// This one: the others are to be told.
    Us,
}

/// Meetings whose moment is being made, or was made less than [`SPACING`] ago; and who saw them change since.
#[derive(Debug, Default)]
struct Resting(HashMap<String, Option<By>>);

impl Resting {
    /// Notes a change; whether it is to be told now.
    fn changed(&mut self, meeting: &str, by: By) -> bool {
        if let Some(since) = self.0.get_mut(meeting) {
            *since = (*since).max(Some(by));
            return false;
        }
        let has_room = self.0.len() < MEETINGS_MAX;
        if has_room {
            self.0.insert(meeting.to_owned(), None);
        }
        has_room
    }

    /// A meeting has rested; whose change is to be told now, if there was one.
    fn rested(&mut self, meeting: &str) -> Option<By> {
        let changed = self.0.get_mut(meeting).and_then(Option::take);
        if changed.is_none() {
            self.0.remove(meeting);
        }
        changed
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct LiveViewActor {
    studio: Studio,
    resting: Resting,
    permits: Arc<Semaphore>,
}

impl LiveViewActor {
    /// An actor that has told nothing.
    #[must_use]
    pub fn new(studio: Studio) -> Self {
        Self { studio, resting: Resting::default(), permits: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    fn show(&self, meeting: String) -> impl Future<Output = ()> + use<> {
        let (studio, permits) = (self.studio.clone(), Arc::clone(&self.permits));
        async move {
            let _permit = permits.acquire_owned().await;
            studio.show(meeting).await;
        }
    }

    fn tell(&self, meeting: String, by: By, ctx: &mut Context<Self>) {
        if by == By::Us && self.studio.has_neighbours() {
            self.studio.shards.say(Note::Live { meeting: meeting.clone() });
        }
        ctx.spawn(self.show(meeting.clone()).into_actor(self).map(move |(), _, ctx| {
            ctx.run_later(SPACING, move |actor, ctx| actor.rested(meeting, ctx));
        }));
    }

    fn rested(&mut self, meeting: String, ctx: &mut Context<Self>) {
        if let Some(by) = self.resting.rested(&meeting) {
            self.tell(meeting, by, ctx);
        }
    }
}

impl Actor for LiveViewActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1024);
    }
}

supervised!(LiveViewActor);

impl Handler<Changed> for LiveViewActor {
    type Result = ();

    fn handle(&mut self, Changed(meeting): Changed, ctx: &mut Self::Context) {
        if self.resting.changed(&meeting, By::Us) {
            self.tell(meeting, By::Us, ctx);
        }
    }
}

impl Handler<Heard> for LiveViewActor {
    type Result = ();

    fn handle(&mut self, Heard(meeting): Heard, ctx: &mut Self::Context) {
        if self.resting.changed(&meeting, By::Another) {
            self.tell(meeting, By::Another, ctx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_a_resting_meeting_are_one_and_ours_is_told_to_the_others() {
        let mut resting = Resting::default();
        assert!(resting.changed("m", By::Another));
        assert!(!resting.changed("m", By::Another) && !resting.changed("m", By::Us));
        assert!(!resting.changed("m", By::Another));
        assert_eq!(resting.rested("m"), Some(By::Us));
        assert!(!resting.changed("m", By::Another), "that moment is resting now");
        assert_eq!(resting.rested("m"), Some(By::Another));
        assert_eq!(resting.rested("m"), None);
        assert!(resting.changed("m", By::Us), "it is forgotten");
    }
}
