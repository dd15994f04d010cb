//! A meeting at a shut door: it stays due and says why, and loses nothing by it.

use super::sync::Synced;
use crate::actors::engine::Engine;
use crate::domain::outage::Outage;
use crate::store::due::{self, DueKind};
use crate::store::meeting::SyncView;
use crate::store::shard::Fence;
use crate::store::{StoreError, UtcMillis, outage, story};

/// The pause of a meeting whose call was refused while nothing is wrong with Zoom: too many waited, say.
const COME_AGAIN: chrono::Duration = chrono::Duration::seconds(1);

/// Notes why the meeting waits, once an outage, and leaves it due: it is handed out in its turn when Zoom can be
/// called again.
pub(super) async fn hold(
    engine: &Engine,
    fence: Fence,
    view: &SyncView,
    outage: &Outage,
) -> Result<Synced, StoreError> {
    let now = engine.clock.now();
    let (id, appointment, words) = (view.meeting.id.clone(), view.booking.id.clone(), outage.in_words());
    engine
        .store
        .write(move |conn| {
            fence.hold(conn)?;
            due::set(conn, DueKind::Sync, &id, UtcMillis::from(now))?;
            if outage::hold(conn, &id, &words)? {
                let text = format!("{words}; Zoom is told of this when it can be");
                story::tell(conn, &appointment, now, "zoom.waiting", &text, None)?;
            }
            Ok(())
        })
        .await?;
    Ok(Synced { generation: view.booking.generation, agrees: false, again_at: None, shut: true })
}

/// Puts the meeting off for a moment.
pub(super) async fn come_again(engine: &Engine, fence: Fence, view: &SyncView) -> Result<Synced, StoreError> {
    let at = engine.clock.now() + COME_AGAIN;
    let id = view.meeting.id.clone();
    engine
        .store
        .write(move |conn| {
            fence.hold(conn)?;
            due::set(conn, DueKind::Sync, &id, UtcMillis::from(at))
        })
        .await?;
    Ok(Synced { generation: view.booking.generation, agrees: false, again_at: Some(at), shut: false })
}
