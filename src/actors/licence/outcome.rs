//! Asks Zoom to do one step about one user's licence, and writes down what came of it. Each function says whether
//! the next step makes sense now: not when Zoom as a whole cannot be asked.

use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use crate::actors::engine::Engine;
use crate::actors::zoom_api::Lane;
use crate::actors::zoom_user::{self as users, UserTrouble};
use crate::domain::licence::{BASIC, Claim, LICENSED};
use crate::store::due::{self, ACCOUNT, DueKind};
use crate::store::licence::{self, State};
use crate::store::{StoreError, story, zoom_user};
use crate::zoom::call;
use crate::zoom::error::{Limit, ZoomError};
use crate::zoom::types::UserPatch;

/// Zoom's codes for "no seats left" (Users API, update: 2034 and 3412).
const OUT_OF_SEATS: [i64; 2] = [2034, 3412];
/// How long Zoom is believed that there are no more; then it is asked again.
const OUT_OF_SEATS_FOR: Duration = Duration::minutes(10);
/// Whoever is in a meeting is asked about again after this.
const LIVE_AGAIN: Duration = Duration::minutes(10);
/// When Zoom as a whole cannot be asked, it is tried again after this.
const ZOOM_AGAIN: Duration = Duration::seconds(30);

/// Whether somebody is in a meeting.
pub(super) struct Liveness {
    /// In none.
    pub(super) idle: bool,
    /// The next step makes sense now.
    pub(super) going_on: bool,
}

/// Looks up whether a request whose outcome is unknown was carried out.
pub(super) async fn settle(engine: &Engine, user: &str) -> Result<bool, StoreError> {
    let (row, _) = match users::read(engine, user, Lane::Sync).await {
        Ok(read) => read,
        Err(UserTrouble::Store(error)) => return Err(error),
        Err(UserTrouble::Zoom(error)) => return failed(engine, user, None, &error).await,
    };
    let (user, now) = (user.to_owned(), engine.clock.now());
    let licensed = row.type_ == LICENSED && row.status == zoom_user::ACTIVE;
    engine
        .store
        .write(move |conn| {
            let Some(lease) = licence::of_user(conn, &user)? else { return Ok(()) };
            match (lease.state, licensed) {
                (State::Granting, true) => {
                    licence::move_to(conn, &user, State::Held, now.into())?;
                    licence::given(conn)?;
                    tell(conn, &lease, "licence.granted", "the host was given a Zoom licence", now)
                }
                (State::Granting, false) => licence::move_to(conn, &user, State::Waiting, now.into()),
                (State::Returning, true) => licence::move_to(conn, &user, State::Held, now.into()),
                (State::Returning, false) => {
                    licence::end(conn, &user)?;
                    tell(conn, &lease, "licence.returned", "the host's Zoom licence was taken back", now)
                }
                (State::Waiting | State::Held, _) => Ok(()),
            }
        })
        .await?;
    Ok(true)
}

/// Asks whether the user is in any meeting, also in one that no booking of ours knows.
pub(super) async fn ask_live(engine: &Engine, user: &str) -> Result<Liveness, StoreError> {
    match users::is_live(engine, user, Lane::Sync).await {
        Ok(false) => Ok(Liveness { idle: true, going_on: true }),
        Ok(true) => {
            let reason = "in a meeting: the licence is taken back after it";
            put_off(engine, user, State::Held, engine.clock.now() + LIVE_AGAIN, reason).await?;
            Ok(Liveness { idle: false, going_on: true })
        }
        Err(error) => {
            let going_on = failed(engine, user, Some(State::Held), &error).await?;
            Ok(Liveness { idle: false, going_on })
        }
    }
}

/// Gives a licence.
pub(super) async fn grant(engine: &Engine, claim: &Claim) -> Result<bool, StoreError> {
    let error = match set_type(engine, &claim.user, LICENSED).await {
        Ok(()) => {
            let (user, now) = (claim.user.clone(), engine.clock.now());
            engine
                .store
                .write(move |conn| {
                    zoom_user::set_type(conn, &user, LICENSED, now.into())?;
                    let Some(lease) = licence::of_user(conn, &user)? else { return Ok(()) };
                    licence::move_to(conn, &user, State::Held, now.into())?;
                    licence::given(conn)?;
                    tell(conn, &lease, "licence.granted", "the host was given a Zoom licence", now)
                })
                .await?;
            return Ok(true);
        }
        Err(error) => error,
    };
    if error.zoom_code().is_some_and(|code| OUT_OF_SEATS.contains(&code)) {
        return no_more(engine, &claim.user).await;
    }
    let state = if error.perhaps_done() { State::Granting } else { State::Waiting };
    failed(engine, &claim.user, Some(state), &error).await
}

/// Zoom has no more licences than are lent: that is believed for a while, and the user is in line.
async fn no_more(engine: &Engine, user: &str) -> Result<bool, StoreError> {
    let (user, now) = (user.to_owned(), engine.clock.now());
    engine
        .store
        .write(move |conn| {
            licence::move_to(conn, &user, State::Waiting, now.into())?;
            let lent = licence::lent(conn)?;
            licence::found(conn, Some((lent, (now + OUT_OF_SEATS_FOR).into())))
        })
        .await?;
    Ok(true)
}

/// Takes a licence back: the user stays, as a Basic one.
pub(super) async fn take_back(engine: &Engine, user: &str) -> Result<bool, StoreError> {
    match set_type(engine, user, BASIC).await {
        Ok(()) => {
            let (user, now) = (user.to_owned(), engine.clock.now());
            engine
                .store
                .write(move |conn| {
                    zoom_user::set_type(conn, &user, BASIC, now.into())?;
                    let Some(lease) = licence::of_user(conn, &user)? else { return Ok(()) };
                    licence::end(conn, &user)?;
                    tell(conn, &lease, "licence.returned", "the host's Zoom licence was taken back", now)
                })
                .await?;
            Ok(true)
        }
        Err(error) => {
            let state = if error.perhaps_done() { State::Returning } else { State::Held };
            failed(engine, user, Some(state), &error).await
        }
    }
}

async fn set_type(engine: &Engine, user: &str, kind: i64) -> Result<(), ZoomError> {
    let patch = UserPatch { kind: Some(kind), ..UserPatch::default() };
    let answer = engine.zoom.call(Lane::Sync, call::update_user(user, &patch)).await;
    let change = if kind == LICENSED { "grant" } else { "take_back" };
    let outcome = answer.as_ref().map_or_else(ZoomError::class, |_| "done");
    metrics::counter!("convened_licence_changes_total", "change" => change, "outcome" => outcome)
        .increment(1);
    answer.map(|_| ())
}

/// Writes a failure down. `state` is what the lease is in now; none leaves it as it was.
async fn failed(
    engine: &Engine,
    user: &str,
    state: Option<State>,
    error: &ZoomError,
) -> Result<bool, StoreError> {
    let now = engine.clock.now();
    let reason = match error.zoom_code() {
        Some(code) => format!("{} (code {code})", error.class()),
        None => error.class().to_owned(),
    };
    let again_at = match error {
        ZoomError::Unknown { .. } => now + engine.sync.look_gap,
        ZoomError::Rejected { .. } => now + engine.sync.retry_max,
        // Believed at the second look, which reads the user and forgets them.
        ZoomError::NotFound { .. } => now + engine.sync.second_look,
        ZoomError::RateLimited(
            Limit::Daily { until } | Limit::HostDaily { until } | Limit::RegistrantDaily { until },
        ) => *until,
        _ => now + ZOOM_AGAIN,
    };
    let gone = matches!(error, ZoomError::NotFound { .. });
    // What concerns this user alone does not hold up the others.
    let alone = gone || matches!(error, ZoomError::Unknown { .. } | ZoomError::Rejected { .. });
    let user = user.to_owned();
    engine
        .store
        .write(move |conn| {
            let Some(lease) = licence::of_user(conn, &user)? else { return Ok(()) };
            licence::put_off(conn, &user, state.unwrap_or(lease.state), again_at, &reason)?;
            if gone {
                due::set(conn, DueKind::ZoomUser, &user, again_at.into())?;
            }
            if !alone {
                due::set(conn, DueKind::Licences, ACCOUNT, again_at.into())?;
            }
            Ok(())
        })
        .await?;
    Ok(alone)
}

async fn put_off(
    engine: &Engine,
    user: &str,
    state: State,
    again_at: DateTime<Utc>,
    reason: &'static str,
) -> Result<(), StoreError> {
    let user = user.to_owned();
    engine.store.write(move |conn| licence::put_off(conn, &user, state, again_at, reason)).await
}

/// Adds a line to the story of the booking that the lease was for first.
fn tell(
    conn: &mut crate::store::Conn,
    lease: &licence::LeaseRow,
    kind: &str,
    text: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    match &lease.owner_appointment {
        Some(appointment) => {
            let details = json!({ "zoom_user_id": lease.zoom_user_id, "reason": lease.reason.as_str() });
            story::tell_if_there(conn, appointment, now, kind, text, Some(details))
        }
        None => Ok(()),
    }
}
