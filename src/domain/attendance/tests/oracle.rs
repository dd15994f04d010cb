//! The slow and obvious model: the marks of a [`Play`], read off a grid of ticks, without intervals, keys, merging or
//! sorting.

use super::play::{AS_OF, Lost, NAMES, PLAN, Play, STRANGER, TICK_SECS, Visit, tick};
use crate::domain::attendance::{CountedTime, Mark, MarkStatus, PresentNeeds, Thresholds};

/// What the grid says of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) status: MarkStatus,
    pub(super) attended: i64,
    pub(super) score: i64,
    pub(super) together: i64,
    pub(super) stay: Option<(i64, i64)>,
    pub(super) left_early: bool,
    pub(super) host_absent: bool,
    pub(super) host_late: bool,
    pub(super) held_against: bool,
}

impl Expected {
    /// What was found of a person, in the model's words.
    pub(super) fn of(mark: &Mark) -> Self {
        let grid = |at: chrono::DateTime<chrono::Utc>| (at - tick(0)).num_seconds() / TICK_SECS;
        Self {
            status: mark.status,
            attended: mark.attended_secs / TICK_SECS,
            score: mark.score_milli,
            together: mark.together_secs / TICK_SECS,
            stay: mark.first_join.map(|first| (grid(first), mark.last_leave.map_or(AS_OF, grid))),
            left_early: mark.left_early,
            host_absent: mark.host_absent,
            host_late: mark.host_late,
            held_against: mark.held_against,
        }
    }
}

/// One flag a tick.
type Flags = Vec<bool>;

/// Ticks in a minute.
const MINUTE: i64 = 60 / TICK_SECS;

fn flag(flags: &mut Flags, from: i64, to: i64, value: bool) {
    if from < to {
        flags[from as usize..to as usize].fill(value);
    }
}

/// Where everybody was, tick by tick.
pub(super) struct Grid {
    /// In the meeting, by person.
    inside: Vec<Flags>,
    /// The host in a run that overlaps the plan.
    host_in_lesson: Flags,
    /// In a run that goes on, with nothing that shows a leave.
    still_there: Vec<bool>,
    pub(super) window: (i64, i64),
}

impl Play {
    /// The end of a run as far as Zoom lets us know it: told, or before the next begins.
    fn known_end(&self, run: usize) -> Option<i64> {
        if self.told_end[run] {
            return Some(self.runs[run].1);
        }
        self.runs.get(run + 1).map(|next| next.0)
    }

    fn in_lesson(&self, run: usize) -> bool {
        self.runs[run].0 < PLAN.end && self.known_end(run).is_none_or(|end| end > PLAN.start)
    }

    /// Others of the same person in the same run whose moment at `t` the test likes.
    fn sign(&self, of: &Visit, test: impl Fn(&Visit) -> bool) -> bool {
        self.visits.iter().any(|visit| (visit.who, visit.run) == (of.who, of.run) && test(visit))
    }

    /// When a visit without a told leave was over.
    fn closed(&self, visit: &Visit) -> Option<i64> {
        let end = self.known_end(visit.run);
        if end.is_some_and(|end| end <= visit.admitted) {
            return Some(visit.admitted);
        }
        let leaves = |v: &Visit, t| v.leave == t && matches!(v.lost, Lost::Join | Lost::Thread);
        let joins = |v: &Visit, t| {
            (v.admitted == t && v.lost != Lost::Join) || (v.breakout_end == t && v.breakout_end > v.breakout)
        };
        let gone = |t: &i64| {
            Some(*t) == end || self.sign(visit, |v| leaves(v, *t) || (end.is_some() && joins(v, *t)))
        };
        (visit.admitted + 1..AS_OF).find(gone).or(end)
    }

    /// When a visit without a told join had begun.
    fn opened(&self, visit: &Visit) -> i64 {
        let start = self.runs[visit.run].0;
        let seen = |v: &Visit, t: i64| {
            let waited = v.admitted > v.arrive && t == v.arrive;
            let sent = v.back_in > v.sent_out && (t == v.sent_out || t == v.back_in);
            let moved = v.breakout_end > v.breakout && (t == v.breakout || t == v.breakout_end);
            let joined = v.lost != Lost::Join && t == v.admitted;
            let left = v.lost != Lost::Leave && t == v.leave;
            waited || sent || moved || joined || left || (v.admitted > v.arrive && t == v.admitted)
        };
        (start..visit.leave).rev().find(|t| self.sign(visit, |v| seen(v, *t))).unwrap_or(start)
    }

    /// Plays the evening out.
    pub(super) fn grid(&self) -> Grid {
        let mut grid = Grid {
            inside: vec![vec![false; AS_OF as usize]; STRANGER],
            host_in_lesson: vec![false; AS_OF as usize],
            still_there: vec![false; STRANGER],
            window: (PLAN.start, PLAN.end),
        };
        for visit in self.visits.iter().filter(|visit| visit.who != STRANGER) {
            let mut here = vec![false; AS_OF as usize];
            let over = if self.told_end[visit.run] { self.runs[visit.run].1 } else { AS_OF };
            let lost = if self.reported[visit.run] { Lost::Nothing } else { visit.lost };
            if matches!(lost, Lost::Leave | Lost::Thread) {
                let closed = self.closed(visit);
                grid.still_there[visit.who] |= closed.is_none();
                flag(&mut here, visit.admitted, closed.unwrap_or(AS_OF), true);
            }
            if matches!(lost, Lost::Join | Lost::Thread) {
                flag(&mut here, self.opened(visit), visit.leave.min(over), true);
            }
            if lost == Lost::Nothing {
                flag(&mut here, visit.admitted, visit.leave.min(over), true);
                flag(&mut here, visit.sent_out, visit.back_in, false);
            }
            let host = visit.who == 0 && self.in_lesson(visit.run);
            for (t, _) in here.iter().enumerate().filter(|(_, is_here)| **is_here) {
                grid.inside[visit.who][t] = true;
                grid.host_in_lesson[t] |= host;
            }
        }
        grid.window = self.window(&grid);
        grid
    }

    /// The window, by looking at every tick.
    fn window(&self, grid: &Grid) -> (i64, i64) {
        let lessons = || (0..self.runs.len()).filter(|run| self.in_lesson(*run));
        let opened = (0..PLAN.end)
            .find(|t| grid.host_in_lesson[*t as usize])
            .or_else(|| lessons().map(|run| self.runs[run].0).min());
        let start = opened.map_or(PLAN.start, |at| at.max(PLAN.start));
        let ends: Option<Vec<i64>> = lessons().map(|run| self.known_end(run)).collect();
        let end = ends.and_then(|ends| ends.into_iter().max()).map_or(PLAN.end, |at| at.min(PLAN.end));
        if start < end { (start, end) } else { (PLAN.start, PLAN.end) }
    }
}

/// The ticks in which `test` holds, in the window.
fn count((start, end): (i64, i64), test: impl Fn(usize) -> bool) -> i64 {
    i64::try_from((start..end).filter(|t| test(*t as usize)).count()).unwrap()
}

impl Grid {
    /// The marks of everybody, in the roster's order.
    pub(super) fn expected(&self, rules: &Thresholds) -> Vec<Expected> {
        (0..STRANGER).map(|who| self.expected_of(who, rules)).collect()
    }

    fn expected_of(&self, who: usize, rules: &Thresholds) -> Expected {
        let (window, length) = (self.window, self.window.1 - self.window.0);
        let inside = &self.inside[who];
        let attendee = |t: usize| self.inside.iter().skip(1).any(|person| person[t]);
        let own = count(window, |t| inside[t]);
        let together = match who {
            0 => count(window, |t| inside[t] && attendee(t)),
            _ => count(window, |t| inside[t] && self.inside[0][t]),
        };
        let host_absent = count(window, |t| self.inside[0][t]) == 0;
        let opened = (0..AS_OF).find(|t| self.host_in_lesson[*t as usize]);
        let host_late =
            !host_absent && opened.is_some_and(|at| at - PLAN.start > rules.host_late_minutes * MINUTE);
        let counted = if who > 0 && rules.counted_time == CountedTime::Together { together } else { own };
        let needed = needed(rules, length);
        let first = (window.0..window.1).find(|t| inside[*t as usize]);
        let last = (window.0..window.1).rev().find(|t| inside[*t as usize]);
        let status = match first {
            None => MarkStatus::Absent,
            Some(_) if (counted as f64) < needed => MarkStatus::Partial,
            Some(at) if at - window.0 > rules.late_after_minutes * MINUTE => MarkStatus::Late,
            Some(_) => MarkStatus::Present,
        };
        let short = matches!(status, MarkStatus::Absent | MarkStatus::Partial);
        let excused = host_absent || short && (host_late || own as f64 >= needed);
        let still_there = self.still_there[who];
        let gone = last.map(|last| (last..AS_OF).find(|t| !inside[*t as usize]).unwrap_or(AS_OF));
        Expected {
            status,
            attended: counted,
            score: (counted as f64 * 1000.0 / length as f64 + 0.5).floor() as i64,
            together,
            stay: first.map(|first| {
                let came = (0..=first).rev().find(|t| !inside[*t as usize]).map_or(0, |out| out + 1);
                (came, if still_there { AS_OF } else { gone.unwrap_or(AS_OF) })
            }),
            left_early: !still_there
                && last.is_some_and(|last| window.1 - (last + 1) > rules.left_early_minutes * MINUTE),
            host_absent,
            host_late,
            held_against: who == 0 || !excused,
        }
    }
}

/// The counted ticks from which somebody is present.
fn needed(rules: &Thresholds, length: i64) -> f64 {
    let (minutes, share) =
        (rules.present_after_minutes as f64 * MINUTE as f64, rules.present_share * length as f64);
    let asked = match rules.present_needs {
        PresentNeeds::Either => minutes.min(share),
        PresentNeeds::Both => minutes.max(share),
        PresentNeeds::Minutes => minutes,
        PresentNeeds::Share => share,
    };
    asked
        .max(rules.present_at_least_minutes as f64 * MINUTE as f64)
        .min(rules.present_at_most_share * length as f64)
        .max(0.001)
}

/// The model knows everybody on the roster.
#[test]
fn the_roster_of_the_model_is_that_of_the_play() {
    assert_eq!(Play::roster().len(), STRANGER);
    assert_eq!(NAMES.len(), STRANGER + 1);
}
