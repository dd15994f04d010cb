//! What processes tell each other by `NOTIFY`. A lost note costs time and nothing else: each only says earlier what
//! the tables say anyway.

use std::collections::BTreeSet;

use crate::domain::shard::Shard;

/// Ids in one line: with twenty characters each they stay below the 8,000 bytes of a payload.
const IDS_MAX: usize = 350;

/// One thing worth telling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// A meeting's booking changed.
    Wake {
        /// The meeting's id.
        meeting: String,
        /// Somebody is waiting for it.
        hurry: bool,
    },
    /// A webhook about a meeting of this shard is in the inbox.
    Event {
        /// The shard.
        shard: Shard,
        /// The event's id.
        id: i64,
    },
    /// Somebody came to a meeting or left it: readers want to know.
    Live {
        /// The meeting's id.
        meeting: String,
    },
}

/// A line as it was heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Wake { meeting: String, hurry: bool },
    Events { shard: Shard, ids: Vec<i64> },
    Live { meeting: String },
}

/// The notes as lines, those about the same shard's webhooks together.
pub(super) fn lines(notes: &BTreeSet<Note>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut ids: Vec<(Shard, i64)> = Vec::new();
    for note in notes {
        match note {
            Note::Wake { meeting, hurry: true } => lines.push(format!("hurry {meeting}")),
            Note::Wake { meeting, hurry: false } => lines.push(format!("wake {meeting}")),
            Note::Event { shard, id } => ids.push((*shard, *id)),
            Note::Live { meeting } => lines.push(format!("live {meeting}")),
        }
    }
    for of_one in ids.chunk_by(|a, b| a.0 == b.0) {
        for chunk in of_one.chunks(IDS_MAX) {
            let Some((shard, _)) = chunk.first() else { continue };
            let ids: Vec<String> = chunk.iter().map(|(_, id)| id.to_string()).collect();
            lines.push(format!("events {} {}", shard.number(), ids.join(",")));
        }
    }
    lines
}

/// Understands a line; `None` for anything else, which a newer version may have said.
pub(super) fn understand(line: &str) -> Option<Heard> {
    let (word, rest) = line.split_once(' ')?;
    match word {
        "wake" | "hurry" => Some(Heard::Wake { meeting: rest.to_owned(), hurry: word == "hurry" }),
        "live" => Some(Heard::Live { meeting: rest.to_owned() }),
        "events" => {
            let (shard, ids) = rest.split_once(' ')?;
            let shard = Shard::numbered(shard.parse().ok()?)?;
            let ids: Result<Vec<i64>, _> = ids.split(',').map(str::parse).collect();
            Some(Heard::Events { shard, ids: ids.ok()? })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let shard = Shard::of("0a");
        let notes: BTreeSet<Note> = (0..400)
            .map(|id| Note::Event { shard, id: i64::MAX - id })
            .chain([true, false].map(|hurry| Note::Wake { meeting: "m-1".to_owned(), hurry }))
            .chain([Note::Live { meeting: "m-1".to_owned() }])
            .collect();
        let lines = lines(&notes);
        assert!(lines.iter().all(|line| line.len() < 8000));
        let heard: Vec<Heard> = lines.iter().map(|line| understand(line).unwrap()).collect();
        let ids = heard.iter().filter_map(|heard| match heard {
            Heard::Events { shard: of, ids } => {
                assert_eq!(*of, shard);
                Some(ids.len())
            }
            Heard::Wake { meeting, .. } | Heard::Live { meeting } => {
                assert_eq!(meeting, "m-1");
                None
            }
        });
        assert_eq!(ids.collect::<Vec<_>>(), [350, 50]);
    }

    #[test]
    fn what_nobody_said_is_not_understood() {
        for line in ["", "wake", "events 64 1", "events 1 x", "events 1", "sing 1"] {
            assert_eq!(understand(line), None, "{line}");
        }
    }
}
