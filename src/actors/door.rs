//! The sign on the door to Zoom: whether calls can be made at present, and the places on the way there.
//!
//! [`super::zoom_api`] writes it, everybody reads it. A meeting takes a place before it sets out, so that a backlog
//! of any length stays rows and only a few hundred calls wait in memory.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::domain::outage::Outage;

/// Meetings on their way to Zoom at a time: three seconds of a business plan's light calls, so that none of its
/// rate is lost between two looks at what is due.
const PLACES: usize = 256;

/// The door as everybody sees it.
#[derive(Debug, Clone)]
pub struct Door {
    sign: watch::Sender<Option<Outage>>,
    places: Arc<Semaphore>,
}

/// A meeting's right to be on its way to Zoom; given back when it is dropped, wherever that happens.
#[derive(Debug)]
pub struct Place(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Door {
    /// An open door, or one that is shut from the beginning.
    #[must_use]
    pub fn new(outage: Option<Outage>) -> Self {
        Self { sign: watch::Sender::new(outage), places: Arc::new(Semaphore::new(PLACES)) }
    }

    /// Why no calls can be made; `None` while they can.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        *self.sign.borrow()
    }

    /// Waits until calls can be made.
    pub async fn opened(&self) {
        // The sender is ours, so the channel cannot close.
        let _ = self.sign.subscribe().wait_for(Option::is_none).await;
    }

    /// Turns the sign.
    pub(super) fn show(&self, outage: Option<Outage>) {
        self.sign.send_if_modified(|sign| {
            let changed = *sign != outage;
            *sign = outage;
            changed
        });
    }

    /// A place on the way to Zoom, if one is free.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(Place)
    }

    /// How many places are free.
    #[must_use]
    pub fn free_places(&self) -> usize {
        self.places.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::domain::outage::Cause;

    fn down() -> Outage {
        let since = chrono::DateTime::<Utc>::UNIX_EPOCH;
        Outage { cause: Cause::Unreachable, class: "unreachable", since, next_try_at: None }
    }

    #[actix::test]
    async fn whoever_waits_at_a_shut_door_goes_on_when_it_opens() {
        let door = Door::new(Some(down()));
        let waiting = actix_rt::spawn({
            let door = door.clone();
            async move { door.opened().await }
        });
        assert_eq!(door.outage(), Some(down()));
        door.show(None);
        waiting.await.unwrap();
        assert_eq!(door.outage(), None);
        door.opened().await;
    }

    #[test]
    fn places_are_as_many_as_there_are_and_come_back() {
        let door = Door::new(None);
        let taken: Vec<Place> = std::iter::from_fn(|| door.place()).collect();
        assert_eq!((taken.len(), door.free_places()), (PLACES, 0));
        drop(taken);
        assert_eq!(door.free_places(), PLACES);
    }
}
