//! Which bookings a report is about, read from its query.

use chrono::{DateTime, NaiveDate, Utc};
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
    /// Only what starts on or after this day, or at or after this time.
    #[param(rename = "startDate")]
    start_date: Option<String>,
    /// Only what starts on or before this day, or before this time.
    #[param(rename = "endDate")]
    end_date: Option<String>,
    /// Only of this group.
    #[param(rename = "classId")]
    class_id: Option<String>,
    /// Only what this person hosts or is invited to, and only their marks.
    #[param(rename = "personId")]
    person_id: Option<String>,
    /// The zone of days, and of times without an offset; `appointments.default_timezone` without it.
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

/// The names of the bounds of counters.
pub(super) const COUNTED: (&[&str], &[&str]) = (&["from", "start_date"], &["to", "end_date"]);

/// The time that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) until: Option<DateTime<Utc>>,
    pub(super) zone: Tz,
}

impl Bounds {
    /// Reads two times or days, and the zone they are in.
    pub(super) fn read(fields: &mut Fields, names: (&[&str], &[&str]), zone: Tz) -> Self {
        let zone = when::zone(fields, &["timezone"]).unwrap_or(zone);
        let from = when::instant(fields, names.0, false, zone);
        let until = when::instant(fields, names.1, true, zone);
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            fields.fault(names.1.first().copied().unwrap_or_default(), "is not after the beginning");
        }
        Self { from, until, zone }
    }

    /// The time between them; without end where none was asked for.
    pub(super) fn span(&self) -> Span {
        let begins =
            |year| calendar::day_start(NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default(), self.zone);
        let (from, until) = (self.from, self.until);
        Span {
            from: from.unwrap_or_else(|| begins(FIRST_YEAR)),
            until: until.unwrap_or_else(|| begins(LAST_YEAR + 1)),
        }
    }
}

/// What starts in this time, for the caller's eyes.
pub(super) fn selection(
    caller: &Caller,
    span: Span,
    group: Option<String>,
    person: Option<String>,
) -> Result<Selection, ApiError> {
    let scope = scope(caller, person.as_deref())?;
    let (from, until) = (UtcMillis::from(span.from), UtcMillis::from(span.until));
    Ok(Selection { from, until, appointment: None, group, person, scope })
}

/// Whose eyes it is for. Who sees only their own record may not ask for somebody else's.
fn scope(caller: &Caller, person: Option<&str>) -> Result<Scope, ApiError> {
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
    let bounds = Bounds::read(&mut fields, (&["start_date"], &["end_date"]), zone);
    let group = fields.text(&["class_id", "group"], REF_LENGTH_MAX);
    let person = fields.text(&["person_id", "person"], REF_LENGTH_MAX);
    let page = Page::read(&mut fields);
    let after = page.after_place(&mut fields);
    fields.finish()?;
    let selection = selection(caller, bounds.span(), group, person)?;
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
    fn times_are_exact_bounds() {
        let of = |query: &str| {
            read(query, &caller(Role::Admin), chrono_tz::Europe::Berlin).map(|wanted| wanted.selection)
        };
        let selection = of("startDate=2026-07-01T10:00:00&endDate=2026-07-01T10:00:00Z").unwrap();
        assert_eq!(selection.from, at("2026-07-01T08:00:00Z"), "wall time in the zone");
        assert_eq!(selection.until, at("2026-07-01T10:00:00Z"), "as it says");
        let selection = of("startDate=2026-07-01T10:00:00&timezone=Asia/Tokyo").unwrap();
        assert_eq!(selection.from, at("2026-07-01T01:00:00Z"));
        for query in ["startDate=2026-03-29T02:30:00", "startDate=2026-07-01T10:00Z&endDate=2026-07-01T12:00"]
        {
            assert!(matches!(of(query), Err(ApiError::Validation(_))), "{query}");
        }
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
