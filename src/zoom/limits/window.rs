//! So many calls in any window of a given length: a log of the last sends.
//!
//! Measured against token buckets: a bucket with a burst lets twice the rate through in its first
//! second, one without a burst one call too many at the slightest jitter. The log does neither, and it uses all
//! of the rate that the window's leeway leaves.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The log of one label.
#[derive(Debug)]
pub(super) struct Window {
    /// The sends of the last window, oldest first; never more than `calls`.
    sends: VecDeque<Instant>,
    calls: usize,
    /// The rate we were set to; Zoom may say less, and later again more.
    set: usize,
    span: Duration,
    paused_until: Option<Instant>,
}

impl Window {
    pub(super) fn new(calls: u32, span: Duration) -> Self {
        Self { sends: VecDeque::new(), calls: size(calls), set: size(calls), span, paused_until: None }
    }

    /// How long until the next call may go; none when it may go now.
    pub(super) fn wait(&mut self, now: Instant) -> Option<Duration> {
        self.forget_before(now);
        let paused = self.paused_until.filter(|until| *until > now);
        // With a log that is too long, because the rate was lowered, more than the oldest has to age.
        let freed_by = self.sends.len().checked_sub(self.calls).and_then(|index| self.sends.get(index));
        let full = freed_by.map(|sent| *sent + self.span);
        let until = paused.max(full)?;
        Some(until.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
    }

    /// One call goes now.
    pub(super) fn note(&mut self, now: Instant) {
        self.sends.push_back(now);
    }

    /// Lets nothing through until then.
    pub(super) fn pause(&mut self, until: Instant) {
        self.paused_until = self.paused_until.max(Some(until));
    }

    /// Keeps to another rate from now on.
    pub(super) fn resize(&mut self, calls: u32) {
        self.set = size(calls);
        self.calls = self.set;
    }

    /// What Zoom says is left. Nothing left while our own log has room means that others use the same account.
    pub(super) fn told(&mut self, limit: Option<u32>, remaining: u32, now: Instant) {
        if let Some(limit) = limit {
            self.calls = size(limit).min(self.set);
        }
        self.forget_before(now);
        if remaining == 0 && self.sends.len() < self.calls {
            self.pause(now + self.span);
        }
    }

    fn forget_before(&mut self, now: Instant) {
        while self.sends.front().is_some_and(|sent| now.saturating_duration_since(*sent) >= self.span) {
            self.sends.pop_front();
        }
    }
}

/// A rate of zero would be a queue that never moves.
fn size(calls: u32) -> usize {
    usize::try_from(calls).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SPAN: Duration = Duration::from_millis(1_015);

    /// Sends whenever it may; between two attempts it is idle for one of the gaps. Returns when it sent.
    fn send_all(
        window: &mut Window,
        start: Instant,
        gaps: impl IntoIterator<Item = Duration>,
    ) -> Vec<Instant> {
        let mut now = start;
        let mut sent = Vec::new();
        for gap in gaps {
            now += gap;
            while let Some(wait) = window.wait(now) {
                now += wait;
            }
            window.note(now);
            sent.push(now);
        }
        sent
    }

    /// Whether the call `calls` places later always comes a second later or more.
    fn keeps_to(calls: u32, sent: &[Instant]) -> bool {
        let mut sent = sent.to_vec();
        sent.sort();
        sent.iter().zip(sent.iter().skip(calls as usize)).all(|(a, b)| *b - *a >= Duration::from_secs(1))
    }

    proptest! {
        #[test]
        fn no_sliding_second_ever_holds_more_than_the_rate(
            calls in 1_u32..40,
            gaps in prop::collection::vec(0_u64..120, 1..400),
        ) {
            let mut window = Window::new(calls, SPAN);
            let sent = send_all(&mut window, Instant::now(), gaps.into_iter().map(Duration::from_millis));
            prop_assert!(keeps_to(calls, &sent));
        }

        #[test]
        fn jitter_below_the_leeway_does_not_break_the_rate(
            calls in 1_u32..40,
            delays in prop::collection::vec(0_u64..15, 200),
        ) {
            let mut window = Window::new(calls, SPAN);
            let sent = send_all(&mut window, Instant::now(), vec![Duration::ZERO; 200]);
            let arrived: Vec<_> =
                sent.iter().zip(delays).map(|(at, delay)| *at + Duration::from_millis(delay)).collect();
            prop_assert!(keeps_to(calls, &arrived));
        }
    }

    #[test]
    fn a_busy_minute_uses_98_percent_of_the_rate() {
        for calls in [1_u32, 4, 20, 80] {
            let mut window = Window::new(calls, SPAN);
            let start = Instant::now();
            let sent = send_all(&mut window, start, vec![Duration::ZERO; calls as usize * 70]);
            let in_a_minute = sent.iter().filter(|at| **at - start < Duration::from_secs(60)).count();
            assert!(in_a_minute as f64 >= 0.98 * 60.0 * f64::from(calls), "{in_a_minute} at {calls}/s");
        }
    }

    #[test]
    fn a_lower_rate_holds_at_once() {
        let mut window = Window::new(10, SPAN);
        let now = Instant::now();
        (0..10).for_each(|_| window.note(now));
        window.told(Some(2), 5, now);
        assert_eq!(window.wait(now), Some(SPAN));
        let later = now + SPAN;
        assert_eq!(window.wait(later), None);
        window.note(later);
        window.note(later);
        assert_eq!(window.wait(later), Some(SPAN));
    }

    #[test]
    fn a_rate_that_zoom_raises_again_is_used_again_but_never_more_than_we_may() {
        let mut window = Window::new(10, SPAN);
        let now = Instant::now();
        window.told(Some(2), 1, now);
        window.told(Some(80), 79, now);
        (0..9).for_each(|_| window.note(now));
        assert_eq!(window.wait(now), None);
        window.note(now);
        assert_eq!(window.wait(now), Some(SPAN));
    }

    #[test]
    fn a_quota_that_others_used_up_is_waited_for() {
        let mut window = Window::new(10, SPAN);
        let now = Instant::now();
        window.note(now);
        window.told(Some(10), 0, now);
        assert_eq!(window.wait(now), Some(SPAN));
    }

    #[test]
    fn a_quota_we_used_up_ourselves_needs_no_pause() {
        let mut window = Window::new(2, SPAN);
        let now = Instant::now();
        window.note(now);
        window.note(now);
        window.told(Some(2), 0, now + SPAN / 2);
        assert_eq!(window.wait(now + SPAN), None);
    }
}
