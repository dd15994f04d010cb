//! What a hand settled, and how far it reaches.
//!
//! A settlement holds in its meeting. One of a strong identity (an account, an address, a registration, our own key)
//! is remembered for later meetings; a name or a single connection says nothing about the next meeting. What is
//! remembered is weaker than the directory: where the roster now gives that identity to somebody else, nobody
//! asked the hand about *that*, and it is silent.
//!
//! Zoom's report shows less of a connection than its webhooks did: never its uuid, and of a guest neither account nor
//! address. The number of the join (`user_id`) is in both, so what was settled of a connection by its webhooks also
//! holds for the rows of the report that bear its number.

use std::collections::{BTreeMap, HashMap};

use super::{MatchedBy, RosterPerson, folded_email, one_connection_key, settlement_key};
use crate::domain::connection::{Connection, Source};

/// The person of a settlement that says: nobody we know (a note-taking machine, a guest). No `ref` is empty.
pub const NOBODY: &str = "";

impl MatchedBy {
    /// Whether this identity means the same person in every meeting.
    fn is_strong(self) -> bool {
        matches!(self, Self::RegistrantId | Self::ZoomUserId | Self::Email | Self::CustomerKey)
    }
}

/// Whether a settlement under this key (`settlement_key`) is remembered for later meetings.
#[must_use]
pub fn is_strong(key: &str) -> bool {
    parts(key).is_some()
}

/// The level and the value of a strong key.
fn parts(key: &str) -> Option<(MatchedBy, &str)> {
    let (word, value) = key.split_once(':')?;
    let level = MatchedBy::LEVELS.into_iter().find(|level| level.as_str() == word)?;
    level.is_strong().then_some((level, value))
}

/// Whether the roster itself says that this identity is the person's.
fn holds(person: &RosterPerson, level: MatchedBy, value: &str) -> bool {
    match level {
        MatchedBy::RegistrantId => person.registrant_ids.iter().any(|id| id == value),
        MatchedBy::ZoomUserId => person.zoom_user_id.as_deref() == Some(value),
        MatchedBy::Email => person.email.as_deref().is_some_and(|email| folded_email(email) == value),
        MatchedBy::CustomerKey => person.person == value,
        MatchedBy::Hand | MatchedBy::Name => false,
    }
}

/// Of what is remembered, that on which this roster has nothing else to say.
#[must_use]
pub fn remembered(
    roster: &[RosterPerson],
    settlements: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let stands = |key: &str, person: &str| {
        let Some((level, value)) = parts(key) else { return false };
        !roster.iter().any(|other| other.person != person && holds(other, level, value))
    };
    settlements.into_iter().filter(|(key, person)| stands(key, person)).collect()
}

/// The keys under which a word about this connection may be kept, the one that comes first first.
#[must_use]
pub fn keys(connection: &Connection) -> [String; 2] {
    [one_connection_key(connection), settlement_key(connection)]
}

/// The same connections as webhooks showed them, of a row of Zoom's report.
pub fn as_webhooks_showed<'a>(
    row: &'a Connection,
    connections: &'a [Connection],
) -> impl Iterator<Item = &'a Connection> {
    let number = joined_as(row).filter(|_| row.source == Source::Report);
    connections
        .iter()
        .filter(move |c| c.source == Source::Webhook && number.is_some() && joined_as(c) == number)
}

/// The run, and the number of the join in it.
fn joined_as(connection: &Connection) -> Option<(&str, &str)> {
    Some((&connection.instance, connection.user_id.as_deref()?))
}

/// What was settled of connections by their webhooks, for the rows of reports that show the same connections. A word
/// about what a row itself shows comes first; `said`, the words about this meeting, before those `remembered`. Where
/// words contradict each other, none holds.
#[must_use]
pub fn for_reports(
    connections: &[Connection],
    said: &BTreeMap<String, String>,
    remembered: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut shown: HashMap<(&str, &str), Vec<[String; 2]>> = HashMap::new();
    if !said.is_empty() || !remembered.is_empty() {
        for webhook in connections.iter().filter(|c| c.source == Source::Webhook) {
            if let Some(number) = joined_as(webhook) {
                shown.entry(number).or_default().push(keys(webhook));
            }
        }
    }
    let mut found = BTreeMap::new();
    for row in connections.iter().filter(|c| c.source == Source::Report) {
        let Some(webhooks) = joined_as(row).and_then(|number| shown.get(&number)) else { continue };
        let own = keys(row);
        for words in [said, remembered] {
            let word = |keys: &[String; 2]| keys.iter().find_map(|key| words.get(key));
            if word(&own).is_some() {
                break;
            }
            let mut people = webhooks.iter().filter_map(word);
            if let Some(person) = people.next() {
                if people.all(|other| other == person) {
                    let [one_connection, _] = own;
                    found.insert(one_connection, person.clone());
                }
                break;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::connection::Room;

    fn person(person: &str, email: &str) -> RosterPerson {
        RosterPerson { person: person.into(), email: Some(email.into()), ..RosterPerson::default() }
    }

    fn kept(roster: &[RosterPerson], key: &str, to: &str) -> bool {
        !remembered(roster, BTreeMap::from([(key.to_owned(), to.to_owned())])).is_empty()
    }

    #[test]
    fn only_what_means_one_person_everywhere_is_strong() {
        for key in ["zoom_user_id:z", "email:a@b", "registrant_id:r", "customer_key:ann"] {
            assert!(is_strong(key), "{key}");
        }
        for key in ["name:ann lee", "connection:U/P", "hand:ann", "email", "nonsense:x"] {
            assert!(!is_strong(key), "{key}");
        }
    }

    #[test]
    fn what_is_remembered_gives_way_to_what_the_roster_says_now() {
        let roster = [person("ann", "Family@example.com"), person("ben", "ben@example.com")];
        assert!(kept(&roster, "email:ann-at-home@example.com", "ann"));
        assert!(kept(&roster, "email:family@example.com", "ann"), "the roster agrees");
        assert!(!kept(&roster, "email:family@example.com", "ben"), "it is somebody else's by now");
        assert!(!kept(&roster, "email:family@example.com", NOBODY), "it is somebody's by now");
        let family = [person("ann", "family@example.com"), person("ben", "family@example.com")];
        assert!(!kept(&family, "email:family@example.com", "ann"), "of two it cannot choose");
        assert!(!kept(&roster, "name:ann", "ann"), "names are never remembered");
    }

    #[test]
    fn our_own_key_of_somebody_on_the_roster_is_nobody_elses() {
        assert!(!kept(&[person("ann", "a@b")], "customer_key:ann", "ben"));
        assert!(kept(&[person("ann", "a@b")], "customer_key:old-ann", "ann"));
    }

    fn webhook(uuid: &str, number: &str, name: &str) -> Connection {
        Connection {
            instance: "U".into(),
            key: uuid.into(),
            room: Room::Main,
            source: Source::Webhook,
            participant_uuid: Some(uuid.into()),
            user_id: Some(number.into()),
            zoom_user_id: None,
            registrant_id: None,
            customer_key: None,
            email: None,
            name: name.into(),
            join_time: None,
            leave_time: None,
            leave_reason: None,
        }
    }

    fn reported(number: &str, name: &str) -> Connection {
        Connection { source: Source::Report, participant_uuid: None, ..webhook("", number, name) }
    }

    fn words(words: &[(&str, &str)]) -> BTreeMap<String, String> {
        words.iter().map(|(key, person)| ((*key).to_owned(), (*person).to_owned())).collect()
    }

    #[test]
    fn a_word_about_one_connection_holds_when_the_report_shows_it_without_its_uuid() {
        let seen = [
            webhook("a", "1024", "iPhone"),
            webhook("b", "2048", "iPhone"),
            reported("1024", "iPhone"),
            reported("2048", "iPhone"),
        ];
        let said = words(&[("connection:U/a", "ann"), ("connection:U/b", "ben")]);
        let expected = words(&[("connection:U/1024", "ann"), ("connection:U/2048", "ben")]);
        assert_eq!(for_reports(&seen, &said, &BTreeMap::new()), expected);
        let other_run = seen.map(|c| match c.source {
            Source::Report => Connection { instance: "V".into(), ..c },
            _ => c,
        });
        assert_eq!(for_reports(&other_run, &said, &BTreeMap::new()), BTreeMap::new(), "numbers begin anew");
    }

    #[test]
    fn a_word_about_an_account_holds_where_the_report_hides_it() {
        let account = Connection { zoom_user_id: Some("x".into()), ..webhook("a", "1024", "iPad") };
        let seen = [account, reported("1024", "iPad")];
        let known = words(&[("zoom_user_id:x", "ann")]);
        let expected = words(&[("connection:U/1024", "ann")]);
        assert_eq!(for_reports(&seen, &known, &BTreeMap::new()), expected);
        assert_eq!(for_reports(&seen, &BTreeMap::new(), &known), expected, "also where it is remembered");
    }

    #[test]
    fn what_a_row_shows_itself_comes_first_and_this_meeting_before_others() {
        let seen = [
            webhook("a", "1024", "iPad"),
            Connection { email: Some("ben@x".into()), ..reported("1024", "iPad") },
        ];
        let ann = words(&[("connection:U/a", "ann")]);
        let ben = words(&[("email:ben@x", "ben")]);
        let both: BTreeMap<String, String> = ann.clone().into_iter().chain(ben.clone()).collect();
        assert_eq!(for_reports(&seen, &both, &BTreeMap::new()), BTreeMap::new());
        assert_eq!(for_reports(&seen, &BTreeMap::new(), &both), BTreeMap::new());
        assert_eq!(for_reports(&seen, &ann, &ben), words(&[("connection:U/1024", "ann")]));
    }

    #[test]
    fn words_that_contradict_each_other_say_nothing_of_the_report() {
        let seen = [webhook("a", "1024", "x"), webhook("b", "1024", "y"), reported("1024", "z")];
        let said = words(&[("connection:U/a", "ann"), ("connection:U/b", "ben")]);
        assert_eq!(for_reports(&seen, &said, &BTreeMap::new()), BTreeMap::new());
    }
}
