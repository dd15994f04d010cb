//! Waits until the daemon says that nothing is left to do.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use crate::book::Violation;
use crate::inbox;
use crate::stage::Stage;
use crate::storm::Storm;

/// How long it may take once nothing goes wrong any more: the longest back-offs, Zoom's last repetition of a webhook
/// and a report that is late take some seconds, a busy machine takes the rest.
const PATIENCE: Duration = Duration::from_secs(45);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// All bookings as the daemon shows them, once everything is at rest; else what is not.
pub(crate) async fn settle(stage: &Stage, storm: &Storm) -> Result<(Vec<Value>, Vec<Violation>)> {
    let began = Instant::now();
    loop {
        let bookings = stage.api.list("/api/appointments", "appointments").await?;
        let mut restless: Vec<Violation> = bookings.iter().filter_map(restless_booking).collect();
        if restless.is_empty() {
            restless.extend(restless_webhooks(stage)?);
        }
        if restless.is_empty() {
            restless.extend(restless_marks(stage, storm).await?);
        }
        if restless.is_empty() || began.elapsed() > PATIENCE {
            return Ok((bookings, restless));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn restless_booking(booking: &Value) -> Option<Violation> {
    let meeting = booking.get("meeting").filter(|meeting| !meeting.is_null())?;
    let text = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_str).unwrap_or("?").to_owned()
    };
    let status = text(booking, "/status");
    let state = text(meeting, "/sync/state");
    // Whoever waits in line for a host waits until somebody cancels; what is over is over.
    let rests = ["in_sync", "waiting_for_host"].contains(&state.as_str())
        || ["completed", "no_show", "requested"].contains(&status.as_str());
    if rests {
        return None;
    }
    let description = text(booking, "/description");
    let tag = description.trim_start_matches("tag=").trim_end_matches(';');
    let found = format!("{status}, {}", meeting.get("sync").unwrap_or(&Value::Null));
    Some(Violation::new(Some(tag), "Zoom and booking to agree in time", found))
}

fn restless_webhooks(stage: &Stage) -> Result<Vec<Violation>> {
    let waiting = stage.sandbox.delivery().counts().waiting;
    let pending = inbox::rows(stage)?.iter().filter(|row| row.state == "pending").count();
    let violation = |count: usize, what: &str| {
        (count > 0).then(|| Violation::new(None, format!("no webhook {what}"), format!("{count}")))
    };
    let waiting = usize::try_from(waiting)?;
    Ok([violation(waiting, "on its way"), violation(pending, "stored and not applied")]
        .into_iter()
        .flatten()
        .collect())
}

async fn restless_marks(stage: &Stage, storm: &Storm) -> Result<Vec<Violation>> {
    let mut restless = Vec::new();
    for played in &storm.played {
        let booking = stage.api.get(&format!("/api/appointments/{}", played.appointment)).await?;
        let status = booking.pointer("/appointment/status").cloned().unwrap_or_default();
        let records = records(stage, &booking).await?;
        let is_final = |record: &Value| record.get("provisional") == Some(&json!(false));
        if records.is_empty() || !records.iter().all(is_final) {
            let marked = records.iter().filter(|record| is_final(record)).count();
            let found = format!("{marked} of {} final, booking {status}", records.len());
            restless.push(Violation::new(Some(&played.tag), "every mark to be final in time", found));
        }
    }
    Ok(restless)
}

/// The marks of a booking.
pub(crate) async fn records(stage: &Stage, booking: &Value) -> Result<Vec<Value>> {
    let meeting = booking.pointer("/appointment/meeting/id").and_then(Value::as_str).unwrap_or_default();
    let attendance = stage.api.get(&format!("/api/zoom/meetings/{meeting}/attendance")).await?;
    Ok(attendance.get("records").and_then(Value::as_array).cloned().unwrap_or_default())
}
