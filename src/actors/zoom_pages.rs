//! A host's meetings at Zoom, page by page, with an explicit end: a list that was not read to its end proves nothing
//! about what is missing in it.

use super::engine::Engine;
use super::zoom_api::Lane;
use crate::zoom::call;
use crate::zoom::error::ZoomError;
use crate::zoom::types::{Meeting, MeetingPage};

/// A host with more pages of meetings than this (300 each) is beyond what one look may cost.
const PAGES_MAX: usize = 40;
/// How often a list is begun anew because its next page had expired (after 15 minutes, or by Zoom's whim).
const RESTARTS_MAX: usize = 2;
/// What Zoom answers to a token of a next page that it does not take any more.
const TOKEN_EXPIRED: i64 = 300;

/// Where the reading of a list stands.
#[derive(Debug)]
pub(super) struct Pages {
    host_id: String,
    lane: Lane,
    token: Option<String>,
    read: usize,
    restarts: usize,
    complete: bool,
}

impl Pages {
    /// The list of a host's meetings.
    pub(super) fn of(host_id: &str, lane: Lane) -> Self {
        Self { host_id: host_id.to_owned(), lane, token: None, read: 0, restarts: 0, complete: false }
    }

    /// The next page; `None` at the end, and when the list is too long. A list that had to be begun anew gives
    /// its meetings again.
    pub(super) async fn next(&mut self, engine: &Engine) -> Result<Option<Vec<Meeting>>, ZoomError> {
        while !self.complete && self.read < PAGES_MAX {
            self.read += 1;
            let call = call::list_meetings(&self.host_id, self.token.as_deref());
            let page: MeetingPage = match engine.zoom.call(self.lane, call).await {
                Ok(reply) => reply.parse()?,
                Err(ZoomError::Rejected { code: Some(TOKEN_EXPIRED), .. })
                    if self.token.is_some() && self.restarts < RESTARTS_MAX =>
                {
                    self.restarts += 1;
                    self.token = None;
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.token = page.next_page_token.filter(|token| !token.is_empty());
            self.complete = self.token.is_none();
            return Ok(Some(page.meetings));
        }
        Ok(None)
    }

    /// Whether the list was read to its end.
    pub(super) fn complete(&self) -> bool {
        self.complete
    }
}
