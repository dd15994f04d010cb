//! The evidence of a mark as one page, for a parent, a patient or an auditor to read or print.

use maud::{DOCTYPE, Markup, html};

use super::account::{Account, Line, Phase};
use super::clock_face::{ClockFace, clean, duration, per_cent};
use super::timeline::{room_word, source_word};
use super::words;
use super::{drawing, style};
use crate::domain::attendance::{ConnectionEvidence, MatchedBy};
use crate::domain::connection::{Room, Source};
use crate::domain::interval::Interval;
use crate::store::correction::Correction;

/// Connections in the table; a person with more has had a bad line, and JSON has all.
const CONNECTIONS_MAX: usize = 200;

/// The page.
pub(super) fn page(account: &Account) -> Markup {
    let clock = words::clock(account);
    let said = words::say(account);
    let name = clean(&account.person.name);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (name) " – " (clean(&account.lesson.title)) }
                style { (maud::PreEscaped(style::PAGE)) }
            }
            body {
                main {
                    (head(account, &name, &clock))
                    section.story {
                        p.verdict { (said.verdict) }
                        @for sentence in &said.sentences { p { (sentence) } }
                        @if let Some(note) = note(account) { p { "Note: “" bdi { (note) } "”" } }
                    }
                    @if account.lesson.phase != Phase::NotBegun {
                        figure { (drawing::inline(account)) }
                        (numbers(account, &clock))
                        (connections(account, &clock))
                    }
                    (corrections(&account.words, &clock))
                    (story(&account.story, &clock))
                    (foot(account, &clock))
                }
            }
        }
    }
}

fn head(account: &Account, name: &str, clock: &ClockFace) -> Markup {
    let planned = account.facts.evidence.planned;
    let status = account.status();
    let firmness = match (account.standing().is_some(), account.lesson.phase, account.facts.provisional) {
        (true, ..) => "by hand",
        (_, Phase::Scored, false) => "final",
        (_, Phase::Scored, true) => "provisional",
        (_, Phase::NotBegun, _) => "not begun",
        _ => "so far",
    };
    html! {
        header {
            div {
                h1 {
                    @match status {
                        Some(status) => { "Why is " bdi { (name) } " marked " (status) "?" },
                        None => { bdi { (name) } },
                    }
                }
                p.sub {
                    bdi { (clean(&account.lesson.title)) }
                    @if let Some(group) = &account.lesson.group { " · " bdi { (clean(group)) } }
                }
                p.sub {
                    (clock.date(planned.start)) ", " (clock.span(planned.start, planned.end))
                    " (" (clock.zone(planned.start)) ")"
                }
            }
            div.badge { b { (status.unwrap_or("no mark")) } small { (firmness) } }
        }
    }
}

fn note(account: &Account) -> Option<String> {
    account.standing()?.note.as_deref().map(clean_note)
}

/// A note keeps its length; it is bounded when it is written.
fn clean_note(note: &str) -> String {
    note.split_whitespace().map(clean).collect::<Vec<_>>().join(" ")
}

fn numbers(account: &Account, clock: &ClockFace) -> Markup {
    let (facts, numbers) = (&account.facts, &account.facts.evidence.arithmetic);
    let seconds = |seconds: Option<i64>| seconds.map_or_else(|| "–".to_owned(), duration);
    let time =
        |at: Option<chrono::DateTime<chrono::Utc>>| at.map_or_else(|| "–".to_owned(), |at| clock.second(at));
    let yes = |flag: bool| if flag { "yes" } else { "no" };
    let entries: [(&str, String); 15] = [
        ("Counted", duration(facts.attended_secs)),
        ("of", duration(numbers.window_seconds)),
        ("Share", per_cent(facts.score_milli)),
        ("Attended", duration(numbers.attended_seconds)),
        ("Needed", duration(numbers.needed_seconds)),
        ("Rules", facts.evidence.rules.clone()),
        ("First joined", time(facts.first_join)),
        ("Left for the last time", time(facts.last_leave)),
        ("After the start", seconds(numbers.late_by_seconds)),
        ("Before the end", seconds(numbers.left_before_end_seconds.map(|by| by.max(0)))),
        ("Together with a host", duration(numbers.together_seconds)),
        ("Left early", yes(facts.left_early).to_owned()),
        ("Host late", yes(facts.host_late).to_owned()),
        ("Host absent", yes(facts.host_absent).to_owned()),
        ("Held against the person", yes(facts.held_against).to_owned()),
    ];
    html! {
        h2 { "The arithmetic" }
        dl { @for (what, value) in entries { div { dt { (what) } dd { (value) } } } }
    }
}

fn connections(account: &Account, clock: &ClockFace) -> Markup {
    let evidence = &account.facts.evidence;
    let all = &evidence.connections;
    let window = evidence.window.interval();
    html! {
        h2 { "Every connection" }
        @if all.is_empty() {
            p.none { "No connection was recognised as this person’s." }
        } @else {
            div.wide {
                table {
                    thead {
                        tr {
                            th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "Room" }
                            th scope="col" { "Said by" } th scope="col" { "Recognised by" } th scope="col" { "Counted" }
                        }
                    }
                    tbody {
                        @for connection in all.iter().take(CONNECTIONS_MAX) { (connection_row(connection, all, &window, clock)) }
                    }
                }
            }
            @if all.len() > CONNECTIONS_MAX {
                p.none { (all.len() - CONNECTIONS_MAX) " more are in the JSON of this record." }
            }
        }
        @if !account.names.is_empty() {
            p.none {
                "Names shown in the meeting: "
                @for (place, name) in account.names.iter().enumerate() {
                    @if place > 0 { ", " }
                    bdi { (clean(name)) }
                }
            }
        }
    }
}

fn connection_row(
    connection: &ConnectionEvidence,
    all: &[ConnectionEvidence],
    window: &Interval,
    clock: &ClockFace,
) -> Markup {
    let end =
        |told: Option<chrono::DateTime<chrono::Utc>>, taken: Option<chrono::DateTime<chrono::Utc>>| match (
            told, taken,
        ) {
            (Some(at), _) => clock.second(at),
            (None, Some(at)) => format!("not told; taken as {}", clock.second(at)),
            (None, None) => "not told".to_owned(),
        };
    let taken = connection.taken_as;
    let why = why(connection, all, window);
    html! {
        tr {
            td.num { (end(connection.joined, taken.map(|stay| stay.start))) }
            td.num { (end(connection.left, taken.map(|stay| stay.end))) }
            td { (room_word(connection.room)) }
            td { (source_word(connection.source)) }
            td.id {
                (matched_word(connection.matched_by))
                @if connection.matched_by != MatchedBy::Hand { ": " bdi { (clean(&connection.identity)) } }
            }
            td.yes[connection.counted] { (why) }
        }
    }
}

/// What somebody was recognised by, in words.
fn matched_word(by: MatchedBy) -> &'static str {
    match by {
        MatchedBy::Hand => "settled by hand",
        MatchedBy::RegistrantId => "personal link",
        MatchedBy::ZoomUserId => "Zoom account",
        MatchedBy::Email => "e-mail",
        MatchedBy::CustomerKey => "our own key",
        MatchedBy::Name => "unique name",
    }
}

/// Whether a connection counted, or why not.
pub(super) fn why(
    connection: &ConnectionEvidence,
    all: &[ConnectionEvidence],
    window: &Interval,
) -> &'static str {
    if connection.counted {
        return "counts";
    }
    if connection.room == Room::Waiting {
        return "no: the waiting room is not the meeting";
    }
    let told = connection.joined.zip(connection.left).map(|(joined, left)| Interval::new(joined, left));
    let inside = connection.taken_as.or(told).is_some_and(|time| time.overlaps(window));
    let reported = || all.iter().any(|c| c.source == Source::Report && c.instance == connection.instance);
    match connection.source {
        Source::App => "no: a button proves no presence",
        Source::Webhook if connection.taken_as.is_none() && reported() => {
            "no: Zoom’s report stands in its place"
        }
        Source::Webhook if inside => "no: Zoom’s report does not have it",
        Source::Report if inside => "no: the report is not read completely",
        Source::Webhook | Source::Report | Source::Hand if told.or(connection.taken_as).is_none() => {
            "no: it has no known length"
        }
        Source::Webhook | Source::Report | Source::Hand => "no: outside the counted time",
    }
}

fn corrections(words: &[Correction], clock: &ClockFace) -> Markup {
    html! {
        @if !words.is_empty() {
            h2 { "Corrections by hand" }
            table {
                thead {
                    tr { th scope="col" { "When" } th scope="col" { "By" } th scope="col" { "Mark" } th scope="col" { "Note" } }
                }
                tbody {
                    @for word in words {
                        tr {
                            td.num { (clock.moment(word.at.into())) }
                            td { bdi { (clean(&word.author)) } }
                            td { (word.status.as_deref().unwrap_or("lifted")) }
                            td { bdi { (word.note.as_deref().map(clean_note).unwrap_or_default()) } }
                        }
                    }
                }
            }
        }
    }
}

fn story(lines: &[Line], clock: &ClockFace) -> Markup {
    html! {
        @if !lines.is_empty() {
            h2 { "What happened to this mark" }
            table {
                tbody {
                    @for line in lines {
                        tr {
                            td.num { (clock.moment(line.at)) }
                            td {
                                (clean(&line.text))
                                @if let (Some(from), Some(to)) = (&line.from, &line.to) {
                                    " (" (clean(from)) " → " (clean(to)) ")"
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn foot(account: &Account, clock: &ClockFace) -> Markup {
    let made =
        if account.lesson.phase == Phase::Scored { "From the stored mark" } else { "By what is known" };
    html! {
        footer {
            (made) ", shown on " (clock.moment(account.as_of)) ". All times are of " (account.lesson.zone.name())
            @if let Some(number) = &account.lesson.number { ". Zoom meeting " (number) }
            ". Person " bdi { (clean(&account.person.id)) } "."
        }
    }
}
