//! The database's side of delivering: what is fetched, and what is written down after an attempt.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rand::RngExt;

use super::{Target, UPKEEP_EVERY};
use crate::actors::engine::Engine;
use crate::clock::SharedClock;
use crate::domain::delivery::{Verdict, verdict};
use crate::hooks::client::{ANSWER_MAX, Attempt, HookClient};
use crate::store::due::{self, ACCOUNT, DueKind};
use crate::store::notification::{self, DisabledEndpoint, NotificationRow, NotificationState};
use crate::store::{Conn, StoreError, UtcMillis, outbox};

/// Old rows forgotten in one transaction.
const CLEANED_MAX: i64 = 1000;
/// From the end of the longest attempt until another process takes the message for abandoned.
const MARGIN: Duration = Duration::from_secs(45);

/// What came of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Arrived,
    Failed,
    EndpointGone,
}

/// Fetches up to `room` messages that are due for an endpoint; none for a closed one.
pub(super) async fn claim(
    engine: Arc<Engine>,
    endpoint: String,
    room: usize,
) -> Result<Vec<NotificationRow>, StoreError> {
    let now = engine.clock.now();
    let lease = UtcMillis::from(now + on_clock(&engine.clock, ANSWER_MAX + MARGIN));
    let limit = i64::try_from(room).unwrap_or(i64::MAX);
    engine
        .store
        .write(move |conn| match notification::disabled(conn)?.iter().any(|row| row.endpoint == endpoint) {
            true => Ok(Vec::new()),
            false => notification::claim(conn, &endpoint, now.into(), lease, limit),
        })
        .await
}

/// A span of real time on the daemon's clock.
fn on_clock(clock: &SharedClock, span: Duration) -> chrono::Duration {
    let second = clock.real(Duration::from_secs(1)).as_secs_f64();
    let span = Duration::try_from_secs_f64(span.as_secs_f64() / second).unwrap_or(span);
    chrono::Duration::from_std(span).unwrap_or(chrono::Duration::days(1))
}

/// Sends a message once and writes down what came of it.
pub(super) async fn attempt(
    engine: Arc<Engine>,
    client: HookClient,
    target: Target,
    row: NotificationRow,
) -> Sent {
    let attempt =
        client.send(&target.url, &target.key, &row.id, row.payload.as_str(), engine.clock.now()).await;
    let now = engine.clock.now();
    let verdict = verdict(row.attempts, attempt.answer, now, rand::rng().random::<f64>());
    tell(&target, &row, &attempt, verdict);
    let sent = match verdict {
        Verdict::Delivered => Sent::Arrived,
        Verdict::EndpointGone => Sent::EndpointGone,
        Verdict::Again(_) | Verdict::Dead => Sent::Failed,
    };
    let id = row.id.clone();
    let written =
        engine.store.write(move |conn| settle(conn, &row.id, &target, &attempt, verdict, now)).await;
    if let Err(error) = written {
        tracing::warn!(notification.id = %id, %error, "a message was sent and will be sent again: its outcome could not be stored");
    }
    sent
}

fn settle(
    conn: &mut Conn,
    id: &str,
    target: &Target,
    attempt: &Attempt,
    verdict: Verdict,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let error = attempt.error.as_deref();
    match verdict {
        Verdict::Delivered => notification::settle(conn, id, NotificationState::Delivered, None, None),
        Verdict::Again(at) => {
            notification::settle(conn, id, NotificationState::Pending, Some(at.into()), error)
        }
        Verdict::Dead => notification::settle(conn, id, NotificationState::Dead, None, error),
        Verdict::EndpointGone => {
            let reason = "the endpoint says it is gone (410)".to_owned();
            let row = DisabledEndpoint { endpoint: target.id.clone(), reason, disabled_at: now.into() };
            notification::disable(conn, &row)
        }
    }
}

/// Counts an attempt, and logs what an operator has to know.
fn tell(target: &Target, row: &NotificationRow, attempt: &Attempt, verdict: Verdict) {
    let outcome = match verdict {
        Verdict::Delivered => "delivered",
        Verdict::Again(_) => "again",
        Verdict::Dead => "dead",
        Verdict::EndpointGone => "gone",
    };
    metrics::counter!("convened_notifications_total", "outcome" => outcome).increment(1);
    let (endpoint, error) = (&target.address, attempt.error.as_deref().unwrap_or_default());
    match verdict {
        Verdict::Delivered => {}
        Verdict::Again(at) => {
            tracing::debug!(notification.id = %row.id, endpoint, error, %at, "a message did not arrive");
        }
        Verdict::Dead => {
            tracing::error!(notification.id = %row.id, endpoint, error, attempts = row.attempts, "a message is given up");
        }
        Verdict::EndpointGone => {
            tracing::error!(endpoint, "the endpoint is gone (410) and gets nothing more until it is enabled");
        }
    }
}

/// Sees to it that somebody is asked to forget what is old: one process at a time, because it is due work.
pub(super) async fn ask_for_upkeep(engine: Arc<Engine>) -> Result<(), StoreError> {
    let now = UtcMillis::from(engine.clock.now());
    engine
        .store
        .write(move |conn| match due::at(conn, DueKind::Notify, ACCOUNT)? {
            Some(_) => Ok(()),
            None => due::set(conn, DueKind::Notify, ACCOUNT, now),
        })
        .await
}

/// Forgets events and messages older than `retention`, and says when to come again.
pub(super) async fn keep_up(engine: Arc<Engine>, retention: chrono::Duration) -> Result<(), StoreError> {
    let now = engine.clock.now();
    let before = UtcMillis::from(now.checked_sub_signed(retention).unwrap_or_default());
    loop {
        let gone = engine
            .store
            .write(move |conn| {
                due::set(conn, DueKind::Notify, ACCOUNT, (now + UPKEEP_EVERY).into())?;
                let events = outbox::prune(conn, before, CLEANED_MAX)?;
                Ok(events.max(notification::prune(conn, before, CLEANED_MAX)?))
            })
            .await?;
        if i64::try_from(gone).unwrap_or(i64::MAX) < CLEANED_MAX {
            return Ok(());
        }
    }
}
