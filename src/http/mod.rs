//! IN: the thin actix-web front. A handler reads the request, asks `domain` and the store, and shapes the answer.
//!
//! - `routes`: the URL table; [`server`]: the layers around it.
//! - [`error`]: the error table (`zoom_error`, [`booking_error`]: Zoom's and bookings' in it); `envelope` writes every failure's body and every request's id.
//! - [`auth`], [`keys`], [`admission`]: who is let in. `sight`: what they may see.
//! - `validate`, `body`, `when`, `paging`, `prefer`, `etag`, `idempotency`: what requests have in common;
//!   `settle`: the common end of every write to a booking.
//! - [`people`], [`groups`], [`hosts`], [`appointments`], [`series`], [`meetings`]: one file or folder a resource.
//! - `evidence`: why somebody is marked so, for people and machines.
//! - [`reports`]: what meetings came to, in numbers and tables.
//! - [`zoom_users`]: the account's users at Zoom and their licences.
//! - [`webhook`]: what Zoom tells us. `health`, `metrics`, `orphans`, [`connection`]: what operators ask.
//! - [`openapi`]: the description of all of it, shown by `docs`.

mod admin;
pub mod admission;
pub mod appointments;
pub mod auth;
mod body;
pub mod booking_error;
pub mod connection;
mod dead_letters;
mod docs;
mod envelope;
pub mod error;
mod etag;
mod events;
mod evidence;
pub mod groups;
mod health;
pub mod hosts;
mod idempotency;
pub mod keys;
pub mod meetings;
mod metrics;
mod notifications;
pub mod openapi;
mod orphans;
mod paging;
pub mod people;
mod prefer;
mod report_history;
pub mod reports;
pub mod request_id;
mod routes;
pub mod rules;
pub mod series;
pub mod server;
mod settle;
mod sight;
mod validate;
pub mod webhook;
mod when;
mod zoom_error;
pub mod zoom_users;

use std::sync::{Arc, Mutex, PoisonError};

use chrono_tz::Tz;

use crate::actors::attendance::AttendanceHandle;
use crate::actors::engine::Engine;
use crate::actors::health::Health;
use crate::actors::janitor::JanitorHandle;
use crate::actors::licence::LicenceHandle;
use crate::actors::notifier::NotifierHandle;
use crate::actors::registry::RegistryHandle;
use crate::actors::store::Store;
use crate::actors::stream::EventStream;
use crate::clock::SharedClock;
use crate::domain::rules::Rules;
use crate::store::booking::host::HostPolicy;
use crate::store::{Conn, Sealer, StoreError};
use crate::zoom::sdk_jwt::SdkKeys;
use error::ApiError;

/// What the handlers share: the engine's handles and the settings that concern them.
#[derive(Debug)]
pub struct Front {
    /// The database.
    pub store: Store,
    /// Who brings Zoom in line with a booking that changed.
    pub registry: RegistryHandle,
    /// Who scores a booking whose evidence changed.
    pub attendance: AttendanceHandle,
    /// Who lends licences.
    pub licences: LicenceHandle,
    /// What happens, for those who read along.
    pub events: EventStream,
    /// Who tells other systems.
    pub notifier: NotifierHandle,
    /// Who puts away what is old, and erases people.
    pub janitor: JanitorHandle,
    /// Whether the daemon can do its work.
    pub health: Health,
    /// Opens the secrets in rows.
    pub sealer: Sealer,
    /// The time.
    pub clock: SharedClock,
    /// Whose tokens are good.
    pub auth: auth::Auth,
    /// How many requests are taken.
    pub admission: admission::Admission,
    /// The largest body that is read (`limits.body_bytes`).
    pub body_bytes: usize,
    /// How hosts are shared.
    pub hosts: HostPolicy,
    /// The zone of wall times that come without one.
    pub default_timezone: Tz,
    /// The rules of attendance for bookings that name none.
    pub rules: Rules,
    /// The name under which this installation signs its meetings.
    pub installation: String,
    /// The way to Zoom, for what is asked of it directly.
    pub engine: Arc<Engine>,
    /// How long after the end links are given out.
    pub link_grace: chrono::Duration,
    /// The keys of Zoom's Meeting SDK, where there are any.
    pub sdk: Option<SdkKeys>,
    /// The connection to Zoom.
    pub account: connection::Account,
}

impl Front {
    /// The only domain whose attendees may come in, if there is such.
    fn email_domain(&self) -> Option<String> {
        self.engine.meetings.email_domain.clone()
    }

    /// Reads; a refusal of the work's own comes through.
    async fn read<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, ApiError> + Send + 'static,
    {
        let (work, refusal) = with_refusal(work);
        self.store.read(work).await.map_err(|error| refusal.take().unwrap_or_else(|| error.into()))
    }

    /// Writes, all or nothing; a refusal of the work's own undoes what it wrote and comes through.
    async fn write<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, ApiError> + Send + 'static,
    {
        let (work, refusal) = with_refusal(work);
        let written = self.store.write(work).await;
        written.map_err(|error| refusal.take().unwrap_or_else(|| error.into()))
    }
}

/// Where a refusal waits while the store undoes the work.
#[derive(Debug, Clone, Default)]
struct Refusal(Arc<Mutex<Option<ApiError>>>);

impl Refusal {
    fn put(&self, error: ApiError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn take(&self) -> Option<ApiError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The work as the store takes it: any error makes it undo the work, and the refusal tells which it was.
fn with_refusal<T>(
    work: impl FnOnce(&mut Conn) -> Result<T, ApiError>,
) -> (impl FnOnce(&mut Conn) -> Result<T, StoreError>, Refusal) {
    let refusal = Refusal::default();
    let kept = refusal.clone();
    let work = move |conn: &mut Conn| {
        work(conn).map_err(|error| {
            kept.put(error);
            StoreError::NotFound
        })
    };
    (work, refusal)
}
