//! The inbox on both databases: every event once, each answered after it is stored, one bad one alone refused.

use std::sync::{Arc, Mutex};

use actix::System;
use chrono::{DateTime, Utc};
use convened::actors::inbox::{EventSink, Inbox};
use convened::actors::store::Store;
use convened::domain::shard::ShardSet;
use convened::store::StoreError;
use convened::store::inbox::{self, Heading, InboxEvent, NewEvent, Receipt};
use futures::future::join_all;

use crate::support::database::{TestDatabase, on_each_database};

/// Remembers what it was told.
#[derive(Default)]
struct Told(Mutex<Vec<InboxEvent>>);

impl EventSink for Told {
    fn stored(&self, events: Vec<InboxEvent>) {
        self.0.lock().unwrap().extend(events);
    }
}

fn with_inbox<F: Future<Output = ()>>(
    database: &TestDatabase,
    test: impl FnOnce(Store, Inbox, Arc<Told>) -> F,
) {
    System::new().block_on(async {
        let store = Store::start(&database.url(), 1).unwrap();
        let told = Arc::new(Told::default());
        test(store.clone(), Inbox::new(&store, told.clone()), told).await;
        store.close().await;
    });
}

fn event(n: usize) -> NewEvent {
    named(n, "meeting.started")
}

fn named(n: usize, name: &str) -> NewEvent {
    let heading = Heading {
        event: name.to_owned(),
        event_ts: Some(1_700_000_000_000),
        zoom_meeting_id: Some("85392858403".to_owned()),
        instance_uuid: Some("/a+b==".to_owned()),
    };
    NewEvent::new(format!("body {n}").into_bytes(), Ok(heading), DateTime::<Utc>::UNIX_EPOCH, 250)
}

async fn pending(store: &Store) -> Vec<InboxEvent> {
    store.read(|conn| inbox::pending(conn, ShardSet::ALL, 0, 10_000)).await.unwrap()
}

on_each_database! {
    events_that_come_at_once_and_twice_are_stored_once(database) {
        with_inbox(database, |store, inbox, told| async move {
            // 400 requests for 100 bodies, all in flight together.
            let receipts = join_all((0..400).map(|n| inbox.store(event(n % 100)))).await;
            let stored: Vec<_> =
                receipts.iter().filter(|receipt| matches!(receipt, Ok(Receipt::Stored(_)))).collect();
            let duplicates = receipts.iter().filter(|receipt| matches!(receipt, Ok(Receipt::Duplicate))).count();
            assert_eq!((stored.len(), duplicates), (100, 300));

            // And again later, when Zoom has lost our answer.
            assert_eq!(inbox.store(event(7)).await.unwrap(), Receipt::Duplicate);
            let mut told = told.0.lock().unwrap().clone();
            told.sort_by_key(|event| event.id);
            assert_eq!(pending(&store).await, told);
            assert_eq!(told.len(), 100);
        });
    }

    one_event_that_cannot_be_stored_is_refused_alone(database) {
        with_inbox(database, |store, inbox, _| async move {
            // A NUL is what PostgreSQL refuses and the front never lets through; SQLite takes it.
            let bad = named(5, "meeting\0started");
            let receipts = join_all((0..10).map(|n| inbox.store(if n == 5 { bad.clone() } else { event(n) }))).await;
            for (n, receipt) in receipts.into_iter().enumerate() {
                assert!(n == 5 || matches!(receipt, Ok(Receipt::Stored(_))), "{n}: {receipt:?}");
            }
            assert!(pending(&store).await.len() >= 9);
        });
    }

    what_is_not_understood_is_kept_as_a_dead_letter_and_told_to_nobody(database) {
        with_inbox(database, |store, inbox, told| async move {
            let at = DateTime::<Utc>::UNIX_EPOCH;
            let body = b"\xff not \0 JSON".to_vec();
            let odd = NewEvent::new(body, Err("it is no event".to_owned()), at, 0);
            let Receipt::Stored(id) = inbox.store(odd.clone()).await.unwrap() else { panic!("it is new") };
            assert_eq!(inbox.store(odd).await.unwrap(), Receipt::Duplicate);
            assert!(told.0.lock().unwrap().is_empty());
            assert!(pending(&store).await.is_empty());

            let letters = store.read(|conn| inbox::dead_letters(conn, None, 10)).await.unwrap();
            assert_eq!(letters.len(), 1);
            assert_eq!((letters[0].id, letters[0].last_error.as_deref()), (id, Some("it is no event")));

            let replayed = store.write(move |conn| inbox::replay(conn, id)).await.unwrap();
            assert_eq!(pending(&store).await, [replayed]);
            let again = store.write(move |conn| inbox::replay(conn, id)).await;
            assert!(matches!(again, Err(StoreError::NotFound)));
        });
    }

    events_before_their_meeting_wait_for_its_number(database) {
        with_inbox(database, |store, inbox, _| async move {
            join_all((0..3).map(|n| inbox.store(event(n)))).await;
            let ids: Vec<i64> = pending(&store).await.iter().map(|event| event.id).collect();
            store
                .write(move |conn| {
                    inbox::mark_unowned(conn, &ids[..2])?;
                    inbox::mark_done(conn, &ids[2..])
                })
                .await
                .unwrap();
            assert!(pending(&store).await.is_empty());

            let others = store.write(|conn| inbox::release_unowned(conn, "1")).await.unwrap();
            assert_eq!(others, 0);
            let claimed = store.write(|conn| inbox::claim_unowned(conn, "85392858403")).await.unwrap();
            assert_eq!(claimed.len(), 2);
            assert_eq!(pending(&store).await, claimed);
        });
    }

    an_event_that_keeps_failing_is_counted_and_buried(database) {
        with_inbox(database, |store, inbox, _| async move {
            let Receipt::Stored(id) = inbox.store(event(1)).await.unwrap() else { panic!("it is new") };
            let attempts = store
                .write(move |conn| {
                    inbox::mark_failed(conn, id, "no luck")?;
                    inbox::mark_failed(conn, id, "no luck\0")
                })
                .await
                .unwrap();
            assert_eq!(attempts, 2);
            assert_eq!(pending(&store).await.len(), 1);
            store.write(move |conn| inbox::mark_dead(conn, id, "given up")).await.unwrap();
            assert!(pending(&store).await.is_empty());
        });
    }

    only_old_and_settled_events_are_removed(database) {
        with_inbox(database, |store, inbox, _| async move {
            join_all((0..10).map(|n| inbox.store(event(n)))).await;
            let done: Vec<i64> = pending(&store).await.iter().map(|event| event.id).take(6).collect();
            store.write(move |conn| inbox::mark_ignored(conn, &done)).await.unwrap();
            let epoch = DateTime::<Utc>::UNIX_EPOCH;
            let later = epoch + chrono::Duration::milliseconds(1);
            assert_eq!(store.write(move |conn| inbox::remove_settled(conn, epoch, 100)).await.unwrap(), 0);
            assert_eq!(store.write(move |conn| inbox::remove_settled(conn, later, 4)).await.unwrap(), 4);
            assert_eq!(store.write(move |conn| inbox::remove_settled(conn, later, 100)).await.unwrap(), 2);
            assert_eq!(pending(&store).await.len(), 4);
        });
    }
}
