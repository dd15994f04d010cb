//! Reads Zoom's report of one instance, page by page, to the end; only then is it stored, as a whole.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::actors::engine::Engine;
use crate::actors::zoom_api::Lane;
use crate::domain::connection::{Connection, Room, Source};
use crate::store::due::{self, DueKind};
use crate::store::instance::{self, InstanceRow};
use crate::store::report::{self, ReportRow, ReportState};
use crate::store::shard::Fence;
use crate::store::{StoreError, UtcMillis, meeting, participant};
use crate::zoom::call;
use crate::zoom::error::{Limit, ZoomError};
use crate::zoom::types::{PastMeeting, ReportParticipant, ReportParticipantPage};

/// Pages of one report; at 300 rows each far beyond any meeting.
const PAGES_MAX: usize = 200;
/// The longest wait between two attempts.
const ATTEMPT_WAIT_MAX: Duration = Duration::from_secs(6 * 3600);

/// Zoom's word for somebody who was let in (Report API, `participants.status`).
const WAITING_ROOM: &str = "in_waiting_room";

/// How an attempt came out.
enum Reading {
    /// Read to the last page.
    Complete { rows: Vec<Connection>, pages: i64 },
    /// Zoom is not ready yet.
    NotYet(String),
    /// Not before this time.
    Until(DateTime<Utc>, String),
}

/// Reads the report of `instance` if it is still wanted, and notes how that came out.
pub(super) async fn run(engine: &Engine, instance: &str) -> Result<(), StoreError> {
    let fences = engine.shards.fences();
    let uuid = instance.to_owned();
    let found = engine
        .store
        .read(move |conn| Ok((report::by_instance(conn, &uuid)?, instance::by_uuid(conn, &uuid)?)))
        .await?;
    let (Some(row), Some(span)) = found else { return forget(engine, instance).await };
    if row.state != ReportState::Waiting {
        return forget(engine, instance).await;
    }
    // Another process's by now: it reads the report itself.
    let Some(fence) = fences.of(&row.meeting_id) else { return Ok(()) };
    let reading = match read(engine, &span).await {
        Ok(reading) => reading,
        Err(ZoomError::RateLimited(Limit::Daily { until })) => {
            Reading::Until(until, "the day's allowance for reports is used up".to_owned())
        }
        Err(ZoomError::NotFound { .. }) => Reading::NotYet("zoom does not have the report yet".to_owned()),
        // Zoom's own words may hold an address.
        Err(ZoomError::Rejected { code, .. }) => Reading::NotYet(format!("zoom refuses it (code {code:?})")),
        Err(error) => Reading::NotYet(format!("zoom could not be asked ({})", error.class())),
    };
    conclude(engine, fence, row, span, reading).await
}

async fn forget(engine: &Engine, instance: &str) -> Result<(), StoreError> {
    let uuid = instance.to_owned();
    engine.store.write(move |conn| due::clear(conn, DueKind::Report, &uuid)).await
}

async fn read(engine: &Engine, span: &InstanceRow) -> Result<Reading, ZoomError> {
    let past: PastMeeting = engine.zoom.call(Lane::Report, call::past_meeting(&span.uuid)).await?.parse()?;
    // "duration 0" means that Zoom is still counting (past meetings, `duration`), unless nobody was there.
    if past.duration == Some(0) && past.participants_count != Some(0) && lasted_a_minute(span) {
        return Ok(Reading::NotYet("zoom is still counting".to_owned()));
    }
    if past.participants_count.is_some_and(|count| count <= 1) {
        // Zoom makes no report of a meeting of one (report API): there is nothing more to come.
        return Ok(Reading::Complete { rows: Vec::new(), pages: 0 });
    }
    let mut rows = Vec::new();
    let mut page_token: Option<String> = None;
    for page_number in 1..=PAGES_MAX {
        let call = call::report_participants(&span.uuid, page_token.as_deref());
        let page: ReportParticipantPage = engine.zoom.call(Lane::Report, call).await?.parse()?;
        rows.extend(page.participants.iter().map(|row| connection(&span.uuid, row)));
        page_token = page.next_page_token.filter(|token| !token.is_empty());
        if page_token.is_some() {
            continue;
        }
        let expected = usize::try_from(page.total_records).unwrap_or_default();
        return Ok(if rows.len() < expected {
            Reading::NotYet(format!("{} of {expected} rows came", rows.len()))
        } else if rows.is_empty() {
            Reading::NotYet("the report is still empty".to_owned())
        } else {
            Reading::Complete { rows, pages: i64::try_from(page_number).unwrap_or(i64::MAX) }
        });
    }
    Ok(Reading::NotYet(format!("more than {PAGES_MAX} pages")))
}

fn lasted_a_minute(span: &InstanceRow) -> bool {
    match (span.started_at, span.ended_at) {
        (Some(started), Some(ended)) => {
            DateTime::<Utc>::from(ended) - DateTime::<Utc>::from(started) >= chrono::Duration::minutes(1)
        }
        _ => true,
    }
}

/// A row of the report as a connection. Rows carry no uuid of the connection: its number and its beginning name it.
fn connection(instance: &str, row: &ReportParticipant) -> Connection {
    let name = row.name.clone().unwrap_or_default();
    let began = row.join_time.map(|at| at.timestamp()).unwrap_or_default();
    let room = match (row.status.as_deref(), &row.bo_mtg_id) {
        (Some(WAITING_ROOM), _) => Room::Waiting,
        (_, Some(_)) => Room::Breakout,
        _ => Room::Main,
    };
    Connection {
        instance: instance.to_owned(),
        key: format!("{}@{began}", row.user_id.as_deref().unwrap_or(&name)),
        room,
        source: Source::Report,
        participant_uuid: None,
        user_id: row.user_id.clone(),
        zoom_user_id: row.participant_user_id.clone().or_else(|| row.id.clone()),
        registrant_id: row.registrant_id.clone(),
        customer_key: row.customer_key.clone(),
        email: row.user_email.clone(),
        name,
        join_time: row.join_time,
        leave_time: row.leave_time,
        leave_reason: None,
    }
}

async fn conclude(
    engine: &Engine,
    fence: Fence,
    mut row: ReportRow,
    span: InstanceRow,
    reading: Reading,
) -> Result<(), StoreError> {
    let now = engine.clock.now();
    row.attempts += 1;
    row.updated_at = UtcMillis::from(now);
    let rows = match reading {
        Reading::Complete { rows, pages } => {
            row.state = ReportState::Complete;
            row.pages_read = pages;
            row.participants = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            row.completed_at = Some(UtcMillis::from(now));
            row.next_attempt_at = None;
            row.last_error = None;
            rows
        }
        Reading::NotYet(reason) => put_off(engine, &mut row, &span, now, reason, None),
        Reading::Until(until, reason) => put_off(engine, &mut row, &span, now, reason, Some(until)),
    };
    engine
        .store
        .write(move |conn| {
            fence.hold(conn)?;
            if row.state == ReportState::Complete {
                participant::replace_report(conn, &row.meeting_id, &row.instance_uuid, &rows, now)?;
            }
            report::save(conn, &row)?;
            due::set_or_clear(conn, DueKind::Report, &row.instance_uuid, row.next_attempt_at)?;
            if row.state != ReportState::Waiting
                && let Some(meeting) = meeting::by_id(conn, &row.meeting_id)?
            {
                due::set(conn, DueKind::Score, &meeting.appointment_id, UtcMillis::from(now))?;
            }
            Ok(())
        })
        .await
}

/// Sets the next attempt, or gives up; either way there are no rows.
fn put_off(
    engine: &Engine,
    row: &mut ReportRow,
    span: &InstanceRow,
    now: DateTime<Utc>,
    reason: String,
    until: Option<DateTime<Utc>>,
) -> Vec<Connection> {
    let ended = span.ended_at.map_or(now, DateTime::<Utc>::from);
    let give_up_at = ended + engine.attendance.report_give_up;
    let doublings = u32::try_from(row.attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    let wait = engine.attendance.report_delay.saturating_mul(2_u32.saturating_pow(doublings));
    let wait = wait.clamp(Duration::from_secs(60), ATTEMPT_WAIT_MAX);
    if now >= give_up_at {
        row.state = ReportState::GivenUp;
        row.next_attempt_at = None;
    } else {
        row.next_attempt_at = Some(UtcMillis::from(until.unwrap_or(now + wait).min(give_up_at)));
    }
    row.last_error = Some(reason);
    Vec::new()
}
