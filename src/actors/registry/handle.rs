//! The registry as others see it: whichever process they ask, the one that has the meeting acts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::parting::{Disown, Fetch, Gained, Rest};
use super::{AwaitMeeting, EventsStored, MeetingRegistry, QuiesceAll, WakeMeeting};
use crate::actors::engine::Engine;
use crate::actors::inbox::EventSink;
use crate::actors::meeting::AwaitSynced;
use crate::actors::shards::Note;
use crate::actors::supervision::Essential;
use crate::domain::shard::ShardSet;
use crate::store::inbox::InboxEvent;
use crate::store::{look, meeting};

/// How often the row of another process's meeting is looked at while somebody waits for it.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The registry as others see it.
#[derive(Debug, Clone)]
pub struct RegistryHandle {
    registry: Essential<MeetingRegistry>,
    engine: Arc<Engine>,
}

impl RegistryHandle {
    /// A handle on the registry.
    #[must_use]
    pub fn new(registry: Essential<MeetingRegistry>, engine: Arc<Engine>) -> Self {
        Self { registry, engine }
    }

    /// Says that a booking changed. Call it after the commit; should it be lost (`false`), or should the way to Zoom
    /// be full, the row in `due_work` repeats it in its turn.
    pub fn wake(&self, meeting_id: &str) -> bool {
        if self.engine.shards.owns(meeting_id) {
            return self.wake_here(meeting_id, false);
        }
        self.engine.shards.say(Note::Wake { meeting: meeting_id.to_owned(), hurry: false });
        true
    }

    /// As [`RegistryHandle::wake`], for a meeting that is known to be this process's.
    pub(in crate::actors) fn wake_here(&self, meeting_id: &str, interactive: bool) -> bool {
        let door = self.engine.zoom.door();
        let place = door.place();
        // People do not wait for a place; and while Zoom cannot be called the meeting only notes why it waits.
        let may_go = interactive || place.is_some() || door.outage().is_some();
        may_go && self.registry.tell(WakeMeeting { id: meeting_id.to_owned(), interactive, place })
    }

    /// Lets the meetings finish what they are at and start nothing more; answers when all of them rest.
    pub async fn quiesce(&self) {
        // A registry that is gone has nobody at work that it could ask.
        let _ = self.registry.ask(QuiesceAll).await;
    }

    /// Waits until Zoom agrees with `generation` of the booking; `false` when it does not within `limit`.
    pub async fn await_synced(&self, meeting_id: &str, generation: i64, limit: Duration) -> bool {
        self.wait(meeting_id, generation, false, limit).await
    }

    /// As [`RegistryHandle::await_synced`], of a look at Zoom that begins from now on.
    pub async fn await_synced_anew(&self, meeting_id: &str, generation: i64, limit: Duration) -> bool {
        self.wait(meeting_id, generation, true, limit).await
    }

    async fn wait(&self, meeting_id: &str, generation: i64, anew: bool, limit: Duration) -> bool {
        let wait = async {
            if self.engine.shards.owns(meeting_id) {
                let (reply, answer) = oneshot::channel();
                let waiter = AwaitSynced { generation, anew, reply };
                let told = self.registry.tell(AwaitMeeting { id: meeting_id.to_owned(), waiter });
                let agrees = told && answer.await.is_ok();
                // A meeting that went to another process in between is waited for there.
                if agrees || self.engine.shards.owns(meeting_id) {
                    return agrees;
                }
            }
            self.await_elsewhere(meeting_id, generation, anew).await
        };
        tokio::time::timeout(limit, wait).await.unwrap_or(false)
    }

    /// Asks whoever has the meeting to hurry, and looks at its rows until Zoom agrees.
    async fn await_elsewhere(&self, meeting_id: &str, generation: i64, anew: bool) -> bool {
        self.engine.shards.say(Note::Wake { meeting: meeting_id.to_owned(), hurry: true });
        loop {
            let id = meeting_id.to_owned();
            let state = self.engine.store.read(move |conn| {
                let served = !anew || look::unserved(conn, std::slice::from_ref(&id))? == 0;
                Ok(meeting::synced_generation(conn, &id)?.map(|synced| (synced, served)))
            });
            match state.await {
                Ok(Some((synced, true))) if synced >= generation => return true,
                Ok(Some(_)) => tokio::time::sleep(LOOK_EVERY).await,
                Ok(None) | Err(_) => return false,
            }
        }
    }

    /// Shards have come: there may be webhooks about their meetings.
    pub(in crate::actors) fn gained(&self) {
        // Lost: the inbox is searched every other second anyway.
        self.registry.tell(Gained);
    }

    /// Webhooks that another process took are about meetings of this one.
    pub(in crate::actors) fn fetch(&self, events: Vec<i64>) {
        // Lost: they are found when the inbox is searched.
        self.registry.tell(Fetch(events));
    }

    /// The shards are another process's: their meetings end here at once.
    pub(in crate::actors) fn disown(&self, shards: ShardSet) {
        // Lost: nothing starts without a fence, and what runs is refused when it writes.
        self.registry.tell(Disown(shards));
    }

    /// Lets the meetings of the shards finish what they are at, and end. The answer comes when all have, or with an
    /// error when the registry could not be told.
    pub(in crate::actors) fn rest(&self, shards: ShardSet) -> oneshot::Receiver<()> {
        let (reply, rest) = oneshot::channel();
        self.registry.tell(Rest { shards, reply });
        rest
    }
}

/// The inbox hands over what it stored. What the mailbox refuses stays pending in the inbox and is found there.
impl EventSink for RegistryHandle {
    fn stored(&self, events: Vec<InboxEvent>) {
        self.registry.tell(EventsStored(events));
    }
}

#[cfg(test)]
impl RegistryHandle {
    /// Kills the actor of a meeting.
    pub(crate) async fn crash_meeting(&self, meeting_id: &str) {
        let _ = self.registry.ask(super::CrashMeeting(meeting_id.to_owned())).await;
    }
}
