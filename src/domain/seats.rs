//! Seats: how many meetings a Zoom user may run at once, when one more fits, who of a pool takes a booking, and
//! who of a waiting line gets a seat that became free.
//!
//! A booking occupies its host from its start until the pause after its end is over; so two bookings that are
//! nearer to each other than the pause share an instant. A host is *full* at an instant at which as many bookings
//! occupy them as they may run, and a booking fits when it occupies no full instant. Counting the bookings that
//! overlap it would be wrong: two that follow each other need one seat, not two.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Duration, Utc};

use super::schedule::{Span, earlier_on_grid, on_grid};

/// The plan of the Zoom account, as far as it decides how many meetings a user may run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Free: everybody is Basic.
    Free,
    /// Pro.
    Pro,
    /// Business, Education or Enterprise.
    Business,
}

/// What Zoom says of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserFacts {
    /// They have a licence (Users API, `type` 2).
    pub licensed: bool,
    /// They may sign in (Users API, `status` is not `inactive`).
    pub active: bool,
}

/// How many meetings a Zoom user may run at once (Zoom KB0068522): Licensed on Business and above two, everybody
/// else one. Of a user whom Zoom was not asked for nothing more is assumed; a deactivated one runs none.
#[must_use]
pub fn capacity(plan: Plan, user: Option<UserFacts>) -> usize {
    match user {
        Some(UserFacts { active: false, .. }) => 0,
        Some(UserFacts { licensed: true, .. }) if plan == Plan::Business => 2,
        _ => 1,
    }
}

/// A Zoom user with the bookings they have, as far as these matter for the decision at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The key of the Zoom user.
    pub key: String,
    /// How many bookings they may run at once.
    pub capacity: usize,
    /// The bookings they have.
    pub busy: Vec<Span>,
    /// How many bookings they have on the day: who has fewest comes first.
    pub load: usize,
}

impl Host {
    /// Whether one more booking fits.
    #[must_use]
    pub fn fits(&self, span: Span, padding: Duration) -> bool {
        let occupied = occupied(span, padding);
        let near = self.busy.iter().filter(|taken| taken.clashes(span, padding));
        !full(near, padding, self.capacity).iter().any(|full| overlap(*full, occupied))
    }

    /// Those of their bookings that stand in the way of `span`: each occupies an instant of it that is full.
    #[must_use]
    pub fn in_the_way(&self, span: Span, padding: Duration) -> Vec<usize> {
        let wanted = occupied(span, padding);
        let near = self.busy.iter().filter(|taken| taken.clashes(span, padding));
        let full: Vec<Span> = full(near, padding, self.capacity)
            .into_iter()
            .map(|full| Span { from: full.from.max(wanted.from), until: full.until.min(wanted.until) })
            .filter(|full| full.from < full.until)
            .collect();
        let blocks = |taken: &Span| full.iter().any(|full| overlap(*full, occupied(*taken, padding)));
        let indices = self.busy.iter().enumerate();
        indices.filter(|(_, taken)| blocks(taken)).map(|(index, _)| index).collect()
    }

    /// When they are full, in order; these spans neither overlap nor touch.
    #[must_use]
    pub fn full(&self, padding: Duration) -> Vec<Span> {
        full(self.busy.iter(), padding, self.capacity)
    }
}

/// The time in which a booking occupies its host.
fn occupied(span: Span, padding: Duration) -> Span {
    Span { from: span.from, until: span.until + padding }
}

fn overlap(a: Span, b: Span) -> bool {
    a.from < b.until && b.from < a.until
}

/// The sweep: walks through the begins and ends in order and keeps the times at which `capacity` or more run.
fn full<'a>(busy: impl Iterator<Item = &'a Span>, padding: Duration, capacity: usize) -> Vec<Span> {
    if capacity == 0 {
        return vec![Span { from: DateTime::<Utc>::MIN_UTC, until: DateTime::<Utc>::MAX_UTC }];
    }
    // At one instant the ends come before the begins: a booking does not occupy the instant of its end.
    let mut turns: Vec<(DateTime<Utc>, bool)> = busy
        .map(|span| occupied(*span, padding))
        .filter(|span| span.from < span.until)
        .flat_map(|span| [(span.from, true), (span.until, false)])
        .collect();
    turns.sort_unstable();
    let mut full: Vec<Span> = Vec::new();
    let (mut running, mut since) = (0_usize, None);
    for (at, begins) in turns {
        running = if begins { running + 1 } else { running.saturating_sub(1) };
        match since {
            None if running >= capacity => since = Some(at),
            Some(from) if running < capacity => {
                since = None;
                match full.last_mut() {
                    Some(last) if last.until == from => last.until = at,
                    _ => full.push(Span { from, until: at }),
                }
            }
            _ => {}
        }
    }
    full
}

/// The next `count` starts from `wanted` on and before `until`, one after the other, at which as long a booking
/// occupies none of the `full` times. `full` is in order.
#[must_use]
pub fn next_free(
    wanted: Span,
    full: &[Span],
    padding: Duration,
    until: DateTime<Utc>,
    count: usize,
) -> Vec<DateTime<Utc>> {
    let length = wanted.until - wanted.from + padding;
    let mut ahead = full.iter().peekable();
    let mut free = Vec::with_capacity(count);
    let mut start = on_grid(wanted.from);
    while free.len() < count && start < until {
        while ahead.next_if(|full| full.until <= start).is_some() {}
        match ahead.peek() {
            Some(full) if full.from < start + length => start = on_grid(full.until.min(until)),
            _ => {
                free.push(start);
                start = on_grid(start + length.max(Duration::minutes(1)));
            }
        }
    }
    free
}

/// Starts at which a booking fits: every one from the first to the last of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeStarts {
    /// The first.
    pub first: DateTime<Utc>,
    /// The last; may be the first.
    pub last: DateTime<Utc>,
}

/// Where bookings of this length fit between `within.from` and `within.until`, on the grid; `full` is in order.
#[must_use]
pub fn free_starts(within: Span, length: Duration, full: &[Span], padding: Duration) -> Vec<FreeStarts> {
    let mut gaps = Vec::new();
    let mut from = within.from;
    // The pause after the last booking may reach beyond what was asked for.
    let end = Span { from: within.until + padding, until: within.until + padding };
    for full in full.iter().chain([&end]) {
        let last = full.from.clamp(within.from, end.from) - padding - length;
        if last >= from {
            let (first, last) = (on_grid(from), earlier_on_grid(last));
            gaps.extend((first <= last).then_some(FreeStarts { first, last }));
        }
        from = from.max(full.until);
        if from >= within.until {
            break;
        }
    }
    gaps
}

/// Who of the pool takes a booking: of those in whose time it fits the one with the fewest bookings for their
/// capacity that day, so that nobody's daily calls at Zoom are used up by all; of equals the first.
#[must_use]
pub fn choose(pool: &[Host], span: Span, padding: Duration) -> Option<usize> {
    let free = pool.iter().enumerate().filter(|(_, host)| host.fits(span, padding));
    let fewest =
        free.min_by(|(_, a), (_, b)| (a.load * b.capacity.max(1)).cmp(&(b.load * a.capacity.max(1))));
    fewest.map(|(index, _)| index)
}

/// A booking that waits in line for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// When it is to take place.
    pub span: Span,
    /// The key of its own host, who comes before the pool.
    pub own: Option<String>,
}

/// A seat for one of those who wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose: the place in the line.
    pub waiting: usize,
    /// The key of the host.
    pub host: String,
}

/// Gives the free seats to those who wait, in the order of the line: first come, first served. Who does not fit
/// anywhere stays in line, and a later one who fits where they do not goes before them.
///
/// `own` are the hosts that somebody in line names, `pool` those that all may have; a host who is in both is to be
/// in `pool` only.
#[must_use]
pub fn serve(line: &[Waiting], mut own: Vec<Host>, mut pool: Vec<Host>, padding: Duration) -> Vec<Grant> {
    let mut grants = Vec::new();
    for (index, waiting) in line.iter().enumerate() {
        let named = own
            .iter_mut()
            .chain(pool.iter_mut())
            .find(|host| waiting.own.as_deref() == Some(&host.key) && host.fits(waiting.span, padding));
        let host = match named {
            Some(host) => Some(host),
            None => choose(&pool, waiting.span, padding).and_then(|chosen| pool.get_mut(chosen)),
        };
        if let Some(host) = host {
            host.busy.push(waiting.span);
            host.load += 1;
            grants.push(Grant { waiting: index, host: host.key.clone() });
        }
    }
    grants
}

/// Which of the bookings that a host has are too many for them; `seated` is in the order in which they came, and
/// who came first stays.
#[must_use]
pub fn too_many(seated: &[Span], capacity: usize) -> Vec<usize> {
    let mut host = Host { key: String::new(), capacity, busy: Vec::new(), load: 0 };
    let mut over = Vec::new();
    for (index, span) in seated.iter().enumerate() {
        // Pauses are a comfort: only what really runs at once is too many.
        if host.fits(*span, Duration::zero()) {
            host.busy.push(*span);
        } else {
            over.push(index);
        }
    }
    over
}
