//! Those whom nobody recognises, in groups that one word of a hand settles: all connections of one identity.
//!
//! A name is an identity only as far as it tells people apart. Where two people on the roster bear it, or two
//! devices under it are in the meeting at once, each device is a group of its own: one word must not settle two
//! people.

use std::collections::{BTreeMap, BTreeSet};

use super::attendance::RosterPerson;
use super::connection::{Connection, Room};
use super::identity::{folded_name, is_strong, one_connection_key, settlement_key};

/// Connections that one word settles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The identity under which the word is kept.
    pub key: String,
    /// The places of the connections in what was given, ascending.
    pub members: Vec<usize>,
}

impl Group {
    /// Whether the word is remembered for later meetings.
    #[must_use]
    pub fn is_remembered(&self) -> bool {
        is_strong(&self.key)
    }
}

/// The groups of these connections, in the order of their first members.
#[must_use]
pub fn groups(connections: &[&Connection], roster: &[RosterPerson]) -> Vec<Group> {
    let mut by_key: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (place, connection) in connections.iter().enumerate() {
        by_key.entry(settlement_key(connection)).or_default().push(place);
    }
    let mut groups = Vec::new();
    for (key, members) in by_key {
        let of_group: Vec<&Connection> =
            members.iter().filter_map(|place| connections.get(*place).copied()).collect();
        if is_strong(&key) || is_one_person(&of_group, roster) {
            groups.push(Group { key, members });
        } else {
            groups.extend(by_device(connections, &members));
        }
    }
    groups.sort_by(|a, b| a.members.cmp(&b.members));
    groups
}

/// The key under which a word about this connection is kept: that of its group among the others.
#[must_use]
pub fn key_of(connection: &Connection, all: &[&Connection], roster: &[RosterPerson]) -> String {
    let key = settlement_key(connection);
    let alike: Vec<&Connection> = all.iter().copied().filter(|other| settlement_key(other) == key).collect();
    if is_strong(&key) || is_one_person(&alike, roster) { key } else { one_connection_key(connection) }
}

fn by_device(connections: &[&Connection], members: &[usize]) -> impl Iterator<Item = Group> + use<> {
    let mut by_device: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for place in members {
        if let Some(connection) = connections.get(*place) {
            by_device.entry(one_connection_key(connection)).or_default().push(*place);
        }
    }
    by_device.into_iter().map(|(key, members)| Group { key, members })
}

/// Whether connections of one name may be taken for one person's.
fn is_one_person(connections: &[&Connection], roster: &[RosterPerson]) -> bool {
    let names: BTreeSet<_> = connections.iter().map(|c| folded_name(&c.name)).collect();
    let bearers = roster.iter().filter(|person| names.contains(&folded_name(&person.name))).count();
    // Without a name there is nothing in common.
    let named = names.iter().all(|name| !name.is_empty());
    named && bearers < 2 && !at_once(connections)
}

/// Whether two devices were in the meeting at the same time. An open end lasts for ever.
fn at_once(connections: &[&Connection]) -> bool {
    let inside: Vec<&&Connection> =
        connections.iter().filter(|c| c.room == Room::Main && c.join_time.is_some()).collect();
    inside.iter().enumerate().any(|(place, a)| {
        inside.iter().skip(place + 1).any(|b| {
            let starts_before = |x: &Connection, y: &Connection| {
                y.leave_time.is_none_or(|leave| x.join_time.is_some_and(|join| join < leave))
            };
            a.source == b.source
                && a.instance == b.instance
                && a.device() != b.device()
                && starts_before(a, b)
                && starts_before(b, a)
        })
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::connection::Source;

    fn stay(name: &str, device: &str, email: Option<&str>, join: i64, leave: Option<i64>) -> Connection {
        let at = |second| DateTime::from_timestamp(second, 0);
        Connection {
            instance: "U".into(),
            key: device.into(),
            room: Room::Main,
            source: Source::Webhook,
            participant_uuid: Some(device.into()),
            user_id: None,
            zoom_user_id: None,
            registrant_id: None,
            customer_key: None,
            email: email.map(str::to_owned),
            name: name.into(),
            join_time: at(join),
            leave_time: leave.and_then(at),
            leave_reason: None,
        }
    }

    fn keys(connections: &[Connection], roster: &[&str]) -> Vec<(String, Vec<usize>)> {
        let named = |name: &&str| RosterPerson { name: (*name).into(), ..RosterPerson::default() };
        let roster: Vec<RosterPerson> = roster.iter().map(named).collect();
        let connections: Vec<&Connection> = connections.iter().collect();
        groups(&connections, &roster).into_iter().map(|group| (group.key, group.members)).collect()
    }

    #[test]
    fn one_identity_is_one_group_however_often_it_joined() {
        let seen = [
            stay("iPad", "a", None, 0, Some(10)),
            stay("Mum", "b", Some("m@x"), 0, Some(10)),
            stay("iPad", "c", None, 12, Some(20)),
            stay("Mother", "d", Some("M@x"), 5, Some(20)),
        ];
        assert_eq!(
            keys(&seen, &[]),
            [("name:ipad".to_owned(), vec![0, 2]), ("email:m@x".to_owned(), vec![1, 3])]
        );
    }

    #[test]
    fn a_name_that_two_devices_have_at_once_is_no_identity() {
        let seen = [stay("iPhone", "a", None, 0, None), stay("iPhone", "b", None, 5, Some(20))];
        let apart = [("connection:U/a".to_owned(), vec![0]), ("connection:U/b".to_owned(), vec![1])];
        assert_eq!(keys(&seen, &[]), apart);
    }

    #[test]
    fn a_name_that_two_expected_people_bear_is_no_identity() {
        let seen = [stay("Kim", "a", None, 0, Some(5)), stay("Kim", "b", None, 6, Some(20))];
        assert_eq!(keys(&seen, &["Kim", "kim "]).len(), 2);
        assert_eq!(keys(&seen, &["Kim"]).len(), 1);
        assert_eq!(keys(&[stay("", "a", None, 0, Some(5)), stay("", "b", None, 6, None)], &[]).len(), 2);
    }

    proptest! {
        #[test]
        fn every_connection_is_in_the_one_group_that_its_key_names(
            seen in proptest::collection::vec(("[ab]?", "[xyz]", proptest::option::of("[pq]"), 0..20_i64, 0..20_i64), 0..12),
        ) {
            let seen: Vec<Connection> = seen
                .iter()
                .map(|(name, device, email, join, long)| stay(name, device, email.as_deref(), *join, Some(join + long)))
                .collect();
            let all: Vec<&Connection> = seen.iter().collect();
            let groups = groups(&all, &[]);
            let mut places: Vec<usize> = groups.iter().flat_map(|group| group.members.clone()).collect();
            places.sort_unstable();
            prop_assert_eq!(places, (0..seen.len()).collect::<Vec<_>>());
            for group in &groups {
                for place in &group.members {
                    prop_assert_eq!(&key_of(all[*place], &all, &[]), &group.key);
                }
            }
        }
    }
}
