//! Shards in the database: who may have one, what a write must prove, what is claimed by whom.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix::System;
use chrono::{DateTime, Utc};
use convened::actors::store::Store;
use convened::actors::token::{Grants, SharedGrants};
use convened::clock::{Clock as _, SystemClock};
use convened::domain::shard::{COUNT, Shard, ShardSet};
use convened::store::due::{self, DueKind, Room};
use convened::store::secret::Sealer;
use convened::store::shard::{Fence, Session};
use convened::store::{Conn, StoreError, UtcMillis};
use convened::zoom::ZoomError;
use convened::zoom::oauth::Grant;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use futures::future::{BoxFuture, FutureExt as _, join_all};
use secrecy::{ExposeSecret as _, SecretString};

use crate::support::database::{TestDatabase, on_each_database};

/// Room for all of it.
const ROOM: Room = Room { sync: 10, other: 10, zoom: true };

#[derive(QueryableByName)]
struct ShardRow {
    #[diesel(sql_type = BigInt)]
    shard: i64,
}

/// What a migration says the shard of a meeting is.
fn expression(migration: &str) -> &str {
    migration.split_once("UPDATE zoom_meetings SET shard = ").unwrap().1.split_once(';').unwrap().0
}

on_each_database! {
    the_migration_and_the_program_agree_on_the_shard_of_every_meeting(database) {
        let mut conn = database.conn();
        let sql = match &conn {
            Conn::Sqlite(_) => include_str!("../../migrations/sqlite/2026-11-21-001300_shards/up.sql"),
            Conn::Postgres(_) => include_str!("../../migrations/postgres/2026-11-21-001300_shards/up.sql"),
        };
        let ids = (0..500).map(|_| uuid::Uuid::now_v7().to_string());
        for id in ids.chain(["", "7", "zz", "a-"].map(str::to_owned)) {
            let query = format!("SELECT {} AS shard FROM (SELECT '{id}' AS id) AS one", expression(sql));
            let row: ShardRow = match &mut conn {
                Conn::Sqlite(conn) => diesel::sql_query(query).get_result(conn).unwrap(),
                Conn::Postgres(conn) => {
                    diesel::sql_query(query.replace("AS shard FROM", "::bigint AS shard FROM"))
                        .get_result(conn)
                        .unwrap()
                }
            };
            assert_eq!(row.shard, Shard::of(&id).number(), "{id}");
        }
    }

    work_is_handed_to_the_owner_of_its_meeting_and_once(database) {
        let mut conn = database.conn();
        let now = UtcMillis::from(DateTime::<Utc>::UNIX_EPOCH);
        let later = UtcMillis::from(DateTime::<Utc>::UNIX_EPOCH + chrono::Duration::minutes(2));
        let meetings = ["0197a3c2-7b1e-7c11-9d7c-2f6f0a3b4c01", "0197a3c2-7b1e-7c11-9d7c-2f6f0a3b4c02"];
        for meeting in meetings {
            due::set(&mut conn, DueKind::Sync, meeting, now).unwrap();
        }
        let mine: ShardSet = std::iter::once(Shard::of(meetings[0])).collect();
        let others = ShardSet::ALL.without(mine);
        let claim = |conn: &mut Conn, mine| -> Vec<String> {
            due::claim(conn, mine, now, later, ROOM).unwrap().into_iter().map(|row| row.key).collect()
        };
        if let Conn::Sqlite(_) = conn {
            assert_eq!(claim(&mut conn, ShardSet::ALL), meetings);
        } else {
            assert_eq!(claim(&mut conn, mine), meetings[..1]);
            assert!(!due::any(&mut conn, mine, now, ROOM).unwrap());
            assert_eq!(claim(&mut conn, others), meetings[1..]);
        }
        assert!(claim(&mut conn, ShardSet::ALL).is_empty(), "each is handed out once");
        due::recall(&mut conn, mine, now, later).unwrap();
        assert_eq!(claim(&mut conn, ShardSet::ALL), meetings[..1], "what a dead owner had in hand comes again");
    }
}

fn now() -> UtcMillis {
    UtcMillis::from(SystemClock.now())
}

fn one(shard: Shard) -> ShardSet {
    std::iter::once(shard).collect()
}

/// A write that proves its right, in a transaction of its own.
fn write(conn: &mut Conn, fence: Fence) -> Result<(), StoreError> {
    conn.transaction(|conn| fence.hold(conn))
}

#[test]
fn a_shard_has_one_owner_and_falls_with_its_connection() {
    let Some(database) = TestDatabase::postgres().map(TestDatabase::migrated) else { return };
    let mut first = Session::open(&database.url()).unwrap();
    let taken = first.take(ShardSet::ALL, "first", now()).unwrap();
    assert_eq!(taken.len(), usize::from(COUNT));
    let mut second = Session::open(&database.url()).unwrap();
    assert!(second.take(ShardSet::ALL, "second", now()).unwrap().is_empty());
    let census = second.census().unwrap();
    assert_eq!((census.processes, census.mine, census.free), (2, ShardSet::NONE, ShardSet::NONE));
    let shard = Shard::of("2a");
    first.release(one(shard)).unwrap();
    assert_eq!(second.census().unwrap().free, one(shard));
    assert_eq!(second.take(ShardSet::ALL, "second", now()).unwrap(), [(shard, 2)]);
    drop(first);
    // The server notices a closed connection by itself; its locks fall in that moment.
    while second.census().unwrap().processes > 1 {
        std::thread::yield_now();
    }
    let free = second.census().unwrap().free;
    assert_eq!(second.take(free, "second", now()).unwrap().len(), usize::from(COUNT) - 1);
}

#[test]
fn whoever_lost_a_shard_without_noticing_is_refused_and_whoever_writes_is_waited_for() {
    let Some(database) = TestDatabase::postgres().map(TestDatabase::migrated) else { return };
    let shard = Shard::of("07");
    let mut first = Session::open(&database.url()).unwrap();
    let (_, epoch) = first.take(one(shard), "first", now()).unwrap()[0];
    let fence = Fence::Taken { shard, epoch };
    let mut writer = database.conn();
    write(&mut writer, fence).unwrap();
    let mut second = Session::open(&database.url()).unwrap();
    // The first owner falls asleep over an open write, and its lock goes.
    writer.batch_execute("BEGIN").unwrap();
    fence.hold(&mut writer).unwrap();
    first.release(one(shard)).unwrap();
    assert!(second.take(one(shard), "second", now()).unwrap().is_empty(), "not over an open write");
    assert_eq!(second.census().unwrap().mine, ShardSet::NONE, "nor is its lock kept");
    writer.batch_execute("COMMIT").unwrap();
    assert_eq!(second.take(one(shard), "second", now()).unwrap(), [(shard, epoch + 1)]);
    assert!(matches!(write(&mut writer, fence), Err(StoreError::Moved)));
}

#[test]
fn what_one_process_says_all_of_them_hear() {
    let Some(database) = TestDatabase::postgres().map(TestDatabase::migrated) else { return };
    let mut speaker = Session::open(&database.url()).unwrap();
    let mut listener = Session::open(&database.url()).unwrap();
    let said = vec!["wake m-1".to_owned(), "events 3 7,8".to_owned()];
    speaker.say(&said).unwrap();
    // What was said before a statement was begun has been heard when it ends.
    listener.census().unwrap();
    assert_eq!(listener.heard().unwrap(), said);
    assert!(listener.heard().unwrap().is_empty());
}

#[test]
fn an_event_is_not_put_aside_while_its_number_is_being_learned() {
    use convened::store::inbox;
    let Some(database) = TestDatabase::postgres().map(TestDatabase::migrated) else { return };
    let (mut learner, mut putter) = (database.conn(), database.conn());
    putter
        .batch_execute(
            "INSERT INTO webhook_events (digest, event, zoom_meeting_id, body, request_age_ms, received_at, \
             state, attempts) VALUES ('\\x01', 'meeting.started', '85', '{}', 0, now(), 'pending', 0)",
        )
        .unwrap();
    learner.batch_execute("BEGIN").unwrap();
    inbox::release_unowned(&mut learner, "85").unwrap();
    putter.transaction(|conn| inbox::mark_unowned(conn, &[1])).unwrap();
    assert_eq!(inbox::pending_count(&mut putter, 10).unwrap(), 1, "it stays where it will be found");
    learner.batch_execute("COMMIT").unwrap();
    putter.transaction(|conn| inbox::mark_unowned(conn, &[1])).unwrap();
    assert_eq!(inbox::pending_count(&mut putter, 10).unwrap(), 0);
    assert_eq!(learner.transaction(|conn| inbox::release_unowned(conn, "85")).unwrap(), 1);
}

/// An OAuth server that counts.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Grants for Counting {
    fn grant(&self) -> BoxFuture<'static, Result<Grant, ZoomError>> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let grant = Grant {
            access_token: SecretString::from(format!("token {number}")),
            refresh_token: None,
            expires_in: Duration::from_secs(3600),
            scopes: vec!["meeting:write".to_owned(), "user:read".to_owned()],
        };
        async move { Ok(grant) }.boxed()
    }
}

#[derive(QueryableByName)]
struct SealedRow {
    #[diesel(sql_type = Text)]
    text: String,
}

#[test]
fn processes_of_one_account_use_one_token_and_one_of_them_fetches_the_next() {
    let Some(database) = TestDatabase::postgres().map(TestDatabase::migrated) else { return };
    let folder = tempfile::tempdir().unwrap();
    let sealer = Sealer::from_key_file(&folder.path().join("key")).unwrap();
    System::new().block_on(async {
        let store = Store::start(&database.url(), 4).unwrap();
        let zoom = Arc::new(Counting::default());
        let processes: Vec<SharedGrants> = (0..3)
            .map(|_| {
                let own: Arc<dyn Grants> = zoom.clone();
                SharedGrants::new(own, "app".to_owned(), store.clone(), sealer.clone(), Arc::new(SystemClock))
            })
            .collect();
        for round in 1..=2 {
            let grants = join_all(processes.iter().map(Grants::grant)).await;
            let tokens: BTreeSet<String> = grants
                .into_iter()
                .map(|grant| grant.unwrap().access_token.expose_secret().to_owned())
                .collect();
            assert_eq!(
                tokens,
                BTreeSet::from([format!("token {round}")]),
                "asked again: the last was refused"
            );
            assert_eq!(zoom.0.load(Ordering::SeqCst), round);
        }
        store.close().await;
    });
    let Conn::Postgres(mut conn) = database.conn() else { panic!("it is PostgreSQL") };
    let row: SealedRow = diesel::sql_query("SELECT encode(token_enc, 'escape') AS text FROM zoom_tokens")
        .get_result(&mut conn)
        .unwrap();
    assert!(!row.text.contains("token 2"), "it is sealed");
}
