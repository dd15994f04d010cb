//! Whether calls can be made at all: the breaker and the credentials, and what others are shown of them.

use actix::prelude::*;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Job, ZoomApiActor};
use crate::domain::outage::{Cause, Outage};
use crate::store::StoreError;
use crate::zoom::ZoomError;
use crate::zoom::breaker::Gate;

/// The pause before the state of the credentials is written once more, after a failure of the database.
const WRITE_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Whether Zoom took the credentials when last asked: the class of its refusal, or nothing.
type Verdict = Option<&'static str>;

/// What the database knows of the credentials.
#[derive(Debug, Default)]
pub(super) struct News {
    /// What it should know.
    verdict: Option<Verdict>,
    /// What it knows.
    written: Option<Verdict>,
    writing: bool,
}

impl ZoomApiActor {
    /// What a call is told that cannot be made now; `None` while calls can be made.
    pub(super) fn refusal(&self, now: DateTime<Utc>) -> Option<ZoomError> {
        let left = match self.breaker.gate(now) {
            Gate::Open => return None,
            Gate::Shut(left) => left,
            Gate::Trial | Gate::OnTrial => std::time::Duration::ZERO,
        };
        Some(match &self.outage {
            Some((Outage { cause: Cause::NotConfigured | Cause::Lost, .. }, error)) => error.clone(),
            _ => ZoomError::BreakerOpen { retry_after: left },
        })
    }

    /// Whether Zoom refuses the credentials.
    pub(super) fn is_lost(&self) -> bool {
        self.outage.as_ref().is_some_and(|(outage, _)| outage.cause == Cause::Lost)
    }

    /// Zoom gave no token: no call can be made until it does.
    pub(super) fn no_token(&mut self, error: ZoomError, ctx: &mut Context<Self>) {
        let now = self.clock.now();
        self.breaker.trip(now);
        let cause = match &error {
            ZoomError::NotConfigured => Cause::NotConfigured,
            ZoomError::CredentialsRefused { .. }
            | ZoomError::TokenInvalid
            | ZoomError::ScopeMissing { .. }
            | ZoomError::Rejected { .. }
            | ZoomError::NotFound { .. } => Cause::Lost,
            ZoomError::Unreachable { .. }
            | ZoomError::Unknown { .. }
            | ZoomError::RateLimited(_)
            | ZoomError::BreakerOpen { .. }
            | ZoomError::Overloaded
            | ZoomError::ShuttingDown
            | ZoomError::TakenBack => Cause::Unreachable,
        };
        self.shut(cause, error, ctx);
    }

    /// Turns the sign after the breaker may have changed. `error` is what befell the last call.
    pub(super) fn shut_if_resting(&mut self, error: &ZoomError, ctx: &mut Context<Self>) {
        if self.breaker.gate(self.clock.now()) != Gate::Open {
            self.shut(Cause::Unreachable, error.clone(), ctx);
        }
    }

    fn shut(&mut self, cause: Cause, error: ZoomError, ctx: &mut Context<Self>) {
        let now = self.clock.now();
        let next_try_at = match self.breaker.gate(now) {
            Gate::Shut(left) => Some(now + TimeDelta::from_std(left).unwrap_or_default()),
            _ => Some(now),
        };
        let class = error.class();
        let same = self.outage.take().filter(|(outage, _)| {
            // That the token server cannot be reached either does not make lost credentials good.
            outage.cause == cause || outage.cause == Cause::Lost && cause == Cause::Unreachable
        });
        let (outage, error) = match same {
            Some((outage, first)) => (Outage { next_try_at, ..outage }, first),
            None => {
                announce(cause, class);
                (Outage { cause, class, since: now, next_try_at }, error)
            }
        };
        if outage.cause == Cause::Lost {
            self.tell(Some(class), ctx);
        }
        self.outage = Some((outage, error));
        self.show_sign();
    }

    /// Zoom answered a call: whatever it said, calls can be made.
    pub(super) fn open(&mut self, ctx: &mut Context<Self>) {
        self.tell(None, ctx);
        let Some((outage, _)) = self.outage.take() else { return };
        tracing::info!(
            cause = outage.cause.as_str(),
            since = %outage.since,
            "zoom can be called again; what waited is caught up"
        );
        self.show_sign();
    }

    /// What others see.
    pub(super) fn show_sign(&self) {
        let outage = self.outage.as_ref().map(|(outage, _)| *outage);
        for cause in [Cause::NotConfigured, Cause::Lost, Cause::Unreachable] {
            let is_so = outage.is_some_and(|outage| outage.cause == cause);
            metrics::gauge!("convened_zoom_outage", "cause" => cause.as_str())
                .set(f64::from(u8::from(is_so)));
        }
        self.door.show(outage);
    }

    /// Sees to it that the database learns whether the credentials are good.
    fn tell(&mut self, verdict: Verdict, ctx: &mut Context<Self>) {
        self.news.verdict = Some(verdict);
        self.write_news(ctx);
    }

    fn write_news(&mut self, ctx: &mut Context<Self>) {
        let Some(verdict) = self.news.verdict else { return };
        // One refusal is as good as another: the first one's class stays.
        let known = self.news.written.is_some_and(|written| written.is_some() == verdict.is_some());
        if self.news.writing || known {
            return;
        }
        self.news.writing = true;
        let written = self.records.connection(verdict, self.clock.now());
        ctx.spawn(
            written.into_actor(self).map(move |since, actor, ctx| actor.wrote_news(verdict, since, ctx)),
        );
    }

    fn wrote_news(
        &mut self,
        verdict: Verdict,
        since: Result<DateTime<Utc>, StoreError>,
        ctx: &mut Context<Self>,
    ) {
        self.news.writing = false;
        match since {
            Ok(since) => {
                self.news.written = Some(verdict);
                // An earlier life, or another process, may have found it first.
                if let Some((outage, _)) = &mut self.outage
                    && outage.cause == Cause::Lost
                    && verdict.is_some()
                {
                    outage.since = since;
                }
                self.show_sign();
                self.write_news(ctx);
            }
            Err(error) => {
                tracing::warn!(%error, "whether zoom takes the credentials could not be written down");
                ctx.run_later(WRITE_AGAIN, |actor, ctx| actor.write_news(ctx));
            }
        }
    }

    /// Answers everything that waits: it is not sent.
    pub(super) fn fail_waiting(&mut self, error: &ZoomError) {
        let unpaid = std::mem::take(&mut self.unpaid);
        let waiting: Vec<Job> = unpaid.into_iter().chain(self.lanes.take_all(|_| true)).collect();
        for job in waiting {
            self.answer(job, Err(error.clone()));
        }
    }
}

/// Said once, when it begins.
fn announce(cause: Cause, class: &'static str) {
    match cause {
        Cause::Lost => tracing::error!(
            class,
            "zoom refuses the credentials: bookings are taken, zoom is told when somebody has put them right"
        ),
        Cause::Unreachable => {
            tracing::warn!(class, "zoom cannot be reached: bookings are taken, zoom is told later")
        }
        Cause::NotConfigured => tracing::warn!("zoom is not configured: bookings are taken and wait"),
    }
}
