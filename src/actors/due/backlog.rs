//! What the backlog says of itself: while Zoom cannot be called every meeting in line has the reason in its
//! `sync.last_error`, and afterwards no more. Piece by piece, so that a long line holds up nobody's write.

use std::sync::Arc;

use crate::actors::engine::Engine;
use crate::domain::outage::Outage;
use crate::store::{StoreError, UtcMillis, outage};

/// Meetings whose words are changed in one write.
const PIECE: i64 = 500;

/// What has been said so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Backlog {
    /// The words of the outage that meetings were told of.
    words: Option<String>,
    /// There may be more who have not been told.
    unfinished: bool,
}

impl Backlog {
    /// Whether there is anything to say, with this outage or none at present.
    pub(super) fn is_news(&self, present: Option<&Outage>) -> bool {
        self.unfinished || self.words != present.map(Outage::in_words)
    }

    /// Says one piece of it, and gives what has been said then.
    pub(super) async fn tell(self, engine: Arc<Engine>, present: Option<Outage>) -> Result<Self, StoreError> {
        let words = present.as_ref().map(Outage::in_words);
        match (self.words, present) {
            (Some(past), _) if words.as_ref() != Some(&past) => {
                let told = past.clone();
                let more = write(&engine, move |conn| outage::release_backlog(conn, &told, PIECE)).await?;
                // When the last has been told, the next round begins with the present.
                Ok(Self { words: more.then_some(past), unfinished: more })
            }
            (_, Some(present)) => {
                let (since, told) = (UtcMillis::from(present.since), present.in_words());
                let more =
                    write(&engine, move |conn| outage::hold_backlog(conn, since, &told, PIECE)).await?;
                Ok(Self { words, unfinished: more })
            }
            (_, None) => Ok(Self::default()),
        }
    }
}

/// Shows operators how many meetings wait, by state.
pub(super) async fn count(engine: Arc<Engine>) {
    match engine.store.read(outage::waiting).await {
        Ok(waiting) => {
            for state in outage::WAITING {
                let meetings =
                    waiting.iter().find(|(named, _)| named == state).map_or(0, |(_, count)| *count);
                metrics::gauge!("convened_meetings_waiting", "state" => state).set(meetings as f64);
            }
        }
        Err(error) => tracing::warn!(%error, "the meetings that wait cannot be counted"),
    }
}

/// Whether a piece was a full one.
async fn write(
    engine: &Engine,
    work: impl FnOnce(&mut crate::store::Conn) -> Result<usize, StoreError> + Send + 'static,
) -> Result<bool, StoreError> {
    let written = engine.store.write(work).await?;
    Ok(i64::try_from(written).is_ok_and(|written| written >= PIECE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outage::Cause;

    #[test]
    fn an_outage_is_news_until_all_have_been_told_and_so_is_its_end() {
        let since = chrono::DateTime::UNIX_EPOCH;
        let down = Outage { cause: Cause::Unreachable, class: "unreachable", since, next_try_at: None };
        let quiet = Backlog::default();
        assert!(!quiet.is_news(None) && quiet.is_news(Some(&down)));
        let half = Backlog { words: Some(down.in_words()), unfinished: true };
        assert!(half.is_news(Some(&down)));
        let told = Backlog { unfinished: false, ..half };
        assert!(!told.is_news(Some(&down)) && told.is_news(None));
    }
}
