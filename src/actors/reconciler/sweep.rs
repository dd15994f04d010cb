//! The sweep: which hosts there are, and what each one's list of meetings tells.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};

use super::{Errand, SweepError, SweepOptions};
use crate::actors::engine::Engine;
use crate::actors::registry::RegistryHandle;
use crate::actors::zoom_api::Lane;
use crate::actors::zoom_pages::Pages;
use crate::domain::marker::Marker;
use crate::domain::sweep::{Finding, Listed, compare};
use crate::store::due::{self, ACCOUNT, DueKind};
use crate::store::orphan::{self, OrphanRow, OrphanState};
use crate::store::{Conn, StoreError, UtcMillis, look, story, sweep};
use crate::zoom::error::ZoomError;
use crate::zoom::types::Meeting;

/// Between two hosts of one round: a big account is spread, not thrown at Zoom.
const HOST_GAP: Duration = Duration::milliseconds(100);
/// How long a removed orphan can still be seen in the list of them.
const REMOVED_SHOWN: Duration = Duration::days(30);

/// Makes a row of work for each host, and the next round's.
pub(super) async fn account(engine: &Engine, options: &SweepOptions) -> Result<(), SweepError> {
    let now = engine.clock.now();
    let pool = options.pool.clone();
    let (hosts, drifting) = engine
        .store
        .read(move |conn| Ok((sweep::hosts(conn, now.into(), &pool)?, look::drifting(conn)?)))
        .await?;
    metrics::gauge!("convened_drifting_meetings").set(u32::try_from(drifting).unwrap_or(u32::MAX));
    let next = UtcMillis::from(now + options.every);
    engine
        .store
        .write(move |conn| {
            let mut at = now;
            for host in &hosts {
                due::set(conn, DueKind::Sweep, host, at.into())?;
                at += HOST_GAP;
            }
            due::set(conn, DueKind::Sweep, ACCOUNT, next)
        })
        .await?;
    Ok(())
}

/// Lists a host's meetings to the end and writes down what follows.
pub(super) async fn host(
    engine: &Engine,
    registry: &RegistryHandle,
    options: &SweepOptions,
    host: &str,
) -> Result<(), SweepError> {
    let began = engine.clock.now();
    let listed = list(engine, host).await?;
    let numbers: Vec<String> = listed.iter().map(|meeting| meeting.number.clone()).collect();
    let markers: Vec<String> = listed
        .iter()
        .filter_map(|meeting| Marker::at_head_of(&meeting.agenda).map(|marker| marker.in_rows()))
        .collect();
    // A host that is known by its address only is known by its id from here on.
    let host_id = listed.first().map_or_else(|| host.to_owned(), |meeting| meeting.host_id.clone());
    let now = engine.clock.now();
    let (key, installation) = (host_id.clone(), engine.installation.clone());
    let findings = engine
        .store
        .read(move |conn| {
            let ours = sweep::ours(conn, now.into(), &key, &numbers, &markers)?;
            Ok(compare(&key, &listed, &ours, &installation, now))
        })
        .await?;
    let wake: Vec<String> = findings.iter().filter_map(|finding| woken(finding).map(str::to_owned)).collect();
    let (key, host, second_look) = (host_id, host.to_owned(), options.second_look);
    engine
        .store
        .write(move |conn| {
            for finding in &findings {
                note(conn, finding, &key, now, second_look)?;
            }
            orphan::forget_unseen(conn, &key, began.into(), (now - REMOVED_SHOWN).into())?;
            due::clear(conn, DueKind::Sweep, &host)
        })
        .await?;
    for meeting in wake {
        // Refused: its row in `due_work` is due.
        registry.wake(&meeting);
    }
    Ok(())
}

/// All of a host's meetings. A host whom Zoom does not know has none.
async fn list(engine: &Engine, host: &str) -> Result<Vec<Listed>, SweepError> {
    let mut pages = Pages::of(host, Lane::Sweep);
    // By number: a list that was begun anew gives its meetings again.
    let mut listed = BTreeMap::new();
    loop {
        match pages.next(engine).await {
            Ok(Some(page)) => listed.extend(page.into_iter().filter_map(read)),
            Ok(None) if pages.complete() => return Ok(listed.into_values().collect()),
            Ok(None) => return Err(SweepError::Incomplete),
            Err(ZoomError::NotFound { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A meeting as a list shows it.
pub(super) fn read(meeting: Meeting) -> Option<(String, Listed)> {
    let number = meeting.id?.to_string();
    let listed = Listed {
        number: number.clone(),
        host_id: meeting.host_id.unwrap_or_default(),
        topic: meeting.topic.unwrap_or_default(),
        agenda: meeting.agenda.unwrap_or_default(),
        start: meeting.start_time,
        duration_minutes: meeting.duration.unwrap_or_default(),
        timezone: meeting.timezone.unwrap_or_default(),
        join_url: meeting.join_url,
    };
    Some((number, listed))
}

/// Whom a finding wakes.
fn woken(finding: &Finding) -> Option<&str> {
    match finding {
        Finding::Look { meeting_id, .. } | Finding::Adopt { meeting_id, .. } => Some(meeting_id),
        Finding::Stray { .. } => None,
    }
}

fn note(
    conn: &mut Conn,
    finding: &Finding,
    host_id: &str,
    now: DateTime<Utc>,
    second_look: Duration,
) -> Result<(), StoreError> {
    match finding {
        Finding::Look { meeting_id, missing } => {
            let what = if *missing { "missing" } else { "differs" };
            metrics::counter!("convened_drift_total", "what" => what).increment(1);
            look::want(conn, meeting_id, now.into())
        }
        Finding::Adopt { meeting_id, number } => adopt(conn, meeting_id, number, host_id, now),
        Finding::Stray { number, marker, double_of, .. } => {
            let row = OrphanRow {
                zoom_meeting_id: number.clone(),
                marker: marker.clone(),
                host_id: host_id.to_owned(),
                meeting_id: double_of.clone(),
                state: OrphanState::Seen,
                reason: None,
                first_seen_at: now.into(),
                seen_at: now.into(),
            };
            match orphan::see(conn, &row)? {
                Some(first) => due::set(
                    conn,
                    DueKind::Orphan,
                    number,
                    (DateTime::<Utc>::from(first) + second_look).into(),
                ),
                None => Ok(()),
            }
        }
    }
}

/// Gives a booking the meeting that carries its mark, with a line in its story.
pub(super) fn adopt(
    conn: &mut Conn,
    meeting_id: &str,
    number: &str,
    host_id: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(appointment) = sweep::adopt(conn, meeting_id, number, host_id, now.into())? else {
        return Ok(());
    };
    metrics::counter!("convened_orphans_total", "what" => "adopted").increment(1);
    let text = "a meeting at Zoom carries this booking's mark and belongs to nobody: it is taken over";
    let details = serde_json::json!({ "zoom_meeting_id": number });
    story::tell(conn, &appointment, now, "zoom.adopted", text, Some(details))
}

/// Makes an errand due again after `span`.
pub(super) async fn put_off(engine: &Engine, errand: &Errand, span: Duration) -> Result<(), StoreError> {
    let (kind, key) = match errand {
        Errand::Sweep(key) => (DueKind::Sweep, key.clone()),
        Errand::Orphan(number) => (DueKind::Orphan, number.clone()),
    };
    let at = UtcMillis::from(engine.clock.now() + span);
    engine.store.write(move |conn| due::set(conn, kind, &key, at)).await
}
