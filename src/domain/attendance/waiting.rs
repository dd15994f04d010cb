//! When the devices of one person waited before the door: time that is taken off.

use chrono::{DateTime, Utc};

use crate::domain::connection::{Connection, Room};
use crate::domain::interval::{Interval, IntervalSet};

/// The rows about waiting rooms, by run and device.
#[derive(Debug, Default)]
pub(super) struct Waits<'a>(Vec<(&'a str, &'a str, &'a Connection)>);

impl<'a> Waits<'a> {
    /// Those in `evidence`.
    pub(super) fn of(evidence: &[&'a Connection]) -> Self {
        let rows = evidence.iter().filter(|c| c.room == Room::Waiting);
        let mut rows: Vec<_> = rows.map(|c| (c.instance.as_str(), c.device(), *c)).collect();
        rows.sort_unstable_by_key(|(run, device, _)| (*run, *device));
        Self(rows)
    }

    /// Whether the person never waited.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds to `pieces` what is left of the stay of `c` without the waits of its device. Another device of the same
    /// person may wait while this one is in the meeting: that takes nothing off.
    pub(super) fn cut_out(&self, c: &Connection, stay: Interval, pieces: &mut Vec<Interval>) {
        let rows = self.of_device(c);
        if !rows.is_empty() {
            let waiting = waiting_time(rows, stay);
            pieces.extend_from_slice(IntervalSet::from_iter([stay]).subtract(&waiting).as_slice());
        } else if !stay.is_empty() {
            pieces.push(stay);
        }
    }

    fn of_device(&self, c: &Connection) -> &[(&'a str, &'a str, &'a Connection)] {
        if self.0.is_empty() {
            return &[];
        }
        let wanted = (c.instance.as_str(), c.device());
        let first = self.0.partition_point(|(run, device, _)| (*run, *device) < wanted);
        let rest = self.0.get(first..).unwrap_or_default();
        let count = rest.partition_point(|(run, device, _)| (*run, *device) == wanted);
        rest.get(..count).unwrap_or_default()
    }
}

/// A step at the waiting room's door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    In,
    Out,
}

/// When a device waited, as far as that touches its `stay`.
fn waiting_time(rows: &[(&str, &str, &Connection)], stay: Interval) -> IntervalSet {
    let mut waits: Vec<Interval> = Vec::new();
    let mut steps: Vec<(DateTime<Utc>, Step)> = Vec::with_capacity(rows.len());
    for (_, _, row) in rows {
        match (row.join_time, row.leave_time) {
            (Some(from), Some(until)) => waits.push(Interval::new(from, until)),
            (Some(at), None) => steps.push((at, Step::In)),
            (None, Some(at)) => steps.push((at, Step::Out)),
            (None, None) => {}
        }
    }
    steps.sort_unstable();
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
