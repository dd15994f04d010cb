//! What Zoom is asked about the runs of a booking: its list of them, and the end of each that nobody told.

use chrono::{DateTime, Utc};

use super::run_of;
use crate::actors::engine::Engine;
use crate::actors::zoom_api::Lane;
use crate::domain::lifecycle::Planned;
use crate::store::UtcMillis;
use crate::store::instance::InstanceRow;
use crate::store::meeting::SyncView;
use crate::zoom::call;
use crate::zoom::error::ZoomError;
use crate::zoom::types::{PastInstances, PastMeeting};

/// What Zoom said.
pub(super) struct Asked {
    /// Whether it gave its list of runs; `None` when it was not asked for it.
    pub(super) list: Option<Result<(), ZoomError>>,
    /// The uuids of runs that no webhook told of.
    pub(super) found: Vec<String>,
    /// Something was kept from us that a later question may bring: the last such failure.
    pub(super) hidden: Option<ZoomError>,
}

/// Completes `spans` by what Zoom knows: runs nobody told us of, where the `list` is wanted, and ends that never came.
pub(super) async fn ask(
    engine: &Engine,
    view: &SyncView,
    planned: &Planned,
    spans: &mut Vec<InstanceRow>,
    list: bool,
) -> Asked {
    let mut asked = Asked { list: None, found: Vec::new(), hidden: None };
    let Some(number) = view.meeting.zoom_meeting_id.clone() else {
        // Nothing of it is at Zoom that could be asked for.
        asked.list = list.then_some(Ok(()));
        return asked;
    };
    if list {
        let runs = runs(engine, &number).await;
        if let Ok(runs) = &runs {
            asked.found = add(view, &number, spans, runs, engine.clock.now().into());
        }
        asked.hidden = runs.as_ref().err().filter(|error| error.keeps_from_knowing()).cloned();
        asked.list = Some(runs.map(|_| ()));
    }
    for span in spans.iter_mut().filter(|span| span.ended_at.is_none() && planned.may_cover(&run_of(span))) {
        match details(engine, &span.uuid).await {
            Ok(past) => close(span, &past, engine.clock.now()),
            // One run that Zoom does not tell of keeps none of the others from being asked for.
            Err(error) if error.keeps_from_knowing() => asked.hidden = Some(error),
            Err(_) => {}
        }
    }
    asked
}

async fn runs(engine: &Engine, number: &str) -> Result<PastInstances, ZoomError> {
    engine.zoom.call(Lane::Report, call::past_instances(number)).await?.parse()
}

async fn details(engine: &Engine, uuid: &str) -> Result<PastMeeting, ZoomError> {
    engine.zoom.call(Lane::Report, call::past_meeting(uuid)).await?.parse()
}

/// Adds the runs that nobody told us of; gives their uuids.
fn add(
    view: &SyncView,
    number: &str,
    spans: &mut Vec<InstanceRow>,
    runs: &PastInstances,
    now: UtcMillis,
) -> Vec<String> {
    let mut found = Vec::new();
    for run in runs.meetings.iter().filter(|run| !run.uuid.is_empty()) {
        if spans.iter().any(|span| span.uuid == run.uuid) {
            continue;
        }
        found.push(run.uuid.clone());
        spans.push(InstanceRow {
            uuid: run.uuid.clone(),
            meeting_id: view.meeting.id.clone(),
            zoom_meeting_id: number.to_owned(),
            started_at: run.start_time.map(UtcMillis::from),
            ended_at: None,
            created_at: now,
            updated_at: now,
        });
    }
    found
}

/// Takes over what Zoom says of a run that is over. An end before the beginning, or still to come, is none.
fn close(span: &mut InstanceRow, past: &PastMeeting, now: DateTime<Utc>) {
    span.started_at = span.started_at.or(past.start_time.map(UtcMillis::from));
    let possible = |end: &DateTime<Utc>| {
        *end <= now && span.started_at.is_none_or(|started| *end >= DateTime::<Utc>::from(started))
    };
    span.ended_at = past.end_time.filter(possible).map(UtcMillis::from);
    span.updated_at = UtcMillis::from(now);
}
