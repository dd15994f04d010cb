//! Erasing one person, in small steps that may each be done again.

use std::sync::Arc;

use crate::actors::engine::Engine;
use crate::domain::erasure::Words;
use crate::store::erasure::places::Place;
use crate::store::erasure::{self, heard, own, scan};
use crate::store::{StoreError, UtcMillis};

/// How often all texts are looked through at most: a row that moves while it is looked at is met by the next pass.
const PASSES_MAX: usize = 4;

/// Erases the person whose history goes on under `erased`, or goes on with it. While a class of theirs runs or awaits its
/// final marks nothing is done: the row in `due_work` asks again.
pub(super) async fn run(engine: Arc<Engine>, erased: String) -> Result<(), StoreError> {
    let key = erased.clone();
    let row = engine.store.read(move |conn| erasure::by_ref(conn, &key)).await?;
    let Some(words) = row.and_then(|row| row.words) else { return Ok(()) };
    let words: Words = words.parse("erasures.words")?;
    if is_waiting(&engine, &words).await? {
        return Ok(());
    }
    let mut changes = webhooks(&engine, &words).await?;
    changes += own_rows(&engine, &words).await?;
    changes += references(&engine, &words).await?;
    for _ in 0..PASSES_MAX {
        let changed = texts(&engine, &words).await?;
        changes += changed;
        if changed == 0 {
            break;
        }
    }
    let (now, changes) = (UtcMillis::from(engine.clock.now()), i64::try_from(changes).unwrap_or(i64::MAX));
    engine.store.write(move |conn| erasure::finish(conn, &erased, changes, now)).await?;
    metrics::counter!("convened_erasures_total").increment(1);
    tracing::info!(changes, "a person was erased");
    Ok(())
}

/// Whether a class of theirs has to be over first.
async fn is_waiting(engine: &Engine, words: &Words) -> Result<bool, StoreError> {
    let now = engine.clock.now();
    let (given_up, person) = (engine.attendance.given_up(now).into(), words.person.clone());
    let waits_for =
        engine.store.read(move |conn| erasure::waits_for(conn, &person, given_up, now.into())).await?;
    Ok(!waits_for.is_empty())
}

async fn webhooks(engine: &Engine, words: &Words) -> Result<usize, StoreError> {
    let wanted = words.clone();
    let trail = Arc::new(engine.store.read(move |conn| heard::trail(conn, &wanted)).await?);
    let mut changes = 0;
    for numbers in heard::stretches(&trail) {
        let mut after = Some(i64::MIN);
        while let Some(from) = after {
            let (trail, numbers, erased) = (Arc::clone(&trail), numbers.to_vec(), words.erased.clone());
            let look = move |conn: &mut _| heard::look(conn, &trail, &numbers, &erased, from);
            let (found, next) = engine.store.read(look).await?;
            if !found.is_empty() {
                changes += engine.store.write(move |conn| heard::write(conn, &found)).await?;
            }
            after = next;
        }
    }
    Ok(changes)
}

async fn own_rows(engine: &Engine, words: &Words) -> Result<usize, StoreError> {
    let (own, now) = (words.clone(), UtcMillis::from(engine.clock.now()));
    let mut changes = engine.store.write(move |conn| own::clear(conn, &own, now)).await?;
    let mut after = Some(String::new());
    while let Some(from) = after {
        let words = words.clone();
        let (changed, next) = engine.store.write(move |conn| own::clear_proofs(conn, &words, &from)).await?;
        changes += changed;
        after = next;
    }
    Ok(changes)
}

async fn references(engine: &Engine, words: &Words) -> Result<usize, StoreError> {
    let mut changes = 0;
    for place in scan::refs() {
        changes += column(engine, place, words).await?;
    }
    Ok(changes)
}

async fn texts(engine: &Engine, words: &Words) -> Result<usize, StoreError> {
    let mut changes = 0;
    for place in scan::texts() {
        changes += column(engine, place, words).await?;
    }
    Ok(changes)
}

async fn column(engine: &Engine, place: &'static Place, words: &Words) -> Result<usize, StoreError> {
    let (mut changes, mut after) = (0, None::<String>);
    loop {
        let (wanted, from) = (words.clone(), after.clone());
        let looked = engine.store.read(move |conn| scan::look(conn, place, &wanted, from.as_deref())).await?;
        if !looked.changes.is_empty() {
            let found = looked.changes;
            changes += engine.store.write(move |conn| scan::write(conn, place, &found)).await?;
        }
        match looked.next {
            Some(next) => after = Some(next),
            None => return Ok(changes),
        }
    }
}
