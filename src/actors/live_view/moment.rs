//! One moment of a meeting: who is in, who is missing, for those who read along.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::domain::attendance::RosterPerson;
use crate::domain::live::{Live, Scene, Whereabouts, look};
use crate::domain::rules::Rules;
use crate::store::audience::{self, Circle};
use crate::store::{Conn, StoreError, case, meeting};

/// People named in one list; the counts are always whole.
const NAMED_MAX: usize = 200;

/// What readers are told of a meeting at one moment.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The moment.
    pub at: DateTime<Utc>,
    /// The meeting.
    pub meeting_id: String,
    /// Who is part of its booking.
    pub circle: Option<Circle>,
    /// Everything, for those who may see all: ids, `ref`s, counts and times.
    pub data: Value,
    /// How everybody stands to the meeting, by `ref`: `in`, `waiting`, `left` or `never_came`.
    pub people: BTreeMap<String, &'static str>,
}

impl Moment {
    /// What a person is told who may see themselves only; `None` when they are not expected.
    #[must_use]
    pub fn of_person(&self, person: &str) -> Option<Value> {
        let state = self.people.get(person)?;
        Some(json!({
            "appointment_id": self.data.get("appointment_id"),
            "meeting_id": self.meeting_id,
            "as_of": self.at,
            "person": person,
            "state": state,
        }))
    }
}

/// The present moment of a meeting; `None` when there is no such meeting.
pub(super) fn of_meeting(
    conn: &mut Conn,
    meeting_id: &str,
    rules: &Rules,
    now: DateTime<Utc>,
) -> Result<Option<Moment>, StoreError> {
    let Some(row) = meeting::by_id_or_number(conn, meeting_id)? else { return Ok(None) };
    let Some(case) = case::of_appointment(conn, &row.appointment_id)? else { return Ok(None) };
    let assessed = case.assess(rules, now);
    let live = look(&Scene {
        as_of: now,
        roster: &case.roster,
        instances: &case.instances,
        connections: &case.connections,
        assessed: &assessed,
    });
    let mut data = told(&live, &case.roster);
    if let Some(data) = data.as_object_mut() {
        data.insert("appointment_id".to_owned(), json!(row.appointment_id));
        data.insert("meeting_id".to_owned(), json!(row.id));
        data.insert("zoom_meeting_id".to_owned(), json!(row.zoom_meeting_id));
        data.insert("as_of".to_owned(), json!(now));
    }
    Ok(Some(Moment {
        at: now,
        circle: audience::circle(conn, &row.appointment_id)?,
        meeting_id: row.id,
        data,
        people: live.people.iter().map(|(person, where_)| (person.clone(), where_.word())).collect(),
    }))
}

/// The counts, and the `ref`s behind them.
fn told(live: &Live, roster: &[RosterPerson]) -> Value {
    let state =
        |person: &RosterPerson| live.people.get(&person.person).map_or("never_came", Whereabouts::word);
    let attendees: Vec<(&str, &str)> =
        roster.iter().filter(|p| !p.host).map(|p| (p.person.as_str(), state(p))).collect();
    let hosts_in = roster.iter().filter(|person| person.host && state(person) == "in").count();
    let refs = |wanted: fn(&str) -> bool| -> Vec<&str> {
        attendees.iter().filter(|(_, state)| wanted(state)).map(|(person, _)| *person).collect()
    };
    let present = refs(|state| state == "in");
    let missing = refs(|state| state == "left" || state == "never_came");
    let waiting = refs(|state| state == "waiting");
    let strangers = live.strangers.iter().filter(|stranger| !stranger.settled);
    let unmatched = strangers.filter(|stranger| matches!(stranger.whereabouts, Whereabouts::Here(_))).count();
    let named = |list: &[&str]| -> Vec<String> {
        list.iter().take(NAMED_MAX).map(|person| (*person).to_owned()).collect()
    };
    json!({
        "running": live.running,
        "last_change": live.last_change,
        "counts": {
            "expected": attendees.len(),
            "present": present.len(),
            "missing": missing.len(),
            "waiting": waiting.len(),
            "unmatched": unmatched,
            "hosts": hosts_in,
        },
        "present": named(&present),
        "missing": named(&missing),
        "waiting": named(&waiting),
    })
}
