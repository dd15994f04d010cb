//! What stands in the way of a booking, as its caller is told.
//!
//! Whoever asks for a host who is taken learns that they are, and when. By what is told only to those who may see
//! what it is taken by: `sight` hides the rest.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use crate::store::UtcMillis;
use crate::store::booking::BookingError;
use crate::store::seat::TakenSeat;

/// A booking that stands in the way of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Clash {
    /// The appointment's id; null when it is not the caller's to see.
    pub appointment_id: Option<String>,
    /// Its title; null when it is not the caller's to see.
    pub title: Option<String>,
    /// When it starts.
    pub start_time: DateTime<Utc>,
    /// When it ends.
    pub end_time: DateTime<Utc>,
}

impl From<TakenSeat> for Clash {
    fn from(seat: TakenSeat) -> Self {
        Self {
            appointment_id: Some(seat.appointment_id),
            title: Some(seat.title),
            start_time: seat.from_at.into(),
            end_time: seat.until_at.into(),
        }
    }
}

/// Who is taken, and by what.
pub(super) fn taken(host: &str, clashes: &[Clash]) -> String {
    let Some(clash) = clashes.first() else { return format!("{host} is taken") };
    let (from, until) = (clash.start_time.format("%H:%M"), clash.end_time.format("%H:%M"));
    match &clash.title {
        Some(title) => format!("{host} already hosts '{title}' {from}-{until} UTC"),
        None => format!("{host} is taken {from}-{until} UTC"),
    }
}

impl From<BookingError> for ApiError {
    fn from(error: BookingError) -> Self {
        match error {
            BookingError::Store(error) => error.into(),
            BookingError::Unfit { field, reason } => Self::field(field, reason),
            BookingError::RefTaken(ref_) => {
                Self::AlreadyExists(format!("an appointment with the ref `{ref_}` exists"))
            }
            BookingError::HostTaken { host, clashes, next_free } => Self::HostConflict {
                host,
                clashes: clashes.into_iter().map(Clash::from).collect(),
                next_free: next_free.into_iter().map(UtcMillis::into).collect(),
            },
            BookingError::SeriesTaken(taken) => {
                let taken = taken.into_iter().map(|(at, error)| (at.into(), error.into()));
                Self::OccurrencesTaken(taken.collect())
            }
            BookingError::Refused { from, to } => Self::InvalidTransition { what: "booking", from, to },
            BookingError::Stale => Self::PreconditionFailed,
        }
    }
}
