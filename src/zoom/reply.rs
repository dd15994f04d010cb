//! A good answer of Zoom's.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{Doubt, ZoomError};

/// What Zoom answered to a call that it did.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoomReply {
    /// The HTTP status, 2xx.
    pub status: u16,
    /// The JSON body; null where Zoom answers with none (204).
    pub body: Value,
    /// Zoom's name for this exchange; its support asks for it.
    pub tracking_id: Option<String>,
}

impl ZoomReply {
    /// Reads the body.
    ///
    /// # Errors
    /// [`ZoomError::Unknown`] when it has another shape: the call was done, but what came of it must be looked up.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ZoomError> {
        T::deserialize(&self.body)
            .map_err(|_| ZoomError::Unknown { doubt: Doubt::Unreadable, status: Some(self.status) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoom::types::{BatchAdded, Meeting};

    fn reply(body: Value) -> ZoomReply {
        ZoomReply { status: 201, body, tracking_id: None }
    }

    #[test]
    fn a_body_of_the_promised_shape_is_read() {
        let meeting: Meeting = reply(serde_json::json!({"id": 83_320_360_000_u64})).parse().unwrap();
        assert_eq!(meeting.id, Some(83_320_360_000));
    }

    #[test]
    fn a_body_of_another_shape_leaves_the_outcome_in_doubt() {
        let fault = reply(serde_json::json!({"registrants": 3})).parse::<BatchAdded>().unwrap_err();
        assert_eq!(fault, ZoomError::Unknown { doubt: Doubt::Unreadable, status: Some(201) });
    }
}
