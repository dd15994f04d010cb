//! Carries out a performance: instances begin and end at the account, reports grow, webhooks leave.

use std::time::Duration;

use tokio::sync::broadcast;

use super::delivery::Delivery;
use super::model::ReportRow;
use super::play::{Facts, Performance, perform};
use super::state::{SandboxRefusal, SandboxState};
use super::timetable::{Offset, Timetable, TimetableError};
use super::webhook::WebhookEvent;
use crate::clock::Instant;

/// The clock is looked at this often in real time, because a clock may be turned by hand.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Why a class stopped half-way.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlayError {
    #[error(transparent)]
    Timetable(#[from] TimetableError),
    #[error(transparent)]
    Account(#[from] SandboxRefusal),
}

/// What happens at one moment; in this order, where the moment is the same.
#[derive(Debug)]
enum Step {
    Begin { uuid: String },
    Row { uuid: String, row: Box<ReportRow> },
    Send(WebhookEvent),
    End { uuid: String },
}

/// Plays one class.
#[derive(Debug)]
pub(super) struct Runner<'a> {
    pub(super) state: &'a SandboxState,
    pub(super) delivery: &'a Delivery,
    pub(super) facts: &'a Facts,
    pub(super) number: u64,
}

impl Runner<'_> {
    /// Everything at once: the account first, as if the class were long over, then the webhooks.
    pub(super) fn at_once(&self, class: &Timetable) -> Result<(), PlayError> {
        let steps = steps(perform(class, self.facts)?);
        let (sends, account): (Vec<_>, Vec<_>) =
            steps.into_iter().partition(|(_, step)| matches!(step, Step::Send(_)));
        account.into_iter().chain(sends).try_for_each(|(at, step)| self.take(at, step))
    }

    /// Step by step on the sandbox's clock.
    ///
    /// `begun` is told when the first thing happens. When the meeting is ended through the API, the rest of the
    /// class does not happen; `shortened` is told of the class as it then was.
    pub(super) async fn in_time(
        &self,
        mut class: Timetable,
        begun: impl Fn(),
        mut shortened: impl FnMut(&Timetable),
    ) -> Result<(), PlayError> {
        let mut endings = self.state.endings();
        let mut ended_by_api: Vec<String> = Vec::new();
        let mut reached: Option<Instant> = None;
        'perform: loop {
            let performance = perform(&class, self.facts)?;
            let ours: Vec<String> = performance.instances.iter().map(|run| run.uuid.clone()).collect();
            // The first part of a shortened class is the same to the byte, so going on means skipping it.
            let ahead =
                steps(performance).into_iter().filter(|(at, _)| reached.is_none_or(|done| *at > done));
            for (at, step) in ahead.collect::<Vec<_>>() {
                if let Some(uuid) = self.wait_until(at, &mut endings, &ours).await {
                    ended_by_api.push(uuid);
                    class = class.ended_at(self.next_second());
                    shortened(&class);
                    continue 'perform;
                }
                if reached.replace(at).is_none() {
                    begun();
                }
                // Whoever ends a meeting announces it.
                let told = matches!(&step, Step::Send(event) if event.name == "meeting.ended"
                    && event.instance.as_ref().is_some_and(|uuid| ended_by_api.contains(uuid)));
                if !told {
                    self.take(at, step)?;
                }
            }
            return Ok(());
        }
    }

    /// Waits; answers the UUID if one of `ours` was ended through the API meanwhile.
    async fn wait_until(
        &self,
        at: Instant,
        endings: &mut broadcast::Receiver<String>,
        ours: &[String],
    ) -> Option<String> {
        loop {
            // What Zoom ends, it announces like what the API ends.
            let cut = self.state.end_basic(self.number);
            if let Ok(uuid) = endings.try_recv()
                && ours.contains(&uuid)
            {
                return Some(uuid);
            }
            let next = cut.map_or(at, |cut| cut.min(at));
            let gap = (next - self.state.now()).to_std().unwrap_or_default();
            if gap.is_zero() && next == at {
                return None;
            }
            let nap = self.state.clock().real(gap).min(LOOK_EVERY);
            tokio::select! {
                () = tokio::time::sleep(nap) => {}
                Ok(uuid) = endings.recv() => if ours.contains(&uuid) { return Some(uuid) },
            }
        }
    }

    fn next_second(&self) -> Offset {
        let since_start = self.state.now() - self.facts.planned.start;
        Offset(since_start.num_milliseconds().div_euclid(1000) + 1)
    }

    fn take(&self, at: Instant, step: Step) -> Result<(), PlayError> {
        match step {
            Step::Begin { uuid } => self.state.begin_instance(self.number, &uuid, at)?,
            Step::Row { uuid, row } => self.state.add_report_row(&uuid, *row)?,
            Step::Send(event) => self.delivery.post(&event),
            Step::End { uuid } => {
                self.state.end_instance(&uuid, at);
            }
        }
        Ok(())
    }
}

/// The performance as one list in the order of time.
fn steps(performance: Performance) -> Vec<(Instant, Step)> {
    let mut steps = Vec::new();
    for instance in performance.instances {
        let uuid = instance.uuid;
        steps.push((instance.started, 0, Step::Begin { uuid: uuid.clone() }));
        for row in instance.rows {
            // Somebody who waited and gave up before the meeting began stands in its report all the same.
            let at = row.leave_time.unwrap_or(instance.started).max(instance.started);
            steps.push((at, 1, Step::Row { uuid: uuid.clone(), row: Box::new(row) }));
        }
        steps.push((instance.ended, 3, Step::End { uuid }));
    }
    steps.extend(performance.sendings.into_iter().map(|sending| (sending.at, 2, Step::Send(sending.event))));
    steps.sort_by_key(|(at, rank, _)| (*at, *rank));
    steps.into_iter().map(|(at, _, step)| (at, step)).collect()
}
