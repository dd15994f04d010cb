//! The runs of a meeting, with what is known of each.

use chrono::{DateTime, Utc};

use super::{Assessment, InstanceSpan};
use crate::domain::connection::{Connection, Source};

/// One run, as far as its times are known.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Run {
    pub(super) started: Option<DateTime<Utc>>,
    /// The actual end; for a run whose end nobody told us, the start of the next one.
    pub(super) ended: Option<DateTime<Utc>>,
    /// The actual end, where Zoom told it.
    pub(super) told_end: Option<DateTime<Utc>>,
    /// Whether any of it may lie in the planned window.
    pub(super) overlaps: bool,
    /// Whether Zoom's report of it has been read to the last page.
    pub(super) report_complete: bool,
    /// Whether that report has anybody in it.
    pub(super) has_report_rows: bool,
}

/// All runs, in the order of their UUIDs.
#[derive(Debug)]
pub(super) struct Runs<'a> {
    uuids: Vec<&'a str>,
    runs: Vec<Run>,
}

impl<'a> Runs<'a> {
    pub(super) fn new(a: &Assessment<'a>) -> Self {
        let mut spans: Vec<&InstanceSpan> = a.instances.iter().collect();
        spans.sort_by_key(|span| span.uuid.as_str());
        let run = |span: &&InstanceSpan| {
            let ended = span.ended.or_else(|| next_start(a, span.started?));
            let overlaps = span.started.is_none_or(|start| start < a.planned_end)
                && ended.is_none_or(|end| end > a.planned_start);
            Run {
                started: span.started,
                ended,
                told_end: span.ended,
                overlaps,
                report_complete: span.report_complete,
                has_report_rows: false,
            }
        };
        let runs = spans.iter().map(run).collect();
        let mut found = Self { uuids: spans.iter().map(|span| span.uuid.as_str()).collect(), runs };
        for connection in a.connections.iter().filter(|c| c.source == Source::Report) {
            if let Some(run) = found.place(connection).and_then(|place| found.runs.get_mut(place)) {
                run.has_report_rows = true;
            }
        }
        found
    }

    fn place(&self, connection: &Connection) -> Option<usize> {
        self.uuids.binary_search(&connection.instance.as_str()).ok()
    }

    /// The run a connection belongs to; `None` for a run we were never told of.
    pub(super) fn of(&self, connection: &Connection) -> Option<Run> {
        self.place(connection).and_then(|place| self.runs.get(place)).copied()
    }

    /// The runs that matter to the planned window.
    pub(super) fn overlapping(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| run.overlaps)
    }

    /// Whether a report may still come or grow.
    pub(super) fn await_reports(&self) -> bool {
        self.overlapping().next().is_none() || self.overlapping().any(|run| !run.report_complete)
    }

    /// Whether no run of the meeting is known at all.
    pub(super) fn is_silent(&self) -> bool {
        self.runs.is_empty()
    }
}

/// The start of the first run after that one; a meeting runs once at a time.
fn next_start(a: &Assessment<'_>, start: DateTime<Utc>) -> Option<DateTime<Utc>> {
    a.instances.iter().filter_map(|span| span.started).filter(|next| *next > start).min()
}
