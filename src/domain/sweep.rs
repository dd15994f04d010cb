//! What a host's list of meetings at Zoom tells about ours: which have to be looked at, which are missing, and which
//! are nobody's.
//!
//! A list is a hint and no judge: it lags, and shows neither settings nor passcodes. So nothing is changed by what
//! stands in it; a meeting that looks wrong is read, and one that nobody owns is read again later.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use super::appointment::{MeetingSpec, truncate_chars};
use super::marker::{Marker, unsigned};

/// How many characters of an agenda Zoom's lists show (List meetings, `agenda`).
const AGENDA_IN_LISTS: usize = 250;

/// A meeting as a list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The Zoom meeting number.
    pub number: String,
    /// The Zoom user who hosts it.
    pub host_id: String,
    /// Its topic.
    pub topic: String,
    /// The head of its agenda.
    pub agenda: String,
    /// Its start; recurring meetings without a fixed time have none.
    pub start: Option<DateTime<Utc>>,
    /// Its length in minutes.
    pub duration_minutes: i64,
    /// The zone its start is shown in.
    pub timezone: String,
    /// Where people join.
    pub join_url: Option<String>,
}

/// A meeting as our row has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ours {
    /// Our id of it.
    pub meeting_id: String,
    /// Its mark.
    pub marker: String,
    /// Its Zoom number, once it has one.
    pub number: Option<String>,
    /// The Zoom user it was made under.
    pub host_id: Option<String>,
    /// A create is on its way or being looked for.
    pub creating: bool,
    /// Somebody wants a look already.
    pub looking: bool,
    /// What Zoom has of it, as far as is known.
    pub told: Option<MeetingSpec>,
    /// The link that is known.
    pub join_url: Option<String>,
    /// Its booking wants it, and its planned end lies ahead.
    pub upcoming: bool,
}

/// What follows from a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// The meeting looks otherwise, or is missing though it is to come: read it.
    Look {
        /// Our id of it.
        meeting_id: String,
        /// It is missing.
        missing: bool,
    },
    /// Marked as a meeting of ours that has none: it is that one.
    Adopt {
        /// Our id of it.
        meeting_id: String,
        /// The Zoom meeting number.
        number: String,
    },
    /// Nobody's.
    Stray {
        /// The Zoom meeting number.
        number: String,
        /// Its mark.
        marker: String,
        /// Whose double it is, where the mark is known.
        double_of: Option<String>,
        /// Whether it is signed by this installation.
        signed: bool,
    },
}

/// What follows from the complete list of `host_id`'s meetings. `ours` are all rows that were made under this host
/// or whose number or mark is in the list.
#[must_use]
pub fn compare(
    host_id: &str,
    listed: &[Listed],
    ours: &[Ours],
    installation: &str,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let by_number: BTreeMap<&str, &Ours> =
        ours.iter().filter_map(|own| Some((own.number.as_deref()?, own))).collect();
    let by_marker: BTreeMap<&str, &Ours> =
        ours.iter().filter_map(|own| Some((Marker::parse(&own.marker)?.id, own))).collect();
    let mut findings = Vec::new();
    let mut adopted = BTreeSet::new();
    for meeting in listed {
        if let Some(own) = by_number.get(meeting.number.as_str()) {
            if own.upcoming && !own.looking && looks_otherwise(meeting, own, now) {
                findings.push(Finding::Look { meeting_id: own.meeting_id.clone(), missing: false });
            }
        } else if let Some(marker) = Marker::at_head_of(&meeting.agenda) {
            let own = by_marker.get(marker.id).copied();
            findings.extend(unowned(meeting, marker, own, installation, &mut adopted, now));
        }
    }
    let there: BTreeSet<&str> = listed.iter().map(|meeting| meeting.number.as_str()).collect();
    let missing =
        ours.iter().filter(|own| own.upcoming && !own.looking && own.host_id.as_deref() == Some(host_id));
    let missing = missing.filter(|own| own.number.as_deref().is_some_and(|number| !there.contains(number)));
    findings.extend(missing.map(|own| Finding::Look { meeting_id: own.meeting_id.clone(), missing: true }));
    findings
}

/// Whose is a meeting with our mark and a number that no row has?
fn unowned<'a>(
    meeting: &Listed,
    marker: Marker<'_>,
    own: Option<&'a Ours>,
    installation: &str,
    adopted: &mut BTreeSet<&'a str>,
    now: DateTime<Utc>,
) -> Option<Finding> {
    let foreign = marker.installation.is_some_and(|other| other != installation);
    let over = meeting.start.is_some_and(|start| start + Duration::minutes(meeting.duration_minutes) <= now);
    if foreign || over || own.is_some_and(|own| own.creating) {
        return None;
    }
    let number = meeting.number.clone();
    match own {
        Some(own) if own.number.is_none() => adopted
            .insert(own.meeting_id.as_str())
            .then(|| Finding::Adopt { meeting_id: own.meeting_id.clone(), number }),
        own => Some(Finding::Stray {
            number,
            marker: marker.in_rows(),
            double_of: own.map(|own| own.meeting_id.clone()),
            signed: marker.installation.is_some(),
        }),
    }
}

/// Whether a list shows something else than we believe Zoom to have.
fn looks_otherwise(meeting: &Listed, own: &Ours, now: DateTime<Utc>) -> bool {
    let Some(told) = &own.told else { return false };
    let start_differs = told.start > now && meeting.start != Some(told.start);
    let head = |agenda: &str| {
        truncate_chars(&unsigned(agenda).replace("\r\n", "\n"), SURE_HEAD).trim_end().to_owned()
    };
    let link_differs = match (&own.join_url, &meeting.join_url) {
        (Some(known), Some(listed)) => !same_link(known, listed),
        _ => false,
    };
    start_differs
        || link_differs
        || meeting.topic.trim() != told.topic.trim()
        || meeting.duration_minutes != told.duration_minutes
        || meeting.timezone != told.timezone
        || head(&meeting.agenda) != head(&told.agenda)
}

/// Some lists leave the passcode out of the link; nothing follows from that.
fn same_link(known: &str, listed: &str) -> bool {
    let without_passcode = |link: &str| link.split_once('?').map_or(link, |(path, _)| path).to_owned();
    known == listed || !listed.contains("pwd=") && without_passcode(known) == without_passcode(listed)
}

/// As much of an agenda as a list shows for certain, whatever the length of the signature it was cut with.
const SURE_HEAD: usize = AGENDA_IN_LISTS - 32;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::appointment::marked_agenda;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn spec(agenda: &str) -> MeetingSpec {
        MeetingSpec {
            topic: "Algebra".into(),
            agenda: agenda.into(),
            start: now() + Duration::days(1),
            duration_minutes: 45,
            timezone: "UTC".into(),
            settings: BTreeMap::new(),
        }
    }

    fn listed(number: &str, agenda: &str) -> Listed {
        let spec = spec(agenda);
        Listed {
            number: number.into(),
            host_id: "u1".into(),
            topic: spec.topic,
            agenda: truncate_chars(agenda, AGENDA_IN_LISTS),
            start: Some(spec.start),
            duration_minutes: 45,
            timezone: spec.timezone,
            join_url: None,
        }
    }

    fn ours(marker: &str, number: Option<&str>) -> Ours {
        Ours {
            meeting_id: format!("meeting of {marker}"),
            marker: marker.into(),
            number: number.map(str::to_owned),
            host_id: Some("u1".into()),
            creating: false,
            looking: false,
            told: number.map(|_| spec(&marked_agenda("convened:here-1", &"long ".repeat(300)))),
            join_url: None,
            upcoming: true,
        }
    }

    fn sweep(listed: &[Listed], ours: &[Ours]) -> Vec<Finding> {
        compare("u1", listed, ours, "here", now())
    }

    #[test]
    fn what_is_ours_and_equal_is_left_alone_also_under_an_old_mark() {
        for marker in ["convened:here-1", "convened:1"] {
            let at_zoom = listed("81", &marked_agenda(marker, &"long ".repeat(300)));
            assert_eq!(sweep(&[at_zoom], &[ours("convened:1", Some("81"))]), []);
        }
    }

    #[test]
    fn what_looks_otherwise_or_is_missing_is_looked_at() {
        let mut at_zoom = listed("81", &marked_agenda("convened:here-1", &"long ".repeat(300)));
        at_zoom.topic = "Geometry".into();
        let (own, meeting_id) = (ours("convened:1", Some("81")), "meeting of convened:1".to_owned());
        let look = |missing| vec![Finding::Look { meeting_id: meeting_id.clone(), missing }];
        assert_eq!(sweep(&[at_zoom], std::slice::from_ref(&own)), look(false));
        assert_eq!(sweep(&[], std::slice::from_ref(&own)), look(true));
        assert_eq!(sweep(&[], &[Ours { upcoming: false, ..own.clone() }]), []);
        assert_eq!(
            sweep(&[], &[Ours { host_id: Some("u2".into()), ..own }]),
            [],
            "another host's list will tell"
        );
    }

    #[test]
    fn a_marked_meeting_is_adopted_left_or_nobodys() {
        let (signed, old) = (listed("81", "[convened:here-1]"), listed("82", "[convened:1]"));
        let adopt = Finding::Adopt { meeting_id: "meeting of convened:1".into(), number: "81".into() };
        assert_eq!(sweep(&[signed.clone(), old.clone()], &[ours("convened:1", None)]), [adopt]);
        let creating = Ours { creating: true, ..ours("convened:1", None) };
        assert_eq!(sweep(std::slice::from_ref(&signed), &[creating]), []);
        let stray = |number: &str, double_of: Option<&str>, signed| Finding::Stray {
            number: number.into(),
            marker: "convened:1".into(),
            double_of: double_of.map(str::to_owned),
            signed,
        };
        let expected = [stray("81", None, true), stray("82", None, false)];
        assert_eq!(sweep(&[signed.clone(), old], &[]), expected);
        let elsewhere = Ours { host_id: Some("u2".into()), ..ours("convened:1", Some("99")) };
        assert_eq!(sweep(&[signed], &[elsewhere]), [stray("81", Some("meeting of convened:1"), true)]);
    }

    #[test]
    fn meetings_of_another_installation_and_of_people_are_nobodys_business() {
        let foreign = listed("81", "[convened:there-1]");
        assert_eq!(
            sweep(&[foreign, listed("82", "Lunch"), listed("83", "")], &[ours("convened:1", None)]),
            []
        );
        let mut over = listed("84", "[convened:here-9]");
        over.start = Some(now() - Duration::hours(2));
        assert_eq!(sweep(&[over], &[]), [], "it expires by itself");
    }
}
