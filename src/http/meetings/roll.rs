//! Who was seen at a meeting and who was expected, by what is known now.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Instant;
use crate::domain::attendance::{Assessed, Mark, MarkStatus, RosterPerson};
use crate::domain::connection::{Connection, ConnectionId};
use crate::domain::identity::NOBODY;
use crate::domain::rules::Rules;
use crate::domain::seen::Shown;
use crate::domain::statistics::was_there;
use crate::domain::unmatched::{self, Group};
use crate::http::auth::Caller;
use crate::http::sight::SeenMeeting;
use crate::store::attendance::{CorrectionRow, MarkRow, effective_status};
use crate::store::case::Case;
use crate::store::participant::ParticipantRow;

/// How much of the attendance a caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) enum Share {
    /// Everybody's.
    All,
    /// That of this person.
    Own(String),
}

impl Share {
    /// What the caller may see of this meeting.
    pub(in crate::http) fn of(seen: &SeenMeeting, caller: &Caller) -> Self {
        if seen.own_only { Self::Own(caller.subject.clone()) } else { Self::All }
    }

    /// Whether this person's is part of it.
    pub(in crate::http) fn covers(&self, person: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Own(own) => person == Some(own),
        }
    }
}

/// One stay of one device in the meeting.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Participant {
    id: String,
    /// Whom we recognised: a person's `ref`.
    user_id: Option<String>,
    /// Zoom's id of the connection.
    zoom_participant_id: Option<String>,
    name: String,
    email: Option<String>,
    join_time: Option<DateTime<Utc>>,
    leave_time: Option<DateTime<Utc>>,
    /// In seconds, so far.
    duration: i64,
    /// `joined` or `left`.
    status: &'static str,
    /// `main` or `breakout`.
    room: &'static str,
    /// Who says so: `webhook`, `report` or `hand`.
    source: &'static str,
    /// What the person was recognised by; `hand` without a `user_id` was settled to be nobody we know.
    matched_by: Option<&'static str>,
}

/// Somebody who is expected.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Expected {
    /// The person's `ref`.
    pub(super) id: String,
    name: String,
    email: Option<String>,
    /// We keep no pictures.
    avatar: Option<String>,
    /// `attendee` or `host`.
    role: &'static str,
    /// By the mark that counts, once there is one.
    pub(super) attended: bool,
    pub(super) attended_seconds: i64,
}

/// A case and what it comes to.
pub(in crate::http) struct Roll<'a> {
    case: &'a Case,
    assessed: Assessed,
    now: Instant,
    /// The stored marks, where they count.
    marks: &'a [(MarkRow, CorrectionRow)],
}

impl<'a> Roll<'a> {
    /// Sees who is who.
    pub(super) fn call(case: &'a Case, rules: &Rules, now: Instant) -> Self {
        Self::of(case, case.assess(rules, now), now)
    }

    /// The roll of a case that was assessed already.
    pub(in crate::http) fn of(case: &'a Case, assessed: Assessed, now: Instant) -> Self {
        Self { case, assessed, now, marks: &[] }
    }

    /// The roll by these marks, of which none are there before a meeting is scored.
    pub(super) fn by_marks(self, marks: &'a [(MarkRow, CorrectionRow)]) -> Self {
        Self { marks, ..self }
    }

    /// The stored marks of the attendees that `share` covers.
    pub(super) fn marks(&self, share: &Share) -> impl Iterator<Item = &'a (MarkRow, CorrectionRow)> {
        let marks = self.marks.iter();
        marks.filter(|(mark, _)| mark.role == "attendee" && share.covers(Some(&mark.person_ref)))
    }

    /// How many people were seen, of those `share` covers: one with three devices is one.
    pub(super) fn heads(&self, share: &Share) -> usize {
        let whose = match share {
            Share::All => None,
            Share::Own(own) => Some(own.as_str()),
        };
        self.case.heads(&self.assessed, whose)
    }

    /// What the case comes to.
    pub(super) fn assessed(&self) -> &Assessed {
        &self.assessed
    }

    /// Those whom nobody recognises, in groups that one word settles; the members are places in the case.
    pub(in crate::http) fn strangers(&self) -> Vec<Group> {
        let seen = self.shown();
        let unmatched: BTreeSet<&ConnectionId> = self.assessed.unmatched.iter().collect();
        let shown: Vec<usize> = self
            .case
            .connections
            .iter()
            .enumerate()
            .filter(|(_, c)| seen.shows(c) && unmatched.contains(&c.id()))
            .map(|(place, _)| place)
            .collect();
        let connections: Vec<&Connection> =
            shown.iter().filter_map(|place| self.case.connections.get(*place)).collect();
        let place = |member: usize| shown.get(member).copied();
        unmatched::groups(&connections, &self.case.roster)
            .into_iter()
            .map(|group| Group { members: group.members.into_iter().filter_map(place).collect(), ..group })
            .collect()
    }

    /// The moment of the roll.
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    /// The key under which a word of a hand about this connection is kept.
    pub(super) fn key_of(&self, connection: &Connection) -> String {
        let seen = self.shown();
        let shown: Vec<&Connection> = self.case.connections.iter().filter(|c| seen.shows(c)).collect();
        unmatched::key_of(connection, &shown, &self.case.roster)
    }

    /// One stay of somebody whom nobody recognises, by its place in the case.
    pub(super) fn stay(&self, place: usize) -> Option<Participant> {
        let (row, connection) = (self.case.participants.get(place)?, self.case.connections.get(place)?);
        Some(participant(row, connection, None, self.now))
    }

    /// The stays in the meeting that `share` covers, in the order of coming.
    pub(super) fn participants(&self, share: &Share) -> Vec<Participant> {
        let whose: BTreeMap<&ConnectionId, (&str, &'static str)> = self
            .assessed
            .matched
            .iter()
            .map(|(id, person, by)| (id, (person.as_str(), by.as_str())))
            .collect();
        let seen = self.shown();
        self.case
            .participants
            .iter()
            .zip(&self.case.connections)
            .filter(|(_, connection)| seen.shows(connection))
            .map(|(row, connection)| (row, connection, whose.get(&connection.id()).copied()))
            .filter(|(_, _, who)| share.covers(who.map(|(person, _)| person)))
            .map(|(row, connection, who)| participant(row, connection, who, self.now))
            .collect()
    }

    /// The expected that `share` covers, without hosts.
    pub(super) fn attendees(&self, share: &Share) -> Vec<Expected> {
        self.expected(&self.assessed.marks, "attendee", share)
    }

    /// The hosts that `share` covers.
    pub(super) fn hosts(&self, share: &Share) -> Vec<Expected> {
        self.expected(&self.assessed.hosts, "host", share)
    }

    /// How many of the expected were seen, hosts aside.
    pub(super) fn seen(&self, share: &Share) -> usize {
        self.attendees(share).iter().filter(|person| person.attended).count()
    }

    fn expected(&self, found: &[Mark], role: &'static str, share: &Share) -> Vec<Expected> {
        let people: BTreeMap<&str, &RosterPerson> =
            self.case.roster.iter().map(|person| (person.person.as_str(), person)).collect();
        let stored: BTreeMap<&str, (bool, i64)> = self
            .marks
            .iter()
            .map(|(mark, correction)| {
                let status = MarkStatus::parse(effective_status(mark, correction));
                (mark.person_ref.as_str(), (status.is_some_and(was_there), mark.attended_seconds))
            })
            .collect();
        let attended = |mark: &Mark| match stored.is_empty() {
            true => (was_there(mark.status), mark.attended_secs),
            false => stored.get(mark.person.as_str()).copied().unwrap_or_default(),
        };
        found
            .iter()
            .filter(|mark| share.covers(Some(&mark.person)))
            .filter_map(|mark| Some((attended(mark), *people.get(mark.person.as_str())?)))
            .map(|((attended, attended_seconds), person)| Expected {
                id: person.person.clone(),
                name: person.name.clone(),
                email: person.email.clone(),
                avatar: None,
                role,
                attended,
                attended_seconds,
            })
            .collect()
    }

    fn shown(&self) -> Shown<'a> {
        Shown::of(&self.case.instances, &self.case.connections)
    }
}

fn participant(
    row: &ParticipantRow,
    connection: &Connection,
    who: Option<(&str, &'static str)>,
    now: Instant,
) -> Participant {
    let until = connection.leave_time.unwrap_or(now);
    let person = who.map(|(person, _)| person).filter(|person| *person != NOBODY);
    let duration = connection.join_time.map_or(0, |joined| (until - joined).num_seconds().max(0));
    Participant {
        id: row.id.to_string(),
        user_id: person.map(str::to_owned),
        zoom_participant_id: connection.participant_uuid.clone().or_else(|| connection.user_id.clone()),
        name: connection.name.clone(),
        email: connection.email.clone(),
        join_time: connection.join_time,
        leave_time: connection.leave_time,
        duration,
        status: if connection.leave_time.is_some() { "left" } else { "joined" },
        room: connection.room.as_str(),
        source: connection.source.as_str(),
        matched_by: who.map(|(_, by)| by),
    }
}
