//! MeetingRegistry — the address book of the meetings: finds or rebuilds a meeting's actor and brings it its mail.
//! Receives: WakeMeeting (http, DueActor), AwaitMeeting (http), EventsStored (InboxActor), MeetingExited (a lifeline);
//! from the keeper of the shards what came, what goes, and what other processes say.
//! Sends: Wake, AwaitSynced, ApplyEvents, Leave to MeetingActor; writes to the inbox for events that nobody owns; what
//! concerns another process's meetings goes there.
//! Stops when: the process does.
//! If it dies: it is rebuilt with the same address book; events in its hands are pending in the inbox and come again.

mod book;
mod handle;
mod own;
mod parting;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::oneshot;

pub use self::book::SharedBook;
use self::book::{AddressBook, Burial};
pub use self::handle::RegistryHandle;
use self::own::own;
use super::door::Place;
use super::engine::Engine;
use super::meeting::{ApplyEvents, AwaitSynced, MAILBOX, MeetingActor, Neighbours, Quiesce, Wake};
use super::shards::Note;
use super::supervision::{Lifeline, supervised};
use crate::domain::shard::Shard;
use crate::store::inbox::{self, InboxEvent};
use crate::store::meeting;

/// Events handed out and not done with; more stay in the inbox until there is room.
const EVENTS_IN_HAND_MAX: usize = 20_000;
/// How often the inbox is searched for events that were left behind.
const CATCH_UP_EVERY: Duration = Duration::from_secs(2);
/// Events fetched from the inbox in one go.
const CATCH_UP_BATCH: i64 = 2_000;
/// Remembered Zoom numbers; beyond that the memory starts anew.
const NUMBERS_MAX: usize = 100_000;
/// Brings a meeting in line with its booking, now.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct WakeMeeting {
    id: String,
    /// Somebody is waiting for it.
    interactive: bool,
    /// Its place on the way to Zoom; none while nothing can be done there.
    place: Option<Place>,
}

/// Answers when Zoom agrees with a generation of a meeting's booking.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct AwaitMeeting {
    id: String,
    waiter: AwaitSynced,
}

/// Webhooks that are durable and want to be applied.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct EventsStored(Vec<InboxEvent>);

#[derive(Debug, Message)]
#[rtype(result = "()")]
struct QuiesceAll;

#[derive(Debug, Message)]
#[rtype(result = "()")]
struct EventsDone(Vec<i64>);

#[derive(Debug, Message)]
#[rtype(result = "()")]
struct MeetingExited {
    id: String,
    generation: u64,
    /// It had nothing to do any more and went.
    idle: bool,
}

/// See the head of this file.
pub struct MeetingRegistry {
    engine: Arc<Engine>,
    book: SharedBook,
    score: Arc<dyn Fn(String) + Send + Sync>,
    /// Zoom numbers that are known to be ours: number to meeting id.
    numbers: HashMap<String, String>,
    /// Events handed to meetings and not done with, by meeting.
    in_hand: HashMap<i64, String>,
    /// Where the search of the inbox goes on.
    searched_to: i64,
    searching: bool,
}

impl std::fmt::Debug for MeetingRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeetingRegistry").field("in_hand", &self.in_hand.len()).finish_non_exhaustive()
    }
}

impl MeetingRegistry {
    /// A registry over `book`. `score` is told which bookings want scoring.
    #[must_use]
    pub fn new(engine: Arc<Engine>, book: SharedBook, score: Arc<dyn Fn(String) + Send + Sync>) -> Self {
        Self {
            engine,
            book,
            score,
            numbers: HashMap::new(),
            in_hand: HashMap::new(),
            searched_to: 0,
            searching: false,
        }
    }

    fn book(&self) -> MutexGuard<'_, AddressBook> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The meeting's actor, made if need be; `None` while it recovers from a death, and for another process's.
    fn find(&self, id: &str, ctx: &Context<Self>) -> Option<Addr<MeetingActor>> {
        if !self.engine.shards.owns(id) {
            return None;
        }
        self.book().find(id, |generation| self.spawn(id, generation, ctx))
    }

    fn spawn(&self, id: &str, generation: u64, ctx: &Context<Self>) -> Addr<MeetingActor> {
        let (registry, meeting_id) = (ctx.address().recipient(), id.to_owned());
        let leaving = Arc::new(AtomicBool::new(false));
        let lifeline = Lifeline::new({
            let leaving = Arc::clone(&leaving);
            move || {
                let idle = leaving.load(Ordering::SeqCst);
                exited(&registry, MeetingExited { id: meeting_id, generation, idle });
            }
        });
        let registry = ctx.address();
        let neighbours = Neighbours {
            events_done: Arc::new(move |ids| {
                // Lost only when the registry is: its successor starts with empty hands.
                let _ = registry.try_send(EventsDone(ids));
            }),
            score: Arc::clone(&self.score),
        };
        let actor = MeetingActor::new(id.to_owned(), Arc::clone(&self.engine), neighbours, leaving);
        MeetingActor::create(|ctx| {
            ctx.set_mailbox_capacity(MAILBOX);
            lifeline.tie(ctx);
            actor
        })
    }

    /// Hands events to their meetings; the process that has the meeting's shard is told of the others.
    fn deliver(&mut self, events: Vec<InboxEvent>, ctx: &mut Context<Self>) {
        let mut by_meeting: HashMap<String, Vec<InboxEvent>> = HashMap::new();
        for stored in events {
            let number = stored.zoom_meeting_id.as_ref();
            if let Some(id) = number.and_then(|number| self.numbers.get(number)).cloned() {
                if !self.engine.shards.owns(&id) {
                    self.engine.shards.say(Note::Event { shard: Shard::of(&id), id: stored.id });
                    continue;
                }
                self.in_hand.insert(stored.id, id.clone());
                by_meeting.entry(id).or_default().push(stored);
            }
        }
        for (id, events) in by_meeting {
            let ids: Vec<i64> = events.iter().map(|stored| stored.id).collect();
            let delivered =
                self.find(&id, ctx).is_some_and(|address| address.try_send(ApplyEvents(events)).is_ok());
            if !delivered {
                self.release(&ids);
            }
        }
    }

    fn release(&mut self, ids: &[i64]) {
        for id in ids {
            self.in_hand.remove(id);
        }
    }

    /// Takes in events: those about known meetings go out at once, for the others the store is asked.
    fn accept(&mut self, mut events: Vec<InboxEvent>, ctx: &mut Context<Self>) {
        let room = EVENTS_IN_HAND_MAX.saturating_sub(self.in_hand.len());
        events.retain(|stored| !self.in_hand.contains_key(&stored.id));
        events.truncate(room);
        let is_known = |stored: &InboxEvent| {
            stored.zoom_meeting_id.as_ref().is_some_and(|number| self.numbers.contains_key(number))
        };
        let (known, unknown): (Vec<_>, Vec<_>) = events.into_iter().partition(is_known);
        self.deliver(known, ctx);
        if unknown.is_empty() {
            return;
        }
        let engine = Arc::clone(&self.engine);
        let asked = async move { own(&engine, unknown).await };
        ctx.spawn(asked.into_actor(self).map(|owned, registry, ctx| match owned {
            Ok((numbers, events)) => {
                if registry.numbers.len() + numbers.len() > NUMBERS_MAX {
                    registry.numbers.clear();
                }
                registry.numbers.extend(numbers);
                registry.deliver(events, ctx);
            }
            Err(error) => tracing::warn!(%error, "webhooks could not be assigned; they stay in the inbox"),
        }));
    }

    /// Searches the inbox for events that were left behind: by a crash, a full mailbox, or a failed write.
    fn catch_up(&mut self, ctx: &mut Context<Self>) {
        if self.searching || self.in_hand.len() > EVENTS_IN_HAND_MAX / 2 {
            return;
        }
        self.searching = true;
        let (engine, after) = (Arc::clone(&self.engine), self.searched_to);
        let mine = engine.shards.mine();
        let search = async move {
            engine.store.read(move |conn| inbox::pending(conn, mine, after, CATCH_UP_BATCH)).await
        };
        ctx.spawn(search.into_actor(self).map(|found, registry, ctx| {
            registry.searching = false;
            match found {
                Ok(events) => {
                    registry.searched_to = events.last().map_or(0, |stored| stored.id);
                    if !events.is_empty() {
                        registry.accept(events, ctx);
                        ctx.run_later(Duration::from_millis(10), Self::catch_up);
                    }
                }
                Err(error) => tracing::warn!(%error, "the inbox cannot be read"),
            }
        }));
    }

    fn bury(&mut self, exited: MeetingExited, ctx: &mut Context<Self>) {
        self.in_hand.retain(|_, meeting| *meeting != exited.id);
        let burial = self.book().bury(&exited.id, exited.generation, exited.idle);
        let id = exited.id;
        match burial {
            Burial::Nothing => {}
            Burial::RebuildAfter(wait) => {
                metrics::counter!("convened_meeting_actor_deaths_total").increment(1);
                tracing::error!(meeting.id = %id, ?wait, "a meeting's actor died and is rebuilt");
                ctx.run_later(wait, move |registry, ctx| {
                    let place = registry.engine.zoom.door().place();
                    registry.wake(&id, Wake { interactive: false, place }, ctx);
                });
            }
            Burial::Quarantine => self.quarantine(id, ctx),
        }
    }

    /// A meeting whose actor keeps dying is parked, visibly; its webhooks stay in the inbox.
    fn quarantine(&self, id: String, ctx: &mut Context<Self>) {
        tracing::error!(meeting.id = %id, "a meeting's actor keeps dying; the meeting is quarantined");
        let (engine, parked) = (Arc::clone(&self.engine), id.clone());
        let park = async move { engine.store.write(move |conn| meeting::quarantine(conn, &parked)).await };
        ctx.spawn(park.into_actor(self).map(move |outcome, _, _| {
            if let Err(error) = outcome {
                tracing::error!(meeting.id = %id, %error, "the quarantine could not be written down");
            }
        }));
    }

    fn wake(&self, id: &str, wake: Wake, ctx: &Context<Self>) {
        if let Some(address) = self.find(id, ctx) {
            // A full mailbox holds a wake-up already.
            let _ = address.try_send(wake);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a death notice must arrive, also in a full mailbox")]
fn exited(registry: &Recipient<MeetingExited>, notice: MeetingExited) {
    registry.do_send(notice);
}

impl Actor for MeetingRegistry {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(4096);
        ctx.run_later(Duration::ZERO, Self::catch_up);
        ctx.run_interval(CATCH_UP_EVERY, Self::catch_up);
    }
}

supervised!(MeetingRegistry);

impl Handler<WakeMeeting> for MeetingRegistry {
    type Result = ();

    fn handle(&mut self, wake: WakeMeeting, ctx: &mut Self::Context) {
        let WakeMeeting { id, interactive, place } = wake;
        self.wake(&id, Wake { interactive, place }, ctx);
    }
}

impl Handler<AwaitMeeting> for MeetingRegistry {
    type Result = ();

    fn handle(&mut self, wanted: AwaitMeeting, ctx: &mut Self::Context) {
        if let Some(address) = self.find(&wanted.id, ctx) {
            // Refused: the waiter's channel closes, and the caller gets its 202.
            let _ = address.try_send(wanted.waiter);
        }
    }
}

impl Handler<EventsStored> for MeetingRegistry {
    type Result = ();

    fn handle(&mut self, stored: EventsStored, ctx: &mut Self::Context) {
        self.accept(stored.0, ctx);
    }
}

impl Handler<QuiesceAll> for MeetingRegistry {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: QuiesceAll, _: &mut Self::Context) -> Self::Result {
        let meetings = self.book().all();
        Box::pin(async move {
            let rests = meetings.into_iter().filter_map(|meeting| {
                let (reply, rest) = oneshot::channel();
                meeting.try_send(Quiesce(reply)).is_ok().then_some(rest)
            });
            futures::future::join_all(rests).await;
        })
    }
}

impl Handler<EventsDone> for MeetingRegistry {
    type Result = ();

    fn handle(&mut self, done: EventsDone, _: &mut Self::Context) {
        self.release(&done.0);
    }
}

impl Handler<MeetingExited> for MeetingRegistry {
    type Result = ();

    fn handle(&mut self, exited: MeetingExited, ctx: &mut Self::Context) {
        self.bury(exited, ctx);
    }
}

#[cfg(test)]
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct CrashMeeting(String);

#[cfg(test)]
impl Handler<CrashMeeting> for MeetingRegistry {
    type Result = ();

    fn handle(&mut self, crash: CrashMeeting, ctx: &mut Self::Context) {
        let address = self.find(&crash.0, ctx).expect("the meeting's actor lives");
        address.try_send(super::supervision::Crash).expect("there is room in its mailbox");
    }
}
