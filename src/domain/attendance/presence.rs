//! When one person was in the meeting: their connections closed, united, without waiting rooms.
//!
//! A time that Zoom never told is closed here, at scoring time, and never stored:
//! - A join without a leave, in a run that is still going: they are still there.
//! - In a run that is over, the leave was lost. It came before whatever shows that the connection was gone: the
//!   person's next join, a leave that has no join, or the end of the run.
//! - A leave without a join: they came after the last thing known of them, and not before the run began.
//!   Without either, only the moment is proven, and a moment has no length.
//! - What a webhook tells beyond the end that Zoom told of the run is cut off: nobody stays in a meeting that is over.
//! - The calling system's buttons count only with both times.

use chrono::{DateTime, Utc};

use super::runs::Run;
use super::signs::Signs;
use super::waiting::Waits;
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

        let (signs, waits) = (Signs::of(&evidence), Waits::of(&evidence));
        let mut presence =
            Self { waited: !waits.is_empty(), stays: Vec::with_capacity(held.len()), ..Self::default() };
        let mut pieces: Vec<Interval> = Vec::with_capacity(evidence.len());
        for h in held {
            let closed = if counts(h) { close(h, &signs, as_of) } else { None };
            if let Some(Closed { stay, still_open }) = closed {
                let from = pieces.len();
                waits.cut_out(h.connection, stay, &mut pieces);
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
}

#[derive(Clone, Copy)]
struct Closed {
    stay: Interval,
    still_open: bool,
}

/// A connection's time with both ends; `None` for waiting rooms and for connections without any time.
fn close(h: &Held<'_>, signs: &Signs<'_>, as_of: DateTime<Utc>) -> Option<Closed> {
    let c = h.connection;
    if c.room == Room::Waiting {
        return None;
    }
    let run = h.run.unwrap_or_default();
    let closed = |start, end| Closed { stay: Interval::new(start, end), still_open: false };
    let mut found = match (c.join_time, c.leave_time) {
        (Some(join), Some(leave)) if join <= leave => closed(join, leave),
        _ if c.source == Source::App => return None,
        // A leave before its join is another connection's leave under the same id: this one is open.
        (Some(join), _) => close_leave(c, join, &run, signs, as_of),
        (None, Some(leave)) => {
            let came = [signs.last_before(c, leave), run.started.filter(|at| *at <= leave)];
            closed(came.into_iter().flatten().max().unwrap_or(leave), leave)
        }
        (None, None) => return None,
    };
    if let (Source::Webhook, Some(over)) = (c.source, run.told_end) {
        found.stay.end = found.stay.end.min(over).max(found.stay.start);
    }
    Some(found)
}

/// An open connection, closed by what shows that it was gone.
fn close_leave(
    c: &Connection,
    join: DateTime<Utc>,
    run: &Run,
    signs: &Signs<'_>,
    as_of: DateTime<Utc>,
) -> Closed {
    let orphan_leave = signs.leave_after(c, join);
    let Some(ended) = run.ended else {
        let still_open = orphan_leave.is_none();
        return Closed { stay: Interval::new(join, orphan_leave.unwrap_or(as_of).max(join)), still_open };
    };
    let end = [Some(ended), orphan_leave, signs.join_after(c, join)].into_iter().flatten().min();
    Closed { stay: Interval::new(join, end.unwrap_or(join).max(join)), still_open: false }
}
