//! Putting away what is old: batch after batch, with the store free for others in between.

use std::sync::Arc;

use chrono::Duration;
use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;

use crate::actors::due::LEASE;
use crate::actors::engine::Engine;
use crate::actors::store::Store;
use crate::clock::Instant;
use crate::config::Settings;
use crate::domain::calendar;
use crate::domain::retention::{Limits, Periods};
use crate::store::due::{self, ACCOUNT, DueKind};
use crate::store::retention::{Batch, Sweep};
use crate::store::{StoreError, UtcMillis};

/// The periods that the settings name.
#[must_use]
pub fn periods(settings: &Settings) -> Periods {
    // Longer than can be counted is for ever.
    let period = |span| Duration::from_std(span).unwrap_or(Duration::MAX);
    let kept = &settings.retention;
    Periods {
        participants: period(kept.participants),
        meetings: period(kept.meetings),
        attendance: period(kept.attendance),
        applied_webhooks: period(settings.webhook.retention),
        other_webhooks: period(kept.webhooks),
        audit: period(kept.audit),
    }
}

/// How many things of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[schema(as = CleanupCounts)]
pub struct Counts {
    /// Webhooks deleted.
    pub webhooks: usize,
    /// Answers that were kept for a repetition, deleted.
    pub kept_answers: usize,
    /// Bookings whose participants became nameless.
    pub participants: usize,
    /// Bookings put away with their meetings.
    pub meetings: usize,
    /// Bookings whose marks and rosters were deleted.
    pub attendance: usize,
    /// Lines of stories deleted.
    pub stories: usize,
}

impl Counts {
    /// Adds to what a sweep did.
    pub fn add(&mut self, sweep: Sweep, number: usize) {
        let count = match sweep {
            Sweep::Webhooks => &mut self.webhooks,
            Sweep::KeptAnswers => &mut self.kept_answers,
            Sweep::Participants => &mut self.participants,
            Sweep::Meetings => &mut self.meetings,
            Sweep::Attendance => &mut self.attendance,
            Sweep::Stories => &mut self.stories,
        };
        *count += number;
    }
}

/// How much would be put away at `now`; nothing is. Meetings whose participants have names yet are not counted as
/// meetings: they become nameless first.
///
/// # Errors
/// [`StoreError`].
pub async fn count(store: &Store, periods: &Periods, now: Instant) -> Result<Counts, StoreError> {
    let limits = periods.limits(now);
    let mut counts = Counts::default();
    for sweep in Sweep::ALL {
        let mut after = Some(String::new());
        while let Some(from) = after {
            let batch = find(store, sweep, limits, from).await?;
            counts.add(sweep, batch.len());
            // Kept answers have no place to go on from: they are counted up to one batch.
            after = batch.next().filter(|next| !next.is_empty()).map(str::to_owned);
        }
    }
    Ok(counts)
}

/// Puts away what is too old at `now`, and says how much it was.
///
/// # Errors
/// [`StoreError`]; what was put away by then stays so.
pub async fn clean(store: &Store, periods: &Periods, now: Instant) -> Result<Counts, StoreError> {
    let limits = periods.limits(now);
    let mut counts = Counts::default();
    for sweep in Sweep::ALL {
        let mut after = Some(String::new());
        while let Some(from) = after {
            let batch = find(store, sweep, limits, from).await?;
            after = batch.next().map(str::to_owned);
            if batch.is_empty() {
                continue;
            }
            let at = UtcMillis::from(now);
            let number = store.write(move |conn| sweep.put_away(conn, &batch, &limits, at)).await?;
            let count = u64::try_from(number).unwrap_or(u64::MAX);
            metrics::counter!("convened_put_away_total", "what" => sweep.as_str()).increment(count);
            counts.add(sweep, number);
        }
    }
    Ok(counts)
}

async fn find(store: &Store, sweep: Sweep, limits: Limits, after: String) -> Result<Batch, StoreError> {
    store.read(move |conn| sweep.find(conn, &limits, &after)).await
}

/// The work of one night. Should it take longer than a lease, another process may begin it too: each batch is done by
/// whoever comes first.
pub(super) async fn night(engine: Arc<Engine>, periods: Periods, zone: Tz) -> Result<(), StoreError> {
    let counts = clean(&engine.store, &periods, engine.clock.now()).await?;
    tracing::info!(?counts, "what is old was put away");
    let next = UtcMillis::from(calendar::next_night(engine.clock.now(), zone));
    engine.store.write(move |conn| due::set(conn, DueKind::Retention, ACCOUNT, next)).await
}

/// Sees to it that the night's work is due: one process does it, because it is due work.
pub(super) async fn ask_for_the_night(engine: Arc<Engine>, zone: Tz) -> Result<(), StoreError> {
    let now = engine.clock.now();
    // A night that was slept through is made up for soon, but not in the rush of the start.
    let next = calendar::next_night(now, zone).max(now + LEASE);
    engine
        .store
        .write(move |conn| match due::at(conn, DueKind::Retention, ACCOUNT)? {
            Some(_) => Ok(()),
            None => due::set(conn, DueKind::Retention, ACCOUNT, next.into()),
        })
        .await
}
