//! Who is in a meeting now, who is missing, who waits before the door: the live view of the same connections that
//! attendance is scored by, with the same reading of what Zoom left untold (`domain::attendance`'s presence).
//!
//! Only what Zoom says live counts (and what the staff entered): a report is of the past, and the calling system's
//! own buttons prove no presence.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::attendance::{Assessed, InstanceSpan, RosterPerson};
use super::connection::{Connection, ConnectionId, Room, Source};
use super::identity::NOBODY;
use super::interval::{Interval, IntervalSet};
use super::unmatched::groups;

/// Somebody who is in the meeting now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// Without a break since then.
    pub since: DateTime<Utc>,
    /// On so many devices.
    pub devices: usize,
    /// Where: in a breakout room, or in the meeting itself.
    pub room: Room,
}

/// How somebody stands to the meeting now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// In the meeting.
    Here(Here),
    /// Before the door since then.
    Waiting(DateTime<Utc>),
    /// They were in and went.
    Left(DateTime<Utc>),
    /// Nothing was seen of them.
    NeverCame,
}

impl Whereabouts {
    /// The word for it in answers and on the stream.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Here(_) => "in",
            Self::Waiting(_) => "waiting",
            Self::Left(_) => "left",
            Self::NeverCame => "never_came",
        }
    }
}

/// Somebody whom we do not know, or know to be nobody of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// What their connections have in common (`unmatched::Group`).
    pub key: String,
    /// The display name.
    pub name: String,
    /// A hand said that this is nobody we know.
    pub settled: bool,
    /// Where they are.
    pub whereabouts: Whereabouts,
}

/// A meeting at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Live {
    /// A run of the meeting is going on.
    pub running: bool,
    /// Everybody on the roster, by `ref`; those who are there without being expected too.
    pub people: BTreeMap<String, Whereabouts>,
    /// The others who are in, or before the door.
    pub strangers: Vec<Stranger>,
    /// The newest join or leave that is known of.
    pub last_change: Option<DateTime<Utc>>,
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The moment.
    pub as_of: DateTime<Utc>,
    /// Who is expected.
    pub roster: &'a [RosterPerson],
    /// The runs of the meeting.
    pub instances: &'a [InstanceSpan],
    /// Who was seen.
    pub connections: &'a [Connection],
    /// Who is who.
    pub assessed: &'a Assessed,
}

/// Sees who is where.
#[must_use]
pub fn look(scene: &Scene<'_>) -> Live {
    let whose: BTreeMap<&ConnectionId, &str> =
        scene.assessed.matched.iter().map(|(id, person, _)| (id, person.as_str())).collect();
    let mut by_person: BTreeMap<&str, Vec<&Connection>> = BTreeMap::new();
    let (mut strangers, mut settled) = (Vec::new(), Vec::new());
    let seen = scene.connections.iter().filter(|c| matches!(c.source, Source::Webhook | Source::Hand));
    let mut last_change = None;
    for connection in seen {
        last_change = last_change.max(connection.join_time).max(connection.leave_time);
        match whose.get(&connection.id()) {
            Some(person) if *person != NOBODY => by_person.entry(person).or_default().push(connection),
            Some(_) => settled.push(connection),
            None => strangers.push(connection),
        }
    }
    let ends = Ends::of(scene.instances);
    let mut live = Live { running: ends.any_running(scene.instances), last_change, ..Live::default() };
    for person in scene.roster {
        live.people.insert(person.person.clone(), Whereabouts::NeverCame);
    }
    for (person, connections) in by_person {
        let whereabouts = whereabouts(&connections, &ends, scene.as_of);
        live.running |= matches!(whereabouts, Whereabouts::Here(_));
        live.people.insert(person.to_owned(), whereabouts);
    }
    for (connections, settled) in [(&strangers, false), (&settled, true)] {
        for group in groups(connections, scene.roster) {
            let theirs: Vec<&Connection> =
                group.members.iter().filter_map(|place| connections.get(*place).copied()).collect();
            let whereabouts = whereabouts(&theirs, &ends, scene.as_of);
            live.running |= matches!(whereabouts, Whereabouts::Here(_));
            if matches!(whereabouts, Whereabouts::Here(_) | Whereabouts::Waiting(_)) {
                let name = theirs.iter().map(|c| c.name.clone()).max().unwrap_or_default();
                live.strangers.push(Stranger { key: group.key, name, settled, whereabouts });
            }
        }
    }
    live.strangers.sort_by(|a, b| (a.settled, &a.key).cmp(&(b.settled, &b.key)));
    live
}

/// When the runs ended that are over.
struct Ends<'a>(BTreeMap<&'a str, DateTime<Utc>>);

impl<'a> Ends<'a> {
    /// A run whose end nobody told us ended when the next one began: a meeting runs once at a time.
    fn of(instances: &'a [InstanceSpan]) -> Self {
        let next_start =
            |start| instances.iter().filter_map(|i| i.started).filter(|next| *next > start).min();
        let end = |span: &InstanceSpan| span.ended.or_else(|| next_start(span.started?));
        Self(instances.iter().filter_map(|span| Some((span.uuid.as_str(), end(span)?))).collect())
    }

    fn end(&self, connection: &Connection) -> Option<DateTime<Utc>> {
        self.0.get(connection.instance.as_str()).copied()
    }

    fn any_running(&self, instances: &[InstanceSpan]) -> bool {
        instances.iter().any(|span| span.started.is_some() && !self.0.contains_key(span.uuid.as_str()))
    }
}

fn whereabouts(connections: &[&Connection], ends: &Ends<'_>, as_of: DateTime<Utc>) -> Whereabouts {
    let inside = || connections.iter().copied().filter(|c| c.room != Room::Waiting);
    let open: Vec<&Connection> = inside().filter(|c| is_open(c, connections, ends)).collect();
    let stays: IntervalSet = inside()
        .filter_map(|c| {
            let join = c.join_time?;
            let closed = c.leave_time.filter(|leave| *leave >= join).or_else(|| ends.end(c));
            let end = if open.iter().any(|o| std::ptr::eq(*o, c)) { as_of } else { closed.unwrap_or(join) };
            Some(Interval::new(join, end.max(join)))
        })
        .collect();
    if let Some(first) = open.iter().filter_map(|c| c.join_time).min() {
        let since = stays.as_slice().last().filter(|stay| stay.end >= as_of).map_or(first, |stay| stay.start);
        return Whereabouts::Here(Here { since, devices: devices(&open), room: room(&open) });
    }
    let waiting = connections.iter().copied().filter(|c| c.room == Room::Waiting && ends.end(c).is_none());
    if let Some(since) = waits_since(waiting) {
        let came_in = inside().flat_map(|c| [c.join_time, c.leave_time]).flatten().max();
        if came_in < Some(since) {
            return Whereabouts::Waiting(since);
        }
    }
    let left = inside().filter_map(|c| c.leave_time.or(ends.end(c)).or(c.join_time)).max();
    left.map_or(Whereabouts::NeverCame, Whereabouts::Left)
}

/// A join without a leave, in a run that goes on, whose device was not sent back before the door; and nothing shows
/// that the leave was lost: no leave of the same person without a join.
fn is_open(c: &Connection, all: &[&Connection], ends: &Ends<'_>) -> bool {
    let Some(join) = c.join_time else { return false };
    if c.leave_time.is_some_and(|leave| leave >= join) || ends.end(c).is_some() {
        return false;
    }
    let of_device = || all.iter().copied().filter(|o| o.instance == c.instance && o.device() == c.device());
    if waits_since(of_device().filter(|o| o.room == Room::Waiting)).is_some_and(|since| since >= join) {
        return false;
    }
    !all.iter().any(|o| {
        o.instance == c.instance
            && o.room != Room::Waiting
            && o.join_time.is_none()
            && o.leave_time.is_some_and(|leave| leave > join)
    })
}

/// Who is in a breakout room is still in the meeting: that is one device, not two.
fn devices(open: &[&Connection]) -> usize {
    let count = |room| {
        let devices: BTreeSet<&str> = open.iter().filter(|c| c.room == room).map(|c| c.device()).collect();
        devices.len()
    };
    count(Room::Main).max(count(Room::Breakout))
}

fn room(open: &[&Connection]) -> Room {
    if open.iter().any(|c| c.room == Room::Breakout) { Room::Breakout } else { Room::Main }
}

/// Since when somebody waits, by these steps at the door: the last one in, without one out after it.
fn waits_since<'a>(steps: impl Iterator<Item = &'a Connection> + Clone) -> Option<DateTime<Utc>> {
    let entered = steps.clone().filter(|c| c.leave_time.is_none()).filter_map(|c| c.join_time).max()?;
    let went_out = steps.filter_map(|c| c.leave_time).max();
    (went_out < Some(entered)).then_some(entered)
}

#[cfg(test)]
mod tests;
