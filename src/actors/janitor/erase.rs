//! Erasing one person, in small steps that may each be done again.

use std::sync::Arc;

use crate::actors::engine::Engine;
use crate::domain::erasure::Words;
use crate::store::erasure::places::Place;
use crate::store::erasure::{self, own, scan};
use crate::store::{StoreError, UtcMillis};

/// How often all texts are looked through at most: a row that moves while it is looked at is met by the next pass.
const PASSES_MAX: usize = 4;

/// Erases the person whose history goes on under `erased`, or goes on with it.
pub(super) async fn run(engine: Arc<Engine>, erased: String) -> Result<(), StoreError> {
    let key = erased.clone();
    let row = engine.store.read(move |conn| erasure::by_ref(conn, &key)).await?;
    let Some(words) = row.and_then(|row| row.words) else { return Ok(()) };
    let words: Words = words.parse("erasures.words")?;
    let mut changes = own_rows(&engine, &words).await?;
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

async fn own_rows(engine: &Engine, words: &Words) -> Result<usize, StoreError> {
    let own = words.clone();
    let mut changes = engine.store.write(move |conn| own::clear(conn, &own)).await?;
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
        let person = words.person.clone();
        if engine.store.read(move |conn| scan::names(conn, place, &person)).await? {
            let words = words.clone();
            changes += engine.store.write(move |conn| scan::rename(conn, place, &words)).await?;
        }
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
