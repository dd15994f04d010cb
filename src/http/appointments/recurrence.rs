//! What a new booking says of its recurrence: `recurrence` and `exdates` become a series of bookings.

use chrono::{DateTime, Duration, Timelike, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use crate::domain::recurrence::{Moment, OCCURRENCES_MAX, Occurrence, Oddity, Rule};
use crate::http::error::ApiError;
use crate::http::people::REF_LENGTH_MAX;
use crate::http::validate::Fields;
use crate::http::when;
use crate::store::booking::create::{MeetingIds, NewBooking};
use crate::store::booking::series::NewSeries;
use crate::store::series::{self, PlaceRow, SeriesRow};
use crate::store::{Json, StoreError};

const RULE_LENGTH_MAX: usize = 500;
const EXDATES_MAX: usize = 366;

/// What a body says of recurrence.
#[derive(Debug)]
pub(super) struct Recurrence {
    rule: Rule,
    exdates: Vec<(String, Moment)>,
}

impl Recurrence {
    /// Reads it; nothing for a booking that does not recur.
    pub(super) fn read(fields: &mut Fields) -> Option<Self> {
        let text = fields.text(&["recurrence"], RULE_LENGTH_MAX);
        let exdates = fields.items(&["exdates"], EXDATES_MAX);
        let Some(text) = text else {
            if exdates.is_some_and(|exdates| !exdates.is_empty()) {
                fields.fault("exdates", "are the exceptions of a `recurrence`, and there is none");
            }
            return None;
        };
        let exdates = exdates.unwrap_or_default();
        let exdates =
            exdates.iter().enumerate().filter_map(|(index, item)| exdate(fields, index, item)).collect();
        match Rule::parse(&text) {
            Ok(rule) => Some(Self { rule, exdates }),
            Err(error) => {
                fields.fault("recurrence", error.to_string());
                None
            }
        }
    }

    /// The series whose first booking is `first`, and what the caller should know.
    pub(super) fn series(self, first: NewBooking) -> Result<(NewSeries, Vec<String>), ApiError> {
        let zone: Tz = first.row.timezone.parse().map_err(|error: chrono_tz::ParseError| {
            ApiError::from(StoreError::corrupt("appointments.timezone", error.to_string()))
        })?;
        let start = series::read_wall(&first.row.wall_time, "appointments.wall_time")?;
        let start = start.with_nanosecond(0).unwrap_or(start);
        if first.row.ref_.as_ref().is_some_and(|ref_| numbered(ref_, OCCURRENCES_MAX).len() > REF_LENGTH_MAX)
        {
            return Err(ApiError::field("ref", "is too long to be numbered through a series"));
        }
        let times = self.rule.occurrences(start, &zone);
        let times = times.map_err(|error| ApiError::field("recurrence", error.to_string()))?;
        let (left_out, kept): (Vec<Occurrence>, Vec<Occurrence>) =
            times.iter().partition(|time| self.exdates.iter().any(|(_, exdate)| exdate.names(time)));
        if kept.is_empty() {
            return Err(ApiError::field("exdates", "leave nothing of the series"));
        }
        let mut notices: Vec<String> = kept.iter().filter_map(|time| notice(time, zone)).collect();
        notices.extend(
            self.exdates
                .iter()
                .filter(|(_, exdate)| !times.iter().any(|time| exdate.names(time)))
                .map(|(text, _)| format!("exdates: the series has nothing at {text}")),
        );
        let left_out: Vec<String> = left_out.iter().map(|time| series::write_wall(time.wall)).collect();
        let row = SeriesRow {
            id: uuid::Uuid::now_v7().to_string(),
            rule: self.rule.text(),
            start_wall: series::write_wall(start),
            timezone: first.row.timezone.clone(),
            exdates: Json::of(&left_out)?,
            shift_seconds: 0,
            continues: None,
            created_by: first.row.created_by.clone(),
            created_at: first.row.created_at,
            updated_at: first.row.created_at,
        };
        let bookings =
            kept.iter().enumerate().map(|(index, time)| booking(&first, &row.id, index, time, zone));
        Ok((NewSeries { bookings: bookings.collect(), row: row.clone() }, notices))
    }
}

/// The booking at one time of the series. The very first keeps its instant: it may have been given as one.
fn booking(
    first: &NewBooking,
    series_id: &str,
    index: usize,
    time: &Occurrence,
    zone: Tz,
) -> (PlaceRow, NewBooking) {
    let mut row = first.row.clone();
    if time.number > 0 {
        let at = time.landed.at;
        row.id = uuid::Uuid::now_v7().to_string();
        row.start_at = at.into();
        row.end_at = (at + Duration::minutes(row.duration_minutes)).into();
        row.wall_time = when::wall_time(at, zone);
    }
    row.ref_ = row.ref_.map(|ref_| if index == 0 { ref_ } else { numbered(&ref_, index + 1) });
    let place = PlaceRow {
        appointment_id: row.id.clone(),
        series_id: series_id.to_owned(),
        position: i64::try_from(time.number).unwrap_or(i64::MAX),
        pattern_wall: series::write_wall(time.wall),
    };
    (place, NewBooking { row, invitees: first.invitees.clone(), meeting: MeetingIds::draw() })
}

/// The `ref` of a later booking of a series. A tilde needs no escape in a URL and stands in few `ref`s.
fn numbered(ref_: &str, number: usize) -> String {
    format!("{ref_}~{number}")
}

/// What was decided about a time when the clocks change. The first was decided on its own.
fn notice(time: &Occurrence, zone: Tz) -> Option<String> {
    match time.landed.oddity? {
        _ if time.number == 0 => None,
        oddity => Some(decided(time.wall, oddity, time.landed.at, zone)),
    }
}

/// What was decided about a wall time of a series.
pub(in crate::http) fn decided(
    wall: chrono::NaiveDateTime,
    oddity: Oddity,
    at: DateTime<Utc>,
    zone: Tz,
) -> String {
    match oddity {
        Oddity::Gap => {
            let shown = when::wall_time(at, zone);
            format!("{wall} does not exist in {zone}: the clocks jump over it; booked for {shown}")
        }
        Oddity::Twice => format!("{wall} comes twice in {zone}; the earlier was taken: {}", at.to_rfc3339()),
    }
}

fn exdate(fields: &mut Fields, index: usize, item: &Value) -> Option<(String, Moment)> {
    let read = item.as_str().and_then(|text| Some((text.trim().to_owned(), when::moment(text.trim())?)));
    if read.is_none() {
        let name = format!("exdates[{index}]");
        fields
            .fault(&name, "must be a time such as 2026-01-15T10:00:00Z, a wall time in `timezone`, or a day");
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> (Option<Recurrence>, bool) {
        let mut fields = Fields::from_query(query);
        let read = Recurrence::read(&mut fields);
        (read, fields.finish().is_ok())
    }

    #[test]
    fn a_rule_without_an_end_is_refused_by_name() {
        let (read, fine) = read("recurrence=FREQ%3DWEEKLY");
        assert!(read.is_none() && !fine);
    }

    #[test]
    fn a_booking_that_says_nothing_does_not_recur() {
        let (read, fine) = read("");
        assert!(read.is_none() && fine);
    }
}
