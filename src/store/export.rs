//! Everything held about a person, as JSON. Secrets (personal links) are not in it: they open doors to whoever has
//! them, and their owner gets them elsewhere.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::attendance::{CorrectionRow, MarkRow};
use super::participant::ParticipantRow;
use super::person::PersonRow;
use super::schema::{
    appointment_attendees, appointments, attendance_corrections, attendance_records, group_members, groups,
    identity_matches, meeting_registrants, participant_matches, story, webhook_events, zoom_meetings,
    zoom_participants,
};
use super::search::{contains, lower};
use super::{Conn, Json, StoreError, UtcMillis};

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
    pub story: Vec<Value>,
    pub webhooks: Vec<Value>,
    /// The lists that were cut at [`ENTRIES_MAX`].
    pub truncated: Vec<&'static str>,
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
    let mut export = Export {
        person: json!({
            "ref": person.ref_, "name": person.name, "email": person.email, "role": person.role,
            "timezone": person.timezone, "zoom_user": person.zoom_user, "active": person.active,
            "created_at": time(person.created_at), "updated_at": time(person.updated_at),
        }),
        groups: memberships(conn, who)?,
        appointments: bookings(conn, who)?,
        marks: marks(conn, who)?,
        corrections: corrections(conn, who)?,
        connections: connections(conn, who)?,
        registrations: registrations(conn, who)?,
        identities: identities(conn, who)?,
        story: stories(conn, who)?,
        webhooks: webhooks(conn, person)?,
        truncated: Vec::new(),
    };
    let lists = [
        ("groups", &export.groups),
        ("appointments", &export.appointments),
        ("marks", &export.marks),
        ("corrections", &export.corrections),
        ("connections", &export.connections),
        ("registrations", &export.registrations),
        ("identities", &export.identities),
        ("story", &export.story),
        ("webhooks", &export.webhooks),
    ];
    let is_full = |list: &Vec<Value>| i64::try_from(list.len()).is_ok_and(|len| len >= ENTRIES_MAX);
    export.truncated = lists.iter().filter(|(_, list)| is_full(list)).map(|(name, _)| *name).collect();
    Ok(export)
}

fn memberships(conn: &mut Conn, who: &str) -> Result<Vec<Value>, StoreError> {
    let rows: Vec<(String, String, String, String)> = group_members::table
        .inner_join(groups::table)
        .filter(group_members::person_ref.eq(who))
        .order(groups::ref_)
        .limit(ENTRIES_MAX)
        .select((groups::ref_, groups::kind, groups::name, group_members::role))
        .load(conn)?;
    let view =
        |(group, kind, name, role)| json!({ "group": group, "kind": kind, "name": name, "role": role });
    Ok(rows.into_iter().map(view).collect())
}

fn bookings(conn: &mut Conn, who: &str) -> Result<Vec<Value>, StoreError> {
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

fn marks(conn: &mut Conn, who: &str) -> Result<Vec<Value>, StoreError> {
    let rows: Vec<(MarkRow, CorrectionRow)> = attendance_records::table
        .filter(attendance_records::person_ref.eq(who))
        .order(attendance_records::appointment_id)
        .limit(ENTRIES_MAX)
        .select((MarkRow::as_select(), CorrectionRow::as_select()))
        .load(conn)?;
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

fn corrections(conn: &mut Conn, who: &str) -> Result<Vec<Value>, StoreError> {
    use attendance_corrections as table;
    type Row = (String, Option<String>, Option<String>, String, UtcMillis);
    let rows: Vec<Row> = table::table
        .filter(table::person_ref.eq(who))
        .order(table::id)
        .limit(ENTRIES_MAX)
        .select((table::appointment_id, table::status, table::note, table::author, table::at))
        .load(conn)?;
    let view = |(appointment, status, note, author, at)| json!({ "appointment_id": appointment, "status": status, "note": note, "author": author, "at": time(at) });
    Ok(rows.into_iter().map(view).collect())
}

fn connections(conn: &mut Conn, who: &str) -> Result<Vec<Value>, StoreError> {
    let rows: Vec<ParticipantRow> = zoom_participants::table
        .filter(zoom_participants::person_ref.eq(who))
        .order(zoom_participants::id)
        .limit(ENTRIES_MAX)
        .select(ParticipantRow::as_select())
        .load(conn)?;
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

fn registrations(conn: &mut Conn, who: &str) -> Result<Vec<Value>, StoreError> {
    use meeting_registrants as table;
    let rows: Vec<(String, Option<String>, String, Option<UtcMillis>)> = table::table
        .filter(table::person_ref.eq(who))
        .order(table::id)
        .limit(ENTRIES_MAX)
        .select((table::meeting_id, table::zoom_registrant_id, table::status, table::registered_at))
        .load(conn)?;
    let view = |(meeting, registrant, status, at)| json!({ "meeting_id": meeting, "registrant_id": registrant, "status": status, "registered_at": maybe(at) });
    Ok(rows.into_iter().map(view).collect())
}

fn identities(conn: &mut Conn, who: &str) -> Result<Vec<Value>, StoreError> {
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
    let here = here.into_iter().map(|(meeting, identity, author, at)| {
        json!({ "meeting_id": meeting, "identity": identity, "author": author, "at": time(at) })
    });
    let everywhere = everywhere.into_iter().map(|(identity, author, at)| {
        json!({ "meeting_id": null, "identity": identity, "author": author, "at": time(at) })
    });
    Ok(here.chain(everywhere).collect())
}

/// Lines that name the person by their `ref`, in the stories of bookings they were part of.
fn stories(conn: &mut Conn, who: &str) -> Result<Vec<Value>, StoreError> {
    let theirs = appointment_attendees::table
        .filter(appointment_attendees::person_ref.eq(who))
        .select(appointment_attendees::appointment_id);
    let scored = attendance_records::table
        .filter(attendance_records::person_ref.eq(who))
        .select(attendance_records::appointment_id);
    let hosted = appointments::table.filter(appointments::host_ref.eq(who)).select(appointments::id);
    let in_details = story::details
        .is_not_null()
        .and(lower(story::details.assume_not_null()).like(contains(who)).escape('\\'));
    let rows: Vec<(String, UtcMillis, String, String, Option<Json>)> = story::table
        .filter(
            story::appointment_id
                .eq_any(theirs)
                .or(story::appointment_id.eq_any(scored))
                .or(story::appointment_id.eq_any(hosted)),
        )
        .filter(lower(story::text).like(contains(who)).escape('\\').or(in_details))
        .order(story::id)
        .limit(ENTRIES_MAX)
        .select((story::appointment_id, story::at, story::kind, story::text, story::details))
        .load(conn)?;
    let view = |(appointment, at, kind, text, details): (String, UtcMillis, String, String, Option<Json>)| {
        let details = details.map(|details| details.parse::<Value>("story.details")).transpose()?;
        Ok(
            json!({ "appointment_id": appointment, "at": time(at), "kind": kind, "text": text, "details": details }),
        )
    };
    rows.into_iter().map(view).collect()
}

/// What kept webhooks of meetings they were seen in say of them: the participants with their address, or with an id of
/// a connection of theirs.
fn webhooks(conn: &mut Conn, person: &PersonRow) -> Result<Vec<Value>, StoreError> {
    let seen: Vec<(Option<String>, String)> = zoom_participants::table
        .inner_join(zoom_meetings::table)
        .filter(zoom_participants::person_ref.eq(&person.ref_))
        .filter(zoom_participants::participant_uuid.is_not_null())
        .limit(ENTRIES_MAX)
        .select((zoom_meetings::zoom_meeting_id, zoom_participants::participant_uuid.assume_not_null()))
        .load(conn)?;
    let mut numbers: Vec<String> = seen.iter().filter_map(|(number, _)| number.clone()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let rows: Vec<(String, UtcMillis, String)> = webhook_events::table
        .filter(webhook_events::zoom_meeting_id.eq_any(numbers))
        .filter(webhook_events::event.like("meeting.participant%"))
        .order(webhook_events::id)
        .limit(ENTRIES_MAX)
        .select((webhook_events::event, webhook_events::received_at, webhook_events::body))
        .load(conn)?;
    let is_theirs = |participant: &Value| {
        let text = |key| participant.get(key).and_then(Value::as_str).unwrap_or_default();
        let address = person.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(text("email")));
        address || seen.iter().any(|(_, uuid)| uuid == text("participant_uuid"))
    };
    let view = |(event, at, body): (String, UtcMillis, String)| {
        let body: Value = serde_json::from_str(&body).ok()?;
        let participant = body.pointer("/payload/object/participant").filter(|one| is_theirs(one))?;
        Some(json!({ "event": event, "received_at": time(at), "participant": participant }))
    };
    Ok(rows.into_iter().filter_map(view).collect())
}
