//! When one person was in the meeting: their connections closed, united, without waiting rooms.
//!
//! A time that Zoom never told is closed here, at scoring time, and never stored:
//! - A join without a leave, in a run that is still going: they are still there.
//! - In a run that is over, the leave was lost. It came before whatever shows that the connection was gone: the
//!   person's next join, a leave that has no join, or the end of the run.
//! - A leave without a join: they came after the last thing known of them, and not before the run began.
//!   Without either, only the moment is proven, and a moment has no length.
//! - The calling system's buttons count only with both times.

use chrono::{DateTime, Utc};

use super::runs::Run;
use crate::domain::connection::{Connection, Room, Source};
use crate::domain::identity::MatchedBy;
use crate::domain::interval::{Interval, IntervalSet};

/// A connection, the run it belongs to (if we were told of it), and how it was recognised as this person's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held<'a> {
    pub(super) connection: &'a Connection,
    pub(super) run: Option<Run>,
    pub(super) by: MatchedBy,
}

impl Held<'_> {
    /// The order in which people read evidence: by time, and never by how the rows came.
    pub(super) fn reading_order(&self) -> impl Ord {
        let c = self.connection;
        (c.join_time.or(c.leave_time), c.leave_time, c.room, c.source, &c.instance, &c.key)
    }

    /// Whether this is evidence that counts (the module above says which is). The calling system's buttons are
    /// decided by what else there is.
    fn is_accepted(&self) -> bool {
        match self.connection.source {
            Source::Hand => true,
            Source::App => false,
            Source::Report => self.run.is_some_and(|run| run.report_complete),
            Source::Webhook => !self.run.is_some_and(|run| run.report_complete && run.has_report_rows),
        }
    }

    /// Whether a stay belongs to the booking's lesson rather than to a run before or after it.
    fn is_in_lesson(&self, stay: &Interval, planned: &Interval) -> bool {
        self.run.map_or_else(|| stay.overlaps(planned), |run| run.overlaps)
    }
}

/// One person's time in the meeting, inside or outside the window.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// All of it.
    pub(super) time: IntervalSet,
    /// What each connection gave to it, by place; `None` where it does not count.
    pub(super) stays: Vec<Option<Interval>>,
    /// Their first moment in a run of this lesson.
    pub(super) came: Option<DateTime<Utc>>,
    /// Whether a connection is still open in a run that is still going.
    pub(super) still_there: bool,
    /// Whether they were ever in the waiting room.
    pub(super) waited: bool,
}

impl Presence {
    /// The time that these connections of one person make, up to `as_of`. `silent`: no run of the meeting is known.
    pub(super) fn new(held: &[Held<'_>], silent: bool, planned: &Interval, as_of: DateTime<Utc>) -> Self {
        let buttons_count = silent && !held.iter().any(Held::is_accepted);
        let counts = |h: &Held<'_>| h.is_accepted() || (buttons_count && h.connection.source == Source::App);
        let evidence: Vec<&Connection> = held.iter().filter(|h| counts(h)).map(|h| h.connection).collect();

        let mut presence = Self {
            waited: evidence.iter().any(|c| c.room == Room::Waiting),
            stays: Vec::with_capacity(held.len()),
            ..Self::default()
        };
        let mut pieces: Vec<Interval> = Vec::with_capacity(evidence.len());
        for h in held {
            let closed = if counts(h) { close(h, &evidence, as_of) } else { None };
            if let Some(Closed { stay, still_open }) = closed {
                let from = pieces.len();
                presence.cut_out_waiting(h.connection, stay, &evidence, &mut pieces);
                presence.still_there |= still_open;
                if h.is_in_lesson(&stay, planned) {
                    let first = pieces.get(from).map(|piece| piece.start);
                    presence.came = [presence.came, first].into_iter().flatten().min();
                }
            }
            presence.stays.push(closed.map(|closed| closed.stay));
        }
        presence.time = pieces.into_iter().collect();
        presence
    }

    fn cut_out_waiting(
        &self,
        connection: &Connection,
        stay: Interval,
        evidence: &[&Connection],
        pieces: &mut Vec<Interval>,
    ) {
        if self.waited {
            let waiting = waiting_time(connection, stay, evidence);
            pieces.extend_from_slice(IntervalSet::from_iter([stay]).subtract(&waiting).as_slice());
        } else if !stay.is_empty() {
            pieces.push(stay);
        }
    }
}

#[derive(Clone, Copy)]
struct Closed {
    stay: Interval,
    still_open: bool,
}

/// A connection's time with both ends; `None` for waiting rooms and for connections without any time.
fn close(h: &Held<'_>, evidence: &[&Connection], as_of: DateTime<Utc>) -> Option<Closed> {
    let c = h.connection;
    if c.room == Room::Waiting {
        return None;
    }
    let run = h.run.unwrap_or_default();
    match (c.join_time, c.leave_time) {
        (Some(join), Some(leave)) if join <= leave => {
            Some(Closed { stay: Interval::new(join, leave), still_open: false })
        }
        _ if c.source == Source::App => None,
        // A leave before its join is another connection's leave under the same id: this one is open.
        (Some(join), _) => Some(close_leave(c, join, &run, evidence, as_of)),
        (None, Some(leave)) => {
            let join = last_sign_before(c, leave, &run, evidence).unwrap_or(leave);
            Some(Closed { stay: Interval::new(join, leave), still_open: false })
        }
        (None, None) => None,
    }
}

/// An open connection, closed by what shows that it was gone.
fn close_leave(
    c: &Connection,
    join: DateTime<Utc>,
    run: &Run,
    evidence: &[&Connection],
    as_of: DateTime<Utc>,
) -> Closed {
    let others = || others_of_run(c, evidence).filter(|o| o.room != Room::Waiting);
    let orphan_leave =
        others().filter(|o| o.join_time.is_none()).filter_map(|o| o.leave_time).filter(|at| *at > join).min();
    let Some(ended) = run.ended else {
        let still_open = orphan_leave.is_none();
        return Closed { stay: Interval::new(join, orphan_leave.unwrap_or(as_of).max(join)), still_open };
    };
    // Going into a breakout room does not end the stay in the meeting, coming back does.
    let next_join = others()
        .filter(|o| o.room == Room::Main || c.room == Room::Breakout)
        .filter_map(|o| o.join_time)
        .filter(|at| *at > join)
        .min();
    let end = [Some(ended), orphan_leave, next_join].into_iter().flatten().min().unwrap_or(join);
    Closed { stay: Interval::new(join, end.max(join)), still_open: false }
}

/// The last thing known of the person before `leave`, else the beginning of the run.
fn last_sign_before(
    c: &Connection,
    leave: DateTime<Utc>,
    run: &Run,
    evidence: &[&Connection],
) -> Option<DateTime<Utc>> {
    others_of_run(c, evidence)
        .flat_map(|o| [o.join_time, o.leave_time])
        .chain([run.started])
        .flatten()
        .filter(|at| *at <= leave)
        .max()
}

/// The person's other connections in the same run.
fn others_of_run<'a>(c: &'a Connection, evidence: &'a [&Connection]) -> impl Iterator<Item = &'a Connection> {
    evidence.iter().copied().filter(|o| !std::ptr::eq(*o, c) && o.instance == c.instance)
}

/// When this device waited, as far as that touches its `stay`. Another device of the same person may wait while
/// this one is in the meeting: that takes nothing off.
fn waiting_time(c: &Connection, stay: Interval, evidence: &[&Connection]) -> IntervalSet {
    let rows = || others_of_run(c, evidence).filter(|o| o.room == Room::Waiting && o.device() == c.device());
    let whole = rows().filter_map(|row| Some(Interval::new(row.join_time?, row.leave_time?)));
    let mut steps: Vec<(DateTime<Utc>, Step)> = rows()
        .filter_map(|row| match (row.join_time, row.leave_time) {
            (Some(at), None) => Some((at, Step::In)),
            (None, Some(at)) => Some((at, Step::Out)),
            _ => None,
        })
        .collect();
    steps.sort_unstable();
    let mut waits: Vec<Interval> = whole.collect();
    let mut since = None;
    for moment in steps.chunk_by(|a, b| a.0 == b.0) {
        let [(at, _), ..] = *moment else { continue };
        let made = |step| moment.iter().any(|(_, made)| *made == step);
        match (since, made(Step::In), made(Step::Out)) {
            (None, true, false) => since = Some(at),
            (Some(from), false, true) => {
                waits.push(Interval::new(from, at));
                since = None;
            }
            // In and out within one second leaves things as they were; so does a step told twice.
            _ => {}
        }
    }
    if let Some(from) = since {
        // Nobody told us of the admission; joining the meeting afterwards proves one.
        let until = if stay.start > from { stay.start } else { stay.end };
        waits.push(Interval::new(from, until));
    }
    waits.into_iter().collect()
}

/// A step at the waiting room's door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    In,
    Out,
}
