//! Rows that are a person's alone: what they showed at Zoom, the proof of their marks, what hands wrote of them.

use diesel::prelude::*;
use serde_json::Value;

use super::overwriting;
use crate::domain::erasure::Words;
use crate::store::schema::attendance_records as marks;
use crate::store::search::contains;
use crate::store::sql::Sql;
use crate::store::{Conn, Json, StoreError};

/// Proofs that are rewritten in one go.
const BATCH_MAX: i64 = 200;

/// One statement about a person's rows.
struct Statement {
    /// Up to the condition; `$1` is the `ref` that comes in the place of theirs.
    text: &'static str,
    /// The column by which the rows are theirs.
    column: &'static str,
}

/// What is done to them at once. A row is theirs under either `ref`: the step may be done again.
///
/// A connection keeps its person by the customer key, so that scoring anew finds the same marks; whatever Zoom showed
/// of them goes. A registration keeps its number, by which it is taken back at Zoom, and loses the personal link.
const STATEMENTS: [Statement; 6] = [
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
    Statement {
        text: "UPDATE meeting_registrants SET join_url_enc = NULL, email = '', email_key = id, name = ''",
        column: "person_ref",
    },
];

/// Does all of it; how many rows changed.
///
/// # Errors
/// [`StoreError`].
pub fn clear(conn: &mut Conn, words: &Words) -> Result<usize, StoreError> {
    overwriting(conn, |conn| {
        let mut changed = 0;
        for Statement { text, column } in &STATEMENTS {
            let mut sql = Sql::default();
            for (number, piece) in text.split("$1").enumerate() {
                if number > 0 {
                    sql.bind(&words.erased);
                }
                sql.push(piece);
            }
            sql.push(&format!(" WHERE {column} IN ("))
                .bind(&words.person)
                .push(", ")
                .bind(&words.erased)
                .push(")");
            changed += sql.execute(conn)?;
        }
        changed += account(conn, words)?;
        Ok(changed)
    })
}

/// What the lists of the Zoom account say of them. The next reading of the account brings a user back whom Zoom still
/// has: they are deleted there, or by `DELETE /api/zoom/users/{id}`.
fn account(conn: &mut Conn, words: &Words) -> Result<usize, StoreError> {
    let mut changed = 0;
    let Some(email) = words.email.as_ref().map(|email| email.to_lowercase()) else { return Ok(0) };
    let mut unnamed = Sql::new("DELETE FROM zoom_users WHERE zoom_user_id = ");
    unnamed.bind(&email);
    changed += unnamed.execute(conn)?;
    let mut user = Sql::new(
        "UPDATE zoom_users SET email = zoom_user_id, email_key = zoom_user_id,
        email_wanted = NULL, display_name = NULL, person_ref = NULL WHERE email_key = ",
    );
    user.bind(&email).push(" OR person_ref = ").bind(&words.person);
    changed += user.execute(conn)?;
    let mut budgets = Sql::new("DELETE FROM rate_budgets WHERE LOWER(key) LIKE ");
    budgets.bind(contains(&email).as_str()).push(" ESCAPE '\\'");
    changed += budgets.execute(conn)?;
    Ok(changed)
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
