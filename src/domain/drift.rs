//! Where Zoom has something else than the booking wants, and how often it is put right.
//!
//! Two limits keep a quarrel from eating a host's 100 writes a day (`zoom` rate limits, "Meeting Create/Update API
//! requests permitted for this particular user"): a value that Zoom takes and does not keep is told
//! [`TELLS_MAX`] times, and a meeting that somebody else changes again and again is put right
//! [`RESTORES_MAX`] times a day. What is left then is shown.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How often Zoom is told a value that it does not keep: once, and once more.
pub const TELLS_MAX: u32 = 2;
/// How often a meeting is put right within [`WINDOW`] after changes that are not ours.
pub const RESTORES_MAX: usize = 3;
/// How long a restoration counts.
pub const WINDOW: Duration = Duration::hours(24);

/// A field in which Zoom differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The field by its name at Zoom; a setting is `settings.<name>`.
    pub field: String,
    /// What the booking wants.
    pub wanted: Value,
    /// What Zoom has.
    pub at_zoom: Value,
    /// Whether telling Zoom can help: it ignores a start in the past.
    pub tellable: bool,
}

/// A field in which Zoom was found to differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drifting {
    /// The field by its name at Zoom.
    pub field: String,
    /// What the booking wants.
    pub wanted: Value,
    /// What Zoom has.
    pub at_zoom: Value,
    /// How often Zoom was told the wanted value and did not keep it.
    #[serde(default)]
    pub tells: u32,
}

/// What is known of a meeting's drift.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Drift {
    /// The fields that differ.
    pub fields: Vec<Drifting>,
    /// When it was put right in the last [`WINDOW`].
    pub restores: Vec<DateTime<Utc>>,
}

impl Drift {
    /// Takes in what differs now. How often a value was told is remembered as long as it goes on differing.
    #[must_use]
    pub fn seen(&self, differences: &[Difference]) -> Self {
        let tells: BTreeMap<(&str, String), u32> = self
            .fields
            .iter()
            .map(|known| ((known.field.as_str(), known.wanted.to_string()), known.tells))
            .collect();
        let fields = differences.iter().map(|now| Drifting {
            field: now.field.clone(),
            wanted: now.wanted.clone(),
            at_zoom: now.at_zoom.clone(),
            tells: tells.get(&(now.field.as_str(), now.wanted.to_string())).copied().unwrap_or(0),
        });
        Self { fields: fields.collect(), restores: self.restores.clone() }
    }

    /// Zoom was told these differences, and may not keep them.
    pub fn told(&mut self, differences: &[Difference]) {
        let told = self.seen(differences).fields;
        self.kept(differences);
        self.fields
            .extend(told.into_iter().map(|known| Drifting { tells: known.tells.saturating_add(1), ..known }));
    }

    /// Whether Zoom was told one of these fields before, and did not keep it.
    #[must_use]
    pub fn was_told(&self, differences: &[Difference]) -> bool {
        let told = |field: &str| self.fields.iter().any(|known| known.field == field && known.tells > 0);
        differences.iter().any(|one| told(&one.field))
    }

    /// Zoom was told these differences, and can be believed.
    pub fn kept(&mut self, differences: &[Difference]) {
        self.fields.retain(|known| differences.iter().all(|kept| kept.field != known.field));
    }

    /// Zoom was told for another reason than an edit of the booking.
    pub fn restored(&mut self, now: DateTime<Utc>) {
        self.restores.retain(|at| *at + WINDOW > now);
        self.restores.push(now);
    }

    /// Whether telling Zoom this once more is worth a try.
    #[must_use]
    pub fn is_worth_telling(&self, difference: &Difference) -> bool {
        let told = self
            .fields
            .iter()
            .find(|known| known.field == difference.field && known.wanted == difference.wanted)
            .map_or(0, |known| known.tells);
        difference.tellable && told < TELLS_MAX
    }

    /// When the meeting may be put right again: at once (`None`), or not before.
    #[must_use]
    pub fn exhausted_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let counted: Vec<DateTime<Utc>> =
            self.restores.iter().copied().filter(|at| *at + WINDOW > now).collect();
        let over = counted.len().checked_sub(RESTORES_MAX)?;
        counted.get(over).map(|at| *at + WINDOW)
    }

    /// The names of the fields that differ.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|known| known.field.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + Duration::minutes(minute)
    }

    fn dropped(wanted: Value) -> Difference {
        let (field, at_zoom) = ("settings.waiting_room".to_owned(), json!(false));
        Difference { field, wanted, at_zoom, tellable: true }
    }

    #[test]
    fn a_value_that_zoom_drops_is_told_once_more_and_then_shown() {
        let mut drift = Drift::default();
        for _ in 0..TELLS_MAX {
            assert!(drift.is_worth_telling(&dropped(json!(true))));
            drift.told(&[dropped(json!(true))]);
            drift = drift.seen(&[dropped(json!(true))]);
        }
        assert!(!drift.is_worth_telling(&dropped(json!(true))));
        assert!(drift.is_worth_telling(&dropped(json!("other"))), "another wish is another matter");
        assert_eq!(drift.seen(&[]).fields, [], "and it is forgotten once zoom agrees");
    }

    proptest! {
        /// Whatever the times, no window of 24 hours holds more restorations than allowed.
        #[test]
        fn a_quarrel_never_gets_more_than_its_share(gaps in proptest::collection::vec(0..600_i64, 1..80)) {
            let (mut drift, mut minute, mut done) = (Drift::default(), 0, Vec::new());
            for gap in gaps {
                minute += gap;
                match drift.exhausted_until(at(minute)) {
                    None => { drift.restored(at(minute)); done.push(at(minute)); }
                    Some(until) => prop_assert!(until > at(minute)),
                }
            }
            for first in &done {
                let within = done.iter().filter(|at| *at >= first && **at < *first + WINDOW).count();
                prop_assert!(within <= RESTORES_MAX, "{within} within a day");
            }
            prop_assert!(drift.restores.len() <= RESTORES_MAX);
        }
    }
}
