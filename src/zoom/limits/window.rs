//! So many calls in any window of a given length: a log of the last sends.
//!
//! Measured against token buckets: a bucket with a burst lets twice the rate through in its first
//! second, one without a burst one call too many at the slightest jitter. The log does neither, and it uses all
//! of the rate that the window's leeway leaves.
//!
//! Zoom counts a call when it arrives, which is some time between its leaving and its answer. Of eighty that
//! leave at once the last may need a tenth of a second more, and eighty that follow a second later would meet
//! it there. So a call that was answered later than the quickest of its kind counts that much longer; until
//! enough are known to tell which part of the time is the way's and which is Zoom's, all of it counts.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// The longest that a late answer, or one that never came, makes its call count after the window. A Zoom that
/// takes longer is slow to answer, not slow to be reached.
const LATE_MAX: Duration = Duration::from_millis(500);

/// So many answers of a kind show how quick it can be: some of them came when nothing else was going on. The
/// first burst of a life alone, all of it slow, does not.
const KNOWN_AFTER: u32 = 200;

/// The log of one label.
#[derive(Debug)]
pub(super) struct Window {
    /// The sends that may still count, oldest first.
    sends: VecDeque<Sent>,
    calls: usize,
    /// The rate we were set to; Zoom may say less, and later again more.
    set: usize,
    span: Duration,
    paused_until: Option<Instant>,
    /// How long answers take, by the kind of call.
    paces: HashMap<&'static str, Pace>,
}

/// How long the answers of one kind of call take.
#[derive(Debug)]
struct Pace {
    answers: u32,
    quickest: Duration,
}

#[derive(Debug)]
struct Sent {
    at: Instant,
    /// How much later than it could the answer came; nothing while there is none.
    late: Option<Duration>,
}

impl Window {
    pub(super) fn new(calls: u32, span: Duration) -> Self {
        Self {
            sends: VecDeque::new(),
            calls: size(calls),
            set: size(calls),
            span,
            paused_until: None,
            paces: HashMap::new(),
        }
    }

    /// How long until the next call may go; none when it may go now.
    pub(super) fn wait(&mut self, now: Instant) -> Option<Duration> {
        self.forget_before(now);
        let paused = self.paused_until.filter(|until| *until > now);
        // With a log that is too long, because the rate was lowered, more than the oldest has to age.
        let freed_by = self.sends.len().checked_sub(self.calls);
        let until = paused.max(freed_by.and_then(|index| self.end_of(index)))?;
        Some(until.saturating_duration_since(now)).filter(|wait| !wait.is_zero())
    }

    /// One call goes now.
    pub(super) fn note(&mut self, now: Instant) {
        self.sends.push_back(Sent { at: now, late: None });
    }

    /// One call of this kind that went at `sent` has its answer now.
    pub(super) fn answered(&mut self, kind: &'static str, sent: Instant, now: Instant) {
        let took = now.saturating_duration_since(sent);
        let pace = self.paces.entry(kind).or_insert(Pace { answers: 0, quickest: took });
        pace.answers = pace.answers.saturating_add(1);
        pace.quickest = took.min(pace.quickest);
        let needed = if pace.answers > KNOWN_AFTER { pace.quickest } else { Duration::ZERO };
        let late = took.saturating_sub(needed).min(LATE_MAX);
        if let Some(send) = self.sends.iter_mut().find(|send| send.at == sent && send.late.is_none()) {
            send.late = Some(late);
        }
    }

    /// Holds as many as it can, all sent now: what an earlier life may have done.
    pub(super) fn fill(&mut self, now: Instant) {
        self.pause(now + self.span);
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

    /// When so many of the log, and one more, count no longer.
    fn end_of(&self, index: usize) -> Option<Instant> {
        let mut ends: Vec<Instant> = self.sends.iter().map(|send| send.end(self.span)).collect();
        ends.sort_unstable();
        ends.get(index).copied()
    }

    fn forget_before(&mut self, now: Instant) {
        self.sends.retain(|send| send.end(self.span) > now);
    }
}

impl Sent {
    /// When it counts no longer, as far as is known.
    fn end(&self, span: Duration) -> Instant {
        self.at + span + self.late.unwrap_or(LATE_MAX)
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

    impl Window {
        /// One call goes and is answered at once.
        fn pass(&mut self, now: Instant) {
            self.note(now);
            self.answered("get", now, now);
        }
    }

    /// Sends whenever it may; between two attempts it is idle for one of the gaps. Every call is answered at once.
    /// Returns when it sent.
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
            window.pass(now);
            sent.push(now);
        }
        sent
    }

    /// Sends whenever it may, each call so long on its way; it is answered on arrival. Returns when they arrived.
    fn arrivals(window: &mut Window, start: Instant, delays: &[Duration]) -> Vec<Instant> {
        let (mut now, mut arrived) = (start, Vec::new());
        let mut under_way: Vec<(Instant, Instant)> = Vec::new();
        for delay in delays {
            loop {
                under_way.sort();
                while let Some((at, sent)) = under_way.first().copied().filter(|(at, _)| *at <= now) {
                    under_way.remove(0);
                    window.answered("create", sent, at);
                }
                let Some(wait) = window.wait(now) else { break };
                now = under_way.first().map_or(now + wait, |(at, _)| (now + wait).min(*at));
            }
            window.note(now);
            under_way.push((now + *delay, now));
            arrived.push(now + *delay);
        }
        arrived
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
        fn calls_that_are_late_on_their_way_do_not_meet_those_that_follow(
            calls in 1_u32..40,
            delays in prop::collection::vec(0_u64..500, 1..200),
        ) {
            let mut window = Window::new(calls, SPAN);
            let delays: Vec<_> = delays.into_iter().map(Duration::from_millis).collect();
            let arrived = arrivals(&mut window, Instant::now(), &delays);
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
    fn a_zoom_that_is_always_slow_costs_no_rate() {
        let mut window = Window::new(80, SPAN);
        let start = Instant::now();
        let arrived = arrivals(&mut window, start, &vec![Duration::from_millis(900); 80 * 70]);
        let in_a_minute = arrived.iter().filter(|at| **at - start < Duration::from_secs(60)).count();
        assert!(in_a_minute as f64 >= 0.94 * 60.0 * 80.0, "{in_a_minute}");
    }

    #[test]
    fn a_new_life_sends_nothing_before_the_sends_of_the_last_are_forgotten() {
        let mut window = Window::new(10, SPAN);
        let now = Instant::now();
        window.fill(now);
        assert_eq!(window.wait(now), Some(SPAN));
        assert_eq!(window.wait(now + SPAN), None);
    }

    #[test]
    fn a_call_without_an_answer_counts_longer_but_not_for_ever() {
        let mut window = Window::new(1, SPAN);
        let now = Instant::now();
        window.note(now);
        assert_eq!(window.wait(now), Some(SPAN + LATE_MAX));
        assert_eq!(window.wait(now + SPAN + LATE_MAX), None);
    }

    #[test]
    fn a_lower_rate_holds_at_once() {
        let mut window = Window::new(10, SPAN);
        let now = Instant::now();
        (0..10).for_each(|_| window.pass(now));
        window.told(Some(2), 5, now);
        assert_eq!(window.wait(now), Some(SPAN));
        let later = now + SPAN;
        assert_eq!(window.wait(later), None);
        window.pass(later);
        window.pass(later);
        assert_eq!(window.wait(later), Some(SPAN));
    }

    #[test]
    fn a_rate_that_zoom_raises_again_is_used_again_but_never_more_than_we_may() {
        let mut window = Window::new(10, SPAN);
        let now = Instant::now();
        window.told(Some(2), 1, now);
        window.told(Some(80), 79, now);
        (0..9).for_each(|_| window.pass(now));
        assert_eq!(window.wait(now), None);
        window.pass(now);
        assert_eq!(window.wait(now), Some(SPAN));
    }

    #[test]
    fn a_quota_that_others_used_up_is_waited_for() {
        let mut window = Window::new(10, SPAN);
        let now = Instant::now();
        window.pass(now);
        window.told(Some(10), 0, now);
        assert_eq!(window.wait(now), Some(SPAN));
    }

    #[test]
    fn a_quota_we_used_up_ourselves_needs_no_pause() {
        let mut window = Window::new(2, SPAN);
        let now = Instant::now();
        window.pass(now);
        window.pass(now);
        window.told(Some(2), 0, now + SPAN / 2);
        assert_eq!(window.wait(now + SPAN), None);
    }
}
