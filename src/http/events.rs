//! The stream of what happens, as server-sent events: from the place a reader names, then live.
//!
//! Staff and systems read everything, hosts and attendees what concerns bookings that they are part of. A reader
//! that does not take what it is sent loses its connection, and goes on later from the last id it got.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::sync::{broadcast, mpsc};
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

use super::Front;
use super::auth::Caller;
use super::error::ApiError;
use super::validate::Fields;
use crate::actors::live_view::Moment;
use crate::actors::stream::Reader;
use crate::domain::access::{Action, Standing, Verdict, may};
use crate::store::StoreError;
use crate::store::audience::Told;

/// What a browser sends when it comes back.
const LAST_EVENT_ID: &str = "last-event-id";
/// When a browser comes back after it lost its connection.
const COME_BACK: Duration = Duration::from_secs(3);
/// Silence is broken after this, so that proxies keep the connection.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A reader that takes nothing for this long is dropped.
const STALLED_MAX: Duration = Duration::from_secs(30);
/// After this a reader comes back and shows a token that is still good.
const READING_MAX: Duration = Duration::from_secs(3600);
/// When to come back after a 503: readers leave all the time.
const FULL_RETRY: Duration = Duration::from_secs(10);
/// What moments of running meetings are called. They have no id: who comes back is told the next one.
const LIVE: &str = "attendance.live";
/// Pieces that may wait for a reader.
const WAITING_MAX: usize = 16;

/// What happens to bookings, meetings and attendance, as server-sent events.
///
/// The id of each is its place in the stream; with `Last-Event-ID` (or `last_event_id`, for the first request of a
/// browser) the stream goes on from there, without it from now. A comment breaks the silence every 15 s. The
/// connection ends after an hour, or when its reader stalls: come back with the last id.
///
/// `attendance.live` says who is in a running meeting and who is missing, within a second of a change, at most twice
/// a second a meeting. It has no id and is not kept: whoever comes back is told the next one.
#[utoipa::path(get, path = "/api/events", tag = "events", operation_id = "read_events",
    params(("Last-Event-ID" = Option<i64>, Header), ("last_event_id" = Option<i64>, Query)),
    responses((status = 200, content_type = "text/event-stream", body = String,
        description = "`id`, `event` and `data`: `{\"type\", \"timestamp\", \"data\"}` as outgoing webhooks have it")))]
pub(super) async fn stream(
    front: web::Data<Front>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let after = place(&request)?;
    let reader = front.events.read(after).await?.ok_or(ApiError::Overloaded(FULL_RETRY))?;
    let moments = Moments { caller: caller.clone(), live: front.engine.live.listen(), own: BTreeMap::new() };
    let (pieces, body) = mpsc::channel(WAITING_MAX);
    actix_web::rt::spawn(feed(reader, moments, caller, pieces));
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // nginx would otherwise collect the answer before it passes it on.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(ReceiverStream::new(body)))
}

/// The place to go on from.
fn place(request: &HttpRequest) -> Result<Option<i64>, ApiError> {
    let mut fields = Fields::from_query(request.query_string());
    let named = fields.integer(&["last_event_id"], 0..=i64::MAX);
    fields.finish()?;
    let Some(header) = request.headers().get(LAST_EVENT_ID) else { return Ok(named) };
    let id = header.to_str().ok().and_then(|text| text.trim().parse().ok()).filter(|id: &i64| *id >= 0);
    match id {
        Some(id) => Ok(Some(id)),
        None => Err(ApiError::field("Last-Event-ID", "is not one that this stream gave")),
    }
}

type Piece = Result<Bytes, std::convert::Infallible>;

/// Feeds one reader until it leaves, stalls, has read long enough, or the process stops.
async fn feed(reader: Reader, mut moments: Moments, caller: Caller, pieces: mpsc::Sender<Piece>) {
    let end = Instant::now() + READING_MAX;
    let mut piece = format!("retry: {}\n\n", COME_BACK.as_millis());
    let mut cursor = reader.cursor();
    // Kept over the turns: a reader that is catching up would otherwise begin anew at every moment of a meeting.
    let mut next = Box::pin(read_on(reader));
    loop {
        match tokio::time::timeout(STALLED_MAX, pieces.send(Ok(Bytes::from(piece)))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                metrics::counter!("convened_event_readers_dropped_total").increment(1);
                return;
            }
        }
        let (reader, told) = tokio::select! {
            moment = moments.next() => {
                piece = moment;
                continue;
            }
            read = &mut next => read,
            // The id moves on even when nothing was for this reader, so that they need not come back to it.
            () = tokio::time::sleep(HEARTBEAT) => {
                piece = format!(": still here\nid: {cursor}\n\n");
                continue;
            }
            () = pieces.closed() => return,
            () = tokio::time::sleep_until(end) => return,
        };
        cursor = reader.cursor();
        next.set(read_on(reader));
        piece = match told {
            Ok(told) => told.iter().filter_map(|told| written(told, &caller)).collect(),
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, "a reader of events is sent away");
                return;
            }
        };
        if piece.is_empty() {
            piece = format!("id: {cursor}\n\n");
        }
    }
}

/// Reads on, and gives the reader back with what came.
async fn read_on(mut reader: Reader) -> (Reader, Result<Arc<[Told]>, StoreError>) {
    let told = reader.next().await;
    (reader, told)
}

/// The moments of running meetings, as one caller may read them.
struct Moments {
    caller: Caller,
    live: broadcast::Receiver<Arc<Moment>>,
    /// What somebody who may see only themselves was told last, by meeting: others' coming is no news to them.
    own: BTreeMap<String, &'static str>,
}

impl Moments {
    /// The next moment that is for this caller. May be dropped while it waits.
    async fn next(&mut self) -> String {
        loop {
            let moment = match self.live.recv().await {
                Ok(moment) => moment,
                // What was missed is in the next one.
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                // The process is stopping, and the stream says so.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            };
            if let Some(data) = self.read(&moment) {
                let body = json!({ "type": LIVE, "timestamp": moment.at, "data": data });
                return format!("event: {LIVE}\ndata: {body}\n\n");
            }
        }
    }

    fn read(&mut self, moment: &Moment) -> Option<Value> {
        let (caller, circle) = (&self.caller, moment.circle.as_ref());
        let standing = circle.map_or_else(Standing::default, |circle| circle.standing(&caller.subject));
        match may(caller.role, standing, None, Action::Attendance) {
            Verdict::Allowed => Some(moment.data.clone()),
            Verdict::OwnOnly => {
                let state = *moment.people.get(&caller.subject)?;
                let before = self.own.insert(moment.meeting_id.clone(), state);
                if before.unwrap_or("never_came") == state { None } else { moment.of_person(&caller.subject) }
            }
            Verdict::Forbidden | Verdict::Hidden => None,
        }
    }
}

/// An event as this caller may read it.
fn written(told: &Told, caller: &Caller) -> Option<String> {
    let fact = &told.fact;
    let name = fact.event.as_str();
    let mut data: Value = fact.data.parse("outbox.data").ok()?;
    match permit(told, caller) {
        Verdict::Allowed => {}
        Verdict::OwnOnly => data = own(&data),
        Verdict::Forbidden | Verdict::Hidden => return None,
    }
    let body = json!({ "type": name, "timestamp": DateTime::<Utc>::from(fact.at), "data": data });
    // JSON has no line breaks of its own.
    Some(format!("id: {}\nevent: {name}\ndata: {body}\n\n", told.seq))
}

/// Marks are for those who may see the marks of all; the rest for everybody who is part of the booking.
fn permit(told: &Told, caller: &Caller) -> Verdict {
    if caller.role.acts_for_all() {
        return Verdict::Allowed;
    }
    let standing = told.circle.as_ref().map_or_else(Standing::default, |c| c.standing(&caller.subject));
    let about_marks = told.fact.event.as_str().starts_with("attendance.");
    may(caller.role, standing, None, if about_marks { Action::Attendance } else { Action::Read })
}

/// That there is something new, without what it says of others.
fn own(data: &Value) -> Value {
    json!({ "appointment_id": data["appointment_id"], "meeting_id": data["meeting_id"] })
}
