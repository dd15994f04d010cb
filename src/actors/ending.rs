//! Ends a running meeting at Zoom: looks before it asks, and looks again when the answer is lost.

use super::engine::ZoomHandle;
use super::zoom_api::Lane;
use crate::zoom::call;
use crate::zoom::error::ZoomError;
use crate::zoom::types::Meeting;

/// Zoom's word for a meeting that runs (Meeting API, `status`).
const STARTED: &str = "started";

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It ran, and was ended.
    Now,
    /// It did not run.
    NotRunning,
}

/// Whether Zoom says that the meeting with this number runs.
///
/// # Errors
/// [`ZoomError`].
pub async fn runs(zoom: &ZoomHandle, lane: Lane, number: &str) -> Result<bool, ZoomError> {
    let meeting: Meeting = zoom.call(lane, call::get_meeting(number)).await?.parse()?;
    Ok(meeting.status.as_deref() == Some(STARTED))
}

/// Ends the meeting with this number.
///
/// # Errors
/// [`ZoomError::Unknown`] when it still runs, or nobody can say, after an answer was lost; whatever else a call
/// ends with.
pub async fn end(zoom: &ZoomHandle, lane: Lane, number: &str) -> Result<Ended, ZoomError> {
    if !runs(zoom, lane, number).await? {
        return Ok(Ended::NotRunning);
    }
    match zoom.call(lane, call::end_meeting(number)).await {
        Ok(_) => Ok(Ended::Now),
        Err(error) if error.perhaps_done() => match runs(zoom, lane, number).await {
            Ok(false) => Ok(Ended::Now),
            // Done or not, it runs: who asked decides about another try.
            Ok(true) | Err(_) => Err(error),
        },
        Err(error) => Err(error),
    }
}
