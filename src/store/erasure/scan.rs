//! `ref`s of a person, and texts that may speak of them: found by a reader in stretches, and replaced row by row.

use diesel::QueryableByName;
use diesel::sql_types::{Bool, Text};

use super::overwriting;
use super::places::{Holds, PLACES, Place};
use crate::domain::erasure::Words;
use crate::store::search::contains;
use crate::store::sql::Sql;
use crate::store::{Conn, StoreError};

/// Texts that are looked at and written in one go.
const BATCH_MAX: i64 = 200;

/// A text that has to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    row: String,
    before: String,
    after: String,
}

/// A stretch of a table that was looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// What has to change in it.
    pub changes: Vec<Change>,
    /// Where the next stretch begins; `None` at the end.
    pub next: Option<String>,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    at: String,
    #[diesel(sql_type = Text)]
    text: String,
    /// Whether the row may be theirs: it is, or it is nobody's.
    #[diesel(sql_type = Bool)]
    theirs: bool,
}

/// The columns in which texts may speak of anybody.
pub fn texts() -> impl Iterator<Item = &'static Place> {
    PLACES.iter().filter(|place| matches!(place.holds, Holds::Text | Holds::Key))
}

/// The columns that hold `ref`s.
pub fn refs() -> impl Iterator<Item = &'static Place> {
    PLACES.iter().filter(|place| place.holds == Holds::Ref)
}

/// How a database names the place of a row, its first, and a value as a place.
fn row_id(conn: &Conn, place: &Place) -> (&'static str, &'static str, &'static str) {
    match (conn, place.key()) {
        (Conn::Sqlite(_), None) => ("rowid", "-9223372036854775808", "INTEGER"),
        (Conn::Sqlite(_), Some(key)) => (key, "", "TEXT"),
        (Conn::Postgres(_), _) => ("ctid", "(0,0)", "tid"),
    }
}

/// Looks through a column from `after` on (`None`: its beginning) for what names the person. In a row that is somebody
/// else's only their `ref` does: two people may have one name, and a family one address.
///
/// # Errors
/// [`StoreError`].
pub fn look(
    conn: &mut Conn,
    place: &Place,
    words: &Words,
    after: Option<&str>,
) -> Result<Looked, StoreError> {
    let Place { table, column, holds } = place;
    let (row, first, kind) = row_id(conn, place);
    let is_theirs = |sql: &mut Sql| match place.owner().filter(|_| *holds != Holds::Ref) {
        Some(owner) => {
            sql.push(&format!("({owner} IS NULL OR {owner} IN (")).bind(&words.person).push(", ");
            sql.bind(&words.erased).push("))");
        }
        None => {
            sql.push("(1 = 1)");
        }
    };
    let mut sql = Sql::new(&format!("SELECT CAST({row} AS TEXT) AS at, \"{column}\" AS text, "));
    is_theirs(&mut sql);
    sql.push(&format!(" AS theirs FROM \"{table}\" WHERE {row} > CAST("));
    sql.bind(after.unwrap_or(first)).push(&format!(" AS {kind}) AND ("));
    if *holds == Holds::Ref {
        sql.push(&format!("\"{column}\" = ")).bind(&words.person);
    } else {
        is_theirs(&mut sql);
        sql.push(" AND (");
        like_any(&mut sql, column, &words.forms());
        sql.push(") OR (");
        like_any(&mut sql, column, &words.of_ref().forms());
        sql.push(")");
    }
    sql.push(&format!(") ORDER BY {row} LIMIT ")).bind(BATCH_MAX);
    let found: Vec<Found> = sql.load(conn)?;
    let full = i64::try_from(found.len()).unwrap_or(i64::MAX) == BATCH_MAX;
    let next = found.last().filter(|_| full).map(|last| last.at.clone());
    let change = |Found { at: row, text, theirs }: Found| {
        // The key of somebody's own buttons begins with their `ref`, however short that is.
        let is_own_key = || text.strip_prefix(&words.person).is_some_and(|rest| rest.starts_with('/'));
        let after = match holds {
            Holds::Ref => words.erased.clone(),
            Holds::Key if theirs && is_own_key() => words.erased.clone(),
            _ if theirs => words.out_of_column(&text)?,
            _ => words.of_ref().out_of_column(&text)?,
        };
        Some(Change { row, before: text, after })
    };
    Ok(Looked { changes: found.into_iter().filter_map(change).collect(), next })
}

/// That a column holds one of these.
fn like_any(sql: &mut Sql, column: &str, forms: &[String]) {
    for (number, form) in forms.iter().enumerate() {
        sql.push(if number == 0 { "" } else { " OR " });
        // SQLite's `lower` folds ASCII only, so a form with other letters is looked for as it is, too.
        sql.push(&format!("LOWER(\"{column}\") LIKE ")).bind(contains(form).as_str()).push(" ESCAPE '\\'");
        if !form.is_ascii() {
            sql.push(&format!(" OR \"{column}\" LIKE ")).bind(format!("%{form}%").as_str());
        }
    }
}

/// Writes what is still as it was seen; how much was.
///
/// # Errors
/// [`StoreError`].
pub fn write(conn: &mut Conn, place: &Place, changes: &[Change]) -> Result<usize, StoreError> {
    let Place { table, column, holds } = place;
    let (row, _, kind) = row_id(conn, place);
    overwriting(conn, |conn| {
        let mut written = 0;
        for change in changes {
            let mut sql = Sql::new(&format!("UPDATE \"{table}\" SET \"{column}\" = "));
            match holds {
                // A key only has to be its row's own.
                Holds::Key => sql.push("'row:' || CAST(id AS TEXT)"),
                _ => sql.bind(&change.after),
            };
            sql.push(place.version()).push(&format!(" WHERE {row} = CAST(")).bind(&change.row);
            sql.push(&format!(" AS {kind}) AND \"{column}\" = ")).bind(&change.before);
            written += sql.execute(conn)?;
        }
        Ok(written)
    })
}
