//! Which fields Zoom has to be told: those that differ, and no others.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::appointment::MeetingSpec;

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
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// What Zoom has to be told so that `told` becomes `wanted`; `None` when nothing differs.
#[must_use]
pub fn difference(told: &MeetingSpec, wanted: &MeetingSpec) -> Option<SpecChange> {
    let moved = told.start != wanted.start || told.timezone != wanted.timezone;
    let change = SpecChange {
        topic: (told.topic != wanted.topic).then(|| wanted.topic.clone()),
        agenda: (told.agenda != wanted.agenda).then(|| wanted.agenda.clone()),
        start: moved.then(|| (wanted.start, wanted.timezone.clone())),
        duration_minutes: (told.duration_minutes != wanted.duration_minutes)
            .then_some(wanted.duration_minutes),
        settings: wanted
            .settings
            .iter()
            .filter(|(name, value)| told.settings.get(*name) != Some(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    };
    (change != SpecChange::default()).then_some(change)
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

    #[test]
    fn fields_nobody_changed_are_not_sent() {
        assert_eq!(difference(&spec(), &spec()), None);
        let longer = MeetingSpec { duration_minutes: 60, ..spec() };
        let expected = SpecChange { duration_minutes: Some(60), ..SpecChange::default() };
        assert_eq!(difference(&spec(), &longer), Some(expected));
    }

    #[test]
    fn settings_that_only_zoom_has_are_left_alone() {
        let mut at_zoom = spec();
        at_zoom.settings.insert("host_video".into(), true.into());
        assert_eq!(difference(&at_zoom, &spec()), None);
    }
}
