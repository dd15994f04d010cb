//! The record of all deliveries: what was sent when, and what came of it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::courier::Outcome;
use super::webhook::WebhookEvent;
use crate::clock::Instant;

/// How many deliveries are remembered; the oldest go first.
const RECORDS_MAX: usize = 200_000;
/// How many are shown at once.
const SHOWN_MAX: usize = 10_000;

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryRecord {
    /// Counts up from 1.
    pub seq: u64,
    /// The `x-zm-request-id`, the same over all attempts.
    pub request_id: String,
    /// The event's name.
    pub event: String,
    /// The meeting's number, where it is about one.
    pub meeting: Option<String>,
    /// The instance's UUID, where it is about one.
    pub instance: Option<String>,
    /// The `event_ts` of the body.
    pub event_ts: i64,
    /// SHA-256 of the body, in hexadecimal.
    pub sha256: String,
    /// How far it is.
    pub state: DeliveryState,
    /// Every attempt.
    pub attempts: Vec<Attempt>,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not sent yet, or waiting for the next attempt.
    Waiting,
    /// Answered with a 2xx.
    Delivered,
    /// Given up after the last attempt.
    Dropped,
    /// Never sent: an accident of the rehearsal.
    Lost,
    /// Never sent: too many were waiting.
    Overflowed,
    /// Never sent: nobody receives webhooks.
    NoReceiver,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// When, on the sandbox's clock.
    pub at: Instant,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Which deliveries to show.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveryFilter {
    /// True: only those with a failed attempt, or never sent. False: only the others.
    pub failed: Option<bool>,
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Only of this event.
    pub event: Option<String>,
    /// Only about this meeting.
    pub meeting: Option<String>,
    /// Only those after this number.
    pub after: Option<u64>,
}

impl DeliveryFilter {
    fn matches(&self, record: &DeliveryRecord) -> bool {
        self.failed.is_none_or(|failed| failed == record.has_failed())
            && self.state.is_none_or(|state| state == record.state)
            && self.event.as_ref().is_none_or(|event| *event == record.event)
            && self.meeting.as_ref().is_none_or(|meeting| record.meeting.as_ref() == Some(meeting))
            && self.after.is_none_or(|after| record.seq > after)
    }
}

impl DeliveryRecord {
    fn has_failed(&self) -> bool {
        match self.state {
            DeliveryState::Waiting | DeliveryState::Delivered => {
                self.attempts.iter().any(|attempt| !attempt.outcome.is_success())
            }
            _ => true,
        }
    }
}

/// How many deliveries are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DeliveryCounts {
    /// Not delivered yet.
    pub waiting: u64,
    /// Answered with a 2xx.
    pub delivered: u64,
    /// Given up.
    pub dropped: u64,
    /// Never sent, for whatever reason.
    pub unsent: u64,
}

/// The remembered deliveries.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    records: VecDeque<DeliveryRecord>,
    last: u64,
    counts: DeliveryCounts,
}

impl Deliveries {
    /// Remembers a new delivery and says its number.
    pub(super) fn open(&mut self, event: &WebhookEvent, request_id: &str, state: DeliveryState) -> u64 {
        self.last += 1;
        if self.records.len() >= RECORDS_MAX {
            self.records.pop_front();
        }
        *self.count(state) += 1;
        self.records.push_back(DeliveryRecord {
            seq: self.last,
            request_id: request_id.to_owned(),
            event: event.name.clone(),
            meeting: event.meeting.clone(),
            instance: event.instance.clone(),
            event_ts: event.ts.timestamp_millis(),
            sha256: hex::encode(Sha256::digest(&event.body)),
            state,
            attempts: Vec::new(),
        });
        self.last
    }

    pub(super) fn note_attempt(&mut self, seq: u64, attempt: Attempt) {
        if let Some(record) = self.record(seq) {
            record.attempts.push(attempt);
        }
    }

    /// Ends a waiting delivery.
    pub(super) fn close(&mut self, seq: u64, state: DeliveryState) {
        self.counts.waiting = self.counts.waiting.saturating_sub(1);
        *self.count(state) += 1;
        if let Some(record) = self.record(seq) {
            record.state = state;
        }
    }

    pub(super) fn counts(&self) -> DeliveryCounts {
        self.counts
    }

    /// The first deliveries that match.
    pub(super) fn matching(&self, filter: &DeliveryFilter) -> Vec<DeliveryRecord> {
        self.records.iter().filter(|record| filter.matches(record)).take(SHOWN_MAX).cloned().collect()
    }

    fn record(&mut self, seq: u64) -> Option<&mut DeliveryRecord> {
        let first = self.records.front()?.seq;
        self.records.get_mut(usize::try_from(seq.checked_sub(first)?).ok()?)
    }

    fn count(&mut self, state: DeliveryState) -> &mut u64 {
        match state {
            DeliveryState::Waiting => &mut self.counts.waiting,
            DeliveryState::Delivered => &mut self.counts.delivered,
            DeliveryState::Dropped => &mut self.counts.dropped,
            DeliveryState::Lost | DeliveryState::Overflowed | DeliveryState::NoReceiver => {
                &mut self.counts.unsent
            }
        }
    }
}
