//! Counts by time, host and class: `GET /api/zoom/analytics/meetings`.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Days as DayCount, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::query::{Bounds, COUNTED, selection};
use super::stats::{millis, zoom_latency};
use super::{minutes, whole};
use crate::clock::Instant;
use crate::domain::calendar::{self, Bucket, Part};
use crate::domain::schedule::Span;
use crate::http::Front;
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::people::REF_LENGTH_MAX;
use crate::http::validate::Fields;
use crate::store::statistics::{By, Numbers, Selection, numbers};
use crate::store::{group, person};
use crate::telemetry::Latency;

/// Buckets of one answer: a year of days, and a day to spare.
const BUCKETS_MAX: usize = 367;
/// Hosts and classes that are told apart, those with the most meetings first.
const ENTRIES_MAX: usize = 100;
/// Days that are looked at when no first day is given.
const DAYS_DEFAULT: u64 = 30;

/// Counts of meetings.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct AnalyticsAnswer {
    /// The first day.
    from: NaiveDate,
    /// The last day.
    to: NaiveDate,
    #[schema(example = "day")]
    bucket: &'static str,
    timezone: String,
    totals: Counts,
    /// In order, empty ones too.
    buckets: Vec<BucketView>,
    /// Those with the most meetings first, at most 100.
    by_host: Vec<Entry>,
    /// Those with the most meetings first, at most 100.
    by_class: Vec<Entry>,
    /// Calls to Zoom by this process since it started; null for callers who see only their own.
    zoom_api: Option<ZoomApi>,
}

/// What some meetings come to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MeetingCounts)]
struct Counts {
    meetings: i64,
    /// Meetings in each state: pending, scheduled, started, ended, cancelled.
    by_status: BTreeMap<String, i64>,
    /// Bookings in each state.
    by_appointment_status: BTreeMap<String, i64>,
    /// Meetings that Zoom made, in per cent of those it made or refused; null where there are none.
    creation_success_rate: Option<f64>,
    /// In per cent of the marks that count; null where none does.
    attendance_rate: Option<f64>,
    present: i64,
    late: i64,
    partial: i64,
    absent: i64,
    excused: i64,
    planned_minutes: i64,
    /// From the opening of each meeting to its end.
    meeting_minutes: i64,
    attended_minutes: i64,
}

/// A stretch of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnalyticsBucket)]
struct BucketView {
    /// Its first day, also where less of it was asked for.
    day: NaiveDate,
    /// When the part that is counted begins.
    start: DateTime<Utc>,
    /// When it is over.
    end: DateTime<Utc>,
    #[serde(flatten)]
    counts: Counts,
}

/// A host or a class.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnalyticsEntry)]
struct Entry {
    /// Their `ref`; null for bookings without one.
    id: Option<String>,
    name: Option<String>,
    #[serde(flatten)]
    counts: Counts,
}

/// How fast Zoom answers.
#[derive(Debug, Serialize, ToSchema)]
struct ZoomApi {
    calls: u64,
    latency_mean_ms: Option<f64>,
    /// The upper bound of the bucket it is in.
    latency_median_ms: Option<f64>,
    /// The upper bound of the bucket it is in.
    latency_p95_ms: Option<f64>,
}

/// Counts by day, week or month, by host and by class. Without `from`, of thirty days.
#[utoipa::path(get, path = "/api/zoom/analytics/meetings", tag = "reports",
    operation_id = "get_meeting_analytics",
    params(
        ("from" = Option<String>, Query, description = "The first day, or the time it begins at"),
        ("to" = Option<String>, Query, description = "The last day, or the time it ends at; today without it"),
        ("bucket" = Option<String>, Query, description = "`day` (by itself), `week` (from Monday) or `month`"),
        ("classId" = Option<String>, Query, description = "Only of this group"),
        ("timezone" = Option<String>, Query, description = "The zone of days, and of times without an offset")),
    responses((status = 200, body = AnalyticsAnswer)))]
pub(in crate::http) async fn get(
    front: web::Data<Front>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let wanted = Wanted::read(request.query_string(), &caller, &front)?;
    let Wanted { selection, parts, .. } = &wanted;
    let (selection, parts) = (selection.clone(), parts.clone());
    let counted = front
        .store
        .read(move |conn| {
            let totals = whole(numbers(conn, &selection, By::All)?);
            let by_time = numbers(conn, &selection, By::Time(&parts))?;
            let by_host = largest(numbers(conn, &selection, By::Host)?);
            let by_class = largest(numbers(conn, &selection, By::Group)?);
            let keys = |entries: &[(String, Numbers)]| -> Vec<String> {
                entries.iter().map(|(key, _)| key.clone()).collect()
            };
            let hosts = person::by_refs(conn, &keys(&by_host))?;
            let hosts: BTreeMap<String, String> =
                hosts.into_iter().map(|person| (person.ref_, person.name)).collect();
            let groups = group::by_refs(conn, &keys(&by_class))?;
            let groups: BTreeMap<String, String> =
                groups.into_iter().map(|group| (group.ref_, group.name)).collect();
            let (by_host, by_class) = (entries(by_host, &hosts), entries(by_class, &groups));
            Ok((totals, by_time, by_host, by_class))
        })
        .await?;
    let (totals, by_time, by_host, by_class) = counted;
    let zoom_api = caller.role.acts_for_all().then(zoom_latency).flatten().map(ZoomApi::from);
    Ok(HttpResponse::Ok().json(AnalyticsAnswer {
        from: wanted.first,
        to: wanted.last,
        bucket: wanted.word,
        timezone: wanted.timezone,
        totals: Counts::from(totals),
        buckets: by_bucket(&wanted.parts, by_time),
        by_host,
        by_class,
        zoom_api,
    }))
}

/// What is wanted.
struct Wanted {
    first: NaiveDate,
    last: NaiveDate,
    word: &'static str,
    timezone: String,
    parts: Vec<Part>,
    selection: Selection,
}

impl Wanted {
    fn read(query: &str, caller: &Caller, front: &Front) -> Result<Self, ApiError> {
        let mut fields = Fields::from_query(query);
        let bounds = Bounds::read(&mut fields, COUNTED, front.default_timezone);
        let word = fields.choice(&["bucket"], &Bucket::WORDS).unwrap_or("day");
        let group = fields.text(&["class_id", "group"], REF_LENGTH_MAX);
        let (span, zone) = (with_defaults(&bounds, front.clock.now()), bounds.zone);
        let bucket = Bucket::parse(word).unwrap_or(Bucket::Day);
        let parts = calendar::buckets(span, zone, bucket, BUCKETS_MAX);
        if parts.is_none() {
            fields.fault(
                "bucket",
                format!("makes more than {BUCKETS_MAX} of this time: ask for less, or for larger ones"),
            );
        }
        fields.finish()?;
        let (first, last) = calendar::first_and_last(span, zone);
        let selection = selection(caller, span, group, None)?;
        let timezone = zone.name().to_owned();
        Ok(Self { first, last, word, timezone, parts: parts.unwrap_or_default(), selection })
    }
}

/// The time that is counted: up to the end of today, and thirty days where no beginning was asked for.
fn with_defaults(bounds: &Bounds, now: Instant) -> Span {
    let zone = bounds.zone;
    let day_of = |at: Instant| at.with_timezone(&zone).date_naive();
    let until = bounds.until.unwrap_or_else(|| {
        let last = bounds.from.map_or(now, |from| from.max(now));
        calendar::days(day_of(last), day_of(last), zone).until
    });
    let from = bounds.from.unwrap_or_else(|| {
        let (_, last) = calendar::first_and_last(Span { from: until, until }, zone);
        let first = last.checked_sub_days(DayCount::new(DAYS_DEFAULT - 1)).unwrap_or(last);
        calendar::day_start(first, zone)
    });
    Span { from, until }
}

/// Those with the most meetings.
fn largest(numbers: BTreeMap<String, Numbers>) -> Vec<(String, Numbers)> {
    let mut all: Vec<(String, Numbers)> = numbers.into_iter().collect();
    all.sort_by(|(one, a), (other, b)| b.meetings.cmp(&a.meetings).then_with(|| one.cmp(other)));
    all.truncate(ENTRIES_MAX);
    all
}

fn entries(numbers: Vec<(String, Numbers)>, names: &BTreeMap<String, String>) -> Vec<Entry> {
    let entry = |(key, numbers): (String, Numbers)| Entry {
        name: names.get(&key).cloned(),
        id: Some(key).filter(|key| !key.is_empty()),
        counts: Counts::from(numbers),
    };
    numbers.into_iter().map(entry).collect()
}

fn by_bucket(parts: &[Part], mut numbers: BTreeMap<String, Numbers>) -> Vec<BucketView> {
    let view = |(place, part): (usize, &Part)| BucketView {
        day: part.first_day,
        start: part.span.from,
        end: part.span.until,
        counts: Counts::from(numbers.remove(&place.to_string()).unwrap_or_default()),
    };
    parts.iter().enumerate().map(view).collect()
}

impl From<Numbers> for Counts {
    fn from(numbers: Numbers) -> Self {
        let marks = numbers.marks;
        Self {
            meetings: numbers.meetings,
            creation_success_rate: numbers.creation_rate(),
            attendance_rate: marks.rate(),
            present: marks.present,
            late: marks.late,
            partial: marks.partial,
            absent: marks.absent,
            excused: marks.excused,
            planned_minutes: numbers.planned_minutes,
            meeting_minutes: minutes(numbers.run_seconds),
            attended_minutes: minutes(numbers.attended_seconds),
            by_status: numbers.meetings_by_status,
            by_appointment_status: numbers.bookings_by_status,
        }
    }
}

impl From<Latency> for ZoomApi {
    fn from(latency: Latency) -> Self {
        Self {
            calls: latency.count,
            latency_mean_ms: millis(latency.mean),
            latency_median_ms: millis(latency.median),
            latency_p95_ms: millis(latency.p95),
        }
    }
}
