//! Where things lie on the drawing of a mark: pure geometry, from times to places.
//!
//! The axis shows the planned time with a margin, wider where there is something to see, but never so wide that the
//! meeting becomes a point: somebody in the room at night is cut off at the edge, and the table says when.

use chrono::{DateTime, TimeDelta, Utc};

use super::account::{Account, Phase};
use super::clock_face::{ClockFace, clean};
use super::words;
use crate::domain::attendance::{ConnectionEvidence, CountedTime, Evidence};
use crate::domain::connection::{Room, Source};
use crate::domain::interval::{Interval, IntervalSet};

/// The drawing's width, in its own units.
pub(super) const WIDTH: f64 = 960.0;
/// Where the axis begins: labels stand before it.
pub(super) const LEFT: f64 = 176.0;
/// Where it ends.
pub(super) const RIGHT: f64 = 944.0;
/// Rows of connections that are drawn; the table has all.
pub(super) const ROWS_MAX: usize = 24;
/// Marks on the axis, at most.
const TICKS_MAX: i64 = 10;
/// What may lie between two marks, in seconds: round on a clock.
const STEPS: [i64; 10] = [60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800];

/// What a bar shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The planned time.
    Planned,
    /// The time that attendance is measured by.
    Window,
    /// A host's time.
    Host,
    /// Counted time of a connection.
    Counted,
    /// Time that does not count.
    Uncounted,
    /// Before the door.
    Waiting,
    /// All counted time, united.
    Total,
}

/// A piece of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bar {
    pub(super) kind: Kind,
    pub(super) x: f64,
    pub(super) width: f64,
    /// What it is, in words.
    pub(super) title: String,
    /// It goes on beyond the left edge, beyond the right edge.
    pub(super) cut: (bool, bool),
}

/// A row with its bars.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Empty for a further lane of the row before.
    pub(super) label: String,
    pub(super) bars: Vec<Bar>,
}

/// A mark on the axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) x: f64,
    pub(super) label: String,
}

/// The drawing, before it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart {
    pub(super) ticks: Vec<Tick>,
    pub(super) rows: Vec<Row>,
    /// The counted time, through all rows.
    pub(super) window: (f64, f64),
    /// Rows that were left out.
    pub(super) left_out: usize,
    pub(super) zone: String,
}

/// Lays everything out.
pub(super) fn lay_out(account: &Account) -> Chart {
    let evidence = &account.facts.evidence;
    let clock = words::clock(account);
    let stays = stays(account);
    let hosts: Vec<(String, IntervalSet)> =
        account.hosts.iter().map(|host| (clean(&host.name), host_time(&host.evidence, account))).collect();
    let axis = Axis::over(evidence, &stays, &hosts);
    let window = evidence.window.interval();
    let mut rows = vec![
        Row {
            label: "planned".to_owned(),
            bars: axis.bars(Kind::Planned, [evidence.planned], "planned", &clock),
        },
        Row {
            label: "counted from–to".to_owned(),
            bars: axis.bars(Kind::Window, [window], "measured", &clock),
        },
    ];
    for (name, time) in hosts {
        let label = format!("host: {}", short(&name));
        rows.push(Row { label, bars: axis.bars(Kind::Host, time.as_slice().iter().copied(), &name, &clock) });
    }
    let (mut lanes, left_out) = lanes(&stays, &axis, &clock);
    rows.append(&mut lanes);
    let counted = match evidence.arithmetic.counted_time {
        CountedTime::Attended => &evidence.attended,
        CountedTime::Together => &evidence.together,
    };
    let total = counted.as_slice().iter().copied();
    rows.push(Row { label: "counted".to_owned(), bars: axis.bars(Kind::Total, total, "counted", &clock) });
    Chart {
        ticks: axis.ticks(&clock),
        rows,
        window: (axis.x(window.start), axis.x(window.end)),
        left_out,
        zone: clock.zone(evidence.planned.start),
    }
}

fn short(name: &str) -> String {
    match name.char_indices().nth(18) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default().trim_end()),
        None => name.to_owned(),
    }
}

/// A stretch of somebody's time with what it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stay {
    source: Source,
    room: Room,
    kind: Kind,
    time: Interval,
}

/// All stretches of the person's connections: counted parts, parts that do not count, waiting.
pub(super) fn stays(account: &Account) -> Vec<Stay> {
    let evidence = &account.facts.evidence;
    let window = evidence.window.interval();
    let open_end = open_end(account);
    let mut stays = Vec::new();
    for c in evidence.connections.iter().filter(|c| c.room != Room::Waiting) {
        let Some(time) = time_of(c, open_end) else { continue };
        let stay = |kind, time| Stay { source: c.source, room: c.room, kind, time };
        let whole = IntervalSet::from_iter([time]);
        let counted = if c.counted { whole.clip(&window) } else { IntervalSet::default() };
        stays.extend(counted.as_slice().iter().map(|time| stay(Kind::Counted, *time)));
        stays.extend(whole.subtract(&counted).as_slice().iter().map(|time| stay(Kind::Uncounted, *time)));
    }
    let waits = waits(&evidence.connections, open_end);
    stays.extend(waits.into_iter().map(|(source, time)| Stay {
        source,
        room: Room::Waiting,
        kind: Kind::Waiting,
        time,
    }));
    stays
}

/// Where what has no end is drawn to.
fn open_end(account: &Account) -> DateTime<Utc> {
    match account.lesson.phase {
        Phase::Running => account.as_of,
        _ => account.facts.evidence.planned.end,
    }
}

fn time_of(c: &ConnectionEvidence, open_end: DateTime<Utc>) -> Option<Interval> {
    // A button that was pressed once says nothing of a time.
    let end = || c.left.or((c.source != Source::App).then_some(open_end));
    let told = || Some(Interval::new(c.joined?, end()?));
    c.taken_as.or_else(told).filter(|time| !time.is_empty())
}

/// The waiting-room rows as stretches: a step in and the next step out, or the next join, belong together.
fn waits(connections: &[ConnectionEvidence], open_end: DateTime<Utc>) -> Vec<(Source, Interval)> {
    let waiting = || connections.iter().filter(|c| c.room == Room::Waiting);
    let mut waits: Vec<(Source, Interval)> =
        waiting().filter_map(|c| Some((c.source, Interval::new(c.joined?, c.left?)))).collect();
    let outs: Vec<DateTime<Utc>> = waiting().filter(|c| c.joined.is_none()).filter_map(|c| c.left).collect();
    let inside = connections.iter().filter(|c| c.room != Room::Waiting && c.source != Source::App);
    let joins = inside.filter_map(|c| c.joined);
    let ends: Vec<DateTime<Utc>> = outs.into_iter().chain(joins).collect();
    for c in waiting().filter(|c| c.left.is_none()) {
        let Some(joined) = c.joined else { continue };
        let end = ends.iter().copied().filter(|end| *end >= joined).min().unwrap_or(open_end);
        waits.push((c.source, Interval::new(joined, end)));
    }
    waits.retain(|(_, time)| !time.is_empty());
    waits
}

/// A host's time in the meeting, inside the counted time or not.
fn host_time(evidence: &Evidence, account: &Account) -> IntervalSet {
    let open_end = open_end(account);
    let counts = |c: &&ConnectionEvidence| c.room != Room::Waiting && (c.counted || c.taken_as.is_some());
    evidence.connections.iter().filter(counts).filter_map(|c| time_of(c, open_end)).collect()
}

/// Rows of stretches: one for each source and room, and more where several overlap.
fn lanes(stays: &[Stay], axis: &Axis, clock: &ClockFace) -> (Vec<Row>, usize) {
    let mut kinds: Vec<(Source, Room)> = stays.iter().map(|stay| (stay.source, stay.room)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut rows = Vec::new();
    for (source, room) in kinds {
        let mut of_kind: Vec<&Stay> =
            stays.iter().filter(|stay| (stay.source, stay.room) == (source, room)).collect();
        of_kind.sort_by_key(|stay| (stay.time.start, stay.time.end));
        let mut lanes: Vec<(DateTime<Utc>, Vec<Bar>)> = Vec::new();
        for stay in of_kind {
            let bars = axis.bars(stay.kind, [stay.time], &label(source, room), clock);
            match lanes.iter_mut().find(|(end, _)| *end <= stay.time.start) {
                Some((end, lane)) => {
                    *end = stay.time.end;
                    lane.extend(bars);
                }
                None => lanes.push((stay.time.end, bars)),
            }
        }
        for (place, (_, bars)) in lanes.into_iter().enumerate() {
            rows.push(Row { label: if place == 0 { label(source, room) } else { String::new() }, bars });
        }
    }
    let left_out = rows.len().saturating_sub(ROWS_MAX);
    rows.truncate(ROWS_MAX);
    (rows, left_out)
}

/// Who says so, and where.
pub(super) fn label(source: Source, room: Room) -> String {
    format!("{} · {}", source_word(source), room_word(room))
}

pub(super) fn source_word(source: Source) -> &'static str {
    match source {
        Source::Webhook => "Zoom live",
        Source::Report => "Zoom's report",
        Source::App => "button pressed",
        Source::Hand => "by hand",
    }
}

pub(super) fn room_word(room: Room) -> &'static str {
    match room {
        Room::Main => "meeting",
        Room::Breakout => "breakout",
        Room::Waiting => "waiting room",
    }
}

/// From times to places.
#[derive(Debug, Clone, Copy)]
struct Axis {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Axis {
    fn over(evidence: &Evidence, stays: &[Stay], hosts: &[(String, IntervalSet)]) -> Self {
        let planned = evidence.planned;
        let length = planned.length().max(TimeDelta::minutes(1));
        let (margin, margin_max) = (length / 20, (length / 2).max(TimeDelta::minutes(15)));
        let of_hosts = hosts.iter().flat_map(|(_, time)| time.as_slice().iter().copied());
        let (mut from, mut to) = (planned.start, planned.end);
        let widest = Interval::new(planned.start - margin_max, planned.end + margin_max);
        let near = |time: &Interval| time.overlaps(&widest);
        for time in stays.iter().map(|stay| stay.time).chain(of_hosts).filter(near) {
            from = from.min(time.start);
            to = to.max(time.end);
        }
        Self {
            from: (from - margin).max(widest.start),
            to: (to + margin).min(widest.end).max(widest.start + length),
        }
    }

    fn x(&self, at: DateTime<Utc>) -> f64 {
        let whole = (self.to - self.from).num_milliseconds().max(1) as f64;
        let part = (at - self.from).num_milliseconds() as f64;
        round(LEFT + (RIGHT - LEFT) * (part / whole).clamp(0.0, 1.0))
    }

    fn bars(
        &self,
        kind: Kind,
        times: impl IntoIterator<Item = Interval>,
        what: &str,
        clock: &ClockFace,
    ) -> Vec<Bar> {
        let bar = |time: Interval| {
            let (x, end) = (self.x(time.start), self.x(time.end));
            let span = format!("{}–{}", clock.second(time.start), clock.second(time.end));
            Bar {
                kind,
                // What is shorter than a hair is still to be seen.
                width: round((end - x).max(1.5)),
                x: x.min(RIGHT - 1.5),
                title: format!("{what}: {span}{}", remark(kind)),
                cut: (time.start < self.from, time.end > self.to),
            }
        };
        times.into_iter().filter(|time| !time.is_empty()).map(bar).collect()
    }

    fn ticks(&self, clock: &ClockFace) -> Vec<Tick> {
        let span = (self.to - self.from).num_seconds();
        let step = STEPS.into_iter().find(|step| span / step <= TICKS_MAX).unwrap_or(86_400);
        let to_round = (-clock.wall_seconds(self.from)).rem_euclid(step);
        let first = self.from + TimeDelta::seconds(to_round);
        (0..=TICKS_MAX)
            .map(|count| first + TimeDelta::seconds(step * count))
            .take_while(|at| *at <= self.to)
            .map(|at| Tick { x: self.x(at), label: clock.tick(at) })
            .collect()
    }
}

fn remark(kind: Kind) -> &'static str {
    match kind {
        Kind::Counted | Kind::Total => " (counts)",
        Kind::Uncounted | Kind::Waiting => " (does not count)",
        Kind::Planned | Kind::Window | Kind::Host => "",
    }
}

/// A tenth of a unit is finer than anybody sees, and the same on every machine.
fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}
