//! A mark in plain sentences, in the order in which somebody asks: what is the mark, when was the meeting, when was
//! the person there, what does that come to, what do the rules ask, and who said otherwise.

use chrono::{DateTime, Utc};

use super::account::{Account, Phase};
use super::clock_face::{ClockFace, clean, duration, per_cent};
use crate::domain::attendance::{
    CountedTime, EndReason, Finding, MarkStatus, PresentNeeds, StartReason, Thresholds,
};
use crate::domain::connection::{Room, Source};

/// Stays that are listed in a sentence; the table has all.
const STAYS_MAX: usize = 6;

/// A mark in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// The mark in one sentence.
    pub(super) verdict: String,
    /// How it came about.
    pub(super) sentences: Vec<String>,
}

/// Says it.
pub(super) fn say(account: &Account) -> Words {
    let clock = clock(account);
    let name = clean(&account.person.name);
    let mut sentences = Vec::new();
    if account.lesson.phase == Phase::NotBegun {
        let planned = account.facts.evidence.planned;
        sentences.push(format!("The meeting is planned for {}.", clock.span(planned.start, planned.end)));
    } else {
        sentences.push(lesson(account, &clock));
        sentences.extend(seen(account, &name, &clock));
        sentences.push(counted(account));
        sentences.push(rule(account));
        sentences.extend(remarks(account, &name, &clock));
        sentences.extend(standing(account));
    }
    sentences.extend(by_hand(account, &clock));
    sentences.extend(strangers(account, &name));
    Words { verdict: verdict(account, &name), sentences }
}

/// The clock on the wall of this meeting.
pub(super) fn clock(account: &Account) -> ClockFace {
    ClockFace::new(account.lesson.zone, account.facts.evidence.planned.start)
}

fn verdict(account: &Account, name: &str) -> String {
    let found = account.facts.status.as_str();
    let by_hand = account.standing().and_then(|word| word.status.as_deref());
    match (account.lesson.phase, by_hand) {
        (Phase::NotBegun, None) => format!("{name} has no mark yet: the meeting has not taken place."),
        (Phase::NotBegun, Some(given)) => format!("{name} will be marked {given}, by hand."),
        (Phase::Scored, None) => format!("{name} is marked {found}."),
        (Phase::Scored, Some(given)) => {
            format!("{name} is marked {given}, by hand; what was found is {found}.")
        }
        (_, None) => format!("By what is known so far, {name} would be marked {found}."),
        (_, Some(given)) => format!("{name} will be marked {given}, by hand; found so far is {found}."),
    }
}

fn lesson(account: &Account, clock: &ClockFace) -> String {
    let evidence = &account.facts.evidence;
    let (planned, window, reason) = (evidence.planned, evidence.window, evidence.window_reason);
    let plan = clock.span(planned.start, planned.end);
    if !account.lesson.ran {
        return format!("The meeting was planned for {plan}; it is not known to have run.");
    }
    let length = duration(evidence.arithmetic.window_seconds);
    let start = match reason.start {
        StartReason::Planned => None,
        StartReason::HostOpenedLate => Some(format!("the host opened it at {}", clock.time(window.start))),
        StartReason::OpenedLate => Some(format!("it began at {}", clock.time(window.start))),
    };
    let end = match reason.end {
        EndReason::Planned => None,
        EndReason::ClosedEarly => Some(format!("it was closed at {}", clock.time(window.end))),
    };
    let because: Vec<String> = start.into_iter().chain(end).collect();
    // Seconds before or after are no other time to people.
    if because.is_empty() || plan == clock.span(window.start, window.end) {
        return format!(
            "The meeting ran from {} as planned ({length}).",
            between(clock, window.start, window.end)
        );
    }
    format!(
        "The meeting was planned for {plan}; {}, so that it counts from {} ({length}).",
        because.join(" and "),
        between(clock, window.start, window.end)
    )
}

fn between(clock: &ClockFace, start: DateTime<Utc>, end: DateTime<Utc>) -> String {
    format!("{} to {}", clock.time(start), clock.time(end))
}

/// When they were there.
fn seen(account: &Account, name: &str, clock: &ClockFace) -> Vec<String> {
    let facts = &account.facts;
    match facts.evidence.finding {
        Finding::Attended => attended(account, name, clock),
        Finding::OutsideWindow => {
            let stays = stays_outside(account, clock);
            vec![format!("{name} was in the meeting only outside that time{stays}.")]
        }
        Finding::NeverAdmitted => {
            let waits = facts.evidence.connections.iter().filter(|c| c.room == Room::Waiting);
            let since = waits.filter_map(|c| c.joined.or(c.left)).min();
            let at = since.map_or_else(String::new, |at| format!(" at {}", clock.time(at)));
            vec![format!(
                "{name} came to the waiting room{at} and was never admitted; waiting does not count."
            )]
        }
        Finding::NotSeen => {
            let button = facts.evidence.connections.iter().find(|c| c.source == Source::App);
            let pressed = button.and_then(|c| c.joined.or(c.left)).map(|at| {
                format!(
                    "The calling system's own button was pressed at {}; that proves an intention, not a presence.",
                    clock.time(at)
                )
            });
            std::iter::once(format!("Nothing that counts was seen of {name}.")).chain(pressed).collect()
        }
    }
}

fn attended(account: &Account, name: &str, clock: &ClockFace) -> Vec<String> {
    let facts = &account.facts;
    let stays = facts.evidence.attended.as_slice();
    let joined = facts.first_join.map_or_else(String::new, |at| format!(" joined at {}", clock.time(at)));
    let still = account.lesson.phase == Phase::Running;
    let left = match facts.last_leave {
        Some(at) if stays.len() > 1 => format!(" and left for the last time at {}", clock.time(at)),
        Some(at) => format!(" and left at {}", clock.time(at)),
        None if still => " and is still there".to_owned(),
        None => " and stayed to the end".to_owned(),
    };
    let mut sentences = vec![format!("{name}{joined}{left}.")];
    if stays.len() > 1 {
        let listed: Vec<String> =
            stays.iter().take(STAYS_MAX).map(|stay| clock.span(stay.start, stay.end)).collect();
        let more = stays.len().saturating_sub(STAYS_MAX);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        sentences.push(format!(
            "In the counted time there are {} stays: {}{more}.",
            stays.len(),
            listed.join(", ")
        ));
    }
    sentences
}

fn stays_outside(account: &Account, clock: &ClockFace) -> String {
    let stays = account.facts.evidence.connections.iter().filter(|c| c.room != Room::Waiting);
    let spans: Vec<String> = stays
        .filter_map(|c| {
            let taken = c.taken_as.map(|stay| (stay.start, stay.end));
            let (start, end) = taken.or(c.joined.zip(c.left))?;
            Some(clock.span(start, end))
        })
        .take(STAYS_MAX)
        .collect();
    if spans.is_empty() { String::new() } else { format!(": {}", spans.join(", ")) }
}

fn counted(account: &Account) -> String {
    let (facts, numbers) = (&account.facts, &account.facts.evidence.arithmetic);
    let sum = format!(
        "Counted: {} of {} ({})",
        duration(facts.attended_secs),
        duration(numbers.window_seconds),
        per_cent(facts.score_milli)
    );
    match (numbers.counted_time, numbers.attended_seconds, numbers.together_seconds) {
        (CountedTime::Together, attended, _) => {
            let all = duration(attended);
            format!("{sum}; these rules count the time together with a host, and there were {all} in all.")
        }
        (CountedTime::Attended, 0, _) | (CountedTime::Attended, _, 0) => format!("{sum}."),
        (CountedTime::Attended, attended, together) if attended == together => {
            format!("{sum}, all of it together with a host.")
        }
        (CountedTime::Attended, _, together) => {
            format!("{sum}, {} of it together with a host.", duration(together))
        }
    }
}

fn rule(account: &Account) -> String {
    let (facts, numbers) = (&account.facts, &account.facts.evidence.arithmetic);
    let how = account.rules.as_ref().map(|rules| format!(" ({})", asked(&rules.thresholds)));
    let reached = facts.attended_secs >= numbers.needed_seconds;
    let verdict = match (facts.status, reached) {
        (MarkStatus::Absent, _) => "there is no counted time",
        (_, true) => "that is reached",
        (_, false) => "that is not reached",
    };
    format!(
        "{} asks for {}{}: {verdict}. → {}",
        clean(&facts.evidence.rules),
        duration(numbers.needed_seconds),
        how.unwrap_or_default(),
        facts.status.as_str()
    )
}

/// Where the needed time comes from.
fn asked(thresholds: &Thresholds) -> String {
    let minutes = format!("{} min", thresholds.present_after_minutes);
    let share = per_cent((thresholds.present_share * 1000.0).round() as i64);
    match thresholds.present_needs {
        PresentNeeds::Either => format!("{minutes} or {share}, whichever is less"),
        PresentNeeds::Both => format!("{minutes} and {share}"),
        PresentNeeds::Minutes => minutes,
        PresentNeeds::Share => share,
    }
}

/// What else the rules look at.
fn remarks(account: &Account, name: &str, clock: &ClockFace) -> Vec<String> {
    let (facts, numbers) = (&account.facts, &account.facts.evidence.arithmetic);
    let mut remarks = Vec::new();
    if let (MarkStatus::Late, Some(by)) = (facts.status, numbers.late_by_seconds) {
        let window = facts.evidence.window.interval().length();
        let limit = account.rules.as_ref().map(|rules| duration(rules.late_after(window).num_seconds()));
        let limit = limit.map_or_else(String::new, |limit| format!("; up to {limit} is in time"));
        remarks.push(format!("{name} came {} after the start{limit}.", duration(by)));
    }
    if let (true, Some(by)) = (facts.left_early, numbers.left_before_end_seconds) {
        remarks.push(format!("{name} left {} before the end.", duration(by)));
    }
    if facts.host_absent {
        remarks.push("No host was there.".to_owned());
    } else if let (true, Some(opened)) = (facts.host_late, facts.evidence.host.opened) {
        remarks.push(format!("The host came late, at {}.", clock.time(opened)));
    }
    if !facts.held_against {
        remarks.push(format!("The mark is not held against {name}: rates leave it out."));
    }
    remarks
}

/// How firm it is.
fn standing(account: &Account) -> Option<String> {
    let text = match (account.lesson.phase, account.facts.provisional) {
        (Phase::Scored, true) => "The mark is provisional: Zoom's own report may still change it.",
        (Phase::Scored, false) => match account.judged_by {
            Some("no_run") => {
                "The mark is final: neither Zoom nor its webhooks told of the meeting having run."
            }
            Some("webhooks") => "Zoom gave no report in time: the mark is final by what was seen live.",
            Some("report") => "The mark is final: Zoom's own report has been read completely.",
            _ => "The mark is final.",
        },
        (Phase::Running, _) => "The meeting is still going on.",
        (Phase::BeingScored, _) => "The meeting has ended and is being scored.",
        (Phase::NotBegun, _) => return None,
    };
    Some(text.to_owned())
}

fn by_hand(account: &Account, clock: &ClockFace) -> Option<String> {
    let word = account.words.last()?;
    let (by, at) = (clean(&word.author), clock.moment(word.at.into()));
    Some(match &word.status {
        Some(status) => format!("{by} put “{status}” in its place on {at}."),
        None => format!("An earlier correction was lifted by {by} on {at}."),
    })
}

fn strangers(account: &Account, name: &str) -> Option<String> {
    let unclear = account.facts.status == MarkStatus::Absent || account.facts.status == MarkStatus::Partial;
    let strangers = account.strangers.filter(|count| *count > 0 && unclear)?;
    let who = if strangers == 1 {
        "One participant was".to_owned()
    } else {
        format!("{strangers} participants were")
    };
    Some(format!("{who} recognised as nobody; should that have been {name}, it can be settled by hand."))
}
