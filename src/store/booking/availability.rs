//! When hosts are free.

use chrono::{DateTime, Duration, Utc};

use super::host::{self, HostPolicy};
use super::overbooked;
use crate::domain::schedule::Span;
use crate::domain::seats::{FreeStarts, free_starts, next_free};
use crate::store::{Conn, StoreError, UtcMillis, seat_line};

/// What is asked of hosts.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// Within which time a booking is to begin and end.
    pub within: Span,
    /// How long it is.
    pub length: Duration,
    /// How many starts, one after the other, are wanted.
    pub starts: usize,
    /// The present: who is booked twice now or later is counted.
    pub now: UtcMillis,
}

/// When a host is free.
#[derive(Debug, Clone)]
pub struct HostTimes {
    /// The key of their Zoom user.
    pub key: String,
    /// How many meetings they may run at once.
    pub capacity: usize,
    /// How many bookings they have in the time.
    pub bookings: usize,
    /// How many of them are more than they may run at once.
    pub overbooked: usize,
    /// How many bookings wait for them before they take another host.
    pub waiting: i64,
    /// Where bookings of that length may start.
    pub free: Vec<FreeStarts>,
    /// The first starts, one booking after the other.
    pub starts: Vec<DateTime<Utc>>,
}

/// When this host is free; `named` says that bookings name them, rather than take them from the pool.
///
/// # Errors
/// [`StoreError`].
pub fn of_host(
    conn: &mut Conn,
    key: &str,
    named: bool,
    question: &Question,
    policy: &HostPolicy,
) -> Result<Option<HostTimes>, StoreError> {
    let Question { within, length, starts, now } = *question;
    let keys = [key.to_owned()];
    let found = match named {
        true => host::own_hosts(conn, &keys, within, "", policy)?,
        false => host::hosts(conn, &keys, within, "", policy)?,
    };
    let Some(host) = found.hosts.into_iter().next() else { return Ok(None) };
    let full = host.full(policy.padding);
    let wanted = Span { from: within.from, until: within.from + length };
    // The last start is the one that ends with the time asked for.
    let until = within.until - length + Duration::milliseconds(1);
    let over = overbooked::too_many_of(conn, key, policy, now)?;
    let over = over.iter().map(host::seat_span).filter(|span| span.clashes(within, Duration::zero()));
    let inside = found.seats.iter().filter(|seat| seat.span().clashes(within, Duration::zero()));
    Ok(Some(HostTimes {
        key: key.to_owned(),
        capacity: host.capacity,
        bookings: inside.count(),
        overbooked: over.count(),
        waiting: seat_line::count(conn, within, Some(key))?,
        free: free_starts(within, length, &full, policy.padding),
        starts: next_free(wanted, &full, policy.padding, until, starts),
    }))
}
