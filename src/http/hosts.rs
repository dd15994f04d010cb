//! When hosts are free: `/api/hosts/availability`.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::error::ApiError;
use super::paging::Page;
use super::people::REF_LENGTH_MAX;
use super::validate::Fields;
use super::{Front, when};
use crate::clock::Instant;
use crate::domain::access::Role;
use crate::domain::schedule::Span;
use crate::store::booking::availability::{HostTimes, Question, of_host};
use crate::store::booking::host::HostPolicy;
use crate::store::person::{self, PersonFilter, PersonRow};
use crate::store::{Conn, host_key, seat_line};

/// The longest time that can be asked for.
const RANGE_DAYS_MAX: i64 = 31;
/// What is asked for when no end is named.
const RANGE_DAYS_DEFAULT: i64 = 7;
/// Starts, one after the other, that are listed of each host.
const STARTS_MAX: usize = 50;
/// Stretches of free starts that are listed of each host.
const FREE_MAX: usize = 500;

/// The parameters, for the API's description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what `Asked::read` reads field by field")]
pub(super) struct AvailabilityQuery {
    /// From this time or day on; now without it.
    from: Option<String>,
    /// Until this time, or this day's end; at most 31 days after `from`, 7 without it.
    to: Option<String>,
    /// How long the booking is to be: minutes, 1 to 1440.
    duration: i64,
    /// Only this person, by their `ref`.
    host: Option<String>,
    /// 1 to 200, 50 by itself.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A stretch of starts.
#[derive(Debug, Serialize, ToSchema)]
pub struct FreeView {
    /// The first start.
    pub from: DateTime<Utc>,
    /// The last start; every one between them is free too.
    pub to: DateTime<Utc>,
}

/// When a host is free.
#[derive(Debug, Serialize, ToSchema)]
pub struct HostTimesView {
    /// The person's `ref`; null for a shared host.
    pub host: Option<String>,
    /// Their name; of a shared host their Zoom user.
    pub name: String,
    /// Their Zoom user: its id when it is known, else its address. Null for a person without an address, whose
    /// bookings take shared hosts.
    pub zoom_user: Option<String>,
    /// Whether bookings without a host may take them.
    pub shared: bool,
    /// How many meetings they may run at once, by their licence and the plan.
    pub capacity: usize,
    /// How many bookings they have in the time asked for.
    pub bookings: usize,
    /// How many of these are more than they may run at once: their licence was taken since.
    pub overbooked: usize,
    /// How many bookings wait for them.
    pub waiting: i64,
    /// Where the booking may start.
    pub free: Vec<FreeView>,
    /// The first of these starts, one booking after the other.
    pub free_starts: Vec<DateTime<Utc>>,
}

/// A page of hosts and their free times.
#[derive(Debug, Serialize, ToSchema)]
pub struct AvailabilityAnswer {
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when.
    pub to: DateTime<Utc>,
    /// How long the booking is to be, in minutes.
    pub duration: i64,
    /// The pause that every host gets around a booking, in minutes.
    pub padding: i64,
    /// How many bookings wait for any host in that time.
    pub waiting: i64,
    /// The shared hosts, then the people who host, by `ref`.
    pub hosts: Vec<HostTimesView>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
}

/// When hosts are free for a booking of this length. Shared hosts and the people who host; a host sees themself.
#[utoipa::path(get, path = "/api/hosts/availability", tag = "directory", operation_id = "get_availability",
    params(AvailabilityQuery),
    responses((status = 200, body = AvailabilityAnswer)))]
pub(super) async fn get(
    request: HttpRequest,
    front: web::Data<Front>,
    caller: Caller,
) -> Result<HttpResponse, ApiError> {
    let now = front.clock.now();
    let asked = Asked::read(request.query_string(), &caller, now, front.default_timezone)?;
    let policy = front.hosts.clone();
    let answer = front.read(move |conn| asked.answer(conn, &policy, now)).await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// Somebody whose times are asked for.
enum Listed {
    Shared(String),
    Person(PersonRow),
}

impl Listed {
    /// Their place in the list: shared hosts come first.
    fn place(&self) -> String {
        match self {
            Self::Shared(key) => format!("{SHARED}{key}"),
            Self::Person(person) => format!("{PERSON}{}", person.ref_),
        }
    }
}

const SHARED: &str = "shared ";
const PERSON: &str = "person ";

struct Asked {
    within: Span,
    duration: i64,
    /// Only this person.
    only: Option<String>,
    page: Page,
}

impl Asked {
    fn read(query: &str, caller: &Caller, now: Instant, zone: Tz) -> Result<Self, ApiError> {
        let mut fields = Fields::from_query(query);
        let (from, to) = when::between(&mut fields, zone);
        // Nobody can be booked for what has passed.
        let from = from.map_or(now, |from| from.max(now));
        let duration = fields.integer(&["duration"], 1..=1440);
        let duration = fields.need("duration", duration);
        let host = fields.text(&["host"], REF_LENGTH_MAX);
        let page = Page::read(&mut fields);
        let to = to.unwrap_or(from + Duration::days(RANGE_DAYS_DEFAULT));
        if to <= from {
            fields.fault("to", "must be after `from`, and in the future");
        } else if to - from > Duration::days(RANGE_DAYS_MAX) {
            fields.fault("to", format!("must be at most {RANGE_DAYS_MAX} days after `from`"));
        }
        fields.finish()?;
        let only = match caller.role {
            Role::Service | Role::Admin => host,
            Role::Host if host.as_ref().is_none_or(|host| *host == caller.subject) => {
                Some(caller.subject.clone())
            }
            Role::Host | Role::Attendee => {
                return Err(ApiError::Forbidden("hosts see when they are free themselves"));
            }
        };
        Ok(Self { within: Span { from, until: to }, duration, only, page })
    }

    fn answer(
        &self,
        conn: &mut Conn,
        policy: &HostPolicy,
        now: Instant,
    ) -> Result<AvailabilityAnswer, ApiError> {
        let shared = host_key::canonicals(conn, &policy.pool)?;
        let mut listed = self.listed(conn, &shared)?;
        let next_cursor = self.page.cut(&mut listed, Listed::place);
        let question = Question {
            within: self.within,
            length: Duration::minutes(self.duration),
            starts: STARTS_MAX,
            now: now.into(),
        };
        let mut hosts = Vec::with_capacity(listed.len());
        for one in listed {
            let (key, person) = match one {
                Listed::Shared(key) => (Some(key), None),
                Listed::Person(person) => (host_key::of_person(conn, &person)?, Some(person)),
            };
            let times = match &key {
                Some(key) => of_host(conn, key, person.is_some(), &question, policy)?,
                None => None,
            };
            let is_shared = key.as_ref().is_some_and(|key| shared.contains(key));
            hosts.push(HostTimesView::new(person, is_shared, times));
        }
        Ok(AvailabilityAnswer {
            from: self.within.from,
            to: self.within.until,
            duration: self.duration,
            padding: policy.padding.num_minutes(),
            waiting: seat_line::count(conn, self.within, None)?,
            hosts,
            next_cursor,
        })
    }

    /// Who comes after the cursor: one more than the page holds, to know whether there is a next one.
    fn listed(&self, conn: &mut Conn, shared: &[String]) -> Result<Vec<Listed>, ApiError> {
        let after = self.page.after();
        let rows = usize::try_from(self.page.rows()).unwrap_or_default();
        let mut listed = Vec::new();
        let person_after = after.as_deref().and_then(|after| after.strip_prefix(PERSON));
        if self.only.is_none() && person_after.is_none() {
            let passed = after.as_deref().and_then(|after| after.strip_prefix(SHARED));
            let skipped = shared.iter().position(|key| Some(key.as_str()) == passed);
            let skipped = skipped.map_or(0, |index| index + 1);
            listed.extend(shared.iter().skip(skipped).take(rows).cloned().map(Listed::Shared));
        }
        let filter = PersonFilter {
            // Who asks for one person gets them, whatever they are called.
            role: self.only.is_none().then(|| Role::Host.as_str()),
            active: Some(true),
            only: self.only.clone(),
            after: person_after.map(str::to_owned),
            ..PersonFilter::default()
        };
        let left = rows.saturating_sub(listed.len());
        let people = person::list(conn, &filter, i64::try_from(left).unwrap_or_default())?;
        listed.extend(people.into_iter().map(Listed::Person));
        Ok(listed)
    }
}

impl HostTimesView {
    fn new(person: Option<PersonRow>, shared: bool, times: Option<HostTimes>) -> Self {
        let zoom_user = times.as_ref().map(|times| times.key.clone());
        let (host, name) = match person {
            Some(person) => (Some(person.ref_), person.name),
            None => (None, zoom_user.clone().unwrap_or_default()),
        };
        let free = times.iter().flat_map(|times| &times.free).take(FREE_MAX);
        Self {
            host,
            name,
            shared,
            capacity: times.as_ref().map_or(0, |times| times.capacity),
            bookings: times.as_ref().map_or(0, |times| times.bookings),
            overbooked: times.as_ref().map_or(0, |times| times.overbooked),
            waiting: times.as_ref().map_or(0, |times| times.waiting),
            free: free.map(|free| FreeView { from: free.first, to: free.last }).collect(),
            free_starts: times.map(|times| times.starts).unwrap_or_default(),
            zoom_user,
        }
    }
}
