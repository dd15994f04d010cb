//! The slow and obvious model: a class played out on a grid of seconds, and the webhooks it would have sent.
//!
//! A [`Play`] is the truth. [`Play::events`] tells it the way Zoom would; [`Play::expected`] reads the marks off the
//! grid, one second at a time, without intervals, keys or merging.

use proptest::prelude::*;

use super::person;
use crate::domain::attendance::{InstanceSpan, MarkStatus, RosterPerson};
use crate::domain::events::{ConnectionKey, EventKind, MeetingRef, ParticipantEvent, ZoomEvent};
use chrono::{DateTime, Utc};

/// The plan, in seconds: 20 minutes in an evening of 50.
pub(super) const PLAN: std::ops::Range<i64> = 900..2100;
const NAMES: [&str; 4] = ["Host", "Ann", "Ben", "Cleo"];

pub(super) fn second(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_768_471_200 + second, 0).unwrap()
}

/// What one device did in one run, as times in order; equal times leave a phase out.
#[derive(Debug, Clone)]
struct Visit {
    who: usize,
    run: usize,
    arrive: i64,
    admitted: i64,
    sent_out: i64,
    back_in: i64,
    breakout: i64,
    breakout_end: i64,
    leave: i64,
}

/// One evening.
#[derive(Debug, Clone)]
pub(super) struct Play {
    runs: Vec<(i64, i64)>,
    visits: Vec<Visit>,
}

/// What the grid says of one person.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) status: MarkStatus,
    pub(super) attended: i64,
    pub(super) score: i64,
}

/// Any evening: one or two runs, up to a dozen visits, two devices of a person at once among them.
pub(super) fn play() -> impl Strategy<Value = Play> {
    let runs = proptest::collection::vec(0_i64..3000, 2..=4).prop_map(|mut times| {
        times.sort_unstable();
        times.chunks_exact(2).map(|pair| (pair[0], pair[1] + 1)).collect::<Vec<_>>()
    });
    let visit = (0..NAMES.len(), 0_usize..2, proptest::array::uniform7(0.0..1.0_f64), 0_u8..8);
    (runs, proptest::collection::vec(visit, 0..12)).prop_map(|(runs, visits)| {
        let visits = visits.into_iter().map(|(who, run, moments, shape)| {
            let run = run % runs.len();
            visit_in(who, run, runs[run], moments, shape)
        });
        Play { visits: visits.collect(), runs }
    })
}

fn visit_in(who: usize, run: usize, (start, end): (i64, i64), moments: [f64; 7], shape: u8) -> Visit {
    let mut times = moments.map(|part| start + ((end - start) as f64 * part) as i64);
    times.sort_unstable();
    let [arrive, admitted, sent_out, back_in, breakout, breakout_end, leave] = times;
    // Each bit of `shape` keeps or leaves out one phase.
    let keep = |bit: u8, from: i64, to: i64| if shape & bit == 0 { from } else { to };
    Visit {
        who,
        run,
        arrive,
        admitted: keep(1, arrive, admitted),
        sent_out,
        back_in: keep(2, sent_out, back_in),
        breakout,
        breakout_end: keep(4, breakout, breakout_end),
        leave,
    }
}

impl Visit {
    fn inside(&self, t: i64) -> bool {
        (self.admitted..self.leave).contains(&t) && !(self.sent_out..self.back_in).contains(&t)
    }

    /// The webhooks of this visit. A move into a breakout room and back makes a new connection of each stretch.
    fn events(&self, place: usize) -> Vec<(i64, EventKind)> {
        use EventKind as E;
        let p = |stretch: usize, at: i64| {
            let key = format!("device-{place}-{stretch}");
            ParticipantEvent {
                connection: ConnectionKey::new(Some(&key), None, None, ""),
                participant_uuid: Some(key),
                name: NAMES[self.who].to_owned(),
                at: Some(second(at)),
                ..ParticipantEvent::default()
            }
        };
        let mut told = Vec::new();
        if self.admitted > self.arrive {
            told.push((self.arrive, E::WaitingJoined(p(0, self.arrive))));
            told.push((self.admitted, E::Admitted(p(0, self.admitted))));
            told.push((self.admitted, E::WaitingLeft(p(0, self.admitted))));
        }
        told.push((self.admitted, E::Joined(p(0, self.admitted))));
        if self.back_in > self.sent_out {
            told.push((self.sent_out, E::PutInWaiting(p(0, self.sent_out))));
            told.push((self.back_in, E::Admitted(p(0, self.back_in))));
        }
        let mut last = 0;
        if self.breakout_end > self.breakout {
            told.push((self.breakout, E::Left(p(0, self.breakout))));
            told.push((self.breakout, E::BreakoutJoined(p(1, self.breakout))));
            told.push((self.breakout_end, E::BreakoutLeft(p(1, self.breakout_end))));
            told.push((self.breakout_end, E::Joined(p(2, self.breakout_end))));
            last = 2;
        }
        told.push((self.leave, E::Left(p(last, self.leave))));
        told
    }
}

impl Play {
    pub(super) fn roster() -> Vec<RosterPerson> {
        NAMES.iter().map(|name| person(name, *name == "Host")).collect()
    }

    pub(super) fn instances(&self) -> Vec<InstanceSpan> {
        let span = |(place, (start, end)): (usize, &(i64, i64))| InstanceSpan {
            uuid: format!("run-{place}"),
            started: Some(second(*start)),
            ended: Some(second(*end)),
            report_complete: false,
        };
        self.runs.iter().enumerate().map(span).collect()
    }

    /// Every webhook about a participant, in the order of the evening.
    pub(super) fn events(&self) -> Vec<ZoomEvent> {
        let mut events = Vec::new();
        for (place, visit) in self.visits.iter().enumerate() {
            for (at, kind) in visit.events(place) {
                let uuid = Some(format!("run-{}", visit.run));
                let meeting = Some(MeetingRef { number: "1".to_owned(), uuid, host_id: None });
                events.push(ZoomEvent { name: String::new(), event_ts: Some(second(at)), meeting, kind });
            }
        }
        events
    }

    /// The window, by looking at every second.
    pub(super) fn window(&self) -> (i64, i64) {
        let in_lesson: Vec<_> =
            self.runs.iter().map(|(start, end)| *start < PLAN.end && *end > PLAN.start).collect();
        let host_inside = |t: i64| self.visits.iter().any(|v| v.who == 0 && in_lesson[v.run] && v.inside(t));
        let lessons =
            || self.runs.iter().zip(&in_lesson).filter(|(_, in_lesson)| **in_lesson).map(|(run, _)| run);
        let opened =
            (0..PLAN.end).find(|t| host_inside(*t)).or_else(|| lessons().map(|(start, _)| *start).min());
        let start = opened.map_or(PLAN.start, |at| at.max(PLAN.start));
        let end = lessons().map(|(_, end)| *end).max().map_or(PLAN.end, |at| at.min(PLAN.end));
        if start < end { (start, end) } else { (PLAN.start, PLAN.end) }
    }

    /// The marks of everybody, in the roster's order.
    pub(super) fn expected(&self) -> Vec<Expected> {
        let (start, end) = self.window();
        let window = end - start;
        (0..NAMES.len())
            .map(|who| {
                let inside = |t: &i64| self.visits.iter().any(|v| v.who == who && v.inside(*t));
                let attended = i64::try_from((start..end).filter(inside).count()).unwrap();
                let came = (start..end).find(inside);
                let status = match came {
                    None => MarkStatus::Absent,
                    Some(_) if attended < 900 && 2 * attended < window => MarkStatus::Partial,
                    Some(at) if at - start > 600 => MarkStatus::Late,
                    Some(_) => MarkStatus::Present,
                };
                let score = (attended as f64 * 1000.0 / window as f64 + 0.5).floor() as i64;
                Expected { status, attended, score }
            })
            .collect()
    }
}
