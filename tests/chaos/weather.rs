//! What goes wrong: the faults between the daemon and Zoom, and when the daemon is killed.

use std::time::Duration;

use convened::sandbox::faults::{Fault, FaultRule, LimitKind};
use rand::RngExt;
use rand::rngs::StdRng;

/// How long actions and faults go on, in real time.
pub(crate) const STORM: Duration = Duration::from_millis(2_500);

/// The longest that a request is held: longer than the daemon waits for its answer, and with a list's lag shorter than
/// it looks for the meeting that may come of it.
const DELAY_MILLIS_MAX: u64 = 1_000;

const CREATE: &str = "POST /users/{userId}/meetings";
const UPDATE: &str = "PATCH /meetings/{meetingId}";
const DELETE: &str = "DELETE /meetings/{meetingId}";
const READ: &str = "GET /meetings/{meetingId}";
const LIST: &str = "GET /users/{userId}/meetings";
const REGISTER: &str = "POST /meetings/{meetingId}/registrants";
const TOKEN: &str = "POST /oauth/token";
const EVERYTHING: &str = "*";

/// A fault that stands for a while.
#[derive(Debug, Clone)]
pub(crate) struct Squall {
    pub(crate) at: Duration,
    pub(crate) rule: FaultRule,
    /// Taken away after so long, else at the end of the storm.
    pub(crate) lasts: Option<Duration>,
}

/// A `kill -9` and a start.
#[derive(Debug, Clone)]
pub(crate) struct Kill {
    pub(crate) at: Duration,
    pub(crate) moment: Moment,
    /// How long the daemon is down.
    pub(crate) down: Duration,
}

/// The instant of a kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Whatever it is doing.
    Whenever,
    /// The next request of this kind has arrived at Zoom and is being worked on: it will be done, and nobody hears.
    DuringRequest(&'static str),
}

/// Draws the faults of a day.
pub(crate) fn squalls(rng: &mut StdRng) -> Vec<Squall> {
    let count = rng.random_range(5..=11);
    let mut squalls: Vec<Squall> = (0..count).map(|_| squall(rng)).collect();
    // Two of these for the same meeting would be believed, and rightly so.
    let endpoint = pick(rng, &[UPDATE, READ, DELETE]);
    squalls.push(few(rng, endpoint, 1, Fault::FalseNotFound));
    if rng.random_bool(0.5) {
        // Several could add up to a request that arrives after the last look for it.
        let (endpoint, millis) =
            (pick(rng, &[CREATE, UPDATE, DELETE, "GET", EVERYTHING]), rng.random_range(20..DELAY_MILLIS_MAX));
        squalls.push(few(rng, endpoint, 3, Fault::Delay { millis }));
    }
    squalls
}

fn squall(rng: &mut StdRng) -> Squall {
    let write = pick(rng, &[CREATE, CREATE, UPDATE, DELETE]);
    let anything = pick(rng, &[CREATE, UPDATE, DELETE, READ, LIST, "GET", EVERYTHING]);
    let (change, down) = (pick(rng, &[CREATE, UPDATE]), pick(rng, &[EVERYTHING, TOKEN]));
    let status = [500, 502, 503, 504].get(rng.random_range(0..4)).copied().unwrap_or(500);
    let times = rng.random_range(1..=4);
    match rng.random_range(0..16) {
        0..3 => few(rng, write, times, Fault::LoseAnswer),
        3 => few(rng, anything, times, Fault::LoseRequest),
        4 => few(rng, write, times, Fault::ErrorAfter { status }),
        5 => few(rng, anything, times, Fault::ErrorBefore { status }),
        6 => few(rng, anything, times, Fault::HtmlGateway),
        7 => few(rng, anything, times, Fault::RateLimit { limit: LimitKind::PerSecond }),
        8 => few(rng, write, 1, Fault::RateLimit { limit: LimitKind::Daily }),
        9 => few(rng, change, 1, Fault::RateLimit { limit: LimitKind::Host }),
        10 => few(rng, anything, times, Fault::RateLimit { limit: LimitKind::Lock }),
        11 => few(rng, REGISTER, times, Fault::RateLimit { limit: LimitKind::Registrant }),
        12 => few(rng, anything, times, Fault::TokenExpired),
        13 => few(rng, anything, times, Fault::TokenInvalid),
        14 => spell(rng, EVERYTHING, Fault::CredentialsRevoked),
        _ => spell(rng, down, Fault::LoseRequest),
    }
}

/// A fault that strikes a few times.
fn few(rng: &mut StdRng, endpoint: &str, count: u32, fault: Fault) -> Squall {
    let rule = FaultRule {
        endpoint: endpoint.to_owned(),
        count: Some(count),
        skip: rng.random_range(0..3),
        probability: if rng.random_bool(0.5) { 1.0 } else { 0.4 },
        fault,
    };
    Squall { at: instant(rng), rule, lasts: None }
}

/// A fault that strikes always, for a while.
fn spell(rng: &mut StdRng, endpoint: &str, fault: Fault) -> Squall {
    let rule = FaultRule { endpoint: endpoint.to_owned(), count: None, skip: 0, probability: 1.0, fault };
    Squall { at: instant(rng), rule, lasts: Some(Duration::from_millis(rng.random_range(100..800))) }
}

/// Draws the kills of a day.
pub(crate) fn kills(rng: &mut StdRng) -> Vec<Kill> {
    let count = rng.random_range(0..=3);
    let mut kills: Vec<Kill> = (0..count)
        .map(|_| Kill {
            at: instant(rng),
            moment: match rng.random_range(0..5) {
                0..2 => Moment::Whenever,
                2 => Moment::DuringRequest(UPDATE),
                3 => Moment::DuringRequest(DELETE),
                _ => Moment::DuringRequest(CREATE),
            },
            down: Duration::from_millis(rng.random_range(0..400)),
        })
        .collect();
    kills.sort_by_key(|kill| kill.at);
    kills
}

fn instant(rng: &mut StdRng) -> Duration {
    STORM.mul_f64(rng.random_range(0.0..1.0))
}

fn pick<'a>(rng: &mut StdRng, among: &[&'a str]) -> &'a str {
    among.get(rng.random_range(0..among.len())).copied().unwrap_or(EVERYTHING)
}
