//! Everything held about a person, as JSON. Secrets (personal links) are not in it: they open doors to whoever has
//! them, and their owner gets them elsewhere. Nor is what is about others: `shared` cuts it off.

mod authored;
mod shared;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::attendance::{CorrectionRow, MarkRow};
use super::participant::ParticipantRow;
use super::person::PersonRow;
use super::schema::{
    appointment_attendees, appointments, attendance_corrections, attendance_records, group_members, groups,
    identity_matches, meeting_registrants, participant_matches, zoom_participants, zoom_users,
};
use super::{Conn, StoreError, UtcMillis};

/// Entries of a list.
const ENTRIES_MAX: i64 = 10_000;

/// Everything held about a person.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the answer of the interface explains the lists")]
pub struct Export {
    pub person: Value,
    pub groups: Vec<Value>,
    pub appointments: Vec<Value>,
    pub marks: Vec<Value>,
    pub corrections: Vec<Value>,
    pub connections: Vec<Value>,
    pub registrations: Vec<Value>,
    pub identities: Vec<Value>,
    pub zoom_users: Vec<Value>,
    pub authored: Vec<Value>,
    pub story: Vec<Value>,
    pub webhooks: Vec<Value>,
    /// The lists that were cut: there were more rows than are read ([`ENTRIES_MAX`]).
    pub truncated: Vec<&'static str>,
}

/// The lists that were cut.
#[derive(Debug, Default)]
struct Cut(BTreeSet<&'static str>);

impl Cut {
    fn add(&mut self, list: &'static str) {
        self.0.insert(list);
    }

    /// Takes note of rows as they were read: as many as are read at most are perhaps not all.
    fn note<T>(&mut self, list: &'static str, rows: &[T]) {
        if i64::try_from(rows.len()).is_ok_and(|len| len >= ENTRIES_MAX) {
            self.add(list);
        }
    }
}

fn time(at: UtcMillis) -> DateTime<Utc> {
    at.into()
}

fn maybe(at: Option<UtcMillis>) -> Option<DateTime<Utc>> {
    at.map(Into::into)
}

/// Reads all of it.
///
/// # Errors
/// [`StoreError`].
pub fn of_person(conn: &mut Conn, person: &PersonRow) -> Result<Export, StoreError> {
    let who = person.ref_.as_str();
    let cut = &mut Cut::default();
    let mut export = Export {
        person: json!({
            "ref": person.ref_, "name": person.name, "email": person.email, "role": person.role,
            "timezone": person.timezone, "zoom_user": person.zoom_user, "active": person.active,
            "created_at": time(person.created_at), "updated_at": time(person.updated_at),
        }),
        groups: memberships(conn, who, cut)?,
        appointments: bookings(conn, who, cut)?,
        marks: marks(conn, who, cut)?,
        corrections: corrections(conn, who, cut)?,
        connections: connections(conn, who, cut)?,
        registrations: registrations(conn, who, cut)?,
        identities: identities(conn, who, cut)?,
        zoom_users: users(conn, person)?,
        authored: authored::authored(conn, who, cut)?,
        story: shared::stories(conn, who, cut)?,
        webhooks: shared::webhooks(conn, person, cut)?,
        truncated: Vec::new(),
    };
    export.truncated = std::mem::take(&mut cut.0).into_iter().collect();
    Ok(export)
}

fn memberships(conn: &mut Conn, who: &str, cut: &mut Cut) -> Result<Vec<Value>, StoreError> {
    let rows: Vec<(String, String, String, String)> = group_members::table
        .inner_join(groups::table)
        .filter(group_members::person_ref.eq(who))
        .order(groups::ref_)
        .limit(ENTRIES_MAX)
        .select((groups::ref_, groups::kind, groups::name, group_members::role))
        .load(conn)?;
    cut.note("groups", &rows);
    let view =
        |(group, kind, name, role)| json!({ "group": group, "kind": kind, "name": name, "role": role });
    Ok(rows.into_iter().map(view).collect())
}

fn bookings(conn: &mut Conn, who: &str, cut: &mut Cut) -> Result<Vec<Value>, StoreError> {
    type Row = (String, Option<String>, String, String, String, UtcMillis, UtcMillis, String, Option<String>);
    let invited = appointment_attendees::table
        .filter(appointment_attendees::person_ref.eq(who))
        .select(appointment_attendees::appointment_id);
    let rows: Vec<(Row, Option<String>)> = appointments::table
        .filter(appointments::host_ref.eq(who).assume_not_null().or(appointments::id.eq_any(invited)))
        .order((appointments::start_at, appointments::id))
        .limit(ENTRIES_MAX)
        .select((
            (
                appointments::id,
                appointments::ref_,
                appointments::kind,
                appointments::title,
                appointments::description,
                appointments::start_at,
                appointments::end_at,
                appointments::status,
                appointments::group_ref,
            ),
            appointments::host_ref,
        ))
        .load(conn)?;
    cut.note("appointments", &rows);
    let view =
        |((id, ref_, kind, title, description, start, end, status, group), host): (Row, Option<String>)| {
            json!({
                "id": id, "ref": ref_, "kind": kind, "title": title, "description": description,
                "start_time": time(start), "end_time": time(end), "status": status, "group": group,
                "role": if host.as_deref() == Some(who) { "host" } else { "attendee" },
            })
        };
    Ok(rows.into_iter().map(view).collect())
}

fn marks(conn: &mut Conn, who: &str, cut: &mut Cut) -> Result<Vec<Value>, StoreError> {
    let rows: Vec<(MarkRow, CorrectionRow)> = attendance_records::table
        .filter(attendance_records::person_ref.eq(who))
        .order(attendance_records::appointment_id)
        .limit(ENTRIES_MAX)
        .select((MarkRow::as_select(), CorrectionRow::as_select()))
        .load(conn)?;
    cut.note("marks", &rows);
    let view = |(mark, correction): (MarkRow, CorrectionRow)| {
        Ok(json!({
            "appointment_id": mark.appointment_id, "role": mark.role, "status": mark.status,
            "score": mark.score_milli as f64 / 1000.0, "attended_seconds": mark.attended_seconds,
            "first_join": maybe(mark.first_join), "last_leave": maybe(mark.last_leave),
            "left_early": mark.left_early, "host_absent": mark.host_absent, "host_late": mark.host_late,
            "held_against": mark.held_against, "together_seconds": mark.together_seconds,
            "provisional": mark.provisional, "rules": mark.rules,
            "evidence": mark.evidence.parse::<Value>("attendance_records.evidence")?,
            "corrected_status": correction.corrected_status, "corrected_note": correction.corrected_note,
            "corrected_by": correction.corrected_by, "corrected_at": maybe(correction.corrected_at),
        }))
    };
    rows.into_iter().map(view).collect()
}

fn corrections(conn: &mut Conn, who: &str, cut: &mut Cut) -> Result<Vec<Value>, StoreError> {
    use attendance_corrections as table;
    type Row = (String, Option<String>, Option<String>, String, UtcMillis);
    let rows: Vec<Row> = table::table
        .filter(table::person_ref.eq(who))
        .order(table::id)
        .limit(ENTRIES_MAX)
        .select((table::appointment_id, table::status, table::note, table::author, table::at))
        .load(conn)?;
    cut.note("corrections", &rows);
    let view = |(appointment, status, note, author, at)| json!({ "appointment_id": appointment, "status": status, "note": note, "author": author, "at": time(at) });
    Ok(rows.into_iter().map(view).collect())
}

fn connections(conn: &mut Conn, who: &str, cut: &mut Cut) -> Result<Vec<Value>, StoreError> {
    let rows: Vec<ParticipantRow> = zoom_participants::table
        .filter(zoom_participants::person_ref.eq(who))
        .order(zoom_participants::id)
        .limit(ENTRIES_MAX)
        .select(ParticipantRow::as_select())
        .load(conn)?;
    cut.note("connections", &rows);
    let view = |row: ParticipantRow| {
        json!({
            "meeting_id": row.meeting_id, "instance": row.instance_uuid, "source": row.source, "room": row.room,
            "name": row.name, "email": row.email, "zoom_user_id": row.zoom_user_id,
            "registrant_id": row.registrant_id, "customer_key": row.customer_key,
            "join_time": maybe(row.join_time), "leave_time": maybe(row.leave_time),
            "leave_reason": row.leave_reason, "matched_by": row.matched_by,
        })
    };
    Ok(rows.into_iter().map(view).collect())
}

fn registrations(conn: &mut Conn, who: &str, cut: &mut Cut) -> Result<Vec<Value>, StoreError> {
    use meeting_registrants as table;
    type Row = (String, Option<String>, String, Option<UtcMillis>, String, String, Option<String>);
    let rows: Vec<Row> = table::table
        .filter(table::person_ref.eq(who))
        .order(table::id)
        .limit(ENTRIES_MAX)
        .select((
            table::meeting_id,
            table::zoom_registrant_id,
            table::status,
            table::registered_at,
            table::name,
            table::email,
            table::last_error,
        ))
        .load(conn)?;
    cut.note("registrations", &rows);
    let view = |(meeting, registrant, status, at, name, email, error)| {
        json!({ "meeting_id": meeting, "registrant_id": registrant, "status": status,
            "registered_at": maybe(at), "name": name, "email": email, "last_error": error })
    };
    Ok(rows.into_iter().map(view).collect())
}

/// What Zoom's account says of them: of a user who is tied to them, or has their address and is tied to nobody.
fn users(conn: &mut Conn, person: &PersonRow) -> Result<Vec<Value>, StoreError> {
    use zoom_users as table;
    type Row = (String, String, i64, String, Option<String>, UtcMillis, Option<String>);
    let key = person.email_key.as_deref().unwrap_or_default();
    let by_address = table::person_ref.is_null().and(table::email_key.eq(key));
    let tied = table::person_ref.is_not_null().and(table::person_ref.assume_not_null().eq(&person.ref_));
    let rows: Vec<Row> = table::table
        .filter(tied.or(by_address))
        .order(table::zoom_user_id)
        .select((
            table::zoom_user_id,
            table::email,
            table::type_,
            table::status,
            table::display_name,
            table::seen_at,
            table::email_wanted,
        ))
        .load(conn)?;
    let view = |(user, email, kind, status, name, seen, wanted)| {
        json!({ "zoom_user_id": user, "email": email, "type": kind, "status": status, "display_name": name,
            "seen_at": time(seen), "email_wanted": wanted })
    };
    Ok(rows.into_iter().map(view).collect())
}

fn identities(conn: &mut Conn, who: &str, cut: &mut Cut) -> Result<Vec<Value>, StoreError> {
    use {identity_matches as lasting, participant_matches as once};
    let here: Vec<(String, String, String, UtcMillis)> = once::table
        .filter(once::person_ref.eq(who))
        .order((once::meeting_id, once::identity))
        .limit(ENTRIES_MAX)
        .select((once::meeting_id, once::identity, once::author, once::created_at))
        .load(conn)?;
    let everywhere: Vec<(String, String, UtcMillis)> = lasting::table
        .filter(lasting::person_ref.eq(who))
        .order(lasting::identity)
        .limit(ENTRIES_MAX)
        .select((lasting::identity, lasting::author, lasting::created_at))
        .load(conn)?;
    cut.note("identities", &here);
    cut.note("identities", &everywhere);
    let here = here.into_iter().map(|(meeting, identity, author, at)| {
        json!({ "meeting_id": meeting, "identity": identity, "author": author, "at": time(at) })
    });
    let everywhere = everywhere.into_iter().map(|(identity, author, at)| {
        json!({ "meeting_id": null, "identity": identity, "author": author, "at": time(at) })
    });
    Ok(here.chain(everywhere).collect())
}
