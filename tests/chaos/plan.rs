//! What a seed decides: everything that callers do, that goes wrong, and that happens in class.
//!
//! The plan is the same for the same seed. What becomes of it is not: the daemon, the network and the machine have
//! times of their own, which is the point.

use std::time::Duration;

use convened::sandbox::mischief::Mischief;
use convened::sandbox::timetable::{Offset, Timetable};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::lesson;
use crate::weather::{self, Kill, Squall};

/// Zones that bookings are made in, with and without summer time, also beyond UTC+12.
const ZONES: [&str; 5] = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati"];
/// Hosts that a caller has; the last is let go in the course of some plans.
pub(crate) const HOSTS: usize = 3;
/// Groups that a caller has; the last is dissolved in the course of some plans.
pub(crate) const GROUPS: usize = 2;
/// Half hours that bookings begin at: few enough to clash.
const SLOTS: i64 = 60;

/// One day in the life of the daemon.
pub(crate) struct Plan {
    pub(crate) pro: bool,
    /// Minutes before midnight UTC at which the day begins: daily limits end soon.
    pub(crate) minutes_to_midnight: i64,
    pub(crate) list_lag_secs: u32,
    pub(crate) single_token: bool,
    pub(crate) webhooks: Mischief,
    pub(crate) callers: Vec<Vec<Turn>>,
    pub(crate) lessons: Vec<Timetable>,
    pub(crate) squalls: Vec<Squall>,
    pub(crate) kills: Vec<Kill>,
}

/// One thing a caller does, after a pause.
pub(crate) struct Turn {
    pub(crate) pause: Duration,
    pub(crate) act: Act,
}

/// What callers do. `of` chooses among the caller's own bookings.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Book(Wish),
    /// The same hour and host twice, at the same time.
    Twins(Wish),
    Move {
        of: usize,
        slot: i64,
    },
    Rename {
        of: usize,
    },
    Stretch {
        of: usize,
        minutes: i64,
    },
    /// Title and length by two requests at the same time, and the length once more right after.
    Hurry {
        of: usize,
        minutes: i64,
        again: i64,
    },
    Cancel {
        of: usize,
    },
    /// Three days in a row.
    Series(Wish),
    /// This one and those of its series that follow.
    CancelRest {
        of: usize,
    },
    /// An edit and a cancel at the same time.
    CancelAmidEdit {
        of: usize,
    },
    Confirm {
        of: usize,
    },
    /// The last host leaves.
    LetHostGo,
    /// The last group ends.
    Dissolve,
    /// A group gets another member, or loses one.
    Regroup {
        group: usize,
        members: usize,
    },
}

/// A booking to be made.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) host: Who,
    pub(crate) slot: i64,
    pub(crate) minutes: i64,
    pub(crate) zone: &'static str,
    /// As wall time in the zone, else as an instant.
    pub(crate) wall: bool,
    pub(crate) requested: bool,
    pub(crate) on_conflict: &'static str,
    pub(crate) wait_secs: Option<u8>,
    /// Sent once more with its key after it was answered.
    pub(crate) repeated: bool,
}

/// Who is to host a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Host(usize),
    Group(usize),
    Pool,
}

impl Plan {
    /// Draws the plan of a seed.
    pub(crate) fn draw(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let rng = &mut rng;
        let callers = (0..rng.random_range(2..=3)).map(|_| turns(rng)).collect();
        let chance = |rng: &mut StdRng, most: f64| {
            if rng.random_bool(0.6) { rng.random_range(0.0..most) } else { 0.0 }
        };
        Self {
            pro: rng.random_bool(0.3),
            minutes_to_midnight: rng.random_range(25..50),
            list_lag_secs: if rng.random_bool(0.5) { rng.random_range(10..300) } else { 0 },
            single_token: rng.random_bool(0.3),
            webhooks: Mischief {
                seed,
                drop: chance(rng, 0.3),
                double: chance(rng, 0.4),
                shuffle: chance(rng, 0.6),
                delay: chance(rng, 0.3),
                delay_up_to: Offset(rng.random_range(30..400)),
                lose: Vec::new(),
            },
            callers,
            lessons: (0..rng.random_range(1..=2)).map(|_| lesson::draw(rng)).collect(),
            squalls: weather::squalls(rng),
            kills: weather::kills(rng),
        }
    }
}

fn turns(rng: &mut StdRng) -> Vec<Turn> {
    let count = rng.random_range(10..=18);
    (0..count)
        .map(|index| {
            let act = if index < 3 { Act::Book(wish(rng)) } else { act(rng) };
            Turn { pause: Duration::from_millis(rng.random_range(0..200)), act }
        })
        .collect()
}

fn act(rng: &mut StdRng) -> Act {
    let of = rng.random_range(0..1_000);
    let minutes = |rng: &mut StdRng| rng.random_range(10..100);
    match rng.random_range(0..100) {
        0..24 => Act::Book(wish(rng)),
        24..28 => Act::Series(Wish { requested: false, on_conflict: "reject", ..wish(rng) }),
        28..30 => Act::CancelRest { of },
        30..35 => Act::Twins(wish(rng)),
        35..48 => Act::Move { of, slot: rng.random_range(0..SLOTS) },
        48..56 => Act::Rename { of },
        56..63 => Act::Stretch { of, minutes: minutes(rng) },
        63..72 => Act::Hurry { of, minutes: minutes(rng), again: minutes(rng) },
        72..80 => Act::Cancel { of },
        80..85 => Act::CancelAmidEdit { of },
        85..92 => Act::Confirm { of },
        92..95 => Act::LetHostGo,
        95..97 => Act::Dissolve,
        _ => Act::Regroup { group: rng.random_range(0..GROUPS), members: rng.random_range(1..4) },
    }
}

fn wish(rng: &mut StdRng) -> Wish {
    let host = match rng.random_range(0..10) {
        0..5 => Who::Host(rng.random_range(0..HOSTS)),
        5..8 => Who::Group(rng.random_range(0..GROUPS)),
        _ => Who::Pool,
    };
    Wish {
        host,
        slot: rng.random_range(0..SLOTS),
        minutes: rng.random_range(10..90),
        zone: ZONES.get(rng.random_range(0..ZONES.len())).copied().unwrap_or("UTC"),
        wall: rng.random_bool(0.3),
        requested: rng.random_bool(0.2),
        on_conflict: ["reject", "reject", "reassign", "allow"]
            .get(rng.random_range(0..4))
            .copied()
            .unwrap_or("reject"),
        wait_secs: rng.random_bool(0.3).then(|| rng.random_range(1..=3)),
        repeated: rng.random_bool(0.3),
    }
}
