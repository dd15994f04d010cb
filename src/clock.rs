//! Time as a service: everything that asks "what time is it" asks a [`Clock`].
//!
//! Production uses [`SystemClock`]; the demo and rehearsals run on a [`ScaledClock`], where a school day
//! passes in a minute; tests turn a [`ManualClock`] by hand. All times are UTC, cut to milliseconds, because
//! that is what both databases keep exactly.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};

/// An instant in UTC.
pub type Instant = DateTime<Utc>;

/// A shared clock, handed to whoever needs the time.
pub type SharedClock = Arc<dyn Clock>;

/// Where the time comes from.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present, cut to milliseconds.
    fn now(&self) -> Instant;

    /// How long to wait in real time until `span` has passed on this clock.
    fn real(&self, span: Duration) -> Duration {
        span
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Instant {
        Utc::now().trunc_subsecs(3)
    }
}

/// A clock that runs `speed` times as fast as the machine's since `origin`.
///
/// Two processes with the same origin and speed agree on the time, which is how the demo's daemon and its
/// sandbox share an afternoon that lasts twenty seconds.
#[derive(Debug, Clone, Copy)]
pub struct ScaledClock {
    origin: Instant,
    speed: f64,
}

impl ScaledClock {
    /// A clock that showed `origin` at the real instant `origin` and gains `speed` seconds a second since.
    #[must_use]
    pub fn new(origin: Instant, speed: f64) -> Self {
        Self { origin, speed: speed.max(1.0) }
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> Instant {
        let elapsed = SystemClock.now() - self.origin;
        let scaled = (elapsed.num_milliseconds() as f64 * self.speed) as i64;
        self.origin + chrono::Duration::milliseconds(scaled)
    }

    fn real(&self, span: Duration) -> Duration {
        span.div_f64(self.speed)
    }
}

/// A clock that stands still until it is moved; for tests.
#[derive(Debug)]
pub struct ManualClock {
    millis: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `at`.
    #[must_use]
    pub fn at(at: Instant) -> Self {
        Self { millis: AtomicI64::new(at.timestamp_millis()) }
    }

    /// Moves the clock forward by `span`.
    pub fn advance(&self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.millis.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        DateTime::from_timestamp_millis(self.millis.load(Ordering::SeqCst)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_clock_runs_ahead_and_waits_less() {
        let origin = SystemClock.now() - chrono::Duration::seconds(10);
        let clock = ScaledClock::new(origin, 100.0);
        assert!(clock.now() - origin >= chrono::Duration::seconds(1000));
        assert_eq!(clock.real(Duration::from_secs(100)), Duration::from_secs(1));
    }

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let clock = ManualClock::at(DateTime::default());
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now().timestamp(), 90);
        assert_eq!(clock.now().timestamp(), 90);
    }
}
