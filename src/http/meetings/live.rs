//! Who is in a meeting now, and who is missing. The stream of events says when to look again (`attendance.live`).

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::roll::Roll;
use super::view;
use super::{Attended, read_attended};
use crate::clock::Instant;
use crate::domain::attendance::RosterPerson;
use crate::domain::live::{Live, Scene, Whereabouts, look};
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::validate::Fields;
use crate::store::correction::{self, Correction};

/// A meeting as it is now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveAnswer {
    id: String,
    appointment_id: String,
    title: String,
    /// `pending`, `scheduled`, `started`, `ended` or `cancelled`.
    status: String,
    /// Whether a run of the meeting is going on.
    running: bool,
    as_of: DateTime<Utc>,
    /// The newest join or leave that is known of.
    last_change: Option<DateTime<Utc>>,
    /// Of what is listed here.
    counts: Counts,
    /// Expected, and in the meeting.
    present: Vec<PersonNow>,
    /// Expected, and not in the meeting.
    missing: Vec<PersonNow>,
    /// Expected, and before the door.
    waiting: Vec<PersonNow>,
    hosts: Vec<PersonNow>,
    /// In the meeting or before its door, and recognised as nobody.
    unmatched: Vec<StrangerNow>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LiveCounts)]
struct Counts {
    expected: usize,
    present: usize,
    missing: usize,
    waiting: usize,
    unmatched: usize,
    /// Hosts in the meeting.
    hosts: usize,
}

/// Somebody of the roster.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = LivePerson)]
struct PersonNow {
    /// Their `ref`.
    id: String,
    name: String,
    /// `in`, `waiting`, `left` or `never_came`.
    state: &'static str,
    /// Since when they are in, wait, or are gone.
    since: Option<DateTime<Utc>>,
    /// In the meeting on so many.
    devices: usize,
    /// `main` or `breakout`; null when they are not in.
    room: Option<&'static str>,
    /// Excused by hand.
    excused: bool,
}

/// Somebody whom we do not know.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = LiveStranger)]
struct StrangerNow {
    name: String,
    /// `in` or `waiting`.
    state: &'static str,
    since: Option<DateTime<Utc>>,
    devices: usize,
    room: Option<&'static str>,
    /// A hand said that this is nobody we know.
    settled: bool,
}

/// Who is in the meeting now, who is missing, who waits before the door. Attendees see themselves.
#[utoipa::path(get, path = "/api/zoom/meetings/{id}/live", tag = "meetings", operation_id = "get_live",
    params(("id" = String, Path, description = "The meeting's id or its Zoom number")),
    responses((status = 200, body = LiveAnswer)))]
pub(in crate::http) async fn show(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    Fields::from_query(request.query_string()).finish()?;
    let (attended, words) = front
        .read(move |conn| {
            let attended = read_attended(conn, &caller, &id)?;
            let words = correction::histories(conn, &attended.booking.appointment.id)?;
            Ok((attended, words))
        })
        .await?;
    let now = front.clock.now();
    let roll = Roll::call(&attended.case, &front.rules, now);
    let case = &attended.case;
    let live = look(&Scene {
        as_of: now,
        roster: &case.roster,
        instances: &case.instances,
        connections: &case.connections,
        assessed: roll.assessed(),
    });
    Ok(HttpResponse::Ok().json(LiveAnswer::new(&attended, &live, &words, now)))
}

impl LiveAnswer {
    fn new(
        attended: &Attended,
        live: &Live,
        words: &BTreeMap<String, Vec<Correction>>,
        now: Instant,
    ) -> Self {
        let Attended { booking, case, share } = attended;
        let shown = case.roster.iter().filter(|person| share.covers(Some(&person.person)));
        let people: Vec<(bool, PersonNow)> =
            shown.map(|person| (person.host, PersonNow::new(person, live, words))).collect();
        let list = |host: bool, states: &[&str]| -> Vec<PersonNow> {
            let wanted =
                people.iter().filter(|(is_host, now)| *is_host == host && states.contains(&now.state));
            wanted.map(|(_, now)| now.clone()).collect()
        };
        let hosts = list(true, &["in", "waiting", "left", "never_came"]);
        let (present, waiting) = (list(false, &["in"]), list(false, &["waiting"]));
        let missing = list(false, &["left", "never_came"]);
        let unmatched: Vec<StrangerNow> = if share.covers(None) {
            live.strangers.iter().map(StrangerNow::new).collect()
        } else {
            Vec::new()
        };
        Self {
            id: case.meeting.id.clone(),
            appointment_id: booking.appointment.id.clone(),
            title: booking.appointment.title.clone(),
            status: view::status(booking, &case.meeting),
            running: live.running,
            as_of: now,
            last_change: live.last_change.filter(|_| share.covers(None)),
            counts: Counts {
                expected: present.len() + missing.len() + waiting.len(),
                present: present.len(),
                missing: missing.len(),
                waiting: waiting.len(),
                unmatched: unmatched.iter().filter(|stranger| !stranger.settled).count(),
                hosts: hosts.iter().filter(|host| host.state == "in").count(),
            },
            present,
            missing,
            waiting,
            hosts,
            unmatched,
        }
    }
}

impl PersonNow {
    fn new(person: &RosterPerson, live: &Live, words: &BTreeMap<String, Vec<Correction>>) -> Self {
        let whereabouts = live.people.get(&person.person).unwrap_or(&Whereabouts::NeverCame);
        let (since, devices, room) = place(whereabouts);
        let standing = words.get(&person.person).and_then(|history| correction::standing(history));
        Self {
            id: person.person.clone(),
            name: person.name.clone(),
            state: whereabouts.word(),
            since,
            devices,
            room,
            excused: standing.is_some_and(|word| word.status.as_deref() == Some("excused")),
        }
    }
}

impl StrangerNow {
    fn new(stranger: &crate::domain::live::Stranger) -> Self {
        let (since, devices, room) = place(&stranger.whereabouts);
        let (name, settled) = (stranger.name.clone(), stranger.settled);
        Self { name, state: stranger.whereabouts.word(), since, devices, room, settled }
    }
}

fn place(whereabouts: &Whereabouts) -> (Option<DateTime<Utc>>, usize, Option<&'static str>) {
    match whereabouts {
        Whereabouts::Here(here) => (Some(here.since), here.devices, Some(here.room.as_str())),
        Whereabouts::Waiting(since) | Whereabouts::Left(since) => (Some(*since), 0, None),
        Whereabouts::NeverCame => (None, 0, None),
    }
}
