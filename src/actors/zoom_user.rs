//! What is done at Zoom about users: read, made, changed. Whoever calls it decides when; here is how, and what is
//! written down before and after.

use super::engine::Engine;
use super::zoom_api::Lane;
use crate::domain::licence::BASIC;
use crate::store::due::{self, DueKind};
use crate::store::zoom_user::{self, ZoomUserRow};
use crate::store::{Conn, StoreError, UtcMillis, person};
use crate::zoom::ZoomReply;
use crate::zoom::call::{self, UserRemoval};
use crate::zoom::error::ZoomError;
use crate::zoom::types::{CreateUser, MeetingPage, NewUser, User, UserPatch, UserToken};

/// Zoom's code for an address that a user of this account has (Users API, create: HTTP 409).
const IN_THE_ACCOUNT: i64 = 1005;

/// How hosts whom Zoom does not know come to be.
#[derive(Debug, Clone, Default)]
pub struct UserOptions {
    /// Zoom's word for the way they are made; none: nobody is made.
    pub action: Option<&'static str>,
    /// How often all users of the account are read.
    pub read_every: chrono::Duration,
}

/// Why something about a user could not be done.
#[derive(Debug, thiserror::Error)]
pub enum UserTrouble {
    /// Zoom's answer.
    #[error(transparent)]
    Zoom(#[from] ZoomError),
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A user to be made.
#[derive(Debug, Clone, Default)]
pub struct UserToMake {
    /// The address.
    pub email: String,
    /// The name shown in meetings.
    pub display_name: String,
    /// The given name; from the name shown when there is none.
    pub first_name: Option<String>,
    /// The family name; from the name shown when there is none.
    pub last_name: Option<String>,
    /// Zoom's word for the way: `create` or `custCreate`.
    pub action: &'static str,
}

/// Reads a user, by id or address, and writes down what Zoom says.
///
/// # Errors
/// [`UserTrouble`]; [`ZoomError::NotFound`] changes nothing in the store.
pub async fn read(engine: &Engine, key: &str, lane: Lane) -> Result<(ZoomUserRow, ZoomReply), UserTrouble> {
    let reply = engine.zoom.call(lane, call::get_user(key)).await?;
    let user: User = reply.parse()?;
    let row = row(user, key, UtcMillis::from(engine.clock.now()));
    let row = engine
        .store
        .write(move |conn| {
            zoom_user::save(conn, &row)?;
            zoom_user::by_key(conn, &row.zoom_user_id).map(|saved| saved.unwrap_or(row))
        })
        .await?;
    Ok((row, reply))
}

/// What Zoom says of a user, as a row. `key` is by what they were asked for.
pub(super) fn row(user: User, key: &str, now: UtcMillis) -> ZoomUserRow {
    let email = user.email.unwrap_or_else(|| key.to_owned());
    // Asked for by an address, the user is known by that address, also where Zoom has another for the same user.
    let email_key = if key.contains('@') { key.to_owned() } else { person::email_key(&email) };
    ZoomUserRow {
        // Users who have not accepted yet have no id in lists.
        zoom_user_id: user.id.unwrap_or_else(|| email_key.clone()),
        email_key,
        email,
        type_: user.kind.unwrap_or_default(),
        status: user.status.unwrap_or_else(|| zoom_user::ACTIVE.to_owned()),
        person_ref: None,
        display_name: user.display_name,
        seen_at: now,
        made_by_us: false,
        email_wanted: None,
    }
}

/// Makes a user, Basic: licences are lent apart. That it is being asked for is written down first, so that a user
/// whose making was answered by silence is known as ours when they are read. Asking twice makes one user: to the
/// second request Zoom answers that the address is taken, and then the user is read.
///
/// # Errors
/// [`UserTrouble`].
pub async fn make(engine: &Engine, new: UserToMake, lane: Lane) -> Result<ZoomUserRow, UserTrouble> {
    let (email, key, now) = (new.email.clone(), person::email_key(&new.email), engine.clock.now());
    let intent = key.clone();
    let noted = move |conn: &mut Conn| zoom_user::intend_to_make(conn, &email, &intent, now.into());
    let is_news = engine.store.write(noted).await?;
    let answer = engine.zoom.call(lane, call::create_user(&request(&new))).await;
    if let Err(error) = answer {
        let taken = error.zoom_code() == Some(IN_THE_ACCOUNT);
        // An earlier attempt whose answer was lost may have made them: what it noted stays.
        if is_news && !error.perhaps_done() {
            let intent = key.clone();
            engine.store.write(move |conn| zoom_user::not_made(conn, &intent)).await?;
        }
        if !taken {
            return Err(error.into());
        }
    }
    // The answer to the making says nothing of the user's status; Zoom's own record does.
    Ok(read(engine, &key, lane).await?.0)
}

/// Changes what Zoom shows of a user.
///
/// # Errors
/// [`UserTrouble`].
pub async fn change(engine: &Engine, id: &str, patch: &UserPatch) -> Result<ZoomUserRow, UserTrouble> {
    engine.zoom.call(Lane::Interactive, call::update_user(id, patch)).await?;
    Ok(read(engine, id, Lane::Interactive).await?.0)
}

/// Whether a user is in any meeting at this moment, of ours or not.
///
/// # Errors
/// [`ZoomError`].
pub async fn is_live(engine: &Engine, id: &str, lane: Lane) -> Result<bool, ZoomError> {
    let page: MeetingPage = engine.zoom.call(lane, call::live_meetings(id)).await?.parse()?;
    Ok(!page.meetings.is_empty())
}

/// Removes a user from the account; one whom Zoom does not know is removed already.
///
/// # Errors
/// [`UserTrouble`]; after an unknown answer the user is read again soon, and Zoom's word counts.
pub async fn remove(engine: &Engine, id: &str, removal: UserRemoval) -> Result<(), UserTrouble> {
    let answer = engine.zoom.call(Lane::Interactive, call::delete_user(id, removal)).await;
    let (id, soon) = (id.to_owned(), UtcMillis::from(engine.clock.now() + engine.sync.look_gap));
    match answer {
        Ok(_) | Err(ZoomError::NotFound { .. }) => {
            Ok(engine.store.write(move |conn| zoom_user::remove(conn, &id)).await?)
        }
        Err(error) => {
            engine.store.write(move |conn| due::set(conn, DueKind::ZoomUser, &id, soon)).await?;
            Err(error.into())
        }
    }
}

/// The token with which a host starts a meeting: a credential, never stored and never logged.
///
/// # Errors
/// [`ZoomError`].
pub async fn zak(engine: &Engine, id: &str) -> Result<UserToken, ZoomError> {
    engine.zoom.call(Lane::Interactive, call::zak(id)).await?.parse()
}

fn request(new: &UserToMake) -> CreateUser {
    let (first, last) = match new.display_name.rsplit_once(' ') {
        Some((first, last)) => (first.to_owned(), Some(last.to_owned())),
        None => (new.display_name.clone(), None),
    };
    CreateUser {
        action: new.action.to_owned(),
        user_info: NewUser {
            email: new.email.clone(),
            kind: BASIC,
            first_name: new.first_name.clone().or_else(|| Some(first).filter(|name| !name.is_empty())),
            last_name: new.last_name.clone().or(last),
            display_name: Some(new.display_name.clone()).filter(|name| !name.is_empty()),
            ..NewUser::default()
        },
    }
}
