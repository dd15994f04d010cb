//! What a step adds to the story of a booking, and what others are told of it. Failures are told once a generation
//! (a refusal also after other failures), not at every attempt; fields are named without their values, which may hold an address.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::perform::Performed;
use crate::domain::drift::Drift;
use crate::domain::sync::{Failure, Known, Outcome, Step};
use crate::store::look::LookRow;
use crate::store::meeting::SyncView;
use crate::store::outbox::Event;
use crate::store::{Conn, StoreError, story};

/// A line of the story.
pub(super) struct Tale {
    kind: &'static str,
    text: String,
    details: Option<Value>,
    /// What others are told, if anything.
    pub(super) event: Option<Event>,
}

impl Tale {
    /// Writes the line.
    pub(super) fn tell(
        self,
        conn: &mut Conn,
        appointment: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        story::tell(conn, appointment, at, self.kind, &self.text, self.details)
    }

    /// Whether it tells of a link that is another than before.
    pub(super) fn is_of_link(&self) -> bool {
        self.event == Some(Event::MeetingLinkChanged)
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        if let Some(details) = self.details.as_mut().and_then(Value::as_object_mut) {
            details.insert(name.to_owned(), value);
        }
        self
    }

    fn and(mut self, event: Event) -> Self {
        self.event = Some(event);
        self
    }
}

/// The lines that a step deserves. `refused_before` says whether the last failure was a refusal, too.
pub(super) fn of(
    before: &Known,
    step: &Step,
    performed: &Performed,
    after: &Known,
    refused_before: bool,
) -> Vec<Tale> {
    let number = after.number.as_ref().or(before.number.as_ref());
    let tale = |kind, text: &str| {
        let details = json!({ "zoom_meeting_id": number, "zoom_tracking_id": performed.tracking_id });
        Tale { kind, text: text.to_owned(), details: Some(details), event: None }
    };
    let line = match (&performed.outcome, step) {
        (Outcome::Created { .. }, Step::Create { .. }) => {
            tale("zoom.created", "the Zoom meeting was created").and(Event::MeetingScheduled)
        }
        (Outcome::Created { .. }, Step::Look { .. }) => {
            tale("zoom.adopted", "the answer to the create was lost; the meeting was found by its marker")
                .and(Event::MeetingScheduled)
        }
        (Outcome::NotListed, Step::Look { .. }) if after.create.is_none() && before.attempts <= 1 => {
            tale("zoom.not_found", "the answer to the create was lost, and Zoom has no such meeting")
        }
        (Outcome::Changed, Step::Change { fields, generation, .. }) => {
            let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
            let line = if *generation <= before.synced_generation {
                tale("zoom.restored", "what differed at Zoom was put right")
            } else {
                tale("zoom.changed", "the Zoom meeting was changed")
            };
            line.with("fields", json!(names))
        }
        (Outcome::Deleted, _) => tale("zoom.deleted", "the Zoom meeting was deleted"),
        (Outcome::Gone, _) if before.gone_at.is_none() => {
            tale("zoom.gone", "Zoom does not know the meeting; a second look will tell")
        }
        (Outcome::Gone, Step::Delete { .. }) => tale("zoom.deleted", "the Zoom meeting is gone for good"),
        (Outcome::Gone, _) => tale("zoom.vanished", "the Zoom meeting has vanished and is made again"),
        (Outcome::Read { .. }, _) if before.gone_at.is_some() => {
            tale("zoom.found_again", "the Zoom meeting is there after all")
        }
        // Told by `hold`, once an outage.
        (Outcome::Failed(Failure::Shut), _) => return Vec::new(),
        // A look meanwhile: what is waited for has been told.
        (Outcome::Failed(_), Step::Read { .. }) if after.not_before == before.not_before => {
            return Vec::new();
        }
        (Outcome::Failed(failure), _)
            if after.attempts <= 1 || *failure == Failure::Refused && !refused_before =>
        {
            let reason = performed.error.as_deref().unwrap_or("no reason given");
            let line = tale("zoom.failed", &format!("Zoom could not be told: {reason}"));
            if *failure == Failure::Refused { line.and(Event::MeetingFailed) } else { line }
        }
        _ => return Vec::new(),
    };
    vec![line]
}

/// The line about a link that is another than people have.
pub(super) fn of_link(look: &LookRow, performed: &Performed) -> Option<Tale> {
    let (old, new) = (look.last_join_url.as_ref()?, performed.details.join_url.as_ref()?);
    (old != new).then(|| {
        metrics::counter!("convened_links_changed_total").increment(1);
        Tale {
            kind: "zoom.link_changed",
            text: "the join link is another than before; everybody who has the old one needs the new one"
                .to_owned(),
            details: None,
            event: Some(Event::MeetingLinkChanged),
        }
    })
}

/// The line about fields that Zoom goes on having otherwise.
pub(super) fn drift_stays(known: &Known) -> Tale {
    Tale {
        kind: "zoom.drift",
        text: kept_otherwise(&known.drift),
        details: Some(json!({ "zoom_meeting_id": known.number, "fields": known.drift.names() })),
        event: None,
    }
}

/// In words for the operator: which fields are otherwise at Zoom.
pub(super) fn kept_otherwise(drift: &Drift) -> String {
    format!("Zoom keeps another value of: {}", drift.names().join(", "))
}

/// What others are told of the meeting.
pub(super) fn facts(view: &SyncView, after: &Known) -> Value {
    json!({
        "appointment_id": view.booking.id,
        "meeting_id": view.meeting.id,
        "zoom_meeting_id": after.number,
        "title": view.booking.title,
        "start_time": DateTime::<Utc>::from(view.booking.start_at),
    })
}

/// Counts what is put right, and why.
pub(super) fn count(before: &Known, step: &Step, performed: &Performed) {
    let what = match (&performed.outcome, step) {
        (Outcome::Changed, Step::Change { generation, .. }) if *generation <= before.synced_generation => {
            "restored"
        }
        (Outcome::Gone, Step::Read { .. }) if before.gone_at.is_some() => "vanished",
        (Outcome::Created { .. }, Step::Look { .. }) => "adopted",
        _ => return,
    };
    metrics::counter!("convened_drift_total", "what" => what).increment(1);
}
