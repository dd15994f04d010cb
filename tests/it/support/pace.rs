//! A clock whose speed can be changed once: slow while a test makes ready, fast while life passes.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use convened::clock::{Clock, Instant, ScaledClock, SystemClock};

/// The clock that a rig shares with its Zoom account and its daemon.
#[derive(Debug)]
pub(crate) struct Pace(RwLock<Setting>);

/// What a daemon's configuration has to say to run on the same clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) origin: Instant,
    pub(crate) speed: f64,
}

impl Pace {
    /// A clock that gains `speed` seconds a second from now on.
    pub(crate) fn new(speed: f64) -> Self {
        Self(RwLock::new(Setting { origin: SystemClock.now(), speed }))
    }

    pub(crate) fn setting(&self) -> Setting {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs at `speed` from now on. Until now it ran as fast as life, or the time would leap.
    pub(crate) fn turn_to(&self, speed: f64) {
        assert!(self.setting().speed <= 1.0, "only a clock at the speed of life can be turned up");
        *self.0.write().unwrap_or_else(PoisonError::into_inner) =
            Setting { origin: SystemClock.now(), speed };
    }

    /// The present.
    pub(crate) fn now(&self) -> Instant {
        self.clock().now()
    }

    fn clock(&self) -> ScaledClock {
        let Setting { origin, speed } = self.setting();
        ScaledClock::new(origin, speed)
    }
}

impl Clock for Pace {
    fn now(&self) -> Instant {
        Self::now(self)
    }

    fn real(&self, span: Duration) -> Duration {
        self.clock().real(span)
    }
}
