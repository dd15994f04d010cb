//! The class that is played, and the roster that is booked for it.

use anyhow::Context as _;

use crate::sandbox::state::{NewSandboxUser, SandboxState};
use crate::sandbox::timetable::{Role, Timetable};

/// What happens, as a person would write it down.
const CLASS: &str = include_str!("class.toml");
/// Stands in the script where the id of a user of the account belongs.
const USER_OF_THE_ACCOUNT: &str = "account";

/// The script, and who of it is on the roster.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) timetable: Timetable,
    /// In the order of the timetable; the host comes first.
    pub(super) roster: Vec<Enrolled>,
}

/// Someone the calling system knows.
#[derive(Debug)]
pub(super) struct Enrolled {
    /// What the calling system calls them.
    pub(super) reference: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) host: bool,
}

impl Script {
    /// Reads the script and gives everybody who is signed in to Zoom a user of the account.
    pub(super) fn read(account: &SandboxState) -> anyhow::Result<Self> {
        let mut timetable: Timetable =
            toml::from_str(CLASS).context("the class of the demo cannot be read")?;
        let mut roster = Vec::new();
        for person in &mut timetable.persons {
            let Some(email) = person.email.clone() else { continue };
            let host = person.role == Role::Host;
            if person.zoom_user_id.as_deref() == Some(USER_OF_THE_ACCOUNT) {
                let kind = if host { 2 } else { 1 };
                person.zoom_user_id = Some(add_user(account, &person.name, &email, kind)?);
            }
            let reference = email.split('@').next().unwrap_or(&email).replace('.', "-");
            roster.push(Enrolled { reference, name: person.name.clone(), email, host });
        }
        Ok(Self { timetable, roster })
    }

    /// The host.
    pub(super) fn host(&self) -> anyhow::Result<&Enrolled> {
        self.roster.iter().find(|person| person.host).context("the class has no host")
    }

    /// How many are to be marked.
    pub(super) fn attendees(&self) -> usize {
        self.roster.iter().filter(|person| !person.host).count()
    }
}

fn add_user(account: &SandboxState, name: &str, email: &str, kind: i64) -> anyhow::Result<String> {
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    let new = NewSandboxUser {
        email: email.to_owned(),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        kind,
        status: crate::sandbox::model::UserStatus::Active,
    };
    Ok(account.add_user(&new)?.id)
}
