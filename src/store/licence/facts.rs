//! What a decision about licences rests on, read in a few queries.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use diesel::prelude::*;
use serde_json::Value;

use super::{Cause, LeaseRow, State, account};
use crate::domain::licence::{
    BASIC, BASIC_MINUTES_MAX, Facts, Found, LICENSED, Lease, LeaseState, Need, Policy, Reason, claims,
    demand_at, reason,
};
use crate::store::schema::{appointments, licence_leases, seats, zoom_meetings, zoom_users};
use crate::store::{Conn, Json, StoreError, UtcMillis, zoom_user};

/// Meetings looked at for one decision, the soonest first; the others have their turn before theirs begins.
const NEEDS_MAX: i64 = 20_000;

/// No meeting of a licensed host runs longer (Zoom: 30 hours); one whose end was never told is not live for ever.
const LIVE_HOURS_MAX: i64 = 30;

/// Something that was asked for by hand is wanted for this long, seen from now.
const ASKED_DAYS: i64 = 365;

/// Which meetings to look at.
#[derive(Debug, Clone, Copy)]
struct NeedQuery<'a> {
    /// Those that end after this …
    after: DateTime<Utc>,
    /// … and begin before this.
    before: DateTime<Utc>,
    /// The settings every meeting has unless its booking says otherwise, by Zoom's names.
    defaults: &'a BTreeMap<String, Value>,
}

/// Everything a decision about licences rests on. Leases whose user has no licence any more, whoever took it, are
/// ended on the way.
///
/// # Errors
/// [`StoreError`].
pub fn facts(
    conn: &mut Conn,
    policy: &Policy,
    defaults: &BTreeMap<String, Value>,
    look_gap: Duration,
    now: DateTime<Utc>,
) -> Result<Facts, StoreError> {
    end_lost(conn)?;
    let rows = super::all(conn)?;
    let around = policy.margin + policy.keep;
    let query = NeedQuery { after: now - around, before: now + policy.look_ahead + around, defaults };
    let mut needs = needs(conn, &query)?;
    needs.extend(asked(conn, &rows, now)?);
    let account = account(conn)?;
    let seats_found = account.seats_found.and_then(|seats| usize::try_from(seats).ok());
    let seats_found =
        seats_found.zip(account.seats_found_until).map(|(seats, until)| Found { seats, until: until.into() });
    Ok(Facts {
        needs,
        leases: rows.iter().filter_map(|row| lease(row, look_gap)).collect(),
        live: live(conn, now)?,
        refused: rows.iter().filter_map(refused).collect(),
        seats_found,
    })
}

fn lease(row: &LeaseRow, look_gap: Duration) -> Option<Lease> {
    let not_before = row.next_attempt_at.map(DateTime::<Utc>::from);
    // A request whose answer was lost is over after the gap; before that, looking would tell the past.
    let over = Some(DateTime::<Utc>::from(row.state_at) + look_gap);
    let (state, not_before) = match row.state {
        State::Waiting => return None,
        State::Granting => (LeaseState::Granting, not_before.max(over)),
        State::Held => (LeaseState::Held, not_before),
        State::Returning => (LeaseState::Returning, not_before.max(over)),
    };
    Some(Lease { user: row.zoom_user_id.clone(), state, not_before })
}

fn refused(row: &LeaseRow) -> Option<(String, DateTime<Utc>)> {
    let until = row.next_attempt_at.filter(|_| row.state == State::Waiting)?;
    Some((row.zoom_user_id.clone(), until.into()))
}

/// What was asked for by hand, for users who can have it: a user who is not active has none, whatever Zoom answers to
/// a grant, and would be given one again and again.
fn asked(conn: &mut Conn, rows: &[LeaseRow], now: DateTime<Utc>) -> Result<Vec<Need>, StoreError> {
    let rows: Vec<&LeaseRow> = rows.iter().filter(|row| row.reason == Cause::Asked).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let active: Vec<String> = zoom_users::table
        .filter(zoom_users::zoom_user_id.eq_any(rows.iter().map(|row| &row.zoom_user_id)))
        .filter(zoom_users::status.eq(zoom_user::ACTIVE))
        .select(zoom_users::zoom_user_id)
        .load(conn)?;
    let active: BTreeSet<String> = active.into_iter().collect();
    let need = |row: &LeaseRow| Need {
        user: row.zoom_user_id.clone(),
        appointment: None,
        reason: Reason::Asked,
        from: row.created_at.into(),
        until: now + Duration::days(ASKED_DAYS),
    };
    Ok(rows.into_iter().filter(|row| active.contains(&row.zoom_user_id)).map(need).collect())
}

/// Ends the leases of users whose licence somebody else took: an administrator, or Zoom with a deactivation.
fn end_lost(conn: &mut Conn) -> Result<(), StoreError> {
    let licensed = zoom_users::table
        .filter(zoom_users::type_.eq(LICENSED))
        .filter(zoom_users::status.eq(zoom_user::ACTIVE))
        .select(zoom_users::zoom_user_id);
    let lost = licence_leases::table
        .filter(licence_leases::state.eq(State::Held))
        .filter(licence_leases::reason.ne(Cause::Asked))
        .filter(licence_leases::zoom_user_id.ne_all(licensed));
    diesel::delete(lost).execute(conn)?;
    let lost_but_asked = licence_leases::table
        .filter(licence_leases::state.eq(State::Held))
        .filter(licence_leases::zoom_user_id.ne_all(licensed));
    diesel::update(lost_but_asked).set(licence_leases::state.eq(State::Waiting)).execute(conn)?;
    Ok(())
}

/// Users in a meeting of ours that runs.
fn live(conn: &mut Conn, now: DateTime<Utc>) -> Result<BTreeSet<String>, StoreError> {
    let since = UtcMillis::from(now - Duration::hours(LIVE_HOURS_MAX));
    let hosts: Vec<Option<String>> = zoom_meetings::table
        .filter(zoom_meetings::status.eq("started"))
        .filter(zoom_meetings::started_at.gt(since))
        .select(zoom_meetings::host_id)
        .load(conn)?;
    Ok(hosts.into_iter().flatten().collect())
}

/// What is read of a booking to see whether its host needs a licence.
type NeedRow = (String, String, i64, Json, UtcMillis, UtcMillis);

/// The meetings whose host is Basic, or licensed by a lease of ours, and needs a licence for them.
fn needs(conn: &mut Conn, query: &NeedQuery<'_>) -> Result<Vec<Need>, StoreError> {
    let lent = licence_leases::table.filter(licence_leases::state.ne(State::Waiting));
    let same_user =
        seats::zoom_user_id.eq(zoom_users::email_key).or(seats::zoom_user_id.eq(zoom_users::zoom_user_id));
    let rows: Vec<NeedRow> = seats::table
        .inner_join(appointments::table)
        .inner_join(zoom_users::table.on(same_user))
        .filter(appointments::status.eq_any(["confirmed", "in_progress"]))
        .filter(appointments::end_at.gt(UtcMillis::from(query.after)))
        .filter(appointments::start_at.lt(UtcMillis::from(query.before)))
        .filter(zoom_users::status.eq(zoom_user::ACTIVE))
        .filter(
            zoom_users::type_
                .eq(BASIC)
                .or(zoom_users::zoom_user_id.eq_any(lent.select(licence_leases::zoom_user_id))),
        )
        .order((appointments::start_at, appointments::id))
        .limit(NEEDS_MAX)
        .select((
            zoom_users::zoom_user_id,
            appointments::id,
            appointments::duration_minutes,
            appointments::settings,
            appointments::start_at,
            appointments::end_at,
        ))
        .load(conn)?;
    let mut needs = Vec::new();
    for (user, id, minutes, settings, start, end) in rows {
        if let Some(reason) = reason_of(minutes, &settings, query.defaults)? {
            needs.push(Need { user, appointment: Some(id), reason, from: start.into(), until: end.into() });
        }
    }
    Ok(needs)
}

/// Why a booking needs a licensed host; its settings are read only where its length does not say it already.
fn reason_of(
    minutes: i64,
    settings: &Json,
    defaults: &BTreeMap<String, Value>,
) -> Result<Option<Reason>, StoreError> {
    if minutes > BASIC_MINUTES_MAX {
        return Ok(Some(Reason::LongMeeting));
    }
    let mut all = defaults.clone();
    all.extend(settings.parse::<BTreeMap<String, Value>>("appointments.settings")?);
    Ok(reason(minutes, &all))
}

/// A booking whose host is Basic.
type BasicRow = (String, String, UtcMillis, UtcMillis);

/// Which of these bookings, all of them longer than a Basic host's may be, have a Basic host and no licence to be had
/// when they take place.
///
/// # Errors
/// [`StoreError`].
pub fn unlicensed(conn: &mut Conn, ids: &[String]) -> Result<BTreeSet<String>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let same_user =
        seats::zoom_user_id.eq(zoom_users::email_key).or(seats::zoom_user_id.eq(zoom_users::zoom_user_id));
    let basic: Vec<BasicRow> = seats::table
        .inner_join(appointments::table)
        .inner_join(zoom_users::table.on(same_user))
        .filter(appointments::id.eq_any(ids))
        .filter(appointments::status.eq("confirmed"))
        .filter(zoom_users::type_.eq(BASIC))
        .select((appointments::id, zoom_users::zoom_user_id, appointments::start_at, appointments::end_at))
        .load(conn)?;
    let account = account(conn)?;
    let seats = usize::try_from(account.seats).unwrap_or_default();
    let spans = basic.iter().map(|(_, _, from, until)| (*from, *until));
    let Some((after, before)) = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
        return Ok(BTreeSet::new());
    };
    if seats == 0 {
        return Ok(basic.into_iter().map(|(id, ..)| id).collect());
    }
    let margin = Duration::seconds(account.margin_secs);
    let policy = Policy { seats, margin, keep: Duration::zero(), look_ahead: Duration::zero() };
    let (after, before) = (DateTime::<Utc>::from(after), DateTime::<Utc>::from(before));
    let defaults = BTreeMap::new();
    let query = NeedQuery { after: after - margin * 2, before: before + margin * 2, defaults: &defaults };
    let claims = claims(&needs(conn, &query)?, &policy);
    let others_at_most = |user: &str, from: DateTime<Utc>, until: DateTime<Utc>| {
        let others: Vec<_> = claims.iter().filter(|claim| claim.user != user).cloned().collect();
        let starts = others.iter().map(|claim| claim.from.max(from)).filter(|at| *at < until);
        starts.map(|at| demand_at(&others, at)).max().unwrap_or_default()
    };
    Ok(basic
        .into_iter()
        .filter(|(_, user, from, until)| {
            others_at_most(user, DateTime::from(*from) - margin, DateTime::from(*until) + margin) >= seats
        })
        .map(|(id, ..)| id)
        .collect())
}
