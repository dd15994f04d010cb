//! The daemon's account of the webhooks it has acknowledged, to be held against the sender's.

use anyhow::Result;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Text};

use crate::stage::Stage;

/// Where the first bytes of the body's SHA-256 are in the column `digest`; before them is the event's time.
const HASH_AT: usize = 8;

/// One stored webhook.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct InboxRow {
    #[diesel(sql_type = Binary)]
    digest: Vec<u8>,
    #[diesel(sql_type = Text)]
    pub(crate) state: String,
}

impl InboxRow {
    /// The start of the body's SHA-256, in hexadecimal.
    pub(crate) fn sha256_head(&self) -> String {
        hex::encode(self.digest.get(HASH_AT..).unwrap_or_default())
    }
}

/// All of them.
pub(crate) fn rows(stage: &Stage) -> Result<Vec<InboxRow>> {
    let sql = "SELECT digest, state FROM webhook_events";
    Ok(diesel::sql_query(sql).load(&mut stage.database.conn())?)
}
