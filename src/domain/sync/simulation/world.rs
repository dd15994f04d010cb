//! The model: an account at Zoom as the loop meets it, one booking, and whoever else changes things.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::json;

use crate::domain::appointment::{MeetingSpec, marked_agenda};
use crate::domain::sweep::{Finding, Listed, Ours, compare};
use crate::domain::sync::*;

const MARKER: &str = "convened:simulated";
const SIGNED: &str = "convened:here-simulated";

/// What befalls one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fate {
    Fine,
    /// Done, but the answer is lost (or the process is killed before it comes).
    AnswerLost,
    /// Not done, and nobody knows.
    RequestLost,
    /// Refused connection: certainly not done.
    Unreachable,
    /// Zoom claims that the meeting does not exist.
    False404,
    Refused,
    /// Done, but for the settings.
    SettingsDropped,
    /// Done, but Zoom keeps a topic of its own.
    TopicReplaced,
}

#[derive(Debug, Clone)]
pub(super) enum Edit {
    None,
    Move(i64),
    Cancel,
    /// The booking gets another host.
    Host(u8),
    /// It gets a host who cannot host: nobody by that name, or not yet.
    Stranger,
    /// Whoever should host can, and who waits for them is woken.
    Ready,
    /// Somebody shortens the meeting at Zoom.
    Meddle,
    /// Somebody deletes it there.
    Delete,
    /// A sweep looks at the lists.
    Sweep,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct AtZoom {
    spec: MeetingSpec,
    host: String,
    since: DateTime<Utc>,
}

#[derive(Debug, Default)]
pub(super) struct Zoom {
    pub(super) meetings: BTreeMap<String, AtZoom>,
    pub(super) created: u32,
    /// The host that the booking wants cannot host.
    pub(super) no_such_host: bool,
    /// A new meeting shows in lists only after this.
    list_lag: Duration,
}

pub(super) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

pub(super) fn spec(minute: i64) -> MeetingSpec {
    MeetingSpec {
        topic: "Algebra".into(),
        agenda: marked_agenda(SIGNED, ""),
        start: start() + Duration::days(100) + Duration::minutes(minute),
        duration_minutes: 45,
        timezone: "UTC".into(),
        settings: BTreeMap::from([("waiting_room".to_owned(), json!(true))]),
    }
}

pub(super) fn policy() -> Policy {
    Policy {
        look_gap: Duration::seconds(10),
        second_look: Duration::minutes(2),
        retry_min: Duration::seconds(1),
        retry_max: Duration::minutes(15),
    }
}

impl Zoom {
    fn perform(&mut self, step: &Step, fate: Fate, now: DateTime<Utc>) -> Outcome {
        let about_a_meeting = matches!(step, Step::Read { .. } | Step::Change { .. } | Step::Delete { .. });
        match fate {
            Fate::RequestLost => return Outcome::Failed(Failure::Unknown),
            Fate::Unreachable => return Outcome::Failed(Failure::NotDone),
            Fate::Refused => return Outcome::Failed(Failure::Refused),
            Fate::False404 if about_a_meeting => return Outcome::Gone,
            _ => {}
        }
        let outcome = self.answer(step, now, fate);
        if fate == Fate::AnswerLost { Outcome::Failed(Failure::Unknown) } else { outcome }
    }

    fn answer(&mut self, step: &Step, now: DateTime<Utc>, fate: Fate) -> Outcome {
        let missing = |_| Outcome::Gone;
        let (drops, renames) = (fate == Fate::SettingsDropped, fate == Fate::TopicReplaced);
        let named = |spec: MeetingSpec| match renames {
            true => MeetingSpec { topic: "My meeting".to_owned(), ..spec },
            false => spec,
        };
        match step {
            Step::Create { spec, host_id, .. } => {
                self.created += 1;
                let number = format!("8{:010}", self.created);
                let mut spec = named(spec.clone());
                if drops {
                    spec.settings.insert("waiting_room".to_owned(), json!(false));
                }
                let made = AtZoom { spec: spec.clone(), host: host_id.clone(), since: now };
                self.meetings.insert(number.clone(), made);
                Outcome::Created { number, told: Some(spec) }
            }
            Step::Look { host_id } => {
                let listed = self.list(host_id, now).into_iter().next();
                let found = |listed: Listed| Outcome::Created { number: listed.number, told: None };
                listed.map_or(Outcome::NotListed, found)
            }
            Step::Read { number } => self
                .meetings
                .get(number)
                .ok_or(())
                .map_or_else(missing, |meeting| Outcome::Read { told: meeting.spec.clone() }),
            Step::Change { number, change, .. } => {
                self.meetings.get_mut(number).ok_or(()).map_or_else(missing, |meeting| {
                    let settings = meeting.spec.settings.clone();
                    meeting.spec = named(change.applied_to(&meeting.spec));
                    if drops {
                        meeting.spec.settings = settings;
                    }
                    Outcome::Changed
                })
            }
            Step::Delete { number } => {
                self.meetings.remove(number).ok_or(()).map_or_else(missing, |_| Outcome::Deleted)
            }
            _ if self.no_such_host => Outcome::Failed(Failure::Refused),
            _ => Outcome::HostFound,
        }
    }

    fn list(&self, host: &str, now: DateTime<Utc>) -> Vec<Listed> {
        let shown = self.meetings.iter().filter(|(_, at)| at.host == host && at.since + self.list_lag <= now);
        shown
            .map(|(number, at)| Listed {
                number: number.clone(),
                host_id: host.to_owned(),
                topic: at.spec.topic.clone(),
                agenda: at.spec.agenda.clone(),
                start: Some(at.spec.start),
                duration_minutes: at.spec.duration_minutes,
                timezone: at.spec.timezone.clone(),
                join_url: None,
            })
            .collect()
    }
}

/// One booking, its meeting at Zoom, and what is known of it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) zoom: Zoom,
    pub(super) known: Known,
    /// The Zoom user under whom the known meeting was made.
    host_id: Option<String>,
    pub(super) now: DateTime<Utc>,
    pub(super) generation: i64,
    pub(super) wanted: Option<MeetingSpec>,
    host: u8,
}

impl World {
    pub(super) fn new(list_lag_secs: i64) -> Self {
        let zoom = Zoom { list_lag: Duration::seconds(list_lag_secs), ..Zoom::default() };
        let (known, wanted) = (Known::default(), Some(spec(0)));
        Self { zoom, known, host_id: None, now: start(), generation: 1, wanted, host: 0 }
    }

    pub(super) fn desired(&self) -> Desired {
        let generation = self.generation;
        let key = format!("host{}@example.com", self.host);
        let host = match self.zoom.no_such_host {
            true => HostWanted::Key(key),
            false => HostWanted::User { key, id: format!("u{}", self.host) },
        };
        match self.wanted.clone() {
            Some(spec) => Desired::Meeting { generation, spec, host },
            None => Desired::Nothing { generation },
        }
    }

    /// One turn of the loop; `true` when it rests.
    pub(super) fn turn(&mut self, fate: Fate) -> bool {
        let desired = self.desired();
        match next_step(&desired, &self.known, self.now, &policy()) {
            Step::Rest => {
                self.known.synced_generation = self.generation;
                return match at_rest(&desired, &mut self.known, self.now, &policy()) {
                    Some(again) if again <= self.now + Duration::hours(1) => {
                        self.now = self.now.max(again);
                        false
                    }
                    _ => true,
                };
            }
            Step::Wait(until) => self.now = until,
            step => {
                let outcome = self.zoom.perform(&step, fate, self.now);
                if let Step::Create { host_id, .. } | Step::Look { host_id } = &step {
                    self.host_id = Some(host_id.clone());
                }
                self.known =
                    settle(&self.known, &step, desired.generation(), &outcome, self.now, &policy(), 0.5);
                self.now += Duration::milliseconds(200);
            }
        }
        false
    }

    pub(super) fn befall(&mut self, edit: &Edit) {
        let own = self.known.number.as_ref().and_then(|number| self.zoom.meetings.get_mut(number));
        match edit {
            Edit::Move(minute) if self.wanted.is_some() => {
                self.generation += 1;
                self.wanted = Some(spec(*minute));
            }
            Edit::Cancel => {
                self.generation += 1;
                self.wanted = None;
            }
            Edit::Host(host) if self.wanted.is_some() => {
                self.generation += 1;
                (self.host, self.zoom.no_such_host) = (*host, false);
            }
            Edit::Stranger if self.wanted.is_some() => {
                self.generation += 1;
                (self.host, self.zoom.no_such_host) = (1 - self.host, true);
            }
            Edit::Ready if self.zoom.no_such_host => {
                (self.zoom.no_such_host, self.known.not_before) = (false, None);
            }
            Edit::Meddle => {
                if let Some(meeting) = own {
                    meeting.spec.duration_minutes = 10;
                }
            }
            Edit::Delete => {
                self.known.number.as_ref().and_then(|number| self.zoom.meetings.remove(number));
            }
            Edit::Sweep => self.sweep(),
            Edit::None | Edit::Move(_) | Edit::Host(_) | Edit::Stranger | Edit::Ready => {}
        }
    }

    /// What the reconciler does: looks are asked for, meetings adopted, and strays removed at a second look.
    fn sweep(&mut self) {
        for host in ["u0", "u1"] {
            let ours = Ours {
                meeting_id: "m".to_owned(),
                marker: MARKER.to_owned(),
                number: self.known.number.clone(),
                host_id: self.host_id.clone(),
                creating: self.known.create.is_some(),
                looking: self.known.look || self.known.gone_at.is_some(),
                told: self.known.told.clone(),
                join_url: None,
                upcoming: self.wanted.is_some(),
            };
            let listed = self.zoom.list(host, self.now);
            for finding in compare(host, &listed, &[ours], "here", self.now) {
                match finding {
                    Finding::Look { .. } => self.known.look = true,
                    Finding::Adopt { number, .. } => {
                        self.known.number = Some(number);
                        self.known.host_key = Some(host.replace('u', "host") + "@example.com");
                        self.host_id = Some(host.to_owned());
                    }
                    Finding::Stray { number, .. } => {
                        self.zoom.meetings.remove(&number);
                    }
                }
            }
        }
    }

    /// Everything works again, for days on end.
    pub(super) fn calm(&mut self) -> Result<(), TestCaseError> {
        for _ in 0..5 {
            self.rest()?;
            self.now += Duration::hours(25);
            self.sweep();
        }
        self.is_as_wanted()
    }

    /// Everything works again, until there is nothing more to do.
    pub(super) fn rest(&mut self) -> Result<(), TestCaseError> {
        self.befall(&Edit::Ready);
        let rested = (0..200).any(|_| self.turn(Fate::Fine));
        prop_assert!(rested, "no rest: {:?}", self.known);
        Ok(())
    }

    /// One meeting as wanted, or none; what Zoom keeps otherwise is shown.
    pub(super) fn is_as_wanted(&self) -> Result<(), TestCaseError> {
        let left: Vec<_> = self.zoom.meetings.values().map(|meeting| &meeting.spec).collect();
        prop_assert_eq!(left.len(), usize::from(self.wanted.is_some()), "{:?}", self);
        for (at_zoom, wanted) in left.into_iter().zip(&self.wanted) {
            let kept: Vec<_> =
                differences(at_zoom, wanted, self.now).into_iter().map(|one| one.field).collect();
            prop_assert_eq!(kept, self.known.drift.names(), "what is left is shown");
        }
        Ok(())
    }
}
