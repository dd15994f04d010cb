//! The types a key can have, each knowing how to read itself from a file's value or a variable's text.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use url::Url;

use super::raw::Raw;

/// A type that a configuration value can be read as.
pub(super) trait FromRaw: Sized {
    /// What to write, for the fault's line.
    const EXPECTED: &'static str;

    /// The value, or why not; `None` for "this kind of value does not fit at all".
    fn from_raw(raw: &Raw) -> Result<Self, Option<String>>;
}

/// Reads text, whichever layer it came from.
fn text(raw: &Raw) -> Result<&str, Option<String>> {
    match raw {
        Raw::Text(text) | Raw::Loose(text) => Ok(text.trim()),
        _ => Err(None),
    }
}

/// Reads a number from a number, or from a variable's text.
fn number<T: FromStr + TryFrom<i64>>(raw: &Raw) -> Result<T, Option<String>> {
    match raw {
        Raw::Integer(number) => T::try_from(*number).map_err(|_| Some(format!("{number} is out of range"))),
        Raw::Loose(text) => text.trim().replace('_', "").parse().map_err(|_| None),
        _ => Err(None),
    }
}

impl FromRaw for String {
    const EXPECTED: &'static str = "text";

    fn from_raw(raw: &Raw) -> Result<Self, Option<String>> {
        text(raw).map(str::to_owned)
    }
}

impl FromRaw for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn from_raw(raw: &Raw) -> Result<Self, Option<String>> {
        text(raw).map(Self::from)
    }
}

impl FromRaw for u32 {
    const EXPECTED: &'static str = "a whole number";

    fn from_raw(raw: &Raw) -> Result<Self, Option<String>> {
        number(raw)
    }
}

impl FromRaw for usize {
    const EXPECTED: &'static str = "a whole number";

    fn from_raw(raw: &Raw) -> Result<Self, Option<String>> {
        number(raw)
    }
}

impl FromRaw for f64 {
    const EXPECTED: &'static str = "a number";

    fn from_raw(raw: &Raw) -> Result<Self, Option<String>> {
        match raw {
            Raw::Float(number) => Ok(*number),
            Raw::Integer(number) => i32::try_from(*number).map(Self::from).map_err(|_| None),
            Raw::Loose(text) => text.trim().parse().map_err(|_| None),
            _ => Err(None),
        }
    }
}

impl FromRaw for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_raw(raw: &Raw) -> Result<Self, Option<String>> {
        match raw {
            Raw::Bool(flag) => Ok(*flag),
            Raw::Loose(text) => text.trim().parse().map_err(|_| None),
            _ => Err(None),
        }
    }
}

impl FromRaw for Duration {
    const EXPECTED: &'static str = "a duration such as \"90s\", \"15m\" or \"30d\"";

    fn from_raw(raw: &Raw) -> Result<Self, Option<String>> {
        humantime::parse_duration(text(raw)?).map_err(|error| Some(error.to_string()))
    }
}

impl FromRaw for SocketAddr {
    const EXPECTED: &'static str = "an address such as \"127.0.0.1:8080\"";

    fn from_raw(raw: &Raw) -> Result<Self, Option<String>> {
        let text = text(raw)?;
        text.parse().or_else(|_| text.to_socket_addrs().ok().and_then(|mut found| found.next()).ok_or(None))
    }
}

impl FromRaw for Url {
    const EXPECTED: &'static str = "an http or https URL";

    fn from_raw(raw: &Raw) -> Result<Self, Option<String>> {
        let url = Self::parse(text(raw)?).map_err(|error| Some(error.to_string()))?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            other => Err(Some(format!("`{other}` is not http or https"))),
        }
    }
}

impl FromRaw for DateTime<Utc> {
    const EXPECTED: &'static str = "a time such as \"2026-01-15T10:00:00Z\"";

    fn from_raw(raw: &Raw) -> Result<Self, Option<String>> {
        DateTime::parse_from_rfc3339(text(raw)?)
            .map(|time| time.to_utc())
            .map_err(|error| Some(error.to_string()))
    }
}

impl FromRaw for Tz {
    const EXPECTED: &'static str = "an IANA time zone such as \"Europe/Berlin\"";

    fn from_raw(raw: &Raw) -> Result<Self, Option<String>> {
        text(raw)?.parse().map_err(|_| Some("no such time zone".to_owned()))
    }
}

/// A list; in a variable its items are separated by commas.
impl FromRaw for Vec<String> {
    const EXPECTED: &'static str = "a list of texts";

    fn from_raw(raw: &Raw) -> Result<Self, Option<String>> {
        match raw {
            Raw::List(items) => items.iter().map(String::from_raw).collect(),
            Raw::Loose(text) => Ok(text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(str::to_owned)
                .collect()),
            _ => Err(None),
        }
    }
}

/// Makes an enum whose values are words of the configuration.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $expected:literal: $($(#[$word_doc:meta])* $variant:ident = $word:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$word_doc])* $variant),+ }

        impl $name {
            /// The word that stands for it in the configuration.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl FromRaw for $name {
            const EXPECTED: &'static str = $expected;

            fn from_raw(raw: &Raw) -> Result<Self, Option<String>> {
                match text(raw)?.to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(None),
                }
            }
        }
    };
}

words! {
    /// The Zoom plan, which decides the account's rate limits.
    Plan, "free, pro or business":
    /// Free account.
    Free = "free",
    /// Pro account.
    Pro = "pro",
    /// Business, Education and Enterprise accounts.
    Business = "business",
}

words! {
    /// Who registers for a meeting at Zoom.
    Registration, "auto, always or never":
    /// Everybody on the roster who has an address, where the host has a licence of their own when the meeting is made.
    Auto = "auto",
    /// The same for every meeting; one whose host cannot shows that as drift.
    Always = "always",
    /// No meeting.
    Never = "never",
}

words! {
    /// What is done about a host whom Zoom does not know.
    UserAction, "none, create or custCreate":
    /// Nothing: their meetings wait until somebody makes the user.
    None = "none",
    /// Zoom invites them by mail; they can host once they have accepted.
    Create = "create",
    /// A user without a login, who can host at once (only for accounts that Zoom has enabled for it).
    CustCreate = "custcreate",
}

words! {
    /// What becomes of our meetings at Zoom that no booking owns.
    Orphans, "remove or report":
    /// They are removed after a second look.
    Remove = "remove",
    /// They are listed, and left for a person to remove.
    Report = "report",
}

words! {
    /// How callers' tokens are signed.
    Algorithm, "HS256, RS256, ES256 or EdDSA":
    /// A shared secret.
    Hs256 = "hs256",
    /// RSA keys.
    Rs256 = "rs256",
    /// P-256 keys.
    Es256 = "es256",
    /// Ed25519 keys.
    EdDsa = "eddsa",
}

words! {
    /// The least severe log line that is written.
    LogLevel, "error, warn, info, debug or trace":
    /// Only failures.
    Error = "error",
    /// And warnings.
    Warn = "warn",
    /// And what happens.
    Info = "info",
    /// And why.
    Debug = "debug",
    /// And everything else.
    Trace = "trace",
}

words! {
    /// How log lines look.
    LogFormat, "auto, human or json":
    /// Human on a terminal, JSON otherwise.
    Auto = "auto",
    /// For people.
    Human = "human",
    /// For machines: one JSON object a line.
    Json = "json",
}
