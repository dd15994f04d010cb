//! When `meetings.auto_end_after` has passed since the planned end: a meeting that still runs is ended.
//!
//! The row in `due_work` is the intent, and every try begins with a look at Zoom, so that a lost answer or a death in
//! between is followed by a look, not by a blind repetition.

use chrono::{DateTime, Duration, Utc};
use metrics::counter;

use super::window::{found, run_of};
use crate::actors::ending::{self, Ended};
use crate::actors::engine::Engine;
use crate::actors::zoom_api::Lane;
use crate::domain::appointment::AppointmentStatus;
use crate::domain::lifecycle::{Planned, Run};
use crate::domain::overrun::{Verdict, judge};
use crate::store::due::{self, DueKind};
use crate::store::{Conn, StoreError, UtcMillis, story};
use crate::zoom::error::{Retry, ZoomError};

/// After a try that failed, the meeting is looked at again this much later.
const AGAIN: Duration = Duration::minutes(1);

/// When a booking's meeting is to be looked at, if meetings are ended at all.
pub(in crate::actors) fn due_at(engine: &Engine, planned_end: DateTime<Utc>) -> Option<UtcMillis> {
    engine.meetings.auto_end_after.map(|allowance| UtcMillis::from(planned_end + allowance))
}

/// Ends the meeting of a booking if it overruns.
pub(super) async fn run(engine: &Engine, appointment_id: &str) -> Result<(), StoreError> {
    let (Some(allowance), Some((view, spans))) =
        (engine.meetings.auto_end_after, found(engine, appointment_id).await?)
    else {
        return conclude(engine, appointment_id, Conclusion::Done).await;
    };
    let stands = AppointmentStatus::parse(&view.booking.status).is_some_and(AppointmentStatus::wants_meeting);
    let (true, Some(number)) = (stands, &view.meeting.zoom_meeting_id) else {
        return conclude(engine, appointment_id, Conclusion::Done).await;
    };
    // The booking as it is now: a class that was given more time meanwhile has it.
    let planned = Planned { start: view.booking.start_at.into(), end: view.booking.end_at.into() };
    let runs: Vec<Run> = spans.iter().map(run_of).collect();
    let now = engine.clock.now();
    let conclusion = match judge(&planned, &runs, allowance, now) {
        Verdict::NotYet(due) => Conclusion::Again(due),
        Verdict::LetBe => Conclusion::Done,
        Verdict::GiveUp => Conclusion::GivenUp,
        Verdict::End => match ending::end(&engine.zoom, Lane::Cancel, number).await {
            Ok(Ended::Now) => Conclusion::Ended { planned_end: planned.end },
            Ok(Ended::NotRunning) | Err(ZoomError::NotFound { .. }) => Conclusion::Done,
            Err(error) => {
                let class = error.class();
                tracing::warn!(appointment.id = %appointment_id, error = class, "an overrunning meeting could not be ended");
                Conclusion::Again(again_at(&error, now))
            }
        },
    };
    conclude(engine, appointment_id, conclusion).await
}

fn again_at(error: &ZoomError, now: DateTime<Utc>) -> DateTime<Utc> {
    match error.retry() {
        Retry::At(at) => at.max(now + AGAIN),
        Retry::After(span) => now + Duration::from_std(span).unwrap_or(AGAIN).max(AGAIN),
        // A refusal too: the next look tells whether the meeting has ended by itself.
        Retry::Backoff | Retry::Never => now + AGAIN,
    }
}

/// What a try came to.
#[derive(Debug, Clone, Copy)]
enum Conclusion {
    Done,
    Again(DateTime<Utc>),
    Ended { planned_end: DateTime<Utc> },
    GivenUp,
}

async fn conclude(engine: &Engine, appointment_id: &str, conclusion: Conclusion) -> Result<(), StoreError> {
    let (id, now) = (appointment_id.to_owned(), engine.clock.now());
    engine.store.write(move |conn| write(conn, &id, conclusion, now)).await?;
    let outcome = match conclusion {
        Conclusion::Ended { .. } => "ended",
        Conclusion::GivenUp => "given_up",
        Conclusion::Done | Conclusion::Again(_) => return Ok(()),
    };
    counter!("convened_meetings_overrun_total", "outcome" => outcome).increment(1);
    Ok(())
}

fn write(conn: &mut Conn, id: &str, conclusion: Conclusion, now: DateTime<Utc>) -> Result<(), StoreError> {
    match conclusion {
        Conclusion::Again(at) => return due::set(conn, DueKind::AutoEnd, id, at.into()),
        Conclusion::Done => {}
        Conclusion::Ended { planned_end } => {
            let minutes = (now - planned_end).num_minutes();
            let text = format!("the meeting still ran {minutes} minutes after its planned end and was ended");
            story::tell(conn, id, now, "meeting.auto_ended", &text, None)?;
        }
        Conclusion::GivenUp => {
            let text = "the meeting ran on after its planned end and Zoom could not be brought to end it";
            story::tell(conn, id, now, "meeting.overruns", text, None)?;
        }
    }
    due::clear(conn, DueKind::AutoEnd, id)
}
