//! Keeps what is known of the account's users true: all of them now and then, one of them when Zoom tells that
//! something about them changed. A webhook is only the reason to ask; what Zoom says then is what counts, so that
//! late and doubled webhooks change nothing.

use chrono::{DateTime, Duration, Utc};

use crate::actors::engine::Engine;
use crate::actors::zoom_api::Lane;
use crate::actors::zoom_user::{self as users, UserTrouble};
use crate::store::due::{self, ACCOUNT, DueKind};
use crate::store::zoom_user::{self, ZoomUserRow};
use crate::store::{StoreError, UtcMillis};
use crate::zoom::call;
use crate::zoom::error::{Limit, Retry, ZoomError};
use crate::zoom::types::UserPage;

/// Zoom's list shows one status at a time.
const STATUSES: [&str; 3] = ["active", "inactive", "pending"];
/// 2,000 users a page: more pages than this are an account beyond what one reading may cost.
const PAGES_MAX: usize = 100;
/// Users written in one transaction.
const CHUNK: usize = 200;
/// Users missing from a complete reading who are asked about one by one.
const MISSING_MAX: i64 = 200;
/// When one user could not be read, they are tried again after this.
const USER_AGAIN: Duration = Duration::seconds(60);

/// Reads all users, status by status and page by page, and asks about those who were not among them.
pub(super) async fn read_all(engine: &Engine) -> Result<(), StoreError> {
    let began = engine.clock.now();
    let again_at = match all_pages(engine).await {
        Ok(()) => {
            let (began, now) = (UtcMillis::from(began), UtcMillis::from(engine.clock.now()));
            engine
                .store
                .write(move |conn| {
                    zoom_user::unseen_since(conn, began, MISSING_MAX)?
                        .iter()
                        .try_for_each(|user| due::set(conn, DueKind::ZoomUser, user, now))
                })
                .await?;
            engine.clock.now() + engine.users.read_every
        }
        Err(UserTrouble::Store(error)) => return Err(error),
        Err(UserTrouble::Zoom(error)) => {
            tracing::warn!(class = error.class(), "the account's users could not be read");
            engine.clock.now() + engine.sync.retry_max.min(engine.users.read_every)
        }
    };
    set_due(engine, DueKind::ZoomUsers, ACCOUNT, again_at).await
}

async fn all_pages(engine: &Engine) -> Result<(), UserTrouble> {
    for status in STATUSES {
        let mut token: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let reply = engine.zoom.call(Lane::Sweep, call::list_users(status, token.as_deref())).await?;
            let page: UserPage = reply.parse()?;
            let now = UtcMillis::from(engine.clock.now());
            let named = page.users.into_iter().filter(|user| user.email.is_some());
            let rows: Vec<ZoomUserRow> = named
                .map(|user| {
                    // Lists may leave out the status that they were asked for.
                    let said = user.status.clone();
                    let row = users::row(user, "", now);
                    ZoomUserRow { status: said.unwrap_or_else(|| status.to_owned()), ..row }
                })
                .collect();
            for chunk in rows.chunks(CHUNK) {
                let chunk = chunk.to_vec();
                engine
                    .store
                    .write(move |conn| chunk.iter().try_for_each(|row| zoom_user::save(conn, row)))
                    .await?;
            }
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
            // Many pages take a while; nobody else begins meanwhile.
            let lease = engine.clock.now() + Duration::seconds(120);
            set_due(engine, DueKind::ZoomUsers, ACCOUNT, lease).await?;
        }
    }
    Ok(())
}

/// Reads one user, after telling Zoom the address that they should have.
pub(super) async fn read_one(engine: &Engine, key: &str) -> Result<(), StoreError> {
    let trouble = match tell_and_read(engine, key).await {
        Ok(()) => {
            let (key, now) = (key.to_owned(), UtcMillis::from(engine.clock.now()));
            return engine
                .store
                .write(move |conn| {
                    due::clear(conn, DueKind::ZoomUser, &key)?;
                    // What the user has, or can do, decides who needs a licence.
                    due::set(conn, DueKind::Licences, ACCOUNT, now)
                })
                .await;
        }
        Err(UserTrouble::Store(error)) => return Err(error),
        Err(UserTrouble::Zoom(error)) => error,
    };
    if let ZoomError::NotFound { .. } = trouble {
        let key = key.to_owned();
        return engine
            .store
            .write(move |conn| {
                if let Some(user) = zoom_user::by_key(conn, &key)? {
                    zoom_user::remove(conn, &user.zoom_user_id)?;
                }
                due::clear(conn, DueKind::ZoomUser, &key)
            })
            .await;
    }
    let again_at = match trouble.retry() {
        Retry::At(until) => until,
        _ => engine.clock.now() + USER_AGAIN,
    };
    set_due(engine, DueKind::ZoomUser, key, again_at).await
}

async fn tell_and_read(engine: &Engine, key: &str) -> Result<(), UserTrouble> {
    let wanted = key.to_owned();
    let known = engine.store.read(move |conn| zoom_user::by_key(conn, &wanted)).await?;
    if let Some(user) = known.filter(|user| user.email_wanted.is_some()) {
        tell_address(engine, user).await?;
    }
    users::read(engine, key, Lane::Sync).await?;
    Ok(())
}

/// Tells Zoom a user's new address. Telling it twice is telling it once; when Zoom refuses, the old one stays and is
/// shown.
async fn tell_address(engine: &Engine, user: ZoomUserRow) -> Result<(), UserTrouble> {
    let Some(email) = user.email_wanted else { return Ok(()) };
    let answer = engine.zoom.call(Lane::Sync, call::change_email(&user.zoom_user_id, &email)).await;
    if let Err(error) = answer {
        let until_tomorrow = matches!(error, ZoomError::RateLimited(Limit::Daily { .. }));
        if until_tomorrow || !matches!(error, ZoomError::Rejected { .. }) {
            return Err(error.into());
        }
        let code = error.zoom_code();
        tracing::warn!(code, "Zoom refuses a user's new address; the old one stays there");
    }
    let id = user.zoom_user_id;
    engine.store.write(move |conn| zoom_user::told_address(conn, &id)).await?;
    Ok(())
}

async fn set_due(engine: &Engine, kind: DueKind, key: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
    let key = key.to_owned();
    engine.store.write(move |conn| due::set(conn, kind, &key, at.into())).await
}
