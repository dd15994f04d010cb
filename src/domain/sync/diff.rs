//! Which fields Zoom has to be told: those that differ, and no others.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::domain::appointment::{MeetingSpec, truncate_chars};
use crate::domain::drift::Difference;
use crate::domain::marker::unsigned;

/// What the setting's name is put behind in a [`Difference`].
const SETTINGS: &str = "settings.";

/// A start that Zoom has further ahead than this, while ours is past, is a real difference; nearer ones come of
/// clocks and of Zoom's taking a past start for "now".
const START_SLACK: Duration = Duration::minutes(5);

/// As much of a text as a difference shows.
const SHOWN_CHARS_MAX: usize = 250;

/// The fields of a change; a field that is `None` stays as it is at Zoom.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SpecChange {
    /// New topic.
    pub topic: Option<String>,
    /// New agenda.
    pub agenda: Option<String>,
    /// New start and the zone to show it in: Zoom reads the two together.
    pub start: Option<(DateTime<Utc>, String)>,
    /// New length in minutes.
    pub duration_minutes: Option<i64>,
    /// Settings with another value than Zoom has.
    pub settings: BTreeMap<String, Value>,
}

impl SpecChange {
    /// What Zoom has to be told so that these fields become as `wanted`.
    #[must_use]
    pub fn of(fields: &[Difference], wanted: &MeetingSpec) -> Self {
        let mut change = Self::default();
        for Difference { field, .. } in fields {
            match field.as_str() {
                "topic" => change.topic = Some(wanted.topic.clone()),
                "agenda" => change.agenda = Some(wanted.agenda.clone()),
                "start_time" | "timezone" => change.start = Some((wanted.start, wanted.timezone.clone())),
                "duration" => change.duration_minutes = Some(wanted.duration_minutes),
                setting => {
                    let name = setting.strip_prefix(SETTINGS).unwrap_or(setting);
                    let value = wanted.settings.get(name).cloned();
                    change.settings.extend(value.map(|value| (name.to_owned(), value)));
                }
            }
        }
        change
    }

    /// Whether Zoom may take it and keep something else without a word: settings, under an account's locks.
    #[must_use]
    pub fn wants_reading_back(&self) -> bool {
        !self.settings.is_empty()
    }

    /// What Zoom has after the change, as far as its 204 can be trusted.
    #[must_use]
    pub fn applied_to(&self, told: &MeetingSpec) -> MeetingSpec {
        let mut after = told.clone();
        after.topic = self.topic.clone().unwrap_or(after.topic);
        after.agenda = self.agenda.clone().unwrap_or(after.agenda);
        after.duration_minutes = self.duration_minutes.unwrap_or(after.duration_minutes);
        if let Some((start, timezone)) = &self.start {
            (after.start, after.timezone) = (*start, timezone.clone());
        }
        after.settings.extend(self.settings.clone());
        after
    }
}

/// Where Zoom, which has `told`, differs from what is `wanted` at `now`.
///
/// What is only written otherwise is no difference: another signature in the mark, blanks at an end, the order
/// of the alternative hosts, settings that Zoom adds to an object of ours.
#[must_use]
pub fn differences(told: &MeetingSpec, wanted: &MeetingSpec, now: DateTime<Utc>) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut note = |differs: bool, field: &str, wanted: Value, at_zoom: Value, tellable: bool| {
        if differs {
            found.push(Difference { field: field.to_owned(), wanted, at_zoom, tellable });
        }
    };
    let ahead = wanted.start > now;
    let start_differs =
        if ahead { told.start != wanted.start } else { told.start > wanted.start.max(now) + START_SLACK };
    let zone_differs = ahead && told.timezone != wanted.timezone;
    note(told.topic.trim() != wanted.topic.trim(), "topic", json!(wanted.topic), json!(told.topic), true);
    let agenda_differs = plain(&told.agenda) != plain(&wanted.agenda);
    note(agenda_differs, "agenda", shown(&wanted.agenda), shown(&told.agenda), true);
    // Zoom answers 204 to a start in the past and keeps its own.
    note(start_differs, "start_time", json!(wanted.start), json!(told.start), ahead);
    note(zone_differs, "timezone", json!(wanted.timezone), json!(told.timezone), true);
    let length_differs = told.duration_minutes != wanted.duration_minutes;
    note(length_differs, "duration", json!(wanted.duration_minutes), json!(told.duration_minutes), true);
    for (name, value) in &wanted.settings {
        let at_zoom = told.settings.get(name);
        let kept = at_zoom.is_some_and(|at_zoom| setting_holds(name, value, at_zoom));
        note(
            !kept,
            &format!("{SETTINGS}{name}"),
            value.clone(),
            at_zoom.cloned().unwrap_or(Value::Null),
            true,
        );
    }
    found
}

/// Whether what a webhook says of a meeting's change is what we told Zoom: our own echo. Fields that are nobody's
/// do not matter, nor do settings that we never asked for; anything else, a passcode for one, is not from us.
#[must_use]
pub fn is_echo(changed: &serde_json::Map<String, Value>, told: &MeetingSpec) -> bool {
    changed.iter().all(|(field, value)| match field.as_str() {
        "id" | "uuid" | "host_id" | "type" => true,
        "topic" => value.as_str().is_some_and(|topic| topic.trim() == told.topic.trim()),
        "agenda" => value.as_str().is_some_and(|agenda| plain(agenda) == plain(&told.agenda)),
        "duration" => value.as_i64() == Some(told.duration_minutes),
        "timezone" => value.as_str() == Some(&told.timezone),
        "start_time" => {
            let start = value.as_str().and_then(|start| DateTime::parse_from_rfc3339(start).ok());
            start.is_some_and(|start| start == told.start)
        }
        "settings" => {
            value.as_object().into_iter().flatten().all(|(name, value)| {
                told.settings.get(name).is_none_or(|told| setting_holds(name, told, value))
            })
        }
        _ => false,
    })
}

/// An agenda as it is compared.
fn plain(agenda: &str) -> String {
    unsigned(agenda).replace("\r\n", "\n").trim_end().to_owned()
}

fn shown(text: &str) -> Value {
    json!(truncate_chars(text, SHOWN_CHARS_MAX))
}

/// Whether a setting is at Zoom as it is wanted.
fn setting_holds(name: &str, wanted: &Value, at_zoom: &Value) -> bool {
    if name == "alternative_hosts" {
        return addresses(wanted) == addresses(at_zoom);
    }
    match (wanted, at_zoom) {
        (Value::Object(wanted), Value::Object(at_zoom)) => wanted.iter().all(|(name, value)| {
            at_zoom.get(name).is_some_and(|at_zoom| setting_holds(name, value, at_zoom))
        }),
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

fn addresses(list: &Value) -> Vec<String> {
    let mut addresses: Vec<String> = list
        .as_str()
        .unwrap_or_default()
        .split([';', ','])
        .map(|address| address.trim().to_lowercase())
        .filter(|address| !address.is_empty())
        .collect();
    addresses.sort();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> MeetingSpec {
        MeetingSpec {
            topic: "Algebra".into(),
            agenda: "[convened:1]".into(),
            start: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            duration_minutes: 45,
            timezone: "Europe/Berlin".into(),
            settings: BTreeMap::from([("waiting_room".into(), true.into())]),
        }
    }

    fn before() -> DateTime<Utc> {
        spec().start - Duration::days(1)
    }

    fn change(told: &MeetingSpec, wanted: &MeetingSpec) -> SpecChange {
        SpecChange::of(&differences(told, wanted, before()), wanted)
    }

    #[test]
    fn fields_nobody_changed_are_not_sent() {
        assert_eq!(differences(&spec(), &spec(), before()), []);
        let longer = MeetingSpec { duration_minutes: 60, ..spec() };
        let expected = SpecChange { duration_minutes: Some(60), ..SpecChange::default() };
        assert_eq!(change(&spec(), &longer), expected);
        assert_eq!(expected.applied_to(&spec()), longer);
    }

    #[test]
    fn settings_that_only_zoom_has_are_left_alone() {
        let mut at_zoom = spec();
        at_zoom.settings.insert("host_video".into(), true.into());
        assert_eq!(differences(&at_zoom, &spec(), before()), []);
    }

    #[test]
    fn what_is_only_written_otherwise_is_no_difference() {
        let mut wanted = spec();
        wanted.agenda = "[convened:1] Bring a ruler\nand a pen ".into();
        wanted.settings = BTreeMap::from([
            ("alternative_hosts".into(), json!("a@x.example,B@x.example")),
            ("jbh_time".into(), json!(5)),
            ("continuous_meeting_chat".into(), json!({ "enable": true })),
        ]);
        let mut told = wanted.clone();
        told.agenda = "[convened:school1-1] Bring a ruler\r\nand a pen".into();
        told.settings = BTreeMap::from([
            ("alternative_hosts".into(), json!("b@x.example;a@x.example;")),
            ("jbh_time".into(), json!(5.0)),
            ("continuous_meeting_chat".into(), json!({ "enable": true, "channel_id": "c" })),
        ]);
        assert_eq!(differences(&told, &wanted, before()), []);
    }

    #[test]
    fn what_we_told_comes_back_as_an_echo_and_nothing_else_does() {
        let echo = |changed: Value| is_echo(changed.as_object().unwrap(), &spec());
        assert!(echo(json!({ "id": 1, "uuid": "u", "duration": 45, "start_time": spec().start })));
        assert!(echo(
            json!({ "agenda": "[convened:here-1]", "topic": "Algebra", "timezone": "Europe/Berlin" })
        ));
        assert!(echo(json!({ "settings": { "waiting_room": true, "host_video": true } })));
        for other in [
            json!({ "duration": 10 }),
            json!({ "settings": { "waiting_room": false } }),
            json!({ "password": "x" }),
            json!({ "topic": null }),
            json!({ "start_time": "soon" }),
        ] {
            assert!(!echo(other.clone()), "{other}");
        }
    }

    #[test]
    fn a_start_in_the_past_is_never_told_and_shown_only_when_zoom_means_later() {
        let late = spec().start + Duration::minutes(10);
        let taken_for_now = MeetingSpec { start: late, ..spec() };
        assert_eq!(differences(&taken_for_now, &spec(), late), []);
        let tomorrow = MeetingSpec { start: spec().start + Duration::days(1), ..spec() };
        let found = differences(&tomorrow, &spec(), late);
        assert_eq!((found.len(), found[0].field.as_str(), found[0].tellable), (1, "start_time", false));
        assert!(differences(&tomorrow, &spec(), before())[0].tellable);
    }
}
