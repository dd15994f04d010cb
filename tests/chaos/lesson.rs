//! A class: booked, moved to the near future, played by the sandbox while everything else goes on.

use anyhow::{Context as _, Result};
use chrono::Duration;
use convened::clock::Instant;
use convened::sandbox::timetable::{Act, Move, Offset, Person, Role, Timetable};
use convened::zoom::http::Method;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;

use crate::api::Request;
use crate::book::{Expected, Promise, State};
use crate::stage::Stage;

/// How long the class is planned for.
pub(crate) const MINUTES: i64 = 12;
/// How far ahead it is moved at first; further each time that Zoom does not hear of it soon enough.
const LEAD_MINUTES: i64 = 8;
/// How often it is moved before it is given up.
const MOVES_MAX: i64 = 6;
/// How often the account is looked at.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(5);
/// How long the first meeting may take to appear.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Draws who comes and goes when.
pub(crate) fn draw(rng: &mut StdRng) -> Timetable {
    let host_comes = rng.random_range(-120..120);
    let mut persons = vec![person("Host", Role::Host, vec![vec![at(host_comes, Act::Join)]])];
    for index in 0..rng.random_range(3..=7) {
        let devices = (0..if rng.random_bool(0.2) { 2 } else { 1 }).map(|_| device(rng)).collect();
        persons.push(person(&format!("Pupil {index}"), Role::Attendee, devices));
    }
    Timetable {
        meeting: String::new(),
        planned: None,
        seed: rng.random(),
        instant: false,
        host_ends: vec![Offset(rng.random_range(MINUTES * 60 - 30..MINUTES * 60 + 60))],
        ended_first: None,
        persons,
        delivery: Default::default(),
    }
}

fn person(name: &str, role: Role, devices: Vec<Vec<Move>>) -> Person {
    let name = name.to_owned();
    Person { name, role, devices, ..Person::default() }
}

fn at(second: i64, act: Act) -> Move {
    Move::new(Offset(second), act)
}

/// What one device does: comes, perhaps through the waiting room, perhaps twice, and leaves or stays to the end.
fn device(rng: &mut StdRng) -> Vec<Move> {
    let come = rng.random_range(-100..MINUTES * 30);
    let mut moves = if rng.random_bool(0.3) {
        vec![at(come, Act::Wait), at(come + rng.random_range(10..100), Act::Admit)]
    } else {
        vec![at(come, Act::Join)]
    };
    if rng.random_bool(0.3) {
        let gone = come + rng.random_range(110..200);
        let way = if rng.random_bool(0.5) {
            Act::Leave
        } else {
            Act::Die { noticed_after: rng.random_range(20..75) }
        };
        moves.push(at(gone, way));
        moves.push(at(gone + rng.random_range(5..100), Act::Join));
    }
    if rng.random_bool(0.5) {
        moves.push(at(rng.random_range(MINUTES * 60 - 300..MINUTES * 60 - 130).max(come + 310), Act::Leave));
    }
    moves
}

/// A class that was played.
pub(crate) struct Played {
    pub(crate) class: u64,
    pub(crate) appointment: String,
    pub(crate) tag: String,
}

/// Books the class, moves it near, and has it played. `None` when Zoom did not hear of it in time: a storm may
/// outlast a class.
pub(crate) async fn hold(stage: &Stage, index: usize, mut class: Timetable) -> Result<Option<Played>> {
    let tag = format!("class-{index}");
    enrol(stage, &tag, &class).await?;
    let promise = book(stage, &tag).await?;
    let appointment = promise.id.clone();
    let path = format!("/api/appointments/{appointment}");
    stage.book.add(promise);
    let number = stage.until(PATIENCE, LOOK_EVERY, || stage.number_of(&tag)).await;
    let Some(number) = number else { return Ok(None) };
    for moved in 1..=MOVES_MAX {
        let start = near(stage, LEAD_MINUTES * moved);
        let body = json!({ "start_time": start.to_rfc3339() });
        let answer = stage.api.ask(&Request::new(Method::PATCH, &path).body(body)).await?;
        // A daemon that was down for long, or a busy machine, makes a start in the near future one in the past.
        let late = answer.code() == "VALIDATION_FAILED";
        stage.book.judge(&tag, answer.is_done() || late, "the move of a class is taken", &answer);
        if late {
            continue;
        }
        stage.book.change(&tag, |known| known.start = start);
        let left = (start - stage.clock.now() - Duration::minutes(3)).to_std().unwrap_or_default();
        let told = || stage.sandbox.state().meeting(number).filter(|meeting| meeting.start == start);
        if stage.until(stage.clock.real(left), LOOK_EVERY, told).await.is_some() {
            class.meeting = number.to_string();
            let class = stage.sandbox.classes().play(class)?;
            stage.book.change(&tag, |known| known.state = State::Played);
            return Ok(Some(Played { class, appointment, tag }));
        }
    }
    stage.book.change(&tag, |known| known.state = State::Lapsed);
    Ok(None)
}

/// A whole minute, so many minutes ahead.
fn near(stage: &Stage, minutes: i64) -> Instant {
    let ahead = stage.clock.now() + Duration::minutes(minutes);
    let whole = ahead.timestamp() - ahead.timestamp().rem_euclid(60);
    Instant::from_timestamp(whole, 0).unwrap_or(ahead)
}

async fn enrol(stage: &Stage, tag: &str, class: &Timetable) -> Result<()> {
    let mut members = Vec::new();
    for (index, person) in class.persons.iter().enumerate() {
        let role = if person.role == Role::Host { "host" } else { "attendee" };
        let reference = format!("{tag}-{index}");
        let mut body = json!({ "name": person.name, "role": role });
        if person.role == Role::Host {
            stage.zoom_user(&reference)?;
            body = json!({ "name": person.name, "role": role, "email": Stage::email(&reference) });
        }
        stage.api.put(&format!("/api/people/{reference}"), body).await?;
        members.push(json!({ "person": reference, "role": role }));
    }
    let group = json!({ "kind": "class", "name": tag, "members": members });
    stage.api.put(&format!("/api/groups/{tag}"), group).await
}

async fn book(stage: &Stage, tag: &str) -> Result<Promise> {
    let start = stage.slot(100);
    let title = format!("{tag} v1");
    let body = json!({ "kind": "class", "title": title, "description": stage.description(tag), "group": tag,
        "start_time": start.to_rfc3339(), "duration": MINUTES });
    let request = Request::new(Method::POST, "/api/appointments").body(body).key(tag);
    let answer = stage.api.ask(&request).await?;
    let id = answer.text("/appointment/id").with_context(|| format!("a class was not booked: {answer}"))?;
    Ok(Promise {
        tag: tag.to_owned(),
        id,
        title,
        start,
        minutes: MINUTES,
        zone: "UTC".to_owned(),
        host: Expected::Person(format!("{tag}-0")),
        group: Some(tag.to_owned()),
        series: None,
        state: State::Confirmed,
        log: Vec::new(),
    })
}
