//! Randomness that does not depend on the order of asking.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sha2::{Digest, Sha256};

/// A seed from which every thing draws its own numbers, found by the thing's name.
///
/// Playing the same class again, or only its first half, gives the same identifiers and the same accidents.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dice {
    seed: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The numbers of the thing called `name`.
    pub(super) fn of(self, name: &str) -> StdRng {
        let digest = Sha256::digest(format!("{}/{name}", self.seed));
        StdRng::from_seed(digest.into())
    }
}
