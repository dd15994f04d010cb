//! Recognising people, and refusing to.

use super::*;
use crate::domain::connection::{Room, Source};

fn person(person: &str, name: &str, email: &str) -> RosterPerson {
    RosterPerson {
        person: person.into(),
        name: name.into(),
        email: Some(email.into()),
        zoom_user_id: Some(format!("account-{person}")),
        registrant_ids: vec![format!("registrant-{person}")],
        host: false,
    }
}

fn guest(name: &str) -> Connection {
    Connection {
        instance: "U".into(),
        key: "P".into(),
        room: Room::Main,
        source: Source::Webhook,
        participant_uuid: Some("P".into()),
        user_id: Some("16778240".into()),
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

fn family() -> Vec<RosterPerson> {
    vec![
        person("ann", "Ann Lee", "family@example.com"),
        person("ben", "Ben Lee", "family@example.com"),
        person("kim1", "Kim", "kim1@example.com"),
        person("kim2", "Kim", "kim2@example.com"),
        person("ján", "Ján Přiklad", "jan@example.com"),
    ]
}

fn recognise(connection: &Connection) -> Option<(String, MatchedBy)> {
    recognise_settled(connection, &BTreeMap::new())
}

fn recognise_settled(
    connection: &Connection,
    settled: &BTreeMap<String, String>,
) -> Option<(String, MatchedBy)> {
    let roster = family();
    let (who, by) = Directory::new(&roster, settled).recognise(connection)?;
    let name = match who {
        Who::OnRoster(place) => roster[place].person.clone(),
        Who::Elsewhere(person) => person.to_owned(),
    };
    Some((name, by))
}

#[test]
fn the_strongest_level_present_wins_over_all_weaker_ones() {
    let mut c = guest("Ján Přiklad");
    let expect = |c: &Connection, who: &str, by| assert_eq!(recognise(c), Some((who.to_owned(), by)));
    expect(&c, "ján", MatchedBy::Name);
    c.customer_key = Some("kim1".into());
    expect(&c, "kim1", MatchedBy::CustomerKey);
    c.email = Some(" KIM2@Example.com".into());
    expect(&c, "kim2", MatchedBy::Email);
    c.zoom_user_id = Some("account-ben".into());
    expect(&c, "ben", MatchedBy::ZoomUserId);
    c.registrant_id = Some("registrant-ann".into());
    expect(&c, "ann", MatchedBy::RegistrantId);
}

#[test]
fn an_identity_nobody_has_is_passed_over() {
    let c =
        Connection { registrant_id: Some("?".into()), zoom_user_id: Some("?".into()), ..guest("ben  LEE ") };
    assert_eq!(recognise(&c), Some(("ben".into(), MatchedBy::Name)));
}

#[test]
fn two_people_of_one_name_are_never_guessed_between() {
    assert_eq!(recognise(&guest("Kim")), None);
    assert_eq!(recognise(&guest("")), None);
    assert_eq!(recognise(&guest("iPhone")), None);
}

#[test]
fn a_shared_address_is_decided_only_among_those_who_share_it() {
    let family = |name: &str| Connection { email: Some("family@example.com".into()), ..guest(name) };
    assert_eq!(recognise(&family("Ben Lee")), Some(("ben".into(), MatchedBy::Name)));
    assert_eq!(recognise(&family("Mum's iPad")), None);
    assert_eq!(recognise(&family("Ján Přiklad")), None);
}

#[test]
fn the_word_of_the_staff_comes_first_and_holds_for_the_next_join() {
    let settled = BTreeMap::from([
        ("name:iphone".to_owned(), "ann".to_owned()),
        ("connection:U/P9".to_owned(), "visitor".to_owned()),
    ]);
    let settle = |c: &Connection| recognise_settled(c, &settled);
    assert_eq!(settle(&guest("iPhone")), Some(("ann".into(), MatchedBy::Hand)));
    let again = Connection { key: "P2".into(), participant_uuid: Some("P2".into()), ..guest("IPHONE") };
    assert_eq!(settle(&again), Some(("ann".into(), MatchedBy::Hand)));
    let one = Connection { participant_uuid: Some("P9".into()), ..guest("iPhone") };
    assert_eq!(settle(&one), Some(("visitor".into(), MatchedBy::Hand)));
    // Settled was the guest of that name, not everybody who types it.
    let known = Connection { registrant_id: Some("registrant-ben".into()), ..guest("iPhone") };
    assert_eq!(settle(&known), Some(("ben".into(), MatchedBy::RegistrantId)));
}

#[test]
fn the_settlement_key_is_the_strongest_thing_shown() {
    let mut c = guest("Ann  Lee");
    assert_eq!(settlement_key(&c), "name:ann lee");
    c.email = Some("Ann@Example.com".into());
    assert_eq!(settlement_key(&c), "email:ann@example.com");
    assert_eq!(settlement_key(&guest(" ")), "connection:U/P");
}

#[test]
fn names_are_compared_composed_without_case_and_squeezed() {
    for (a, b) in [
        ("Ján Přiklad", "JA\u{301}N\u{a0} PR\u{30c}IKLAD "),
        ("Straßer", "STRASSER"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("  ann\tlee", "Ann Lee"),
    ] {
        assert_eq!(folded_name(a), folded_name(b));
    }
    assert_ne!(folded_name("Jan"), folded_name("Ján"));
}

#[test]
fn a_name_in_any_script_is_recognised_however_it_is_composed() {
    let roster: Vec<RosterPerson> =
        ["Žofie Dvořáková", "محمد علي", "שרה כהן", "山田 太郎", "김민준", "Ólafur 🙂", "Nguyễn Ánh"]
            .iter()
            .enumerate()
            .map(|(place, name)| RosterPerson {
                person: format!("p{place}"),
                name: (*name).to_owned(),
                ..RosterPerson::default()
            })
            .collect();
    let settled = BTreeMap::new();
    let directory = Directory::new(&roster, &settled);
    for (place, person) in roster.iter().enumerate() {
        let decomposed: String = person.name.nfd().collect();
        for name in [person.name.clone(), decomposed, format!(" {}\u{a0}", person.name.to_uppercase())] {
            let found = directory.recognise(&guest(&name));
            assert_eq!(found, Some((Who::OnRoster(place), MatchedBy::Name)), "{name}");
        }
    }
}
