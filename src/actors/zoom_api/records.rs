//! What the door to Zoom keeps in the database: the day's allowances, and whether the credentials are good.

use std::sync::atomic::{AtomicI32, Ordering};

use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use futures::future::{BoxFuture, FutureExt as _};
use serde_json::json;

use crate::actors::store::Store;
use crate::store::{Conn, Sealer, StoreError, UtcMillis, outbox, rate_budget, zoom_connection};
use crate::zoom::limits::{Purse, Reservation, Spent};

/// The memory of the door; the database, or a test's stand-in.
pub trait Records: Send + Sync {
    /// Adds a reservation to its day and gives the sum of all of them.
    fn reserve(&self, reservation: Reservation) -> BoxFuture<'static, Result<u32, StoreError>>;

    /// Notes that Zoom says an allowance is used up.
    fn spend(&self, spent: Spent) -> BoxFuture<'static, Result<(), StoreError>>;

    /// Notes whether Zoom takes the credentials, or why not, and gives since when. What follows from a loss (the
    /// event that tells others) is written with it.
    fn connection(
        &self,
        lost: Option<&'static str>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'static, Result<DateTime<Utc>, StoreError>>;
}

/// The rows.
pub struct StoreRecords {
    store: Store,
    sealer: Sealer,
    /// The day, counted from year 1, whose predecessors have been forgotten.
    forgotten_to: AtomicI32,
}

impl std::fmt::Debug for StoreRecords {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("StoreRecords")
    }
}

impl StoreRecords {
    /// Rows in `store`; registrants are named in them by a keyed hash of `sealer`'s.
    #[must_use]
    pub fn new(store: Store, sealer: Sealer) -> Self {
        Self { store, sealer, forgotten_to: AtomicI32::new(i32::MIN) }
    }

    fn name(&self, purse: &Purse) -> (&'static str, String) {
        match purse {
            Purse::Pool(pool) => ("pool", pool.as_str().to_owned()),
            Purse::Host(host) => ("host", host.clone()),
            Purse::Registrant(email) => {
                ("registrant", self.sealer.fingerprint("rate_budgets.registrant", email.as_bytes()))
            }
        }
    }

    /// The day before which rows are forgotten, once a day. Yesterday's stay: another process's clock may still
    /// be there.
    fn forget_before(&self, day: NaiveDate) -> Option<NaiveDate> {
        let number = day.num_days_from_ce();
        let is_news = self.forgotten_to.fetch_max(number, Ordering::SeqCst) < number;
        is_news.then(|| day.checked_sub_days(Days::new(1))).flatten()
    }
}

impl Records for StoreRecords {
    fn reserve(&self, reservation: Reservation) -> BoxFuture<'static, Result<u32, StoreError>> {
        let (scope, key) = self.name(&reservation.purse);
        let forget_before = self.forget_before(reservation.day);
        let store = self.store.clone();
        async move {
            let sum = store
                .write(move |conn| {
                    if let Some(day) = forget_before {
                        rate_budget::forget_before(conn, day)?;
                    }
                    rate_budget::reserve(conn, scope, &key, reservation.day, i64::from(reservation.permits))
                })
                .await?;
            Ok(u32::try_from(sum).unwrap_or(u32::MAX))
        }
        .boxed()
    }

    fn spend(&self, spent: Spent) -> BoxFuture<'static, Result<(), StoreError>> {
        let (scope, key) = self.name(&spent.purse);
        let store = self.store.clone();
        async move {
            store
                .write(move |conn| rate_budget::raise(conn, scope, &key, spent.day, i64::from(spent.used)))
                .await
        }
        .boxed()
    }

    fn connection(
        &self,
        lost: Option<&'static str>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'static, Result<DateTime<Utc>, StoreError>> {
        let store = self.store.clone();
        let note = move |conn: &mut Conn| {
            let (since, is_news) = zoom_connection::note(conn, lost, now)?;
            if let (Some(reason), true) = (lost, is_news) {
                let data = json!({ "since": since, "reason": reason });
                outbox::tell(conn, UtcMillis::from(now), outbox::Event::ConnectionLost, data)?;
            }
            Ok(since)
        };
        async move { store.write(note).await }.boxed()
    }
}
