//! Pins: by which version of the rules a booking is scored, from its first scoring on.
//!
//! A change of the rules moves no pin; only [`move_to`] does, which somebody asked for.

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::appointment::Place;
use super::due::{self, DueKind};
use super::rules::STANDARD;
use super::schema::{appointments, attendance_pins, attendance_records, groups, zoom_meetings};
use super::{Conn, StoreError, UtcMillis, each_backend};

/// The version, as marks name it; `None` before the first scoring.
///
/// # Errors
/// [`StoreError`].
pub fn of_appointment(conn: &mut Conn, appointment_id: &str) -> Result<Option<String>, StoreError> {
    Ok(attendance_pins::table.find(appointment_id).select(attendance_pins::rules).first(conn).optional()?)
}

/// Keeps the version of the first scoring; a pin that is there stays.
///
/// # Errors
/// [`StoreError`].
pub fn keep(conn: &mut Conn, appointment_id: &str, label: &str, now: UtcMillis) -> Result<(), StoreError> {
    each_backend!(conn, |c| diesel::insert_into(attendance_pins::table)
        .values((
            attendance_pins::appointment_id.eq(appointment_id),
            attendance_pins::rules.eq(label),
            attendance_pins::pinned_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// Which scored bookings are meant.
#[derive(Debug, Clone, Default)]
pub struct Scored {
    /// Those that use the rules of this name, by themselves or by their group.
    pub rules: String,
    /// Those that start at this instant or later.
    pub from: Option<UtcMillis>,
    /// Those that start before this instant.
    pub to: Option<UtcMillis>,
    /// Those with one of these meetings (ids or Zoom numbers); all when empty.
    pub meetings: Vec<String>,
    /// Those that are not pinned to this version.
    pub not_by: Option<String>,
    /// Those after this place in the order of their start.
    pub after: Option<Place>,
}

/// A booking that was scored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct ScoredBooking {
    /// The booking's id.
    pub appointment_id: String,
    /// Its meeting's id.
    pub meeting_id: String,
    /// The planned start.
    pub start_at: UtcMillis,
}

/// The scored bookings that are meant, in the order of their start.
///
/// # Errors
/// [`StoreError`].
pub fn list(conn: &mut Conn, which: &Scored, limit: i64) -> Result<Vec<ScoredBooking>, StoreError> {
    let mut query = appointments::table
        .inner_join(attendance_pins::table)
        .inner_join(zoom_meetings::table)
        .select((appointments::id, zoom_meetings::id, appointments::start_at))
        .into_boxed();
    // What age has taken the marks of is not scored again: everybody would be absent.
    let marks = attendance_records::table.filter(attendance_records::appointment_id.eq(appointments::id));
    query = query.filter(exists(marks));
    let name = which.rules.as_str();
    let nameless = || appointments::attendance_rules.is_null();
    let own = appointments::attendance_rules.eq(name).assume_not_null();
    query = if name == STANDARD {
        let others = groups::table.filter(groups::attendance_rules.ne(STANDARD)).select(groups::ref_);
        let free = appointments::group_ref
            .is_null()
            .or(not(appointments::group_ref.assume_not_null().eq_any(others)));
        query.filter(own.or(nameless().and(free)))
    } else {
        let theirs = groups::table.filter(groups::attendance_rules.eq(name)).select(groups::ref_);
        query.filter(own.or(nameless().and(appointments::group_ref.assume_not_null().eq_any(theirs))))
    };
    if let Some(from) = which.from {
        query = query.filter(appointments::start_at.ge(from));
    }
    if let Some(to) = which.to {
        query = query.filter(appointments::start_at.lt(to));
    }
    if !which.meetings.is_empty() {
        query = query.filter(
            zoom_meetings::id
                .eq_any(&which.meetings)
                .or(zoom_meetings::zoom_meeting_id.eq_any(&which.meetings).assume_not_null()),
        );
    }
    if let Some(label) = &which.not_by {
        query = query.filter(attendance_pins::rules.ne(label));
    }
    if let Some((start, id)) = &which.after {
        query = query.filter(
            appointments::start_at
                .gt(start)
                .or(appointments::start_at.eq(start).and(appointments::id.gt(id))),
        );
    }
    Ok(query.order((appointments::start_at, appointments::id)).limit(limit).load(conn)?)
}

/// Moves the pins of these bookings and makes their scoring due.
///
/// # Errors
/// [`StoreError`].
pub fn move_to(
    conn: &mut Conn,
    bookings: &[ScoredBooking],
    label: &str,
    by: &str,
    now: UtcMillis,
) -> Result<(), StoreError> {
    for booking in bookings {
        diesel::update(attendance_pins::table.find(&booking.appointment_id))
            .set((
                attendance_pins::rules.eq(label),
                attendance_pins::moved_by.eq(by),
                attendance_pins::pinned_at.eq(now),
            ))
            .execute(conn)?;
        due::set(conn, DueKind::Score, &booking.appointment_id, now)?;
    }
    Ok(())
}

/// Who moved the pin of a booking; `None` when it is that of the first scoring.
///
/// # Errors
/// [`StoreError`].
pub fn moved_by(conn: &mut Conn, appointment_id: &str) -> Result<Option<String>, StoreError> {
    let by: Option<Option<String>> = attendance_pins::table
        .find(appointment_id)
        .select(attendance_pins::moved_by)
        .first(conn)
        .optional()?;
    Ok(by.flatten())
}
