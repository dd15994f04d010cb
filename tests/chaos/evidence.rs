//! Everything the verdict is found from: what callers were promised, and what the account holds and has recorded.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use convened::sandbox::deliveries::{DeliveryFilter, DeliveryRecord, DeliveryState};
use convened::sandbox::ledger::{LedgerEntry, LedgerFilter};
use convened::sandbox::model::SandboxMeeting;
use convened::sandbox::truth::PersonTruth;
use serde_json::Value;

use crate::book::Promise;
use crate::inbox::{self, InboxRow};
use crate::rest;
use crate::stage::Stage;
use crate::storm::Storm;

/// The state of things at the end of a day.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    pub(crate) promises: Vec<Promise>,
    /// The bookings as the daemon shows them.
    pub(crate) shown: Vec<Value>,
    /// All meetings there ever were, deleted ones included.
    pub(crate) meetings: Vec<SandboxMeeting>,
    /// The addresses of Zoom's users by their ids.
    pub(crate) users: BTreeMap<String, String>,
    /// The requests that were one too many.
    pub(crate) refused: Vec<LedgerEntry>,
    /// The webhooks that were acknowledged.
    pub(crate) delivered: Vec<DeliveryRecord>,
    /// The webhooks that the daemon has.
    pub(crate) inbox: Vec<InboxRow>,
    pub(crate) classes: Vec<Class>,
}

/// A class: what really happened, and how the daemon has marked it.
#[derive(Debug, Clone)]
pub(crate) struct Class {
    pub(crate) tag: String,
    pub(crate) truth: Vec<PersonTruth>,
    pub(crate) records: Vec<Value>,
}

/// Gathers it.
pub(crate) async fn gather(stage: &Stage, storm: &Storm, shown: Vec<Value>) -> Result<Evidence> {
    let state = stage.sandbox.state();
    let refused = LedgerFilter { status: Some(429), ..LedgerFilter::default() };
    let delivered = DeliveryFilter { state: Some(DeliveryState::Delivered), ..DeliveryFilter::default() };
    let mut classes = Vec::new();
    for played in &storm.played {
        let view = stage.sandbox.classes().view(played.class).context("the sandbox forgot a class")?;
        let booking = stage.api.get(&format!("/api/appointments/{}", played.appointment)).await?;
        let records = rest::records(stage, &booking).await?;
        classes.push(Class { tag: played.tag.clone(), truth: view.truth.persons.clone(), records });
    }
    Ok(Evidence {
        promises: stage.book.promises(),
        shown,
        meetings: state.meetings(),
        users: state.users().into_iter().map(|user| (user.id, user.email)).collect(),
        refused: state.ledger(&refused),
        delivered: stage.sandbox.delivery().records(&delivered),
        inbox: inbox::rows(stage)?,
        classes,
    })
}
