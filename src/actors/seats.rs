//! Looking through the seats when hosts may run more or fewer meetings than before: whose licence was changed is
//! relieved of what is too much, and what is free goes to who waits.
//!
//! Each change of a `zoom_users` row makes its host due; the whole account is due at every start, because the pool,
//! the plan or the pause may be others, and hourly after that.

use std::sync::Arc;

use super::engine::Engine;
use super::registry::RegistryHandle;
use crate::store::booking::{line, overbooked};
use crate::store::due::{self, ACCOUNT, DueKind};
use crate::store::{StoreError, UtcMillis, seat};

/// How often the whole account is looked through: nothing should be found then that was not seen at its time.
const EVERY: chrono::Duration = chrono::Duration::hours(1);
/// Hosts that are read in one go.
const PAGE: i64 = 100;
/// Pages of hosts, at most.
const PAGES_MAX: usize = 1000;

/// Begins to look through the seats of the host `key`, or of all of them. Always takes the work: should it fail, its
/// row in `due_work` brings it back.
pub(super) fn start(engine: &Arc<Engine>, registry: &RegistryHandle, key: String) -> bool {
    let (engine, registry) = (Arc::clone(engine), registry.clone());
    actix::spawn(async move {
        let done = match key.as_str() {
            ACCOUNT => account(&engine, &registry).await,
            _ => host(&engine, &registry, key, true).await,
        };
        if let Err(error) = done {
            tracing::warn!(%error, "seats could not be looked through; they are again in a while");
        }
    });
    true
}

/// Looks through one host; `free` says to serve the line with what they may have more now.
async fn host(engine: &Engine, registry: &RegistryHandle, key: String, free: bool) -> Result<(), StoreError> {
    let (policy, now) = (engine.hosts.clone(), UtcMillis::from(engine.clock.now()));
    let woken = engine
        .store
        .write(move |conn| {
            // In the same transaction: a change after it makes the host due again.
            due::clear(conn, DueKind::Seats, &key)?;
            let mut woken = overbooked::relieve(conn, &key, &policy, now)?;
            if free {
                woken.extend(line::hand_on_all(conn, &policy, now)?);
            }
            Ok(woken)
        })
        .await?;
    for meeting in &woken {
        registry.wake(meeting);
    }
    Ok(())
}

async fn account(engine: &Engine, registry: &RegistryHandle) -> Result<(), StoreError> {
    let mut after = String::new();
    for _ in 0..PAGES_MAX {
        let (policy, now) = (engine.hosts.clone(), UtcMillis::from(engine.clock.now()));
        // Hosts who have what they may run, nearly all of them, cost the writer nothing.
        let (hosts, over) = engine
            .store
            .read(move |conn| {
                let hosts = seat::hosts_to_come(conn, now, &after, PAGE)?;
                let mut over = Vec::new();
                for host in &hosts {
                    if !overbooked::too_many_of(conn, host, &policy, now)?.is_empty() {
                        over.push(host.clone());
                    }
                }
                Ok((hosts, over))
            })
            .await?;
        for key in over {
            host(engine, registry, key, false).await?;
        }
        match hosts.into_iter().next_back() {
            Some(last) => after = last,
            None => break,
        }
    }
    let (policy, now) = (engine.hosts.clone(), engine.clock.now());
    let woken = engine
        .store
        .write(move |conn| {
            due::set(conn, DueKind::Seats, ACCOUNT, UtcMillis::from(now + EVERY))?;
            line::hand_on_all(conn, &policy, now.into())
        })
        .await?;
    for meeting in &woken {
        registry.wake(meeting);
    }
    Ok(())
}
