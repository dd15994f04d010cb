//! What speaks of several people, cut to what is about one: lines of stories, and webhooks.

use diesel::prelude::*;
use serde_json::{Value, json};

use super::{Cut, ENTRIES_MAX, time};
use crate::domain::theirs;
use crate::store::person::PersonRow;
use crate::store::schema::{appointment_attendees, appointments, attendance_records, story};
use crate::store::search::{contains, lower};
use crate::store::traces::{self, MEETINGS_MAX};
use crate::store::{Conn, Json, StoreError, UtcMillis};

/// Webhooks that are read at once.
const PAGE: i64 = 500;
/// Webhooks that are looked at for one export.
const LOOKED_MAX: usize = 50_000;

/// Lines about the person, in the stories of bookings they were part of.
pub(super) fn stories(conn: &mut Conn, who: &str, cut: &mut Cut) -> Result<Vec<Value>, StoreError> {
    let theirs = appointment_attendees::table
        .filter(appointment_attendees::person_ref.eq(who))
        .select(appointment_attendees::appointment_id);
    let scored = attendance_records::table
        .filter(attendance_records::person_ref.eq(who))
        .select(attendance_records::appointment_id);
    let hosted = appointments::table.filter(appointments::host_ref.eq(who)).select(appointments::id);
    // The database finds lines that may be about them; which are, and what of them, is decided on each.
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
    cut.note("story", &rows);
    let mut lines = Vec::new();
    for (appointment, at, kind, text, details) in rows {
        let details = details.map(|details| details.parse::<Value>("story.details")).transpose()?;
        let Some(details) = theirs::of_line(who, &text, details) else { continue };
        lines.push(json!({ "appointment_id": appointment, "at": time(at), "kind": kind, "text": text,
            "details": details }));
    }
    Ok(lines)
}

/// What kept webhooks say of them: the part that is about them, without the link that is theirs alone.
pub(super) fn webhooks(conn: &mut Conn, person: &PersonRow, cut: &mut Cut) -> Result<Vec<Value>, StoreError> {
    let key = person.email_key.as_deref().unwrap_or_default();
    let is_shared = traces::is_shared(conn, key, &person.ref_)?;
    let email = person.email.as_deref().filter(|_| !is_shared);
    let trail = traces::of_person(conn, &[&person.ref_], email)?;
    let (mut found, mut looked) = (Vec::new(), 0);
    for numbers in trail.numbers.chunks(MEETINGS_MAX) {
        let mut after = Some(i64::MIN);
        while let Some(from) = after {
            if looked >= LOOKED_MAX {
                cut.add("webhooks");
                return Ok(in_order(found));
            }
            let page = traces::webhooks(conn, numbers, from, PAGE)?;
            looked += page.len();
            let full = i64::try_from(page.len()).is_ok_and(|len| len >= PAGE);
            after = page.last().filter(|_| full).map(|last| last.id);
            for webhook in page {
                let Ok(body) = serde_json::from_str::<Value>(&webhook.body) else { continue };
                let Some((name, part)) = trail.traces.part(&body) else { continue };
                let entry = json!({ "event": webhook.event, "received_at": time(webhook.received_at),
                    name: theirs::without_link(part) });
                found.push((webhook.id, entry));
            }
        }
    }
    Ok(in_order(found))
}

fn in_order(mut found: Vec<(i64, Value)>) -> Vec<Value> {
    found.sort_by_key(|(id, _)| *id);
    found.into_iter().map(|(_, entry)| entry).collect()
}
