//! What the Zoom app has to be allowed: checked before Zoom refuses a call in the middle of a class.

/// A scope under both of Zoom's vocabularies, and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Its name in apps made since 2024; tokens of the whole account carry it with `:admin`.
    pub granular: &'static str,
    /// The name of the older, wider scope that includes it.
    pub classic: &'static str,
    /// What cannot be done without it.
    pub purpose: &'static str,
}

const fn scope(granular: &'static str, classic: &'static str, purpose: &'static str) -> Scope {
    Scope { granular, classic, purpose }
}

/// What the calls that a booking's way needs ask for.
pub const WANTED: &[Scope] = &[
    scope("meeting:write:meeting", "meeting:write:admin", "create meetings"),
    scope("meeting:update:meeting", "meeting:write:admin", "move meetings"),
    scope("meeting:delete:meeting", "meeting:write:admin", "cancel meetings"),
    scope("meeting:update:status", "meeting:write:admin", "end meetings"),
    scope("meeting:read:meeting", "meeting:read:admin", "look meetings up"),
    scope("meeting:read:list_meetings", "meeting:read:admin", "find a meeting after a lost answer"),
    scope("meeting:write:batch_registrants", "meeting:write:admin", "give people links of their own"),
    scope("meeting:write:registrant", "meeting:write:admin", "register somebody whom a batch refuses"),
    scope("meeting:update:registrant_status", "meeting:write:admin", "take registrations back"),
    scope("meeting:read:list_registrants", "meeting:read:admin", "find registrations after a lost answer"),
    scope("meeting:read:list_past_instances", "meeting:read:admin", "find every run of a meeting"),
    scope("meeting:read:past_meeting", "meeting:read:admin", "read when a run began and ended"),
    scope("report:read:list_meeting_participants", "report:read:admin", "read who was there"),
    scope("user:read:user", "user:read:admin", "look hosts up"),
    scope("user:read:list_users", "user:read:admin", "find licensed hosts"),
    scope("user:read:token", "user:read:admin", "give hosts their start link"),
];

/// The wanted scopes that are not among `granted`, as Zoom's token answer lists them.
#[must_use]
pub fn missing(granted: &[String]) -> Vec<Scope> {
    let has = |name: &str| granted.iter().any(|scope| scope == name);
    // `:master` is for accounts that own others and includes `:admin`.
    let covered = |scope: &&Scope| {
        has(scope.classic)
            || has(scope.granular)
            || ["admin", "master"].iter().any(|reach| has(&format!("{}:{reach}", scope.granular)))
    };
    WANTED.iter().filter(|scope| !covered(scope)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn either_vocabulary_will_do() {
        let classic =
            granted(&["meeting:write:admin", "meeting:read:admin", "report:read:admin", "user:read:admin"]);
        assert_eq!(missing(&classic), []);
        let granular: Vec<String> = WANTED.iter().map(|scope| format!("{}:admin", scope.granular)).collect();
        assert_eq!(missing(&granular), []);
    }

    #[test]
    fn what_is_missing_is_named() {
        let without_reports = granted(&["meeting:write:admin", "meeting:read:admin", "user:read:admin"]);
        let names: Vec<&str> = missing(&without_reports).iter().map(|scope| scope.granular).collect();
        assert_eq!(names, ["report:read:list_meeting_participants"]);
    }
}
