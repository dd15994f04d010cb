//! Who has which shard of the meetings, on PostgreSQL: advisory locks on one connection say who, and fall with it;
//! epochs in rows fence off a process that does not know yet that it has lost them
//! (`docs/adr/0013-shards-by-advisory-lock.md`).
//!
//! A lock says that nobody else has the shard *now*. A process that slept can still believe in a lock it has lost, so
//! each write about a meeting proves in its own transaction, with [`Fence::hold`], that the shard's epoch is still
//! the one it was taken under. Whoever takes a shard raises the epoch, which it cannot while such a write is open.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text, Timestamp};

use super::connection::{DatabaseUrl, LOCK_WAIT_MAX};
use super::schema::shards;
use super::{Conn, StoreError, UtcMillis};
use crate::domain::shard::{Shard, ShardSet};

/// The first key of the advisory locks; any numbers nobody else uses in this database.
const SHARD_LOCKS: i32 = 0x636f_0001;
/// The lock that every process holds a share of, to be counted by.
const LIVE_LOCK: i32 = 0x636f_0002;
/// Where the processes talk to each other.
const CHANNEL: &str = "convened";

/// After this long without a word of ours the server ends the session, and the locks fall: what happens to a
/// process that is stopped but not dead (`SIGSTOP`, a suspended machine). Needs PostgreSQL 14; before that such a
/// process keeps its shards. Longer than [`Session`]'s user may believe in its locks without a sign of the server.
const SERVER_PATIENCE_SECS: u32 = 15;

/// What libpq is told beside the URL: a server that does not answer is noticed within some seconds
/// (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS>).
const CONNECTION_PARAMETERS: &str = "connect_timeout=5&tcp_user_timeout=5000&keepalives_idle=3\
    &keepalives_interval=1&keepalives_count=3&application_name=convened-shards";

/// The proof that a shard is this process's, to be shown in a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fence {
    /// There is only one process (SQLite): nothing to prove.
    Alone,
    /// The shard was taken under this epoch.
    Taken {
        /// The shard.
        shard: Shard,
        /// Its epoch.
        epoch: i64,
    },
}

impl Fence {
    /// Makes sure that the shard is still ours, and stays so until the transaction ends.
    ///
    /// # Errors
    /// [`StoreError::Moved`] when another process has taken it; another [`StoreError`].
    pub fn hold(self, conn: &mut Conn) -> Result<(), StoreError> {
        let (Self::Taken { shard, epoch }, Conn::Postgres(conn)) = (self, conn) else { return Ok(()) };
        let present: Option<i64> =
            shards::table.find(shard.number()).select(shards::epoch).for_share().first(conn).optional()?;
        if present == Some(epoch) { Ok(()) } else { Err(StoreError::Moved) }
    }
}

/// Who is there, and who has what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Census {
    /// Processes alive, this one included.
    pub processes: usize,
    /// Shards whose lock this session holds.
    pub mine: ShardSet,
    /// Shards whose lock nobody holds.
    pub free: ShardSet,
}

/// The one connection that holds a process's locks and hears what the others say.
pub struct Session {
    conn: PgConnection,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

#[derive(QueryableByName)]
struct LockRow {
    #[diesel(sql_type = BigInt)]
    class: i64,
    #[diesel(sql_type = BigInt)]
    key: i64,
    #[diesel(sql_type = Bool)]
    mine: bool,
}

#[derive(QueryableByName)]
struct ShardRow {
    #[diesel(sql_type = BigInt)]
    shard: i64,
}

#[derive(QueryableByName)]
struct EpochRow {
    #[diesel(sql_type = BigInt)]
    shard: i64,
    #[diesel(sql_type = BigInt)]
    epoch: i64,
}

impl Session {
    /// Connects, makes itself counted, and listens. Without the locks of an earlier session.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the driver's own words; [`StoreError::Unusable`] for SQLite.
    pub fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let DatabaseUrl::Postgres(url) = url else {
            return Err(StoreError::Unusable("only PostgreSQL has advisory locks".to_owned()));
        };
        let mut conn = PgConnection::establish(&with_parameters(url)).map_err(StoreError::unavailable)?;
        conn.batch_execute(&format!(
            "SET timezone = 'UTC'; SET lock_timeout = {}; LISTEN {CHANNEL}; \
             SELECT set_config(name, '{SERVER_PATIENCE_SECS}s', false) FROM pg_settings \
             WHERE name = 'idle_session_timeout'; \
             SELECT pg_advisory_lock_shared({LIVE_LOCK}, 0)",
            LOCK_WAIT_MAX.as_millis()
        ))?;
        Ok(Self { conn })
    }

    /// Looks who is there. That it is answered at all also says that this session's locks still stand.
    ///
    /// # Errors
    /// [`StoreError`]; the session and its locks may be gone then.
    pub fn census(&mut self) -> Result<Census, StoreError> {
        let rows: Vec<LockRow> = diesel::sql_query(
            "SELECT classid::bigint AS class, objid::bigint AS key, pid = pg_backend_pid() AS mine \
             FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .load(&mut self.conn)?;
        let of = |class: i32| rows.iter().filter(move |row| row.class == i64::from(class));
        let taken: ShardSet = of(SHARD_LOCKS).filter_map(|row| Shard::numbered(row.key)).collect();
        let mine = of(SHARD_LOCKS).filter(|row| row.mine).filter_map(|row| Shard::numbered(row.key));
        Ok(Census {
            processes: of(LIVE_LOCK).count().max(1),
            mine: mine.collect(),
            free: ShardSet::ALL.without(taken),
        })
    }

    /// Takes those of `wanted` that nobody has by now. Gives each with its new epoch; a shard that its former owner
    /// is still writing about is left for the next time. None of `wanted` may be this session's already.
    ///
    /// # Errors
    /// [`StoreError`]; locks may have been taken without an epoch: end the session then.
    pub fn take(
        &mut self,
        wanted: ShardSet,
        owner: &str,
        now: UtcMillis,
    ) -> Result<Vec<(Shard, i64)>, StoreError> {
        let locked = self.lock(wanted)?;
        diesel::sql_query(
            "INSERT INTO shards (shard, epoch, owner, taken_at) SELECT shard, 0, $2, $3 FROM unnest($1) AS shard \
             ON CONFLICT (shard) DO NOTHING",
        )
        .bind::<Array<BigInt>, _>(numbers(locked))
        .bind::<Text, _>(owner)
        .bind::<Timestamp, _>(now)
        .execute(&mut self.conn)?;
        let epochs: Vec<EpochRow> = diesel::sql_query(
            "WITH free AS (SELECT shard FROM shards WHERE shard = ANY($1) FOR UPDATE SKIP LOCKED) \
             UPDATE shards SET epoch = epoch + 1, owner = $2, taken_at = $3 FROM free \
             WHERE shards.shard = free.shard RETURNING shards.shard, shards.epoch",
        )
        .bind::<Array<BigInt>, _>(numbers(locked))
        .bind::<Text, _>(owner)
        .bind::<Timestamp, _>(now)
        .load(&mut self.conn)?;
        let taken: Vec<(Shard, i64)> = epochs
            .into_iter()
            .filter_map(|row| Shard::numbered(row.shard).map(|shard| (shard, row.epoch)))
            .collect();
        let missed = locked.without(taken.iter().map(|(shard, _)| *shard).collect());
        if !missed.is_empty() {
            self.release(missed)?;
        }
        Ok(taken)
    }

    /// Locks those that nobody has locked.
    fn lock(&mut self, wanted: ShardSet) -> Result<ShardSet, StoreError> {
        let locked: Vec<ShardRow> = diesel::sql_query(
            "SELECT shard::bigint AS shard FROM unnest($2) AS shard WHERE pg_try_advisory_lock($1, shard)",
        )
        .bind::<Integer, _>(SHARD_LOCKS)
        .bind::<Array<Integer>, _>(keys(wanted))
        .load(&mut self.conn)?;
        Ok(locked.into_iter().filter_map(|row| Shard::numbered(row.shard)).collect())
    }

    /// Gives shards up, for whoever wants them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn release(&mut self, shards: ShardSet) -> Result<(), StoreError> {
        diesel::sql_query("SELECT pg_advisory_unlock($1, shard) FROM unnest($2) AS shard")
            .bind::<Integer, _>(SHARD_LOCKS)
            .bind::<Array<Integer>, _>(keys(shards))
            .execute(&mut self.conn)?;
        Ok(())
    }

    /// Says something to all processes, this one included.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn say(&mut self, lines: &[String]) -> Result<(), StoreError> {
        diesel::sql_query("SELECT pg_notify($1, line) FROM unnest($2) AS line")
            .bind::<Text, _>(CHANNEL)
            .bind::<Array<Text>, _>(lines)
            .execute(&mut self.conn)?;
        Ok(())
    }

    /// What was said since the last time; does not wait.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the connection has broken, and its locks with it.
    pub fn heard(&mut self) -> Result<Vec<String>, StoreError> {
        let heard: Result<Vec<_>, _> = self.conn.notifications_iter().collect();
        Ok(heard.map_err(StoreError::unavailable)?.into_iter().map(|said| said.payload).collect())
    }
}

fn numbers(shards: ShardSet) -> Vec<i64> {
    shards.iter().map(Shard::number).collect()
}

/// Advisory locks of two keys take 32 bits each.
fn keys(shards: ShardSet) -> Vec<i32> {
    shards.iter().filter_map(|shard| i32::try_from(shard.number()).ok()).collect()
}

/// The URL with our parameters behind its own; libpq takes the last of two that say the same.
fn with_parameters(url: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{CONNECTION_PARAMETERS}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_go_behind_those_that_are_there() {
        assert!(with_parameters("postgres://h/d").starts_with("postgres://h/d?connect_timeout=5&"));
        assert!(
            with_parameters("postgres://h/d?sslmode=require").contains("?sslmode=require&connect_timeout=5&")
        );
    }
}
