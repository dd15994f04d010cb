//! What becomes of a message to another system after an attempt to deliver it.
//!
//! The waits are those that Standard Webhooks suggests for senders
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>): at once, then
//! after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h, some three days in all.

use chrono::{DateTime, Duration, Utc};

/// The seconds between one attempt and the next.
const WAITS: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// How much longer than planned a wait may become, so that what failed together does not come back together.
const SPREAD: f64 = 0.2;

/// The longest that an endpoint may ask to be left alone.
const RETRY_AFTER_MAX: Duration = Duration::hours(24);

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The endpoint answered.
    Status {
        /// Its HTTP status.
        status: u16,
        /// How long it wants to be left alone (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// No answer came: it cannot be reached, or was too slow.
    Silence,
}

/// What follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has arrived.
    Delivered,
    /// It is tried again at this time.
    Again(DateTime<Utc>),
    /// It has been tried often enough: a dead letter.
    Dead,
    /// The endpoint is gone for good and wants nothing more (410).
    EndpointGone,
}

/// What follows from the attempt number `attempts` (1 for the first) at `now`. `jitter` in 0.0 to 1.0 spreads the
/// waits.
///
/// Any status from 200 to 299 is an acknowledgement. A redirect is not followed and counts as a failure: who
/// moves tells the operator.
#[must_use]
pub fn verdict(attempts: i64, answer: Answer, now: DateTime<Utc>, jitter: f64) -> Verdict {
    let asked = match answer {
        Answer::Status { status: 200..=299, .. } => return Verdict::Delivered,
        Answer::Status { status: 410, .. } => return Verdict::EndpointGone,
        Answer::Status { retry_after, .. } => retry_after.unwrap_or_default(),
        Answer::Silence => Duration::zero(),
    };
    let tried = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    let Some(wait) = WAITS.get(tried) else { return Verdict::Dead };
    let spread = (*wait as f64 * 1000.0 * SPREAD * jitter.clamp(0.0, 1.0)) as i64;
    let wait = Duration::seconds(*wait) + Duration::milliseconds(spread);
    Verdict::Again(now + wait.max(asked.min(RETRY_AFTER_MAX)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn status(status: u16) -> Answer {
        Answer::Status { status, retry_after: None }
    }

    #[test]
    fn the_waits_are_those_of_standard_webhooks_and_then_it_is_dead() {
        let waits: Vec<i64> = (1..=9)
            .map(|attempt| match verdict(attempt, Answer::Silence, now(), 0.0) {
                Verdict::Again(at) => (at - now()).num_seconds(),
                other => panic!("{attempt}: {other:?}"),
            })
            .collect();
        assert_eq!(waits, WAITS);
        assert_eq!(verdict(10, Answer::Silence, now(), 0.0), Verdict::Dead);
    }

    #[test]
    fn a_redirect_is_no_acknowledgement() {
        assert!(matches!(verdict(1, status(302), now(), 0.0), Verdict::Again(_)));
    }

    #[test]
    fn an_endpoint_that_asks_for_time_gets_it_up_to_a_day() {
        let asking = |hours| Answer::Status { status: 503, retry_after: Some(Duration::hours(hours)) };
        assert_eq!(verdict(1, asking(3), now(), 0.0), Verdict::Again(now() + Duration::hours(3)));
        assert_eq!(verdict(1, asking(99), now(), 0.0), Verdict::Again(now() + Duration::hours(24)));
    }

    proptest! {
        #[test]
        fn every_message_comes_to_an_end_and_no_wait_is_shorter_than_planned(
            attempts in 1_i64..20,
            code in 100_u16..600,
            jitter in 0.0_f64..=1.0,
            asked in proptest::option::of(-100_i64..200_000),
        ) {
            let answer = Answer::Status { status: code, retry_after: asked.map(Duration::seconds) };
            match verdict(attempts, answer, now(), jitter) {
                Verdict::Delivered => prop_assert!((200..300).contains(&code)),
                Verdict::EndpointGone => prop_assert_eq!(code, 410),
                Verdict::Dead => prop_assert!(attempts > 9),
                Verdict::Again(at) => {
                    prop_assert!(attempts <= 9);
                    let wait = at - now();
                    prop_assert!(wait >= Duration::seconds(WAITS[usize::try_from(attempts - 1).unwrap()]));
                    prop_assert!(wait <= Duration::seconds(86_400 * 6 / 5));
                }
            }
        }
    }
}
