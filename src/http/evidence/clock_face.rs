//! Times and spans as people read them, in the appointment's zone; and text that came from outside, made fit to show.

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

/// Letters of a text from outside that are shown.
const SHOWN_MAX: usize = 80;

/// Shows times of one day in one zone.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClockFace {
    zone: Tz,
    /// The day that is not named.
    day: chrono::NaiveDate,
}

impl ClockFace {
    /// A clock in `zone` on the day of `at`.
    pub(super) fn new(zone: Tz, at: DateTime<Utc>) -> Self {
        Self { zone, day: at.with_timezone(&zone).date_naive() }
    }

    /// `10:12`; on another day `22 Nov 01:10`.
    pub(super) fn time(&self, at: DateTime<Utc>) -> String {
        self.on_day(at, "%H:%M")
    }

    /// `10:12:07`; on another day `22 Nov 01:10:00`.
    pub(super) fn second(&self, at: DateTime<Utc>) -> String {
        self.on_day(at, "%H:%M:%S")
    }

    /// On an axis: `10:12`, and the new day in the place of midnight.
    pub(super) fn tick(&self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&self.zone);
        let format = if local.time() == chrono::NaiveTime::MIN { "%-d %b" } else { "%H:%M" };
        local.format(format).to_string()
    }

    fn on_day(&self, at: DateTime<Utc>, format: &str) -> String {
        let local = at.with_timezone(&self.zone);
        let other_day = local.date_naive() != self.day;
        let day = if other_day { format!("{} ", local.format("%-d %b")) } else { String::new() };
        format!("{day}{}", local.format(format))
    }

    /// `10:00–10:45`.
    pub(super) fn span(&self, start: DateTime<Utc>, end: DateTime<Utc>) -> String {
        format!("{}–{}", self.time(start), self.time(end))
    }

    /// `Saturday, 21 November 2026`.
    pub(super) fn date(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%A, %-d %B %Y").to_string()
    }

    /// `21 November 2026, 10:12`.
    pub(super) fn moment(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%-d %B %Y, %H:%M").to_string()
    }

    /// `Europe/Berlin, UTC+01:00`.
    pub(super) fn zone(&self, at: DateTime<Utc>) -> String {
        let offset = self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        format!("{}, UTC{offset}", self.zone.name())
    }

    /// Seconds from midnight on the wall, for round marks on an axis.
    pub(super) fn wall_seconds(&self, at: DateTime<Utc>) -> i64 {
        let offset = self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        at.timestamp() + i64::from(offset.local_minus_utc())
    }
}

/// `9 min`, `9 min 20 s`, `1 h 5 min`, `45 s`.
pub(super) fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut parts = Vec::new();
    for (count, unit) in [(hours, "h"), (minutes, "min"), (rest, "s")] {
        if count > 0 {
            parts.push(format!("{count} {unit}"));
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

/// A share in thousandths as `20 %` or `20.5 %`.
pub(super) fn per_cent(milli: i64) -> String {
    match milli % 10 {
        0 => format!("{} %", milli / 10),
        tenth => format!("{}.{} %", milli / 10, tenth.abs()),
    }
}

/// A text from outside without signs that no document may hold, or that turn the text after them round; cut.
pub(super) fn clean(text: &str) -> String {
    let turns = |sign: char| matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    // Not allowed in XML 1.0, section 2.2; `char` holds no surrogates.
    let broken = |sign: char| sign.is_control() || matches!(sign, '\u{fffe}' | '\u{ffff}');
    let mut signs =
        text.chars().filter(|sign| !turns(*sign)).map(|sign| if broken(sign) { ' ' } else { sign });
    let shown: String = signs.by_ref().take(SHOWN_MAX).collect();
    let more = if signs.next().is_some() { "…" } else { "" };
    format!("{}{more}", shown.trim())
}
