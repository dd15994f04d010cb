//! Candidates: who is suggested, why, and who is not.

use proptest::prelude::*;

use super::*;

fn person(person: &str, name: &str, email: &str) -> RosterPerson {
    RosterPerson {
        person: person.into(),
        name: name.into(),
        email: Some(email.into()),
        ..RosterPerson::default()
    }
}

fn class() -> Vec<RosterPerson> {
    vec![
        person("ann", "Ann Lee", "ann@school.example"),
        person("ben", "Ben Lee", "ben@school.example"),
        person("jan", "Ján Přiklad", "priklad.j@school.example"),
        person("kim1", "Kim Park", "kim1@school.example"),
        person("kim2", "Kim Park", "kim2@school.example"),
        RosterPerson { host: true, ..person("reyes", "Ana Reyes", "reyes@school.example") },
    ]
}

fn suggested(unknown: &Unknown, seen: &[&str]) -> Vec<(String, Vec<Reason>)> {
    let (roster, seen) = (class(), seen.iter().copied().collect());
    let found = candidates(unknown, Expected { roster: &roster, seen: &seen });
    found.into_iter().map(|candidate| (candidate.person, candidate.reasons)).collect()
}

fn named(name: &str) -> Unknown {
    Unknown { names: vec![name.to_owned()], ..Unknown::default() }
}

fn first(unknown: &Unknown) -> Option<(String, Vec<Reason>)> {
    suggested(unknown, &[]).into_iter().next()
}

#[test]
fn a_name_that_is_nearly_right_suggests_its_bearer() {
    for name in ["Anne Lee", "Lee Ann", "ann l.", "Ann", "ANN LEE (iPad)", "Ann  Leee"] {
        let (who, why) = first(&named(name)).unwrap_or_else(|| panic!("nobody for {name}"));
        assert_eq!((who.as_str(), why.first()), ("ann", Some(&Reason::SimilarName)), "{name}");
    }
    assert_eq!(first(&named("Jan Priklad")).unwrap().0, "jan", "accents are no difference here");
}

#[test]
fn a_name_that_says_nothing_suggests_nobody() {
    for name in ["iPhone", "", "A", "Galaxy S21", "王小明", "\u{202e}\u{0}", "Otter.ai"] {
        assert_eq!(suggested(&named(name), &[]), [], "{name}");
    }
}

#[test]
fn two_of_one_name_are_both_suggested_and_neither_preferred() {
    let found = suggested(&named("Kim Park"), &[]);
    assert_eq!(found.iter().map(|(who, _)| who.as_str()).collect::<Vec<_>>(), ["kim1", "kim2"]);
    assert!(found.iter().all(|(_, why)| why == &[Reason::SameName]));
    let found = suggested(&named("Kim Park"), &["kim1"]);
    assert_eq!(found.first().unwrap().0, "kim2", "who was not seen yet is likelier");
}

#[test]
fn addresses_suggest_by_what_stands_before_the_at() {
    let mail = |email: &str| Unknown { emails: vec![email.to_owned()], ..Unknown::default() };
    assert_eq!(
        first(&mail("Ben+zoom@home.example")).unwrap(),
        ("ben".to_owned(), vec![Reason::SameLocalPart])
    );
    assert_eq!(first(&mail("lee.ann1990@home.example")).unwrap().0, "ann");
    assert_eq!(first(&mail("nobody")), None);
}

#[test]
fn a_registration_for_another_meeting_says_most() {
    let registered = BTreeSet::from(["ben".to_owned()]);
    let (who, why) = first(&Unknown { registered, ..named("Ann Lee") }).unwrap();
    assert_eq!((who.as_str(), why), ("ben", vec![Reason::RegisteredElsewhere]));
    let settled = BTreeSet::from(["ben".to_owned()]);
    assert_eq!(first(&Unknown { settled, ..named("iPad") }).unwrap().1, [Reason::SettledElsewhere]);
}

#[test]
fn the_only_one_missing_is_suggested_even_for_a_telephone() {
    let found = suggested(&named("iPhone"), &["ann", "jan", "kim1", "kim2"]);
    assert_eq!(found, [("ben".to_owned(), vec![Reason::OnlyOneMissing])]);
    assert_eq!(suggested(&named("iPhone"), &["ann", "jan", "kim1"]), [], "two are missing: no guess");
}

proptest! {
    #[test]
    fn likeness_is_symmetric_bounded_and_certain_of_the_same(a in "\\PC{0,20}", b in "\\PC{0,20}") {
        prop_assert_eq!(likeness(&a, &b), likeness(&b, &a));
        prop_assert!(likeness(&a, &b) <= 1000);
        let telling = words(&a).concat().chars().count() >= WORD_MIN;
        prop_assert_eq!(likeness(&a, &a), if telling { 1000 } else { 0 });
    }

    #[test]
    fn whatever_is_shown_each_candidate_has_a_reason_and_is_there_once(
        name in "\\PC{0,12}", email in "\\PC{0,12}", seen in 0_usize..6,
    ) {
        let roster = class();
        let seen: BTreeSet<&str> = roster.iter().take(seen).map(|person| person.person.as_str()).collect();
        let unknown = Unknown { names: vec![name], emails: vec![email], ..Unknown::default() };
        let found = candidates(&unknown, Expected { roster: &roster, seen: &seen });
        let people: BTreeSet<&str> = found.iter().map(|candidate| candidate.person.as_str()).collect();
        prop_assert_eq!(people.len(), found.len());
        prop_assert!(found.iter().all(|candidate| !candidate.reasons.is_empty()));
    }
}
