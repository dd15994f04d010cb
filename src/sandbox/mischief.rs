//! What goes wrong on the way of a webhook: lost, doubled, held back, overtaken.

use std::time::Duration;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::timetable::{Offset, TimetableError};

/// How long a shuffled event is held at most: long enough to be overtaken by its neighbours.
const SHUFFLE_UP_TO: Duration = Duration::from_secs(10);
/// How long a delayed event is held at most, unless said otherwise.
const DELAY_UP_TO_SECS: i64 = 600;

/// How likely each accident is. Nothing goes wrong by default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mischief {
    /// Decides every accident.
    pub seed: u64,
    /// Probability that an event is never sent.
    pub drop: f64,
    /// Probability that an event is sent twice.
    pub double: f64,
    /// Probability that an event is held back for some seconds, so that others overtake it.
    pub shuffle: f64,
    /// Probability that an event is held back for up to `delay_up_to`.
    pub delay: f64,
    /// The longest delay.
    pub delay_up_to: Offset,
    /// Names of events that are never sent.
    pub lose: Vec<String>,
}

impl Default for Mischief {
    fn default() -> Self {
        let delay_up_to = Offset(DELAY_UP_TO_SECS);
        Self { seed: 0, drop: 0.0, double: 0.0, shuffle: 0.0, delay: 0.0, delay_up_to, lose: Vec::new() }
    }
}

impl Mischief {
    /// Checks the probabilities.
    ///
    /// # Errors
    /// Names the first that is none.
    pub fn check(&self) -> Result<(), TimetableError> {
        let chances =
            [("drop", self.drop), ("double", self.double), ("shuffle", self.shuffle), ("delay", self.delay)];
        match chances.into_iter().find(|(_, chance)| !(0.0..=1.0).contains(chance)) {
            Some((name, _)) => Err(TimetableError::Probability(name)),
            None => Ok(()),
        }
    }

    /// The fate of one event: for each copy that is sent, how long it is held. None at all: it is lost.
    pub(super) fn fate(&self, event: &str, rng: &mut impl Rng) -> Vec<Duration> {
        // Every die is cast for every event, so that changing one chance does not change the others' accidents.
        let lost = rng.random_bool(self.drop) || self.lose.iter().any(|name| name == event);
        let copies = if rng.random_bool(self.double) { 2 } else { 1 };
        let mut holds = Vec::with_capacity(copies);
        for _ in 0..copies {
            holds.push(self.hold(rng));
        }
        if lost {
            holds.clear();
        }
        holds
    }

    fn hold(&self, rng: &mut impl Rng) -> Duration {
        let longest = Duration::from_secs(self.delay_up_to.0.unsigned_abs());
        let (shuffled, delayed) = (rng.random_bool(self.shuffle), rng.random_bool(self.delay));
        let part: f64 = rng.random();
        match (delayed, shuffled) {
            (true, _) => longest.mul_f64(part),
            (false, true) => SHUFFLE_UP_TO.mul_f64(part),
            (false, false) => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn fates(mischief: &Mischief) -> Vec<Vec<Duration>> {
        let mut rng = StdRng::seed_from_u64(mischief.seed);
        (0..1000).map(|_| mischief.fate("meeting.started", &mut rng)).collect()
    }

    #[test]
    fn by_default_every_event_is_sent_once_and_at_once() {
        assert!(fates(&Mischief::default()).iter().all(|fate| fate == &[Duration::ZERO]));
    }

    #[test]
    fn accidents_happen_about_as_often_as_they_should_and_the_same_way_again() {
        let mischief = Mischief { drop: 0.2, double: 0.3, delay: 0.1, seed: 5, ..Mischief::default() };
        let fates_of_five = fates(&mischief);
        assert_eq!(fates_of_five, fates(&mischief));
        let lost = fates_of_five.iter().filter(|fate| fate.is_empty()).count();
        let doubled = fates_of_five.iter().filter(|fate| fate.len() == 2).count();
        assert!(
            (150..250).contains(&lost) && (190..290).contains(&doubled),
            "{lost} lost, {doubled} doubled"
        );
    }

    #[test]
    fn a_named_event_is_always_lost_and_a_chance_above_one_is_refused() {
        let mischief = Mischief { lose: vec!["meeting.started".to_owned()], ..Mischief::default() };
        assert!(fates(&mischief).iter().all(Vec::is_empty));
        let fault = Mischief { delay: 1.5, ..Mischief::default() }.check();
        assert_eq!(fault, Err(TimetableError::Probability("delay")));
    }
}
