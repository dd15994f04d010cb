//! An answer that is given later, and that knows whether anybody still waits for it.
//!
//! actix's own futures go on when the caller has gone. Here the caller's end of the channel is kept with the
//! call, so that a call nobody waits for is never sent.

use std::cell::RefCell;
use std::rc::Rc;

use actix::dev::{MessageResponse, OneshotSender};
use actix::prelude::*;

use super::{CallZoom, ZoomApiActor};
use crate::zoom::{ZoomError, ZoomReply};

/// What a caller gets.
pub(super) type Outcome = Result<ZoomReply, ZoomError>;

enum State {
    /// The handler has not returned yet, or the caller never wanted an answer.
    Nobody,
    Caller(OneshotSender<Outcome>),
    /// Answered before the handler returned.
    Early(Box<Outcome>),
}

/// The end that answers.
pub(super) struct Reply(Rc<RefCell<State>>);

/// The end that goes back to actix; it brings the caller.
pub struct Pending(Rc<RefCell<State>>);

impl std::fmt::Debug for Pending {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Pending")
    }
}

/// Both ends of one answer.
pub(super) fn reply() -> (Reply, Pending) {
    let state = Rc::new(RefCell::new(State::Nobody));
    (Reply(Rc::clone(&state)), Pending(state))
}

impl Reply {
    /// Answers.
    pub(super) fn answer(self, outcome: Outcome) {
        match self.0.replace(State::Nobody) {
            // A caller who left just now needs no answer.
            State::Caller(caller) => drop(caller.send(outcome)),
            State::Nobody | State::Early(_) => drop(self.0.replace(State::Early(Box::new(outcome)))),
        }
    }

    /// Whether the caller has gone.
    pub(super) fn is_abandoned(&self) -> bool {
        matches!(&*self.0.borrow(), State::Caller(caller) if caller.is_closed())
    }
}

impl MessageResponse<ZoomApiActor, CallZoom> for Pending {
    fn handle(self, _: &mut Context<ZoomApiActor>, caller: Option<OneshotSender<Outcome>>) {
        let Some(caller) = caller else { return };
        match self.0.replace(State::Nobody) {
            State::Early(outcome) => drop(caller.send(*outcome)),
            State::Nobody | State::Caller(_) => drop(self.0.replace(State::Caller(caller))),
        }
    }
}
