//! Rows that are a person's alone: what they showed at Zoom, the proof of their marks, what hands wrote of them.

use diesel::prelude::*;
use serde_json::Value;

use super::overwriting;
use crate::domain::erasure::Words;
use crate::store::due::{self, DueKind};
use crate::store::schema::{appointments, attendance_records as marks, meeting_registrants, zoom_meetings};
use crate::store::sql::Sql;
use crate::store::{Conn, Json, StoreError, UtcMillis};

/// Proofs that are rewritten in one go.
const BATCH_MAX: i64 = 200;

/// One statement about a person's rows.
struct Statement {
    /// Up to the condition on the column; `$1` is the `ref` that comes in the place of theirs, `$p`.
    text: &'static str,
    /// The column by which the rows are theirs.
    column: &'static str,
}

/// What is done to them at once. A row is theirs under either `ref`: the step may be done again.
///
/// A connection keeps its person by the customer key, so that scoring anew finds the same marks; whatever Zoom showed
/// of them goes. A registration keeps its number, by which it is taken back at Zoom, and loses the personal link.
const STATEMENTS: [Statement; 7] = [
    Statement {
        text: "UPDATE zoom_participants SET name = '', email = NULL, zoom_user_id = NULL, registrant_id = NULL,
            leave_reason = NULL, customer_key = $1,
            connection_key = CASE WHEN source = 'webhook' THEN connection_key ELSE 'row:' || CAST(id AS TEXT) END",
        column: "person_ref",
    },
    Statement {
        text: "UPDATE attendance_records SET corrected_note = NULL",
        column: "person_ref",
    },
    Statement { text: "UPDATE attendance_corrections SET note = NULL", column: "person_ref" },
    Statement { text: "DELETE FROM participant_matches", column: "person_ref" },
    Statement { text: "DELETE FROM identity_matches", column: "person_ref" },
    // Who shares the address with them keeps the registration: taking theirs back would take it from both.
    Statement {
        text: "UPDATE meeting_registrants SET zoom_registrant_id = NULL, asked = NULL,
            status = CASE WHEN status = 'closed' THEN status ELSE 'cancelled' END
            WHERE EXISTS (SELECT 1 FROM meeting_registrants o WHERE o.meeting_id = meeting_registrants.meeting_id
                AND o.zoom_meeting_id = meeting_registrants.zoom_meeting_id
                AND o.email_key = meeting_registrants.email_key AND o.person_ref NOT IN ($p, $1)) AND",
        column: "person_ref",
    },
    Statement {
        text: "UPDATE meeting_registrants SET join_url_enc = NULL, email = '', email_key = id, name = ''",
        column: "person_ref",
    },
];

/// Does all of it; how many rows changed.
///
/// # Errors
/// [`StoreError`].
pub fn clear(conn: &mut Conn, words: &Words, now: UtcMillis) -> Result<usize, StoreError> {
    overwriting(conn, |conn| {
        let registered = open_registrations(conn, words, now)?;
        let mut changed = 0;
        for Statement { text, column } in &STATEMENTS {
            let mut sql = Sql::default();
            push_with(&mut sql, text, words);
            sql.push(if text.ends_with("AND") { " " } else { " WHERE " });
            sql.push(&format!("{column} IN (")).bind(&words.person).push(", ").bind(&words.erased).push(")");
            changed += sql.execute(conn)?;
        }
        changed += account(conn, words)?;
        registered.iter().try_for_each(|meeting| due::set(conn, DueKind::Register, meeting, now))?;
        Ok(changed)
    })
}

/// A statement with their `ref`s in it: `$p` is theirs, `$1` the one that comes in its place.
fn push_with(sql: &mut Sql, text: &str, words: &Words) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        sql.push(before);
        let (theirs, is_new) = (&words.person, after.starts_with('1'));
        sql.bind(if is_new { &words.erased } else { theirs });
        rest = after.get(1..).unwrap_or_default();
    }
    sql.push(rest);
}

/// The meetings to come for which they are registered.
fn open_registrations(conn: &mut Conn, words: &Words, now: UtcMillis) -> Result<Vec<String>, StoreError> {
    Ok(meeting_registrants::table
        .inner_join(zoom_meetings::table.inner_join(appointments::table))
        .filter(meeting_registrants::person_ref.eq_any([&words.person, &words.erased]))
        .filter(appointments::end_at.gt(now))
        .select(meeting_registrants::meeting_id)
        .distinct()
        .load(conn)?)
}

/// What the lists of the Zoom account say of them. The next reading of the account brings a user back whom Zoom still
/// has: they are deleted there, or by `DELETE /api/zoom/users/{id}`.
fn account(conn: &mut Conn, words: &Words) -> Result<usize, StoreError> {
    let mut changed = 0;
    let Some(email) = words.own_email().map(str::to_lowercase) else { return tied(conn, words) };
    let mut unnamed = Sql::new("DELETE FROM zoom_users WHERE zoom_user_id = ");
    unnamed.bind(&email);
    changed += unnamed.execute(conn)?;
    let mut user = Sql::new(NAMELESS_USER);
    user.push("email_key = ").bind(&email).push(" AND person_ref IS NULL");
    changed += user.execute(conn)?;
    let mut budgets = Sql::new("DELETE FROM rate_budgets WHERE LOWER(key) = ");
    budgets.bind(&email);
    changed += budgets.execute(conn)?;
    Ok(changed + tied(conn, words)?)
}

/// A Zoom user of whom nothing is known but the id.
const NAMELESS_USER: &str = "UPDATE zoom_users SET email = zoom_user_id, email_key = zoom_user_id,
    email_wanted = NULL, display_name = NULL, person_ref = NULL WHERE ";

fn tied(conn: &mut Conn, words: &Words) -> Result<usize, StoreError> {
    let mut user = Sql::new(NAMELESS_USER);
    user.push("person_ref = ").bind(&words.person);
    user.execute(conn)
}

/// Takes what they were recognised by out of the proofs of their marks, after the booking `after`; how many, and where
/// to go on.
///
/// # Errors
/// [`StoreError`].
pub fn clear_proofs(
    conn: &mut Conn,
    words: &Words,
    after: &str,
) -> Result<(usize, Option<String>), StoreError> {
    let rows: Vec<(String, String, Json)> = marks::table
        .filter(marks::person_ref.eq_any([&words.person, &words.erased]))
        .filter(marks::appointment_id.gt(after))
        .order(marks::appointment_id)
        .limit(BATCH_MAX)
        .select((marks::appointment_id, marks::person_ref, marks::evidence))
        .load(conn)?;
    let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) == BATCH_MAX;
    let next = rows.last().filter(|_| full).map(|(appointment, ..)| appointment.clone());
    let changed = rows.len();
    overwriting(conn, |conn| {
        for (appointment, person, evidence) in rows {
            diesel::update(marks::table.find((appointment, person)))
                .set(marks::evidence.eq(nameless(&evidence, &words.erased)?))
                .execute(conn)?;
        }
        Ok(())
    })?;
    Ok((changed, next))
}

/// A proof in which the person goes by this `ref`.
///
/// # Errors
/// [`StoreError::Corrupt`] when it is no JSON.
pub(in crate::store) fn nameless(evidence: &Json, person: &str) -> Result<Json, StoreError> {
    let mut value: Value = evidence.parse("attendance_records.evidence")?;
    let connections = value.get_mut("connections").and_then(Value::as_array_mut);
    for connection in connections.into_iter().flatten() {
        if let Some(identity) = connection.get_mut("identity") {
            *identity = Value::from(person);
        }
    }
    Json::of(&value)
}
