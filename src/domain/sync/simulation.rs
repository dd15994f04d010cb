//! The loop against a model of Zoom that loses answers, fails, lags and forgets: whatever happens, in the end
//! there is exactly one meeting as wanted, or none.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::appointment::marked_agenda;

const MARKER: &str = "convened:simulated";

/// What befalls one request.
#[derive(Debug, Clone, Copy)]
enum Fate {
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
}

#[derive(Debug, Clone)]
enum Edit {
    None,
    Move(i64),
    Cancel,
}

#[derive(Debug)]
struct Zoom {
    meetings: BTreeMap<String, (MeetingSpec, DateTime<Utc>)>,
    created: u32,
    /// A new meeting shows in lists only after this.
    list_lag: Duration,
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn spec(minute: i64) -> MeetingSpec {
    MeetingSpec {
        topic: "Algebra".into(),
        agenda: marked_agenda(MARKER, ""),
        start: start() + Duration::days(30) + Duration::minutes(minute),
        duration_minutes: 45,
        timezone: "UTC".into(),
        settings: BTreeMap::new(),
    }
}

fn policy() -> Policy {
    Policy {
        look_gap: Duration::seconds(10),
        second_look: Duration::minutes(2),
        retry_min: Duration::seconds(1),
        retry_max: Duration::minutes(15),
    }
}

impl Zoom {
    fn perform(&mut self, step: &Step, fate: Fate, now: DateTime<Utc>) -> Outcome {
        match fate {
            Fate::RequestLost => return Outcome::Failed(Failure::Unknown),
            Fate::Unreachable => return Outcome::Failed(Failure::NotDone),
            Fate::Refused => return Outcome::Failed(Failure::Refused),
            Fate::False404
                if matches!(step, Step::Read { .. } | Step::Change { .. } | Step::Delete { .. }) =>
            {
                return Outcome::Gone;
            }
            _ => {}
        }
        let outcome = self.answer(step, now);
        if matches!(fate, Fate::AnswerLost) { Outcome::Failed(Failure::Unknown) } else { outcome }
    }

    fn answer(&mut self, step: &Step, now: DateTime<Utc>) -> Outcome {
        match step {
            Step::Create { spec, .. } => {
                self.created += 1;
                let number = format!("8{:010}", self.created);
                self.meetings.insert(number.clone(), (spec.clone(), now));
                Outcome::Created { number }
            }
            Step::Look { .. } => {
                let listed = self.meetings.iter().find(|(_, (_, at))| *at + self.list_lag <= now);
                listed.map_or(Outcome::NotListed, |(number, _)| Outcome::Created { number: number.clone() })
            }
            Step::Read { number } => self
                .meetings
                .get(number)
                .map_or(Outcome::Gone, |(spec, _)| Outcome::Read { told: spec.clone() }),
            Step::Change { number, spec, .. } => match self.meetings.get_mut(number) {
                Some((at_zoom, _)) => {
                    *at_zoom = spec.clone();
                    Outcome::Changed
                }
                None => Outcome::Gone,
            },
            Step::Delete { number, .. } => {
                self.meetings.remove(number).map_or(Outcome::Gone, |_| Outcome::Deleted)
            }
            _ => Outcome::HostFound,
        }
    }
}

fn wanted(generation: i64, spec: Option<MeetingSpec>) -> Desired {
    let host = HostWanted::User { key: "reyes@example.com".into(), id: "u1".into() };
    match spec {
        Some(spec) => Desired::Meeting { generation, spec, host },
        None => Desired::Nothing { generation },
    }
}

/// One turn of the loop; `true` when it rests.
fn turn(zoom: &mut Zoom, desired: &Desired, known: &mut Known, fate: Fate, now: &mut DateTime<Utc>) -> bool {
    match next_step(desired, known, *now, &policy()) {
        Step::Rest => return true,
        Step::Wait(until) => *now = until,
        step => {
            let outcome = zoom.perform(&step, fate, *now);
            *known = settle(known, &step, desired.generation(), &outcome, *now, &policy(), 0.5);
            *now += Duration::milliseconds(200);
        }
    }
    false
}

fn fates() -> impl Strategy<Value = Vec<(Fate, Edit)>> {
    let fate = prop_oneof![
        3 => Just(Fate::Fine),
        2 => Just(Fate::AnswerLost),
        2 => Just(Fate::RequestLost),
        1 => Just(Fate::Unreachable),
        1 => Just(Fate::Refused),
    ];
    let edit =
        prop_oneof![8 => Just(Edit::None), 2 => (0..90_i64).prop_map(Edit::Move), 1 => Just(Edit::Cancel)];
    proptest::collection::vec((fate, edit), 0..40)
}

proptest! {
    #[test]
    fn faults_never_leave_two_meetings_or_none(script in fates(), lag_secs in 0..15_i64, false_404 in 0..60_usize) {
        let mut zoom = Zoom { meetings: BTreeMap::new(), created: 0, list_lag: Duration::seconds(lag_secs) };
        let (mut known, mut now, mut generation) = (Known::default(), start(), 1);
        let mut spec_wanted = Some(spec(0));
        for (index, (fate, edit)) in script.into_iter().enumerate() {
            match edit {
                Edit::None => {}
                Edit::Move(_) if spec_wanted.is_none() => {}
                Edit::Move(minute) => { generation += 1; spec_wanted = Some(spec(minute)); }
                Edit::Cancel => { generation += 1; spec_wanted = None; }
            }
            // One false 404 a run: two in a row, a second look apart, are what "gone" means.
            let fate = if index == false_404 { Fate::False404 } else { fate };
            turn(&mut zoom, &wanted(generation, spec_wanted.clone()), &mut known, fate, &mut now);
            prop_assert!(zoom.meetings.len() <= 1, "two meetings at once: {zoom:?}");
        }
        let desired = wanted(generation, spec_wanted.clone());
        let rested = (0..200).any(|_| turn(&mut zoom, &desired, &mut known, Fate::Fine, &mut now));
        prop_assert!(rested, "no rest: {known:?}");
        let left: Vec<_> = zoom.meetings.values().map(|(spec, _)| spec.clone()).collect();
        prop_assert_eq!(left, spec_wanted.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_meeting_deleted_behind_our_back_is_made_again_after_the_second_look() {
    let mut zoom = Zoom { meetings: BTreeMap::new(), created: 0, list_lag: Duration::zero() };
    let (mut known, mut now) = (Known::default(), start());
    while !turn(&mut zoom, &wanted(1, Some(spec(0))), &mut known, Fate::Fine, &mut now) {}
    zoom.meetings.clear();
    let desired = wanted(2, Some(spec(15)));
    turn(&mut zoom, &desired, &mut known, Fate::Fine, &mut now);
    assert!(known.gone_at.is_some() && known.number.is_some(), "believed at the first look");
    while !turn(&mut zoom, &desired, &mut known, Fate::Fine, &mut now) {}
    assert_eq!(zoom.meetings.len(), 1);
    assert_eq!(zoom.created, 2);
}

#[test]
fn several_quick_edits_are_one_change() {
    let mut zoom = Zoom { meetings: BTreeMap::new(), created: 0, list_lag: Duration::zero() };
    let (mut known, mut now) = (Known::default(), start());
    while !turn(&mut zoom, &wanted(1, Some(spec(0))), &mut known, Fate::Fine, &mut now) {}
    turn(&mut zoom, &wanted(7, Some(spec(60))), &mut known, Fate::Fine, &mut now);
    assert!(turn(&mut zoom, &wanted(7, Some(spec(60))), &mut known, Fate::Fine, &mut now));
    assert_eq!(known.synced_generation, 7);
}

#[test]
fn a_booking_without_a_seat_waits_and_one_that_is_over_is_not_created() {
    let waiting = Desired::Meeting { generation: 1, spec: spec(0), host: HostWanted::None };
    assert_eq!(next_step(&waiting, &Known::default(), start(), &policy()), Step::WaitForHost);
    let over = start() + Duration::days(60);
    assert_eq!(next_step(&waiting, &Known::default(), over, &policy()), Step::TooLate);
}
