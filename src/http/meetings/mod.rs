//! Zoom meetings as existing integrations know them: `/api/zoom/meetings`.

pub mod view;
