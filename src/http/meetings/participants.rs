//! Who was at a meeting, beside who was expected.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::roll::{Expected, Participant, Roll, Share};
use super::unmatched::{self, Unmatched};
use super::view::{self, ClassView};
use super::{Attended, read_attended};
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::error::ApiError;

/// Who was at a meeting.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParticipantsAnswer {
    meeting: MeetingBrief,
    participants: Vec<Participant>,
    #[serde(rename = "expectedAttendees")]
    expected_attendees_camel: Vec<Expected>,
    /// The same as `expectedAttendees`.
    expected_attendees: Vec<Expected>,
    hosts: Vec<Expected>,
    /// Of the participants those whom we recognise as nobody, each identity once, with suggestions.
    unmatched: Vec<Unmatched>,
    stats: Stats,
}

/// A meeting in few words.
#[derive(Debug, Serialize, ToSchema)]
struct MeetingBrief {
    id: String,
    title: String,
    class: Option<ClassView>,
    start_time: DateTime<Utc>,
    status: String,
}

/// The counts; hosts are no part of them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Stats {
    /// People seen, expected or not; one with three devices is one.
    total_participants: usize,
    /// Expected people who were there.
    joined_count: usize,
    expected_count: usize,
    /// In per cent of the expected, with one decimal.
    attendance_rate: f64,
    total_duration_seconds: i64,
    /// Per expected person who was there.
    avg_duration_seconds: i64,
}

/// Who was there and who was expected. Attendees get their own data.
#[utoipa::path(get, path = "/api/zoom/meetings/{id}/participants", tag = "meetings",
    operation_id = "get_participants",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number")),
    responses((status = 200, body = ParticipantsAnswer)))]
pub(in crate::http) async fn show(
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (rules, now) = (front.rules.clone(), front.clock.now());
    let answer = front
        .read(move |conn| {
            let attended = read_attended(conn, &caller, &id)?;
            let roll = Roll::call(&attended.case, &rules, now);
            let unmatched = match attended.share {
                Share::All => unmatched::of_case(conn, &attended.case, &roll)?,
                Share::Own(_) => Vec::new(),
            };
            Ok(ParticipantsAnswer::new(&attended, &roll, unmatched))
        })
        .await?;
    Ok(HttpResponse::Ok().json(answer))
}

impl ParticipantsAnswer {
    fn new(attended: &Attended, roll: &Roll<'_>, unmatched: Vec<Unmatched>) -> Self {
        let Attended { booking, case, share } = attended;
        let participants = roll.participants(share);
        let expected = roll.attendees(share);
        let hosts = roll.hosts(share);
        let stats = Stats::new(&participants, &expected, &hosts);
        Self {
            meeting: MeetingBrief {
                id: case.meeting.id.clone(),
                title: booking.appointment.title.clone(),
                class: view::class(booking),
                start_time: booking.appointment.start_at.into(),
                status: view::status(booking, &case.meeting),
            },
            participants,
            expected_attendees_camel: expected.clone(),
            expected_attendees: expected,
            hosts,
            unmatched,
            stats,
        }
    }
}

impl Stats {
    fn new(participants: &[Participant], expected: &[Expected], hosts: &[Expected]) -> Self {
        let hosts: BTreeSet<&str> = hosts.iter().map(|host| host.id.as_str()).collect();
        let seen: BTreeSet<&str> =
            participants.iter().map(Participant::identity).filter(|who| !hosts.contains(who)).collect();
        let joined = expected.iter().filter(|person| person.attended).count();
        let total_seconds: i64 = expected.iter().map(|person| person.attended_seconds).sum();
        Self {
            total_participants: seen.len(),
            joined_count: joined,
            expected_count: expected.len(),
            attendance_rate: per_cent(joined, expected.len()),
            total_duration_seconds: total_seconds,
            avg_duration_seconds: total_seconds / i64::try_from(joined).unwrap_or(i64::MAX).max(1),
        }
    }
}

/// `part` of `whole` in per cent, with one decimal; of nobody it is 0.
fn per_cent(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    (1000.0 * part as f64 / whole as f64).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_one_decimal_and_of_nobody_is_zero() {
        assert_eq!(per_cent(2, 3), 66.7);
        assert_eq!(per_cent(25, 25), 100.0);
        assert_eq!(per_cent(0, 0), 0.0);
    }
}
