//! A moment on both clocks of the machine.
//!
//! The steady one is never set, but on Linux it stands still while the machine is suspended; the wall clock goes on,
//! but may be set. What either of them says is over is over: at worst a lease ends early and is confirmed anew within
//! a second.

use std::time::{Duration, Instant, SystemTime};

/// See the head of this file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    steady: Instant,
    wall: SystemTime,
}

impl Moment {
    /// The present.
    pub(super) fn now() -> Self {
        Self { steady: Instant::now(), wall: SystemTime::now() }
    }

    /// So much later.
    pub(super) fn after(self, span: Duration) -> Self {
        Self { steady: self.steady + span, wall: self.wall + span }
    }

    /// Whether either clock has come to it.
    pub(super) fn has_passed(self) -> bool {
        Instant::now() >= self.steady || SystemTime::now() >= self.wall
    }
}

#[cfg(test)]
impl Moment {
    /// So much earlier.
    pub(super) fn before(self, span: Duration) -> Self {
        Self {
            steady: self.steady.checked_sub(span).expect("the machine has run that long"),
            ..self.slept(span)
        }
    }

    /// As it looks when the machine has been suspended for so long since.
    pub(super) fn slept(self, span: Duration) -> Self {
        Self { wall: self.wall - span, ..self }
    }
}
