//! The evidence page: what it says, where things lie, and that nothing from outside breaks it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::account::{Account, Facts, HostTime, Lesson, Line, Phase, Subject};
use super::timeline::{Kind, LEFT, RIGHT, lay_out};
use super::{drawing, page, style, words};
use crate::domain::attendance::{Assessment, InstanceSpan, Mark, RosterPerson, Rules, assess};
use crate::domain::connection::{Connection, Connections, Room, Source};
use crate::store::correction::Correction;

/// 10:00 in Berlin on a Tuesday in March.
fn at(minute: i64) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-03-03T09:00:00Z").unwrap().to_utc() + TimeDelta::minutes(minute)
}

fn stay(who: &str, source: Source, room: Room, join: Option<i64>, leave: Option<i64>) -> Connection {
    Connection {
        instance: "U==".to_owned(),
        key: format!("{who}{room:?}{join:?}{leave:?}"),
        room,
        source,
        participant_uuid: None,
        user_id: Some(format!("{who}{join:?}")),
        zoom_user_id: None,
        registrant_id: None,
        customer_key: Some(who.to_owned()),
        email: None,
        name: format!("{who} here"),
        join_time: join.map(at),
        leave_time: leave.map(at),
        leave_reason: None,
    }
}

fn live(who: &str, join: i64, leave: i64) -> Connection {
    stay(who, Source::Webhook, Room::Main, Some(join), Some(leave))
}

/// The account of Ann in a lesson of 45 minutes with these connections.
fn account(name: &str, connections: &[Connection]) -> Account {
    let person = |person: &str, name: &str, host| RosterPerson {
        person: person.to_owned(),
        name: name.to_owned(),
        host,
        ..RosterPerson::default()
    };
    let roster = [person("ann", name, false), person("reyes", "Ana Reyes", true)];
    let instances = [InstanceSpan {
        uuid: "U==".to_owned(),
        started: Some(at(-3)),
        ended: Some(at(46)),
        report_complete: connections.iter().any(|c| c.source == Source::Report),
    }];
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
    let facts = |mark: &Mark| Facts {
        status: mark.status,
        score_milli: mark.score_milli,
        attended_secs: mark.attended_secs,
        first_join: mark.first_join,
        last_leave: mark.last_leave,
        left_early: mark.left_early,
        host_absent: mark.host_absent,
        host_late: mark.host_late,
        held_against: mark.held_against,
        together_secs: mark.together_secs,
        provisional: false,
        evidence: mark.evidence.clone(),
    };
    let host = |mark: &Mark| HostTime {
        id: mark.person.clone(),
        name: "Ana Reyes".to_owned(),
        evidence: mark.evidence.clone(),
    };
    Account {
        person: Subject { id: "ann".to_owned(), name: name.to_owned(), email: None },
        lesson: Lesson {
            id: "meeting-1".to_owned(),
            appointment_id: "booking-1".to_owned(),
            number: Some("81234567890".to_owned()),
            title: "Algebra".to_owned(),
            group: Some("7b".to_owned()),
            status: "ended".to_owned(),
            zone: chrono_tz::Europe::Berlin,
            phase: Phase::Scored,
            ran: true,
        },
        facts: facts(&assessed.marks[0]),
        rules: Some(Rules::default()),
        hosts: assessed.hosts.iter().map(host).collect(),
        words: Vec::new(),
        story: Vec::new(),
        names: vec![format!("{name} (iPad)")],
        strangers: Some(0),
        judged_by: Some("report"),
        as_of: at(90),
    }
}

fn said(connections: &[Connection]) -> Vec<String> {
    let words = words::say(&account("Ann Lee", connections));
    std::iter::once(words.verdict).chain(words.sentences).collect()
}

#[test]
fn nine_minutes_of_forty_five_are_explained_in_full() {
    assert_eq!(
        said(&[live("reyes", 0, 46), live("ann", 12, 21)]),
        [
            "Ann Lee is marked partial.",
            "The meeting ran from 10:00 to 10:45 as planned (45 min).",
            "Ann Lee joined at 10:12 and left at 10:21.",
            "Counted: 9 min of 45 min (20 %), all of it together with a host.",
            "standard@1 asks for 15 min (15 min or 50 %, whichever is less): that is not reached. → partial",
            "Ann Lee left 24 min before the end.",
            "The mark is final: Zoom's own report has been read completely.",
        ]
    );
}

#[test]
fn a_meeting_that_never_ran_is_not_said_to_have_run_nor_its_report_to_have_been_read() {
    let mut account = Account { judged_by: Some("no_run"), ..account("Ann Lee", &[]) };
    account.lesson.ran = false;
    let said = words::say(&account).sentences.join(" ");
    assert!(said.contains("planned for 10:00–10:45; it is not known to have run"), "{said}");
    assert!(
        said.contains("is final: neither Zoom nor its webhooks told of the meeting having run"),
        "{said}"
    );
    assert!(!said.contains("report has been read"), "{said}");
}

#[test]
fn every_kind_of_absence_has_its_own_words() {
    let host = || live("reyes", 0, 46);
    let third = |connections: &[Connection]| said(connections)[2].clone();
    assert_eq!(third(&[host()]), "Nothing that counts was seen of Ann Lee.");
    let waited = stay("ann", Source::Webhook, Room::Waiting, Some(1), None);
    assert_eq!(
        third(&[host(), waited]),
        "Ann Lee came to the waiting room at 10:01 and was never admitted; waiting does not count."
    );
    assert_eq!(
        third(&[host(), live("ann", -3, -1)]),
        "Ann Lee was in the meeting only outside that time: 09:57–09:59."
    );
    let button = stay("ann", Source::App, Room::Main, Some(2), Some(30));
    assert!(said(&[host(), button])[3].starts_with("The calling system's own button was pressed at 10:02"));
}

#[test]
fn a_late_host_and_an_early_end_shorten_what_is_asked() {
    let sentences = said(&[live("reyes", 12, 46), live("ann", 3, 40)]);
    assert_eq!(
        sentences[1],
        "The meeting was planned for 10:00–10:45; the host opened it at 10:12, so that it counts from 10:12 to \
         10:45 (33 min)."
    );
    assert!(sentences.contains(&"The host came late, at 10:12.".to_owned()), "{sentences:#?}");
}

fn with_words(mut account: Account) -> Account {
    let word = |id, status: Option<&str>, note: Option<&str>| Correction {
        id,
        person_ref: "ann".to_owned(),
        status: status.map(str::to_owned),
        note: note.map(str::to_owned),
        author: "reyes".to_owned(),
        at: at(70 + id).into(),
    };
    account.words = vec![
        word(1, Some("present"), Some("was on the telephone")),
        word(2, None, None),
        word(3, Some("excused"), Some("at the doctor's; note from <her> mother & father")),
    ];
    account.story = vec![Line {
        at: at(71),
        kind: "attendance.corrected".to_owned(),
        text: "a mark was corrected by hand".to_owned(),
        from: Some("partial".to_owned()),
        to: Some("present".to_owned()),
    }];
    account
}

#[test]
fn what_a_hand_said_is_on_the_page_with_what_was_found() {
    let account = with_words(account("Ann Lee", &[live("reyes", 0, 46), live("ann", 12, 21)]));
    let words = words::say(&account);
    assert_eq!(words.verdict, "Ann Lee is marked excused, by hand; what was found is partial.");
    assert_eq!(words.sentences.last().unwrap(), "reyes put “excused” in its place on 3 March 2026, 11:13.");
    let page = page::page(&account).into_string();
    assert!(page.contains("at the doctor's; note from &lt;her&gt; mother &amp; father"), "{page}");
}

/// A class with everything in it: two devices at once, a breakout room, the waiting room, the report beside it.
fn busy() -> Account {
    let connections = [
        live("reyes", -2, 46),
        stay("ann", Source::Webhook, Room::Waiting, Some(-2), None),
        stay("ann", Source::Webhook, Room::Waiting, None, Some(1)),
        live("ann", 1, 20),
        live("ann", 18, 43),
        stay("ann", Source::Webhook, Room::Breakout, Some(25), Some(35)),
        // In a run of its own: after the end of one, nobody is in it.
        Connection { instance: "N==".to_owned(), ..live("ann", 600, 620) },
        stay("ann", Source::App, Room::Main, Some(0), None),
    ];
    with_words(account("Ann Lee", &connections))
}

#[test]
fn the_page_and_the_drawing_look_as_they_did() {
    insta::assert_snapshot!("page", page::page(&busy()).into_string().replace("><", ">\n<"));
    insta::assert_snapshot!("drawing", drawing::standalone(&busy()).replace("><", ">\n<"));
}

#[test]
fn nothing_from_outside_becomes_markup_and_nothing_is_loaded() {
    let name = "<script>alert('x')</script>\u{202e}\u{7}\"&王小明 ਸਿੰਘ";
    let mut account = account(name, &[live("reyes", 0, 46), live("ann", 12, 21)]);
    account.lesson.title = "</title><img src=x onerror=1>".to_owned();
    account.names = vec!["]]><!--".to_owned()];
    for document in [page::page(&account).into_string(), drawing::standalone(&account)] {
        for bad in ["<script", "<img", "\u{202e}", "\u{7}", "]]>", "http://", "https://"] {
            let own = document.replace("http://www.w3.org/2000/svg", "");
            assert!(!own.contains(bad), "{bad:?} in {document}");
        }
        assert!(document.contains("王小明 ਸਿੰਘ"));
    }
    well_formed(&drawing::standalone(&account)).unwrap();
    assert!(style::policy().starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(!style::policy().contains("unsafe"));
}

/// Whether a document is well-formed, as far as ours could fail to be: every tag closed, in order, nothing raw.
fn well_formed(document: &str) -> Result<(), String> {
    let body = document.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").ok_or("no declaration")?;
    let mut open: Vec<&str> = Vec::new();
    for (place, piece) in body.split('<').enumerate() {
        let (tag, text) = if place == 0 { ("", piece) } else { piece.split_once('>').ok_or(piece)? };
        let entities = ["amp;", "lt;", "gt;", "quot;"];
        for after in text.split('&').skip(1).chain(tag.split('&').skip(1)) {
            if !entities.iter().any(|entity| after.starts_with(entity)) {
                return Err(format!("a raw & before {after}"));
            }
        }
        if document.chars().any(|sign| sign.is_control() && sign != '\n') {
            return Err("a control character".to_owned());
        }
        match tag.strip_prefix('/') {
            Some(name) if open.pop() != Some(name) => return Err(format!("{name} closes nothing")),
            Some(_) => {}
            None if tag.is_empty() => {}
            None => open.push(tag.split_whitespace().next().unwrap_or_default()),
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} stay open")) }
}

#[test]
fn one_at_night_is_cut_off_at_the_edge_and_does_not_make_a_point_of_the_lesson() {
    let chart = lay_out(&busy());
    let bars = chart.rows.iter().flat_map(|row| &row.bars);
    let night = bars.clone().find(|bar| bar.title.contains("20:00:00")).unwrap();
    assert_eq!((night.cut, night.kind), ((false, true), Kind::Uncounted), "it goes on to the right");
    let planned = bars.clone().find(|bar| bar.kind == Kind::Planned).unwrap();
    assert!(planned.width > (RIGHT - LEFT) / 3.0, "{planned:?}");
    assert!(chart.ticks.iter().any(|tick| tick.label == "10:30"), "{:?}", chart.ticks);
}

#[test]
fn an_axis_names_a_new_day_once() {
    let clock = super::clock_face::ClockFace::new(chrono_tz::Europe::Berlin, at(0));
    // 23:55, midnight and 00:05 in Berlin.
    let labels = [835, 840, 845].map(|minute| clock.tick(at(minute)));
    assert_eq!(labels, ["23:55", "4 Mar", "00:05"]);
}

fn any_stay() -> impl Strategy<Value = Connection> {
    let source = proptest::sample::select(&[Source::Webhook, Source::Report, Source::App, Source::Hand]);
    let room = proptest::sample::select(&[Room::Main, Room::Breakout, Room::Waiting]);
    let minute = || proptest::option::weighted(0.8, -300..900_i64);
    (proptest::sample::select(&["ann", "reyes"]), source, room, minute(), minute())
        .prop_map(|(who, source, room, join, leave)| stay(who, source, room, join, leave))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_happened_everything_lies_on_the_paper_and_is_well_formed(
        connections in proptest::collection::vec(any_stay(), 0..60),
        name in "\\PC{0,40}",
    ) {
        let account = account(&name, &Connections::from_iter(connections).into_vec());
        let chart = lay_out(&account);
        for bar in chart.rows.iter().flat_map(|row| &row.bars) {
            prop_assert!(bar.x >= LEFT && bar.width >= 1.5 && bar.x + bar.width <= RIGHT + 1.6, "{:?}", bar);
        }
        prop_assert!(chart.ticks.len() <= 12);
        prop_assert!(chart.ticks.windows(2).all(|pair| pair[0].x < pair[1].x));
        prop_assert_eq!(well_formed(&drawing::standalone(&account)), Ok(()));
        let words = words::say(&account);
        prop_assert!(words.sentences.len() >= 4 && words.sentences.iter().all(|s| !s.is_empty()));
        page::page(&account).into_string();
    }

    #[test]
    fn the_counted_row_is_as_long_as_the_counted_time(
        stays in proptest::collection::vec((0..45_i64, 1..20_i64), 1..6),
    ) {
        let mut connections = vec![live("reyes", 0, 46)];
        connections.extend(stays.iter().map(|(join, long)| live("ann", *join, join + long)));
        let account = account("Ann", &Connections::from_iter(connections).into_vec());
        let chart = lay_out(&account);
        let width = |kind| -> f64 {
            let bars = chart.rows.iter().flat_map(|row| &row.bars).filter(|bar| bar.kind == kind);
            bars.map(|bar| bar.width).sum()
        };
        let expected = width(Kind::Window) * account.facts.score_milli as f64 / 1000.0;
        prop_assert!((width(Kind::Total) - expected).abs() < 5.0, "{} {}", width(Kind::Total), expected);
    }
}
