//! Whose events are these?

use std::collections::{BTreeSet, HashSet};

use crate::actors::engine::Engine;
use crate::store::due::{self, DueKind};
use crate::store::inbox::{self, InboxEvent};
use crate::store::{StoreError, UtcMillis, meeting};
use crate::zoom::event::user;

/// Which of the events are ours, and by which numbers; the others are put aside in the inbox.
pub(super) async fn own(
    engine: &Engine,
    events: Vec<InboxEvent>,
) -> Result<(Vec<(String, String)>, Vec<InboxEvent>), StoreError> {
    let numbers: HashSet<String> =
        events.iter().filter_map(|stored| stored.zoom_meeting_id.clone()).collect();
    let numbers: Vec<String> = numbers.into_iter().collect();
    let found = engine.store.read(move |conn| meeting::ids_of_numbers(conn, &numbers)).await?;
    let ours: HashSet<&str> = found.iter().map(|(number, _)| number.as_str()).collect();
    let is_ours = |stored: &InboxEvent| {
        stored.zoom_meeting_id.as_ref().is_some_and(|number| ours.contains(number.as_str()))
    };
    let (mine, others): (Vec<_>, Vec<_>) = events.into_iter().partition(is_ours);
    let (strange, general): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|stored| stored.zoom_meeting_id.is_some());
    // Webhooks about users are a reason to ask Zoom about them; asked once, however many there were.
    let users: BTreeSet<String> =
        general.iter().filter_map(|stored| user::told_of(&stored.event, &stored.body)).collect();
    let now = UtcMillis::from(engine.clock.now());
    let ids = |events: Vec<InboxEvent>| events.into_iter().map(|stored| stored.id).collect::<Vec<_>>();
    let (strange, general) = (ids(strange), ids(general));
    engine
        .store
        .write(move |conn| {
            users.iter().try_for_each(|user| due::set(conn, DueKind::ZoomUser, user, now))?;
            inbox::mark_unowned(conn, &strange)?;
            inbox::mark_ignored(conn, &general)
        })
        .await?;
    Ok((found, mine))
}
