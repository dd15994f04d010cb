//! RegistrationActor — registers people for meetings at Zoom, so that each has a personal link.
//! Receives: Register (DueActor): the id of a meeting whose registrations may not be as they should.
//! Sends: calls to ZoomApiActor, writes to the store.
//! Stops when: the process does.
//! If it dies: the rows in `due_work` bring its meetings back; what was asked of Zoom is a row, and is looked up.
//!
//! One meeting is worked on once at a time; several meetings side by side.

mod perform;
mod run;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use actix::prelude::*;

use super::engine::Engine;
use super::supervision::{Essential, supervised};

/// Meetings at work at once; each is mostly waiting for Zoom, whose batches are among the slowest calls.
const MEETINGS_AT_ONCE: usize = 16;
/// Meetings in line; what is refused is still due in the store.
const MEETINGS_IN_LINE_MAX: usize = 10_000;

/// Brings the registrations of the meeting with this id in line with its roster.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Register(String);

#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Finished(String);

/// The actor as others see it.
#[derive(Debug, Clone)]
pub struct RegistrationHandle(Essential<RegistrationActor>);

impl RegistrationHandle {
    /// A handle on the actor.
    #[must_use]
    pub fn new(registration: Essential<RegistrationActor>) -> Self {
        Self(registration)
    }

    /// Asks for a meeting's turn. Should that be lost (`false`), the row in `due_work` repeats it.
    pub fn register(&self, meeting_id: String) -> bool {
        self.0.tell(Register(meeting_id))
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct RegistrationActor {
    engine: Arc<Engine>,
    line: VecDeque<String>,
    waiting: HashSet<String>,
    running: HashSet<String>,
}

impl RegistrationActor {
    /// An actor without work.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine, line: VecDeque::new(), waiting: HashSet::new(), running: HashSet::new() }
    }

    /// Starts what may start. A meeting that is at work already waits for the end of that, so that its next turn sees
    /// what is new.
    fn start_next(&mut self, ctx: &mut Context<Self>) {
        let mut put_back = Vec::new();
        while self.running.len() < MEETINGS_AT_ONCE {
            let Some(meeting) = self.line.pop_front() else { break };
            if self.running.contains(&meeting) {
                put_back.push(meeting);
                continue;
            }
            self.waiting.remove(&meeting);
            self.running.insert(meeting.clone());
            let (engine, id) = (Arc::clone(&self.engine), meeting.clone());
            // A task of its own: a panic over one meeting ends the work on that meeting alone.
            let work = actix_rt::spawn(async move {
                if let Err(error) = run::run(&engine, &id).await {
                    tracing::warn!(meeting.id = %id, %error, "registrations failed; they come back when they are due");
                }
            });
            let address = ctx.address();
            let finish = async move {
                if work.await.is_err() {
                    tracing::error!(meeting.id = %meeting, "registrations panicked; they come back when they are due");
                }
                address.send(Finished(meeting)).await
            };
            ctx.spawn(finish.into_actor(self).map(|_, _, _| ()));
        }
        self.line.extend(put_back);
    }
}

impl Actor for RegistrationActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1024);
    }
}

supervised!(RegistrationActor);

impl Handler<Register> for RegistrationActor {
    type Result = ();

    fn handle(&mut self, register: Register, ctx: &mut Self::Context) {
        let Register(meeting) = register;
        if self.line.len() < MEETINGS_IN_LINE_MAX && self.waiting.insert(meeting.clone()) {
            self.line.push_back(meeting);
        }
        self.start_next(ctx);
    }
}

impl Handler<Finished> for RegistrationActor {
    type Result = ();

    fn handle(&mut self, finished: Finished, ctx: &mut Self::Context) {
        self.running.remove(&finished.0);
        self.start_next(ctx);
    }
}
