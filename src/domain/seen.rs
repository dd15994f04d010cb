//! Who was seen in a meeting, expected or not.
//!
//! Where the report of a run is complete and has anybody in it, it stands in the place of the webhooks of that run, so
//! that nobody is seen twice. Waiting rooms are no part of a meeting, and the calling system's own buttons prove no
//! presence.

use std::collections::{BTreeSet, HashMap};

use super::attendance::{Assessed, InstanceSpan};
use super::connection::{Connection, ConnectionId, Room, Source};
use super::identity::{NOBODY, settlement_key};

/// Which connections show somebody in the meeting.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    /// The runs whose report stands in the place of the webhooks.
    judged: BTreeSet<&'a str>,
}

impl<'a> Shown<'a> {
    /// What counts of these connections.
    #[must_use]
    pub fn of(instances: &[InstanceSpan], connections: &'a [Connection]) -> Self {
        let complete: BTreeSet<&str> = instances
            .iter()
            .filter(|instance| instance.report_complete)
            .map(|instance| instance.uuid.as_str())
            .collect();
        let judged = connections
            .iter()
            .filter(|connection| connection.source == Source::Report)
            .map(|connection| connection.instance.as_str())
            .filter(|instance| complete.contains(instance))
            .collect();
        Self { judged }
    }

    /// Whether this connection is one of them.
    #[must_use]
    pub fn shows(&self, connection: &Connection) -> bool {
        let judged = self.judged.contains(connection.instance.as_str());
        connection.room != Room::Waiting
            && match connection.source {
                Source::Hand => true,
                Source::App => false,
                Source::Report => judged,
                Source::Webhook => !judged,
            }
    }
}

/// How many people were seen, hosts aside: one with three devices is one, and who is nobody we know is one by what their
/// connections show. Of one person alone where `whose` names them.
#[must_use]
pub fn heads(
    instances: &[InstanceSpan],
    connections: &[Connection],
    assessed: &Assessed,
    whose: Option<&str>,
) -> usize {
    let shown = Shown::of(instances, connections);
    let people: HashMap<&ConnectionId, &str> =
        assessed.matched.iter().map(|(id, person, _)| (id, person.as_str())).collect();
    let hosts: BTreeSet<&str> = assessed.hosts.iter().map(|host| host.person.as_str()).collect();
    let heads: BTreeSet<String> = connections
        .iter()
        .filter(|connection| shown.shows(connection))
        .map(|connection| (connection, people.get(&connection.id()).copied()))
        .filter(|(_, person)| whose.is_none() || *person == whose)
        .filter(|(_, person)| person.is_none_or(|person| !hosts.contains(person)))
        .map(|(connection, person)| match person {
            Some(person) if person != NOBODY => person.to_owned(),
            _ => settlement_key(connection),
        })
        .collect();
    heads.len()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::{DateTime, Utc};

    use super::*;
    use crate::domain::attendance::{Assessment, RosterPerson, assess};
    use crate::domain::rules::Rules;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minute * 60, 0).unwrap()
    }

    fn stay(source: Source, room: Room, device: &str, name: &str) -> Connection {
        Connection {
            instance: "U".into(),
            key: device.into(),
            room,
            source,
            participant_uuid: Some(device.into()),
            user_id: None,
            zoom_user_id: None,
            registrant_id: None,
            customer_key: None,
            email: None,
            name: name.into(),
            join_time: Some(at(1)),
            leave_time: Some(at(40)),
            leave_reason: None,
        }
    }

    fn seen(connections: &[Connection], report_complete: bool, whose: Option<&str>) -> usize {
        let person = |person: &str, name: &str, host| RosterPerson {
            person: person.into(),
            name: name.into(),
            host,
            ..RosterPerson::default()
        };
        let roster = [person("reyes", "Ana Reyes", true), person("ada", "Ada Lovelace", false)];
        let instances =
            [InstanceSpan { uuid: "U".into(), started: Some(at(0)), ended: Some(at(45)), report_complete }];
        let assessed = assess(&Assessment {
            planned_start: at(0),
            planned_end: at(45),
            as_of: at(60),
            roster: &roster,
            instances: &instances,
            connections,
            settled: &BTreeMap::new(),
            rules: &Rules::default(),
        });
        heads(&instances, connections, &assessed, whose)
    }

    #[test]
    fn a_report_stands_in_the_place_of_the_webhooks_once_it_is_complete_and_has_rows() {
        let webhook = stay(Source::Webhook, Room::Main, "a", "iPad");
        let report = stay(Source::Report, Room::Main, "b", "Ada Lovelace");
        let both = [webhook.clone(), report];
        assert_eq!((seen(&both, true, None), seen(&both, false, None)), (1, 1));
        assert_eq!((seen(&both, true, Some("ada")), seen(&both, false, Some("ada"))), (1, 0));
        assert_eq!(seen(&[webhook], true, None), 1, "Zoom makes no report of somebody alone");
    }

    #[test]
    fn heads_are_counted_not_devices_and_neither_hosts_nor_doors_nor_buttons() {
        let all = [
            stay(Source::Webhook, Room::Main, "a", "Ana Reyes"),
            stay(Source::Webhook, Room::Main, "b", "Ada Lovelace"),
            stay(Source::Webhook, Room::Breakout, "c", "ADA lovelace"),
            stay(Source::Webhook, Room::Main, "d", "iPad"),
            stay(Source::Webhook, Room::Main, "e", "iPad"),
            stay(Source::Webhook, Room::Waiting, "f", "At the door"),
            stay(Source::App, Room::Main, "g", "Pressed a button"),
        ];
        assert_eq!(seen(&all, false, None), 2, "Ada, and an iPad");
    }
}
