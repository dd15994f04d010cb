//! Kept webhooks about a person, found by their connections and registrations: Zoom shows people under names that nobody
//! here knows.

use diesel::prelude::*;
use serde_json::Value;

use super::overwriting;
use crate::domain::erasure::Words;
use crate::store::schema::webhook_events;
use crate::store::traces::{self, Trail};
use crate::store::{Conn, StoreError};

/// Webhooks that are looked at in one go.
const PAGE: i64 = 200;

/// A webhook that has to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    id: i64,
    before: String,
    after: String,
}

/// Where to look, and for what.
///
/// # Errors
/// [`StoreError`].
pub fn trail(conn: &mut Conn, words: &Words) -> Result<Trail, StoreError> {
    traces::of_person(conn, &[&words.person, &words.erased], words.own_email())
}

/// The numbers of the trail, as many at a time as are looked for in one statement.
pub fn stretches(trail: &Trail) -> impl Iterator<Item = &[String]> {
    trail.numbers.chunks(traces::MEETINGS_MAX)
}

/// Looks through the webhooks of these meetings after the place `after`: what has to change, and where to go on.
///
/// # Errors
/// [`StoreError`].
pub fn look(
    conn: &mut Conn,
    trail: &Trail,
    numbers: &[String],
    erased: &str,
    after: i64,
) -> Result<(Vec<Change>, Option<i64>), StoreError> {
    let page = traces::webhooks(conn, numbers, after, PAGE)?;
    let full = i64::try_from(page.len()).is_ok_and(|len| len >= PAGE);
    let next = page.last().filter(|_| full).map(|last| last.id);
    let change = |webhook: traces::KeptWebhook| {
        let mut body: Value = serde_json::from_str(&webhook.body).ok()?;
        let about_them = trail.traces.erase(&mut body, erased);
        about_them.then(|| Change { id: webhook.id, before: webhook.body, after: body.to_string() })
    };
    Ok((page.into_iter().filter_map(change).collect(), next))
}

/// Writes webhooks that are still as they were seen; how many were.
///
/// # Errors
/// [`StoreError`].
pub fn write(conn: &mut Conn, changes: &[Change]) -> Result<usize, StoreError> {
    overwriting(conn, |conn| {
        let mut written = 0;
        for Change { id, before, after } in changes {
            let row = webhook_events::table.find(id).filter(webhook_events::body.eq(before));
            written += diesel::update(row).set(webhook_events::body.eq(after)).execute(conn)?;
        }
        Ok(written)
    })
}
