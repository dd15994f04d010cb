//! That the verdict sees: the evidence of a good day with one thing altered must be found wanting.

use convened::sandbox::ledger::LedgerEntry;
use convened::sandbox::model::SandboxMeeting;
use serde_json::json;

use crate::book::{State, Violation};
use crate::evidence::Evidence;
use crate::stage::Stage;
use crate::verdict;

/// One way in which a day can be bad. `None` when this day does not lend itself to it.
type Alteration = fn(Evidence) -> Option<Evidence>;

const ALTERATIONS: [(&str, Alteration); 10] = [
    ("a meeting that is gone", |mut day| {
        let index = confirmed(&day)?;
        day.meetings.get_mut(index)?.deleted_at = Some(day.meetings.get(index)?.updated_at);
        Some(day)
    }),
    ("a second meeting", |mut day| {
        let second = day.meetings.get(confirmed(&day)?)?.clone();
        day.meetings.push(SandboxMeeting { number: second.number + 1, ..second });
        Some(day)
    }),
    ("another start", |mut day| {
        let index = confirmed(&day)?;
        day.meetings.get_mut(index)?.start += chrono::Duration::minutes(30);
        Some(day)
    }),
    ("another host", |mut day| {
        let index = confirmed(&day)?;
        "nobody".clone_into(&mut day.meetings.get_mut(index)?.host_id);
        Some(day)
    }),
    ("a cancelled booking's meeting", |mut day| {
        let tag = Stage::tag_of(day.meetings.get(confirmed(&day)?)?)?.to_owned();
        day.promises.iter_mut().find(|promise| promise.tag == tag)?.state = State::Cancelled;
        Some(day)
    }),
    ("a lost booking", |mut day| day.shown.pop().map(|_| day)),
    ("a booking of nobody", |mut day| day.promises.pop().map(|_| day)),
    ("a lost webhook", |mut day| {
        let first = day.delivered.first()?.sha256.clone();
        day.inbox.retain(|row| !first.starts_with(&row.sha256_head()));
        Some(day)
    }),
    ("a wrong mark", |mut day| {
        let class = day.classes.iter_mut().find(|class| !class.records.is_empty())?;
        class.records.iter_mut().for_each(|record| *record = json!({}));
        Some(day)
    }),
    ("one request too many", |mut day| {
        day.refused.push(LedgerEntry { status: Some(429), ..LedgerEntry::default() });
        Some(day)
    }),
];

/// Where in the evidence a meeting stands that has to be as it is.
fn confirmed(day: &Evidence) -> Option<usize> {
    day.meetings.iter().position(|meeting| {
        let of = |tag: &str| day.promises.iter().find(|promise| promise.tag == tag);
        let wanted =
            Stage::tag_of(meeting).and_then(of).is_some_and(|promise| promise.state == State::Confirmed);
        wanted && meeting.deleted_at.is_none()
    })
}

/// What the verdict would not have noticed on this day, on which nothing else is wrong.
pub(crate) fn blind_to(day: &Evidence) -> Vec<Violation> {
    let mut blind = Vec::new();
    for (what, alter) in ALTERATIONS {
        if alter(day.clone()).is_some_and(|altered| verdict::pass(&altered).is_empty()) {
            blind.push(Violation::new(None, format!("the verdict to notice {what}"), "it noticed nothing"));
        }
    }
    blind
}
