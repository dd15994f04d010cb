//! What several tests of this room, and of the actors above it, share.

mod server;

use std::path::PathBuf;

use serde_json::Value;

pub(crate) use self::server::{BadZoom, Play, Seen};

/// A JSON file of the collected facts about Zoom, which lie beside the repository; nothing, said loudly, where
/// they do not.
pub(crate) fn facts(path: &str) -> Option<Value> {
    let folder = facts_folder();
    let Ok(text) = std::fs::read_to_string(folder.join(path)) else {
        eprintln!("SKIPPED: no {path} in {} (set ZOOM_FACTS_DIR)", folder.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// Where the collected facts lie.
pub(crate) fn facts_folder() -> PathBuf {
    std::env::var_os("ZOOM_FACTS_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/zoom"), PathBuf::from)
}
