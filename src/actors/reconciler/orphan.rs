//! The second look at a meeting that carries our mark and that nobody owns: adopted, removed, or kept with the reason.

use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use super::sweep::adopt;
use super::{SweepError, SweepOptions};
use crate::actors::engine::Engine;
use crate::actors::registry::RegistryHandle;
use crate::actors::zoom_api::Lane;
use crate::domain::marker::Marker;
use crate::domain::sweep::{Finding, compare};
use crate::store::due::{self, DueKind};
use crate::store::orphan::{self, OrphanRow, OrphanState};
use crate::store::{Conn, StoreError, story, sweep};
use crate::zoom::call;
use crate::zoom::error::ZoomError;
use crate::zoom::types::Meeting;

/// A meeting that runs, or whose booking is being created, is looked at again after this.
const LATER: Duration = Duration::minutes(10);
/// What Zoom says of meetings that were made by a program (Get a meeting, `creation_source`).
const BY_PROGRAM: &str = "open_api";

/// What is done with it.
enum Verdict {
    /// It is no orphan any more.
    Forget,
    /// It belongs to a booking that has none.
    Adopt { meeting_id: String },
    /// Not now.
    Later,
    /// It stays, for this reason.
    Keep(&'static str),
    /// It goes.
    Remove { double_of: Option<String> },
}

/// Looks again at the meeting with this number.
pub(super) async fn look_again(
    engine: &Engine,
    registry: &RegistryHandle,
    options: &SweepOptions,
    number: &str,
) -> Result<(), SweepError> {
    let key = number.to_owned();
    let known = engine.store.read(move |conn| orphan::by_number(conn, &key)).await?;
    let Some(row) = known.filter(|row| row.state != OrphanState::Removed) else {
        return conclude(engine, number, Verdict::Forget, None).await;
    };
    let meeting = match engine.zoom.call(Lane::Sweep, call::get_meeting(number)).await {
        Ok(reply) => reply.parse::<Meeting>()?,
        Err(ZoomError::NotFound { .. }) => return conclude(engine, number, Verdict::Forget, Some(row)).await,
        Err(error) => return Err(error.into()),
    };
    let mut verdict = judge(engine, options, &row, &meeting).await?;
    if let Verdict::Remove { double_of } = &verdict {
        match engine.zoom.call(Lane::Sweep, call::delete_meeting(number)).await {
            Ok(_) => tracing::warn!(
                zoom.meeting = number,
                marker = row.marker,
                double = double_of.is_some(),
                "a meeting at Zoom that carried our mark and belonged to nobody was removed"
            ),
            Err(ZoomError::NotFound { .. }) => verdict = Verdict::Forget,
            Err(ZoomError::Rejected { .. }) => verdict = Verdict::Keep("Zoom refuses to delete it"),
            Err(error) => return Err(error.into()),
        }
    }
    if let Verdict::Adopt { meeting_id } = &verdict {
        let meeting_id = meeting_id.clone();
        conclude(engine, number, verdict, Some(row)).await?;
        registry.wake(&meeting_id);
        return Ok(());
    }
    conclude(engine, number, verdict, Some(row)).await
}

/// Decides from what Zoom has now and who owns what now.
async fn judge(
    engine: &Engine,
    options: &SweepOptions,
    row: &OrphanRow,
    meeting: &Meeting,
) -> Result<Verdict, SweepError> {
    let now = engine.clock.now();
    let Some((_, listed)) = super::sweep::read(meeting.clone()) else { return Ok(Verdict::Later) };
    let marker = Marker::at_head_of(&listed.agenda).map(|marker| marker.in_rows());
    if marker.as_ref() != Some(&row.marker) {
        // Somebody took our mark off, or made another meeting of it: it is theirs now.
        return Ok(Verdict::Forget);
    }
    let (host_id, numbers, markers) =
        (listed.host_id.clone(), vec![listed.number.clone()], vec![row.marker.clone()]);
    let installation = engine.installation.clone();
    let listed = vec![listed];
    let (findings, creating) = engine
        .store
        .read(move |conn| {
            let ours = sweep::ours(conn, now.into(), &host_id, &numbers, &markers)?;
            let ours: Vec<_> = ours.into_iter().filter(|own| markers.contains(&own.marker)).collect();
            let creating = ours.iter().any(|own| own.creating);
            Ok((compare(&host_id, &listed, &ours, &installation, now), creating))
        })
        .await?;
    let stray = findings.into_iter().find_map(|finding| match finding {
        Finding::Adopt { meeting_id, .. } => Some(Verdict::Adopt { meeting_id }),
        Finding::Stray { double_of, signed, .. } => Some(remove_or_keep(options, meeting, double_of, signed)),
        Finding::Look { .. } => None,
    });
    Ok(stray.unwrap_or(if creating { Verdict::Later } else { Verdict::Forget }))
}

fn remove_or_keep(
    options: &SweepOptions,
    meeting: &Meeting,
    double_of: Option<String>,
    signed: bool,
) -> Verdict {
    let by_hand = meeting
        .other
        .get("creation_source")
        .and_then(serde_json::Value::as_str)
        .is_some_and(|source| source != BY_PROGRAM);
    if meeting.status.as_deref() == Some("started") {
        Verdict::Later
    } else if by_hand {
        Verdict::Keep("a person made it, by copying one of ours")
    } else if double_of.is_none() && !signed {
        Verdict::Keep("its mark names no installation: nobody can say whose it is")
    } else if !options.removes {
        Verdict::Keep("sync.orphans = \"report\"")
    } else {
        Verdict::Remove { double_of }
    }
}

/// Writes down what became of it.
async fn conclude(
    engine: &Engine,
    number: &str,
    verdict: Verdict,
    row: Option<OrphanRow>,
) -> Result<(), SweepError> {
    let (now, number) = (engine.clock.now(), number.to_owned());
    engine
        .store
        .write(move |conn| {
            due::clear(conn, DueKind::Orphan, &number)?;
            match (verdict, row) {
                (Verdict::Forget, Some(_)) => orphan::forget(conn, &number),
                (Verdict::Adopt { meeting_id }, Some(row)) => {
                    adopt(conn, &meeting_id, &number, &row.host_id, now)?;
                    orphan::forget(conn, &number)
                }
                (Verdict::Later, _) => due::set(conn, DueKind::Orphan, &number, (now + LATER).into()),
                (Verdict::Keep(reason), _) => {
                    metrics::counter!("convened_orphans_total", "what" => "kept").increment(1);
                    orphan::settle(conn, &number, OrphanState::Kept, reason, now.into())
                }
                (Verdict::Remove { double_of }, _) => removed(conn, &number, double_of, now),
                (Verdict::Forget | Verdict::Adopt { .. }, None) => Ok(()),
            }
        })
        .await?;
    Ok(())
}

fn removed(
    conn: &mut Conn,
    number: &str,
    double_of: Option<String>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let what = if double_of.is_some() { "double_removed" } else { "removed" };
    metrics::counter!("convened_orphans_total", "what" => what).increment(1);
    let reason = match double_of {
        Some(_) => "a second meeting of one booking",
        None => "no booking has its mark",
    };
    orphan::settle(conn, number, OrphanState::Removed, reason, now.into())?;
    let Some(meeting) = double_of else { return Ok(()) };
    let Some(appointment) = sweep::appointment_of(conn, &meeting)? else { return Ok(()) };
    let text = "a second meeting of this booking was found at Zoom and removed";
    story::tell(
        conn,
        &appointment,
        now,
        "zoom.double_removed",
        text,
        Some(json!({ "zoom_meeting_id": number })),
    )
}
