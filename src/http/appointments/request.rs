//! A booking in a request: read field by field, for a new one and for an edit alike.

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::appointment::AppointmentStatus;
use crate::http::error::ApiError;
use crate::http::people::{REF_LENGTH_MAX, is_ref};
use crate::http::validate::Fields;
use crate::http::when::{self, Given, Start};
use crate::store::appointment::AppointmentRow;
use crate::store::booking::Invitee;
use crate::store::booking::create::{MeetingIds, NewBooking};
use crate::store::{Json, StoreError};

const TITLE_LENGTH_MAX: usize = 200;
const DESCRIPTION_LENGTH_MAX: usize = 1900;
const ATTENDEES_MAX: usize = 1000;
const SETTINGS_MAX: usize = 64;
const SETTING_LENGTH_MAX: usize = 2000;
const KINDS: [&str; 4] = ["match", "class", "consultation", "group"];
const AUDIENCES: [&str; 5] = ["all", "students", "teachers", "class", "personal"];

/// A booking to be made; camelCase names and `topic`, `agenda`, `classId` are taken as well.
#[derive(Debug, Clone, ToSchema)]
pub struct BookingBody {
    /// The caller's own id of it, unique.
    #[schema(rename = "ref")]
    pub r#ref: Option<String>,
    /// `match`, `class`, `consultation` or `group`.
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// When it starts: RFC 3339, or wall time in `timezone`.
    pub start_time: String,
    /// Minutes, 1 to 1440.
    pub duration: i64,
    /// IANA zone.
    pub timezone: Option<String>,
    /// The `ref` of who hosts it; else the group's host, else one of the host pool.
    pub host: Option<String>,
    /// The `ref` of the group it is for.
    pub group: Option<String>,
    /// Who is invited beside the group: `ref`s, or `{name, email}`.
    #[schema(value_type = Option<Vec<Object>>)]
    pub attendees: Option<Vec<Value>>,
    /// `requested` or `confirmed` (without it).
    pub status: Option<String>,
    /// Zoom's meeting settings by their own names.
    #[schema(value_type = Option<Object>)]
    pub settings: Option<Value>,
    /// Who else sees it: `all`, `students`, `teachers`, `class` or `personal`.
    pub target_audience: Option<String>,
    /// By which rules attendance is scored.
    pub attendance_rules: Option<String>,
    /// When the host is taken: `reject` (without it), `reassign` to a free shared host, or `allow`.
    pub on_conflict: Option<String>,
    /// For a new booking: how it recurs, an RFC 5545 rule with an end such as `FREQ=WEEKLY;COUNT=10`. `start_time` is
    /// its first time. Each occurrence, at most 200, is a booking of its own; the later ones have the `ref`s
    /// `REF~2`, `REF~3`, ….
    pub recurrence: Option<String>,
    /// Times of the rule that are left out: instants, wall times in `timezone`, or days.
    pub exdates: Option<Vec<String>>,
}

/// What a request says of a booking. `None` is unsaid, `Some(None)` is said to be nothing.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct BookingFields {
    pub(in crate::http) ref_: Option<Option<String>>,
    pub(in crate::http) kind: Option<&'static str>,
    pub(in crate::http) title: Option<String>,
    pub(in crate::http) description: Option<String>,
    pub(in crate::http) start: Option<Given>,
    pub(in crate::http) duration: Option<i64>,
    pub(in crate::http) timezone: Option<Tz>,
    pub(in crate::http) host: Option<Option<String>>,
    pub(in crate::http) group: Option<Option<String>>,
    pub(in crate::http) invitees: Option<Vec<Invitee>>,
    pub(in crate::http) settings: Option<Map<String, Value>>,
    pub(in crate::http) target_audience: Option<Option<String>>,
    pub(in crate::http) attendance_rules: Option<Option<String>>,
    pub(in crate::http) on_conflict: Option<&'static str>,
}

impl BookingFields {
    /// Reads what bookings have in common.
    pub(in crate::http) fn read(fields: &mut Fields) -> Self {
        let text =
            |names: &'static [&'static str]| move |fields: &mut Fields| fields.text(names, REF_LENGTH_MAX);
        let audience =
            |fields: &mut Fields| fields.choice(&["target_audience"], &AUDIENCES).map(str::to_owned);
        Self {
            ref_: fields.clearable(&["ref"], text(&["ref"])),
            kind: fields.choice(&["kind"], &KINDS),
            title: fields.text(&["title", "topic"], TITLE_LENGTH_MAX),
            description: fields.free_text(&["description", "agenda"], DESCRIPTION_LENGTH_MAX),
            start: when::time(fields, &["start_time"]),
            duration: fields.integer(&["duration"], 1..=1440),
            timezone: when::zone(fields, &["timezone"]),
            host: fields.clearable(&["host"], text(&["host"])),
            group: fields.clearable(&["group", "class_id"], text(&["group", "class_id"])),
            invitees: read_invitees(fields),
            settings: read_settings(fields),
            target_audience: fields.clearable(&["target_audience"], audience),
            attendance_rules: fields.clearable(&["attendance_rules"], text(&["attendance_rules"])),
            on_conflict: fields.choice(&["on_conflict"], &["reject", "reassign", "allow"]),
        }
    }

    /// A new booking, with what a request must say; `None` when a fault was found.
    pub(in crate::http) fn into_new(
        self,
        fields: &mut Fields,
        status: AppointmentStatus,
        defaults: Defaults<'_>,
    ) -> Option<(NewBooking, Vec<String>)> {
        let zone = self.timezone.unwrap_or(defaults.timezone);
        let title = fields.need("title", self.title);
        let kind = fields.need("kind", self.kind);
        let duration = fields.need("duration", self.duration);
        let start = match self.start {
            Some(given) => when::start(fields, given, zone, defaults.now),
            None if defaults.starts_now => {
                Some(Start { at: defaults.now, wall: when::wall_time(defaults.now, zone), notice: None })
            }
            None => {
                fields.need::<String>("start_time", None);
                None
            }
        }?;
        let row = AppointmentRow {
            id: uuid::Uuid::now_v7().to_string(),
            ref_: self.ref_.flatten(),
            kind: kind.to_owned(),
            title,
            description: self.description.unwrap_or_default(),
            start_at: start.at.into(),
            end_at: (start.at + Duration::minutes(duration)).into(),
            duration_minutes: duration,
            timezone: zone.name().to_owned(),
            wall_time: start.wall,
            host_ref: self.host.flatten(),
            group_ref: self.group.flatten(),
            status: status.as_str().to_owned(),
            settings: Json::of(&self.settings.unwrap_or_default()).ok()?,
            target_audience: self.target_audience.flatten(),
            attendance_rules: self.attendance_rules.flatten(),
            on_conflict: self.on_conflict.unwrap_or("reject").to_owned(),
            origin: defaults.origin.to_owned(),
            generation: 1,
            version: 1,
            cancel_reason: None,
            created_by: Some(defaults.by.to_owned()),
            created_at: defaults.now.into(),
            updated_at: defaults.now.into(),
        };
        let new =
            NewBooking { row, invitees: self.invitees.unwrap_or_default(), meeting: MeetingIds::draw() };
        Some((new, start.notice.into_iter().collect()))
    }

    /// The booking as this edit makes it, and what the caller should know.
    pub(in crate::http) fn apply(
        self,
        before: &AppointmentRow,
        now: DateTime<Utc>,
    ) -> Result<Edited, ApiError> {
        let mut after = before.clone();
        let zone = match self.timezone {
            Some(zone) => zone,
            None => before.timezone.parse().map_err(|error: chrono_tz::ParseError| {
                ApiError::from(StoreError::corrupt("appointments.timezone", error.to_string()))
            })?,
        };
        let mut start_at: DateTime<Utc> = before.start_at.into();
        let mut notices = Vec::new();
        if let Some(given) = self.start.filter(|given| !when::is_same(*given, zone, start_at)) {
            let mut faults = Fields::of(String::new(), Map::new());
            let start = when::start(&mut faults, given, zone, now);
            faults.finish()?;
            if let Some(start) = start {
                start_at = start.at;
                notices.extend(start.notice);
            }
        }
        after.duration_minutes = self.duration.unwrap_or(before.duration_minutes);
        after.start_at = start_at.into();
        after.end_at = (start_at + Duration::minutes(after.duration_minutes)).into();
        after.timezone = zone.name().to_owned();
        after.wall_time = when::wall_time(start_at, zone);
        set(&mut after.ref_, self.ref_);
        set(&mut after.kind, self.kind.map(str::to_owned));
        set(&mut after.title, self.title);
        set(&mut after.description, self.description);
        set(&mut after.host_ref, self.host);
        set(&mut after.group_ref, self.group);
        set(&mut after.target_audience, self.target_audience);
        set(&mut after.attendance_rules, self.attendance_rules);
        set(&mut after.on_conflict, self.on_conflict.map(str::to_owned));
        if let Some(settings) = self.settings {
            let mut merged: Map<String, Value> = before.settings.parse("appointments.settings")?;
            merged.extend(settings);
            after.settings = Json::of(&merged)?;
        }
        Ok(Edited { after, invitees: self.invitees, notices })
    }
}

/// A booking as an edit makes it.
#[derive(Debug)]
pub(in crate::http) struct Edited {
    /// The booking.
    pub(in crate::http) after: AppointmentRow,
    /// The new guests by name, if they are to be others.
    pub(in crate::http) invitees: Option<Vec<Invitee>>,
    /// What the caller should know.
    pub(in crate::http) notices: Vec<String>,
}

/// What a request need not say.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Defaults<'a> {
    /// The present.
    pub(in crate::http) now: DateTime<Utc>,
    /// The zone.
    pub(in crate::http) timezone: Tz,
    /// Where the booking comes from.
    pub(in crate::http) origin: &'a str,
    /// Who makes it.
    pub(in crate::http) by: &'a str,
    /// Without a start it starts now.
    pub(in crate::http) starts_now: bool,
}

fn set<T>(field: &mut T, said: Option<T>) {
    if let Some(value) = said {
        *field = value;
    }
}

fn read_invitees(fields: &mut Fields) -> Option<Vec<Invitee>> {
    let items = fields.items(&["attendees"], ATTENDEES_MAX)?;
    let mut invitees = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        match item {
            Value::String(ref_) if is_ref(&ref_) => {
                invitees.push(Invitee::Known(ref_.trim().to_owned()));
            }
            Value::Object(values) => {
                let mut inner = Fields::of(format!("attendees[{index}]."), values);
                let name = inner.text(&["name"], 200);
                let name = inner.need("name", name);
                let email = inner.email(&["email"]);
                let email = inner.need("email", email);
                fields.absorb(inner);
                invitees.push(Invitee::Guest { name, email });
            }
            _ => fields.fault(&format!("attendees[{index}]"), "must be a ref or {name, email}"),
        }
    }
    Some(invitees)
}

/// Zoom knows which settings there are; here only their size is bounded.
fn read_settings(fields: &mut Fields) -> Option<Map<String, Value>> {
    let settings = fields.object(&["settings"])?;
    if settings.len() > SETTINGS_MAX {
        fields.fault("settings", format!("has more than {SETTINGS_MAX} entries"));
    }
    for (name, value) in &settings {
        if value.to_string().len() > SETTING_LENGTH_MAX {
            fields.fault(&format!("settings.{name}"), "is too long");
        }
    }
    Some(settings)
}
