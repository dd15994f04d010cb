//! Lets the plan happen: callers, classes, faults and kills, all at the same time.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::Result;
use convened::sandbox::faults::{Fault, FaultRule, LimitKind};
use futures::future::{join_all, try_join_all, try_join3};

use crate::act::Caller;
use crate::lesson::{self, Played};
use crate::plan::Plan;
use crate::stage::Stage;
use crate::weather::{Kill, Moment, STORM, Squall};

/// How long a request is held for a kill that is to come in the midst of it.
const HELD_MILLIS: u64 = 250;
/// Daily limits are not struck in the last moments of a day: the answer could be read as tomorrow's.
const BEFORE_MIDNIGHT: Duration = Duration::from_millis(1_500);
/// How often it is looked whether that request has come.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What there was of the storm.
#[derive(Debug, Default)]
pub(crate) struct Storm {
    pub(crate) played: Vec<Played>,
    pub(crate) kills: u32,
}

impl std::fmt::Debug for Played {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} as class {}", self.tag, self.class)
    }
}

/// Plays the plan. Afterwards the faults are gone and the daemon runs.
pub(crate) async fn rage(stage: &Stage, plan: Plan) -> Result<Storm> {
    let callers: Vec<Caller> =
        try_join_all((0..plan.callers.len()).map(|index| Caller::arrive(stage, index))).await?;
    let kills = Cell::new(0);
    let work = try_join_all(callers.iter().zip(plan.callers).map(|(caller, turns)| caller.work(turns)));
    let lessons = try_join_all(
        plan.lessons.into_iter().enumerate().map(|(index, class)| lesson::hold(stage, index, class)),
    );
    let weather = async {
        futures::join!(join_all(plan.squalls.into_iter().map(|squall| blow(stage, squall))), async {
            tokio::time::sleep(STORM).await;
        });
        stage.sandbox.state().clear_faults();
        Ok(())
    };
    let deaths = die(stage, plan.kills, &kills);
    let (_, lessons, ()) = try_join3(try_join3(work, deaths, weather), lessons, async { Ok(()) }).await?;
    Ok(Storm { played: lessons.into_iter().flatten().collect(), kills: kills.get() })
}

async fn blow(stage: &Stage, squall: Squall) {
    tokio::time::sleep(squall.at).await;
    let state = stage.sandbox.state();
    let lasts = match squall.rule.fault {
        // A day that has just begun is longer than anybody would wait for the end of a run.
        Fault::RateLimit { limit: LimitKind::Daily | LimitKind::Host | LimitKind::Registrant } => {
            let Some(left) = stage.rest_of_day().checked_sub(BEFORE_MIDNIGHT) else { return };
            Some(left)
        }
        _ => squall.lasts,
    };
    let id = state.add_fault(squall.rule);
    if let Some(lasts) = lasts {
        tokio::time::sleep(lasts).await;
        state.remove_fault(id);
    }
}

async fn die(stage: &Stage, kills: Vec<Kill>, count: &Cell<u32>) -> Result<()> {
    let began = Instant::now();
    for kill in kills {
        tokio::time::sleep(kill.at.saturating_sub(began.elapsed())).await;
        if let Moment::DuringRequest(endpoint) = kill.moment {
            held(stage, endpoint).await;
        }
        stage.daemon.kill().await?;
        count.set(count.get() + 1);
        tokio::time::sleep(kill.down).await;
        stage.daemon.start().await?;
    }
    Ok(())
}

/// Waits until Zoom works on a request of this kind, or the storm is over.
async fn held(stage: &Stage, endpoint: &str) {
    let fault = Fault::Delay { millis: HELD_MILLIS };
    let rule = FaultRule { endpoint: endpoint.to_owned(), count: Some(1), skip: 0, probability: 1.0, fault };
    let state = stage.sandbox.state();
    let id = state.add_fault(rule);
    stage.until(STORM / 3, LOOK_EVERY, || (state.struck(id) > 0).then_some(())).await;
    state.remove_fault(id);
}
