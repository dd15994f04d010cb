//! Series of bookings, row by row; how they are made and changed is in [`super::booking::series`].

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::appointment::AppointmentRow;
use super::schema::{appointments, series, series_occurrences};
use super::{Conn, Json, StoreError, UtcMillis, each_backend};

/// How wall times are written, here and in `appointments.wall_time`.
const WALL: &str = "%Y-%m-%dT%H:%M:%S%.f";

/// A row of `series`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = series, treat_none_as_default_value = false, treat_none_as_null = true)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct SeriesRow {
    pub id: String,
    pub rule: String,
    pub start_wall: String,
    pub timezone: String,
    pub exdates: Json,
    pub shift_seconds: i64,
    pub continues: Option<String>,
    pub created_by: Option<String>,
    pub created_at: UtcMillis,
    pub updated_at: UtcMillis,
}

/// A row of `series_occurrences`: a booking's place in its series.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = series_occurrences)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct PlaceRow {
    pub appointment_id: String,
    pub series_id: String,
    pub position: i64,
    pub pattern_wall: String,
}

impl PlaceRow {
    /// When the series has it, on the clock on the wall.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn pattern(&self) -> Result<NaiveDateTime, StoreError> {
        read_wall(&self.pattern_wall, "series_occurrences.pattern_wall")
    }
}

/// A wall time as a column keeps it.
#[must_use]
pub fn write_wall(wall: NaiveDateTime) -> String {
    wall.format(WALL).to_string()
}

/// A wall time out of a column.
///
/// # Errors
/// [`StoreError::Corrupt`] naming `column`.
pub fn read_wall(text: &str, column: &'static str) -> Result<NaiveDateTime, StoreError> {
    NaiveDateTime::parse_from_str(text, WALL).map_err(|error| StoreError::corrupt(column, error.to_string()))
}

/// Writes a new series.
///
/// # Errors
/// [`StoreError`].
pub fn insert(conn: &mut Conn, row: &SeriesRow) -> Result<(), StoreError> {
    diesel::insert_into(series::table).values(row).execute(conn)?;
    Ok(())
}

/// Writes what became of a series.
///
/// # Errors
/// [`StoreError`].
pub fn save(conn: &mut Conn, row: &SeriesRow) -> Result<(), StoreError> {
    diesel::update(series::table.find(&row.id)).set(row).execute(conn)?;
    Ok(())
}

/// The series with this id.
///
/// # Errors
/// [`StoreError`].
pub fn by_id(conn: &mut Conn, id: &str) -> Result<Option<SeriesRow>, StoreError> {
    Ok(series::table.find(id).select(SeriesRow::as_select()).first(conn).optional()?)
}

/// Gives new bookings their places.
///
/// # Errors
/// [`StoreError`].
pub fn add_places(conn: &mut Conn, rows: &[PlaceRow]) -> Result<(), StoreError> {
    each_backend!(conn, |c| diesel::insert_into(series_occurrences::table).values(rows).execute(c))?;
    Ok(())
}

/// Writes the place of a booking that has one.
///
/// # Errors
/// [`StoreError`].
pub fn save_place(conn: &mut Conn, row: &PlaceRow) -> Result<(), StoreError> {
    diesel::update(series_occurrences::table.find(&row.appointment_id))
        .set((
            series_occurrences::series_id.eq(&row.series_id),
            series_occurrences::position.eq(row.position),
            series_occurrences::pattern_wall.eq(&row.pattern_wall),
        ))
        .execute(conn)?;
    Ok(())
}

/// The places of these bookings, of those that have one.
///
/// # Errors
/// [`StoreError`].
pub fn places(conn: &mut Conn, appointment_ids: &[String]) -> Result<Vec<PlaceRow>, StoreError> {
    Ok(series_occurrences::table
        .filter(series_occurrences::appointment_id.eq_any(appointment_ids))
        .select(PlaceRow::as_select())
        .load(conn)?)
}

/// The bookings of a series from `position` on, in its order.
///
/// # Errors
/// [`StoreError`].
pub fn members(
    conn: &mut Conn,
    series_id: &str,
    position: i64,
) -> Result<Vec<(PlaceRow, AppointmentRow)>, StoreError> {
    Ok(series_occurrences::table
        .inner_join(appointments::table)
        .filter(series_occurrences::series_id.eq(series_id))
        .filter(series_occurrences::position.ge(position))
        .order(series_occurrences::position)
        .select((PlaceRow::as_select(), AppointmentRow::as_select()))
        .load(conn)?)
}
