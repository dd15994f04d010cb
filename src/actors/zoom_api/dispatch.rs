//! One dispatcher in front of Zoom: lets calls out as the limits and the breaker allow, and decides what
//! follows from their answers.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix::prelude::*;
use futures::FutureExt as _;
use rand::RngExt as _;
use tokio::time::Instant;

use super::reply::{Outcome, reply};
use super::{GetToken, Job, Lane, Lease, Token, ZoomApiActor};
use crate::zoom::breaker::Gate;
use crate::zoom::client::Exchange;
use crate::zoom::error::{Doubt, Limit};
use crate::zoom::lanes::Next;
use crate::zoom::limits::{Admission, Now};
use crate::zoom::{ZoomError, call};

/// How often a call is repeated that Zoom says came too fast.
const QPS_REPEATS_MAX: u32 = 5;
/// The first pause after that; doubles with each repetition.
const QPS_PAUSE: Duration = Duration::from_millis(1_015);
/// The longest pause, also when Zoom asks for more: what takes longer is the caller's to plan.
const QPS_PAUSE_MAX: Duration = Duration::from_secs(30);

/// A call came back.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Finished {
    number: u64,
    exchange: Exchange,
}

/// The wait for a token ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct TokenArrived(Result<Token, ZoomError>);

impl ZoomApiActor {
    /// Lets out whatever may go now, and sees to being called again when more may.
    pub(super) fn dispatch(&mut self, ctx: &mut Context<Self>) {
        if self.may_call(ctx) {
            while !self.lanes.is_empty() && self.let_one_out(ctx) {}
        }
        self.show();
    }

    /// Whether Zoom can be called. While not, nothing waits, and the time comes for a trial.
    fn may_call(&mut self, ctx: &mut Context<Self>) -> bool {
        let now = self.now();
        let gate = self.breaker.gate(now.clock);
        if let Some(refusal) = self.refusal(now.clock) {
            self.fail_waiting(&refusal);
        }
        match gate {
            Gate::Open => return true,
            Gate::Shut(left) => self.wake_after(self.clock.real(left), ctx),
            Gate::Trial if self.draining.is_none() => self.try_once(now, ctx),
            Gate::Trial | Gate::OnTrial => {}
        }
        false
    }

    /// A call that changes nothing and is nobody's: any answer to it will do.
    fn try_once(&mut self, now: Now, ctx: &mut Context<Self>) {
        let Some(token) = self.token(now, ctx) else { return };
        let call = call::get_user("me");
        // Zoom counts it like any other. A used-up day is no reason not to ask: to be told so is an answer too.
        if let Admission::Wait(span) = self.limits.admit(&call, now) {
            return self.wake_after(span, ctx);
        }
        self.breaker.try_once();
        let (nobody, _) = reply();
        let trial = Job { is_trial: true, ..Job::new(Lane::Interactive, call, nobody) };
        self.send(trial, token, now, ctx);
    }

    /// Lets one call out, or finds that none can go now.
    fn let_one_out(&mut self, ctx: &mut Context<Self>) -> bool {
        let now = self.now();
        let Some(token) = self.token(now, ctx) else { return false };
        let (busy, most) = (self.in_flight.len(), self.config.in_flight_max);
        let kept = self.config.in_flight_kept_for_urgent;
        let has_room =
            |lane: Lane| busy < if lane.is_urgent() { most } else { most.saturating_sub(kept).max(1) };
        match self.lanes.next(&mut self.limits, has_room, now) {
            // A permit of yesterday is worth nothing today.
            Next::Send(_, job) if job.paid_on != Some(now.clock.date_naive()) => self.admit(job, ctx),
            Next::Send(_, job) => self.send(job, token, now, ctx),
            Next::Refuse(job, limit) => self.answer(job, Err(ZoomError::RateLimited(limit))),
            Next::Forget(job) => self.forget(job),
            Next::Wait(span) => {
                self.wake_after(span, ctx);
                return false;
            }
            Next::Idle => return false,
        }
        true
    }

    /// Answers a call and counts what came of it.
    pub(super) fn answer(&mut self, mut job: Job, outcome: Outcome) {
        self.refund(&mut job);
        count(&job, outcome.as_ref().map_or_else(ZoomError::class, |_| "ok"));
        job.reply.answer(outcome);
    }

    /// Drops a call that nobody waits for any more, or that may not leave any more: its caller has to know that
    /// nothing was done.
    pub(super) fn forget(&mut self, mut job: Job) {
        self.refund(&mut job);
        count(&job, "abandoned");
        job.reply.answer(Err(ZoomError::TakenBack));
    }

    /// When nothing is under way any more, says so to whoever drains.
    pub(super) fn tell_drained(&mut self) {
        if self.in_flight.is_empty() {
            for drained in self.draining.iter_mut().flat_map(|waiting| waiting.drain(..)) {
                // Whoever stopped waiting has gone on with the shutdown.
                let _ = drained.send(());
            }
        }
    }

    /// The token in hand; without one it is asked for, and the dispatcher goes on when it comes.
    fn token(&mut self, now: Now, ctx: &Context<Self>) -> Option<Token> {
        let refused = match &mut self.lease {
            Lease::Held(token) if now.clock < token.ask_again_at => return Some(token.clone()),
            Lease::Asked => return None,
            Lease::Held(_) => None,
            Lease::None { refused } => refused.take(),
        };
        self.lease = Lease::Asked;
        let (asked, door) = (self.tokens.token(GetToken { refused }), ctx.address());
        actix_rt::spawn(async move {
            // Fails only when this door is gone, and then its successor asks for itself.
            let _ = door.send(TokenArrived(asked.await)).await;
        });
        None
    }

    fn send(&mut self, mut job: Job, token: Token, now: Now, ctx: &Context<Self>) {
        self.sent += 1;
        let (number, door, client) = (self.sent, ctx.address(), self.client.clone());
        let (call, secret) = (std::sync::Arc::clone(&job.call), token.secret.clone());
        job.sent_at = Instant::now();
        job.counted_at = now.real;
        job.sent_with = Some(token);
        metrics::histogram!("convened_zoom_wait_seconds", "lane" => job.lane.as_str())
            .record(job.sent_at - job.arrived_at);
        self.in_flight.insert(number, job);
        actix_rt::spawn(async move {
            // A panic on the way must not leave the call under way for ever.
            let exchange = AssertUnwindSafe(client.perform(&call, &secret)).catch_unwind().await;
            let exchange = exchange.unwrap_or(Exchange {
                outcome: Err(ZoomError::Unknown { doubt: Doubt::ConnectionLost, status: None }),
                quota: None,
            });
            // Fails only when this door is gone; its callers have been told.
            let _ = door.send(Finished { number, exchange }).await;
        });
    }

    /// Decides what follows from an answer. What Zoom certainly did not count goes back with [`Self::answer`].
    fn finish(&mut self, mut job: Job, outcome: Outcome, now: Now) {
        match &outcome {
            Err(ZoomError::TokenInvalid) => {
                self.drop_token(&job);
                let again = Job { renewed: true, ..job };
                if job.renewed { self.answer(again, outcome) } else { self.again(again, outcome) }
            }
            Err(ZoomError::RateLimited(Limit::Qps { retry_after })) => {
                let again = Job { refusals: job.refusals + 1, ..job };
                let pause = pause(again.refusals, *retry_after);
                self.limits.pause(again.call.label, now.real + pause);
                if again.refusals > QPS_REPEATS_MAX {
                    self.answer(again, outcome);
                } else {
                    self.again(again, outcome);
                }
            }
            Err(ZoomError::RateLimited(limit)) => {
                job.paid_on = None;
                self.spend(&job, limit);
                self.answer(job, outcome);
            }
            Err(ZoomError::Unreachable { .. }) => self.answer(job, outcome),
            _ => {
                job.paid_on = None;
                self.answer(job, outcome);
            }
        }
    }

    /// Sends a call again that certainly did nothing, unless the door is being closed.
    fn again(&mut self, job: Job, outcome: Outcome) {
        if self.draining.is_some() {
            self.answer(job, outcome);
        } else {
            self.lanes.push_again(job.lane, job);
        }
    }

    /// Forgets the token a call was refused with, unless a newer one has come meanwhile.
    fn drop_token(&mut self, job: &Job) {
        let Some(refused) = &job.sent_with else { return };
        if matches!(&self.lease, Lease::Held(token) if token.is(&refused.secret)) {
            self.lease = Lease::None { refused: Some(refused.secret.clone()) };
        }
    }

    fn wake_after(&mut self, span: Duration, ctx: &mut Context<Self>) {
        if let Some(earlier) = self.wake.take() {
            ctx.cancel_future(earlier);
        }
        self.wake = Some(ctx.run_later(span, |actor, ctx| {
            actor.wake = None;
            actor.dispatch(ctx);
        }));
    }

    /// What operators see.
    pub(super) fn show(&self) {
        metrics::gauge!("convened_zoom_in_flight").set(self.in_flight.len() as f64);
        for lane in Lane::ALL {
            metrics::gauge!("convened_zoom_queue_depth", "lane" => lane.as_str())
                .set(self.lanes.depth(lane) as f64);
        }
    }
}

impl Handler<Finished> for ZoomApiActor {
    type Result = ();

    fn handle(&mut self, message: Finished, ctx: &mut Self::Context) {
        let Some(job) = self.in_flight.remove(&message.number) else { return };
        let (now, Exchange { outcome, quota }) = (self.now(), message.exchange);
        metrics::histogram!("convened_zoom_call_seconds", "call" => job.call.name)
            .record(job.sent_at.elapsed());
        if outcome.is_ok() {
            self.limits.answered(&job.call, job.counted_at, now);
        }
        if let Some(note) = quota {
            self.limits.told(job.call.label, note, now);
        }
        self.judge(&job, &outcome, ctx);
        if job.is_trial {
            count(&job, outcome.as_ref().map_or_else(ZoomError::class, |_| "ok"));
        } else {
            self.finish(job, outcome, now);
        }
        self.tell_drained();
        self.dispatch(ctx);
    }
}

impl ZoomApiActor {
    /// What an answer says of Zoom's health rather than of the call.
    fn judge(&mut self, job: &Job, outcome: &Outcome, ctx: &mut Context<Self>) {
        match outcome {
            Err(error) if error.is_outage() => {
                self.breaker.failed(self.clock.now());
                self.shut_if_resting(error, ctx);
            }
            // Somebody answered, but nobody who would do anything for us.
            Err(ZoomError::TokenInvalid) if job.is_trial => {
                self.drop_token(job);
                self.breaker.trip(self.clock.now());
                self.shut_if_resting(&ZoomError::TokenInvalid, ctx);
            }
            Err(ZoomError::TokenInvalid) => {}
            // A call that left before the credentials were lost says nothing of them.
            _ if self.is_lost() && !job.is_trial => {}
            _ => {
                self.breaker.answered();
                self.open(ctx);
            }
        }
    }
}

impl Handler<TokenArrived> for ZoomApiActor {
    type Result = ();

    fn handle(&mut self, message: TokenArrived, ctx: &mut Self::Context) {
        match message.0 {
            Ok(token) => self.lease = Lease::Held(token),
            Err(error) => {
                self.lease = Lease::None { refused: None };
                self.fail_waiting(&error);
                self.no_token(error, ctx);
            }
        }
        self.dispatch(ctx);
    }
}

/// The pause of a label after its `refusals`-th refusal in a row. Spread, because others who share the account
/// were refused at the same moment.
fn pause(refusals: u32, asked: Option<Duration>) -> Duration {
    let doubled = QPS_PAUSE * 2_u32.saturating_pow(refusals.saturating_sub(1).min(QPS_REPEATS_MAX));
    let spread = doubled.mul_f64(1.0 + rand::rng().random_range(0.0..0.5));
    spread.max(asked.unwrap_or_default()).min(QPS_PAUSE_MAX)
}

fn count(job: &Job, class: &'static str) {
    metrics::counter!("convened_zoom_calls_total", "call" => job.call.name, "class" => class).increment(1);
}
