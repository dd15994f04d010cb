//! How long what is kept.

use chrono::{DateTime, Duration, Utc};

/// How long answers to requests are kept for their repetition: what the interface promises.
const KEYS: Duration = Duration::hours(24);

/// The ages at which things are put away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    /// Names and addresses of who took part in a booking, after its end.
    pub participants: Duration,
    /// Bookings and meetings, after their end.
    pub meetings: Duration,
    /// Marks and rosters, after the end of their booking.
    pub attendance: Duration,
    /// Webhooks that were applied, or that nobody asked for.
    pub applied_webhooks: Duration,
    /// Webhooks that could not be applied, or belong to no meeting of ours.
    pub other_webhooks: Duration,
    /// Stories, after the end of their booking.
    pub audit: Duration,
}

/// The instants before which things are put away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of participants: the ends of their bookings.
    pub participants: DateTime<Utc>,
    /// Of meetings: the ends of their bookings.
    pub meetings: DateTime<Utc>,
    /// Of marks: the ends of their bookings.
    pub attendance: DateTime<Utc>,
    /// Of applied webhooks: when they came.
    pub applied_webhooks: DateTime<Utc>,
    /// Of other webhooks: when they came.
    pub other_webhooks: DateTime<Utc>,
    /// Of stories: their lines, and the ends of their bookings.
    pub audit: DateTime<Utc>,
    /// Of kept answers: when they were given.
    pub keys: DateTime<Utc>,
}

impl Periods {
    /// What is too old at `now`. A period that is longer than time itself keeps everything.
    #[must_use]
    pub fn limits(&self, now: DateTime<Utc>) -> Limits {
        let before = |age: Duration| now.checked_sub_signed(age).unwrap_or(DateTime::UNIX_EPOCH);
        Limits {
            participants: before(self.participants),
            meetings: before(self.meetings),
            attendance: before(self.attendance),
            applied_webhooks: before(self.applied_webhooks),
            other_webhooks: before(self.other_webhooks),
            audit: before(self.audit),
            keys: before(KEYS),
        }
    }
}
