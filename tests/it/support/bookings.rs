//! Bookings made straight in the store, for tests of what one transaction does.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use convened::domain::seats::Plan;
use convened::domain::shard::ShardSet;
use convened::domain::transition::Command;
use convened::store::appointment::AppointmentRow;
use convened::store::booking::change::{self, Edit};
use convened::store::booking::create::{self, MeetingIds, NewBooking};
use convened::store::booking::host::HostPolicy;
use convened::store::booking::{Booking, BookingError};
use convened::store::due::{self, DueKind};
use convened::store::person::{self, PersonRow};
use convened::store::zoom_user::{self, ZoomUserRow};
use convened::store::{Conn, Json, UtcMillis, appointment, meeting, seat, story};

pub(crate) fn at(minute: i64) -> UtcMillis {
    (DateTime::<Utc>::from_timestamp(4_000_000_200, 0).unwrap() + Duration::minutes(minute)).into()
}

/// Long before every booking.
pub(crate) fn now() -> UtcMillis {
    at(-10_000)
}

pub(crate) fn policy(pool: &[&str]) -> HostPolicy {
    let pool: Vec<String> = pool.iter().map(|host| (*host).to_owned()).collect();
    HostPolicy { padding: Duration::minutes(5), plan: Plan::Business, pool: Arc::from(pool) }
}

pub(crate) fn person(conn: &mut Conn, ref_: &str, role: &str) -> PersonRow {
    let email = format!("{ref_}@school.example");
    let row = PersonRow {
        ref_: ref_.to_owned(),
        name: ref_.to_owned(),
        email_key: Some(email.clone()),
        email: Some(email),
        role: role.to_owned(),
        timezone: None,
        zoom_user: None,
        active: true,
        version: 1,
        created_at: now(),
        updated_at: now(),
    };
    person::save(conn, &row).unwrap();
    row
}

/// A Zoom user with the address of `name`: 1 is Basic, 2 is Licensed.
pub(crate) fn zoom_says(conn: &mut Conn, id: &str, name: &str, kind: i64) {
    let email = format!("{name}@school.example");
    let row = ZoomUserRow {
        zoom_user_id: id.to_owned(),
        email_key: email.clone(),
        email,
        type_: kind,
        status: "active".to_owned(),
        person_ref: None,
        display_name: None,
        seen_at: now(),
        made_by_us: false,
        email_wanted: None,
    };
    zoom_user::save(conn, &row).unwrap();
}

/// A booking from a minute on, half an hour long.
pub(crate) fn row(id: &str, from: i64, host: Option<&str>, on_conflict: &str) -> AppointmentRow {
    AppointmentRow {
        id: id.to_owned(),
        ref_: None,
        kind: "consultation".to_owned(),
        title: format!("Booking {id}"),
        description: String::new(),
        start_at: at(from),
        end_at: at(from + 30),
        duration_minutes: 30,
        timezone: "UTC".to_owned(),
        wall_time: String::new(),
        host_ref: host.map(str::to_owned),
        group_ref: None,
        status: "confirmed".to_owned(),
        settings: Json::of(&serde_json::json!({})).unwrap(),
        target_audience: None,
        attendance_rules: None,
        on_conflict: on_conflict.to_owned(),
        origin: "api".to_owned(),
        generation: 1,
        version: 1,
        cancel_reason: None,
        created_by: None,
        created_at: now(),
        updated_at: now(),
    }
}

pub(crate) fn try_book(
    conn: &mut Conn,
    row: AppointmentRow,
    policy: &HostPolicy,
) -> Result<Booking, BookingError> {
    let new = NewBooking { row, invitees: Vec::new(), meeting: MeetingIds::draw() };
    convened::store::savepoint(conn, |conn| create::create(conn, new, policy))
}

pub(crate) fn book(conn: &mut Conn, row: AppointmentRow, policy: &HostPolicy) -> Booking {
    try_book(conn, row, policy).unwrap()
}

pub(crate) fn host_of(conn: &mut Conn, id: &str) -> Option<String> {
    seat::of_appointment(conn, id).unwrap().map(|seat| seat.zoom_user_id)
}

pub(crate) fn cancel(conn: &mut Conn, id: &str, policy: &HostPolicy) -> Booking {
    let row = appointment::by_id(conn, id).unwrap().unwrap();
    change::command(conn, &row, Command::Cancel, None, "tests", policy, now()).unwrap()
}

pub(crate) fn edit(
    conn: &mut Conn,
    id: &str,
    policy: &HostPolicy,
    change: impl FnOnce(&mut AppointmentRow),
) -> Result<Booking, BookingError> {
    let before = appointment::by_id(conn, id).unwrap().unwrap();
    let mut after = before.clone();
    change(&mut after);
    let edit = Edit { before, after, invitees: None, by: "tests".to_owned() };
    convened::store::savepoint(conn, |conn| change::edit(conn, edit, policy, now()))
}

pub(crate) fn moved_to(from: i64) -> impl FnOnce(&mut AppointmentRow) {
    move |row| (row.start_at, row.end_at) = (at(from), at(from + 30))
}

pub(crate) fn story_of(conn: &mut Conn, id: &str) -> Vec<String> {
    story::of_appointment(conn, id, 100).unwrap().into_iter().map(|line| line.kind).collect()
}

pub(crate) fn meeting_of(conn: &mut Conn, id: &str) -> String {
    meeting::by_appointment(conn, id).unwrap().unwrap().id
}

/// What is due of this kind; claims it.
pub(crate) fn due(conn: &mut Conn, kind: DueKind) -> Vec<String> {
    let room = due::Room { sync: 1000, other: 1000, zoom: true };
    let rows = due::claim(conn, ShardSet::ALL, at(0), at(1), room).unwrap();
    rows.into_iter().filter(|row| row.kind == kind).map(|row| row.key).collect()
}
