//! What can go wrong when Zoom is asked, sorted by what the asker has to know:
//! was it perhaps done after all, and can asking again help?
//!
//! Status codes and texts are looked at once, when one of these is made; nobody else does.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// Why a call to Zoom did not bring what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoomError {
    /// There are no credentials; the daemon works without Zoom until there are.
    #[error("zoom is not configured")]
    NotConfigured,
    /// The request never left: nothing was done.
    #[error("zoom cannot be reached: {detail}")]
    Unreachable {
        /// What the connection attempt ended with.
        detail: String,
    },
    /// The request left, and what became of it is not known: it may have been done. Look before repeating.
    #[error("zoom's answer is unknown: {doubt}")]
    Unknown {
        /// What stood in the way of the answer.
        doubt: Doubt,
        /// The HTTP status, where there was one.
        status: Option<u16>,
    },
    /// Zoom, or our own count on its behalf, says "too much": nothing was done.
    #[error("zoom's limit is reached: {0}")]
    RateLimited(Limit),
    /// Zoom does not know the meeting, user or recording.
    #[error("zoom does not know it (code {code}): {message}")]
    NotFound {
        /// Zoom's own code, such as 3001 for meetings and 1001 for users.
        code: i64,
        /// Zoom's words; may hold an e-mail address, so not for logs.
        message: String,
    },
    /// Zoom understood the call and says no.
    #[error("zoom refuses it (status {status}): {message}")]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// Zoom's own code; none when something in front of Zoom answered.
        code: Option<i64>,
        /// Zoom's words, with the faulty fields; may hold an e-mail address, so not for logs.
        message: String,
    },
    /// The access token is no longer good, and neither was a fresh one.
    #[error("zoom does not accept the access token")]
    TokenInvalid,
    /// The app at Zoom lacks a permission.
    #[error("the zoom app lacks scopes: {}", scopes.join(", "))]
    ScopeMissing {
        /// The scopes Zoom named.
        scopes: Vec<String>,
    },
    /// Zoom gives no token for these credentials.
    #[error("zoom refuses the credentials: {reason}")]
    CredentialsRefused {
        /// Zoom's words.
        reason: String,
    },
    /// Zoom has been failing; this call was not tried.
    #[error("zoom has been failing, not tried again for {} s", retry_after.as_secs())]
    BreakerOpen {
        /// When trying again makes sense, on the daemon's clock.
        retry_after: Duration,
    },
    /// Too many calls wait already; this one was not tried.
    #[error("too many calls to zoom are waiting")]
    Overloaded,
    /// The daemon is going down; this call was not tried.
    #[error("the daemon is shutting down")]
    ShuttingDown,
    /// While it waited for its turn, what it is about went to another process, or whoever asked went away; this call
    /// was not tried.
    #[error("the call was taken back before it left")]
    TakenBack,
}

/// Why an answer is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// No answer in time.
    Timeout,
    /// The connection broke after the request had gone out.
    ConnectionLost,
    /// Zoom or a machine in front of it failed (5xx).
    ServerFailure,
    /// The answer is not Zoom's JSON; usually a page from something in between.
    NotJson,
    /// The answer is JSON, but not of the promised shape.
    Unreadable,
    /// The answer is longer than any honest one.
    TooLarge,
}

impl fmt::Display for Doubt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Timeout => "no answer in time",
            Self::ConnectionLost => "the connection broke",
            Self::ServerFailure => "a failure on zoom's side",
            Self::NotJson => "not json",
            Self::Unreadable => "json of another shape",
            Self::TooLarge => "too large",
        })
    }
}

/// Which of Zoom's limits was reached. They look alike (status 429) and want different patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Calls per second of one label, shared by all apps of the account.
    Qps {
        /// How long Zoom, or a machine in front of it, asks to wait.
        retry_after: Option<Duration>,
    },
    /// Calls per day of one label.
    Daily {
        /// When the day's count starts anew.
        until: DateTime<Utc>,
    },
    /// The 100 creates and updates a day of one host.
    HostDaily {
        /// When the day's count starts anew.
        until: DateTime<Utc>,
    },
    /// The few registrations a day of one person.
    RegistrantDaily {
        /// When the day's count starts anew.
        until: DateTime<Utc>,
    },
    /// Zoom is busy with another request about the same thing.
    LockKey,
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Qps { .. } => out.write_str("calls per second"),
            Self::Daily { until } => write!(out, "calls per day of this kind; again at {}", minute(until)),
            Self::HostDaily { until } => {
                write!(out, "meetings made or changed per day for this host; again at {}", minute(until))
            }
            Self::RegistrantDaily { until } => {
                write!(out, "registrations per day of this person; again at {}", minute(until))
            }
            Self::LockKey => out.write_str("another request about the same is running"),
        }
    }
}

/// A time as people read it.
fn minute(at: &DateTime<Utc>) -> impl fmt::Display {
    at.format("%Y-%m-%d %H:%M UTC")
}

/// Whether, and when, the same call may be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It would end the same way.
    Never,
    /// Later, ever more patiently. After [`ZoomError::Unknown`] only once it is known that it was not done,
    /// unless the call is [safe](super::ZoomCall::safe).
    Backoff,
    /// After this span.
    After(Duration),
    /// Not before this instant.
    At(DateTime<Utc>),
}

impl ZoomError {
    /// What the caller should do next; decided here and nowhere else.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::NotFound { .. } | Self::Rejected { .. } => Retry::Never,
            Self::BreakerOpen { retry_after } => Retry::After(*retry_after),
            Self::RateLimited(limit) => match limit {
                Limit::Qps { retry_after: Some(span) } => Retry::After(*span),
                Limit::Qps { retry_after: None } | Limit::LockKey => Retry::Backoff,
                Limit::Daily { until } | Limit::HostDaily { until } | Limit::RegistrantDaily { until } => {
                    Retry::At(*until)
                }
            },
            // Missing credentials and scopes are put right by people, often while we run.
            Self::NotConfigured
            | Self::Unreachable { .. }
            | Self::Unknown { .. }
            | Self::TokenInvalid
            | Self::ScopeMissing { .. }
            | Self::CredentialsRefused { .. }
            | Self::Overloaded
            | Self::ShuttingDown
            | Self::TakenBack => Retry::Backoff,
        }
    }

    /// Whether the call may have been done in spite of this error.
    #[must_use]
    pub fn perhaps_done(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Whether this says something about Zoom's health rather than about the call.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Unknown { .. })
    }

    /// Whether it was a passing matter that Zoom did not say what is there: asked again later, it may.
    #[must_use]
    pub fn keeps_from_knowing(&self) -> bool {
        !matches!(self, Self::NotFound { .. } | Self::Rejected { .. })
    }

    /// A short, fixed name for metrics and logs.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::Unreachable { .. } => "unreachable",
            Self::Unknown { .. } => "unknown",
            Self::RateLimited(Limit::Qps { .. }) => "limit_second",
            Self::RateLimited(Limit::Daily { .. }) => "limit_day",
            Self::RateLimited(Limit::HostDaily { .. }) => "limit_host",
            Self::RateLimited(Limit::RegistrantDaily { .. }) => "limit_registrant",
            Self::RateLimited(Limit::LockKey) => "limit_lock",
            Self::NotFound { .. } => "not_found",
            Self::Rejected { .. } => "rejected",
            Self::TokenInvalid => "token_invalid",
            Self::ScopeMissing { .. } => "scope_missing",
            Self::CredentialsRefused { .. } => "credentials_refused",
            Self::BreakerOpen { .. } => "breaker_open",
            Self::Overloaded => "overloaded",
            Self::ShuttingDown => "shutting_down",
            Self::TakenBack => "taken_back",
        }
    }

    /// Zoom's own code, where it gave one.
    #[must_use]
    pub fn zoom_code(&self) -> Option<i64> {
        match self {
            Self::NotFound { code, .. } => Some(*code),
            Self::Rejected { code, .. } => *code,
            _ => None,
        }
    }

    /// The same failure, met before the call itself was sent (while getting a token, say): whatever is in
    /// doubt about that, the call was certainly not done.
    #[must_use]
    pub fn before_sending(self) -> Self {
        match self {
            Self::Unknown { doubt, .. } => Self::Unreachable { detail: doubt.to_string() },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unknown_answer_may_have_been_done() {
        let unknown = ZoomError::Unknown { doubt: Doubt::Timeout, status: None };
        assert!(unknown.perhaps_done());
        assert!(!unknown.clone().before_sending().perhaps_done());
        for certain in [
            ZoomError::Unreachable { detail: String::new() },
            ZoomError::RateLimited(Limit::LockKey),
            ZoomError::TokenInvalid,
            ZoomError::BreakerOpen { retry_after: Duration::ZERO },
            ZoomError::Overloaded,
        ] {
            assert!(!certain.perhaps_done(), "{certain:?}");
        }
    }

    #[test]
    fn each_limit_asks_for_its_own_patience() {
        let until = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let retry = |limit| ZoomError::RateLimited(limit).retry();
        assert_eq!(retry(Limit::Qps { retry_after: None }), Retry::Backoff);
        assert_eq!(
            retry(Limit::Qps { retry_after: Some(Duration::from_secs(2)) }),
            Retry::After(Duration::from_secs(2))
        );
        assert_eq!(retry(Limit::Daily { until }), Retry::At(until));
        assert_eq!(retry(Limit::HostDaily { until }), Retry::At(until));
        assert_eq!(retry(Limit::RegistrantDaily { until }), Retry::At(until));
        assert_eq!(retry(Limit::LockKey), Retry::Backoff);
    }
}
