//! What a caller is told when Zoom was asked for them and did not do it.

use std::time::Duration;

use super::error::ApiError;
use crate::zoom::error::{Doubt, ZoomError};

/// The wait to propose where Zoom gave none.
const ZOOM_AGAIN: Duration = Duration::from_secs(30);

impl From<ZoomError> for ApiError {
    fn from(error: ZoomError) -> Self {
        match error {
            ZoomError::NotConfigured => Self::ZoomNotConfigured("Zoom"),
            ZoomError::Unknown { doubt: Doubt::Timeout, .. } => Self::ZoomTimeout,
            ZoomError::Rejected { code, message, .. } => {
                Self::ZoomApi { code: code.unwrap_or_default(), message }
            }
            ZoomError::NotFound { code, message } => Self::ZoomApi { code, message },
            ZoomError::BreakerOpen { retry_after } => Self::ZoomUnavailable(retry_after),
            _ => Self::ZoomUnavailable(ZOOM_AGAIN),
        }
    }
}
