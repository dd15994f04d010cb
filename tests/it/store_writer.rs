//! The writer thread on both databases: one commit for all that waits, each job's failure its own.

use std::sync::mpsc;

use actix::System;
use convened::actors::store::Store;
use convened::store::{Conn, StoreError};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::support::database::{TestDatabase, on_each_database};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn with_store<F: Future<Output = ()>>(database: &TestDatabase, test: impl FnOnce(Store) -> F) {
    System::new().block_on(async {
        let store = Store::start(&database.url(), 2).unwrap();
        test(store.clone()).await;
        store.close().await;
    });
}

/// A row that is easily made: a budget of the day `day`.
fn spend(conn: &mut Conn, day: &str) -> Result<usize, StoreError> {
    Ok(diesel::sql_query("INSERT INTO rate_budgets (scope, key, day, used) VALUES ('test', 'k', $1, 1)")
        .bind::<Text, _>(day)
        .execute(conn)?)
}

async fn count(store: &Store) -> i64 {
    store
        .read(|conn| {
            let count: Count =
                diesel::sql_query("SELECT count(*) AS n FROM rate_budgets").get_result(conn)?;
            Ok(count.n)
        })
        .await
        .unwrap()
}

/// Keeps the writer busy until the returned sender is dropped, so that what is written meanwhile forms a group.
async fn hold(store: &Store) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let (entered, inside) = tokio::sync::oneshot::channel();
    let _held = store.try_write(move |_| {
        let _ = entered.send(());
        let _ = held.recv();
        Ok(())
    });
    inside.await.unwrap();
    release
}

on_each_database! {
    a_group_is_kept_but_for_the_jobs_that_fail_or_panic(database) {
        with_store(database, |store| async move {
            let release = hold(&store).await;
            let good: Vec<_> = (0..20)
                .map(|day| store.try_write(move |conn| spend(conn, &format!("day {day}"))).unwrap())
                .collect();
            let duplicate = store.try_write(|conn| spend(conn, "day 3")).unwrap();
            let regretted = store
                .try_write(|conn| {
                    spend(conn, "regretted")?;
                    Err::<(), _>(StoreError::NotFound)
                })
                .unwrap();
            let panicked = store
                .try_write::<(), _>(|conn| {
                    conn.transaction(|conn| {
                        spend(conn, "lost in a panic")?;
                        panic!("a bug in a job")
                    })
                })
                .unwrap();
            let after = store.try_write(|conn| spend(conn, "after")).unwrap();
            drop(release);

            for written in good {
                assert_eq!(written.wait().await.unwrap(), 1);
            }
            assert!(matches!(duplicate.wait().await, Err(StoreError::Conflict(_))));
            assert!(matches!(regretted.wait().await, Err(StoreError::NotFound)));
            assert!(matches!(panicked.wait().await, Err(StoreError::Panicked)));
            assert_eq!(after.wait().await.unwrap(), 1);
            assert_eq!(count(&store).await, 21);
        });
    }

    a_job_alone_that_fails_or_panics_leaves_nothing(database) {
        with_store(database, |store| async move {
            let failed = store
                .write(|conn| {
                    spend(conn, "a")?;
                    Err::<(), _>(StoreError::Busy)
                })
                .await;
            assert!(matches!(failed, Err(StoreError::Busy)));
            let panicked = store
                .write::<(), _>(|conn| {
                    conn.transaction(|conn| {
                        spend(conn, "b")?;
                        panic!("a bug in a job")
                    })
                })
                .await;
            assert!(matches!(panicked, Err(StoreError::Panicked)));
            assert_eq!(store.write(|conn| spend(conn, "c")).await.unwrap(), 1);
            assert_eq!(count(&store).await, 1);
        });
    }

    a_job_that_passes_over_a_failed_statement_is_kept_or_refused_but_never_lost(database) {
        with_store(database, |store| async move {
            let careless = |conn: &mut Conn| {
                spend(conn, "twice")?;
                let _ = spend(conn, "twice");
                Ok(())
            };
            let alone = store.write(careless).await;
            assert_eq!(count(&store).await, i64::from(alone.is_ok()));

            store.write(|conn| Ok(conn.batch_execute("DELETE FROM rate_budgets")?)).await.unwrap();
            let release = hold(&store).await;
            let before = store.try_write(|conn| spend(conn, "before")).unwrap();
            let grouped = store.try_write(careless).unwrap();
            let after = store.try_write(|conn| spend(conn, "after")).unwrap();
            drop(release);
            assert!(before.wait().await.is_ok() && after.wait().await.is_ok());
            let grouped = grouped.wait().await;
            assert_eq!(count(&store).await, 2 + i64::from(grouped.is_ok()));
        });
    }

    a_query_that_panics_costs_no_reader(database) {
        with_store(database, |store| async move {
            for _ in 0..8 {
                let panicked = store.read::<(), _>(|_| panic!("a bug in a query")).await;
                assert!(matches!(panicked, Err(StoreError::Panicked)));
            }
            assert_eq!(count(&store).await, 0);
        });
    }

    a_reader_refuses_to_write(database) {
        with_store(database, |store| async move {
            assert!(store.read(|conn| spend(conn, "x")).await.is_err());
            assert_eq!(count(&store).await, 0);
        });
    }

    what_was_taken_is_written_before_the_store_closes(database) {
        System::new().block_on(async {
            let store = Store::start(&database.url(), 1).unwrap();
            let release = hold(&store).await;
            let taken = store.try_write(|conn| spend(conn, "x")).unwrap();
            drop(release);
            store.close().await;
            assert_eq!(taken.wait().await.unwrap(), 1);
            assert!(matches!(store.write(|conn| spend(conn, "y")).await, Err(StoreError::Closed)));
            assert!(matches!(store.read(|_| Ok(())).await, Err(StoreError::Closed)));
        });
    }
}

#[test]
fn the_writer_and_the_readers_come_back_after_postgres_cut_their_connections() {
    let Some(database) = TestDatabase::postgres() else { return };
    let database = database.migrated();
    with_store(&database, |store| {
        let mut other = database.conn();
        async move {
            store.write(|conn| spend(conn, "before")).await.unwrap();
            assert_eq!(count(&store).await, 1);
            other
                .batch_execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()",
                )
                .unwrap();
            store.write(|conn| spend(conn, "after")).await.unwrap();
            assert_eq!(count(&store).await, 2);
        }
    });
}

#[test]
fn another_process_that_writes_the_same_sqlite_file_is_waited_for() {
    let database = TestDatabase::sqlite().migrated();
    with_store(&database, |store| {
        let mut other = database.conn();
        async move {
            other.batch_execute("BEGIN IMMEDIATE; DELETE FROM rate_budgets").unwrap();
            let written = store.try_write(|conn| spend(conn, "x")).unwrap();
            let other = tokio::task::spawn_blocking(move || {
                other.batch_execute("COMMIT").unwrap();
            });
            assert_eq!(written.wait().await.unwrap(), 1);
            other.await.unwrap();
        }
    });
}
