//! Who is let in, and how many: requests in flight for all, requests a second for each caller.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;

use super::Front;
use super::error::ApiError;

/// When to come back after a 503: the requests in flight are done by then.
const OVERLOAD_RETRY: Duration = Duration::from_secs(1);
/// With more callers than this remembered, those at rest are forgotten.
const CALLERS_MAX: usize = 100_000;

/// The limits, and how near we are to them.
#[derive(Debug)]
pub struct Admission {
    in_flight: Arc<Semaphore>,
    callers: DefaultKeyedRateLimiter<String>,
}

impl Admission {
    /// `in_flight` requests at a time for all; for each caller `per_second`, and `burst` at once.
    #[must_use]
    pub fn new(in_flight: usize, per_second: u32, burst: u32) -> Self {
        let positive = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(positive(per_second)).allow_burst(positive(burst));
        Self {
            in_flight: Arc::new(Semaphore::new(in_flight.min(Semaphore::MAX_PERMITS))),
            callers: RateLimiter::keyed(quota),
        }
    }

    /// Counts one request of a caller.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`] when they ask too often.
    pub(super) fn admit(&self, caller: &str) -> Result<(), ApiError> {
        if self.callers.len() > CALLERS_MAX {
            self.callers.retain_recent();
        }
        self.callers.check_key(&caller.to_owned()).map_err(|denied| {
            metrics::counter!("convened_requests_limited_total").increment(1);
            ApiError::RateLimited(denied.wait_time_from(DefaultClock::default().now()))
        })
    }
}

/// Lets a request through while there is room, and refuses it at once when there is none.
pub(super) async fn in_flight(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let room = match request.app_data::<web::Data<Front>>() {
        Some(front) => Arc::clone(&front.admission.in_flight),
        None => return Err(ApiError::Internal.into()),
    };
    let Ok(_permit) = room.try_acquire_owned() else {
        metrics::counter!("convened_requests_refused_total").increment(1);
        return Err(ApiError::Overloaded(OVERLOAD_RETRY).into());
    };
    next.call(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_a_limit_of_their_own() {
        let admission = Admission::new(1, 1, 2);
        assert!(admission.admit("a").is_ok());
        assert!(admission.admit("a").is_ok());
        assert!(matches!(admission.admit("a"), Err(ApiError::RateLimited(_))));
        assert!(admission.admit("b").is_ok());
    }
}
