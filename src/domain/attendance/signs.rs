//! The moments at which something of a person was seen, by run: what closes connections whose times were lost.
//!
//! Sorted once a person, so that ten thousand re-joins cost no more than their sorting.

use chrono::{DateTime, Utc};

use crate::domain::connection::{Connection, Room};

/// What was seen at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    /// Anything.
    Any,
    /// A join of the meeting itself.
    JoinMain,
    /// A join of a breakout room.
    JoinBreakout,
    /// A leave that has no join.
    Leave,
}

/// The moments of one person.
#[derive(Debug, Default)]
pub(super) struct Signs<'a>(Vec<(&'a str, Sign, DateTime<Utc>)>);

impl<'a> Signs<'a> {
    /// The signs in `evidence`; none are gathered where no connection lacks a time.
    pub(super) fn of(evidence: &[&'a Connection]) -> Self {
        if !evidence.iter().any(|c| lacks_time(c)) {
            return Self::default();
        }
        let mut signs = Vec::with_capacity(2 * evidence.len());
        for c in evidence {
            let instance = c.instance.as_str();
            let times = [c.join_time, c.leave_time].into_iter().flatten();
            signs.extend(times.map(|at| (instance, Sign::Any, at)));
            match (c.room, c.join_time, c.leave_time) {
                (Room::Main, Some(at), _) => signs.push((instance, Sign::JoinMain, at)),
                (Room::Breakout, Some(at), _) => signs.push((instance, Sign::JoinBreakout, at)),
                (Room::Main | Room::Breakout, None, Some(at)) => signs.push((instance, Sign::Leave, at)),
                _ => {}
            }
        }
        signs.sort_unstable();
        Self(signs)
    }

    /// The last moment of the person in the run of `c` before `at`.
    pub(super) fn last_before(&self, c: &Connection, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let wanted = (c.instance.as_str(), Sign::Any);
        let place =
            self.0.partition_point(|(run, sign, seen)| (*run, *sign, *seen) < (wanted.0, wanted.1, at));
        let (run, sign, seen) = place.checked_sub(1).and_then(|place| self.0.get(place))?;
        ((*run, *sign) == wanted).then_some(*seen)
    }

    /// The first leave without a join after `at` in the run of `c`.
    pub(super) fn leave_after(&self, c: &Connection, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.first_after(c, Sign::Leave, at)
    }

    /// The first join after `at` that shows that `c` was over. Going into a breakout room does not end the stay in
    /// the meeting, coming back from it does end the one in the room.
    pub(super) fn join_after(&self, c: &Connection, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let main = self.first_after(c, Sign::JoinMain, at);
        match c.room {
            Room::Breakout => [main, self.first_after(c, Sign::JoinBreakout, at)].into_iter().flatten().min(),
            Room::Main | Room::Waiting => main,
        }
    }

    fn first_after(&self, c: &Connection, sign: Sign, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let wanted = (c.instance.as_str(), sign);
        let place =
            self.0.partition_point(|(run, sign, seen)| (*run, *sign, *seen) <= (wanted.0, wanted.1, at));
        let (run, sign, seen) = self.0.get(place)?;
        ((*run, *sign) == wanted).then_some(*seen)
    }
}

fn lacks_time(c: &Connection) -> bool {
    c.room != Room::Waiting
        && match (c.join_time, c.leave_time) {
            (Some(join), Some(leave)) => leave < join,
            _ => true,
        }
}
