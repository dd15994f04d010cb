//! What Zoom is asked about the runs of a booking: its list of them, and the end of each that nobody told.

use chrono::{DateTime, Utc};

use super::run_of;
use crate::actors::engine::Engine;
use crate::actors::zoom_api::Lane;
use crate::domain::lifecycle::{Planned, Run};
use crate::store::UtcMillis;
use crate::store::instance::InstanceRow;
use crate::store::meeting::SyncView;
use crate::zoom::call;
use crate::zoom::error::ZoomError;
use crate::zoom::types::{PastInstances, PastMeeting};

/// What Zoom said of its list of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// It was not asked for it.
    Unasked,
    /// It gave it, with every run in it that is over and known.
    Whole,
    /// It knows no such meeting, or a run is missing that is known: it is behind.
    Behind,
    /// It refuses it.
    Refused,
    /// It could not be asked.
    Hidden,
}

impl List {
    /// Whether Zoom did not say which runs there were.
    pub(super) fn is_unheard(self) -> bool {
        matches!(self, Self::Refused | Self::Hidden)
    }
}

/// What Zoom said.
pub(super) struct Asked {
    /// Of its list of runs.
    pub(super) list: List,
    /// The uuids of runs that no webhook told of.
    pub(super) found: Vec<String>,
    /// Something was kept from us that a later question may bring: the last such failure.
    pub(super) hidden: Option<ZoomError>,
}

/// Completes `spans` by what Zoom knows: runs nobody told us of, where the `list` is wanted, and ends that never came;
/// where everything is wanted `again`, also the end of a run that by what is known of it was not the class.
pub(super) async fn ask(
    engine: &Engine,
    view: &SyncView,
    planned: &Planned,
    spans: &mut Vec<InstanceRow>,
    (list, again): (bool, bool),
) -> Asked {
    let mut asked = Asked { list: List::Unasked, found: Vec::new(), hidden: None };
    let Some(number) = view.meeting.zoom_meeting_id.clone() else {
        // Nothing of it is at Zoom that could be asked for.
        asked.list = if list { List::Whole } else { List::Unasked };
        return asked;
    };
    if list {
        let runs = runs(engine, &number).await;
        asked.list = match &runs {
            Ok(runs) if lacks(runs, &number, planned, spans) => List::Behind,
            Ok(_) => List::Whole,
            Err(ZoomError::NotFound { .. }) => List::Behind,
            Err(error) if error.keeps_from_knowing() => List::Hidden,
            Err(_) => List::Refused,
        };
        match runs {
            Ok(runs) => asked.found = add(view, &number, spans, &runs, engine.clock.now().into()),
            Err(error) => asked.hidden = Some(error).filter(ZoomError::keeps_from_knowing),
        }
    }
    // Its end may have been guessed.
    let doubtful = |span: &InstanceRow| {
        let run = run_of(span);
        span.ended_at.is_none() || again && !planned.covers(&run)
    };
    let may_cover = |span: &InstanceRow| planned.may_cover(&Run { ended: None, ..run_of(span) });
    for span in spans.iter_mut().filter(|span| doubtful(span) && may_cover(span)) {
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

/// Whether the list is behind: a run of the booking that is over is not in it.
fn lacks(runs: &PastInstances, number: &str, planned: &Planned, spans: &[InstanceRow]) -> bool {
    let ours = |span: &&InstanceRow| {
        span.ended_at.is_some() && span.zoom_meeting_id == number && planned.covers(&run_of(span))
    };
    spans.iter().filter(ours).any(|span| runs.meetings.iter().all(|run| run.uuid != span.uuid))
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
    span.ended_at = past.end_time.filter(possible).map(UtcMillis::from).or(span.ended_at);
    span.updated_at = UtcMillis::from(now);
}
