//! Zoom cannot be called: a state of the connection, not a failure of each meeting. What it is, since when, and how
//! that is said to people.

use chrono::{DateTime, Utc};

/// Why Zoom cannot be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// There are no credentials in the configuration.
    NotConfigured,
    /// Zoom gives no token for the credentials, or takes no token it gave: people have to act.
    Lost,
    /// Zoom does not answer, or only with failures of its own.
    Unreachable,
}

impl Cause {
    /// The word in the API, in metrics and in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::Lost => "lost",
            Self::Unreachable => "unreachable",
        }
    }
}

/// A time in which Zoom cannot be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// Why.
    pub cause: Cause,
    /// The class of the error that began it (`credentials_refused`, `unreachable` …).
    pub class: &'static str,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it is tried again, on the daemon's clock; none where only a restart helps.
    pub next_try_at: Option<DateTime<Utc>>,
}

impl Outage {
    /// What people read: `sync.last_error` of every meeting that waits, and the connection's status. The same words
    /// as long as the outage lasts.
    #[must_use]
    pub fn in_words(&self) -> String {
        let since = self.since.format("%Y-%m-%d %H:%M UTC");
        match self.cause {
            Cause::NotConfigured => "Zoom is not configured; it is told once it is".to_owned(),
            Cause::Lost => format!("Zoom refuses our credentials since {since}"),
            Cause::Unreachable => format!("Zoom cannot be reached since {since}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_say_why_and_since_when_and_do_not_change_with_the_next_try() {
        let since = "2026-03-01T10:00:00Z".parse().unwrap();
        let outage = |cause, next_try_at| Outage { cause, class: "unreachable", since, next_try_at };
        assert_eq!(
            outage(Cause::Unreachable, None).in_words(),
            "Zoom cannot be reached since 2026-03-01 10:00 UTC"
        );
        assert_eq!(
            outage(Cause::Lost, None).in_words(),
            outage(Cause::Lost, Some(since)).in_words(),
            "rows are recognised by them"
        );
    }
}
