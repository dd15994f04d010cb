//! `Idempotency-Key`: the same request again gets the first answer again.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use chrono::{DateTime, Duration, Utc};

use super::Front;
use super::auth::Caller;
use super::body::JsonBody;
use super::error::ApiError;
use crate::store::idempotency::{self, AnswerRow, AnswerState};
use crate::store::{Conn, UtcMillis};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that was given before.
pub(super) const REPLAYED: (HeaderName, &str) = (HeaderName::from_static("idempotent-replayed"), "true");
const KEY_LENGTH_MAX: usize = 255;
/// How long an answer is kept.
const KEPT_HOURS: i64 = 24;

/// A request that must not be carried out twice.
#[derive(Debug, Clone)]
pub(super) struct Once {
    caller: String,
    key: String,
    fingerprint: String,
    since: UtcMillis,
}

/// What is kept of an answer.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// Its status.
    pub(super) status: u16,
    /// Its body.
    pub(super) body: String,
    /// What was made.
    pub(super) appointment_id: Option<String>,
    /// The caller is still waiting for Zoom: another answer may follow.
    pub(super) waiting: bool,
}

/// Whether a request was the first with its key.
#[derive(Debug)]
pub(super) enum Turn<T> {
    /// It was, and this came of it.
    First(T),
    /// It was not: this is the first one's answer.
    Again(AnswerRow),
}

impl Once {
    /// Reads the header; `None` when the caller gives no key.
    pub(super) fn of(
        request: &HttpRequest,
        caller: &Caller,
        body: &JsonBody,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, ApiError> {
        let Some(key) = request.headers().get(HEADER) else { return Ok(None) };
        let key = key.to_str().map(str::trim).unwrap_or_default();
        if key.is_empty() || key.len() > KEY_LENGTH_MAX {
            let message = format!("must be 1 to {KEY_LENGTH_MAX} printable characters");
            return Err(ApiError::field("Idempotency-Key", message));
        }
        Ok(Some(Self {
            caller: caller.subject.clone(),
            key: key.to_owned(),
            fingerprint: body.fingerprint(request),
            since: (now - Duration::hours(KEPT_HOURS)).into(),
        }))
    }

    fn first_answer(&self, conn: &mut Conn) -> Result<Option<AnswerRow>, ApiError> {
        match idempotency::find(conn, &self.caller, &self.key, self.since)? {
            Some(row) if row.fingerprint != self.fingerprint => Err(ApiError::IdempotencyMismatch),
            found => Ok(found),
        }
    }

    fn row(&self, kept: Kept, now: UtcMillis) -> AnswerRow {
        AnswerRow {
            caller: self.caller.clone(),
            key: self.key.clone(),
            fingerprint: self.fingerprint.clone(),
            state: if kept.waiting { AnswerState::Running } else { AnswerState::Done },
            status: Some(i64::from(kept.status)),
            body: Some(kept.body),
            appointment_id: kept.appointment_id,
            created_at: now,
        }
    }
}

impl Front {
    /// Does `work` once: in one transaction with the row that keeps its answer, so that of two requests with one
    /// key, however close, one is carried out and the other replayed.
    pub(super) async fn once<T, F>(
        &self,
        once: Option<Once>,
        keep: impl FnOnce(&T) -> Kept + Send + 'static,
        work: F,
    ) -> Result<Turn<T>, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, ApiError> + Send + 'static,
    {
        let Some(once) = once else { return self.write(work).await.map(Turn::First) };
        let again = once.clone();
        let now = self.clock.now().into();
        let outcome = self
            .write(move |conn| {
                if let Some(row) = once.first_answer(conn)? {
                    return Ok(Turn::Again(row));
                }
                let done = work(conn)?;
                idempotency::keep(conn, &once.row(keep(&done), now), once.since)?;
                Ok(Turn::First(done))
            })
            .await;
        // Another process of ours may have kept its answer between our look and our write. What it made may be the
        // very thing that stands in our way.
        if let Err(error) = &outcome
            && error.row().0.is_client_error()
            && let Some(row) = self.read(move |conn| again.first_answer(conn)).await?
        {
            return Ok(Turn::Again(row));
        }
        outcome
    }

    /// The answer that the first request with this key got, if there was one.
    pub(super) async fn kept(&self, once: &Once) -> Result<Option<AnswerRow>, ApiError> {
        let once = once.clone();
        self.read(move |conn| once.first_answer(conn)).await
    }

    /// Puts the answer that a waiting caller got in place of the one kept at first.
    pub(super) async fn finish(&self, once: Once, status: u16, body: String) -> Result<(), ApiError> {
        self.write(move |conn| {
            idempotency::finish(conn, &once.caller, &once.key, i64::from(status), &body)?;
            Ok(())
        })
        .await
    }
}
