//! The rules of attendance, by name and version: a version is never changed, so that old marks stay explained.
//! By which version a booking is scored is kept in [`super::pin`].

use diesel::prelude::*;

use super::schema::{appointments, attendance_rules, groups};
use super::{Conn, Json, StoreError, UtcMillis, pin};
use crate::domain::rules::{Rules, Thresholds};

/// The rules of bookings that name none, and whose group names none.
pub const STANDARD: &str = "standard";
/// The author of the versions that come from the configuration.
const CONFIGURATION: &str = "configuration";

/// A version as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// What it says.
    pub rules: Rules,
    /// Who wrote it; `None` for the oldest ones.
    pub author: Option<String>,
    /// When.
    pub created_at: UtcMillis,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = attendance_rules, treat_none_as_default_value = false)]
struct Row {
    name: String,
    version: i64,
    body: Json,
    created_at: UtcMillis,
    author: Option<String>,
}

impl Row {
    fn read(self) -> Result<Version, StoreError> {
        let thresholds: Thresholds = self.body.parse("attendance_rules.body")?;
        let rules = Rules { name: self.name, version: self.version, thresholds };
        Ok(Version { rules, author: self.author, created_at: self.created_at })
    }
}

/// The newest version of the rules of this name; `None` when nobody has written them.
///
/// # Errors
/// [`StoreError`].
pub fn newest(conn: &mut Conn, name: &str) -> Result<Option<Rules>, StoreError> {
    Ok(newest_version(conn, name)?.map(|version| version.rules))
}

/// The newest version of the rules of this name, with who wrote it.
///
/// # Errors
/// [`StoreError`].
pub fn newest_version(conn: &mut Conn, name: &str) -> Result<Option<Version>, StoreError> {
    let row: Option<Row> = attendance_rules::table
        .filter(attendance_rules::name.eq(name))
        .order(attendance_rules::version.desc())
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    row.map(Row::read).transpose()
}

/// That version of the rules of this name.
///
/// # Errors
/// [`StoreError`].
pub fn version(conn: &mut Conn, name: &str, version: i64) -> Result<Option<Version>, StoreError> {
    let row: Option<Row> =
        attendance_rules::table.find((name, version)).select(Row::as_select()).first(conn).optional()?;
    row.map(Row::read).transpose()
}

/// The newest version of each set of rules whose name comes after `after`, by name.
///
/// # Errors
/// [`StoreError`].
pub fn list(conn: &mut Conn, after: Option<&str>, limit: i64) -> Result<Vec<Version>, StoreError> {
    let names: Vec<String> = attendance_rules::table
        .filter(attendance_rules::name.gt(after.unwrap_or_default()))
        .select(attendance_rules::name)
        .distinct()
        .order(attendance_rules::name)
        .limit(limit)
        .load(conn)?;
    let newest = |name: String| newest_version(conn, &name).transpose();
    names.into_iter().filter_map(newest).collect()
}

/// Whether a booking or a group may name these rules.
///
/// # Errors
/// [`StoreError`].
pub fn is_known(conn: &mut Conn, name: &str) -> Result<bool, StoreError> {
    Ok(name == STANDARD || newest(conn, name)?.is_some())
}

/// The rules that a booking would be scored by for the first time: those it names, else those of its group, else
/// the standard. `house` are the configuration's, should nothing be stored.
///
/// # Errors
/// [`StoreError`].
pub fn of_appointment(conn: &mut Conn, appointment_id: &str, house: &Rules) -> Result<Rules, StoreError> {
    let found: Option<(Option<String>, Option<String>)> = appointments::table
        .find(appointment_id)
        .select((appointments::attendance_rules, appointments::group_ref))
        .first(conn)
        .optional()?;
    let (own, group) = found.unwrap_or_default();
    let name = match (own, group) {
        (Some(own), _) => Some(own),
        (None, Some(group)) => {
            let row = groups::table.find(group).select(groups::attendance_rules);
            row.first::<Option<String>>(conn).optional()?.flatten()
        }
        (None, None) => None,
    };
    Ok(newest(conn, name.as_deref().unwrap_or(STANDARD))?.unwrap_or_else(|| house.clone()))
}

/// The rules that a booking is scored by: the version of its first scoring, or whatever it was moved to since.
///
/// # Errors
/// [`StoreError::Corrupt`] when that version is not stored; any other [`StoreError`].
pub fn for_scoring(conn: &mut Conn, appointment_id: &str, house: &Rules) -> Result<Rules, StoreError> {
    let Some(label) = pin::of_appointment(conn, appointment_id)? else {
        return of_appointment(conn, appointment_id, house);
    };
    if let Some((name, number)) = Rules::parse_label(&label)
        && let Some(found) = version(conn, name, number)?
    {
        return Ok(found.rules);
    }
    if label == house.label() {
        return Ok(house.clone());
    }
    Err(StoreError::corrupt("attendance_pins.rules", format!("there are no rules `{label}`")))
}

/// Holds the writers of other processes off all rules until the transaction ends, so that what was the newest version
/// when it was read still is when the next is written. SQLite has one writer anyway.
///
/// # Errors
/// [`StoreError`].
pub fn lock(conn: &mut Conn) -> Result<(), StoreError> {
    if let Conn::Postgres(connection) = conn {
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended('convened rules', 0))")
            .execute(connection)?;
    }
    Ok(())
}

/// Writes a new version of the rules of this name, unless the newest says the same already. What is answered is
/// stored: whoever writes at the same time waits, and finds this one.
///
/// # Errors
/// [`StoreError`].
pub fn write(
    conn: &mut Conn,
    name: &str,
    thresholds: Thresholds,
    author: &str,
    now: UtcMillis,
) -> Result<Version, StoreError> {
    lock(conn)?;
    let before = newest_version(conn, name)?;
    if let Some(same) = before.as_ref().filter(|before| before.rules.thresholds == thresholds) {
        return Ok(same.clone());
    }
    // The first of the standard is the configuration's, whether it was stored or not.
    let first = if name == STANDARD && author != CONFIGURATION { 2 } else { 1 };
    let row = Row {
        name: name.to_owned(),
        version: before.map_or(first, |before| before.rules.version + 1),
        body: Json::of(&thresholds)?,
        created_at: now,
        author: Some(author.to_owned()),
    };
    diesel::insert_into(attendance_rules::table).values(&row).execute(conn)?;
    row.read()
}

/// Stores the standard of the configuration, so that the version a mark names can always be read. A version that
/// somebody wrote through the API stays the newest, whatever the configuration says.
///
/// # Errors
/// [`StoreError`].
pub fn adopt(conn: &mut Conn, house: &Rules, now: UtcMillis) -> Result<(), StoreError> {
    lock(conn)?;
    let ours = |version: &Version| version.author.as_deref() == Some(CONFIGURATION);
    if newest_version(conn, STANDARD)?.as_ref().is_none_or(ours) {
        write(conn, STANDARD, house.thresholds, CONFIGURATION, now)?;
    }
    Ok(())
}
