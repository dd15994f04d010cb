//! A meeting that runs on after its planned end: when it is ended, and until when its links are good.

use chrono::{DateTime, Duration, Utc};

use super::lifecycle::{Planned, Run};

/// Whoever refuses to end a meeting for this long will not do it any more.
const TRIED_FOR: Duration = Duration::hours(1);

/// What to do about a meeting whose planned end has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its time has not come, or was put off: ask again then.
    NotYet(DateTime<Utc>),
    /// It has ended, or what runs is not this booking's run.
    LetBe,
    /// It may be running: look at Zoom, and end it if it is.
    End,
    /// Ending it was tried long enough.
    GiveUp,
}

/// Judges a meeting that Zoom knows and whose booking still stands.
///
/// `allowance` is how long it may overrun. A run that was opened after the planned end is somebody's own use of the
/// link, not this class; while one is open, Zoom's "started" means that one, because a meeting runs once at a time.
#[must_use]
pub fn judge(planned: &Planned, runs: &[Run], allowance: Duration, now: DateTime<Utc>) -> Verdict {
    let due = planned.end + allowance;
    if now < due {
        return Verdict::NotYet(due);
    }
    let mut open = runs.iter().filter(|run| run.ended.is_none());
    let another = |run: &Run| run.started.is_some_and(|started| started >= planned.end);
    let ours_have_ended = !runs.is_empty() && runs.iter().all(|run| run.ended.is_some());
    if ours_have_ended && runs.iter().any(|run| planned.covers(run)) || open.any(another) {
        return Verdict::LetBe;
    }
    if now < due + TRIED_FOR { Verdict::End } else { Verdict::GiveUp }
}

/// Until when links to a meeting are given out; `None` while it runs, however late it is.
#[must_use]
pub fn links_until(
    planned_end: DateTime<Utc>,
    ended: Option<DateTime<Utc>>,
    runs: bool,
    grace: Duration,
) -> Option<DateTime<Utc>> {
    (!runs).then(|| ended.map_or(planned_end, |ended| ended.max(planned_end)) + grace)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWANCE: Duration = Duration::minutes(15);

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
    }

    fn run(started: i64, ended: Option<i64>) -> Run {
        Run { started: Some(at(started)), ended: ended.map(at) }
    }

    fn judged(runs: &[Run], minute: i64) -> Verdict {
        judge(&Planned { start: at(0), end: at(45) }, runs, ALLOWANCE, at(minute))
    }

    #[test]
    fn a_class_that_runs_on_is_ended_when_its_allowance_is_over_and_not_before() {
        let open = [run(-2, None)];
        assert_eq!(judged(&open, 59), Verdict::NotYet(at(60)));
        assert_eq!(judged(&open, 60), Verdict::End);
        assert_eq!(judged(&open, 119), Verdict::End);
        assert_eq!(judged(&open, 120), Verdict::GiveUp);
    }

    #[test]
    fn a_class_of_which_nothing_was_heard_is_looked_at() {
        assert_eq!(judged(&[], 60), Verdict::End);
        assert_eq!(
            judged(&[run(-600, Some(-590))], 60),
            Verdict::End,
            "a visit in the morning was not the class"
        );
    }

    #[test]
    fn what_has_ended_or_was_opened_afterwards_is_let_be() {
        assert_eq!(judged(&[run(-2, Some(44))], 60), Verdict::LetBe);
        assert_eq!(judged(&[run(-2, Some(44)), run(50, None)], 60), Verdict::LetBe);
        assert_eq!(judged(&[run(50, None)], 60), Verdict::LetBe);
        assert_eq!(
            judged(&[run(-2, Some(20)), run(22, None)], 60),
            Verdict::End,
            "a restart within the class"
        );
    }

    #[test]
    fn links_are_good_until_the_later_end_and_its_grace_and_while_it_runs() {
        let until = |ended: Option<i64>, runs| links_until(at(45), ended.map(at), runs, ALLOWANCE);
        assert_eq!(until(None, false), Some(at(60)));
        assert_eq!(until(Some(30), false), Some(at(60)), "who was thrown out early may come back");
        assert_eq!(until(Some(90), false), Some(at(105)));
        assert_eq!(until(None, true), None);
    }
}
