//! The classes that are or were played, and the truth about them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::delivery::Delivery;
use super::play::{Facts, perform};
use super::runner::{PlayError, Runner};
use super::state::{SandboxRefusal, SandboxState};
use super::timetable::{Planned, Timetable, TimetableError};
use super::truth::Truth;
use crate::clock::Instant;

/// How many classes are remembered.
const CLASSES_MAX: usize = 10_000;

/// Why a class is not played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClassRefusal {
    /// The script is faulty.
    #[error(transparent)]
    Timetable(#[from] TimetableError),
    /// The account has no such meeting.
    #[error(transparent)]
    Account(#[from] SandboxRefusal),
    /// Too many were played already.
    #[error("this sandbox has played enough classes: start another")]
    TooMany,
}

/// How far a class is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "reason")]
pub enum ClassState {
    /// Nobody has come yet.
    Waiting,
    /// Somebody has come.
    Playing,
    /// Everything has happened and every webhook is on its way.
    Played,
    /// It could not go on.
    Failed(String),
}

/// One instance of a class as it was scripted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassInstance {
    /// The UUID.
    pub uuid: String,
    /// When the first one entered.
    pub started: Instant,
    /// When it ended.
    pub ended: Instant,
    /// Rows of the report.
    pub stays: usize,
}

/// What is known about a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassView {
    /// The class's number.
    pub class_id: u64,
    /// How far it is.
    #[serde(flatten)]
    pub state: ClassState,
    /// The meeting's number.
    pub meeting: String,
    /// What a perfect observer says.
    pub truth: Arc<Truth>,
    /// Its instances.
    pub instances: Vec<ClassInstance>,
}

/// The classes of a sandbox.
#[derive(Debug, Clone)]
pub struct Classes {
    state: SandboxState,
    delivery: Delivery,
    views: Arc<Mutex<Vec<ClassView>>>,
}

impl Classes {
    pub(super) fn new(state: SandboxState, delivery: Delivery) -> Self {
        Self { state, delivery, views: Arc::default() }
    }

    /// Begins to play a class; it goes on in the background. Answers the class's number.
    ///
    /// # Errors
    /// Refuses faulty scripts and meetings that do not exist.
    pub fn play(&self, class: Timetable) -> Result<u64, ClassRefusal> {
        class.check()?;
        let (number, facts) = self.facts(&class)?;
        let mut views = self.views();
        if views.len() >= CLASSES_MAX {
            return Err(ClassRefusal::TooMany);
        }
        let class_id = views.len() as u64 + 1;
        views.push(ClassView {
            class_id,
            state: ClassState::Waiting,
            meeting: facts.number.clone(),
            truth: Arc::new(Truth::of(&class, facts.planned)),
            instances: instances(&class, &facts)?,
        });
        drop(views);
        self.delivery.runtime().spawn(self.clone().run(class_id, class, facts, number));
        Ok(class_id)
    }

    /// What is known about a class.
    #[must_use]
    pub fn view(&self, class_id: u64) -> Option<ClassView> {
        let index = usize::try_from(class_id.checked_sub(1)?).ok()?;
        self.views().get(index).cloned()
    }

    async fn run(self, class_id: u64, class: Timetable, facts: Facts, number: u64) {
        let runner = Runner { state: &self.state, delivery: &self.delivery, facts: &facts, number };
        let played = if class.instant {
            runner.at_once(&class)
        } else {
            self.run_in_time(&runner, class_id, class).await
        };
        let state = match played {
            Ok(()) => ClassState::Played,
            Err(error) => ClassState::Failed(error.to_string()),
        };
        self.change(class_id, |view| view.state = state);
    }

    async fn run_in_time(
        &self,
        runner: &Runner<'_>,
        class_id: u64,
        class: Timetable,
    ) -> Result<(), PlayError> {
        let begun = || self.change(class_id, |view| view.state = ClassState::Playing);
        let shortened = |class: &Timetable| {
            let truth = Arc::new(Truth::of(class, runner.facts.planned));
            let instances = instances(class, runner.facts).unwrap_or_default();
            self.change(class_id, |view| (view.truth, view.instances) = (truth, instances));
        };
        runner.in_time(class, begun, shortened).await
    }

    fn facts(&self, class: &Timetable) -> Result<(u64, Facts), ClassRefusal> {
        let unknown = || SandboxRefusal::Invalid(format!("`{}` is not a meeting's number", class.meeting));
        let number: u64 = class.meeting.parse().map_err(|_| unknown())?;
        let meeting = self.state.meeting(number).ok_or(SandboxRefusal::NoMeeting(number))?;
        let host = self.state.user(&meeting.host_id);
        let duration = u32::try_from(meeting.duration).unwrap_or_default();
        let facts = Facts {
            account_id: self.state.account_id(),
            number: number.to_string(),
            uuid: meeting.uuid,
            host_email: host.map(|host| host.email).unwrap_or_default(),
            host_id: meeting.host_id,
            topic: meeting.topic,
            kind: meeting.kind,
            timezone: meeting.timezone,
            planned: class.planned.unwrap_or(Planned { start: meeting.start, duration }),
        };
        Ok((number, facts))
    }

    fn change(&self, class_id: u64, change: impl FnOnce(&mut ClassView)) {
        if let Some(view) = self.views().iter_mut().find(|view| view.class_id == class_id) {
            change(view);
        }
    }

    fn views(&self) -> MutexGuard<'_, Vec<ClassView>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn instances(class: &Timetable, facts: &Facts) -> Result<Vec<ClassInstance>, TimetableError> {
    let performance = perform(class, facts)?;
    let view = |run: super::play::Instance| ClassInstance {
        uuid: run.uuid,
        started: run.started,
        ended: run.ended,
        stays: run.rows.len(),
    };
    Ok(performance.instances.into_iter().map(view).collect())
}
