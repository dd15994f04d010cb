//! The calling system's own join and leave buttons: evidence of an intention (`Source::App`), beside what Zoom tells.
//!
//! Presses are connections of an instance of ours, a stay from a join to the leave after it. Every press is kept: a join
//! while another stay is open begins a new one, and a leave without a join before it stands alone. Scoring counts only
//! what has both times.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::zoom_participants as table;
use super::{Conn, StoreError, UtcMillis, participant};
use crate::domain::connection::{Connection, Room, Source};

/// What stands before a meeting's id in the uuid of the instance that its presses belong to; no uuid of Zoom's has a
/// colon.
const INSTANCE_PREFIX: &str = "app:";

/// Stays of one person in one meeting; a page that presses without end is not evidence.
const STAYS_MAX: usize = 200;

/// Which button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// On the way in.
    Join,
    /// On the way out.
    Leave,
}

/// Notes a press by `person`, whose name is `name`; `false` when there are too many already.
///
/// # Errors
/// [`StoreError`].
pub fn press(
    conn: &mut Conn,
    meeting_id: &str,
    person: &str,
    name: &str,
    press: Press,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let instance = format!("{INSTANCE_PREFIX}{meeting_id}");
    let stays: Vec<(String, Option<UtcMillis>, Option<UtcMillis>)> = table::table
        .filter(table::meeting_id.eq(meeting_id).and(table::instance_uuid.eq(&instance)))
        .filter(table::source.eq(Source::App.as_str()).and(table::customer_key.eq(person)))
        .order(table::id)
        .select((table::connection_key, table::join_time, table::leave_time))
        .load(conn)?;
    let open = stays.last().filter(|(.., leave)| leave.is_none());
    // Two presses at the same time are the same stay.
    let next = || format!("{person}/{}", stays.len() + 1);
    let (key, join, leave) = match (press, open) {
        (Press::Leave, Some((key, join, _))) => (key.clone(), join.map(Into::into), Some(now)),
        _ if stays.len() >= STAYS_MAX => return Ok(false),
        (Press::Join, _) => (next(), Some(now), None),
        (Press::Leave, None) => (next(), None, Some(now)),
    };
    let connection = Connection {
        instance,
        key,
        room: Room::Main,
        source: Source::App,
        participant_uuid: None,
        user_id: None,
        zoom_user_id: None,
        registrant_id: None,
        customer_key: Some(person.to_owned()),
        email: None,
        name: name.to_owned(),
        join_time: join,
        leave_time: leave,
        leave_reason: None,
    };
    participant::save(conn, meeting_id, &[connection], now)?;
    Ok(true)
}
