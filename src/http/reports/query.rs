//! Which bookings a report is about, read from its query.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use utoipa::IntoParams;

use crate::domain::access::Role;
use crate::domain::calendar;
use crate::domain::schedule::Span;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::paging::Page;
use crate::http::people::REF_LENGTH_MAX;
use crate::http::validate::Fields;
use crate::http::when;
use crate::store::UtcMillis;
use crate::store::appointment::Place;
use crate::store::statistics::{Scope, Selection};

/// The years in which bookings can be.
const FIRST_YEAR: i32 = 2000;
const LAST_YEAR: i32 = 2200;

/// The parameters of a report, for the API's description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what `read` reads field by field")]
pub(in crate::http) struct ReportQuery {
    /// The report of this meeting alone: its id or its Zoom number.
    #[param(rename = "meetingId")]
    meeting_id: Option<String>,
    /// Only what starts on or after this day.
    #[param(rename = "startDate")]
    start_date: Option<String>,
    /// Only what starts on or before this day.
    #[param(rename = "endDate")]
    end_date: Option<String>,
    /// Only of this group.
    #[param(rename = "classId")]
    class_id: Option<String>,
    /// Only what this person hosts or is invited to, and only their marks.
    #[param(rename = "personId")]
    person_id: Option<String>,
    /// The zone in which the days are; `appointments.default_timezone` without it.
    timezone: Option<String>,
    /// Meetings on a page: 1 to 200, 50 by itself.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A report that is wanted.
#[derive(Debug)]
pub(in crate::http) struct Wanted {
    /// One meeting alone, by its id or number.
    pub(super) meeting: Option<String>,
    pub(super) selection: Selection,
    pub(super) page: Page,
    pub(super) after: Option<Place>,
}

/// Days that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) first: Option<NaiveDate>,
    pub(super) last: Option<NaiveDate>,
    pub(super) zone: Tz,
}

impl Days {
    /// Reads two days and their zone.
    pub(super) fn read(fields: &mut Fields, first: &[&str], last: &[&str], zone: Tz) -> Self {
        let zone = when::zone(fields, &["timezone"]).unwrap_or(zone);
        let days = Self { first: day(fields, first, zone), last: day(fields, last, zone), zone };
        if let (Some(from), Some(to)) = (days.first, days.last)
            && from > to
        {
            fields.fault(last.first().copied().unwrap_or_default(), "is before the first day");
        }
        days
    }

    /// The time of these days; without end where none was asked for.
    pub(super) fn span(&self) -> Span {
        let year = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
        let (first, last) =
            (self.first.unwrap_or(year(FIRST_YEAR)), self.last.unwrap_or(year(LAST_YEAR + 1)));
        calendar::days(first, last, self.zone)
    }
}

/// Reads a day; a time is the day it falls on in `zone`.
fn day(fields: &mut Fields, names: &[&str], zone: Tz) -> Option<NaiveDate> {
    let text = fields.text(names, 64)?;
    let day = text.parse::<NaiveDate>().ok();
    let day = day.or_else(|| Some(text.parse::<DateTime<Utc>>().ok()?.with_timezone(&zone).date_naive()));
    let day = day.filter(|day| (FIRST_YEAR..=LAST_YEAR).contains(&day.year()));
    if day.is_none() {
        fields.fault(names.first().copied().unwrap_or_default(), "must be a day such as 2026-01-15");
    }
    day
}

/// Whose eyes it is for. Who sees only their own record may not ask for somebody else's.
pub(super) fn scope(caller: &Caller, person: Option<&str>) -> Result<Scope, ApiError> {
    let own = caller.subject.clone();
    match caller.role {
        Role::Service | Role::Admin => Ok(Scope::All),
        Role::Host => Ok(Scope::Host(own)),
        Role::Attendee if person.is_some_and(|person| person != own) => Err(ApiError::NotFound("person")),
        Role::Attendee => Ok(Scope::Own(own)),
    }
}

/// Reads the query of a report.
pub(super) fn read(query: &str, caller: &Caller, zone: Tz) -> Result<Wanted, ApiError> {
    let mut fields = Fields::from_query(query);
    let meeting = fields.text(&["meeting_id"], REF_LENGTH_MAX);
    let days = Days::read(&mut fields, &["start_date"], &["end_date"], zone);
    let group = fields.text(&["class_id", "group"], REF_LENGTH_MAX);
    let person = fields.text(&["person_id", "person"], REF_LENGTH_MAX);
    let page = Page::read(&mut fields);
    let after = page.after_place(&mut fields);
    fields.finish()?;
    let scope = scope(caller, person.as_deref())?;
    let span = days.span();
    let (from, until) = (UtcMillis::from(span.from), UtcMillis::from(span.until));
    let selection = Selection { from, until, appointment: None, group, person, scope };
    Ok(Wanted { meeting, selection, page, after })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(role: Role) -> Caller {
        Caller { subject: "ada".to_owned(), role, name: None, email: None }
    }

    fn at(text: &str) -> UtcMillis {
        text.parse::<DateTime<Utc>>().unwrap().into()
    }

    #[test]
    fn days_are_whole_in_their_zone() {
        let query = "startDate=2026-03-29&endDate=2026-03-29&timezone=Europe/Berlin";
        let selection = read(query, &caller(Role::Admin), Tz::UTC).unwrap().selection;
        assert_eq!(selection.from, at("2026-03-28T23:00:00Z"));
        assert_eq!(selection.until, at("2026-03-29T22:00:00Z"));
    }

    #[test]
    fn every_fault_is_named() {
        let Err(ApiError::Validation(faults)) =
            read("startDate=soon&endDate=2026-13-01&limit=0&colour=red", &caller(Role::Admin), Tz::UTC)
        else {
            panic!("the query was taken");
        };
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["start_date", "end_date", "limit", "colour"]);
        let backwards = read("startDate=2026-02-02&endDate=2026-02-01", &caller(Role::Admin), Tz::UTC);
        assert!(matches!(backwards, Err(ApiError::Validation(_))));
    }

    #[test]
    fn an_attendee_asks_for_themselves_only() {
        let own = read("personId=ada", &caller(Role::Attendee), Tz::UTC).unwrap();
        assert_eq!(own.selection.scope, Scope::Own("ada".to_owned()));
        assert!(matches!(
            read("personId=boole", &caller(Role::Attendee), Tz::UTC),
            Err(ApiError::NotFound(_))
        ));
    }
}
