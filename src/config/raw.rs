//! A configuration value as somebody wrote it, with the place it was written in.

use std::fmt;
use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

/// Where a value stands, so that a fault can point at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A line of a configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// Its line, counted from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A file of systemd's credentials directory.
    Credential(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::Credential(path) => write!(f, "credential {}", path.display()),
        }
    }
}

/// A value before it has a type of ours.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    /// A string of a file.
    Text(String),
    /// The text of an environment variable: its type is whatever the key wants.
    Loose(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A list.
    List(Vec<Raw>),
    /// A table inside a list.
    Table(Vec<(String, Raw)>),
    /// What no key of ours takes, such as a TOML date.
    Other(&'static str),
}

impl Raw {
    /// What the value is, for "expected X, found Y".
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Loose(_) => "text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Bool(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

impl From<&DeValue<'_>> for Raw {
    fn from(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Self::Other("a number too large"), Self::Integer),
            DeValue::Float(number) => {
                number.as_str().parse().map_or(Self::Other("an odd number"), Self::Float)
            }
            DeValue::Boolean(flag) => Self::Bool(*flag),
            DeValue::Datetime(_) => Self::Other("a TOML date (write it in quotes)"),
            DeValue::Array(items) => Self::List(items.iter().map(|i| i.get_ref().into()).collect()),
            DeValue::Table(table) => Self::Table(entries(table)),
        }
    }
}

fn entries(table: &DeTable<'_>) -> Vec<(String, Raw)> {
    table.iter().map(|(key, value)| (key.get_ref().to_string(), value.get_ref().into())).collect()
}
