//! From the rows of Zoom's report to connections: what can be repaired is, what cannot be counted is kept as evidence.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::domain::connection::{Connection, Room, Source};
use crate::store::instance::InstanceRow;
use crate::store::participant::ReportLine;
use crate::store::{Json, StoreError};
use crate::zoom::types::ReportParticipant;

/// Zoom's words for where a row was (report API, `participants.status`); a row without one was in the meeting.
const WAITING_ROOM: &str = "in_waiting_room";
const IN_MEETING: &str = "in_meeting";
/// A time further out of the run than this is none: people wait at the door before it, and clocks differ.
const AROUND: Duration = Duration::hours(1);
/// No stay is longer: Zoom ends every meeting after 30 hours.
const STAY_SECONDS_MAX: i64 = 30 * 3600;

/// The rows of a report as they are stored.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) lines: Vec<ReportLine>,
    /// Rows with a status that nobody knows: not counted.
    pub(super) unknown_status: usize,
    /// Rows without a time that could be counted.
    pub(super) without_times: usize,
}

impl Lines {
    /// Whether not one row can be counted.
    pub(super) fn count_nothing(&self) -> bool {
        self.unknown_status + self.without_times == self.lines.len()
    }
}

/// Reads the rows of the report of `span`.
pub(super) fn lines(span: &InstanceRow, rows: &[ReportParticipant]) -> Result<Lines, StoreError> {
    let mut read = Lines::default();
    let mut places = Places::default();
    for row in rows {
        let (connection, known) = connection(span, row, &mut places);
        if !known {
            read.unknown_status += 1;
        } else if connection.join_time.is_none() && connection.leave_time.is_none() {
            read.without_times += 1;
        }
        read.lines.push(ReportLine { connection, told: Json::of(&told(row))? });
    }
    Ok(read)
}

/// How many rows there were of each room, number and beginning.
#[derive(Debug, Default)]
struct Places(HashMap<(Room, String), usize>);

impl Places {
    /// The key of the next row of this room and base. A base ends with its beginning, so that none is another's key.
    fn next_key(&mut self, room: Room, base: String) -> String {
        let place = self.0.entry((room, base.clone())).or_default();
        *place += 1;
        if *place == 1 { base } else { format!("{base}#{place}") }
    }
}

/// A row as a connection, and whether its status is a known one. Rows carry no uuid of the connection: its number and
/// its beginning name it, and its place among those that are alike in both.
fn connection(span: &InstanceRow, row: &ReportParticipant, places: &mut Places) -> (Connection, bool) {
    let name = row.name.clone().unwrap_or_default();
    let status = row.status.as_deref().map_or(IN_MEETING, str::trim);
    let waiting = status.eq_ignore_ascii_case(WAITING_ROOM);
    let known = waiting || status.eq_ignore_ascii_case(IN_MEETING);
    let room = match (waiting, &row.bo_mtg_id) {
        (true, _) => Room::Waiting,
        (false, Some(_)) => Room::Breakout,
        (false, None) => Room::Main,
    };
    // An unknown status proves no presence: without times, the row counts nothing.
    let (join_time, leave_time) = if known { times(span, row) } else { (None, None) };
    let began = row.join_time.map(|at| at.timestamp()).unwrap_or_default();
    let base = format!("{}@{began}", row.user_id.as_deref().unwrap_or(&name));
    let connection = Connection {
        instance: span.uuid.clone(),
        key: places.next_key(room, base),
        room,
        source: Source::Report,
        participant_uuid: None,
        user_id: row.user_id.clone(),
        zoom_user_id: row.participant_user_id.clone().or_else(|| row.id.clone()),
        registrant_id: row.registrant_id.clone(),
        customer_key: row.customer_key.clone(),
        email: row.user_email.clone(),
        name,
        join_time,
        leave_time,
        leave_reason: None,
    };
    (connection, known)
}

/// When a row was there: its times as far as they can belong to the run, a missing one by its duration.
fn times(span: &InstanceRow, row: &ReportParticipant) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let from = span.started_at.map(|at| DateTime::<Utc>::from(at) - AROUND);
    let until = span.ended_at.map(|at| DateTime::<Utc>::from(at) + AROUND);
    let possible =
        |at: &DateTime<Utc>| from.is_none_or(|from| *at >= from) && until.is_none_or(|end| *at <= end);
    let (join, leave) = (row.join_time.filter(possible), row.leave_time.filter(possible));
    let stay = (1..=STAY_SECONDS_MAX).contains(&row.duration).then(|| Duration::seconds(row.duration));
    match (join, leave, stay) {
        (Some(join), Some(leave), _) if join <= leave => (Some(join), Some(leave)),
        // A leave before its join is none.
        (Some(join), _, Some(stay)) => {
            (Some(join), Some(until.map_or(join + stay, |until| until.min(join + stay)).max(join)))
        }
        // Without a duration there was a moment, and no more.
        (Some(join), Some(_), None) => (Some(join), Some(join)),
        (Some(join), None, None) => (Some(join), None),
        (None, Some(leave), Some(stay)) => {
            (Some(from.map_or(leave - stay, |from| from.max(leave - stay)).min(leave)), Some(leave))
        }
        (None, leave, _) => (None, leave),
    }
}

/// What Zoom wrote about the stay; who it was is in columns of its own.
fn told(row: &ReportParticipant) -> Value {
    json!({
        "join_time": row.join_time,
        "leave_time": row.leave_time,
        "duration": row.duration,
        "status": row.status,
        "failover": row.failover,
        "breakout_room": row.bo_mtg_id,
    })
}

#[cfg(test)]
mod tests;
