//! What a hand settled, and how far it reaches.
//!
//! A settlement holds in its meeting. One of a strong identity (an account, an address, a registration, our own key)
//! is remembered for later meetings; a name or a single connection says nothing about the next meeting. What is
//! remembered is weaker than the directory: where the roster now gives that identity to somebody else, nobody
//! asked the hand about *that*, and it is silent.

use std::collections::BTreeMap;

use super::{MatchedBy, RosterPerson, folded_email};

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
