//! Evenings as they happen, and the webhooks and reports that Zoom would send of them.
//!
//! A [`Play`] is the truth together with what of it was lost on the way. [`Play::events`] and [`Play::report`] tell it
//! the way Zoom would; `oracle` reads the marks off a grid of ticks.

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::person;
use crate::domain::attendance::{InstanceSpan, RosterPerson};
use crate::domain::connection::{Connection, Room, Source};
use crate::domain::events::{ConnectionKey, EventKind, MeetingRef, ParticipantEvent, ZoomEvent};

/// How long a tick is. Everything happens on a tick, so that a grid of ticks loses nothing of a grid of seconds, and
/// ten thousand evenings can be played in a breath.
pub(super) const TICK_SECS: i64 = 5;
/// The plan, in ticks: 20 minutes in an evening of 50.
pub(super) const PLAN: std::ops::Range<i64> = 180..420;
/// The last tick of the evening.
const LAST: i64 = 600;
/// The present.
pub(super) const AS_OF: i64 = 800;
/// Who is expected, the host first; the last is nobody we know.
pub(super) const NAMES: [&str; 5] = ["Host", "Ann", "Ben", "Cleo", "iPhone"];
pub(super) const STRANGER: usize = 4;

pub(super) fn tick(tick: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_768_471_200 + tick * TICK_SECS, 0).unwrap()
}

/// What of a visit never arrived. Only of visits without waiting rooms and breakout rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    Nothing,
    Join,
    Leave,
    /// Nothing was lost, but the leave came under another id than the join.
    Thread,
}

/// What one device did in one run, as times in order; equal times leave a phase out.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) who: usize,
    pub(super) run: usize,
    pub(super) arrive: i64,
    pub(super) admitted: i64,
    pub(super) sent_out: i64,
    pub(super) back_in: i64,
    pub(super) breakout: i64,
    pub(super) breakout_end: i64,
    /// As told: possibly after the end of the run.
    pub(super) leave: i64,
    pub(super) lost: Lost,
    /// By what the person is recognised.
    identity: u8,
    /// Without `participant_uuid`, as before 2023.
    old_ids: bool,
    /// The stay in the meeting goes on while they are in a breakout room.
    pub(super) overlapping: bool,
}

/// One evening.
#[derive(Debug, Clone)]
pub(super) struct Play {
    pub(super) runs: Vec<(i64, i64)>,
    /// Whether Zoom told the end of a run.
    pub(super) told_end: Vec<bool>,
    /// Whether Zoom's report of a run was read.
    pub(super) reported: Vec<bool>,
    pub(super) visits: Vec<Visit>,
}

/// Any evening: one to three runs, up to a dozen visits, two devices of a person at once among them. Without reports
/// everything may be lost that can be lost; with them every run has one.
pub(super) fn play(reports: bool) -> impl Strategy<Value = Play> {
    let visit = (0..NAMES.len(), 0_usize..3, proptest::array::uniform7(0_u16..), any::<u32>());
    let times = proptest::collection::vec(0..LAST, 2..=6);
    (times, any::<u8>(), proptest::collection::vec(visit, 0..12))
        .prop_map(move |(times, ends, visits)| play_of(times, ends, visits, reports))
}

/// The evening of that number: as [`play`] has it, without a way back to a simpler one, and forty times faster.
pub(super) fn numbered_play(number: u64, reports: bool) -> Play {
    // Steele and others' SplitMix64.
    let mut state = number;
    let mut draw = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    };
    let times = (0..2 + draw() % 5).map(|_| (draw() % LAST.unsigned_abs()).cast_signed()).collect();
    let ends = draw() as u8;
    let visits = (0..draw() % 12)
        .map(|_| {
            let (who, run) = ((draw() % NAMES.len() as u64) as usize, (draw() % 3) as usize);
            (who, run, std::array::from_fn(|_| draw() as u16), draw() as u32)
        })
        .collect();
    play_of(times, ends, visits, reports)
}

fn play_of(mut times: Vec<i64>, ends: u8, visits: Vec<(usize, usize, [u16; 7], u32)>, reports: bool) -> Play {
    times.sort_unstable();
    times.dedup();
    times.push(LAST + 1);
    let runs: Vec<(i64, i64)> = times.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    // The end of most runs is told; of those that had a report, always.
    let told_end: Vec<bool> = (0..runs.len()).map(|run| reports || ends & (3 << (2 * run)) != 0).collect();
    let visits = visits.into_iter().map(|(who, run, moments, shape)| {
        let run = run % runs.len();
        visit_in(who, run, runs[run], told_end[run], moments, shape)
    });
    Play { visits: visits.collect(), reported: vec![reports; runs.len()], told_end, runs }
}

fn visit_in(
    who: usize,
    run: usize,
    (start, end): (i64, i64),
    told_end: bool,
    moments: [u16; 7],
    shape: u32,
) -> Visit {
    let mut times = moments.map(|part| start + (end - start) * i64::from(part) / i64::from(u16::MAX));
    times.sort_unstable();
    let [arrive, admitted, sent_out, back_in, breakout, breakout_end, leave] = times;
    // Each bit of `shape` keeps or leaves out one phase.
    let bit = |place: u32| shape & (1 << place) != 0;
    let keep = |place: u32, from: i64, to: i64| if bit(place) { to } else { from };
    let plain = shape & 7 == 0;
    let lost = match (plain, (shape >> 3) & 3) {
        (true, 1) => Lost::Join,
        (true, 2) => Lost::Leave,
        (true, 3) => Lost::Thread,
        _ => Lost::Nothing,
    };
    // The app was killed by the end of the meeting, and its leave is told later than that.
    let late = if told_end && lost == Lost::Nothing && bit(5) && bit(6) { end - leave + 14 } else { 0 };
    Visit {
        who,
        run,
        arrive,
        admitted: keep(0, arrive, admitted),
        sent_out,
        back_in: keep(1, sent_out, back_in),
        breakout,
        breakout_end: keep(2, breakout, breakout_end),
        leave: leave + late,
        lost,
        identity: ((shape >> 8) % 5) as u8,
        old_ids: bit(12),
        overlapping: bit(13),
    }
}

impl Visit {
    /// What every event and row about this visit shows of the person.
    fn shown(&self, key: &str, number: &str, at: i64) -> ParticipantEvent {
        let name = NAMES[self.who];
        let mut shown = ParticipantEvent {
            participant_uuid: (!self.old_ids).then(|| key.to_owned()),
            user_id: Some(if self.old_ids { key.to_owned() } else { number.to_owned() }),
            at: Some(tick(at)),
            ..ParticipantEvent::default()
        };
        match self.identity {
            _ if self.who == STRANGER => name.clone_into(&mut shown.name),
            0 => shown.registrant_id = Some(format!("registrant-{name}")),
            1 => shown.zoom_user_id = Some(format!("account-{name}")),
            2 => shown.email = Some(format!("{name}@School.example")),
            3 => shown.customer_key = Some(name.to_lowercase()),
            _ => shown.name = name.to_uppercase(),
        }
        shown.connection = ConnectionKey::new(
            shown.participant_uuid.as_deref(),
            shown.user_id.as_deref(),
            shown.zoom_user_id.as_deref(),
            &shown.name,
        );
        shown
    }

    /// The webhooks of this visit. A move into a breakout room and back makes a new connection of each stretch, and
    /// the number of a connection may differ between its join and its leave.
    fn events(&self, place: usize) -> Vec<(i64, EventKind)> {
        use EventKind as E;
        let p = |stretch: usize, number: usize, at: i64| {
            self.shown(&format!("device-{place}-{stretch}"), &format!("{place}-{stretch}-{number}"), at)
        };
        let mut told = vec![(self.arrive, E::JbhWaiting(p(0, 0, self.arrive)))];
        if self.admitted > self.arrive {
            told.push((self.arrive, E::WaitingJoined(p(0, 0, self.arrive))));
            told.push((self.admitted, E::Admitted(p(0, 0, self.admitted))));
            told.push((self.admitted, E::WaitingLeft(p(0, 0, self.admitted))));
        }
        if self.lost != Lost::Join {
            told.push((self.admitted, E::Joined(p(0, 0, self.admitted))));
        }
        if self.back_in > self.sent_out {
            told.push((self.sent_out, E::PutInWaiting(p(0, 0, self.sent_out))));
            told.push((self.back_in, E::Admitted(p(0, 0, self.back_in))));
        }
        let mut last = 0;
        if self.breakout_end > self.breakout {
            let moved = if self.overlapping { self.breakout_end } else { self.breakout };
            told.push((moved, E::Left(p(0, 1, moved))));
            told.push((self.breakout, E::BreakoutJoined(p(1, 0, self.breakout))));
            told.push((self.breakout_end, E::BreakoutLeft(p(1, 1, self.breakout_end))));
            told.push((self.breakout_end, E::Joined(p(2, 0, self.breakout_end))));
            last = 2;
        }
        match self.lost {
            Lost::Leave => {}
            Lost::Thread => told.push((self.leave, E::Left(p(9, 1, self.leave)))),
            Lost::Nothing | Lost::Join => told.push((self.leave, E::Left(p(last, 1, self.leave)))),
        }
        told
    }

    /// The rows of the report about this visit.
    fn rows(&self, place: usize, leave: i64) -> Vec<Connection> {
        let row = |stretch: usize, room, from: i64, to: i64| {
            let shown = self.shown("", "", from);
            let number = format!("{place}{stretch}");
            Connection {
                instance: format!("run-{}", self.run),
                key: format!("{number}@{from}"),
                room,
                source: Source::Report,
                participant_uuid: None,
                user_id: Some(number),
                zoom_user_id: shown.zoom_user_id,
                registrant_id: shown.registrant_id,
                customer_key: shown.customer_key,
                email: shown.email,
                name: shown.name,
                join_time: Some(tick(from)),
                leave_time: Some(tick(to)),
                leave_reason: None,
            }
        };
        let mut rows = vec![row(0, Room::Main, self.admitted, self.sent_out)];
        if self.admitted > self.arrive {
            rows.push(row(0, Room::Waiting, self.arrive, self.admitted));
        }
        if self.back_in > self.sent_out {
            rows.push(row(1, Room::Waiting, self.sent_out, self.back_in));
        }
        if self.breakout_end > self.breakout {
            let moved = if self.overlapping { self.breakout_end } else { self.breakout };
            rows.push(row(2, Room::Main, self.back_in, moved));
            rows.push(row(3, Room::Breakout, self.breakout, self.breakout_end));
            rows.push(row(4, Room::Main, self.breakout_end, leave));
        } else {
            rows.push(row(2, Room::Main, self.back_in, leave));
        }
        rows
    }
}

impl Play {
    pub(super) fn roster() -> Vec<RosterPerson> {
        let known = NAMES.iter().take(STRANGER);
        known
            .map(|name| RosterPerson {
                email: Some(format!("{name}@school.example")),
                zoom_user_id: Some(format!("account-{name}")),
                registrant_ids: vec![format!("registrant-{name}")],
                ..person(name, *name == "Host")
            })
            .collect()
    }

    pub(super) fn instances(&self) -> Vec<InstanceSpan> {
        let span = |(place, (start, end)): (usize, &(i64, i64))| InstanceSpan {
            uuid: format!("run-{place}"),
            started: Some(tick(*start)),
            ended: self.told_end[place].then(|| tick(*end)),
            report_complete: self.reported[place],
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
                events.push(ZoomEvent { name: String::new(), event_ts: Some(tick(at)), meeting, kind });
            }
        }
        events
    }

    /// Every row of the reports.
    pub(super) fn report(&self) -> Vec<Connection> {
        let rows = |(place, visit): (usize, &Visit)| {
            let leave = visit.leave.min(self.runs[visit.run].1);
            if self.reported[visit.run] { visit.rows(place, leave) } else { Vec::new() }
        };
        self.visits.iter().enumerate().flat_map(rows).collect()
    }
}
