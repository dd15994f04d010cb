//! A caller at work: asks, believes what is acknowledged, and remembers it.

mod series;

use std::cell::Cell;
use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use chrono::TimeZone as _;
use chrono_tz::Tz;
use convened::clock::Instant;
use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::api::{Answer, Request};
use crate::book::{Expected, Promise, State, Violation};
use crate::plan::{Act, GROUPS, HOSTS, Turn, Who, Wish};
use crate::stage::Stage;

const HOST_CONFLICT: &str = "HOST_CONFLICT";
const INVALID_TRANSITION: &str = "INVALID_TRANSITION";
const ASKS_TO_CANCEL: &str = "asks to cancel";

/// One caller with people, groups and bookings of its own.
pub(crate) struct Caller<'a> {
    stage: &'a Stage,
    name: String,
    booked: Cell<u32>,
    /// The last host was asked to leave.
    host_left: Cell<bool>,
    /// The last group was asked to end.
    group_ended: Cell<bool>,
}

impl<'a> Caller<'a> {
    /// Tells the daemon of the caller's people and groups.
    pub(crate) async fn arrive(stage: &'a Stage, index: usize) -> Result<Self> {
        let name = format!("c{index}-");
        let caller = Self {
            stage,
            name,
            booked: Cell::new(0),
            host_left: Cell::new(false),
            group_ended: Cell::new(false),
        };
        for host in 0..HOSTS {
            let reference = caller.host(host);
            stage.zoom_user(&reference)?;
            let body = json!({ "name": reference, "email": Stage::email(&reference), "role": "host" });
            stage.api.put(&format!("/api/people/{reference}"), body).await?;
        }
        for pupil in 0..4 {
            let reference = caller.pupil(pupil);
            let body = json!({ "name": reference, "email": Stage::email(&reference), "role": "attendee" });
            stage.api.put(&format!("/api/people/{reference}"), body).await?;
        }
        for group in 0..GROUPS {
            caller.regroup(group, 2).await?;
        }
        Ok(caller)
    }

    /// Does everything of the plan, one after the other.
    pub(crate) async fn work(&self, turns: Vec<Turn>) -> Result<()> {
        for turn in turns {
            tokio::time::sleep(turn.pause).await;
            self.act(turn.act).await?;
        }
        Ok(())
    }

    async fn act(&self, act: Act) -> Result<()> {
        match act {
            Act::Book(wish) => self.book(&wish).await,
            Act::Twins(wish) => {
                let (one, other) = futures::join!(self.book(&wish), self.book(&wish));
                one.and(other)
            }
            Act::Move { of, slot } => {
                let start = self.stage.slot(slot);
                self.edit(of, json!({ "start_time": start.to_rfc3339() }), move |promise| {
                    promise.start = start
                })
                .await
            }
            Act::Rename { of } => {
                let Some(promise) = self.stage.book.nth(&self.name, of) else { return Ok(()) };
                let title = next_title(&promise.title);
                self.edit(of, json!({ "title": title }), |promise| promise.title.clone_from(&title)).await
            }
            Act::Stretch { of, minutes } => self.stretch(of, minutes).await,
            Act::Hurry { of, minutes, again } => self.hurry(of, minutes, again).await,
            Act::Cancel { of } => self.cancel(of).await,
            Act::Series(wish) => series::book(self, &wish).await,
            Act::CancelRest { of } => series::cancel_rest(self, of).await,
            Act::CancelAmidEdit { of } => {
                let (edited, cancelled) = futures::join!(self.stretch(of, 25), self.cancel(of));
                edited.and(cancelled)
            }
            Act::Confirm { of } => self.confirm(of).await,
            Act::LetHostGo => self.let_host_go().await,
            Act::Dissolve => self.dissolve().await,
            Act::Regroup { group, members } => {
                // A group that has ended stays so.
                if group + 1 < GROUPS { self.regroup(group, members).await } else { Ok(()) }
            }
        }
    }

    async fn book(&self, wish: &Wish) -> Result<()> {
        let tag = self.next_tag();
        let promise = self.promise(&tag, wish);
        let request = Request::new(Method::POST, "/api/appointments")
            .body(self.body(&promise, wish))
            .key(&tag)
            .wait(wish.wait_secs);
        let answer = self.stage.api.ask(&request).await?;
        if !answer.is_done() {
            self.refused(&tag, wish, &answer);
            return Ok(());
        }
        let id =
            answer.text("/appointment/id").with_context(|| format!("a booking without an id: {answer}"))?;
        self.stage.book.add(Promise { id: id.clone(), ..promise });
        self.stage.book.judge(&tag, true, "booked", &answer);
        if wish.repeated {
            let again = self.stage.api.ask(&request).await?;
            let same = again.is_done() && again.text("/appointment/id") == Some(id);
            self.stage.book.judge(&tag, same, "the same booking for the same Idempotency-Key", &again);
        }
        Ok(())
    }

    /// A booking may be refused because its host has another then, has left, or the group has ended.
    fn refused(&self, tag: &str, wish: &Wish, answer: &Answer) {
        let left = wish.host == Who::Host(HOSTS - 1) && self.host_left.get();
        let ended = wish.host == Who::Group(GROUPS - 1) && self.group_ended.get();
        if answer.code() != HOST_CONFLICT && !left && !ended {
            self.stage.book.accuse(Violation::new(Some(tag), "a booking is taken", answer.to_string()));
        }
    }

    /// The tag of the next booking.
    fn next_tag(&self) -> String {
        let count = self.booked.get() + 1;
        self.booked.set(count);
        format!("{}{count:02}", self.name)
    }

    fn promise(&self, tag: &str, wish: &Wish) -> Promise {
        let named = |reference: String| match wish.on_conflict {
            "reassign" => Expected::PersonOrPool(reference),
            _ => Expected::Person(reference),
        };
        let (host, group) = match wish.host {
            Who::Host(host) => (named(self.host(host)), None),
            Who::Group(group) => (named(self.host_of(group)), Some(self.group(group))),
            Who::Pool => (Expected::Pool, None),
        };
        Promise {
            tag: tag.to_owned(),
            id: String::new(),
            title: format!("{tag} v1"),
            start: self.stage.slot(wish.slot),
            minutes: wish.minutes,
            zone: wish.zone.to_owned(),
            host,
            group,
            series: None,
            state: if wish.requested { State::Requested } else { State::Confirmed },
            log: Vec::new(),
        }
    }

    fn body(&self, promise: &Promise, wish: &Wish) -> Value {
        let mut body = json!({
            "kind": if promise.group.is_some() { "class" } else { "consultation" },
            "title": promise.title, "description": self.stage.description(&promise.tag),
            "start_time": written(promise.start, wish), "timezone": wish.zone, "duration": promise.minutes,
            "status": if wish.requested { "requested" } else { "confirmed" }, "on_conflict": wish.on_conflict,
            "attendees": [self.pupil(0), { "name": "A guest", "email": format!("guest-{}@elsewhere.example", promise.tag) }],
        });
        let named = match wish.host {
            Who::Host(host) => Some(("host", self.host(host))),
            Who::Group(group) => Some(("group", self.group(group))),
            Who::Pool => None,
        };
        if let (Some((name, reference)), Some(body)) = (named, body.as_object_mut()) {
            body.insert(name.to_owned(), json!(reference));
        }
        body
    }

    /// Edits a booking; what is acknowledged is believed, a refused edit has changed nothing.
    async fn edit(&self, of: usize, body: Value, believe: impl FnOnce(&mut Promise)) -> Result<()> {
        let Some(promise) = self.stage.book.nth(&self.name, of) else { return Ok(()) };
        let path = format!("/api/appointments/{}", promise.id);
        let what = format!("edit {body}");
        let answer = self.stage.api.ask(&Request::new(Method::PATCH, &path).body(body)).await?;
        if answer.is_done() {
            self.stage.book.change(&promise.tag, believe);
        }
        let right = answer.is_done() || answer.code() == HOST_CONFLICT || self.is_over(&promise.tag, &answer);
        self.stage.book.judge(&promise.tag, right, &what, &answer);
        Ok(())
    }

    /// A booking that is cancelled, or is being cancelled, takes no edits.
    fn is_over(&self, tag: &str, answer: &Answer) -> bool {
        let over = |promise: &Promise| {
            promise.tag == tag
                && (promise.state == State::Cancelled
                    || promise.log.iter().any(|line| line == ASKS_TO_CANCEL))
        };
        answer.code() == INVALID_TRANSITION && self.stage.book.promises().iter().any(over)
    }

    async fn stretch(&self, of: usize, minutes: i64) -> Result<()> {
        self.edit(of, json!({ "duration": minutes }), move |promise| promise.minutes = minutes).await
    }

    async fn hurry(&self, of: usize, minutes: i64, again: i64) -> Result<()> {
        let Some(promise) = self.stage.book.nth(&self.name, of) else { return Ok(()) };
        let title = next_title(&promise.title);
        let rename = self.edit(of, json!({ "title": title }), |promise| promise.title.clone_from(&title));
        let (renamed, stretched) = futures::join!(rename, self.stretch(of, minutes));
        renamed.and(stretched)?;
        self.stretch(of, again).await
    }

    async fn cancel(&self, of: usize) -> Result<()> {
        let Some(promise) = self.stage.book.nth(&self.name, of) else { return Ok(()) };
        self.stage.book.change(&promise.tag, |promise| promise.log.push(ASKS_TO_CANCEL.to_owned()));
        let path = format!("/api/appointments/{}/cancel", promise.id);
        let answer =
            self.stage.api.ask(&Request::new(Method::POST, &path).body(json!({ "reason": "chaos" }))).await?;
        if answer.is_done() {
            self.stage.book.change(&promise.tag, |promise| promise.state = State::Cancelled);
        }
        self.stage.book.judge(&promise.tag, answer.is_done(), "a cancel always gets through", &answer);
        Ok(())
    }

    async fn confirm(&self, of: usize) -> Result<()> {
        let Some(promise) = self.stage.book.nth(&self.name, of) else { return Ok(()) };
        let path = format!("/api/appointments/{}", promise.id);
        let answer = self.stage.api.ask(&Request::new(Method::POST, &format!("{path}/confirm"))).await?;
        let mut confirmed = answer.is_done();
        if !confirmed && answer.tries > 1 {
            // The answer to the first request may have died with the daemon.
            let seen = self.stage.api.get(&path).await?;
            confirmed = seen.pointer("/appointment/status") == Some(&json!("confirmed"));
        }
        if confirmed {
            self.stage.book.change(&promise.tag, |promise| promise.state = State::Confirmed);
        }
        let refused = [HOST_CONFLICT, INVALID_TRANSITION].contains(&answer.code());
        let right =
            confirmed || refused && promise.state != State::Requested || answer.code() == HOST_CONFLICT;
        self.stage.book.judge(&promise.tag, right, "confirm", &answer);
        Ok(())
    }

    async fn let_host_go(&self) -> Result<()> {
        self.host_left.set(true);
        let reference = self.host(HOSTS - 1);
        let path = format!("/api/people/{reference}/deactivate");
        let answer = self.stage.api.ask(&Request::new(Method::POST, &path)).await?;
        let theirs = |promise: &Promise| match &promise.host {
            Expected::Person(host) | Expected::PersonOrPool(host) => *host == reference,
            Expected::Pool => false,
        };
        self.ended(&answer, "/cancelled_appointments", theirs, "the host was let go")
    }

    async fn dissolve(&self) -> Result<()> {
        self.group_ended.set(true);
        let group = self.group(GROUPS - 1);
        let path = format!("/api/groups/{group}/dissolve");
        let answer = self.stage.api.ask(&Request::new(Method::POST, &path)).await?;
        let theirs = |promise: &Promise| promise.group.as_ref() == Some(&group);
        self.ended(&answer, "/cancelled_appointments", theirs, "the group was dissolved")
    }

    /// Everything of theirs is cancelled; the answer to the first request, if it got through, named them all.
    fn ended(
        &self,
        answer: &Answer,
        listed: &str,
        theirs: impl Fn(&Promise) -> bool,
        why: &str,
    ) -> Result<()> {
        let named = answer.body.pointer(listed).and_then(Value::as_array).cloned().unwrap_or_default();
        let named: BTreeSet<&str> = named.iter().filter_map(Value::as_str).collect();
        for promise in self.stage.book.promises().iter().filter(|promise| theirs(promise)) {
            let told =
                promise.state == State::Cancelled || answer.tries > 1 || named.contains(promise.id.as_str());
            self.stage.book.judge(&promise.tag, answer.is_done() && told, why, answer);
            self.stage.book.change(&promise.tag, |promise| promise.state = State::Cancelled);
        }
        Ok(())
    }

    async fn regroup(&self, group: usize, members: usize) -> Result<()> {
        let pupils = (0..members).map(|pupil| json!({ "person": self.pupil(pupil), "role": "attendee" }));
        let host = json!({ "person": self.host_of(group), "role": "host" });
        let members: Vec<Value> = std::iter::once(host).chain(pupils).collect();
        let reference = self.group(group);
        let body = json!({ "kind": "class", "name": reference, "members": members });
        self.stage.api.put(&format!("/api/groups/{reference}"), body).await
    }

    fn host(&self, index: usize) -> String {
        format!("{}host-{index}", self.name)
    }

    /// A group's host is never the one who may leave.
    fn host_of(&self, group: usize) -> String {
        self.host(group % (HOSTS - 1))
    }

    fn pupil(&self, index: usize) -> String {
        format!("{}pupil-{index}", self.name)
    }

    fn group(&self, index: usize) -> String {
        format!("{}group-{index}", self.name)
    }
}

/// `c0-01 v2` after `c0-01 v1`.
fn next_title(title: &str) -> String {
    let (tag, version) = title.rsplit_once(" v").unwrap_or((title, "1"));
    format!("{tag} v{}", version.parse::<u32>().unwrap_or(1) + 1)
}

/// The start as a caller writes it: an instant, or wall time where that is one instant only.
fn written(start: Instant, wish: &Wish) -> String {
    let zone: Tz = wish.zone.parse().unwrap_or(Tz::UTC);
    let wall = start.with_timezone(&zone).naive_local();
    match zone.from_local_datetime(&wall).single() {
        Some(_) if wish.wall => wall.format("%Y-%m-%dT%H:%M:%S").to_string(),
        _ => start.to_rfc3339(),
    }
}
