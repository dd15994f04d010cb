//! Reads typed values out of the merged layers and remembers everything that is wrong on the way.
//!
//! Asking for a key makes it known; what the sections never asked for is an unknown key. A bad value leaves the
//! default in its place, so that one pass finds every fault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::fault::{Fault, Faults, closest};
use super::layers::{Entry, Merged, Rank};
use super::raw::{Origin, Raw};
use super::types::FromRaw;

/// Gives out values and collects faults.
#[derive(Debug)]
pub(super) struct Reader {
    entries: BTreeMap<String, Entry>,
    credentials: Option<PathBuf>,
    known: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl Reader {
    pub(super) fn new(merged: Merged, credentials: Option<&Path>, faults: Vec<Fault>) -> Self {
        Self {
            entries: merged.entries,
            credentials: credentials.map(Path::to_owned),
            known: BTreeSet::new(),
            faults,
        }
    }

    /// The keys below `name`.
    pub(super) fn section(&mut self, name: &'static str) -> Section<'_> {
        Section { reader: self, name: name.to_owned() }
    }

    /// Reports a fault of `key`, at the place where it was set.
    pub(super) fn fault(&mut self, key: &str, reason: impl Into<String>) {
        let place = self.entries.get(key).map_or_else(String::new, |entry| entry.origin.to_string());
        self.faults.push(Fault::new(place, key, reason));
    }

    /// Every key that was asked for.
    #[cfg(test)]
    pub(super) fn known(&self) -> &BTreeSet<String> {
        &self.known
    }

    /// The faults, with every key that nobody asked for.
    pub(super) fn finish(mut self) -> Result<(), Faults> {
        for (key, entry) in &self.entries {
            if !self.known.contains(key) {
                let hint = closest(key, self.known.iter().map(String::as_str));
                let hint = hint.map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"));
                self.faults.push(Fault::new(&entry.origin, key, format!("unknown key{hint}")));
            }
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Faults(self.faults)) }
    }

    fn take(&mut self, key: &str) -> Option<Entry> {
        self.known.insert(key.to_owned());
        self.entries.get(key).cloned()
    }

    fn parse<T: FromRaw>(&mut self, key: &str) -> Option<T> {
        let entry = self.take(key)?;
        match T::from_raw(&entry.value) {
            Ok(value) => Some(value),
            Err(why) => {
                let why = why.unwrap_or_else(|| match &entry.value {
                    Raw::Loose(text) => format!("found `{text}`"),
                    other => format!("found {}", other.kind()),
                });
                self.fault(key, format!("expected {}: {why}", T::EXPECTED));
                None
            }
        }
    }
}

/// The keys of one section.
#[derive(Debug)]
pub(super) struct Section<'r> {
    reader: &'r mut Reader,
    name: String,
}

impl Section<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    /// Reports a fault of `key`, at the place where it was set.
    pub(super) fn fault(&mut self, key: &str, reason: impl Into<String>) {
        let key = self.key(key);
        self.reader.fault(&key, reason);
    }

    /// The section `name` inside this one.
    pub(super) fn section(&mut self, name: &str) -> Section<'_> {
        let name = self.key(name);
        Section { reader: self.reader, name }
    }

    /// The value of `key`, else `default`.
    pub(super) fn get<T: FromRaw>(&mut self, key: &str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// The value of `key`, where it has to be `valid`; `must` says so in words.
    pub(super) fn get_if<T: FromRaw>(
        &mut self,
        key: &str,
        default: T,
        valid: fn(&T) -> bool,
        must: &str,
    ) -> T {
        match self.optional(key) {
            Some(value) if valid(&value) => value,
            Some(_) => {
                let key = self.key(key);
                self.reader.fault(&key, format!("must be {must}"));
                default
            }
            None => default,
        }
    }

    /// The value of `key`, when it is set; an empty text counts as not set.
    pub(super) fn optional<T: FromRaw>(&mut self, key: &str) -> Option<T> {
        let key = self.key(key);
        let empty =
            |entry: &Entry| matches!(&entry.value, Raw::Text(t) | Raw::Loose(t) if t.trim().is_empty());
        if self.reader.entries.get(&key).is_some_and(empty) {
            self.reader.take(&key);
            return None;
        }
        self.reader.parse(&key)
    }

    /// The secret `key`: written out, in the file named by `<key>_file`, or in the credentials directory.
    pub(super) fn secret(&mut self, key: &str) -> Option<SecretString> {
        let (key, file_key) = (self.key(key), self.key(&format!("{key}_file")));
        let written = self.reader.take(&key);
        let in_file = self.reader.take(&file_key);
        let credential = self.reader.credentials.as_deref().and_then(|folder| find_credential(folder, &key));
        let rank = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.rank);
        if written.is_some() && rank(&written) == rank(&in_file) {
            self.reader.fault(&file_key, format!("set beside `{key}`: keep one of them"));
            return None;
        }
        if let Some(path) = credential
            && rank(&written).max(rank(&in_file)) < Some(Rank::Credential)
        {
            return self.read_secret(&key, &path, &Origin::Credential(path.clone()));
        }
        match in_file {
            Some(entry) if Some(entry.rank) > rank(&written) => {
                let path = self.reader.parse::<PathBuf>(&file_key)?;
                let path = beside(&entry.origin, &path);
                self.read_secret(&file_key, &path, &entry.origin)
            }
            _ => self.reader.parse::<String>(&key).filter(|text| !text.is_empty()).map(SecretString::from),
        }
    }

    fn read_secret(&mut self, key: &str, path: &Path, origin: &Origin) -> Option<SecretString> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                Some(text.trim_end_matches(['\r', '\n']).to_owned()).filter(|t| !t.is_empty()).map(Into::into)
            }
            Err(error) => {
                self.reader.faults.push(Fault::new(origin, key, format!("{}: {error}", path.display())));
                None
            }
        }
    }

    /// The tables of the list `key`, each read as a section of its own.
    pub(super) fn tables<T>(&mut self, key: &str, mut read: impl FnMut(&mut Section<'_>) -> T) -> Vec<T> {
        let key = self.key(key);
        let Some(entry) = self.reader.take(&key) else { return Vec::new() };
        let Raw::List(items) = entry.value else {
            self.reader.fault(&key, "expected a list of tables (only a file can hold one)");
            return Vec::new();
        };
        let mut values = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let Raw::Table(fields) = item else {
                self.reader.fault(&key, format!("item {index}: expected a table, found {}", item.kind()));
                continue;
            };
            let name = format!("{key}[{index}]");
            for (field, value) in fields {
                let entry = Entry { rank: entry.rank, origin: entry.origin.clone(), value };
                self.reader.entries.insert(format!("{name}.{field}"), entry);
            }
            values.push(read(&mut Section { reader: self.reader, name }));
        }
        values
    }

    /// The value of `key`, which has to be there.
    pub(super) fn required<T: FromRaw>(&mut self, key: &str) -> Option<T> {
        let faults = self.reader.faults.len();
        let value = self.optional(key);
        self.missing(key, value.is_none(), faults);
        value
    }

    /// The secret `key`, which has to be there.
    pub(super) fn required_secret(&mut self, key: &str) -> Option<SecretString> {
        let faults = self.reader.faults.len();
        let value = self.secret(key);
        self.missing(key, value.is_none(), faults);
        value
    }

    /// Reports a missing value, unless what is wrong with it was reported since there were `faults_before`.
    fn missing(&mut self, key: &str, missing: bool, faults_before: usize) {
        if missing && self.reader.faults.len() == faults_before {
            let key = self.key(key);
            self.reader.fault(&key, "missing");
        }
    }
}

/// A credential is named by its whole key (`zoom.client_secret`) or by the key's last part.
fn find_credential(folder: &Path, key: &str) -> Option<PathBuf> {
    let short = key.rsplit('.').next().unwrap_or(key);
    [key, short].iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// A path written in a configuration file is meant from that file's folder.
fn beside(origin: &Origin, path: &Path) -> PathBuf {
    match origin {
        Origin::File { path: file, .. } => file.parent().unwrap_or(Path::new("")).join(path),
        _ => path.to_owned(),
    }
}
