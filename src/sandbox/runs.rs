//! Which stays make up one instance of the meeting.
//!
//! An instance begins when somebody enters an empty meeting and ends when the host ends it or the last one
//! is gone; so restarts and nightly visits follow from who is there, as they do at Zoom.

use super::stays::{Place, Stay};
use super::timetable::Offset;

/// One instance: its span and its stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    /// The first second somebody was in the meeting, from the planned start.
    pub from: i64,
    /// The first second nobody was in it any more.
    pub to: i64,
    /// The stays, ordered by their beginning; waiting ones may begin before the run.
    pub stays: Vec<Stay>,
}

/// Groups stays, which must be ordered by their beginning, into runs.
///
/// Where nobody ever entered there is no instance, and Zoom has nothing to tell of those who waited.
pub(super) fn group(stays: Vec<Stay>, host_ends: &[Offset]) -> Vec<Run> {
    let ended_between = |from: i64, to: i64| host_ends.iter().any(|end| from < end.0 && end.0 <= to);
    let (waiting, inside): (Vec<_>, Vec<_>) =
        stays.into_iter().partition(|stay| stay.place == Place::Waiting);
    let mut runs: Vec<Run> = Vec::new();
    for stay in inside {
        match runs.last_mut() {
            Some(run) if stay.from <= run.to && !ended_between(run.from, stay.from) => {
                run.to = run.to.max(stay.to);
                run.stays.push(stay);
            }
            _ => runs.push(Run { from: stay.from, to: stay.to, stays: vec![stay] }),
        }
    }
    for stay in waiting {
        let latest = runs.iter().rposition(|run| run.from <= stay.to).unwrap_or(0);
        if let Some(run) = runs.get_mut(latest) {
            run.stays.push(stay);
        }
    }
    for run in &mut runs {
        run.stays.sort_by_key(|stay| (stay.from, stay.person, stay.device));
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::super::stays;
    use super::super::timetable::Timetable;
    use super::*;

    fn runs(devices: &[&[&str]], host_ends: &[&str]) -> Vec<(i64, i64, usize)> {
        let class: Timetable = serde_json::from_value(serde_json::json!({
            "meeting": "1", "host_ends": host_ends, "persons": [{"name": "Ada", "devices": devices}],
        }))
        .unwrap();
        let runs = group(stays::of_class(&class).unwrap(), &class.host_ends);
        runs.into_iter().map(|run| (run.from, run.to, run.stays.len())).collect()
    }

    #[test]
    fn an_empty_meeting_ends_and_a_visitor_in_the_evening_starts_another() {
        let devices: [&[&str]; 2] = [&["0s join", "60s leave", "60s1s join"], &["59s join", "70s leave"]];
        assert_eq!(runs(&devices, &["100s"]), [(0, 100, 3)]);
        assert_eq!(runs(&[&["0s join", "60s leave", "10h join", "11h leave"]], &[]).len(), 2);
    }

    #[test]
    fn the_hosts_end_splits_runs_that_touch() {
        let devices: [&[&str]; 1] = [&["0s join", "60s join", "90s leave"]];
        assert_eq!(runs(&devices, &["60s"]), [(0, 60, 1), (60, 90, 1)]);
    }

    #[test]
    fn whoever_waits_belongs_to_the_run_that_admits_them() {
        let devices: [&[&str]; 2] =
            [&["0s join", "60s leave", "80s join", "99s leave"], &["-5s wait", "85s admit", "90s leave"]];
        assert_eq!(runs(&devices, &[]), [(0, 60, 1), (80, 99, 3)]);
        assert_eq!(runs(&[&["0s wait", "60s leave"]], &[]), []);
    }
}
