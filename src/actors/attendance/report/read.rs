//! One attempt at the report of a run: Zoom's details of the run, then every page.

use chrono::{DateTime, Duration, Utc};

use crate::actors::engine::Engine;
use crate::actors::zoom_api::Lane;
use crate::domain::report::{Pages, Reading, Whole, Why};
use crate::store::instance::InstanceRow;
use crate::zoom::call;
use crate::zoom::error::{Doubt, Limit, ZoomError};
use crate::zoom::types::{PastMeeting, ReportParticipant, ReportParticipantPage};

/// Pages of one report; at 300 rows each far beyond any meeting.
const PAGES_MAX: usize = 200;
/// How often a reading is begun anew because its pages moved, or its next page had expired (after 15 minutes).
const READINGS_MAX: usize = 4;
/// What Zoom answers to a token of a next page that it does not take any more.
const TOKEN_EXPIRED: i64 = 300;
/// What it says of a run that is older than a year, and where the plan has no reports.
const TOO_OLD: i64 = 12_702;
const NO_REPORTS: [i64; 2] = [200, 1010];

/// How an attempt came out.
pub(super) enum Outcome {
    /// Read to the last page.
    Whole(Whole<ReportParticipant>),
    /// Zoom makes no report of a meeting of one (report API): there is nothing to come.
    Alone,
    /// There is none yet.
    NotYet(Lack),
    /// There will never be one, for this reason.
    Never(&'static str),
}

/// Why there is none yet.
pub(super) struct Lack {
    pub(super) why: Why,
    /// For people; Zoom's own words are left out, they may hold an address.
    pub(super) reason: String,
    /// Not before this.
    pub(super) until: Option<DateTime<Utc>>,
}

impl Lack {
    /// Zoom's word.
    pub(super) fn word(reason: impl Into<String>) -> Self {
        Self { why: Why::Word, reason: reason.into(), until: None }
    }
}

/// One attempt, with what Zoom says of the run beside it.
pub(super) async fn read(engine: &Engine, span: &InstanceRow) -> (Option<PastMeeting>, Outcome) {
    let details = engine.zoom.call(Lane::Report, call::past_meeting(&span.uuid)).await;
    let past: PastMeeting = match details.and_then(|reply| reply.parse()) {
        Ok(past) => past,
        Err(error) => return (None, failed(&error)),
    };
    // "duration 0" means that Zoom is still counting (past meetings, `duration`), and nothing else it says is true.
    if past.duration == Some(0) && lasted_a_minute(span) {
        return (None, Outcome::NotYet(Lack::word("Zoom is still counting")));
    }
    if past.participants_count == Some(1) {
        return (Some(past), Outcome::Alone);
    }
    let outcome = readings(engine, span).await.unwrap_or_else(|error| failed(&error));
    (Some(past), outcome)
}

fn lasted_a_minute(span: &InstanceRow) -> bool {
    match (span.started_at, span.ended_at) {
        (Some(started), Some(ended)) => {
            DateTime::<Utc>::from(ended) - DateTime::<Utc>::from(started) >= Duration::minutes(1)
        }
        _ => true,
    }
}

/// Reads all pages, again where they moved meanwhile.
async fn readings(engine: &Engine, span: &InstanceRow) -> Result<Outcome, ZoomError> {
    let mut before: Option<Whole<ReportParticipant>> = None;
    for _ in 0..READINGS_MAX {
        let Some(reading) = pages(engine, span).await? else { continue };
        match reading {
            Reading::Whole(whole) => return Ok(Outcome::Whole(whole)),
            Reading::Moved(whole) if before.as_ref().is_some_and(|before| before.agrees_with(&whole)) => {
                return Ok(Outcome::Whole(whole));
            }
            Reading::Moved(whole) => before = Some(whole),
            Reading::Short { came, told } => {
                return Ok(Outcome::NotYet(Lack::word(format!("{came} of {told} rows came"))));
            }
            Reading::Empty => return Ok(Outcome::NotYet(Lack::word("the report is still empty"))),
        }
    }
    Ok(Outcome::NotYet(Lack::word("the pages of the report change while they are read")))
}

/// Reads every page once; `None` when the token of the next page had expired, which loses nothing.
async fn pages(engine: &Engine, span: &InstanceRow) -> Result<Option<Reading<ReportParticipant>>, ZoomError> {
    let mut pages = Pages::default();
    let mut token: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let call = call::report_participants(&span.uuid, token.as_deref());
        let page: ReportParticipantPage = match engine.zoom.call(Lane::Report, call).await {
            Ok(reply) => reply.parse()?,
            Err(ZoomError::Rejected { code: Some(TOKEN_EXPIRED), .. }) if token.is_some() => return Ok(None),
            Err(error) => return Err(error),
        };
        pages.take(page.participants, page.total_records);
        token = page.next_page_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(Some(pages.close()));
        }
    }
    Ok(None)
}

/// What a failed call means for the report.
fn failed(error: &ZoomError) -> Outcome {
    let silence = |reason: String, until| Outcome::NotYet(Lack { why: Why::Silence, reason, until });
    match error {
        ZoomError::NotFound { .. } => Outcome::NotYet(Lack::word("Zoom does not have the report")),
        ZoomError::Rejected { code: Some(TOO_OLD), .. } => {
            Outcome::Never("the meeting is older than a year, of which Zoom tells nothing any more")
        }
        ZoomError::Rejected { code: Some(code), .. } if NO_REPORTS.contains(code) => {
            Outcome::Never("the Zoom account's plan or rights give no reports")
        }
        ZoomError::Rejected { code, .. } => {
            let code = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
            Outcome::NotYet(Lack::word(format!("Zoom refuses it (code {code})")))
        }
        // It did answer: the same nonsense for ever must come to an end.
        ZoomError::Unknown {
            doubt: doubt @ (Doubt::NotJson | Doubt::Unreadable | Doubt::TooLarge), ..
        } => Outcome::NotYet(Lack::word(format!("Zoom's answer cannot be read ({doubt})"))),
        ZoomError::RateLimited(Limit::Daily { until }) => {
            silence("the day's allowance for reports is used up".to_owned(), Some(*until))
        }
        error => silence(format!("Zoom could not be asked ({})", error.class()), None),
    }
}
