//! Who might that be? Candidates for a connection that nobody recognises, with the reasons for each: something for
//! a person of the staff to look at, never applied by itself.

use std::collections::BTreeSet;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::attendance::RosterPerson;
use super::identity::folded_name;

/// Candidates for one connection.
const CANDIDATES_MAX: usize = 5;
/// How alike two names have to be, in thousandths: `Anne Lee` is like `Ann Lee`, another child of the family is not.
const NAME_ALIKE_MIN: u16 = 860;
/// Shorter words than this are no likeness: `Al`, `Jo`.
const WORD_MIN: usize = 3;
/// Signs of a name that are compared; longer ones are cut, so that an absurd one costs no time.
const NAME_MAX: usize = 100;

/// Why somebody is a candidate, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The registration that was used is this person's, of another meeting.
    RegisteredElsewhere,
    /// A hand took the same identity for this person in another meeting.
    SettledElsewhere,
    /// The address has the same part before the @.
    SameLocalPart,
    /// They have this name, but not they alone.
    SameName,
    /// The names are alike.
    SimilarName,
    /// The address has their name in it.
    NameInAddress,
    /// Nothing else is missing: the only one on the roster of whom nothing was seen.
    OnlyOneMissing,
}

impl Reason {
    /// How much it says, for ranking only.
    fn weight(self) -> u32 {
        match self {
            Self::RegisteredElsewhere => 10_000,
            Self::SettledElsewhere => 6_000,
            Self::SameLocalPart => 3_000,
            Self::SameName => 2_500,
            Self::SimilarName => 1_000,
            Self::NameInAddress => 900,
            Self::OnlyOneMissing => 600,
        }
    }
}

/// Somebody it might be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Their `ref`.
    pub person: String,
    /// Why, strongest first; never empty.
    pub reasons: Vec<Reason>,
    /// How alike the names are, in thousandths.
    pub likeness_milli: u16,
}

/// What is known of those whom nobody recognises.
#[derive(Debug, Clone, Default)]
pub struct Unknown {
    /// The names they used.
    pub names: Vec<String>,
    /// The addresses they showed.
    pub emails: Vec<String>,
    /// People to whom their registrations belong in other meetings.
    pub registered: BTreeSet<String>,
    /// People for whom hands took the same identity in other meetings.
    pub settled: BTreeSet<String>,
}

/// The roster, and who of it was seen.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who is expected.
    pub roster: &'a [RosterPerson],
    /// Those of whom some connection was recognised.
    pub seen: &'a BTreeSet<&'a str>,
}

/// Who it might be, the likeliest first. The order of the roster decides between equals.
#[must_use]
pub fn candidates(unknown: &Unknown, expected: Expected<'_>) -> Vec<Candidate> {
    let missing: Vec<&str> = expected
        .roster
        .iter()
        .filter(|person| !person.host && !expected.seen.contains(person.person.as_str()))
        .map(|person| person.person.as_str())
        .collect();
    let only_missing = match *missing {
        [only] => Some(only),
        _ => None,
    };
    let mut ranked: Vec<(u32, Candidate)> = expected
        .roster
        .iter()
        .filter_map(|person| {
            let candidate = candidate(unknown, person, only_missing)?;
            // Who was not seen yet is likelier than somebody on yet another device.
            let unseen = u32::from(missing.contains(&person.person.as_str())) * 400;
            let weight: u32 = candidate.reasons.iter().map(|reason| reason.weight()).sum();
            Some((weight + unseen + u32::from(candidate.likeness_milli), candidate))
        })
        .collect();
    ranked.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    ranked.truncate(CANDIDATES_MAX);
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

fn candidate(unknown: &Unknown, person: &RosterPerson, only_missing: Option<&str>) -> Option<Candidate> {
    let same_name = unknown.names.iter().any(|name| is_same(name, &person.name));
    let alike = unknown.names.iter().map(|name| likeness(name, &person.name)).max().unwrap_or_default();
    let theirs = person.email.as_deref().and_then(local_part);
    let locals: Vec<String> = unknown.emails.iter().filter_map(|email| local_part(email)).collect();
    let reasons: BTreeSet<Reason> = [
        (Reason::RegisteredElsewhere, unknown.registered.contains(&person.person)),
        (Reason::SettledElsewhere, unknown.settled.contains(&person.person)),
        (Reason::SameLocalPart, theirs.is_some_and(|theirs| locals.contains(&theirs))),
        (Reason::SameName, same_name),
        (Reason::SimilarName, !same_name && alike >= NAME_ALIKE_MIN),
        (Reason::NameInAddress, locals.iter().any(|local| has_name(local, &person.name))),
        (Reason::OnlyOneMissing, only_missing == Some(person.person.as_str())),
    ]
    .into_iter()
    .filter_map(|(reason, holds)| holds.then_some(reason))
    .collect();
    (!reasons.is_empty()).then(|| Candidate {
        person: person.person.clone(),
        reasons: reasons.into_iter().collect(),
        likeness_milli: alike,
    })
}

fn is_same(a: &str, b: &str) -> bool {
    let folded = folded_name(a);
    !folded.is_empty() && folded == folded_name(b)
}

/// A name without case and accents, as words: only to compare, never to recognise.
fn words(name: &str) -> Vec<String> {
    let plain: String =
        folded_name(name).chars().take(NAME_MAX).nfd().filter(|sign| !is_combining_mark(*sign)).collect();
    plain
        .split(|sign: char| !sign.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// How alike two names are, in thousandths: word by word in any order, an initial or a word less being no fault.
#[must_use]
pub fn likeness(a: &str, b: &str) -> u16 {
    let (a, b) = (words(a), words(b));
    if a.is_empty() || b.is_empty() {
        return 0;
    }
    let alike = by_word(&a, &b).max(by_word(&b, &a));
    // `AnnLee` has another number of words, and no letter is different.
    let written_together = a.concat() == b.concat() && a.concat().chars().count() >= WORD_MIN;
    if written_together { 1000 } else { milli(alike) }
}

/// The words of the shorter name, each beside its best partner in the longer one: the mean of their likeness.
fn by_word(a: &[String], b: &[String]) -> f64 {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut left: Vec<&String> = long.iter().collect();
    let (mut sum, mut real_words) = (0.0, false);
    for word in short {
        let best = left
            .iter()
            .enumerate()
            .map(|(place, other)| (place, word_likeness(word, other)))
            .max_by(|x, y| x.1.total_cmp(&y.1));
        let Some((place, alike)) = best else { break };
        let partner = left.swap_remove(place);
        real_words |= word.chars().count() >= WORD_MIN && partner.chars().count() >= WORD_MIN;
        sum += alike;
    }
    if !real_words {
        return 0.0;
    }
    // One given name alone may be anybody's of that name: a little less than certain.
    let alone = if short.len() == 1 && long.len() > 1 { 0.95 } else { 1.0 };
    alone * sum / short.len() as f64
}

fn word_likeness(a: &str, b: &str) -> f64 {
    let (short, long) = if (a.len(), a) <= (b.len(), b) { (a, b) } else { (b, a) };
    let is_initial = short.chars().count() == 1 && long.starts_with(short);
    if is_initial { 0.9 } else { strsim::jaro_winkler(short, long) }
}

fn milli(share: f64) -> u16 {
    (share.clamp(0.0, 1.0) * 1000.0).round() as u16
}

/// What stands before the @, without what mail servers ignore: case and `+tags`.
fn local_part(email: &str) -> Option<String> {
    let (local, _) = email.trim().rsplit_once('@')?;
    let local = local.split('+').next().unwrap_or_default().to_lowercase();
    (!local.is_empty()).then_some(local)
}

/// Whether all words of a name are in an address: `ann.lee1990`, `leeann`.
fn has_name(local: &str, name: &str) -> bool {
    let words = words(name);
    let telling = words.len() >= 2 && words.iter().any(|word| word.chars().count() >= WORD_MIN);
    telling && words.iter().all(|word| local.contains(word.as_str()))
}

#[cfg(test)]
mod tests;
