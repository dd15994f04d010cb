//! What the working actors share: the way to the store, the way to Zoom, the clock and the settings they need.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::door::Door;
use super::live_view::LiveViews;
use super::shards::Shards;
use super::store::Store;
use super::supervision::Essential;
use super::zoom_api::{CallZoom, DescribeZoom, Drain, Lane, ShareQuota, ZoomApiActor, ZoomStatus};
use super::zoom_user::UserOptions;
use crate::clock::{Instant, SharedClock};
use crate::domain::licence;
use crate::domain::registration::Mode;
use crate::domain::rules::Rules;
use crate::domain::sync::Policy;
use crate::store::StoreError;
use crate::store::booking::host::HostPolicy;
use crate::store::meeting::{self, SyncView};
use crate::store::secret::Sealer;
use crate::zoom::error::{Doubt, ZoomError};
use crate::zoom::{ZoomCall, ZoomReply};

/// Shared by the registry, the meetings, attendance and the clock.
#[derive(Debug)]
pub struct Engine {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: SharedClock,
    /// Seals secrets in rows.
    pub sealer: Sealer,
    /// The way to Zoom.
    pub zoom: ZoomHandle,
    /// Which meetings are this process's.
    pub shards: Shards,
    /// The waiting times of the sync loop.
    pub sync: Policy,
    /// What every meeting gets.
    pub meetings: MeetingDefaults,
    /// How attendance is scored.
    pub attendance: AttendanceOptions,
    /// How licences are lent.
    pub licences: licence::Policy,
    /// How the account's users are kept.
    pub users: UserOptions,
    /// The name under which this installation signs its meetings.
    pub installation: String,
    /// How hosts are shared.
    pub hosts: HostPolicy,
    /// Who tells readers who is in a meeting.
    pub live: LiveViews,
}

/// What every meeting gets unless its booking says otherwise.
#[derive(Debug, Clone)]
pub struct MeetingDefaults {
    /// Zoom's meeting settings by their own names; a booking may override them.
    pub settings: BTreeMap<String, Value>,
    /// How long a meeting may overrun before it is ended; for ever when unset.
    pub auto_end_after: Option<chrono::Duration>,
    /// Which meetings have registration.
    pub registration: Mode,
    /// The only domain whose addresses may register and join, if there is such.
    pub email_domain: Option<String>,
}

/// How attendance is scored and when Zoom's reports are read.
#[derive(Debug, Clone)]
pub struct AttendanceOptions {
    /// The rules for bookings that name none.
    pub rules: Rules,
    /// From the end of an instance to the first reading of its report.
    pub report_delay: Duration,
    /// After this the webhooks have to do.
    pub report_give_up: Duration,
}

impl AttendanceOptions {
    /// The end of the meetings whose reports are given up at `now`.
    #[must_use]
    pub fn given_up(&self, now: Instant) -> Instant {
        let age = chrono::Duration::from_std(self.report_give_up).unwrap_or(chrono::Duration::MAX);
        now.checked_sub_signed(age).unwrap_or(chrono::DateTime::UNIX_EPOCH)
    }
}

/// The way to Zoom: one call, one answer.
#[derive(Debug, Clone)]
pub struct ZoomHandle {
    api: Essential<ZoomApiActor>,
    door: Door,
}

impl ZoomHandle {
    /// A handle on the actor that paces the calls.
    #[must_use]
    pub fn new(api: Essential<ZoomApiActor>, door: Door) -> Self {
        Self { api, door }
    }

    /// Whether calls can be made, and the places on the way there.
    #[must_use]
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// How things stand with Zoom; `None` while the actor is being rebuilt.
    pub async fn status(&self) -> Option<ZoomStatus> {
        self.api.ask(DescribeZoom).await.ok()
    }

    /// Sends nothing more, and answers when the last call under way has its answer.
    pub async fn drain(&self) {
        // A door that is gone has nothing under way.
        let _ = self.api.ask(Drain).await;
    }

    /// Keeps to one of `processes` equal parts of the account's quota. Lost while the door is being rebuilt: say
    /// it again.
    pub(super) fn share(&self, processes: usize) {
        let processes = u32::try_from(processes).unwrap_or(u32::MAX);
        self.api.tell(ShareQuota { processes });
    }

    /// Performs one call in its turn.
    ///
    /// # Errors
    /// [`ZoomError`]; an actor that died with the call leaves its outcome unknown.
    pub async fn call(&self, lane: Lane, call: ZoomCall) -> Result<ZoomReply, ZoomError> {
        self.api
            .ask(CallZoom { lane, call })
            .await
            .unwrap_or(Err(ZoomError::Unknown { doubt: Doubt::ConnectionLost, status: None }))
    }
}

impl Engine {
    /// What a meeting's actor decides on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load(&self, meeting_id: &str) -> Result<Option<SyncView>, StoreError> {
        let id = meeting_id.to_owned();
        self.store.read(move |conn| meeting::sync_view(conn, &id)).await
    }

    /// Seals a secret for a row.
    ///
    /// # Errors
    /// [`StoreError`] when no randomness is to be had.
    pub fn seal(&self, context: &str, secret: &str) -> Result<Vec<u8>, StoreError> {
        self.sealer.seal(context, secret.as_bytes())
    }
}
