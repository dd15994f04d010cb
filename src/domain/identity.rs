//! Who was that? A connection's identity against the roster, strongest evidence first, never a guess.

use serde::{Deserialize, Serialize};

/// What a connection was recognised by, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// A person of the staff said so.
    Hand,
    /// The registration whose personal link was used.
    RegistrantId,
    /// The Zoom account.
    ZoomUserId,
    /// The e-mail address, without regard to case.
    Email,
    /// Our `ref`, carried by an SDK client or a personal link.
    CustomerKey,
    /// A display name that exactly one person on the roster has.
    Name,
}

impl MatchedBy {
    /// The word for it in the database and in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hand => "hand",
            Self::RegistrantId => "registrant_id",
            Self::ZoomUserId => "zoom_user_id",
            Self::Email => "email",
            Self::CustomerKey => "customer_key",
            Self::Name => "name",
        }
    }
}
