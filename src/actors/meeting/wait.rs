//! What brings a meeting back to its sync loop: the time, or a door that opens.

use std::time::Duration;

use actix::prelude::*;

use super::{MeetingActor, Wake};

/// Waits up to this are kept in the actor; longer ones are left to the clock.
const WAIT_IN_MEMORY_MAX: Duration = Duration::from_secs(60);

impl MeetingActor {
    pub(super) fn wait_until(&mut self, at: crate::clock::Instant, ctx: &mut Context<Self>) {
        let span = (at - self.engine.clock.now()).to_std().unwrap_or_default();
        let wait = self.engine.clock.real(span);
        if wait <= WAIT_IN_MEMORY_MAX {
            let later = |actor: &mut Self, ctx: &mut Context<Self>| {
                actor.wait = None;
                let door = actor.engine.zoom.door();
                let (place, shut) = (door.place(), door.outage().is_some());
                // With no place to be had, the row that is due by now brings it back in its turn.
                if place.is_some() || shut || !actor.waiters.is_empty() {
                    actor.sync(Wake { interactive: false, place }, ctx);
                }
            };
            self.wait = Some(ctx.run_later(wait, later));
        }
    }

    /// Somebody waits for this meeting: it goes on as soon as Zoom can be called, before what only waits in line.
    pub(super) fn wait_for_the_door(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.at_the_door, true) {
            return;
        }
        let door = self.engine.zoom.door().clone();
        let opened = async move { door.opened().await };
        ctx.spawn(opened.into_actor(self).map(|(), actor, ctx| {
            actor.at_the_door = false;
            if actor.waiters.iter().any(|waiter| !waiter.asked.reply.is_closed()) {
                actor.sync(Wake { interactive: true, place: None }, ctx);
            }
        }));
    }
}
