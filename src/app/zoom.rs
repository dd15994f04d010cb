//! The way to Zoom: tokens, pacing, the client.

use actix::ArbiterHandle;

use crate::actors::engine::ZoomHandle;
use crate::actors::supervision::Supervision;
use crate::actors::zoom_api::ZoomApiActor;
use crate::clock::SharedClock;
use crate::config::Settings;

/// Starts the actors towards Zoom.
pub(super) fn start(
    _settings: &Settings,
    _clock: &SharedClock,
    supervision: &Supervision,
    arbiter: &ArbiterHandle,
) -> anyhow::Result<ZoomHandle> {
    Ok(ZoomHandle::new(supervision.essential("zoom_api", arbiter, || ZoomApiActor)))
}
