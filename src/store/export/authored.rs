//! What a person did that stands in rows about other things and people.

use diesel::prelude::*;
use serde_json::{Value, json};

use super::{Cut, ENTRIES_MAX, time};
use crate::store::schema::{
    appointments, attendance_corrections, attendance_pins, attendance_rules, identity_matches,
    participant_matches, series,
};
use crate::store::{Conn, StoreError, UtcMillis};

/// What they wrote and settled: each with `what` it is.
pub(super) fn authored(conn: &mut Conn, who: &str, cut: &mut Cut) -> Result<Vec<Value>, StoreError> {
    let mut all = corrections(conn, who, cut)?;
    all.extend(matches(conn, who, cut)?);
    all.extend(made(conn, who, cut)?);
    Ok(all)
}

/// A correction: of which booking, of whom, to what, with which note, and when.
type Word = (String, String, Option<String>, Option<String>, UtcMillis);

fn corrections(conn: &mut Conn, who: &str, cut: &mut Cut) -> Result<Vec<Value>, StoreError> {
    use attendance_corrections as table;
    let rows: Vec<Word> = table::table
        .filter(table::author.eq(who))
        .order(table::id)
        .limit(ENTRIES_MAX)
        .select((table::appointment_id, table::person_ref, table::status, table::note, table::at))
        .load(conn)?;
    cut.note("authored", &rows);
    let view = |(appointment, person, status, note, at): Word| {
        json!({ "what": "correction", "appointment_id": appointment, "person": person, "status": status,
            "note": note, "at": time(at) })
    };
    Ok(rows.into_iter().map(view).collect())
}

fn matches(conn: &mut Conn, who: &str, cut: &mut Cut) -> Result<Vec<Value>, StoreError> {
    use {identity_matches as lasting, participant_matches as once};
    let here: Vec<(String, String, Option<String>, UtcMillis)> = once::table
        .filter(once::author.eq(who))
        .order((once::meeting_id, once::identity))
        .limit(ENTRIES_MAX)
        .select((once::meeting_id, once::identity, once::person_ref, once::created_at))
        .load(conn)?;
    let everywhere: Vec<(String, Option<String>, UtcMillis)> = lasting::table
        .filter(lasting::author.eq(who))
        .order(lasting::identity)
        .limit(ENTRIES_MAX)
        .select((lasting::identity, lasting::person_ref, lasting::created_at))
        .load(conn)?;
    cut.note("authored", &here);
    cut.note("authored", &everywhere);
    let here = here.into_iter().map(|(meeting, identity, person, at)| {
        json!({ "what": "match", "meeting_id": meeting, "identity": identity, "person": person, "at": time(at) })
    });
    let everywhere = everywhere.into_iter().map(|(identity, person, at)| {
        json!({ "what": "match", "meeting_id": null, "identity": identity, "person": person, "at": time(at) })
    });
    Ok(here.chain(everywhere).collect())
}

/// Bookings, series, rules and moves of pins that bear their `ref`.
fn made(conn: &mut Conn, who: &str, cut: &mut Cut) -> Result<Vec<Value>, StoreError> {
    let bookings: Vec<(String, UtcMillis)> = appointments::table
        .filter(appointments::created_by.eq(who))
        .order((appointments::created_at, appointments::id))
        .limit(ENTRIES_MAX)
        .select((appointments::id, appointments::created_at))
        .load(conn)?;
    cut.note("authored", &bookings);
    let of_series: Vec<(String, UtcMillis)> = series::table
        .filter(series::created_by.eq(who))
        .order(series::id)
        .limit(ENTRIES_MAX)
        .select((series::id, series::created_at))
        .load(conn)?;
    let rules: Vec<(String, i64, UtcMillis)> = attendance_rules::table
        .filter(attendance_rules::author.eq(who))
        .order((attendance_rules::name, attendance_rules::version))
        .limit(ENTRIES_MAX)
        .select((attendance_rules::name, attendance_rules::version, attendance_rules::created_at))
        .load(conn)?;
    let moves: Vec<(String, String, UtcMillis)> = attendance_pins::table
        .filter(attendance_pins::moved_by.eq(who))
        .order(attendance_pins::appointment_id)
        .limit(ENTRIES_MAX)
        .select((attendance_pins::appointment_id, attendance_pins::rules, attendance_pins::pinned_at))
        .load(conn)?;
    cut.note("authored", &of_series);
    cut.note("authored", &moves);
    let mut made = Vec::new();
    made.extend(
        bookings
            .into_iter()
            .map(|(id, at)| json!({ "what": "booking", "appointment_id": id, "at": time(at) })),
    );
    made.extend(
        of_series.into_iter().map(|(id, at)| json!({ "what": "series", "series_id": id, "at": time(at) })),
    );
    made.extend(rules.into_iter().map(
        |(name, version, at)| json!({ "what": "rules", "name": name, "version": version, "at": time(at) }),
    ));
    made.extend(moves.into_iter().map(|(id, rules, at)| {
        json!({ "what": "rules_moved", "appointment_id": id, "rules": rules, "at": time(at) })
    }));
    Ok(made)
}
