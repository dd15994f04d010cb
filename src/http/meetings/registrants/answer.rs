//! What is told of a meeting's registrations.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::registration::Approval;
use crate::store::registrant::{Person, RegistrantRow, RegistrantStatus, View};

/// The registrations of a meeting.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegistrantsAnswer {
    pub(super) registrants: Vec<RegistrantView>,
    /// Who is on the roster and is not registered.
    not_registered: Vec<LeftOutView>,
    registration: RegistrationView,
}

/// One registration.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct RegistrantView {
    /// Null until it has been written down.
    id: Option<String>,
    /// Zoom's id of the registrant; people with one address share it.
    registrant_id: Option<String>,
    /// Whose, by their `ref`; null for somebody who registered at Zoom under an address that nobody here has.
    pub(super) person: Option<String>,
    name: String,
    pub(super) email: String,
    /// `new` (Zoom is about to be asked), `approved`, `pending`, `denied` (somebody at Zoom refused it or took it back)
    /// or `cancelled`.
    status: &'static str,
    /// Whether there is a personal link; it is shown to its owner alone.
    has_link: bool,
    /// Removed by hand, and not made again until somebody registers them anew.
    barred: bool,
    registered_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
    next_attempt_at: Option<DateTime<Utc>>,
}

/// Somebody on the roster who is not registered.
#[derive(Debug, Serialize, ToSchema)]
struct LeftOutView {
    person: String,
    /// `no_email`, `host` or `email_domain`.
    reason: &'static str,
}

/// How a meeting's registration stands.
#[derive(Debug, Serialize, ToSchema)]
struct RegistrationView {
    /// Whether people register for it at Zoom now.
    enabled: bool,
    /// `automatic` or `by_hand`; null without registration.
    approval: Option<&'static str>,
    last_error: Option<String>,
    next_attempt_at: Option<DateTime<Utc>>,
}

/// One registration, by itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegistrantAnswer {
    pub(super) registrant: RegistrantView,
}

impl RegistrantsAnswer {
    /// Of a meeting with registration.
    pub(super) fn of(view: &View) -> Self {
        let mut registrants: Vec<RegistrantView> = view.rows.iter().map(RegistrantView::of).collect();
        let rows: BTreeSet<(Option<&str>, &str)> =
            view.rows.iter().map(|row| (row.person_ref.as_deref(), row.email_key.as_str())).collect();
        let has_row = |one: &&Person| rows.contains(&(Some(one.person.as_str()), one.email_key.as_str()));
        let new = view.invited.people.iter().filter(|person| !has_row(person));
        registrants.extend(new.map(|person| RegistrantView {
            id: None,
            registrant_id: None,
            person: Some(person.person.clone()),
            name: person.name.clone(),
            email: person.email.clone(),
            status: RegistrantStatus::New.as_str(),
            has_link: false,
            barred: view.barred.contains(&person.email_key),
            registered_at: None,
            last_error: None,
            next_attempt_at: None,
        }));
        let left_out = view.invited.left_out.iter();
        Self {
            registrants,
            not_registered: left_out
                .map(|(person, why)| LeftOutView { person: person.clone(), reason: why.as_str() })
                .collect(),
            registration: RegistrationView {
                enabled: true,
                approval: Some(match view.approval {
                    Approval::Automatic => "automatic",
                    Approval::ByHand => "by_hand",
                }),
                last_error: view.control.last_error.clone(),
                next_attempt_at: view.control.next_attempt_at.map(Into::into),
            },
        }
    }

    /// Of a meeting that takes no registrations, not yet or not any more.
    pub(super) fn without(rows: Vec<RegistrantRow>) -> Self {
        Self {
            registrants: rows.iter().map(RegistrantView::of).collect(),
            not_registered: Vec::new(),
            registration: RegistrationView {
                enabled: false,
                approval: None,
                last_error: None,
                next_attempt_at: None,
            },
        }
    }
}

impl RegistrantView {
    fn of(row: &RegistrantRow) -> Self {
        Self {
            id: Some(row.id.clone()),
            registrant_id: row.zoom_registrant_id.clone(),
            person: row.person_ref.clone(),
            name: row.name.clone(),
            email: row.email.clone(),
            status: row.status.as_str(),
            has_link: row.join_url_enc.is_some(),
            barred: row.barred,
            registered_at: row.registered_at.map(Into::into),
            last_error: row.last_error.clone(),
            next_attempt_at: row.next_attempt_at.map(Into::into),
        }
    }
}
