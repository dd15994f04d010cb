//! PERFORM: one actor a file, its messages beside it. The only folder, with `app.rs`, that knows actix.
//! What an actor decides is decided in `domain`; what it remembers is a cache of the store.

pub mod attendance;
pub mod door;
pub mod due;
pub mod ending;
pub mod engine;
pub mod health;
pub mod inbox;
pub mod janitor;
pub mod licence;
pub mod live_view;
pub mod meeting;
pub mod notifier;
pub mod reconciler;
pub mod registration;
pub mod registry;
mod seats;
pub mod shards;
pub mod store;
pub mod stream;
pub mod supervision;
pub mod token;
pub mod zoom_api;
mod zoom_pages;
pub mod zoom_user;
