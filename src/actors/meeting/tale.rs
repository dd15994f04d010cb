//! What a step adds to the story of a booking. Failures are told once a generation, not at every attempt.

use serde_json::{Value, json};

use super::perform::Performed;
use crate::domain::sync::{Known, Outcome, Step};

/// A line of the story.
pub(super) struct Tale {
    pub(super) kind: &'static str,
    pub(super) text: String,
    pub(super) details: Option<Value>,
}

/// The line that a step deserves, if any.
pub(super) fn of(before: &Known, step: &Step, performed: &Performed, after: &Known) -> Option<Tale> {
    let number = after.number.as_ref().or(before.number.as_ref());
    let tale = |kind, text: &str| {
        let details = json!({ "zoom_meeting_id": number, "zoom_tracking_id": performed.tracking_id });
        Some(Tale { kind, text: text.to_owned(), details: Some(details) })
    };
    match (&performed.outcome, step) {
        (Outcome::Created { .. }, Step::Create { .. }) => {
            tale("zoom.created", "the Zoom meeting was created")
        }
        (Outcome::Created { .. }, Step::Look { .. }) => {
            tale("zoom.adopted", "the answer to the create was lost; the meeting was found by its marker")
        }
        (Outcome::NotListed, Step::Look { .. }) if after.create.is_none() => {
            tale("zoom.not_found", "the answer to the create was lost, and Zoom has no such meeting")
        }
        (Outcome::Changed, Step::Change { change, .. }) => {
            let mut line = tale("zoom.changed", "the Zoom meeting was changed")?;
            line.details = line.details.map(|details| with_fields(details, change));
            Some(line)
        }
        (Outcome::Deleted, _) => tale("zoom.deleted", "the Zoom meeting was deleted"),
        (Outcome::Gone, _) if before.gone_at.is_none() => {
            tale("zoom.gone", "Zoom does not know the meeting; a second look will tell")
        }
        (Outcome::Gone, Step::Delete { .. }) => tale("zoom.deleted", "the Zoom meeting is gone for good"),
        (Outcome::Gone, _) => tale("zoom.vanished", "the Zoom meeting has vanished and is made again"),
        (Outcome::Failed(_), _) if after.attempts <= 1 => {
            let reason = performed.error.as_deref().unwrap_or("no reason given");
            tale("zoom.failed", &format!("Zoom could not be told: {reason}"))
        }
        _ => None,
    }
}

fn with_fields(mut details: Value, change: &crate::domain::sync::SpecChange) -> Value {
    let fields: Vec<&str> = [
        ("topic", change.topic.is_some()),
        ("agenda", change.agenda.is_some()),
        ("start_time", change.start.is_some()),
        ("duration", change.duration_minutes.is_some()),
        ("settings", !change.settings.is_empty()),
    ]
    .into_iter()
    .filter_map(|(name, changed)| changed.then_some(name))
    .collect();
    if let Some(details) = details.as_object_mut() {
        details.insert("fields".to_owned(), json!(fields));
    }
    details
}
