//! The host of a meeting at Zoom: found by address or id, made on demand where that is configured, or waited for.

use super::perform::{Performed, Trouble};
use crate::actors::engine::Engine;
use crate::actors::zoom_api::Lane;
use crate::actors::zoom_user::{self as users, UserToMake, UserTrouble};
use crate::domain::sync::{Failure, Outcome};
use crate::store::person;
use crate::store::zoom_user::{self, ZoomUserRow};
use crate::zoom::error::ZoomError;

impl From<UserTrouble> for Trouble {
    fn from(trouble: UserTrouble) -> Self {
        match trouble {
            UserTrouble::Zoom(error) => Self::Zoom(error),
            UserTrouble::Store(error) => Self::Store(error),
        }
    }
}

/// Finds the user behind a seat's key, and makes them when Zoom knows nobody and we may.
pub(super) async fn find(engine: &Engine, key: &str, lane: Lane) -> Result<Performed, Trouble> {
    let error = match users::read(engine, key, lane).await {
        Ok((user, reply)) => {
            return Ok(Performed { tracking_id: reply.tracking_id, ..verdict(&user) });
        }
        Err(UserTrouble::Zoom(error @ ZoomError::NotFound { .. })) => error,
        Err(trouble) => return Err(trouble.into()),
    };
    match to_make(engine, key).await? {
        Some(new) => Ok(verdict(&users::make(engine, new, lane).await?)),
        None => Err(error.into()),
    }
}

/// Whether the user can host, and if not, what is waited for.
fn verdict(user: &ZoomUserRow) -> Performed {
    match user.status.as_str() {
        zoom_user::ACTIVE => Performed::done(Outcome::HostFound),
        zoom_user::PENDING => {
            Performed::failed(Failure::HostNotReady, "the host has not accepted Zoom's invitation yet")
        }
        _ => Performed::failed(Failure::HostNotReady, "the host's Zoom user is deactivated"),
    }
}

/// The user to make for a key: only for a person's own address. An id, or a user that the calling system named, is
/// a claim that they exist, and a typing error in it must not become a user; nor must one in the host pool.
async fn to_make(engine: &Engine, key: &str) -> Result<Option<UserToMake>, Trouble> {
    let Some(action) = engine.users.action else { return Ok(None) };
    let wanted = key.to_owned();
    let person = engine.store.read(move |conn| person::by_email(conn, &wanted)).await?;
    let own = person.filter(|person| person.active && person.zoom_user.is_none());
    Ok(own.and_then(|person| {
        let email = person.email?;
        Some(UserToMake { email, display_name: person.name, action, ..UserToMake::default() })
    }))
}
