//! What is known after a step.

use chrono::{DateTime, Duration, Utc};

use super::diff::differences;
use super::{Failure, Known, LOOKS_MIN, Outcome, Policy, SpecChange, Step, UnknownCreate};
use crate::domain::appointment::MeetingSpec;
use crate::domain::drift::{Difference, Drift};

/// The longest wait before a create or a change is tried once more: Zoom counts 100 of them a day for each host, the
/// failed ones too, and every quarter of an hour would be 96.
const WRITE_WAIT_MAX: Duration = Duration::days(1);

/// However long the wait, a create or a change is tried once more this long before the start.
const LAST_CALL: Duration = Duration::hours(1);

/// What is known after `step`, taken for `generation` of the booking, came out as `outcome`. `jitter` in 0.0 to
/// 1.0 spreads the back-off.
///
/// A result counts only for the generation that the step served; whatever changed meanwhile is found by the
/// next [`super::next_step`].
#[must_use]
pub fn settle(
    known: &Known,
    step: &Step,
    generation: i64,
    outcome: &Outcome,
    now: DateTime<Utc>,
    policy: &Policy,
    jitter: f64,
) -> Known {
    let mut next = known.clone();
    if *outcome == Outcome::Failed(Failure::Shut) {
        return next;
    }
    let meanwhile = is_look_meanwhile(known, step, generation, now);
    if let Outcome::Failed(failure) = outcome {
        if meanwhile {
            // Not once more before what is waited for.
            next.told = None;
            return next;
        }
        next.attempts = if generation == next.tried_generation { next.attempts + 1 } else { 1 };
        next.tried_generation = generation;
        failed(&mut next, step, *failure, now, policy, jitter);
        return next;
    }
    if !(meanwhile && matches!(outcome, Outcome::Read { .. })) {
        next.not_before = None;
    }
    // That Zoom could be read, or has not done what was asked, says nothing of the next try.
    if matches!(outcome, Outcome::Created { .. } | Outcome::Changed | Outcome::Deleted | Outcome::HostFound) {
        next.attempts = 0;
    }
    match (step, outcome) {
        (Step::Create { spec, generation, host_key, .. }, Outcome::Created { number, told }) => {
            created(&mut next, number, host_key, spec, told.as_ref(), now);
            next.synced_generation = *generation;
        }
        (Step::Look { .. }, Outcome::Created { number, .. }) => adopt(&mut next, number),
        (Step::Look { .. }, Outcome::NotListed) => not_listed(&mut next, now, policy, jitter),
        (Step::Read { .. }, Outcome::Read { told }) => {
            next.told = Some(told.clone());
            next.gone_at = None;
            looked(&mut next, now);
        }
        (Step::Change { change, fields, generation, .. }, Outcome::Changed) => {
            changed(&mut next, change, fields, *generation, now);
        }
        (Step::Delete { .. }, Outcome::Deleted) => forget(&mut next),
        (_, Outcome::Gone) => gone(&mut next, step, now),
        _ => {}
    }
    next
}

/// What Zoom made of a create is what it has: settings may be missing already.
fn created(
    next: &mut Known,
    number: &str,
    host_key: &str,
    sent: &MeetingSpec,
    told: Option<&MeetingSpec>,
    now: DateTime<Utc>,
) {
    next.number = Some(number.to_owned());
    next.host_key = Some(host_key.to_owned());
    next.create = None;
    next.gone_at = None;
    next.drift = Drift::default();
    if let Some(told) = told {
        next.drift.told(&differences(told, sent, now));
    }
    next.told = Some(told.unwrap_or(sent).clone());
    looked(next, now);
}

/// Zoom's 204 is believed of an edit, but not of settings, which it may have dropped, nor of anything that was told
/// before or that Zoom had otherwise without an edit: those are read back.
fn changed(
    next: &mut Known,
    change: &SpecChange,
    fields: &[Difference],
    generation: i64,
    now: DateTime<Utc>,
) {
    let restores = generation <= next.synced_generation;
    if restores {
        next.drift.restored(now);
    }
    next.synced_generation = next.synced_generation.max(generation);
    next.told = next.told.as_ref().map(|told| change.applied_to(told));
    if restores || change.wants_reading_back() || next.drift.was_told(fields) {
        next.drift.told(fields);
        (next.look, next.looked_at) = (true, None);
    } else {
        next.drift.kept(fields);
    }
}

fn looked(next: &mut Known, now: DateTime<Utc>) {
    next.look = false;
    next.looked_at = Some(now);
}

/// The lost create did happen: it is ours, and what Zoom holds is read before anything is changed.
fn adopt(next: &mut Known, number: &str) {
    if let Some(create) = next.create.take() {
        next.host_key = Some(create.host_key);
    }
    next.number = Some(number.to_owned());
    next.told = None;
    next.gone_at = None;
}

/// A create that was not done is as good as any that failed: its repetition waits.
fn not_listed(next: &mut Known, now: DateTime<Utc>, policy: &Policy, jitter: f64) {
    let Some(mut create) = next.create.take() else { return };
    create.looks += 1;
    if create.looks < LOOKS_MIN {
        next.create = Some(create);
        return;
    }
    let until = now + back_off(next.attempts, policy, WRITE_WAIT_MAX, jitter);
    next.not_before = Some(last_call(until, create.spec.start, now));
}

/// Whether it was a look at what Zoom has while something else waits to be tried again.
fn is_look_meanwhile(known: &Known, step: &Step, generation: i64, now: DateTime<Utc>) -> bool {
    let waits = known.not_before.is_some_and(|until| now < until);
    matches!(step, Step::Read { .. }) && waits && generation <= known.tried_generation
}

/// The first "gone" is only noted; the second, a while later, is believed.
fn gone(next: &mut Known, step: &Step, now: DateTime<Utc>) {
    looked(next, now);
    match (next.gone_at, step) {
        (Some(_), Step::Delete { .. } | Step::Read { .. }) => forget(next),
        (Some(_), _) => {}
        (None, _) => {
            next.gone_at = Some(now);
            next.told = None;
        }
    }
}

/// There is no meeting at Zoom any more. The generation stays: nothing is there that could agree with a newer one.
fn forget(next: &mut Known) {
    next.number = None;
    next.told = None;
    next.host_key = None;
    next.gone_at = None;
    next.drift = Drift::default();
    next.look = false;
    next.attempts = 0;
}

fn failed(next: &mut Known, step: &Step, failure: Failure, now: DateTime<Utc>, policy: &Policy, jitter: f64) {
    let start = match step {
        Step::Create { spec, .. } => Some(spec.start),
        Step::Change { change, .. } => {
            let told = next.told.as_ref().map(|told| told.start);
            change.start.as_ref().map(|(start, _)| *start).or(told)
        }
        _ => None,
    };
    let writes = matches!(step, Step::Create { .. } | Step::Change { .. });
    if failure == Failure::Unknown {
        uncertain(next, step, now);
    }
    // A lost create has a rhythm of its own: the first look comes at once.
    if failure == Failure::Unknown && matches!(step, Step::Create { .. }) {
        next.not_before = None;
        return;
    }
    let until = match failure {
        Failure::Until(until) => {
            next.not_before = Some(until);
            return;
        }
        Failure::Refused if writes => now + doubled(policy.retry_max, next.attempts, WRITE_WAIT_MAX),
        Failure::Refused | Failure::HostNotReady => now + policy.retry_max,
        Failure::Unknown if writes => now + back_off(next.attempts, policy, WRITE_WAIT_MAX, jitter),
        Failure::NotDone | Failure::Unknown | Failure::Shut => {
            now + back_off(next.attempts, policy, policy.retry_max, jitter)
        }
    };
    next.not_before = Some(start.map_or(until, |start| last_call(until, start, now)));
}

/// The end of a wait, or the last call before `start`, when that comes first and lies ahead.
fn last_call(until: DateTime<Utc>, start: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let call = start - LAST_CALL;
    if call > now { until.min(call) } else { until }
}

/// What may have happened is not known any more.
fn uncertain(next: &mut Known, step: &Step, now: DateTime<Utc>) {
    match step {
        Step::Create { host_id, host_key, spec, generation } => {
            next.create = Some(UnknownCreate {
                host_id: host_id.clone(),
                host_key: host_key.clone(),
                spec: spec.clone(),
                generation: *generation,
                since: now,
                looks: 0,
            });
        }
        Step::Change { .. } | Step::Delete { .. } => next.told = None,
        _ => {}
    }
}

/// Doubling from `retry_min` to `most`, spread over the upper half ("equal jitter", AWS Architecture Blog,
/// "Exponential Backoff And Jitter").
fn back_off(attempts: i64, policy: &Policy, most: Duration, jitter: f64) -> Duration {
    let half = doubled(policy.retry_min, attempts, most) / 2;
    half + Duration::milliseconds((half.num_milliseconds() as f64 * jitter.clamp(0.0, 1.0)) as i64)
}

/// `first` after the first attempt, twice as long after each other one, up to `most`.
fn doubled(first: Duration, attempts: i64, most: Duration) -> Duration {
    let doublings = attempts.saturating_sub(1).clamp(0, 30) as u32;
    let doubled = 2_i32.checked_pow(doublings).and_then(|factor| first.checked_mul(factor));
    doubled.map_or(most, |doubled| doubled.min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_off_doubles_up_to_its_limit() {
        let policy = Policy {
            look_gap: Duration::seconds(10),
            second_look: Duration::minutes(2),
            retry_min: Duration::seconds(1),
            retry_max: Duration::minutes(15),
        };
        let most = policy.retry_max;
        assert_eq!(back_off(1, &policy, most, 1.0), Duration::seconds(1));
        assert_eq!(back_off(3, &policy, most, 1.0), Duration::seconds(4));
        assert_eq!(back_off(3, &policy, most, 0.0), Duration::seconds(2));
        assert_eq!(back_off(i64::MAX, &policy, most, 1.0), Duration::minutes(15));
        assert_eq!(doubled(most, 1, WRITE_WAIT_MAX), most);
        assert_eq!(doubled(most, 4, WRITE_WAIT_MAX), most * 8);
        assert_eq!(doubled(most, i64::MAX, WRITE_WAIT_MAX), WRITE_WAIT_MAX);
    }
}
