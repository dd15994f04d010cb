//! Shards come and go: what the registry does about their meetings.

use std::sync::Arc;

use actix::prelude::*;
use futures::future::join_all;
use tokio::sync::oneshot;

use super::MeetingRegistry;
use crate::actors::meeting::{Leave, MeetingActor};
use crate::domain::shard::{Shard, ShardSet};
use crate::store::inbox;

/// Shards have come.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct Gained;

/// Webhooks, by their ids, that are about meetings of this process.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Fetch(pub(super) Vec<i64>);

/// The shards are another process's, or soon will be.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct Disown(pub(super) ShardSet);

/// The shards are to go to another process.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Rest {
    pub(super) shards: ShardSet,
    /// Told when their meetings have ended here.
    pub(super) reply: oneshot::Sender<()>,
}

impl MeetingRegistry {
    /// Takes the meetings of the shards out of the book; what they have in hand comes to their new owner.
    fn evict(&mut self, shards: ShardSet) -> Vec<Addr<MeetingActor>> {
        self.in_hand.retain(|_, meeting| !shards.contains(Shard::of(meeting)));
        self.book().evict(shards)
    }
}

impl Handler<Gained> for MeetingRegistry {
    type Result = ();

    fn handle(&mut self, _: Gained, ctx: &mut Self::Context) {
        self.searched_to = 0;
        self.catch_up(ctx);
    }
}

impl Handler<Fetch> for MeetingRegistry {
    type Result = ();

    fn handle(&mut self, fetch: Fetch, ctx: &mut Self::Context) {
        let engine = Arc::clone(&self.engine);
        let read = async move { engine.store.read(move |conn| inbox::still_pending(conn, &fetch.0)).await };
        ctx.spawn(read.into_actor(self).map(|found, registry, ctx| match found {
            Ok(events) => registry.accept(events, ctx),
            Err(error) => tracing::warn!(%error, "webhooks that another process took stay in the inbox"),
        }));
    }
}

impl Handler<Disown> for MeetingRegistry {
    type Result = ();

    fn handle(&mut self, disown: Disown, _: &mut Self::Context) {
        for meeting in self.evict(disown.0) {
            // A full mailbox: it ends at its next step, for want of a fence.
            let _ = meeting.try_send(Leave::AtOnce);
        }
    }
}

impl Handler<Rest> for MeetingRegistry {
    type Result = ();

    fn handle(&mut self, wanted: Rest, _: &mut Self::Context) {
        let leaving: Vec<_> = self
            .evict(wanted.shards)
            .into_iter()
            .filter_map(|meeting| {
                let (reply, rest) = oneshot::channel();
                meeting.try_send(Leave::AtRest(reply)).is_ok().then_some(rest)
            })
            .collect();
        // A task of its own: the registry has others to serve meanwhile.
        actix_rt::spawn(async move {
            join_all(leaving).await;
            // Whoever stopped waiting gives the shards up without it.
            let _ = wanted.reply.send(());
        });
    }
}
