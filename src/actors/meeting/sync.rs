//! The sync half of a meeting's actor: asks `domain::sync` for the next step, performs it, writes down what came
//! of it, until Zoom agrees or there is something to wait for.

use chrono::{DateTime, Utc};
use rand::RngExt;

use super::known;
use super::perform::{self, Performed};
use crate::actors::engine::Engine;
use crate::actors::zoom_api::Lane;
use crate::domain::sync::{Desired, Failure, Known, Outcome, Step, next_step, settle};
use crate::store::due::{self, DueKind};
use crate::store::meeting::{self, MeetingRow, SyncView};
use crate::store::shard::Fence;
use crate::store::{StoreError, UtcMillis, story};

/// More steps than this in one go mean that something flaps; the rest is done at the next wake-up.
const STEPS_MAX: usize = 16;

/// A crash between two steps is noticed by the clock after this.
const STEP_LEASE: chrono::Duration = chrono::Duration::seconds(60);

/// How often a booking without a seat asks again, beside being woken when a seat frees.
const SEAT_WAIT: chrono::Duration = chrono::Duration::seconds(60);

/// Where a run of the loop stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Synced {
    /// The generation of the booking that was looked at last.
    pub(super) generation: i64,
    /// Whether Zoom agrees with it.
    pub(super) agrees: bool,
    /// When there is something to do again.
    pub(super) again_at: Option<DateTime<Utc>>,
}

/// Runs the loop for one meeting; `None` when the meeting does not exist, or is another process's by now.
pub(super) async fn run(engine: &Engine, id: &str, interactive: bool) -> Result<Option<Synced>, StoreError> {
    for _ in 0..STEPS_MAX {
        let Some(fence) = engine.shards.fence(id) else { return Ok(None) };
        let Some(view) = engine.load(id).await? else { return Ok(None) };
        let now = engine.clock.now();
        if let Some(step) = known::interrupted(&view.meeting)? {
            let performed = Performed::failed(Failure::Unknown, "interrupted before the answer came");
            let version = view.meeting.version;
            conclude(engine, &view, version, &step, view.booking.generation, performed).await?;
            continue;
        }
        let desired = known::desired(&view, &engine.meetings.settings, now)?;
        let known = known::known(&view.meeting)?;
        let step = next_step(&desired, &known, now, &engine.sync);
        if let Some(stop) = resting(&step, &desired, now) {
            rest(engine, &view, &desired, known, &stop).await?;
            let agrees = stop.agrees;
            return Ok(Some(Synced { generation: desired.generation(), agrees, again_at: stop.again_at }));
        }
        let Some(version) = intend(engine, &view, fence, &step).await? else { continue };
        let performed = perform::step(engine, &view, &step, lane(&step, interactive)).await;
        conclude(engine, &view, version, &step, desired.generation(), performed).await?;
    }
    let again_at = Some(engine.clock.now() + SEAT_WAIT);
    Ok(Some(Synced { generation: 0, agrees: false, again_at }))
}

/// Somebody who waits goes first, then whoever wants to get rid of a meeting.
fn lane(step: &Step, interactive: bool) -> Lane {
    match step {
        _ if interactive => Lane::Interactive,
        Step::Delete { .. } => Lane::Cancel,
        _ => Lane::Sync,
    }
}

/// A state in which there is nothing to perform now.
struct Stop {
    agrees: bool,
    state: &'static str,
    again_at: Option<DateTime<Utc>>,
}

fn resting(step: &Step, desired: &Desired, now: DateTime<Utc>) -> Option<Stop> {
    let stop = |agrees, state, again_at| Some(Stop { agrees, state, again_at });
    match step {
        Step::Rest => stop(true, "in_sync", None),
        Step::Wait(until) => stop(false, "", Some(*until)),
        Step::WaitForHost => stop(false, "waiting_for_host", Some(now + SEAT_WAIT)),
        Step::TooLate => stop(matches!(desired, Desired::Nothing { .. }), "parked", None),
        _ => None,
    }
}

async fn rest(
    engine: &Engine,
    view: &SyncView,
    desired: &Desired,
    mut known: Known,
    stop: &Stop,
) -> Result<(), StoreError> {
    let row = &view.meeting;
    if stop.agrees {
        known.synced_generation = desired.generation();
    }
    let mut columns = known::columns(row, engine.clock.now());
    known::note(&mut columns, &known)?;
    if !stop.state.is_empty() {
        columns.sync_state = stop.state.to_owned();
    }
    if stop.state == "parked" {
        columns.last_error = Some("the planned time had passed before Zoom could be told".to_owned());
    } else if stop.agrees {
        columns.last_error = None;
    }
    let status = status(known.number.is_some(), &view.booking.status);
    let (id, version, again_at) = (row.id.clone(), row.version, stop.again_at.map(UtcMillis::from));
    let appointment = view.booking.id.clone();
    // Once the planned end and Zoom's counting have passed, somebody looks how it came out.
    let wanted = matches!(desired, Desired::Meeting { .. });
    let window_end =
        wanted.then(|| DateTime::<Utc>::from(view.booking.end_at) + engine.attendance.report_delay);
    let window_end = window_end.filter(|at| *at > engine.clock.now()).map(UtcMillis::from);
    engine
        .store
        .write(move |conn| {
            if meeting::save_sync(conn, &id, version, &columns)? {
                meeting::save_status(conn, &id, status)?;
                due::set_or_clear(conn, DueKind::Sync, &id, again_at)?;
                if window_end.is_some() || !wanted {
                    due::set_or_clear(conn, DueKind::WindowEnd, &appointment, window_end)?;
                }
            }
            Ok(())
        })
        .await
}

fn status(at_zoom: bool, booking: &str) -> &'static str {
    match (at_zoom, booking) {
        (true, _) => "scheduled",
        (false, "cancelled") => "cancelled",
        (false, _) => "pending",
    }
}

/// Writes the intent before the request leaves, and proves with it that the meeting is this process's. Gives the
/// version of the row from then on; `None` when the row changed and has to be read again.
async fn intend(
    engine: &Engine,
    view: &SyncView,
    fence: Fence,
    step: &Step,
) -> Result<Option<i64>, StoreError> {
    let now = engine.clock.now();
    let op_id = uuid::Uuid::now_v7().to_string();
    let columns = known::intend(&view.meeting, step, op_id, now)?;
    let (id, version) = (view.meeting.id.clone(), view.meeting.version);
    let lease = UtcMillis::from(now + STEP_LEASE);
    engine
        .store
        .write(move |conn| {
            fence.hold(conn)?;
            due::set(conn, DueKind::Sync, &id, lease)?;
            let Some(columns) = columns else { return Ok(Some(version)) };
            Ok(meeting::save_sync(conn, &id, version, &columns)?.then_some(version + 1))
        })
        .await
}

/// Writes down what came of a step, if the row is still at `version`. Otherwise another process has taken the
/// meeting over meanwhile, and looks up itself what came of it.
async fn conclude(
    engine: &Engine,
    view: &SyncView,
    version: i64,
    step: &Step,
    generation: i64,
    performed: Performed,
) -> Result<(), StoreError> {
    let now = engine.clock.now();
    let jitter = rand::rng().random::<f64>();
    let before = known::known(&view.meeting)?;
    let after = settle(&before, step, generation, &performed.outcome, now, &engine.sync, jitter);
    let tale = super::tale::of(&before, step, &performed, &after);
    let booking = view.booking.clone();
    let id = view.meeting.id.clone();
    let newly_numbered = if before.number.is_none() { after.number.clone() } else { None };
    engine
        .store
        .write(move |conn| {
            // Read anew: the intent has changed its columns.
            let Some(row) = meeting::by_id(conn, &id)? else { return Ok(()) };
            let columns = concluded(&row, &after, performed, now)?;
            if !meeting::save_sync(conn, &id, version, &columns)? {
                return Ok(());
            }
            meeting::save_status(conn, &id, status(after.number.is_some(), &booking.status))?;
            if let Some(number) = newly_numbered {
                crate::store::inbox::release_unowned(conn, &number)?;
            }
            match tale {
                Some(tale) => story::tell(conn, &booking.id, now, tale.kind, &tale.text, tale.details),
                None => Ok(()),
            }
        })
        .await
}

fn concluded(
    row: &MeetingRow,
    after: &Known,
    performed: Performed,
    now: DateTime<Utc>,
) -> Result<meeting::SyncColumns, StoreError> {
    let mut columns = known::columns(row, now);
    if let Some(host_id) = performed.details.host_id {
        columns.host_id = Some(host_id);
    }
    if let Some(uuid) = performed.details.uuid {
        columns.zoom_uuid = Some(uuid);
    }
    if let Some(join_url) = performed.details.join_url {
        columns.join_url = Some(join_url);
    }
    if let Some(passcode) = performed.details.passcode_enc {
        columns.passcode_enc = Some(passcode);
    }
    if let Some(url) = performed.details.registration_url {
        columns.registration_url = Some(url);
    }
    known::note(&mut columns, after)?;
    columns.last_error = performed.error;
    columns.sync_state = match performed.outcome {
        Outcome::Failed(Failure::Refused) => "failed",
        Outcome::Failed(Failure::Until(_)) => "parked",
        Outcome::Failed(Failure::HostNotReady) => "waiting_for_host",
        _ => "pending",
    }
    .to_owned();
    Ok(columns)
}
