//! Which meetings a list shows.

use chrono_tz::Tz;
use utoipa::IntoParams;

use crate::clock::Instant;
use crate::domain::appointment::AppointmentStatus;
use crate::http::error::ApiError;
use crate::http::paging::{Page, place_key};
use crate::http::validate::Fields;
use crate::http::when;
use crate::store::appointment::{self, BookingFilter, Viewer};
use crate::store::booking::{self, Booking};
use crate::store::{Conn, UtcMillis};

/// The longest `ref` that can be asked for.
const REF_LENGTH_MAX: usize = 200;
/// The states a meeting can be in.
const STATUSES: [&str; 5] = ["pending", "scheduled", "started", "ended", "cancelled"];

/// The parameters of the list, for the API's description.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the description of what `read` reads field by field")]
pub(super) struct MeetingQuery {
    /// One of pending, scheduled, started, ended, cancelled.
    status: Option<String>,
    /// Only of this group; also `class_id`, `group`.
    #[param(rename = "classId")]
    class_id: Option<String>,
    /// Only those that are not over.
    upcoming: Option<bool>,
    /// Only those that end after this time or day.
    from: Option<String>,
    /// Only those that start before this time, or on or before this day.
    to: Option<String>,
    /// 1 to 200, 50 by itself.
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// What the list shows, and which page of it.
pub(super) struct Query {
    filter: BookingFilter,
    page: Page,
}

/// Reads the query of the list.
pub(super) fn read(query: &str, now: Instant, zone: Tz) -> Result<Query, ApiError> {
    let mut fields = Fields::from_query(query);
    let meeting_status = fields.choice(&["status"], &STATUSES).map(str::to_owned);
    let group = fields.text(&["class_id", "group"], REF_LENGTH_MAX);
    let (from, to) = when::between(&mut fields, zone);
    let mut filter = BookingFilter {
        meeting_status,
        group,
        from: from.map(UtcMillis::from),
        to: to.map(UtcMillis::from),
        with_meeting: true,
        ..BookingFilter::default()
    };
    if fields.flag(&["upcoming"]) == Some(true) {
        let now = UtcMillis::from(now);
        filter.from = Some(filter.from.map_or(now, |from| from.max(now)));
        let open = [AppointmentStatus::Confirmed, AppointmentStatus::InProgress];
        filter.statuses = open.map(|status| status.as_str().to_owned()).to_vec();
    }
    let page = Page::read(&mut fields);
    filter.after = page.after_place(&mut fields);
    fields.finish()?;
    Ok(Query { filter, page })
}

impl Query {
    /// The page, for the eyes of `viewer`, and the cursor of the next one.
    pub(super) fn run(
        mut self,
        conn: &mut Conn,
        viewer: Option<Viewer>,
    ) -> Result<(Vec<Booking>, Option<String>), ApiError> {
        self.filter.visible_to = viewer;
        let mut rows = appointment::list(conn, &self.filter, self.page.rows())?;
        let next = self.page.cut(&mut rows, |row| place_key(row.start_at, &row.id));
        Ok((booking::complete(conn, rows)?, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};

    fn now() -> Instant {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    #[test]
    fn a_day_as_the_end_is_meant_whole() {
        let query = read("from=2026-01-01&to=2026-01-31&classId=9b", now(), Tz::UTC).unwrap();
        let at = |text: &str| Some(UtcMillis::from(text.parse::<DateTime<Utc>>().unwrap()));
        assert_eq!(query.filter.from, at("2026-01-01T00:00:00Z"));
        assert_eq!(query.filter.to, at("2026-02-01T00:00:00Z"));
        assert_eq!(query.filter.group.as_deref(), Some("9b"));
    }

    #[test]
    fn every_fault_of_the_query_is_named() {
        let Err(ApiError::Validation(faults)) =
            read("status=on&from=soon&limit=0&colour=red", now(), Tz::UTC)
        else {
            panic!("the query was taken");
        };
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["status", "from", "limit", "colour"]);
    }

    #[test]
    fn upcoming_leaves_out_what_is_over_or_called_off() {
        let query = read("upcoming=true", now(), Tz::UTC).unwrap();
        assert_eq!(query.filter.from, Some(UtcMillis::from(now())));
        assert_eq!(query.filter.statuses, ["confirmed", "in_progress"]);
    }
}
