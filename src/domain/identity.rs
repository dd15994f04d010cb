//! Who was that? A connection's identity against the roster, strongest evidence first, never a guess.
//!
//! A level that names exactly one person decides; weaker levels are then not asked, whatever they say. A level
//! that names several (two children registered with one parent's address) cannot decide, but nobody else comes
//! into question any more: a weaker level may only choose among them. Where nothing decides, the connection stays
//! unmatched for a person of the staff to settle.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::Hash;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::attendance::RosterPerson;
use super::connection::Connection;

mod settlement;

pub use settlement::{NOBODY, as_webhooks_showed, for_reports, is_strong, keys, remembered};

/// What a connection was recognised by, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// A person of the staff said so.
    Hand,
    /// The registration whose personal link was used.
    RegistrantId,
    /// The Zoom account.
    ZoomUserId,
    /// The e-mail address, without regard to case.
    Email,
    /// Our `ref`, carried by an SDK client or a personal link.
    CustomerKey,
    /// A display name that exactly one person on the roster has.
    Name,
}

impl MatchedBy {
    /// What Zoom itself may show of a person, strongest first.
    const LEVELS: [Self; 5] =
        [Self::RegistrantId, Self::ZoomUserId, Self::Email, Self::CustomerKey, Self::Name];

    /// The word for it in the database and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hand => "hand",
            Self::RegistrantId => "registrant_id",
            Self::ZoomUserId => "zoom_user_id",
            Self::Email => "email",
            Self::CustomerKey => "customer_key",
            Self::Name => "name",
        }
    }

    /// What a connection shows at this level, in the form that is compared.
    fn shown(self, connection: &Connection) -> Option<Cow<'_, str>> {
        match self {
            Self::Hand => None,
            Self::RegistrantId => connection.registrant_id.as_deref().map(Cow::Borrowed),
            Self::ZoomUserId => connection.zoom_user_id.as_deref().map(Cow::Borrowed),
            Self::Email => connection.email.as_deref().map(folded_email),
            Self::CustomerKey => connection.customer_key.as_deref().map(Cow::Borrowed),
            Self::Name => Some(folded_name(&connection.name)),
        }
        .filter(|text| !text.is_empty())
    }
}

/// The identity under which the staff's word about a connection is kept, so that it also holds when the person
/// joins again: the strongest thing that the connection shows, such as `email:ann@example.com`.
#[must_use]
pub fn settlement_key(connection: &Connection) -> String {
    MatchedBy::LEVELS
        .into_iter()
        .find_map(|level| Some(format!("{}:{}", level.as_str(), level.shown(connection)?)))
        .unwrap_or_else(|| one_connection_key(connection))
}

/// The identity of this one connection, for guests whose name says nothing ("iPhone", twice).
#[must_use]
pub fn one_connection_key(connection: &Connection) -> String {
    format!("connection:{}/{}", connection.instance, connection.device())
}

/// An e-mail address in the form that is compared.
#[must_use]
pub fn folded_email(email: &str) -> Cow<'_, str> {
    let email = email.trim();
    if email.chars().any(char::is_uppercase) {
        Cow::Owned(email.to_lowercase())
    } else {
        Cow::Borrowed(email)
    }
}

/// A name in the form that is compared: composed (NFC), without case, spaces squeezed. `JÁN  Přiklad` is
/// `ján přiklad`, `STRASSER` is `Straßer`; `Jan` is not `Ján`.
#[must_use]
pub fn folded_name(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        return folded_ascii(name);
    }
    // By way of the upper case, because only that unfolds ß, ligatures and final sigmas.
    let folded: String = name.nfc().collect::<String>().to_uppercase().to_lowercase().nfc().collect();
    let mut words = folded.split_whitespace();
    let mut squeezed = String::with_capacity(folded.len());
    squeezed.extend(words.next());
    for word in words {
        squeezed.push(' ');
        squeezed.push_str(word);
    }
    Cow::Owned(squeezed)
}

/// The common case in one pass: no table of Unicode is needed for `Ann Lee`.
fn folded_ascii(name: &str) -> Cow<'_, str> {
    let mut folded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if !byte.is_ascii_whitespace() {
            folded.push(char::from(byte.to_ascii_lowercase()));
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    Cow::Owned(folded)
}

/// Whose connection it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who<'a> {
    /// The person at this place of the roster.
    OnRoster(usize),
    /// Settled by hand for somebody who is not expected, or for [`NOBODY`].
    Elsewhere(&'a str),
}

/// Those who share one identity; almost always one.
#[derive(Debug, Clone)]
enum Holders {
    One(usize),
    Several(Vec<usize>),
}

impl Holders {
    fn add(&mut self, place: usize) {
        match self {
            Self::One(first) if *first == place => {}
            Self::One(first) => *self = Self::Several(vec![*first, place]),
            Self::Several(all) if all.contains(&place) => {}
            Self::Several(all) => all.push(place),
        }
    }

    fn as_slice(&self) -> &[usize] {
        match self {
            Self::One(place) => std::slice::from_ref(place),
            Self::Several(all) => all,
        }
    }
}

/// The roster by everything that people may be recognised by.
#[derive(Debug)]
pub(super) struct Directory<'a> {
    registrants: HashMap<&'a str, Holders>,
    accounts: HashMap<&'a str, Holders>,
    emails: HashMap<Cow<'a, str>, Holders>,
    refs: HashMap<&'a str, Holders>,
    names: HashMap<Cow<'a, str>, Holders>,
    settled: &'a BTreeMap<String, String>,
}

impl<'a> Directory<'a> {
    /// The directory of a roster and of what the staff settled.
    pub(super) fn new(roster: &'a [RosterPerson], settled: &'a BTreeMap<String, String>) -> Self {
        let (mut registrants, mut accounts, mut emails, mut refs, mut names) =
            (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new());
        for (place, person) in roster.iter().enumerate() {
            for registrant in &person.registrant_ids {
                enter(&mut registrants, registrant.as_str(), place);
            }
            if let Some(account) = &person.zoom_user_id {
                enter(&mut accounts, account.as_str(), place);
            }
            if let Some(email) = &person.email {
                enter(&mut emails, folded_email(email), place);
            }
            enter(&mut refs, person.person.as_str(), place);
            enter(&mut names, folded_name(&person.name), place);
        }
        Self { registrants, accounts, emails, refs, names, settled }
    }

    /// Whose connection that is and what says so; `None` when nothing decides.
    pub(super) fn recognise(&self, connection: &Connection) -> Option<(Who<'a>, MatchedBy)> {
        if let Some(who) = self.by_hand(connection) {
            return Some((who, MatchedBy::Hand));
        }
        let mut candidates: Option<Vec<usize>> = None;
        for level in MatchedBy::LEVELS {
            let Some(holders) = level.shown(connection).and_then(|text| self.holders(level, &text)) else {
                continue;
            };
            let left: Cow<'_, [usize]> = match &candidates {
                None => Cow::Borrowed(holders),
                Some(some) => holders.iter().copied().filter(|place| some.contains(place)).collect(),
            };
            match *left {
                [one] => return Some((Who::OnRoster(one), level)),
                [] => return None,
                _ => candidates = Some(left.into_owned()),
            }
        }
        None
    }

    fn by_hand(&self, connection: &Connection) -> Option<Who<'a>> {
        if self.settled.is_empty() {
            return None;
        }
        let person = self
            .settled
            .get(&one_connection_key(connection))
            .or_else(|| self.settled.get(&settlement_key(connection)))?;
        match self.refs.get(person.as_str()).map(Holders::as_slice) {
            Some([place]) => Some(Who::OnRoster(*place)),
            _ => Some(Who::Elsewhere(person)),
        }
    }

    fn holders(&self, level: MatchedBy, text: &str) -> Option<&[usize]> {
        match level {
            MatchedBy::Hand => None,
            MatchedBy::RegistrantId => self.registrants.get(text),
            MatchedBy::ZoomUserId => self.accounts.get(text),
            MatchedBy::Email => self.emails.get(text),
            MatchedBy::CustomerKey => self.refs.get(text),
            MatchedBy::Name => self.names.get(text),
        }
        .map(Holders::as_slice)
    }
}

/// What an evidence line says about how a connection was recognised.
pub(super) fn shown_identity(connection: &Connection, by: MatchedBy) -> String {
    match by {
        MatchedBy::Hand => settlement_key(connection),
        MatchedBy::Name => connection.name.clone(),
        level => level.shown(connection).map(Cow::into_owned).unwrap_or_default(),
    }
}

fn enter<K: Hash + Eq + AsRef<str>>(index: &mut HashMap<K, Holders>, key: K, place: usize) {
    if !key.as_ref().is_empty() {
        index.entry(key).and_modify(|holders| holders.add(place)).or_insert(Holders::One(place));
    }
}

#[cfg(test)]
mod tests;
