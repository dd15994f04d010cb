//! Under which Zoom host a booking runs: its own, one of the pool, or none yet. Always under [`seat::lock`], so
//! that looking and taking are one.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Duration, NaiveTime, Utc};

use super::BookingError;
use crate::domain::schedule::Span;
use crate::domain::seats::{self, Host, Plan};
use crate::store::appointment::AppointmentRow;
use crate::store::person::{self, PersonRow};
use crate::store::seat::{self, SeatRow, TakenSeat};
use crate::store::seat_line::{self, WaitingRow};
use crate::store::{Conn, StoreError, UtcMillis, host_key, story};

/// How many free times are proposed.
const PROPOSALS: usize = 3;
/// How far ahead free times are looked for.
const PROPOSAL_DAYS: i64 = 14;

/// What hosts there are and how they are shared.
#[derive(Debug, Clone)]
pub struct HostPolicy {
    /// Free time a host gets around each booking.
    pub padding: Duration,
    /// The account's plan: with the licence it decides how many meetings a host may run at once.
    pub plan: Plan,
    /// The shared hosts: addresses in lower case, or Zoom's ids.
    pub pool: Arc<[String]>,
}

/// What a booking had before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Before {
    /// It is new: neither a seat nor a place in line.
    Nothing,
    /// What is stored.
    Stored,
    /// A seat that was taken from it for the while of a larger change.
    Lifted(SeatRow),
}

/// What came of a booking's wish for a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seating {
    /// There is none: it waits in line.
    pub(super) waits: bool,
    /// The time of a seat that it gave up for this.
    pub(super) freed: Option<Span>,
}

/// Takes a seat for a booking, in place of the one it had; a booking without a host of its own, or that may be
/// given another, goes into the line when there is none.
///
/// # Errors
/// [`BookingError::HostTaken`] when its own host is taken and the booking does not say what to do about it, or when
/// it would lose the seat it has.
pub(super) fn seat_booking(
    conn: &mut Conn,
    booking: &AppointmentRow,
    host: Option<&PersonRow>,
    before: Before,
    policy: &HostPolicy,
    now: UtcMillis,
) -> Result<Seating, BookingError> {
    seat::lock(conn)?;
    let own = match host {
        Some(host) => host_key::of_person(conn, host)?,
        None => None,
    };
    let is_new = before == Before::Nothing;
    let had = match before {
        Before::Nothing => None,
        Before::Lifted(had) => Some(had),
        Before::Stored => seat::of_appointment(conn, &booking.id)?,
    };
    let wish = Wish { booking, own, host, had, is_new };
    let key = match &wish.own {
        Some(own) if booking.on_conflict == "allow" => Some(own.clone()),
        Some(own) => own_or_other(conn, &wish, own, policy)?,
        None => one_of_pool(conn, &wish, policy)?,
    };
    let freed = wish.had.as_ref().filter(|had| {
        key.as_ref() != Some(&had.zoom_user_id)
            || (had.from_at, had.until_at) != (booking.start_at, booking.end_at)
    });
    let seating = Seating { waits: key.is_none(), freed: freed.map(seat_span) };
    match key {
        Some(key) => wish.take(conn, key, now)?,
        None => wish.wait(conn, now)?,
    }
    Ok(seating)
}

/// A booking that needs a host, with what it has so far.
struct Wish<'a> {
    booking: &'a AppointmentRow,
    /// The key of its own host.
    own: Option<String>,
    host: Option<&'a PersonRow>,
    had: Option<SeatRow>,
    is_new: bool,
}

impl Wish<'_> {
    fn span(&self) -> Span {
        Span { from: self.booking.start_at.into(), until: self.booking.end_at.into() }
    }

    fn reassigns(&self) -> bool {
        self.booking.on_conflict == "reassign"
    }

    fn take(&self, conn: &mut Conn, key: String, now: UtcMillis) -> Result<(), StoreError> {
        let anew = self.had.as_ref().is_none_or(|had| had.zoom_user_id != key);
        let others = self.own.as_ref().is_some_and(|own| *own != key);
        let since = self.had.as_ref().map_or(now, |had| had.created_at);
        seat::take(conn, &row(self.booking, key, since))?;
        let waited = !self.is_new && seat_line::leave(conn, &self.booking.id)?;
        if others && anew {
            let text = "the host is taken at that time: a shared host takes the meeting";
            story::tell(conn, &self.booking.id, now.into(), "seat.reassigned", text, None)?;
        } else if waited {
            story::tell(conn, &self.booking.id, now.into(), "seat.given", SEAT_GIVEN, None)?;
        }
        Ok(())
    }

    fn wait(&self, conn: &mut Conn, now: UtcMillis) -> Result<(), StoreError> {
        seat::free(conn, &self.booking.id)?;
        wait_in_line(conn, self.booking, self.own.clone(), now, now)
    }
}

/// What the story says of a booking that gets a seat after waiting.
pub(super) const SEAT_GIVEN: &str = "a host is free: the booking has waited long enough";

/// Puts a booking into the line, behind all who wait since before `since`.
pub(super) fn wait_in_line(
    conn: &mut Conn,
    booking: &AppointmentRow,
    own_key: Option<String>,
    since: UtcMillis,
    now: UtcMillis,
) -> Result<(), StoreError> {
    let waited = seat_line::waits(conn, &booking.id)?;
    let row = WaitingRow {
        appointment_id: booking.id.clone(),
        own_key,
        from_at: booking.start_at,
        until_at: booking.end_at,
        since,
    };
    seat_line::wait(conn, &row)?;
    if !waited {
        let text = "no host is free at that time: the booking waits in line";
        story::tell(conn, &booking.id, now.into(), "seat.waiting", text, None)?;
    }
    Ok(())
}

fn own_or_other(
    conn: &mut Conn,
    wish: &Wish<'_>,
    own: &str,
    policy: &HostPolicy,
) -> Result<Option<String>, BookingError> {
    let span = wish.span();
    let key = [own.to_owned()];
    let found = own_hosts(conn, &key, span, &wish.booking.id, policy)?;
    if found.hosts.iter().any(|host| host.fits(span, policy.padding)) {
        return Ok(Some(own.to_owned()));
    }
    // With nobody to turn to, waiting would be for the host alone, who has something better to do.
    if wish.reassigns() && !policy.pool.is_empty() {
        return Ok(free_of_pool(conn, wish, policy)?);
    }
    let name = wish.host.map_or_else(|| own.to_owned(), |host| host.name.clone());
    Err(taken(conn, wish, &key, name, policy)?)
}

fn one_of_pool(
    conn: &mut Conn,
    wish: &Wish<'_>,
    policy: &HostPolicy,
) -> Result<Option<String>, BookingError> {
    let free = free_of_pool(conn, wish, policy)?;
    // Who has a seat is told that there is none at the new time, rather than losing the one they have.
    if free.is_none() && wish.had.is_some() && !wish.reassigns() {
        let keys = host_key::canonicals(conn, &policy.pool)?;
        return Err(taken(conn, wish, &keys, "every shared host".to_owned(), policy)?);
    }
    Ok(free)
}

/// A shared host in whose time the booking fits: the one it has, if it can stay there.
fn free_of_pool(conn: &mut Conn, wish: &Wish<'_>, policy: &HostPolicy) -> Result<Option<String>, StoreError> {
    let keys = host_key::canonicals(conn, &policy.pool)?;
    let span = wish.span();
    let found = hosts(conn, &keys, span, &wish.booking.id, policy)?;
    let stays = wish.had.as_ref().and_then(|had| {
        found.hosts.iter().find(|host| host.key == had.zoom_user_id && host.fits(span, policy.padding))
    });
    let chosen = match stays {
        Some(host) => Some(host),
        None => seats::choose(&found.hosts, span, policy.padding).and_then(|index| found.hosts.get(index)),
    };
    Ok(chosen.map(|host| host.key.clone()))
}

/// What stands in the way, and when one of the hosts is free next.
fn taken(
    conn: &mut Conn,
    wish: &Wish<'_>,
    keys: &[String],
    host: String,
    policy: &HostPolicy,
) -> Result<BookingError, StoreError> {
    let span = wish.span();
    let horizon = span.until + Duration::days(PROPOSAL_DAYS);
    let ahead = Span { from: span.from, until: horizon };
    let found = own_hosts(conn, keys, ahead, &wish.booking.id, policy)?;
    let mut clashes: Vec<TakenSeat> = Vec::new();
    let mut next_free: Vec<DateTime<Utc>> = Vec::new();
    for host in &found.hosts {
        let theirs: Vec<&TakenSeat> =
            found.seats.iter().filter(|seat| seat.zoom_user_id == host.key).collect();
        let blocking = host.in_the_way(span, policy.padding);
        clashes.extend(blocking.into_iter().filter_map(|index| theirs.get(index).copied().cloned()));
        let full = host.full(policy.padding);
        next_free.extend(seats::next_free(span, &full, policy.padding, horizon, PROPOSALS));
    }
    clashes.sort_by_key(|seat| seat.from_at);
    next_free.sort_unstable();
    next_free.dedup();
    next_free.truncate(PROPOSALS);
    let next_free = next_free.into_iter().map(Into::into).collect();
    Ok(BookingError::HostTaken { host, clashes, next_free })
}

/// Hosts, and the seats they were made of.
pub(super) struct Found {
    pub(super) hosts: Vec<Host>,
    pub(super) seats: Vec<TakenSeat>,
}

/// These hosts with what they have around `span`, but for the booking `except`.
pub(super) fn hosts(
    conn: &mut Conn,
    keys: &[String],
    span: Span,
    except: &str,
    policy: &HostPolicy,
) -> Result<Found, StoreError> {
    let around = span.padded(policy.padding);
    let taken = seat::taken(conn, keys, around, except)?;
    let facts = host_key::facts(conn, keys)?;
    let loads: BTreeMap<String, i64> = match keys {
        // There is nobody to choose from.
        [_] => BTreeMap::new(),
        _ => seat::loads(conn, keys, day_of(span))?.into_iter().collect(),
    };
    let mut hosts: Vec<Host> = keys
        .iter()
        .map(|key| Host {
            key: key.clone(),
            capacity: seats::capacity(policy.plan, facts.get(key).copied()),
            busy: Vec::new(),
            load: loads.get(key).and_then(|load| usize::try_from(*load).ok()).unwrap_or_default(),
        })
        .collect();
    let places: BTreeMap<&str, usize> =
        keys.iter().enumerate().map(|(index, key)| (key.as_str(), index)).collect();
    for seat in &taken.seats {
        let place = places.get(seat.zoom_user_id.as_str());
        if let Some(host) = place.and_then(|place| hosts.get_mut(*place)) {
            host.busy.push(seat.span());
        }
    }
    if let Some(read_until) = taken.read_until {
        // What was not read counts as taken.
        let unread = Span { from: read_until.into(), until: around.until };
        for host in &mut hosts {
            host.busy.extend(std::iter::repeat_n(unread, host.capacity));
        }
    }
    Ok(Found { hosts, seats: taken.seats })
}

/// Hosts whom bookings name. One who is deactivated at Zoom is given a meeting all the same: what Zoom says to it is
/// seen there, and a booking is not refused for it.
pub(super) fn own_hosts(
    conn: &mut Conn,
    keys: &[String],
    span: Span,
    except: &str,
    policy: &HostPolicy,
) -> Result<Found, StoreError> {
    let mut found = hosts(conn, keys, span, except, policy)?;
    for host in &mut found.hosts {
        host.capacity = host.capacity.max(1);
    }
    Ok(found)
}

/// The UTC day in which a booking starts: Zoom counts a host's calls by it.
fn day_of(span: Span) -> Span {
    let from = span.from.date_naive().and_time(NaiveTime::MIN).and_utc();
    Span { from, until: from + Duration::days(1) }
}

/// The seat of a booking at a host; `since` counts for a booking that has none yet.
pub(super) fn row(booking: &AppointmentRow, key: String, since: UtcMillis) -> SeatRow {
    SeatRow {
        id: booking.id.clone(),
        zoom_user_id: key,
        appointment_id: booking.id.clone(),
        from_at: booking.start_at,
        until_at: booking.end_at,
        created_at: since,
    }
}

/// The time of a seat.
pub(super) fn seat_span(seat: &SeatRow) -> Span {
    Span { from: seat.from_at.into(), until: seat.until_at.into() }
}

/// The host that a booking names, who must be there and active.
///
/// # Errors
/// [`BookingError::Unfit`] when they are not.
pub fn named(conn: &mut Conn, host: &str) -> Result<PersonRow, BookingError> {
    match person::by_ref(conn, host)? {
        Some(person) if person.active => Ok(person),
        Some(_) => Err(BookingError::unfit("host", "is deactivated")),
        None => Err(BookingError::unfit("host", format!("there is no person `{host}`"))),
    }
}
