//! The sync half of a meeting's actor: asks `domain::sync` for the next step, performs it, writes down what came
//! of it, until Zoom agrees or there is something to wait for.

use chrono::{DateTime, Utc};
use rand::RngExt;

use super::hold;
use super::perform::{self, Performed};
use super::registration::Registration;
use super::{known, tale};
use crate::actors::engine::Engine;
use crate::actors::zoom_api::Lane;
use crate::domain::appointment::AppointmentStatus;
use crate::domain::sync::{Desired, Failure, Known, Outcome, Policy, Step, at_rest, next_step, settle};
use crate::store::due::{self, DueKind};
use crate::store::look::{self, LookRow};
use crate::store::meeting::{self, SyncColumns, SyncView};
use crate::store::shard::Fence;
use crate::store::{Conn, StoreError, UtcMillis, outbox};

/// More steps than this in one go mean that something flaps; the rest is done at the next wake-up.
const STEPS_MAX: usize = 16;

/// A crash between two steps is noticed by the clock after this.
const STEP_LEASE: chrono::Duration = chrono::Duration::seconds(60);

/// When there is something to do again after too many steps.
const SEAT_WAIT: chrono::Duration = chrono::Duration::seconds(60);

/// How often a booking without a seat is looked at, to see that its time has passed: who gets a seat is woken.
const LINE_LOOK: chrono::Duration = chrono::Duration::minutes(10);

/// Where a run of the loop stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Synced {
    /// The generation of the booking that was looked at last.
    pub(super) generation: i64,
    /// Whether Zoom agrees with it.
    pub(super) agrees: bool,
    /// When there is something to do again.
    pub(super) again_at: Option<DateTime<Utc>>,
    /// Zoom cannot be called: the meeting stays due.
    pub(super) shut: bool,
}

/// Runs the loop for one meeting; `None` when the meeting does not exist, or is another process's by now.
pub(super) async fn run(engine: &Engine, id: &str, interactive: bool) -> Result<Option<Synced>, StoreError> {
    let mut policy = engine.sync;
    for _ in 0..STEPS_MAX {
        let Some(fence) = engine.shards.fence(id) else { return Ok(None) };
        let Some(view) = engine.load(id).await? else { return Ok(None) };
        let now = engine.clock.now();
        if let Some(step) = known::interrupted(&view.meeting)? {
            let performed = Performed::failed(Failure::Unknown, "interrupted before the answer came");
            let generation = view.meeting.op_generation.unwrap_or_default();
            conclude(engine, &view, view.meeting.version, &step, generation, performed).await?;
            continue;
        }
        if let Some((columns, look)) = known::resync(&view, now) {
            // Somebody waits for certainty: the second look comes at once.
            policy.second_look = chrono::Duration::zero();
            begin_resync(engine, &view, columns, look).await?;
            continue;
        }
        let desired = known::desired(&view, &engine.meetings, &engine.installation)?;
        let known = known::known(&view)?;
        let step = next_step(&desired, &known, now, &policy);
        if let Some(stop) = resting(&step, &desired, now) {
            return rest(engine, &view, &desired, known, stop, &policy).await.map(Some);
        }
        if let Some(outage) = engine.zoom.door().outage() {
            return hold::hold(engine, fence, &view, &outage).await.map(Some);
        }
        let Some(version) = intend(engine, &view, fence, &step, desired.generation()).await? else {
            continue;
        };
        let performed = perform::step(engine, &view, &desired, &step, lane(&step, interactive)).await;
        let refused_at_the_door = performed.outcome == Outcome::Failed(Failure::Shut);
        conclude(engine, &view, version, &step, desired.generation(), performed).await?;
        // While it is shut the next round holds, and ends when the meeting is another's by now; otherwise this was a
        // moment's matter.
        let ours = engine.shards.fence(id) == Some(fence);
        if refused_at_the_door && ours && engine.zoom.door().outage().is_none() {
            return hold::come_again(engine, fence, &view).await.map(Some);
        }
    }
    let again_at = Some(engine.clock.now() + SEAT_WAIT);
    Ok(Some(Synced { generation: 0, agrees: false, again_at, shut: false }))
}

async fn begin_resync(
    engine: &Engine,
    view: &SyncView,
    columns: SyncColumns,
    look: LookRow,
) -> Result<(), StoreError> {
    let (id, version) = (view.meeting.id.clone(), view.meeting.version);
    engine.store.write(move |conn| save(conn, &id, version, &columns, Some(&look)).map(|_| ())).await
}

/// Writes both rows of a meeting, if it still has `version`; `false` when somebody else wrote.
fn save(
    conn: &mut Conn,
    id: &str,
    version: i64,
    columns: &SyncColumns,
    look: Option<&LookRow>,
) -> Result<bool, StoreError> {
    let saved = meeting::save_sync(conn, id, version, columns)?;
    if let Some(look) = look.filter(|_| saved) {
        look::save(conn, look)?;
    }
    Ok(saved)
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
        Step::WaitForHost => stop(false, "waiting_for_host", Some(now + LINE_LOOK)),
        Step::TooLate => stop(matches!(desired, Desired::Nothing { .. }), "parked", None),
        _ => None,
    }
}

async fn rest(
    engine: &Engine,
    view: &SyncView,
    desired: &Desired,
    mut known: Known,
    mut stop: Stop,
    policy: &Policy,
) -> Result<Synced, StoreError> {
    let (row, now) = (&view.meeting, engine.clock.now());
    if stop.agrees {
        known.synced_generation = desired.generation();
        stop.again_at = at_rest(desired, &mut known, now, policy);
    }
    let mut columns = known::columns(row, now);
    let mut look = view.look.clone();
    known::note(&mut columns, &mut look, &known)?;
    let look = (look != view.look).then_some(look);
    let mut tale = None;
    if stop.agrees && !known.drift.fields.is_empty() {
        stop.state = "parked";
        columns.last_error = Some(tale::kept_otherwise(&known.drift));
        tale = (row.sync_state != "parked").then(|| tale::drift_stays(&known));
    } else if stop.state == "parked" {
        columns.last_error = Some("the planned time had passed before Zoom could be told".to_owned());
    } else if stop.agrees {
        columns.last_error = None;
    }
    if !stop.state.is_empty() {
        columns.sync_state = stop.state.to_owned();
    }
    let (generation, agrees, again_at) = (desired.generation(), stop.agrees, stop.again_at);
    let synced = Synced { generation, agrees, again_at, shut: false };
    let status = status(known.number.is_some(), &view.booking.status);
    let (id, version, again_at) = (row.id.clone(), row.version, stop.again_at.map(UtcMillis::from));
    let (appointment, due_at) = (view.booking.id.clone(), view.due_at);
    let ending = Ending::of(engine, view, desired, now);
    engine
        .store
        .write(move |conn| {
            if save(conn, &id, version, &columns, look.as_ref())? {
                meeting::save_status(conn, &id, status)?;
                due::replace(conn, DueKind::Sync, &id, due_at, again_at)?;
                ending.expect(conn, &appointment)?;
                if let Some(tale) = tale {
                    tale.tell(conn, &appointment, now)?;
                }
            }
            Ok(())
        })
        .await?;
    Ok(synced)
}

/// When somebody looks how the booking came out.
enum Ending {
    /// There is nothing to look at.
    Never,
    /// Once the planned end and Zoom's counting have passed.
    At(UtcMillis),
    /// They have passed while nobody was there to expect it: now, unless somebody looks already.
    Missed(UtcMillis),
    /// It has been seen.
    Seen,
}

impl Ending {
    fn of(engine: &Engine, view: &SyncView, desired: &Desired, now: DateTime<Utc>) -> Self {
        let Desired::Meeting { .. } = desired else { return Self::Never };
        let at = DateTime::<Utc>::from(view.booking.end_at) + engine.attendance.report_delay;
        match AppointmentStatus::parse(&view.booking.status) {
            _ if at > now => Self::At(at.into()),
            Some(status) if status.wants_meeting() => Self::Missed(now.into()),
            _ => Self::Seen,
        }
    }

    fn expect(self, conn: &mut Conn, appointment: &str) -> Result<(), StoreError> {
        match self {
            Self::Never => due::clear(conn, DueKind::WindowEnd, appointment),
            Self::At(at) => due::set(conn, DueKind::WindowEnd, appointment, at),
            Self::Missed(now) => due::replace(conn, DueKind::WindowEnd, appointment, None, Some(now)),
            Self::Seen => Ok(()),
        }
    }
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
    generation: i64,
) -> Result<Option<i64>, StoreError> {
    let now = engine.clock.now();
    let op_id = uuid::Uuid::now_v7().to_string();
    let columns = known::intend(&view.meeting, step, generation, op_id, now)?;
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
    let row = view.meeting.clone();
    let before = known::known(view)?;
    let after = settle(&before, step, generation, &performed.outcome, now, &engine.sync, jitter);
    tale::count(&before, step, &performed);
    let mut tales = tale::of(&before, step, &performed, &after, row.sync_state == "failed");
    tales.extend(tale::of_link(&view.look, &performed));
    let doubted_host = performed.host_in_doubt.clone();
    let second_look = UtcMillis::from(now + engine.sync.second_look);
    let (columns, look) = concluded(view, &after, performed, now)?;
    let look = (look != view.look).then_some(look);
    let newly_numbered = if before.number.is_none() { after.number.clone() } else { None };
    let registration = Registration::of(&before, step, &after, tales.iter().any(tale::Tale::is_of_link));
    let facts = tale::facts(view, &after);
    let status = status(after.number.is_some(), &view.booking.status);
    let appointment = view.booking.id.clone();
    let written = engine
        .store
        .write(move |conn| {
            if !save(conn, &row.id, version, &columns, look.as_ref())? {
                return Ok(false);
            }
            meeting::save_status(conn, &row.id, status)?;
            if let Some(number) = newly_numbered {
                crate::store::inbox::release_unowned(conn, &number)?;
            }
            // Gone is believed at the second look; whoever reads the user then forgets them.
            if let Some(host) = doubted_host {
                due::set(conn, DueKind::ZoomUser, &host, second_look)?;
            }
            registration.follow(conn, &row.id, UtcMillis::from(now))?;
            for tale in tales {
                if let Some(event) = tale.event {
                    outbox::tell(conn, UtcMillis::from(now), event, facts.clone())?;
                }
                tale.tell(conn, &appointment, now)?;
            }
            Ok(true)
        })
        .await?;
    if !written {
        tracing::warn!(meeting.id = %view.meeting.id, "somebody else wrote the meeting's row; its step is looked up");
    }
    Ok(())
}

fn concluded(
    view: &SyncView,
    after: &Known,
    performed: Performed,
    now: DateTime<Utc>,
) -> Result<(SyncColumns, LookRow), StoreError> {
    let (mut columns, mut look) = (known::columns(&view.meeting, now), view.look.clone());
    let details = performed.details;
    columns.host_id = details.host_id.or(columns.host_id);
    columns.zoom_uuid = details.uuid.or(columns.zoom_uuid);
    columns.passcode_enc = details.passcode_enc.or(columns.passcode_enc);
    columns.registration_url = details.registration_url.or(columns.registration_url);
    columns.join_url = details.join_url.or(columns.join_url);
    look.last_join_url = columns.join_url.clone().or(look.last_join_url);
    known::note(&mut columns, &mut look, after)?;
    // A look meanwhile changes nothing about what is waited for, and why.
    let waits = after.not_before.is_some_and(|until| until > now);
    if waits && view.meeting.next_attempt_at == after.not_before.map(UtcMillis::from) {
        return Ok((columns, look));
    }
    columns.last_error = performed.error;
    columns.sync_state = match performed.outcome {
        Outcome::Failed(Failure::Refused) => "failed",
        Outcome::Failed(Failure::Until(_)) => "parked",
        Outcome::Failed(Failure::HostNotReady) => "waiting_for_host",
        _ => "pending",
    }
    .to_owned();
    Ok((columns, look))
}
