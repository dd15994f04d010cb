//! What a file of `tests/classes` says: who does what in a class, and the marks that follow.
//!
//! ```toml
//! says = "Ada's phone dies; she is back before Zoom has noticed, and the overlap counts once."
//! minutes = 45
//! host_ends = ["45m"]
//!
//! [[person]]
//! name = "Reyes"
//! role = "host"
//! does = [["-2m join"]]
//!
//! [[person]]
//! name = "Ada"
//! does = [["0s join", "12m die 75s", "12m30s join"]]
//! mark = "present 45m"
//! ```

use std::fmt;
use std::path::PathBuf;

use convened::sandbox::mischief::Mischief;
use convened::sandbox::timetable::{Act, Move, Offset, Person, Role, Timetable};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a record may say beside its status: the field, the value that says it, and the word in the files.
const FLAGS: [(&str, bool, &str); 4] = [
    ("left_early", true, "left early"),
    ("host_absent", true, "host absent"),
    ("host_late", true, "host late"),
    ("held_against", false, "not held against"),
];

/// One class of the table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// The file's name without its ending.
    #[serde(skip)]
    pub(crate) name: String,
    /// What is special about it.
    pub(crate) says: String,
    /// How long it was planned.
    pub(crate) minutes: u32,
    /// When it was planned, after the beginning of the day that all classes share.
    #[serde(default)]
    pub(crate) starts: Option<Offset>,
    /// Classes with the same word here have the same host.
    #[serde(default)]
    pub(crate) shared_host: Option<String>,
    #[serde(default)]
    host_ends: Vec<Offset>,
    #[serde(default)]
    ended_first: Option<bool>,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    delivery: Mischief,
    /// The effective window; the planned one without it.
    #[serde(default)]
    window: Option<(Offset, Offset)>,
    /// Why the webhooks alone do not tell the truth; the marks are then asked for after the report only.
    #[serde(default)]
    pub(crate) untold: Option<String>,
    /// The thresholds of rules of its own.
    #[serde(default)]
    pub(crate) rules: Option<serde_json::Map<String, Value>>,
    /// Who comes, and who does not.
    pub(crate) person: Vec<Entry>,
}

/// Somebody in a class.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// The name on the roster.
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) role: Part,
    /// The address, where it is not one of their own.
    #[serde(default)]
    pub(crate) email: Option<String>,
    /// The display name, where it is not their own.
    #[serde(default)]
    shown: Option<String>,
    #[serde(default)]
    known_by: KnownBy,
    #[serde(default)]
    phone_number: Option<String>,
    /// One list of moves a device.
    #[serde(default)]
    does: Vec<Vec<Move>>,
    /// What else of them is in the meeting, under another name or another identity.
    #[serde(default)]
    also: Vec<Seen>,
    /// The mark, such as `late 31m` or `absent`.
    #[serde(default)]
    pub(crate) mark: Option<ExpectedMark>,
    /// The mark by the webhooks alone, where they cannot tell the truth about this person.
    #[serde(default)]
    pub(crate) live: Option<ExpectedMark>,
    /// Such as `left early`; exactly these.
    #[serde(default)]
    pub(crate) flags: Vec<String>,
}

/// How Zoom sees some of their devices; the fields are those of [`Entry`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    #[serde(default)]
    shown: Option<String>,
    #[serde(default)]
    known_by: KnownBy,
    #[serde(default)]
    phone_number: Option<String>,
    #[serde(default)]
    does: Vec<Vec<Move>>,
}

/// What somebody is in a class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    Host,
    #[default]
    Attendee,
    /// Not expected, and nobody we know.
    Stranger,
}

/// What Zoom shows of somebody beside a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KnownBy {
    #[default]
    Name,
    Registration,
    Account,
    /// Signed in to an account that we do not know, with the address that we do.
    Email,
    Key,
}

/// `present 43m30s`, or `absent`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ExpectedMark {
    pub(crate) status: String,
    pub(crate) attended_secs: i64,
}

impl TryFrom<String> for ExpectedMark {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (status, attended) = text.split_once(' ').unwrap_or((&text, "0s"));
        if !["present", "late", "partial", "absent"].contains(&status) {
            return Err(format!("`{text}` is no mark like `present 43m30s` or `absent`"));
        }
        let attended: Offset = attended.parse().map_err(|error| format!("`{text}`: {error}"))?;
        Ok(Self { status: status.to_owned(), attended_secs: attended.0 })
    }
}

impl fmt::Display for ExpectedMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, Offset(self.attended_secs))
    }
}

/// The identities under which the people of a class come; the test of the whole system learns them from it.
pub(crate) struct Identities<'a> {
    /// A person's `ref`.
    pub(crate) person: &'a dyn Fn(&Entry) -> String,
    /// Their address.
    pub(crate) email: &'a dyn Fn(&Entry) -> String,
    /// Their Zoom account.
    pub(crate) account: &'a dyn Fn(&Entry) -> String,
    /// Their registration for this meeting.
    pub(crate) registrant: &'a dyn Fn(&Entry) -> String,
}

impl Script {
    /// The effective window in seconds from the planned start.
    pub(crate) fn window(&self) -> (i64, i64) {
        self.window.map_or((0, i64::from(self.minutes) * 60), |(start, end)| (start.0, end.0))
    }

    /// How the sandbox plays it in the meeting `number`.
    pub(crate) fn timetable(&self, number: &str, identities: &Identities<'_>) -> Timetable {
        let bare: Timetable = serde_json::from_value(json!({ "meeting": number })).unwrap();
        let all =
            self.person.iter().flat_map(|entry| entry.all_seen().into_iter().map(move |seen| (entry, seen)));
        let persons = all.filter(|(_, seen)| !seen.does.is_empty());
        Timetable {
            seed: self.seed,
            host_ends: self.host_ends.clone(),
            ended_first: self.ended_first,
            delivery: self.delivery.clone(),
            persons: persons.map(|(entry, seen)| seen.person(entry, identities)).collect(),
            ..bare
        }
    }

    /// Whether anybody ever enters the meeting.
    pub(crate) fn has_a_run(&self) -> bool {
        let moves = self.person.iter().flat_map(Entry::all_seen).flat_map(|seen| seen.does).flatten();
        moves.into_iter().any(|action| matches!(action.act, Act::Join | Act::Admit))
    }

    /// The expected mark's score in thousandths.
    pub(crate) fn score_milli(&self, mark: &ExpectedMark) -> i64 {
        let (start, end) = self.window();
        (2000 * mark.attended_secs + (end - start)) / (2 * (end - start))
    }
}

impl Entry {
    fn all_seen(&self) -> Vec<Seen> {
        let mut all = vec![Seen {
            shown: self.shown.clone(),
            known_by: self.known_by,
            phone_number: self.phone_number.clone(),
            does: self.does.clone(),
        }];
        all.extend(self.also.iter().cloned());
        all
    }

    /// What a record says beside its status, in the words of the files.
    pub(crate) fn flags_of(record: &Value) -> Vec<String> {
        let said = FLAGS.iter().filter(|(field, value, _)| record[field] == *value);
        said.map(|(_, _, word)| (*word).to_owned()).collect()
    }

    /// Whether any device of theirs comes by the personal link.
    pub(crate) fn uses_registration(&self) -> bool {
        self.all_seen().iter().any(|seen| seen.known_by == KnownBy::Registration)
    }

    /// Whether any device of theirs is signed in to an account that we know.
    pub(crate) fn uses_account(&self) -> bool {
        self.all_seen().iter().any(|seen| seen.known_by == KnownBy::Account)
    }
}

impl Seen {
    fn person(&self, entry: &Entry, identities: &Identities<'_>) -> Person {
        let known = |by, value: &dyn Fn(&Entry) -> String| (self.known_by == by).then(|| value(entry));
        let foreign = |entry: &Entry| format!("foreign-{}", (identities.account)(entry));
        Person {
            name: self.shown.clone().unwrap_or_else(|| entry.name.clone()),
            // Zoom shows addresses only of registrants and of people with an account.
            email: (entry.role != Part::Host).then(|| (identities.email)(entry)),
            zoom_user_id: known(KnownBy::Account, identities.account).or(known(KnownBy::Email, &foreign)),
            registrant_id: known(KnownBy::Registration, identities.registrant),
            customer_key: known(KnownBy::Key, identities.person),
            phone_number: self.phone_number.clone(),
            role: if entry.role == Part::Host { Role::Host } else { Role::Attendee },
            devices: self.does.clone(),
        }
    }
}

/// All classes of the table, by name.
pub(crate) fn all() -> Vec<Script> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/classes");
    let mut scripts = Vec::new();
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut script: Script =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        script.name = path.file_stem().unwrap().to_string_lossy().into_owned();
        scripts.push(script);
    }
    scripts.sort_by(|a, b| a.name.cmp(&b.name));
    scripts
}
