//! What other thresholds would make of past meetings: shown, nothing is written.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{RulesView, newest, scored, thresholds};
use crate::domain::attendance::{Mark, MarkStatus};
use crate::domain::rules::Rules;
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::body::JsonBody;
use crate::http::error::ApiError;
use crate::http::paging::{Page, place_key};
use crate::store::attendance::{self, CorrectionRow, MarkRow};
use crate::store::pin::{self, Scored, ScoredBooking};
use crate::store::{Conn, case};

/// What is wanted: thresholds as they would be written, and which meetings.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body, which is read field by field so that every fault is named")]
pub(crate) struct PreviewBody {
    #[schema(inline)]
    #[serde(flatten)]
    thresholds: thresholds::RulesBody,
    /// Meetings that start at or after this time or day.
    from: Option<String>,
    /// Meetings that start before this time, or on or before this day.
    to: Option<String>,
    /// How many meetings to look at: 1 to 200, 50 without it.
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A mark that would change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MarkChange {
    /// The meeting's id.
    meeting: String,
    /// The booking's id.
    appointment: String,
    /// The person's `ref`.
    person: String,
    /// The mark as it is, corrections by hand aside.
    from: String,
    /// The mark as it would be.
    to: &'static str,
    /// The score as it is.
    score_before: f64,
    /// The score as it would be.
    score: f64,
    /// Whether the mark would be held against the person.
    held_against: bool,
    /// A hand corrected it: what people see would stay as it is.
    corrected: bool,
}

/// How many marks would go from one status to another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MarkMove {
    /// From this status.
    from: String,
    /// To this.
    to: &'static str,
    /// So many of them.
    count: usize,
}

/// What the thresholds would change, on this page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewAnswer {
    /// The rules as they would be written.
    rules: RulesView,
    /// Meetings that were looked at.
    meetings: usize,
    /// Those of them with marks that would change.
    meetings_changed: usize,
    /// Marks that were looked at, hosts' aside.
    marks: usize,
    /// The moves from one status to another, counted.
    moves: Vec<MarkMove>,
    /// Every mark that would change.
    changes: Vec<MarkChange>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// Shows what other thresholds would make of the scored meetings that use these rules. Nothing is written.
#[utoipa::path(post, path = "/api/attendance-rules/{name}/preview", tag = "attendance",
    operation_id = "preview_rules",
    params(("name" = String, Path, description = "`standard` for the rules of bookings that name none")),
    request_body = PreviewBody, responses((status = 200, body = PreviewAnswer)))]
pub(in crate::http) async fn preview(
    front: web::Data<Front>,
    caller: Caller,
    path: web::Path<String>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let mut fields = body.fields()?;
    let which = scored(&mut fields, path.into_inner(), front.default_timezone);
    let page = Page::read(&mut fields);
    let after = page.after_place(&mut fields);
    let thresholds = thresholds::read(&mut fields);
    fields.finish()?;
    let which = Scored { after, ..which };
    let (house, rows) = (front.rules.clone(), page.rows());
    let (now, mut bookings) = front
        .read(move |conn| Ok((newest(conn, &which.rules, house)?, pin::list(conn, &which, rows)?)))
        .await?;
    let next_cursor = page.cut(&mut bookings, |booking| place_key(booking.start_at, &booking.appointment_id));
    let version = if now.thresholds == thresholds { now.version } else { now.version + 1 };
    let rules = Rules { version, thresholds, ..now };
    let mut seen = Seen::default();
    // A read for each, so that others are not kept waiting.
    for booking in bookings {
        let (rules, as_of) = (rules.clone(), front.clock.now());
        seen.add(front.read(move |conn| compare(conn, booking, &rules, as_of)).await?);
    }
    Ok(HttpResponse::Ok().json(seen.answer(rules, next_cursor)))
}

/// What was looked at.
#[derive(Debug, Default)]
struct Seen {
    meetings: usize,
    meetings_changed: usize,
    marks: usize,
    changes: Vec<MarkChange>,
}

impl Seen {
    fn add(&mut self, (marks, changes): (usize, Vec<MarkChange>)) {
        self.meetings += 1;
        self.meetings_changed += usize::from(!changes.is_empty());
        self.marks += marks;
        self.changes.extend(changes);
    }

    fn answer(self, rules: Rules, next_cursor: Option<String>) -> PreviewAnswer {
        let mut moves: BTreeMap<(String, &'static str), usize> = BTreeMap::new();
        for change in self.changes.iter().filter(|change| change.from != change.to) {
            *moves.entry((change.from.clone(), change.to)).or_default() += 1;
        }
        PreviewAnswer {
            rules: rules.into(),
            meetings: self.meetings,
            meetings_changed: self.meetings_changed,
            marks: self.marks,
            moves: moves.into_iter().map(|((from, to), count)| MarkMove { from, to, count }).collect(),
            changes: self.changes,
            next_cursor,
        }
    }
}

/// The attendees' marks of a booking against those that the rules would make.
fn compare(
    conn: &mut Conn,
    booking: ScoredBooking,
    rules: &Rules,
    as_of: chrono::DateTime<chrono::Utc>,
) -> Result<(usize, Vec<MarkChange>), ApiError> {
    let Some(case) = case::of_appointment(conn, &booking.appointment_id)? else {
        return Ok((0, Vec::new()));
    };
    let stored: BTreeMap<String, (MarkRow, CorrectionRow)> =
        attendance::of_appointment(conn, &booking.appointment_id)?
            .into_iter()
            .map(|(mark, correction)| (mark.person_ref.clone(), (mark, correction)))
            .collect();
    let assessed = case.assess(rules, as_of);
    let change = |mark: &Mark| {
        let (was, correction) = stored.get(&mark.person)?;
        let same = was.status == mark.status.as_str()
            && was.score_milli == mark.score_milli
            && was.held_against == mark.held_against;
        (!same).then(|| MarkChange {
            meeting: booking.meeting_id.clone(),
            appointment: booking.appointment_id.clone(),
            person: mark.person.clone(),
            from: was.status.clone(),
            to: MarkStatus::as_str(mark.status),
            score_before: was.score_milli as f64 / 1000.0,
            score: mark.score_milli as f64 / 1000.0,
            held_against: mark.held_against,
            corrected: correction.corrected_status.is_some(),
        })
    };
    Ok((assessed.marks.len(), assessed.marks.iter().filter_map(change).collect()))
}
