//! The loop that makes Zoom agree with a booking: what is the next step?
//!
//! [`next_step`] compares what is wanted with what is known and names one step; somebody performs it and tells
//! [`settle()`] what came of it, which gives what is known now. Both are pure. A step that may have happened
//! without our knowing (an answer lost, the process killed) is looked up before anything is repeated.

mod diff;
mod settle;
#[cfg(test)]
mod simulation;

use chrono::{DateTime, Duration, Utc};

pub use diff::{SpecChange, differences, is_echo};
pub use settle::settle;

use super::appointment::MeetingSpec;
use super::drift::{Difference, Drift};

/// What the caller wants of Zoom, and since which generation of the booking.
#[derive(Debug, Clone, PartialEq)]
pub enum Desired {
    /// One meeting.
    Meeting {
        /// The booking's generation that asks for it.
        generation: i64,
        /// What it should look like.
        spec: MeetingSpec,
        /// Who should host it.
        host: HostWanted,
    },
    /// No meeting.
    Nothing {
        /// The booking's generation that asks for it.
        generation: i64,
    },
}

impl Desired {
    /// The booking's generation.
    #[must_use]
    pub fn generation(&self) -> i64 {
        match self {
            Self::Meeting { generation, .. } | Self::Nothing { generation } => *generation,
        }
    }
}

/// The host of a meeting, as far as it is known. The key is the seat's: a Zoom user id or an e-mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostWanted {
    /// No seat yet: the booking waits in line.
    None,
    /// A seat, whose Zoom user id has to be asked for.
    Key(String),
    /// A seat and its Zoom user id.
    User {
        /// The seat's key.
        key: String,
        /// The Zoom user id.
        id: String,
    },
}

impl HostWanted {
    fn key(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Key(key) | Self::User { key, .. } => Some(key),
        }
    }
}

/// What is known of the meeting at Zoom. The row behind it is the truth; this is its shape for deciding.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Known {
    /// The Zoom meeting number, once there is one.
    pub number: Option<String>,
    /// The seat under which it was created.
    pub host_key: Option<String>,
    /// What Zoom said last, or was told since; `None` when that is uncertain.
    pub told: Option<MeetingSpec>,
    /// Where Zoom differed when that was last compared.
    pub drift: Drift,
    /// Somebody wants a look at what Zoom has: a sweep, a webhook, a person, or a change that has to be read back.
    pub look: bool,
    /// When Zoom was last looked at for such a wish.
    pub looked_at: Option<DateTime<Utc>>,
    /// The meeting runs.
    pub live: bool,
    /// The generation that Zoom agrees with.
    pub synced_generation: i64,
    /// A create that may have happened.
    pub create: Option<UnknownCreate>,
    /// When Zoom first said that the meeting is gone.
    pub gone_at: Option<DateTime<Utc>>,
    /// Failures for `tried_generation` since something was done for it, or it came to rest.
    pub attempts: i64,
    /// The generation that was last tried.
    pub tried_generation: i64,
    /// Nothing is tried before this.
    pub not_before: Option<DateTime<Utc>>,
}

/// A create whose answer nobody has.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownCreate {
    /// Under which Zoom user it was sent.
    pub host_id: String,
    /// That user's seat key.
    pub host_key: String,
    /// What was sent.
    pub spec: MeetingSpec,
    /// The generation it served.
    pub generation: i64,
    /// Since when the outcome is unknown.
    pub since: DateTime<Utc>,
    /// How often the host's meetings were looked through without finding it.
    pub looks: i64,
}

/// The waiting times of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Between two looks for a lost create; also covers a request that is still on its way and lists that lag.
    /// Between two looks that webhooks ask for, too: however many come, Zoom is asked once in this time.
    pub look_gap: Duration,
    /// Between the first "gone" and believing it (`sync.second_look`).
    pub second_look: Duration,
    /// The first back-off after a failure (`zoom.retry_min`).
    pub retry_min: Duration,
    /// The longest back-off (`zoom.retry_max`), and the first after a refusal. Of creates and changes that Zoom refuses
    /// or does not answer the waits go on doubling, up to a day.
    pub retry_max: Duration,
}

/// How many looks must find nothing before a lost create counts as not done. The first is at once, to adopt
/// quickly; the others come a [`Policy::look_gap`] apart.
pub const LOOKS_MIN: i64 = 3;

/// The next thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Zoom agrees.
    Rest,
    /// Nothing before this time.
    Wait(DateTime<Utc>),
    /// There is no host: wait in line for a seat.
    WaitForHost,
    /// The time has passed without a meeting: nothing can be created any more.
    TooLate,
    /// Ask Zoom for the host's user id.
    FindHost {
        /// The seat's key.
        key: String,
    },
    /// Look through the host's meetings for the marker.
    Look {
        /// The Zoom user whose meetings to list.
        host_id: String,
    },
    /// Create the meeting.
    Create {
        /// Under which Zoom user.
        host_id: String,
        /// That user's seat key.
        host_key: String,
        /// What to create.
        spec: MeetingSpec,
        /// The generation this serves.
        generation: i64,
    },
    /// Read the meeting: what Zoom has of it is uncertain.
    Read {
        /// The Zoom meeting number.
        number: String,
    },
    /// Change the fields that differ.
    Change {
        /// The Zoom meeting number.
        number: String,
        /// The fields that differ, and only those.
        change: SpecChange,
        /// The same fields with what Zoom has of them.
        fields: Vec<Difference>,
        /// The generation this serves.
        generation: i64,
    },
    /// Delete the meeting.
    Delete {
        /// The Zoom meeting number.
        number: String,
    },
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Created, or found by its marker.
    Created {
        /// The Zoom meeting number.
        number: String,
        /// What Zoom made of it, where it said so.
        told: Option<MeetingSpec>,
    },
    /// The host's meetings do not hold the marker.
    NotListed,
    /// The meeting as Zoom has it.
    Read {
        /// The fields that are ours.
        told: MeetingSpec,
    },
    /// Changed as asked.
    Changed,
    /// Deleted.
    Deleted,
    /// Zoom says there is no such meeting.
    Gone,
    /// The Zoom user was found (the caller puts the id into [`HostWanted`]).
    HostFound,
    /// Not done.
    Failed(Failure),
}

/// Why a step was not done, by what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Certainly not done, because nothing can be done at Zoom at present: no failure of this meeting's, so it
    /// costs it nothing. It stays due.
    Shut,
    /// Certainly not done; try again after a back-off.
    NotDone,
    /// May be done.
    Unknown,
    /// Not before this time (a daily limit).
    Until(DateTime<Utc>),
    /// Zoom refuses; repeating soon cannot help, so the longest back-off, and longer still each time.
    Refused,
    /// The host's Zoom user cannot host yet; whoever learns that they can lifts the wait.
    HostNotReady,
}

/// Names the next step. `now` is the present; nothing else is asked.
#[must_use]
pub fn next_step(desired: &Desired, known: &Known, now: DateTime<Utc>, policy: &Policy) -> Step {
    if let Some(until) = backing_off(desired, known, now) {
        return match look_meanwhile(desired, known, now, policy) {
            Some((number, due)) if due <= now => Step::Read { number },
            Some((_, due)) => Step::Wait(due.min(until)),
            None => Step::Wait(until),
        };
    }
    if let Some(create) = &known.create {
        let due = create.since + policy.look_gap * i32::try_from(create.looks).unwrap_or(i32::MAX);
        return if now < due { Step::Wait(due) } else { Step::Look { host_id: create.host_id.clone() } };
    }
    match (desired, &known.number) {
        (Desired::Nothing { .. }, None) => Step::Rest,
        (Desired::Nothing { .. }, Some(number)) => match second_look_due(known, policy) {
            Some(due) if now < due => Step::Wait(due),
            _ => Step::Delete { number: number.clone() },
        },
        (Desired::Meeting { generation, spec, host }, None) => create_step(*generation, spec, host, now),
        (Desired::Meeting { spec, .. }, Some(_)) if spec.end() <= now => Step::Rest,
        (Desired::Meeting { spec, host, .. }, Some(number)) => {
            keep_step(desired.generation(), spec, host, number, known, now, policy)
        }
    }
}

/// A back-off counts only for the generation that failed: a new edit or a cancel goes out at once.
fn backing_off(desired: &Desired, known: &Known, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let until = known.not_before?;
    (now < until && desired.generation() <= known.tried_generation).then_some(until)
}

/// The wait for one thing keeps nobody from looking at what Zoom has. A look that fails too is not made once more
/// before the wait is over: then what Zoom has counts as uncertain.
fn look_meanwhile(
    desired: &Desired,
    known: &Known,
    now: DateTime<Utc>,
    policy: &Policy,
) -> Option<(String, DateTime<Utc>)> {
    let wanted = matches!(desired, Desired::Meeting { spec, .. } if spec.end() > now);
    let number = known.number.clone().filter(|_| wanted && known.told.is_some() && known.create.is_none())?;
    Some((number, look_due(known, policy)?))
}

fn second_look_due(known: &Known, policy: &Policy) -> Option<DateTime<Utc>> {
    known.gone_at.map(|first| first + policy.second_look)
}

fn create_step(generation: i64, spec: &MeetingSpec, host: &HostWanted, now: DateTime<Utc>) -> Step {
    if spec.end() <= now {
        return Step::TooLate;
    }
    match host {
        HostWanted::None => Step::WaitForHost,
        HostWanted::Key(key) => Step::FindHost { key: key.clone() },
        HostWanted::User { key, id } => {
            Step::Create { host_id: id.clone(), host_key: key.clone(), spec: spec.clone(), generation }
        }
    }
}

fn keep_step(
    generation: i64,
    spec: &MeetingSpec,
    host: &HostWanted,
    number: &str,
    known: &Known,
    now: DateTime<Utc>,
    policy: &Policy,
) -> Step {
    let number = number.to_owned();
    if let Some(due) = second_look_due(known, policy) {
        return if now < due { Step::Wait(due) } else { Step::Read { number } };
    }
    // People in the room are not thrown out because somebody else should host.
    let moves = !known.live && host.key().is_some() && host.key() != known.host_key.as_deref();
    if moves && matches!(host, HostWanted::User { .. }) {
        return Step::Delete { number };
    }
    let told = match &known.told {
        Some(told) if look_due(known, policy).is_none_or(|due| now < due) => told,
        _ => return Step::Read { number },
    };
    let worth = |difference: &Difference| known.drift.is_worth_telling(difference);
    let fields: Vec<Difference> = differences(told, spec, now).into_iter().filter(worth).collect();
    if fields.is_empty()
        || generation <= known.synced_generation && known.drift.exhausted_until(now).is_some()
    {
        // It keeps its meeting until somebody is known who can take it over.
        return match host {
            HostWanted::None => Step::WaitForHost,
            HostWanted::Key(key) if moves => Step::FindHost { key: key.clone() },
            HostWanted::Key(_) | HostWanted::User { .. } => Step::Rest,
        };
    }
    Step::Change { number, change: SpecChange::of(&fields, spec), fields, generation }
}

/// When a wanted look may be made.
fn look_due(known: &Known, policy: &Policy) -> Option<DateTime<Utc>> {
    known.look.then(|| known.looked_at.map_or(DateTime::UNIX_EPOCH, |last| last + policy.look_gap))
}

/// What is left to do at rest: writes down what Zoom goes on having otherwise, and gives the time at which there
/// is something to do again.
#[must_use]
pub fn at_rest(
    desired: &Desired,
    known: &mut Known,
    now: DateTime<Utc>,
    policy: &Policy,
) -> Option<DateTime<Utc>> {
    (known.attempts, known.not_before) = (0, None);
    let told = known.told.as_ref().filter(|_| known.number.is_some());
    let (Desired::Meeting { spec, .. }, Some(told)) = (desired, told) else { return nothing_there(known) };
    if spec.end() <= now {
        return nothing_there(known);
    }
    let fields = differences(told, spec, now);
    let again = known
        .drift
        .exhausted_until(now)
        .filter(|_| fields.iter().any(|field| known.drift.is_worth_telling(field)));
    known.drift = known.drift.seen(&fields);
    [again, look_due(known, policy)].into_iter().flatten().min()
}

/// Nothing at Zoom matters any more: nothing can differ, and there is nothing to look at.
fn nothing_there(known: &mut Known) -> Option<DateTime<Utc>> {
    known.drift = Drift::default();
    known.look = false;
    None
}
