//! Who may do what: the table of the contract as one pure function.
//!
//! A caller who may not even see a thing is told that it does not exist; one who may see it but not do what they
//! asked is told that it is forbidden.

use serde::{Deserialize, Serialize};

/// What a caller or a person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An internal system: everything but operations.
    Service,
    /// Everything.
    Admin,
    /// Somebody who hosts: a teacher, tutor, doctor.
    Host,
    /// Somebody who attends: a student, patient.
    Attendee,
}

impl Role {
    /// The word used in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Admin => "admin",
            Self::Host => "host",
            Self::Attendee => "attendee",
        }
    }

    /// Reads a role or one of its other names; `None` for any other word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "service" => Some(Self::Service),
            "admin" => Some(Self::Admin),
            "host" | "teacher" | "instructor" | "tutor" | "doctor" => Some(Self::Host),
            "attendee" | "student" | "pupil" | "patient" | "participant" => Some(Self::Attendee),
            _ => None,
        }
    }

    /// A system or an administrator, who may act for anybody.
    #[must_use]
    pub fn acts_for_all(self) -> bool {
        matches!(self, Self::Service | Self::Admin)
    }
}

/// Who else sees a meeting, beside those who are part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Everybody with a token.
    All,
    /// Every attendee.
    Students,
    /// Every host.
    Teachers,
    /// The members of its group.
    Class,
    /// Those who are part of it, and nobody else.
    Personal,
}

impl Audience {
    /// Reads the word; `None` for any other.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "all" => Some(Self::All),
            "students" => Some(Self::Students),
            "teachers" => Some(Self::Teachers),
            "class" => Some(Self::Class),
            "personal" => Some(Self::Personal),
            _ => None,
        }
    }

    fn admits(self, role: Role) -> bool {
        match self {
            Self::All => true,
            Self::Students => role == Role::Attendee,
            Self::Teachers => role == Role::Host,
            Self::Class | Self::Personal => false,
        }
    }
}

/// How a caller stands to a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// They host it.
    pub hosts: bool,
    /// They host its group.
    pub hosts_group: bool,
    /// They are on its roster, or members of its group.
    pub invited: bool,
}

/// What a caller wants of a booking or its meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Read it, or get the link to join it.
    Read,
    /// Change or cancel it.
    Change,
    /// The host's link, start, end.
    Host,
    /// Participants, attendance, reports of everybody.
    Attendance,
}

/// The answer to "may I?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Allowed,
    /// The part that concerns the caller, and nothing else.
    OwnOnly,
    /// They see it but may not do this.
    Forbidden,
    /// They are not to know of it.
    Hidden,
}

/// Whether somebody of this role and standing may do this with a booking of this audience.
#[must_use]
pub fn may(role: Role, standing: Standing, audience: Option<Audience>, action: Action) -> Verdict {
    if role.acts_for_all() {
        return Verdict::Allowed;
    }
    let part_of_it = standing.hosts || standing.hosts_group || standing.invited;
    if !part_of_it && !audience.is_some_and(|audience| audience.admits(role)) {
        return Verdict::Hidden;
    }
    let leads = role == Role::Host && (standing.hosts || standing.hosts_group);
    match action {
        Action::Read => Verdict::Allowed,
        Action::Change | Action::Attendance if leads => Verdict::Allowed,
        Action::Host if role == Role::Host && standing.hosts => Verdict::Allowed,
        Action::Attendance if role == Role::Attendee => Verdict::OwnOnly,
        _ => Verdict::Forbidden,
    }
}

/// Whether somebody may make a booking for this host and group.
///
/// `names_self`: the host asked for is the caller, or none is named; `hosts_group`: they host the group named.
#[must_use]
pub fn may_create(role: Role, names_self: bool, hosts_group: bool) -> Verdict {
    match role {
        Role::Service | Role::Admin => Verdict::Allowed,
        Role::Host if hosts_group || names_self => Verdict::Allowed,
        Role::Host | Role::Attendee => Verdict::Forbidden,
    }
}

/// Whether somebody may start a meeting in a group now.
#[must_use]
pub fn may_start_ad_hoc(role: Role, is_match: bool, member: bool, hosts_group: bool) -> Verdict {
    match role {
        Role::Service | Role::Admin => Verdict::Allowed,
        Role::Host if hosts_group => Verdict::Allowed,
        Role::Attendee if is_match && member => Verdict::Allowed,
        Role::Host | Role::Attendee if member => Verdict::Forbidden,
        Role::Host | Role::Attendee => Verdict::Hidden,
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Allowed, Forbidden, Hidden, OwnOnly};
    use super::*;

    const STRANGER: Standing = Standing { hosts: false, hosts_group: false, invited: false };
    const HOSTING: Standing = Standing { hosts: true, ..STRANGER };
    const LEADING: Standing = Standing { hosts_group: true, ..STRANGER };
    const INVITED: Standing = Standing { invited: true, ..STRANGER };

    #[test]
    fn the_table_of_the_contract_holds() {
        // role, standing, audience: read, change, host link, attendance
        let table = [
            (Role::Service, STRANGER, None, [Allowed, Allowed, Allowed, Allowed]),
            (Role::Admin, STRANGER, None, [Allowed, Allowed, Allowed, Allowed]),
            (Role::Host, HOSTING, None, [Allowed, Allowed, Allowed, Allowed]),
            (Role::Host, LEADING, None, [Allowed, Allowed, Forbidden, Allowed]),
            (Role::Host, INVITED, None, [Allowed, Forbidden, Forbidden, Forbidden]),
            (Role::Host, STRANGER, None, [Hidden, Hidden, Hidden, Hidden]),
            (Role::Host, STRANGER, Some(Audience::Teachers), [Allowed, Forbidden, Forbidden, Forbidden]),
            (Role::Host, STRANGER, Some(Audience::Students), [Hidden, Hidden, Hidden, Hidden]),
            (Role::Attendee, INVITED, None, [Allowed, Forbidden, Forbidden, OwnOnly]),
            (Role::Attendee, STRANGER, None, [Hidden, Hidden, Hidden, Hidden]),
            (Role::Attendee, STRANGER, Some(Audience::All), [Allowed, Forbidden, Forbidden, OwnOnly]),
            (Role::Attendee, STRANGER, Some(Audience::Class), [Hidden, Hidden, Hidden, Hidden]),
            (Role::Attendee, STRANGER, Some(Audience::Personal), [Hidden, Hidden, Hidden, Hidden]),
            (Role::Attendee, HOSTING, None, [Allowed, Forbidden, Forbidden, OwnOnly]),
        ];
        for (role, standing, audience, expected) in table {
            let actual = [Action::Read, Action::Change, Action::Host, Action::Attendance]
                .map(|action| may(role, standing, audience, action));
            assert_eq!(actual, expected, "{role:?} {standing:?} {audience:?}");
        }
    }

    #[test]
    fn hosts_book_for_themselves_and_their_groups_and_attendees_never() {
        assert_eq!(may_create(Role::Host, true, false), Allowed);
        assert_eq!(may_create(Role::Host, false, true), Allowed);
        assert_eq!(may_create(Role::Host, false, false), Forbidden);
        assert_eq!(may_create(Role::Attendee, true, true), Forbidden);
    }

    #[test]
    fn an_attendee_starts_a_meeting_in_their_own_match_only() {
        assert_eq!(may_start_ad_hoc(Role::Attendee, true, true, false), Allowed);
        assert_eq!(may_start_ad_hoc(Role::Attendee, false, true, false), Forbidden);
        assert_eq!(may_start_ad_hoc(Role::Attendee, true, false, false), Hidden);
        assert_eq!(may_start_ad_hoc(Role::Host, true, true, true), Allowed);
    }

    #[test]
    fn other_names_of_the_roles_are_read() {
        for word in ["teacher", "instructor", "tutor", "doctor", "Host"] {
            assert_eq!(Role::parse(word), Some(Role::Host));
        }
        for word in ["student", "pupil", "patient", "participant"] {
            assert_eq!(Role::parse(word), Some(Role::Attendee));
        }
        assert_eq!(Role::parse("root"), None);
    }
}
