//! Series of bookings: made, changed and cancelled in one transaction, all of them or none.

use chrono::Duration;

use super::change::{self, Edit, seat_differs};
use super::create::{self, NewBooking};
use super::host::{Before, HostPolicy};
use super::line;
use super::{Booking, BookingError};
use crate::domain::appointment::AppointmentStatus;
use crate::domain::recurrence::{Halves, Rule};
use crate::domain::schedule::Span;
use crate::domain::transition::Command;
use crate::store::appointment::AppointmentRow;
use crate::store::series::{self, PlaceRow, SeriesRow};
use crate::store::{Conn, Json, StoreError, UtcMillis, seat};

/// A series to be made.
#[derive(Debug, Clone)]
pub struct NewSeries {
    /// Its row.
    pub row: SeriesRow,
    /// Its bookings with their places, in order; at least one.
    pub bookings: Vec<(PlaceRow, NewBooking)>,
}

/// Which occurrences a change is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The one that is named.
    One,
    /// That one and those after it.
    Following,
    /// All that are to come.
    All,
}

/// Makes a series.
///
/// # Errors
/// [`BookingError::SeriesTaken`] with every occurrence at which the host is taken, and whatever a single booking
/// fails with; nothing is to be kept then.
pub fn create(conn: &mut Conn, new: NewSeries, policy: &HostPolicy) -> Result<Vec<Booking>, BookingError> {
    let NewSeries { row, bookings } = new;
    series::insert(conn, &row)?;
    let mut made = Vec::with_capacity(bookings.len());
    let mut places = Vec::with_capacity(bookings.len());
    let mut taken = Taken::default();
    for (place, booking) in bookings {
        let start_at = booking.row.start_at;
        if let Some(booking) = taken.note(start_at, create::create(conn, booking, policy))? {
            made.push(Booking { place: Some(place.clone()), ..booking });
            places.push(place);
        }
    }
    taken.settle()?;
    series::add_places(conn, &places)?;
    Ok(made)
}

/// The other bookings that a change of the one at `named` is for: those that have not begun and may still come
/// about.
///
/// # Errors
/// [`StoreError`].
pub fn others(
    conn: &mut Conn,
    named: &PlaceRow,
    scope: Scope,
    now: UtcMillis,
) -> Result<Vec<(PlaceRow, AppointmentRow)>, StoreError> {
    let from = match scope {
        Scope::One => return Ok(Vec::new()),
        Scope::Following => named.position,
        Scope::All => 0,
    };
    let mut members = series::members(conn, &named.series_id, from)?;
    members.retain(|(place, row)| {
        let open = AppointmentStatus::parse(&row.status).is_some_and(|status| !status.is_final());
        open && row.start_at > now && place.appointment_id != named.appointment_id
    });
    Ok(members)
}

/// A change of several bookings of a series.
#[derive(Debug)]
pub struct SeriesEdit {
    /// The place of the booking that was named, as it was.
    pub named: PlaceRow,
    /// What becomes of each, with its place as it should be; the named one first.
    pub edits: Vec<(PlaceRow, Edit)>,
    /// The series from the named one on becomes one of its own, with this id.
    pub split: Option<String>,
    /// How much later all of them take place, on the clock on the wall …
    pub shift: Duration,
    /// … of this zone.
    pub timezone: String,
}

/// Writes a change of several bookings. Gives them as they are then, the named one first, and the id of the
/// series they belong to.
///
/// # Errors
/// [`BookingError::SeriesTaken`], and whatever an edit fails with; nothing is to be kept then.
pub fn edit(
    conn: &mut Conn,
    edit: SeriesEdit,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<(Vec<Booking>, String), BookingError> {
    let SeriesEdit { named, edits, split, shift, timezone } = edit;
    let changes = edits.iter().any(|(_, edit)| edit.before != edit.after || edit.invitees.is_some());
    let moved = edits.iter().filter(|(_, edit)| seat_differs(&edit.before, &edit.after));
    let moved: Vec<String> = moved.map(|(_, edit)| edit.before.id.clone()).collect();
    seat::lock(conn)?;
    let mut lifted = seat::lift(conn, &moved)?;
    let mut freed = Vec::new();
    let mut made = Vec::with_capacity(edits.len());
    let mut places = Vec::with_capacity(edits.len());
    let mut taken = Taken::default();
    for (place, edit) in edits {
        let start_at = edit.after.start_at;
        let place_of = lifted.iter().position(|seat| seat.appointment_id == edit.before.id);
        let had = place_of.map_or(Before::Stored, |index| Before::Lifted(lifted.swap_remove(index)));
        made.extend(taken.note(start_at, change::apply(conn, edit, had, policy, now, &mut freed))?);
        places.push(place);
    }
    taken.settle()?;
    hand_on(conn, &mut made, &freed, policy, now)?;
    if !changes {
        return Ok((made, named.series_id));
    }
    for place in &places {
        series::save_place(conn, place)?;
    }
    let mut row = series::by_id(conn, &named.series_id)?.ok_or(StoreError::NotFound)?;
    let halves = match &split {
        Some(_) => halves(&row, named.position)?,
        None => None,
    };
    let id = match (halves, split) {
        (Some(halves), Some(id)) => {
            let tail = break_off(conn, &mut row, &named, halves, id, now)?;
            let id = tail.id.clone();
            move_as_whole(conn, tail, shift, timezone, now)?;
            id
        }
        _ => {
            let id = row.id.clone();
            move_as_whole(conn, row, shift, timezone, now)?;
            id
        }
    };
    for booking in &mut made {
        booking.place = series::places(conn, std::slice::from_ref(&booking.appointment.id))?.pop();
    }
    Ok((made, id))
}

/// Cancels bookings of a series.
///
/// # Errors
/// [`BookingError::Refused`] when one is past it; nothing is to be kept then.
pub fn cancel(
    conn: &mut Conn,
    rows: &[AppointmentRow],
    reason: Option<&str>,
    by: &str,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<Vec<Booking>, BookingError> {
    let mut freed = Vec::new();
    let mut cancelled = Vec::with_capacity(rows.len());
    for row in rows {
        cancelled.push(change::carry_out(conn, row, Command::Cancel, reason, by, policy, now, &mut freed)?);
    }
    hand_on(conn, &mut cancelled, &freed, policy, now)?;
    Ok(cancelled)
}

/// Hands on what all of them freed, only now: a seat must not go from one of them to another.
fn hand_on(
    conn: &mut Conn,
    bookings: &mut [Booking],
    freed: &[Span],
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<(), StoreError> {
    let handed_on = line::hand_on(conn, freed, policy, now)?;
    if let Some(first) = bookings.first_mut() {
        first.handed_on = handed_on;
    }
    Ok(())
}

/// The rule ends before the named booking: all from there on are cancelled.
///
/// # Errors
/// [`StoreError`].
pub fn end_rule(conn: &mut Conn, named: &PlaceRow, now: UtcMillis) -> Result<(), StoreError> {
    let row = series::by_id(conn, &named.series_id)?.ok_or(StoreError::NotFound)?;
    match halves(&row, named.position)? {
        Some(halves) => series::save(conn, &SeriesRow { rule: halves.head, updated_at: now, ..row }),
        // Its very first: what is left of the rule would be nothing.
        None => Ok(()),
    }
}

/// Makes the second half of a series one of its own, with every booking from the named one on.
fn break_off(
    conn: &mut Conn,
    row: &mut SeriesRow,
    named: &PlaceRow,
    halves: Halves,
    id: String,
    now: UtcMillis,
) -> Result<SeriesRow, StoreError> {
    let tail_start = series::write_wall(halves.tail_start);
    let exdates: Vec<String> = row.exdates.parse("series.exdates")?;
    // As text they are in the order of time.
    let (later, earlier): (Vec<String>, Vec<String>) =
        exdates.into_iter().partition(|wall| *wall >= tail_start);
    let tail = SeriesRow {
        id,
        rule: halves.tail,
        start_wall: tail_start,
        exdates: Json::of(&later)?,
        continues: Some(row.id.clone()),
        created_at: now,
        updated_at: now,
        ..row.clone()
    };
    row.rule = halves.head;
    row.exdates = Json::of(&earlier)?;
    row.updated_at = now;
    series::save(conn, row)?;
    series::insert(conn, &tail)?;
    for (place, _) in series::members(conn, &row.id, named.position)? {
        let position = place.position - named.position;
        series::save_place(conn, &PlaceRow { series_id: tail.id.clone(), position, ..place })?;
    }
    Ok(tail)
}

fn move_as_whole(
    conn: &mut Conn,
    row: SeriesRow,
    shift: Duration,
    timezone: String,
    now: UtcMillis,
) -> Result<(), StoreError> {
    let shift_seconds = row.shift_seconds + shift.num_seconds();
    series::save(conn, &SeriesRow { shift_seconds, timezone, updated_at: now, ..row })
}

fn halves(row: &SeriesRow, position: i64) -> Result<Option<Halves>, StoreError> {
    let unfit =
        |error: crate::domain::recurrence::RuleError| StoreError::corrupt("series.rule", error.to_string());
    let start = series::read_wall(&row.start_wall, "series.start_wall")?;
    let rule = Rule::parse(&row.rule).map_err(unfit)?;
    rule.halves(start, usize::try_from(position).unwrap_or(0)).map_err(unfit)
}

/// The occurrences at which the host is taken: all of them are told, not the first.
#[derive(Default)]
struct Taken(Vec<(UtcMillis, BookingError)>);

impl Taken {
    fn note<T>(
        &mut self,
        start_at: UtcMillis,
        outcome: Result<T, BookingError>,
    ) -> Result<Option<T>, BookingError> {
        match outcome {
            Ok(done) => Ok(Some(done)),
            Err(taken @ BookingError::HostTaken { .. }) => {
                self.0.push((start_at, taken));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn settle(self) -> Result<(), BookingError> {
        if self.0.is_empty() { Ok(()) } else { Err(BookingError::SeriesTaken(self.0)) }
    }
}
