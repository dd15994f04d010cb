//! What a scoring changed about the marks of a booking, for its story: whom, from what to what, and by which evidence.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::store::Json;
use crate::store::attendance::MarkRow;

/// Times that moved by less are no news.
const MOVED_SECONDS: i64 = 60;
/// Nor are scores, in thousandths, that moved by less together with such a time.
const MOVED_MILLI: i64 = 50;

/// A mark as it was.
#[derive(Debug)]
pub(super) struct Was {
    status: String,
    attended_seconds: i64,
    score_milli: i64,
    flags: Flags,
    pub(super) provisional: bool,
    /// The rules that made it, as marks name them.
    pub(super) rules: String,
    connections: Counted,
}

impl Was {
    /// As the row has it.
    pub(super) fn of(mark: &MarkRow) -> Self {
        Self {
            status: mark.status.clone(),
            attended_seconds: mark.attended_seconds,
            score_milli: mark.score_milli,
            flags: flags(mark),
            provisional: mark.provisional,
            rules: mark.rules.clone(),
            connections: Counted::of(&mark.evidence),
        }
    }
}

/// What a mark says beside status and time, by the names that records have for it.
type Flags = [(&'static str, bool); 4];

fn flags(mark: &MarkRow) -> Flags {
    [
        ("left_early", mark.left_early),
        ("host_absent", mark.host_absent),
        ("host_late", mark.host_late),
        ("held_against", mark.held_against),
    ]
}

/// How many connections counted in a mark, by who told of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Counted(BTreeMap<String, usize>);

impl Counted {
    fn of(evidence: &Json) -> Self {
        // Evidence of another time may have another shape: then there is nothing to say about it.
        let evidence: Value = evidence.parse("attendance_records.evidence").unwrap_or_default();
        let connections = evidence.get("connections").and_then(Value::as_array);
        let mut counted = BTreeMap::new();
        for connection in
            connections.into_iter().flatten().filter(|one| one.get("counted") == Some(&true.into()))
        {
            let source = connection.get("source").and_then(Value::as_str).unwrap_or_default().to_owned();
            *counted.entry(source).or_default() += 1;
        }
        Self(counted)
    }

    fn words(&self) -> String {
        let words: Vec<String> =
            self.0.iter().map(|(source, number)| format!("{number} by {source}")).collect();
        if words.is_empty() { "none".to_owned() } else { words.join(", ") }
    }
}

/// What a scoring changed.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// The people whose mark is another one.
    pub(super) changed: Vec<Value>,
    /// The people whose mark is the same, and whose time, score or flags are not.
    pub(super) moved: Vec<Value>,
}

impl Difference {
    /// Between `marks` and what was `before`, without people who had none.
    pub(super) fn of(marks: &[MarkRow], before: &BTreeMap<String, Was>) -> Self {
        let mut difference = Self::default();
        for mark in marks {
            let Some(was) = before.get(&mark.person_ref) else { continue };
            let other = was.status != mark.status;
            if !other && !has_moved(was, mark) {
                continue;
            }
            let now = Counted::of(&mark.evidence);
            let mut line = Map::new();
            let mut note = |name: &str, value: Value| line.insert(name.to_owned(), value);
            note("person", mark.person_ref.clone().into());
            note("from", was.status.clone().into());
            note("to", mark.status.clone().into());
            if was.attended_seconds != mark.attended_seconds {
                note("minutes_from", (was.attended_seconds / 60).into());
                note("minutes_to", (mark.attended_seconds / 60).into());
            }
            if was.score_milli != mark.score_milli {
                note("score_milli_from", was.score_milli.into());
                note("score_milli_to", mark.score_milli.into());
            }
            for ((name, now), (_, before)) in flags(mark).into_iter().zip(was.flags) {
                if now != before {
                    note(name, now.into());
                }
            }
            if now != was.connections {
                let because = format!("connections: {}, before {}", now.words(), was.connections.words());
                note("because", because.into());
            }
            let line = Value::Object(line);
            if other { difference.changed.push(line) } else { difference.moved.push(line) }
        }
        difference
    }

    /// Whether anything is different.
    pub(super) fn is_any(&self) -> bool {
        !self.changed.is_empty() || !self.moved.is_empty()
    }

    /// Everything that is different.
    pub(super) fn lines(&self) -> Vec<&Value> {
        self.changed.iter().chain(&self.moved).collect()
    }
}

/// Whether a mark of the same status says something else all the same.
fn has_moved(was: &Was, mark: &MarkRow) -> bool {
    let seconds = (was.attended_seconds - mark.attended_seconds).abs();
    let milli = (was.score_milli - mark.score_milli).abs();
    seconds >= MOVED_SECONDS
        || milli >= MOVED_MILLI
        || (milli > 0 && seconds == 0)
        || was.flags != flags(mark)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::store::UtcMillis;

    fn mark(status: &str, minutes: i64, connections: &Value) -> MarkRow {
        let at = UtcMillis::from(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        MarkRow {
            appointment_id: "a".to_owned(),
            person_ref: "ann".to_owned(),
            role: "attendee".to_owned(),
            status: status.to_owned(),
            score_milli: 0,
            attended_seconds: minutes * 60,
            first_join: None,
            last_leave: None,
            left_early: false,
            host_absent: false,
            provisional: true,
            evidence: Json::of(&json!({ "connections": connections })).unwrap(),
            rules: "standard@1".to_owned(),
            host_late: false,
            held_against: true,
            together_seconds: 0,
            created_at: at,
            updated_at: at,
        }
    }

    fn between(was: &MarkRow, is: MarkRow) -> Difference {
        Difference::of(&[is], &BTreeMap::from([("ann".to_owned(), Was::of(was))]))
    }

    #[test]
    fn it_says_from_what_to_what_and_which_connections_made_it() {
        let one = json!([{ "source": "webhook", "counted": true }]);
        let two = json!([{ "source": "report", "counted": true }, { "source": "report", "counted": true },
            { "source": "webhook", "counted": false }]);
        let difference = between(&mark("partial", 31, &one), mark("present", 44, &two));
        assert_eq!(
            difference.changed,
            [
                json!({ "person": "ann", "from": "partial", "to": "present", "minutes_from": 31, "minutes_to": 44,
                "because": "connections: 2 by report, before 1 by webhook" })
            ]
        );
    }

    #[test]
    fn a_time_that_moved_is_told_from_a_mark_that_changed_and_seconds_are_no_news() {
        let none = json!([]);
        let difference = between(&mark("present", 31, &none), mark("present", 44, &none));
        assert!(difference.changed.is_empty() && difference.moved.len() == 1);
        let mut almost = mark("present", 31, &none);
        almost.attended_seconds += 59;
        almost.score_milli += 22;
        assert!(!between(&mark("present", 31, &none), almost).is_any());
    }

    #[test]
    fn a_score_or_a_flag_alone_is_news_too() {
        let none = json!([]);
        let mut other = mark("present", 31, &none);
        (other.score_milli, other.host_late, other.held_against) = (7, true, false);
        let difference = between(&mark("present", 31, &none), other);
        assert_eq!(
            (difference.changed.len(), difference.moved),
            (
                0,
                vec![json!({ "person": "ann", "from": "present", "to": "present", "score_milli_from": 0,
                    "score_milli_to": 7, "host_late": true, "held_against": false })]
            )
        );
        for flag in
            [|mark: &mut MarkRow| mark.left_early = true, |mark: &mut MarkRow| mark.host_absent = true]
        {
            let mut other = mark("present", 31, &none);
            flag(&mut other);
            assert!(between(&mark("present", 31, &none), other).is_any());
        }
    }
}
