//! Corrections of marks by hand: every word is kept, the last one about a person counts.
//!
//! A mark carries a copy of the word that counts, for those who read many marks. A word about somebody whose mark is
//! not made yet (excused before the lesson) waits here and gets to the mark when it is made.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::schema::{attendance_corrections as table, attendance_records};
use super::{Conn, StoreError, UtcMillis, hold};
use crate::domain::attendance::MarkStatus;

/// Words about one person of one booking that are shown, the newest.
const WORDS_MAX: i64 = 200;

/// A word of a hand about a mark.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = table)]
pub struct Correction {
    /// Its place; later words have larger ones.
    pub id: i64,
    /// Whose mark.
    pub person_ref: String,
    /// The status that counts instead; `None` when an earlier word was lifted.
    pub status: Option<String>,
    /// Why.
    pub note: Option<String>,
    /// By whom.
    pub author: String,
    /// When.
    pub at: UtcMillis,
}

/// A word to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The status that is to count; `None` lifts what was said before.
    pub status: Option<MarkStatus>,
    /// Why.
    pub note: Option<String>,
    /// By whom: a person's or a system's `sub`.
    pub author: String,
    /// When.
    pub at: UtcMillis,
}

#[derive(Insertable)]
#[diesel(table_name = table, treat_none_as_default_value = false)]
struct NewCorrection<'a> {
    appointment_id: &'a str,
    person_ref: &'a str,
    status: Option<&'static str>,
    note: Option<&'a str>,
    author: &'a str,
    at: UtcMillis,
}

/// What a word changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Corrected {
    /// Nothing: the same was said before.
    Same,
    /// What counts is another status, or the same by another word.
    Changed {
        /// What was found, where there is a mark.
        computed: Option<String>,
        /// What counted before; `None` when there was neither mark nor word.
        from: Option<String>,
        /// What counts now; `None` when there is neither mark nor word.
        to: Option<String>,
    },
}

/// The words about one person's mark, oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn history(conn: &mut Conn, appointment_id: &str, person: &str) -> Result<Vec<Correction>, StoreError> {
    let mut words: Vec<Correction> = table::table
        .filter(table::appointment_id.eq(appointment_id).and(table::person_ref.eq(person)))
        .order(table::id.desc())
        .limit(WORDS_MAX)
        .select(Correction::as_select())
        .load(conn)?;
    words.reverse();
    Ok(words)
}

/// The words about all marks of a booking, by person, oldest first.
///
/// # Errors
/// [`StoreError`].
pub fn histories(
    conn: &mut Conn,
    appointment_id: &str,
) -> Result<BTreeMap<String, Vec<Correction>>, StoreError> {
    let words: Vec<Correction> = table::table
        .filter(table::appointment_id.eq(appointment_id))
        .order(table::id)
        .select(Correction::as_select())
        .load(conn)?;
    let mut by_person: BTreeMap<String, Vec<Correction>> = BTreeMap::new();
    for word in words {
        by_person.entry(word.person_ref.clone()).or_default().push(word);
    }
    Ok(by_person)
}

/// The word that counts, if one does.
#[must_use]
pub fn standing(history: &[Correction]) -> Option<&Correction> {
    history.last().filter(|word| word.status.is_some())
}

/// Says a word about a mark. The same word again changes nothing, and so does lifting what is not there. Who corrects
/// or scores the booking at the same time waits; who decides by the [`history`] holds the booking before reading it.
///
/// # Errors
/// [`StoreError`].
pub fn say(
    conn: &mut Conn,
    appointment_id: &str,
    person: &str,
    word: &Word,
) -> Result<Corrected, StoreError> {
    // First of all the booking, as scoring does, which may be making the very first marks.
    hold::booking(conn, appointment_id)?;
    let mark = attendance_records::table.find((appointment_id, person));
    let history = history(conn, appointment_id, person)?;
    let before = standing(&history);
    let same = match (before, word.status) {
        (None, None) => true,
        (Some(before), Some(status)) => {
            before.status.as_deref() == Some(status.as_str())
                && before.note == word.note
                && before.author == word.author
        }
        _ => false,
    };
    if same {
        return Ok(Corrected::Same);
    }
    let status = word.status.map(MarkStatus::as_str);
    let row = NewCorrection {
        appointment_id,
        person_ref: person,
        status,
        note: word.note.as_deref(),
        author: &word.author,
        at: word.at,
    };
    diesel::insert_into(table::table).values(&row).execute(conn)?;
    copy(conn, appointment_id, person, status, &row)?;
    let computed: Option<String> = mark.select(attendance_records::status).first(conn).optional()?;
    Ok(Corrected::Changed {
        from: before.and_then(|word| word.status.clone()).or_else(|| computed.clone()),
        to: status.map(str::to_owned).or_else(|| computed.clone()),
        computed,
    })
}

/// Puts the word beside the mark, where there is one.
fn copy(
    conn: &mut Conn,
    appointment_id: &str,
    person: &str,
    status: Option<&str>,
    word: &NewCorrection<'_>,
) -> Result<(), StoreError> {
    diesel::update(attendance_records::table.find((appointment_id, person)))
        .set((
            attendance_records::corrected_status.eq(status),
            attendance_records::corrected_note.eq(word.note.filter(|_| status.is_some())),
            attendance_records::corrected_by.eq(status.map(|_| word.author)),
            attendance_records::corrected_at.eq(status.map(|_| word.at)),
            attendance_records::updated_at.eq(word.at),
        ))
        .execute(conn)?;
    Ok(())
}

/// Puts the words that count beside marks that do not have them yet: of marks that have just been made.
///
/// # Errors
/// [`StoreError`].
pub(super) fn copy_to_marks(conn: &mut Conn, appointment_id: &str) -> Result<(), StoreError> {
    for (person, history) in histories(conn, appointment_id)? {
        let Some(word) = standing(&history) else { continue };
        diesel::update(attendance_records::table.find((appointment_id, &person)))
            .filter(attendance_records::corrected_at.is_null())
            .set((
                attendance_records::corrected_status.eq(&word.status),
                attendance_records::corrected_note.eq(&word.note),
                attendance_records::corrected_by.eq(&word.author),
                attendance_records::corrected_at.eq(word.at),
            ))
            .execute(conn)?;
    }
    Ok(())
}
