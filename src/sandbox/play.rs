//! What Zoom makes of a class: instances, report rows and webhooks, each with its time.
//!
//! Pure: the same timetable, facts and seed give the same performance to the byte.

use chrono::Duration;
use rand::RngExt;

use super::cast::{self, Appearance};
use super::dice::Dice;
use super::runs::{self, Run};
use super::stays::{self, Beginning, Ending, Place, Stay};
use super::timetable::{Person, Planned, Role, Timetable, TimetableError, Told};
use super::webhook::{Participant, Scene, WebhookEvent};
use crate::clock::Instant;
use crate::zoom::ids;
use crate::zoom::wire::ReportParticipant;

/// Zoom tells of somebody who waits for the host after this long (Meeting webhooks, `participant_jbh_waiting`).
const KNOCK_SECS: i64 = 30;

/// What the account knows about the meeting that is played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The account.
    pub account_id: String,
    /// The meeting's number.
    pub number: String,
    /// The meeting's own UUID, which its next instance takes over.
    pub uuid: String,
    /// The host's user id.
    pub host_id: String,
    /// The host's e-mail address.
    pub host_email: String,
    /// The topic.
    pub topic: String,
    /// Zoom's meeting type; 2 is a scheduled one.
    pub kind: i64,
    /// The time zone.
    pub timezone: String,
    /// The planned time.
    pub planned: Planned,
}

/// Everything that Zoom will say about a class.
#[derive(Debug, Clone, PartialEq)]
pub struct Performance {
    /// The instances in their order.
    pub instances: Vec<Instance>,
    /// The webhooks in the order of their sending; lost ones are left out.
    pub sendings: Vec<Sending>,
}

/// One instance of the meeting.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Its UUID.
    pub uuid: String,
    /// When the first one entered.
    pub started: Instant,
    /// When it ended.
    pub ended: Instant,
    /// The report: one row for each stay, ordered by its beginning.
    pub rows: Vec<ReportParticipant>,
}

/// A webhook and when it leaves Zoom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// When.
    pub at: Instant,
    /// What.
    pub event: WebhookEvent,
}

/// Plays `class` at the meeting that `facts` describe.
///
/// # Errors
/// Returns the first move that nobody can make.
pub fn perform(class: &Timetable, facts: &Facts) -> Result<Performance, TimetableError> {
    let at_door = |stay: &Stay| stay.place == Place::Door;
    let (knocks, stays): (Vec<Stay>, Vec<Stay>) = stays::of_class(class)?.into_iter().partition(at_door);
    let runs = runs::group(stays, &class.host_ends);
    let dice = Dice::new(class.seed);
    let mut instances = Vec::with_capacity(runs.len());
    let mut events = knocks_at(knocks, class, facts, dice);
    for (index, run) in runs.iter().enumerate() {
        let uuid = match index {
            0 => facts.uuid.clone(),
            later => ids::instance_uuid(&mut dice.of(&format!("instance {later} after {}", facts.uuid))),
        };
        let stage = Stage { class, facts, dice, uuid: &uuid, run, index };
        let roles = cast::of_run(run, class, dice);
        events.extend(stage.frame(&roles).into_iter().map(|event| (event, Told::Normally)));
        events.extend(roles.iter().flat_map(|role| stage.events_of(role)));
        instances.push(Instance {
            started: stage.at(run.from),
            ended: stage.at(run.to),
            rows: roles.iter().map(|role| stage.row(role)).collect(),
            uuid,
        });
    }
    events.sort_by_key(|(event, _)| event.ts);
    Ok(Performance { instances, sendings: send(events, class) })
}

/// The webhooks about those who came before the host, and went again or joined.
fn knocks_at(knocks: Vec<Stay>, class: &Timetable, facts: &Facts, dice: Dice) -> Vec<(WebhookEvent, Told)> {
    let mut events = Vec::new();
    for stay in knocks.into_iter().filter(|stay| stay.to - stay.from >= KNOCK_SECS) {
        // Nobody is in the meeting yet: what Zoom says of it is what was planned.
        let run = Run { from: stay.from, to: stay.to, stays: vec![stay.clone()] };
        let stage = Stage { class, facts, dice, uuid: &facts.uuid, run: &run, index: 0 };
        let scene = stage.scene(i64::MIN);
        for role in cast::of_run(&run, class, dice) {
            let who = stage.participant(&role);
            let came =
                scene.before_host("meeting.participant_jbh_waiting", &who, stage.at(stay.from + KNOCK_SECS));
            let went = scene.before_host("meeting.participant_jbh_waiting_left", &who, stage.at(stay.to));
            events.extend([(came, stay.told.0), (went, stay.told.1)]);
        }
    }
    events
}

/// Lets what the moves say, and the class's own accidents, happen to its webhooks.
fn send(events: Vec<(WebhookEvent, Told)>, class: &Timetable) -> Vec<Sending> {
    let dice = Dice::new(class.delivery.seed ^ class.seed);
    let mut sendings = Vec::with_capacity(events.len());
    for (index, (event, told)) in events.into_iter().enumerate() {
        let late = match told {
            Told::Never => continue,
            Told::Normally => Duration::zero(),
            Told::Late(secs) => Duration::seconds(secs),
        };
        for held in class.delivery.fate(&event.name, &mut dice.of(&format!("fate {index}"))) {
            let held = late + Duration::from_std(held).unwrap_or_default();
            sendings.push(Sending { at: event.ts + held, event: event.clone() });
        }
    }
    sendings.sort_by_key(|sending| sending.at);
    sendings
}

/// One instance being played.
struct Stage<'a> {
    class: &'a Timetable,
    facts: &'a Facts,
    dice: Dice,
    uuid: &'a str,
    run: &'a Run,
    index: usize,
}

impl<'a> Stage<'a> {
    fn at(&self, second: i64) -> Instant {
        self.facts.planned.start + Duration::seconds(second)
    }

    /// The events about the meeting as a whole.
    fn frame(&self, roles: &[Appearance<'_>]) -> Vec<WebhookEvent> {
        let mut rng = self.dice.of(&format!("frame {}", self.index));
        let (start, end) = (self.at(self.run.from), self.at(self.run.to));
        let scene = self.scene(self.run.from);
        let told_start = start + Duration::milliseconds(rng.random_range(300..900));
        let ended_first = self.class.ended_first.unwrap_or_else(|| rng.random_ratio(2, 3));
        let told_end = if ended_first { 100..600 } else { 12_000..22_000 };
        let told_end = end + Duration::milliseconds(rng.random_range(told_end));
        let mut events = Vec::new();
        let first = roles.iter().find(|role| role.stay.place != Place::Waiting);
        if let Some(guest) = first.filter(|role| role.person.role == Role::Attendee) {
            events.push(scene.before_host(
                "meeting.participant_jbh_joined",
                &self.participant(guest),
                told_start - Duration::milliseconds(250),
            ));
        }
        events.push(scene.started(told_start));
        events.push(scene.ended(end, told_end));
        events
    }

    /// The events about the beginning and the end of one stay.
    fn events_of(&self, role: &Appearance<'_>) -> [(WebhookEvent, Told); 2] {
        let (stay, who) = (role.stay, self.participant(role));
        let (from, to) = (self.at(stay.from), self.at(stay.to));
        let (told_begin, told_end) = (from + role.told_after.0, to + role.told_after.1);
        let (before, after) = (self.scene(stay.from), self.scene(stay.to));
        let why = reason(stay);
        let [begin, end] = match &stay.place {
            Place::Door | Place::Waiting => {
                let came = match stay.beginning {
                    Beginning::PutBack => "meeting.participant_put_in_waiting_room",
                    _ => "meeting.participant_joined_waiting_room",
                };
                let went = match stay.ending {
                    Ending::Admitted => "meeting.participant_admitted",
                    _ => "meeting.participant_left_waiting_room",
                };
                [before.waiting(came, &who, from, told_begin), after.waiting(went, &who, to, told_end)]
            }
            Place::Main => [before.joined(&who, from, told_begin), after.left(&who, to, why, told_end)],
            Place::Breakout(room) => {
                let room = self.breakout_uuid(room);
                [
                    before.joined_breakout(&who, &room, from, told_begin),
                    after.left_breakout(&who, &room, to, why, told_end),
                ]
            }
        };
        [(begin, stay.told.0), (end, stay.told.1)]
    }

    /// The report's row about one stay.
    fn row(&self, role: &Appearance<'_>) -> ReportParticipant {
        let (stay, person) = (role.stay, role.person);
        let status = if stay.place == Place::Waiting { "in_waiting_room" } else { "in_meeting" };
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        ReportParticipant {
            id: text(self.zoom_user_id(person)),
            user_id: Some(role.user_id.to_string()),
            participant_user_id: text(self.zoom_user_id(person)),
            name: Some(person.name.clone()),
            user_email: text(self.shown_email(person)),
            registrant_id: person.registrant_id.clone(),
            customer_key: person.customer_key.clone(),
            bo_mtg_id: match &stay.place {
                Place::Breakout(room) => Some(self.breakout_uuid(room)),
                Place::Door | Place::Main | Place::Waiting => None,
            },
            join_time: Some(self.at(stay.from)),
            leave_time: Some(self.at(stay.to)),
            duration: stay.to - stay.from,
            failover: false,
            status: Some(status.to_owned()),
        }
    }

    fn scene(&self, second: i64) -> Scene<'_> {
        let facts = self.facts;
        Scene {
            account_id: &facts.account_id,
            number: &facts.number,
            uuid: self.uuid,
            host_id: &facts.host_id,
            topic: &facts.topic,
            kind: facts.kind,
            start: if second < self.run.from { facts.planned.start } else { self.at(self.run.from) },
            timezone: &facts.timezone,
            duration: facts.planned.duration,
        }
    }

    fn participant<'b>(&'b self, role: &'b Appearance<'_>) -> Participant<'b> {
        let person = role.person;
        let mut rng = self.dice.of(&format!("habits of {}", role.stay.person));
        Participant {
            user_id: role.user_id,
            uuid: &role.participant_uuid,
            parent: role.parent,
            name: &person.name,
            zoom_user_id: self.zoom_user_id(person),
            email: self.shown_email(person),
            registrant_id: person.registrant_id.as_deref(),
            customer_key: person.customer_key.as_deref(),
            phone_number: person.phone_number.as_deref(),
            public_ip: format!("203.0.113.{}", rng.random_range(1..255)),
            null_registrant: rng.random_bool(0.5),
        }
    }

    /// A host without an id of their own is the one the meeting belongs to.
    fn zoom_user_id<'b>(&'b self, person: &'b Person) -> &'b str {
        match (&person.zoom_user_id, person.role) {
            (Some(id), _) => id,
            (None, Role::Host) => &self.facts.host_id,
            (None, Role::Attendee) => "",
        }
    }

    fn shown_email<'b>(&'b self, person: &'b Person) -> &'b str {
        match (&person.zoom_user_id, person.role) {
            (None, Role::Host) => &self.facts.host_email,
            _ => person.shown_email(),
        }
    }

    fn breakout_uuid(&self, room: &str) -> String {
        ids::instance_uuid(&mut self.dice.of(&format!("breakout {} {room}", self.index)))
    }
}

/// Why somebody left, in Zoom's words.
fn reason(stay: &Stay) -> &'static str {
    match (stay.ending, &stay.place) {
        (Ending::HostEnded, _) => "Host ended the meeting.",
        (Ending::Died, _) => "Network connection error.",
        (Ending::Moved, Place::Main) => "left the meeting to join breakout room",
        (Ending::Left | Ending::Admitted | Ending::PutBack | Ending::Moved, _) => "left the meeting",
    }
}

#[cfg(test)]
mod tests;
