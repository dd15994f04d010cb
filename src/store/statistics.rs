//! What bookings and marks come to, counted by the database: nothing here reads rows to count them.
//!
//! - [`Selection`]: which bookings, and whose marks. [`mod@numbers`]: their counts, as a whole or divided.
//! - [`report`]: the list of a report. [`people`]: its lines by person. [`lines`]: its marks one by one, for tables.

pub mod lines;
pub mod numbers;
pub mod people;
pub mod report;

use super::UtcMillis;
use super::sql::Sql;

pub use numbers::{By, Numbers, numbers};

/// The status of a mark that counts: a hand's word before the computed one.
const EFFECTIVE: &str = "COALESCE(r.corrected_status, r.status)";

/// Whose eyes a report is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// What this person hosts, and what groups do that they host.
    Host(String),
    /// This person's own record.
    Own(String),
}

/// Which bookings a report is about, and whose marks.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Only those that start at or after this …
    pub from: UtcMillis,
    /// … and before this.
    pub until: UtcMillis,
    /// Only this booking.
    pub appointment: Option<String>,
    /// Only of this group.
    pub group: Option<String>,
    /// Only those this person hosts or is invited to, and only their marks.
    pub person: Option<String>,
    /// For whose eyes.
    pub scope: Scope,
}

impl Selection {
    /// The condition on bookings, which are `a`.
    fn bookings(&self, sql: &mut Sql) {
        sql.push("a.start_at >= ").bind(self.from).push(" AND a.start_at < ").bind(self.until);
        if let Some(appointment) = &self.appointment {
            sql.push(" AND a.id = ").bind(appointment);
        }
        if let Some(group) = &self.group {
            sql.push(" AND a.group_ref = ").bind(group);
        }
        if let Some(person) = &self.person {
            sql.push(" AND (a.host_ref = ").bind(person).push(INVITED).bind(person).push("))");
        }
        match &self.scope {
            Scope::All => {}
            Scope::Host(host) => {
                sql.push(" AND (a.host_ref = ").bind(host).push(GROUP_HOST).bind(host).push("))");
            }
            Scope::Own(own) => {
                sql.push(" AND (a.host_ref = ").bind(own).push(INVITED).bind(own).push("))");
            }
        }
    }

    /// The condition on marks, which are `r`: attendees', of whom they are wanted.
    fn marks(&self, sql: &mut Sql) {
        sql.push("r.role = 'attendee'");
        let own = match &self.scope {
            Scope::Own(own) => Some(own),
            Scope::All | Scope::Host(_) => None,
        };
        for person in [self.person.as_ref(), own].into_iter().flatten() {
            sql.push(" AND r.person_ref = ").bind(person);
        }
    }
}

const INVITED: &str = " OR a.id IN (SELECT appointment_id FROM appointment_attendees WHERE person_ref = ";
const GROUP_HOST: &str =
    " OR a.group_ref IN (SELECT group_ref FROM group_members WHERE role = 'host' AND person_ref = ";
