//! Bookings that recur: three days in a row, each with a meeting of its own.

use anyhow::{Context as _, Result};
use chrono::{Days, TimeZone as _};
use chrono_tz::Tz;
use convened::clock::Instant;
use convened::zoom::http::Method;
use serde_json::{Value, json};

use super::{ASKS_TO_CANCEL, Caller};
use crate::api::Request;
use crate::book::{Promise, State};
use crate::plan::Wish;

const DAYS: u64 = 3;

/// Books a series and gives each booking of it a description, and so a tag, of its own.
pub(super) async fn book(caller: &Caller<'_>, wish: &Wish) -> Result<()> {
    let (stage, first) = (caller.stage, caller.next_tag());
    let promise = caller.promise(&first, wish);
    let mut body = caller.body(&promise, wish);
    if let Some(body) = body.as_object_mut() {
        body.insert("recurrence".to_owned(), json!(format!("FREQ=DAILY;COUNT={DAYS}")));
    }
    let request = Request::new(Method::POST, "/api/appointments").body(body).key(&first).wait(wish.wait_secs);
    let answer = stage.api.ask(&request).await?;
    if !answer.is_done() {
        caller.refused(&first, wish, &answer);
        return Ok(());
    }
    let members = answer.body.pointer("/series/appointments").and_then(Value::as_array);
    let members = members.cloned().with_context(|| format!("a series without bookings: {answer}"))?;
    for (day, member) in (0..DAYS).zip(&members) {
        let tag = if day == 0 { first.clone() } else { caller.next_tag() };
        let id = member.get("id").and_then(Value::as_str).context("a booking of a series without an id")?;
        let described = Request::new(Method::PATCH, &format!("/api/appointments/{id}"))
            .body(json!({ "description": stage.description(&tag) }));
        let described = stage.api.ask(&described).await?;
        stage.book.add(Promise {
            tag: tag.clone(),
            id: id.to_owned(),
            start: days_later(promise.start, wish.zone, day),
            series: Some((first.clone(), usize::try_from(day)?)),
            ..promise.clone()
        });
        stage.book.judge(&tag, described.is_done(), "one of a series is described", &described);
    }
    let whole = members.len() as u64 == DAYS;
    stage.book.judge(&first, whole, "a series of three days", &answer);
    Ok(())
}

/// The same time by the clock on the wall, so many days later.
fn days_later(start: Instant, zone: &str, days: u64) -> Instant {
    let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
    let wall = start.with_timezone(&zone).naive_local().checked_add_days(Days::new(days));
    let later = wall.and_then(|wall| zone.from_local_datetime(&wall).earliest());
    later.map_or(start, |later| later.to_utc())
}

/// Cancels a booking and those of its series that come after it.
pub(super) async fn cancel_rest(caller: &Caller<'_>, of: usize) -> Result<()> {
    let stage = caller.stage;
    let Some(named) = stage.book.nth(&caller.name, of) else { return Ok(()) };
    let Some((series, place)) = named.series.clone() else { return caller.cancel(of).await };
    if named.state == State::Cancelled {
        return Ok(());
    }
    let rest: Vec<String> = stage
        .book
        .promises()
        .into_iter()
        .filter(|promise| promise.series.as_ref().is_some_and(|(of, at)| *of == series && *at >= place))
        .map(|promise| promise.tag)
        .collect();
    for tag in &rest {
        stage.book.change(tag, |promise| promise.log.push(ASKS_TO_CANCEL.to_owned()));
    }
    let path = format!("/api/appointments/{}/cancel?scope=following", named.id);
    let answer = stage.api.ask(&Request::new(Method::POST, &path).body(json!({}))).await?;
    for tag in &rest {
        if answer.is_done() {
            stage.book.change(tag, |promise| promise.state = State::Cancelled);
        }
        stage.book.judge(tag, answer.is_done(), "the rest of a series is cancelled", &answer);
    }
    Ok(())
}
