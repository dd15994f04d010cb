//! Those whom nobody recognises: in one meeting (`participants`), and over all meetings (`GET /api/attendance/unmatched`),
//! with suggestions that somebody of the staff may follow.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::roll::{Participant, Roll};
use crate::clock::Instant;
use crate::domain::interval::{Interval, IntervalSet};
use crate::domain::rules::Rules;
use crate::domain::suggestion::{Expected, Reason, Unknown, candidates};
use crate::domain::unmatched::Group;
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::paging::{Page, place_key};
use crate::http::validate::Fields;
use crate::http::when;
use crate::store::case::{self, Case};
use crate::store::settlement::{self, Waiting};
use crate::store::{Conn, UtcMillis};

/// How far back the queue reaches by itself.
const QUEUE_REACHES: Duration = Duration::days(30);
/// Meetings on a page of the queue: each is looked at closely.
const MEETINGS_MAX: i64 = 50;

/// Somebody whom nobody recognises; the participant is their first connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnmatchedParticipant)]
pub(super) struct Unmatched {
    #[serde(flatten)]
    participant: Participant,
    /// What their connections have in common, and a word about one of them settles for all: `registrant_id`,
    /// `zoom_user_id`, `email`, `customer_key`, `name`, or `connection` where there is nothing in common.
    identity: String,
    /// Whether a word about it is remembered for later meetings.
    remembered: bool,
    /// All of them, the first one too.
    connections: Vec<Participant>,
    /// In the meeting on any of them, in seconds.
    total_seconds: i64,
    /// Who it might be, the likeliest first. None of them is ever taken by itself.
    suggestions: Vec<SuggestionView>,
}

/// Somebody it might be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MatchSuggestion)]
struct SuggestionView {
    /// Their `ref`.
    person: String,
    name: String,
    /// `registered_elsewhere`, `settled_elsewhere`, `same_local_part`, `same_name`, `similar_name`,
    /// `name_in_address`, `only_one_missing`.
    #[schema(value_type = Vec<String>)]
    reasons: Vec<Reason>,
    /// How alike the names are, 0 to 1.
    likeness: f64,
}

/// What other meetings know of identities, for suggestions.
struct Clues {
    registered: BTreeMap<String, BTreeSet<String>>,
    settled: BTreeMap<String, BTreeSet<String>>,
}

impl Clues {
    fn of(conn: &mut Conn, case: &Case, groups: &[Group]) -> Result<Self, ApiError> {
        let keys: Vec<String> = groups.iter().map(|group| group.key.clone()).collect();
        let members = groups.iter().flat_map(|group| &group.members);
        let registrants: BTreeSet<String> =
            members.filter_map(|place| case.connections.get(*place)?.registrant_id.clone()).collect();
        let registrants: Vec<String> = registrants.into_iter().collect();
        Ok(Self {
            registered: collect(settlement::registered(conn, &registrants)?),
            settled: collect(settlement::elsewhere(conn, &case.meeting.id, &keys)?),
        })
    }
}

fn collect(pairs: Vec<(String, String)>) -> BTreeMap<String, BTreeSet<String>> {
    let mut by_key: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (key, person) in pairs {
        by_key.entry(key).or_default().insert(person);
    }
    by_key
}

/// Those in a meeting whom nobody recognises, with suggestions.
pub(super) fn of_case(conn: &mut Conn, case: &Case, roll: &Roll<'_>) -> Result<Vec<Unmatched>, ApiError> {
    let groups = roll.strangers();
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let clues = Clues::of(conn, case, &groups)?;
    let seen: BTreeSet<&str> = roll.assessed().matched.iter().map(|(_, person, _)| person.as_str()).collect();
    let expected = Expected { roster: &case.roster, seen: &seen };
    Ok(groups.iter().filter_map(|group| view(group, case, roll, expected, &clues)).collect())
}

fn view(
    group: &Group,
    case: &Case,
    roll: &Roll<'_>,
    expected: Expected<'_>,
    clues: &Clues,
) -> Option<Unmatched> {
    let connections: Vec<Participant> = group.members.iter().filter_map(|place| roll.stay(*place)).collect();
    let stays = group.members.iter().filter_map(|place| case.connections.get(*place));
    let time: IntervalSet = stays
        .clone()
        .filter_map(|c| Some(Interval::new(c.join_time?, c.leave_time.unwrap_or(roll.now()))))
        .collect();
    let registrants = stays.clone().filter_map(|c| c.registrant_id.as_ref());
    let unknown = Unknown {
        names: distinct(stays.clone().map(|c| c.name.clone())),
        emails: distinct(stays.clone().filter_map(|c| c.email.clone())),
        registered: registrants.filter_map(|id| clues.registered.get(id)).flatten().cloned().collect(),
        settled: clues.settled.get(&group.key).cloned().unwrap_or_default(),
    };
    let name = |person: &str| {
        let known = case.roster.iter().find(|known| known.person == person);
        known.map_or_else(String::new, |known| known.name.clone())
    };
    let suggestions = candidates(&unknown, expected).into_iter().map(|candidate| SuggestionView {
        name: name(&candidate.person),
        likeness: f64::from(candidate.likeness_milli) / 1000.0,
        person: candidate.person,
        reasons: candidate.reasons,
    });
    Some(Unmatched {
        participant: connections.first()?.clone(),
        identity: kind(&group.key).to_owned(),
        remembered: group.is_remembered(),
        total_seconds: time.total().num_seconds(),
        suggestions: suggestions.collect(),
        connections,
    })
}

/// What kind of identity a key is of.
pub(super) fn kind(key: &str) -> &str {
    key.split_once(':').map_or(key, |(kind, _)| kind)
}

fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    texts.filter(|text| !text.is_empty()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The parameters of the queue, for the API's description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what `queue` reads field by field")]
pub(crate) struct QueueQuery {
    /// Meetings that start at or after this time or day; 30 days ago by itself.
    from: Option<String>,
    /// Meetings that start before this time, or on or before this day; now by itself.
    to: Option<String>,
    /// Meetings on a page: 1 to 50, 50 by itself.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of the queue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnmatchedQueue)]
pub(crate) struct QueueAnswer {
    /// By start. A page may have fewer than asked for, and there is more all the same.
    meetings: Vec<UnmatchedMeeting>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// A meeting with somebody whom nobody recognises.
#[derive(Debug, Serialize, ToSchema)]
struct UnmatchedMeeting {
    /// The meeting's id.
    id: String,
    appointment_id: String,
    title: String,
    start_time: DateTime<Utc>,
    unmatched: Vec<Unmatched>,
}

/// Everybody whom nobody recognises, over all meetings that are over: for services and admins.
#[utoipa::path(get, path = "/api/attendance/unmatched", tag = "attendance", operation_id = "list_unmatched",
    params(QueueQuery), responses((status = 200, body = QueueAnswer)))]
pub(in crate::http) async fn queue(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
) -> Result<HttpResponse, ApiError> {
    caller.must_act_for_all()?;
    let now = front.clock.now();
    let mut fields = Fields::from_query(request.query_string());
    let (from, to) = when::between(&mut fields, front.default_timezone);
    let (from, to) = (from.unwrap_or(now - QUEUE_REACHES), to.unwrap_or(now));
    let page = Page::read_up_to(&mut fields, MEETINGS_MAX);
    let after = page.after_place(&mut fields);
    fields.finish()?;
    let (rules, rows) = (front.rules.clone(), page.rows());
    let answer = front
        .read(move |conn| {
            let (from, to) = (UtcMillis::from(from), UtcMillis::from(to));
            let mut waiting = settlement::waiting(conn, from, to, after, rows)?;
            let next_cursor = page.cut(&mut waiting, |row| place_key(row.start_at, &row.appointment_id));
            let mut meetings = Vec::with_capacity(waiting.len());
            for row in waiting {
                meetings.extend(look_closely(conn, row, &rules, now)?);
            }
            Ok(QueueAnswer { meetings, next_cursor })
        })
        .await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// A meeting of the queue, if somebody in it is really recognised as nobody: its report may have settled that.
fn look_closely(
    conn: &mut Conn,
    row: Waiting,
    rules: &Rules,
    now: Instant,
) -> Result<Option<UnmatchedMeeting>, ApiError> {
    let Some(case) = case::of_appointment(conn, &row.appointment_id)? else { return Ok(None) };
    let unmatched = of_case(conn, &case, &Roll::call(&case, rules, now))?;
    Ok((!unmatched.is_empty()).then(|| UnmatchedMeeting {
        id: case.meeting.id,
        appointment_id: row.appointment_id,
        title: row.title,
        start_time: row.start_at.into(),
        unmatched,
    }))
}
