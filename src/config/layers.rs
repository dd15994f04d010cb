//! The layers a configuration is made of, laid over each other: file, credentials directory, environment
//! `CONVENED_<SECTION>__<KEY>`, then the names that the Zoom samples use. A later layer wins, key by key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::fault::Fault;
use super::raw::{Origin, Raw};

/// The file that is read when nobody names one and it exists.
pub(super) const DEFAULT_FILE: &str = "config/convened.toml";
const PREFIX: &str = "CONVENED_";
/// Variables with our prefix that are not keys.
const NOT_KEYS: [&str; 1] = ["CONVENED_CONFIG"];
/// Variables of the test harness.
const TEST_PREFIX: &str = "CONVENED_TEST_";

/// Names that existing Zoom integrations use, and the key each of them sets. A later line wins.
const SEED_NAMES: [(&str, &str); 12] = [
    ("ZOOM_ACCOUNT_ID", "zoom.account_id"),
    ("ZOOM_API_KEY", "zoom.client_id"),
    ("ZOOM_CLIENT_ID", "zoom.client_id"),
    ("ZOOM_API_SECRET", "zoom.client_secret"),
    ("ZOOM_CLIENT_SECRET", "zoom.client_secret"),
    ("ZOOM_WEBHOOK_SECRET", "zoom.webhook_secret_token"),
    ("ZOOM_WEBHOOK_SECRET_TOKEN", "zoom.webhook_secret_token"),
    ("ZOOM_SDK_KEY", "zoom.sdk_key"),
    ("ZOOM_SDK_SECRET", "zoom.sdk_secret"),
    ("ZOOM_REDIRECT_URI", "zoom.redirect_uri"),
    ("DATABASE_URL", "database.url"),
    ("LOG_LEVEL", "log.level"),
];

/// What a configuration is read from. [`Sources::of_process`] is the real thing; tests make their own.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    file: Option<PathBuf>,
    variables: BTreeMap<String, String>,
    credentials: Option<PathBuf>,
}

impl Sources {
    /// The process's environment, and the file named by `--config`, `CONVENED_CONFIG` or found in the usual place.
    #[must_use]
    pub fn of_process(config: Option<PathBuf>) -> Self {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let named = config.or_else(|| variables.get("CONVENED_CONFIG").map(PathBuf::from));
        let usual = || Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists());
        let credentials = variables.get("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self { file: named.or_else(usual), variables, credentials }
    }

    /// Reads `path` as the configuration file.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// Adds one environment variable.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Finds secrets by their key's name in `folder`, as systemd's `LoadCredential=` lays them out.
    #[must_use]
    pub fn with_credentials(mut self, folder: impl Into<PathBuf>) -> Self {
        self.credentials = Some(folder.into());
        self
    }

    /// The configuration file in use, when there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub(super) fn credentials(&self) -> Option<&Path> {
        self.credentials.as_deref()
    }

    /// All layers laid over each other.
    pub(super) fn merge(&self) -> (Merged, Vec<Fault>) {
        let mut merged = Merged::default();
        let mut faults = Vec::new();
        if let Some(path) = &self.file {
            match std::fs::read_to_string(path) {
                Ok(text) => merged.add_file(path, &text, &mut faults),
                Err(error) => faults.push(Fault::new(path.display(), "", error.to_string())),
            }
        }
        merged.add_variables(&self.variables, &mut faults);
        for (name, key) in SEED_NAMES {
            if let Some(value) = self.variables.get(name).filter(|value| !value.is_empty()) {
                merged.set(
                    key.to_owned(),
                    Rank::SeedName,
                    Origin::Variable(name.to_owned()),
                    Raw::Loose(value.clone()),
                );
            }
        }
        (merged, faults)
    }
}

/// How much a layer counts against the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// The configuration file.
    File,
    /// The credentials directory.
    Credential,
    /// `CONVENED_…`.
    Variable,
    /// `ZOOM_…`, `DATABASE_URL`, `LOG_LEVEL`.
    SeedName,
}

/// A value, where it was written and how much that place counts.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) rank: Rank,
    pub(super) origin: Origin,
    pub(super) value: Raw,
}

/// Dotted keys with the value of the strongest layer that sets each.
#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) entries: BTreeMap<String, Entry>,
}

impl Merged {
    fn set(&mut self, key: String, rank: Rank, origin: Origin, value: Raw) {
        self.entries.insert(key, Entry { rank, origin, value });
    }

    pub(super) fn add_file(&mut self, path: &Path, text: &str, faults: &mut Vec<Fault>) {
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            let origin = Origin::File { path: path.to_owned(), line };
            faults.push(Fault::new(origin, "", error.message()));
        }
        self.add_table(path, text, "", table.get_ref());
    }

    fn add_table(&mut self, path: &Path, text: &str, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = if prefix.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{prefix}.{}", name.get_ref())
            };
            match value.get_ref().as_table() {
                Some(inner) if !inner.is_empty() => self.add_table(path, text, &key, inner),
                Some(_) => {}
                None => {
                    let line = line_of(text, name.span().start);
                    let origin = Origin::File { path: path.to_owned(), line };
                    self.set(key, Rank::File, origin, value.get_ref().into());
                }
            }
        }
    }

    fn add_variables(&mut self, variables: &BTreeMap<String, String>, faults: &mut Vec<Fault>) {
        for (name, value) in variables {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            if NOT_KEYS.contains(&name.as_str()) || name.starts_with(TEST_PREFIX) {
                continue;
            }
            let origin = Origin::Variable(name.clone());
            if rest.contains("__") {
                let key = rest.to_lowercase().replace("__", ".");
                self.set(key, Rank::Variable, origin, Raw::Loose(value.clone()));
            } else {
                let reason = "not a key (write CONVENED_<SECTION>__<KEY>, with two underscores)";
                faults.push(Fault::new(origin, "", reason));
            }
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
