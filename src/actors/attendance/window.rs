//! When the planned end has passed: which runs were there, has each of them ended, and whose report is to be read?
//!
//! Webhooks may have told of one run of two, or of none: Zoom's list of runs is read after the end of each booking, ever
//! less often until it has a run of the class, and again for whoever wants it. Marks are not final before, and without
//! such a run not before `attendance.report_give_up`.

mod ask;
mod look;

use chrono::{DateTime, Utc};
use metrics::counter;

use self::ask::ask;
use self::look::Look;
use crate::actors::engine::Engine;
use crate::domain::appointment::AppointmentStatus;
use crate::domain::lifecycle::{Planned, Run};
use crate::domain::report::Patience;
use crate::store::due::{self, DueKind};
use crate::store::instance::{self, InstanceRow};
use crate::store::judging::{self, JudgingRow};
use crate::store::meeting::{self, SyncView};
use crate::store::{StoreError, UtcMillis};

/// Sees how a booking came out whose planned end has passed.
pub(super) async fn run(engine: &Engine, appointment_id: &str) -> Result<(), StoreError> {
    let fences = engine.shards.fences();
    let id = appointment_id.to_owned();
    // Before everything else: a booking that is moved from now on has another end to be looked at.
    let due_at = engine.store.read(move |conn| due::at(conn, DueKind::WindowEnd, &id)).await?;
    let Some((view, mut spans)) = found(engine, appointment_id).await? else {
        return again(engine, appointment_id, due_at, None).await;
    };
    // Another process's by now: it sees how the booking came out.
    let Some(fence) = fences.of(&view.meeting.id) else { return Ok(()) };
    let id = view.meeting.id.clone();
    let judging = engine.store.read(move |conn| judging::of(conn, &id)).await?;
    if !is_to_be_looked_at(&view, &judging) {
        return again(engine, appointment_id, due_at, None).await;
    }
    let planned = Planned { start: view.booking.start_at.into(), end: view.booking.end_at.into() };
    if engine.clock.now() < planned.end {
        return again(engine, appointment_id, due_at, Some(planned.end + engine.attendance.report_delay))
            .await;
    }
    let silent = !spans.iter().any(|span| planned.covers(&run_of(span)));
    let list = silent || judging.is_wanted() || !judging.is_listed(view.booking.end_at);
    let asked = ask(engine, &view, &planned, &mut spans, (list, judging.is_wanted())).await;
    if let Some(error) = &asked.hidden {
        // Zoom's own words may hold an address.
        let class = error.class();
        tracing::debug!(appointment.id = %appointment_id, class, "zoom could not say how the booking came out");
    }
    let now = engine.clock.now();
    let patience =
        Patience { delay: engine.attendance.report_delay, give_up: engine.attendance.report_give_up };
    let found = asked.found.len();
    let look = Look { view, planned, judging, spans, asked, patience, now };
    let next = engine
        .store
        .write(move |conn| {
            fence.hold(conn)?;
            look.write(conn)
        })
        .await?;
    if found > 0 {
        counter!("convened_runs_unheard_total").increment(u64::try_from(found).unwrap_or(u64::MAX));
        tracing::warn!(appointment.id = %appointment_id, runs = found,
            "Zoom tells of runs that no webhook told of: webhooks do not arrive, or the daemon was away");
    }
    let delay = engine.attendance.report_delay.max(std::time::Duration::from_secs(60));
    // No webhook may have told of the start; later looks would only repeat this one.
    let auto_end = super::auto_end::due_at(engine, planned.end).filter(|_| next.is_some());
    if let Some(at) = auto_end.filter(|at| DateTime::<Utc>::from(*at) + delay > now) {
        let id = appointment_id.to_owned();
        engine.store.write(move |conn| due::set(conn, DueKind::AutoEnd, &id, at)).await?;
    }
    again(engine, appointment_id, due_at, next).await
}

/// Whether a booking may have had a class. One of which nobody heard is looked at again for whoever wants it.
fn is_to_be_looked_at(view: &SyncView, judging: &JudgingRow) -> bool {
    match AppointmentStatus::parse(&view.booking.status) {
        Some(AppointmentStatus::Completed) => true,
        Some(AppointmentStatus::NoShow) => judging.is_wanted(),
        status => status.is_some_and(AppointmentStatus::wants_meeting),
    }
}

/// The meeting of a booking, with its instances as far as they are known.
pub(super) async fn found(
    engine: &Engine,
    appointment_id: &str,
) -> Result<Option<(SyncView, Vec<InstanceRow>)>, StoreError> {
    let id = appointment_id.to_owned();
    engine
        .store
        .read(move |conn| {
            let Some(row) = meeting::by_appointment(conn, &id)? else { return Ok(None) };
            let Some(view) = meeting::sync_view(conn, &row.id)? else { return Ok(None) };
            Ok(Some((view, instance::of_meeting(conn, &row.id)?)))
        })
        .await
}

/// Has the booking looked at again, or not any more, unless somebody has set another time than `seen` since.
async fn again(
    engine: &Engine,
    id: &str,
    seen: Option<UtcMillis>,
    at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    let id = id.to_owned();
    let at = at.map(UtcMillis::from);
    engine.store.write(move |conn| due::replace(conn, DueKind::WindowEnd, &id, seen, at)).await
}

/// An instance as a run.
pub(super) fn run_of(span: &InstanceRow) -> Run {
    Run { started: span.started_at.map(Into::into), ended: span.ended_at.map(Into::into) }
}
