//! The ledger: every request that reached the sandbox, what was done and what was told.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Instant;

/// How many requests are remembered; the oldest go first.
const ENTRIES_MAX: usize = 200_000;

/// One request.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LedgerEntry {
    /// Counts up from 1.
    pub seq: u64,
    /// When it arrived, on the sandbox's clock.
    pub at: Instant,
    /// `GET`, `POST` …
    pub method: String,
    /// The path as it came.
    pub path: String,
    /// The query as it came.
    pub query: String,
    /// The endpoint, as `POST /users/{userId}/meetings`; nothing for an unknown one.
    pub endpoint: Option<&'static str>,
    /// The body, when it was JSON.
    pub body: Option<Value>,
    /// The status of the work; nothing if none was done.
    pub status: Option<u16>,
    /// Zoom's error number.
    pub code: Option<i64>,
    /// Whether the caller got the answer.
    pub answered: bool,
    /// The faults that were injected.
    pub faults: Vec<&'static str>,
    /// The meeting it was about.
    pub meeting: Option<u64>,
    /// The `x-zm-trackingid` of the answer.
    pub tracking_id: String,
}

/// Which requests to show.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LedgerFilter {
    /// Only those after this number.
    pub after: Option<u64>,
    /// Only this endpoint.
    pub endpoint: Option<String>,
    /// Only about this meeting.
    pub meeting: Option<u64>,
    /// Only with this status.
    pub status: Option<u16>,
}

impl LedgerFilter {
    fn matches(&self, entry: &LedgerEntry) -> bool {
        self.after.is_none_or(|after| entry.seq > after)
            && self.endpoint.as_deref().is_none_or(|endpoint| entry.endpoint == Some(endpoint))
            && self.meeting.is_none_or(|meeting| entry.meeting == Some(meeting))
            && self.status.is_none_or(|status| entry.status == Some(status))
    }
}

/// The recorded requests.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: VecDeque<LedgerEntry>,
    last: u64,
}

impl Ledger {
    pub(super) fn record(&mut self, entry: LedgerEntry) {
        self.last += 1;
        if self.entries.len() >= ENTRIES_MAX {
            self.entries.pop_front();
        }
        self.entries.push_back(LedgerEntry { seq: self.last, ..entry });
    }

    pub(super) fn entries(&self, filter: &LedgerFilter) -> Vec<LedgerEntry> {
        self.entries.iter().filter(|entry| filter.matches(entry)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_numbered_and_filtered() {
        let mut ledger = Ledger::default();
        for status in [201, 429, 201] {
            ledger.record(LedgerEntry { status: Some(status), ..LedgerEntry::default() });
        }
        let created = ledger.entries(&LedgerFilter { status: Some(201), ..LedgerFilter::default() });
        assert_eq!(created.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(ledger.entries(&LedgerFilter { after: Some(2), ..LedgerFilter::default() }).len(), 1);
    }
}
