//! The way of the webhooks to their receiver: at least once, in no sure order, or not at all.
//!
//! Every event is a task that waits its turn, tries, and tries again 5, 20 and 60 minutes after the attempt
//! before (on the sandbox's clock); then it is dropped for good, as Zoom does.

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::courier::{Courier, Outcome, Validation, request_id};
use super::deliveries::{Attempt, Deliveries, DeliveryCounts, DeliveryFilter, DeliveryRecord, DeliveryState};
use super::dice::Dice;
use super::mischief::Mischief;
use super::state::SandboxState;
use super::timetable::TimetableError;
use super::webhook::WebhookEvent;
use crate::clock::SharedClock;

/// How long Zoom waits after each failed attempt.
const RETRY_AFTER: [Duration; 3] =
    [Duration::from_secs(5 * 60), Duration::from_secs(20 * 60), Duration::from_secs(60 * 60)];
/// Requests under way at the same time.
const ATTEMPTS_MAX: usize = 64;
/// Deliveries that are not done yet; more overflow.
const WAITING_MAX: u64 = 200_000;

/// How webhooks travel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliverySettings {
    /// Which answers are tried again; sources disagree about Zoom.
    pub retry_on: RetryOn,
    /// What goes wrong with every webhook of the account.
    pub mischief: Mischief,
}

/// Which answers are tried again. A missing answer always is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryOn {
    /// Everything but a 2xx.
    #[default]
    Non2xx,
    /// Only a 5xx; anything else is dropped at once.
    Only5xx,
}

impl RetryOn {
    fn covers(self, outcome: &Outcome) -> bool {
        match (self, outcome.status) {
            (Self::Non2xx, _) | (Self::Only5xx, None) => true,
            (Self::Only5xx, Some(status)) => status >= 500,
        }
    }
}

/// Delivers the account's webhooks.
#[derive(Debug, Clone)]
pub struct Delivery(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: SandboxState,
    courier: Courier,
    runtime: Handle,
    attempts: Semaphore,
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    settings: DeliverySettings,
    /// Events that met the mischief since it was set.
    fates: u64,
    rng: StdRng,
    deliveries: Deliveries,
}

impl Delivery {
    /// Starts to deliver what `state` announces, on the present runtime.
    pub(super) fn start(state: SandboxState) -> io::Result<Self> {
        let book = Book {
            settings: DeliverySettings::default(),
            fates: 0,
            rng: state.random(StdRng::from_rng),
            deliveries: Deliveries::default(),
        };
        let announced = state.events().take();
        let delivery = Self(Arc::new(Shared {
            state,
            courier: Courier::new()?,
            runtime: Handle::current(),
            attempts: Semaphore::new(ATTEMPTS_MAX),
            book: Mutex::new(book),
        }));
        if let Some(mut announced) = announced {
            let forward = delivery.clone();
            tokio::spawn(async move {
                while let Some(event) = announced.recv().await {
                    forward.post(&WebhookEvent::complete(&event));
                }
            });
        }
        Ok(delivery)
    }

    /// Takes an event on its way, unless an accident prevents it.
    pub fn post(&self, event: &WebhookEvent) {
        let receiver = self.0.state.webhook().url;
        let mut book = self.book();
        book.fates += 1;
        let mut rng = Dice::new(book.settings.mischief.seed).of(&format!("fate {}", book.fates));
        let fate = book.settings.mischief.fate(&event.name, &mut rng);
        let request_id = request_id(&mut book.rng);
        let hindrance = match (&receiver, fate.is_empty()) {
            (None, _) => Some(DeliveryState::NoReceiver),
            (_, true) => Some(DeliveryState::Lost),
            _ if book.deliveries.counts().waiting >= WAITING_MAX => Some(DeliveryState::Overflowed),
            _ => None,
        };
        if let Some(state) = hindrance {
            book.deliveries.open(event, &request_id, state);
            return;
        }
        for held in fate {
            let seq = book.deliveries.open(event, &request_id, DeliveryState::Waiting);
            self.0.runtime.spawn(self.clone().deliver(seq, event.clone(), request_id.clone(), held));
        }
    }

    /// Sends an `endpoint.url_validation` and checks the answer.
    pub async fn validate_url(&self) -> Validation {
        let state = &self.0.state;
        self.0.courier.validate(&state.webhook(), state.now()).await
    }

    /// The runtime the sandbox lives on.
    pub(super) fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    /// How webhooks travel at present.
    #[must_use]
    pub fn settings(&self) -> DeliverySettings {
        self.book().settings.clone()
    }

    /// Changes how webhooks travel; what is on its way already is not affected.
    ///
    /// # Errors
    /// Refuses probabilities that are none.
    pub fn set_settings(&self, settings: DeliverySettings) -> Result<(), TimetableError> {
        settings.mischief.check()?;
        let mut book = self.book();
        book.settings = settings;
        book.fates = 0;
        Ok(())
    }

    /// The recorded deliveries that match.
    #[must_use]
    pub fn records(&self, filter: &DeliveryFilter) -> Vec<DeliveryRecord> {
        self.book().deliveries.matching(filter)
    }

    /// How many deliveries are in each state.
    #[must_use]
    pub fn counts(&self) -> DeliveryCounts {
        self.book().deliveries.counts()
    }

    async fn deliver(self, seq: u64, event: WebhookEvent, request_id: String, held: Duration) {
        let clock = self.0.state.clock();
        if !held.is_zero() {
            tokio::time::sleep(clock.real(held)).await;
        }
        let retry_on = self.settings().retry_on;
        let done = until_delivered(clock, retry_on, || self.attempt(seq, &event, &request_id)).await;
        let state = if done { DeliveryState::Delivered } else { DeliveryState::Dropped };
        self.book().deliveries.close(seq, state);
    }

    async fn attempt(&self, seq: u64, event: &WebhookEvent, request_id: &str) -> Outcome {
        // The semaphore is never closed; were it, trying without a permit would do no harm.
        let _permit = self.0.attempts.acquire().await.ok();
        let (webhook, at) = (self.0.state.webhook(), self.0.state.now());
        let outcome = self.0.courier.carry(event, request_id, &webhook, at).await;
        self.book().deliveries.note_attempt(seq, Attempt { at, outcome: outcome.clone() });
        outcome
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Attempts until one succeeds, or the last has failed. True when one did.
async fn until_delivered<F, A>(clock: &SharedClock, retry_on: RetryOn, attempt: F) -> bool
where
    F: Fn() -> A,
    A: Future<Output = Outcome>,
{
    let mut waits = RETRY_AFTER.into_iter();
    loop {
        let outcome = attempt().await;
        if outcome.is_success() {
            return true;
        }
        match waits.next().filter(|_| retry_on.covers(&outcome)) {
            Some(wait) => tokio::time::sleep(clock.real(wait)).await,
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::clock::{Instant, ManualClock};

    /// The minutes at which attempts are made when these statuses come back, and whether one succeeded.
    async fn attempts(statuses: &[u16], retry_on: RetryOn) -> (Vec<u64>, bool) {
        let clock: SharedClock = Arc::new(ManualClock::at(Instant::default()));
        let (began, statuses) = (tokio::time::Instant::now(), RefCell::new(statuses.iter()));
        let minutes = RefCell::new(Vec::new());
        let done = until_delivered(&clock, retry_on, || {
            minutes.borrow_mut().push(began.elapsed().as_secs() / 60);
            let status = statuses.borrow_mut().next().copied();
            std::future::ready(Outcome { status, error: None })
        })
        .await;
        (minutes.into_inner(), done)
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_event_is_tried_after_5_25_and_85_minutes_and_then_dropped() {
        assert_eq!(attempts(&[500, 404], RetryOn::Non2xx).await, (vec![0, 5, 25, 85], false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_ends_the_attempts() {
        assert_eq!(attempts(&[503, 204, 500], RetryOn::Non2xx).await, (vec![0, 5], true));
    }

    #[tokio::test(start_paused = true)]
    async fn where_only_server_errors_are_retried_a_refusal_is_final() {
        assert_eq!(attempts(&[500, 401], RetryOn::Only5xx).await, (vec![0, 5], false));
    }
}
