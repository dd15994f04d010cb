//! What is wrong with a configuration: all of it, one line each.

use std::fmt;

/// One fault, naming the place, the key and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    place: String,
    key: String,
    reason: String,
}

impl Fault {
    pub(super) fn new(place: impl ToString, key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.to_string(), key: key.into(), reason: reason.into() }
    }

    /// The key at fault, such as `server.bind`; empty when the whole file is.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.place, &self.key, &self.reason];
        let shown: Vec<&str> =
            parts.iter().map(|part| part.as_str()).filter(|part| !part.is_empty()).collect();
        f.write_str(&shown.join(": "))
    }
}

/// Every fault of a configuration; its `Display` has one line per fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub(super) Vec<Fault>);

impl Faults {
    /// The faults, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Fault::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Faults {}

/// The known word closest to `word`, when it is close enough to be a slip of the finger.
pub(super) fn closest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const SIMILARITY_MIN: f64 = 0.75;
    known
        .map(|candidate| (strsim::normalized_damerau_levenshtein(word, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
