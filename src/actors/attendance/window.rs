//! When the planned end has passed: was there a class that no webhook told us of, or one that never ended?

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::actors::engine::Engine;
use crate::actors::meeting::live::advance_booking;
use crate::actors::zoom_api::Lane;
use crate::domain::appointment::AppointmentStatus;
use crate::domain::lifecycle::{MeetingStatus, Planned, Run, meeting_status};
use crate::store::due::{self, DueKind};
use crate::store::instance::{self, InstanceRow};
use crate::store::meeting::{self, SyncView};
use crate::store::outbox::Event;
use crate::store::shard::Fence;
use crate::store::{StoreError, UtcMillis, lifecycle, news, report, story};
use crate::zoom::call;
use crate::zoom::error::ZoomError;
use crate::zoom::types::{PastInstances, PastMeeting};

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
    let status = AppointmentStatus::parse(&view.booking.status);
    if !status.is_some_and(|status| status.wants_meeting() || status == AppointmentStatus::Completed) {
        return again(engine, appointment_id, due_at, None).await;
    }
    let planned = Planned { start: view.booking.start_at.into(), end: view.booking.end_at.into() };
    let now = engine.clock.now();
    let missing = ask_zoom(engine, &view, &planned, &mut spans).await;
    let ours: Vec<&InstanceRow> = spans.iter().filter(|span| planned.covers(&run_of(span))).collect();
    let open = ours.iter().any(|span| span.ended_at.is_none());
    let give_up_at = planned.end + engine.attendance.report_give_up;
    // Only Zoom's word that there was nothing is one: a failing Zoom makes nobody absent.
    let may_be_hidden = missing.as_ref().is_err_and(ZoomError::keeps_from_knowing);
    if ours.is_empty() && now >= give_up_at && !may_be_hidden {
        return no_show(engine, fence, &view, now).await;
    }
    let settled = !ours.is_empty() && !open;
    save(engine, fence, &view, &planned, spans).await?;
    if let Err(error) = &missing {
        // Zoom's own words may hold an address.
        let class = error.class();
        tracing::debug!(appointment.id = %appointment_id, class, "zoom could not say how the booking came out");
    }
    let delay = engine.attendance.report_delay.max(std::time::Duration::from_secs(60));
    let retry_at = (!settled).then(|| (now + delay).max(now));
    // No webhook may have told of the start; later looks would only repeat this one.
    let auto_end = super::auto_end::due_at(engine, planned.end).filter(|_| !settled);
    if let Some(at) = auto_end.filter(|at| DateTime::<Utc>::from(*at) + delay > now) {
        let id = appointment_id.to_owned();
        engine.store.write(move |conn| due::set(conn, DueKind::AutoEnd, &id, at)).await?;
    }
    again(engine, appointment_id, due_at, retry_at).await
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

/// Completes what the webhooks left open: instances nobody told us of, and ends that never came.
async fn ask_zoom(
    engine: &Engine,
    view: &SyncView,
    planned: &Planned,
    spans: &mut Vec<InstanceRow>,
) -> Result<(), ZoomError> {
    let Some(number) = &view.meeting.zoom_meeting_id else { return Ok(()) };
    let now = UtcMillis::from(engine.clock.now());
    if !spans.iter().any(|span| planned.covers(&run_of(span))) {
        let past: PastInstances =
            engine.zoom.call(Lane::Report, call::past_instances(number)).await?.parse()?;
        for found in past.meetings {
            if spans.iter().all(|span| span.uuid != found.uuid) {
                spans.push(InstanceRow {
                    uuid: found.uuid,
                    meeting_id: view.meeting.id.clone(),
                    zoom_meeting_id: number.clone(),
                    started_at: found.start_time.map(UtcMillis::from),
                    ended_at: None,
                    created_at: now,
                    updated_at: now,
                });
            }
        }
    }
    for span in spans.iter_mut().filter(|span| span.ended_at.is_none()) {
        let past: PastMeeting =
            engine.zoom.call(Lane::Report, call::past_meeting(&span.uuid)).await?.parse()?;
        span.started_at = span.started_at.or(past.start_time.map(UtcMillis::from));
        span.ended_at = past.end_time.map(UtcMillis::from);
        span.updated_at = now;
    }
    Ok(())
}

/// Writes the instances as they are known now and lets their reports be read.
async fn save(
    engine: &Engine,
    fence: Fence,
    view: &SyncView,
    planned: &Planned,
    spans: Vec<InstanceRow>,
) -> Result<(), StoreError> {
    let now = engine.clock.now();
    let runs: Vec<Run> = spans.iter().map(run_of).collect();
    let status = meeting_status(planned, &runs, view.meeting.zoom_meeting_id.is_some());
    let (meeting_id, appointment_id) = (view.meeting.id.clone(), view.booking.id.clone());
    let started = runs.iter().filter_map(|run| run.started).min().map(UtcMillis::from);
    let ended = runs.iter().filter_map(|run| run.ended).max().map(UtcMillis::from);
    // What the webhooks told already is not told again.
    let event = match status {
        _ if view.meeting.status == status.as_str() => None,
        MeetingStatus::Started => Some(Event::MeetingStarted),
        MeetingStatus::Ended => Some(Event::MeetingEnded),
        _ => None,
    };
    let times = json!({ "started_at": started.map(DateTime::<Utc>::from),
        "ended_at": ended.map(DateTime::<Utc>::from) });
    engine
        .store
        .write(move |conn| {
            fence.hold(conn)?;
            for span in &spans {
                instance::save(conn, span)?;
                if span.ended_at.is_some()
                    && report::expect_one(conn, &span.uuid, &meeting_id, UtcMillis::from(now))?
                {
                    due::set(conn, DueKind::Report, &span.uuid, UtcMillis::from(now))?;
                }
            }
            if matches!(status, MeetingStatus::Started | MeetingStatus::Ended) {
                let ended = ended.filter(|_| status == MeetingStatus::Ended);
                meeting::save_run(conn, &meeting_id, status.as_str(), started, ended, UtcMillis::from(now))?;
                if let Some(event) = event {
                    news::of_meeting(conn, now.into(), event, &meeting_id, times)?;
                }
                advance_booking(conn, &appointment_id, status, now)?;
            }
            Ok(())
        })
        .await
}

/// Zoom has had time enough to tell of a class: there was none.
async fn no_show(
    engine: &Engine,
    fence: Fence,
    view: &SyncView,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let id = view.booking.id.clone();
    let at = UtcMillis::from(now);
    engine
        .store
        .write(move |conn| {
            fence.hold(conn)?;
            lifecycle::set_status(conn, &id, AppointmentStatus::NoShow.as_str(), at)?;
            story::tell(conn, &id, now, "appointment.no_show", "Zoom knows of no class at this time", None)?;
            due::set(conn, DueKind::Score, &id, at)?;
            due::clear(conn, DueKind::WindowEnd, &id)
        })
        .await
}
