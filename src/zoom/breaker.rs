//! A circuit breaker: when Zoom keeps failing, it is left alone for a while, then tried with a single call.
//!
//! Pure; the time is an argument, the daemon's clock.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// When the breaker opens and for how long.
#[derive(Debug, Clone, Copy)]
pub struct BreakerPolicy {
    /// So many failures in a row open it.
    pub failures: u32,
    /// How long it stays open at first; it doubles with each trial that fails.
    pub rest: Duration,
    /// The longest it stays open.
    pub rest_max: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { failures: 5, rest: Duration::from_secs(2), rest_max: Duration::from_secs(60) }
    }
}

/// Whether calls may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// All of them.
    Open,
    /// One, to see.
    Trial,
    /// None until the trial has ended.
    OnTrial,
    /// None for so long.
    Shut(Duration),
}

/// The breaker of one account.
#[derive(Debug)]
pub struct Breaker {
    policy: BreakerPolicy,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Working { failures: u32 },
    Resting { until: DateTime<Utc>, rest: Duration },
    Trying { rest: Duration },
}

impl Breaker {
    /// A breaker that lets everything pass.
    #[must_use]
    pub fn new(policy: BreakerPolicy) -> Self {
        Self { policy, state: State::Working { failures: 0 } }
    }

    /// Whether calls may pass now.
    #[must_use]
    pub fn gate(&self, now: DateTime<Utc>) -> Gate {
        match self.state {
            State::Working { .. } => Gate::Open,
            State::Trying { .. } => Gate::OnTrial,
            State::Resting { until, .. } => match (until - now).to_std() {
                Ok(left) if !left.is_zero() => Gate::Shut(left),
                _ => Gate::Trial,
            },
        }
    }

    /// A trial leaves.
    pub fn try_once(&mut self) {
        if let State::Resting { rest, .. } = self.state {
            self.state = State::Trying { rest };
        }
    }

    /// Zoom answered, whatever it said.
    pub fn answered(&mut self) {
        self.state = State::Working { failures: 0 };
    }

    /// Zoom did not answer, or with a failure of its own.
    pub fn failed(&mut self, now: DateTime<Utc>) {
        match self.state {
            State::Working { failures } if failures + 1 < self.policy.failures => {
                self.state = State::Working { failures: failures + 1 };
            }
            State::Working { .. } => self.rest(self.policy.rest, now),
            State::Trying { rest } => self.rest((rest * 2).min(self.policy.rest_max), now),
            // Calls that were under way when it opened.
            State::Resting { .. } => {}
        }
    }

    /// Opens it at once: there is no token, so no call can succeed.
    pub fn trip(&mut self, now: DateTime<Utc>) {
        match self.state {
            State::Working { .. } => self.rest(self.policy.rest, now),
            // Also when the trial got no further than the token.
            State::Trying { rest } | State::Resting { rest, .. } => {
                self.rest((rest * 2).min(self.policy.rest_max), now);
            }
        }
    }

    fn rest(&mut self, rest: Duration, now: DateTime<Utc>) {
        let until = now + TimeDelta::from_std(rest).unwrap_or_default();
        self.state = State::Resting { until, rest };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(2);

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn opened_at(now: DateTime<Utc>) -> Breaker {
        let mut breaker = Breaker::new(BreakerPolicy::default());
        (0..5).for_each(|_| breaker.failed(now));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_between_starts_anew() {
        let mut breaker = Breaker::new(BreakerPolicy::default());
        for _ in 0..10 {
            (0..4).for_each(|_| breaker.failed(at(0)));
            assert_eq!(breaker.gate(at(0)), Gate::Open);
            breaker.answered();
        }
        assert_eq!(opened_at(at(0)).gate(at(0)), Gate::Shut(REST));
    }

    #[test]
    fn after_the_rest_one_call_is_tried_and_its_answer_closes_it() {
        let mut breaker = opened_at(at(0));
        assert_eq!(breaker.gate(at(1)), Gate::Shut(REST / 2));
        assert_eq!(breaker.gate(at(2)), Gate::Trial);
        breaker.try_once();
        assert_eq!(breaker.gate(at(3)), Gate::OnTrial);
        breaker.answered();
        assert_eq!(breaker.gate(at(3)), Gate::Open);
    }

    #[test]
    fn failed_trials_lengthen_the_rest_up_to_a_bound() {
        let mut breaker = opened_at(at(0));
        let mut rests = Vec::new();
        for _ in 0..8 {
            breaker.try_once();
            breaker.failed(at(0));
            let Gate::Shut(rest) = breaker.gate(at(0)) else { panic!() };
            rests.push(rest.as_secs());
        }
        assert_eq!(rests, [4, 8, 16, 32, 60, 60, 60, 60]);
    }

    #[test]
    fn late_failures_do_not_prolong_the_rest_and_a_late_answer_ends_it() {
        let mut breaker = opened_at(at(0));
        breaker.failed(at(1));
        assert_eq!(breaker.gate(at(2)), Gate::Trial);
        breaker.answered();
        assert_eq!(breaker.gate(at(2)), Gate::Open);
    }
}
