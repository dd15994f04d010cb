//! JanitorActor — puts away what is old, every night, and erases people who are to be forgotten.
//! Receives: CleanUp and Erase (DueActor, http).
//! Sends: nothing; it reads and writes the store, a batch at a time.
//! Stops when: the process does.
//! If it dies: the rows in `due_work` bring its work back; what was put away is, and the rest is found again.

mod erase;
mod sweep;

use std::collections::BTreeSet;
use std::sync::Arc;

use actix::prelude::*;
use chrono_tz::Tz;

pub use self::sweep::{Counts, clean, count, periods};
use super::engine::Engine;
use super::supervision::{Essential, supervised};
use crate::domain::retention::Periods;

/// What is old may be put away.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
struct CleanUp;

/// A person is to be erased, by the `ref` under which their history goes on.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
struct Erase(String);

/// The janitor as others see it.
#[derive(Debug, Clone)]
pub struct JanitorHandle {
    janitor: Essential<JanitorActor>,
    periods: Periods,
}

impl JanitorHandle {
    /// A handle on the actor that keeps these periods.
    #[must_use]
    pub fn new(janitor: Essential<JanitorActor>, periods: Periods) -> Self {
        Self { janitor, periods }
    }

    /// Asks it to put away what is old. Should that be lost (`false`), the row in `due_work` repeats it.
    pub fn clean_up(&self) -> bool {
        self.janitor.tell(CleanUp)
    }

    /// Asks it to erase a person. Should that be lost (`false`), the row in `due_work` repeats it.
    pub fn erase(&self, erased_ref: String) -> bool {
        self.janitor.tell(Erase(erased_ref))
    }

    /// How long what is kept.
    #[must_use]
    pub fn periods(&self) -> &Periods {
        &self.periods
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct JanitorActor {
    engine: Arc<Engine>,
    periods: Periods,
    /// Where the night is.
    zone: Tz,
    cleaning: bool,
    /// Those who are being erased.
    erasing: BTreeSet<String>,
}

impl JanitorActor {
    /// A janitor that keeps these periods and works at night in `zone`.
    #[must_use]
    pub fn new(engine: Arc<Engine>, periods: Periods, zone: Tz) -> Self {
        Self { engine, periods, zone, cleaning: false, erasing: BTreeSet::new() }
    }
}

impl Actor for JanitorActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let ask = sweep::ask_for_the_night(Arc::clone(&self.engine), self.zone);
        ctx.spawn(ask.into_actor(self).map(|asked, _, _| {
            if let Err(error) = asked {
                tracing::warn!(%error, "the night's work is not planned yet");
            }
        }));
    }
}

supervised!(JanitorActor);

impl Handler<CleanUp> for JanitorActor {
    type Result = ();

    fn handle(&mut self, _: CleanUp, ctx: &mut Self::Context) {
        if std::mem::replace(&mut self.cleaning, true) {
            return;
        }
        let night = sweep::night(Arc::clone(&self.engine), self.periods, self.zone);
        ctx.spawn(night.into_actor(self).map(|cleaned, actor, _| {
            actor.cleaning = false;
            if let Err(error) = cleaned {
                tracing::warn!(%error, "what is old could not be put away; it is tried again");
            }
        }));
    }
}

impl Handler<Erase> for JanitorActor {
    type Result = ();

    fn handle(&mut self, Erase(erased): Erase, ctx: &mut Self::Context) {
        if !self.erasing.insert(erased.clone()) {
            return;
        }
        let erase = erase::run(Arc::clone(&self.engine), erased.clone());
        ctx.spawn(erase.into_actor(self).map(move |outcome, actor, _| {
            actor.erasing.remove(&erased);
            if let Err(error) = outcome {
                tracing::warn!(%error, "a person could not be erased completely; it is tried again");
            }
        }));
    }
}
