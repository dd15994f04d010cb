//! Changes and cancellations of several bookings of a series: `?scope=following` and `?scope=all`.
//!
//! The booking that is named becomes exactly what the request says. The others take over the fields that the
//! request names and keep all else, so what was changed on one of them alone stays. A new time moves each of them by
//! the same difference on the clock on the wall, counted from where the series has it: one that had been moved by
//! itself comes back into line.

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

use super::Outcome;
use crate::domain::access::Action;
use crate::domain::recurrence::land;
use crate::http::appointments::create::may_move_to;
use crate::http::appointments::recurrence::decided;
use crate::http::appointments::request::{BookingFields, Edited};
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::etag::Precondition;
use crate::http::prefer::Wait;
use crate::http::validate::Fields;
use crate::http::{Front, sight, when};
use crate::store::appointment::AppointmentRow;
use crate::store::booking::change::Edit;
use crate::store::booking::series::{self as several, Scope, SeriesEdit};
use crate::store::booking::{self, BookingError};
use crate::store::series::{self, PlaceRow};
use crate::store::{Conn, StoreError, hold};

/// Reads `?scope=`; one without it.
pub(in crate::http) fn read(request: &HttpRequest) -> Result<Scope, ApiError> {
    let mut fields = Fields::from_query(request.query_string());
    let scope = match fields.choice(&["scope"], &["one", "following", "all"]) {
        Some("following") => Scope::Following,
        Some("all") => Scope::All,
        _ => Scope::One,
    };
    fields.finish()?;
    Ok(scope)
}

/// Who changes which booking, and under what condition.
#[derive(Debug, Clone)]
pub(in crate::http) struct Named {
    /// Who.
    pub(in crate::http) caller: Caller,
    /// The id or `ref` of the booking.
    pub(in crate::http) key: String,
    /// For which of its series.
    pub(in crate::http) scope: Scope,
    /// `If-Match`: it is about the named one.
    pub(in crate::http) precondition: Precondition,
}

impl Named {
    /// The booking, its place, and the others that are meant: all of them the caller's to change.
    fn find(&self, conn: &mut Conn, now: DateTime<Utc>) -> Result<Found, ApiError> {
        let before = sight::to_change(conn, &self.caller, &self.key)?;
        self.precondition.check(before.version)?;
        let place = series::places(conn, std::slice::from_ref(&before.id))?.pop();
        let others = match &place {
            Some(place) => several::others(conn, place, self.scope, now.into())?,
            // A booking that does not recur is a series of one.
            None => Vec::new(),
        };
        let (places, rows): (Vec<_>, Vec<_>) = others.into_iter().unzip();
        let rows = hold::bookings(conn, rows)?;
        let as_held = |place: PlaceRow| {
            rows.iter().find(|row| row.id == place.appointment_id).cloned().map(|row| (place, row))
        };
        let others: Vec<_> = places.into_iter().filter_map(as_held).collect();
        for (_, other) in &others {
            sight::allowed(conn, &self.caller, other, Action::Change)?;
        }
        Ok(Found { before, place, others })
    }
}

struct Found {
    before: AppointmentRow,
    place: Option<PlaceRow>,
    others: Vec<(PlaceRow, AppointmentRow)>,
}

/// Changes the named booking and the others that `scope` means.
pub(in crate::http) async fn edit(
    front: &Front,
    named: Named,
    said: BookingFields,
    wait: Wait,
) -> Result<actix_web::HttpResponse, ApiError> {
    if said.ref_.is_some() {
        return Err(ApiError::field("ref", "names one booking: it cannot be changed for several"));
    }
    let (now, policy, caller) = (front.clock.now(), front.hosts.clone(), named.caller.clone());
    let split = uuid::Uuid::now_v7().to_string();
    front
        .settle_series(caller, StatusCode::OK, wait, None, move |conn| {
            let found = named.find(conn, now)?;
            let (edit, notices) = plan(conn, &named, found, &said, split, now)?;
            let (bookings, series) = match edit {
                Planned::Several(edit) => {
                    let (bookings, series) = several::edit(conn, *edit, &policy, now.into())?;
                    (bookings, Some(series))
                }
                Planned::One(edit) => (vec![booking::change::edit(conn, *edit, &policy, now.into())?], None),
            };
            Outcome::of(bookings, series, notices)
        })
        .await
}

/// What is to be written.
enum Planned {
    One(Box<Edit>),
    Several(Box<SeriesEdit>),
}

fn plan(
    conn: &mut Conn,
    named: &Named,
    found: Found,
    said: &BookingFields,
    split: String,
    now: DateTime<Utc>,
) -> Result<(Planned, Vec<String>), ApiError> {
    let Found { before, place, others } = found;
    let Edited { after, invitees, mut notices } = said.clone().apply(&before, now)?;
    may_move_to(conn, &named.caller, &before, &after)?;
    let by = named.caller.subject.clone();
    let shift = Shift::between(&before, &after)?;
    let edit = Edit { before, after, invitees, by: by.clone() };
    let Some(place) = place else { return Ok((Planned::One(Box::new(edit)), notices)) };
    let timezone = edit.after.timezone.clone();
    let mut edits = vec![(shift.place(&place)?, edit)];
    let words = BookingFields { start: None, timezone: None, ..said.clone() };
    for (place, before) in others {
        let Edited { mut after, invitees, .. } = words.clone().apply(&before, now)?;
        let place = shift.place(&place)?;
        if shift.moves {
            notices.extend(shift.land(&place, &mut after, now)?);
        }
        may_move_to(conn, &named.caller, &before, &after)?;
        edits.push((place, Edit { before, after, invitees, by: by.clone() }));
    }
    let split = (named.scope == Scope::Following).then_some(split);
    let edit = SeriesEdit { named: place, edits, split, shift: shift.by, timezone };
    Ok((Planned::Several(Box::new(edit)), notices))
}

/// How the time of a series changes.
struct Shift {
    /// Whether it does.
    moves: bool,
    /// By so much on the clock on the wall …
    by: Duration,
    /// … of this zone.
    zone: Tz,
}

impl Shift {
    /// What the change of one booking is for the others.
    fn between(before: &AppointmentRow, after: &AppointmentRow) -> Result<Self, ApiError> {
        let wall = |row: &AppointmentRow| series::read_wall(&row.wall_time, "appointments.wall_time");
        let zone = after.timezone.parse().map_err(|error: chrono_tz::ParseError| {
            ApiError::from(StoreError::corrupt("appointments.timezone", error.to_string()))
        })?;
        let by = Duration::seconds((wall(after)? - wall(before)?).num_seconds());
        let moves = before.start_at != after.start_at || before.timezone != after.timezone;
        Ok(Self { moves, by, zone })
    }

    fn place(&self, place: &PlaceRow) -> Result<PlaceRow, StoreError> {
        if !self.moves {
            return Ok(place.clone());
        }
        Ok(PlaceRow { pattern_wall: series::write_wall(place.pattern()? + self.by), ..place.clone() })
    }

    /// Puts a booking where the series has it now; gives what the caller should know.
    fn land(
        &self,
        place: &PlaceRow,
        row: &mut AppointmentRow,
        now: DateTime<Utc>,
    ) -> Result<Option<String>, ApiError> {
        let wall = place.pattern()?;
        let landed = land(wall, &self.zone);
        if when::is_past(landed.at, now) {
            let message = format!("would move an occurrence of the series into the past: to {wall}");
            return Err(ApiError::field("start_time", message));
        }
        row.start_at = landed.at.into();
        row.end_at = (landed.at + Duration::minutes(row.duration_minutes)).into();
        row.timezone = self.zone.name().to_owned();
        row.wall_time = when::wall_time(landed.at, self.zone);
        Ok(landed.oddity.map(|oddity| decided(wall, oddity, landed.at, self.zone)))
    }
}

/// Cancels the named booking and the others that `scope` means; asked again it changes nothing.
pub(in crate::http) async fn cancel(
    front: &Front,
    named: Named,
    reason: Option<String>,
    wait: Wait,
) -> Result<actix_web::HttpResponse, ApiError> {
    let (now, policy, caller) = (front.clock.now(), front.hosts.clone(), named.caller.clone());
    front
        .settle_series(caller, StatusCode::OK, wait, None, move |conn| {
            let Found { before, place, others } = named.find(conn, now)?;
            let rows: Vec<AppointmentRow> =
                std::iter::once(before).chain(others.into_iter().map(|(_, row)| row)).collect();
            let by = &named.caller.subject;
            let bookings = several::cancel(conn, &rows, reason.as_deref(), by, &policy, now.into())?;
            if let Some(place) = &place
                && named.scope == Scope::Following
            {
                several::end_rule(conn, place, now.into()).map_err(BookingError::from)?;
            }
            Outcome::of(bookings, place.map(|place| place.series_id), Vec::new())
        })
        .await
}
