//! When there was a lesson: the planned window, shortened only where the host opened late or closed early.

use chrono::{DateTime, Utc};

use super::EffectiveWindow;
use super::evidence::{EndReason, StartReason, WindowReason};
use super::runs::Runs;
use crate::domain::interval::Interval;

impl EffectiveWindow {
    /// Its length as an interval.
    #[must_use]
    pub fn interval(&self) -> Interval {
        Interval::new(self.start, self.end)
    }
}

/// The effective window and why it is that. `host_came` is the first moment of a host in a run of this lesson.
///
/// A host who came only after the planned end opened nothing, and an end before the start closed nothing: what was
/// planned stays then, so that a window is never made empty.
pub(super) fn effective(
    planned: Interval,
    runs: &Runs<'_>,
    host_came: Option<DateTime<Utc>>,
) -> (EffectiveWindow, WindowReason) {
    let in_plan = |at: &DateTime<Utc>| *at < planned.end;
    let (opened, late) = match host_came.filter(in_plan) {
        Some(came) => (Some(came), StartReason::HostOpenedLate),
        None => (runs.overlapping().filter_map(|run| run.started).min(), StartReason::OpenedLate),
    };
    let start = opened.filter(in_plan).map_or(planned.start, |at| at.max(planned.start));
    let end = closed(runs).map_or(planned.end, |at| at.min(planned.end));
    if start >= end {
        let planned = EffectiveWindow { start: planned.start, end: planned.end };
        return (planned, WindowReason::default());
    }
    let reason = WindowReason {
        start: if start > planned.start { late } else { StartReason::Planned },
        end: if end < planned.end { EndReason::ClosedEarly } else { EndReason::Planned },
    };
    (EffectiveWindow { start, end }, reason)
}

/// The end of the last run, once every run has ended.
fn closed(runs: &Runs<'_>) -> Option<DateTime<Utc>> {
    let mut last = None;
    for run in runs.overlapping() {
        last = Some(run.ended?).max(last);
    }
    last
}
