//! What the attendance of a meeting comes to in figures, the same in every answer about it.
//!
//! Once there are marks they count, with what hands put in their place; a meeting that runs (again) and one that is not
//! scored yet is told by what is known now, and by the rules that its booking is scored by.

use super::roll::{Roll, Share};
use super::view;
use super::{Attended, read_attended};
use crate::clock::Instant;
use crate::domain::lifecycle::MeetingStatus;
use crate::domain::rules::Rules;
use crate::domain::statistics::{Tally, per_cent};
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::store::attendance::{self, CorrectionRow, MarkRow};
use crate::store::{Conn, rules};

/// A meeting's attendance as it stands.
pub(super) struct Standing {
    pub(super) attended: Attended,
    /// The marks that count; none while the meeting runs, or was not scored.
    marks: Vec<(MarkRow, CorrectionRow)>,
    rules: Rules,
}

impl Standing {
    /// Reads it, as far as the caller may see it.
    pub(super) fn read(conn: &mut Conn, caller: &Caller, id: &str, house: &Rules) -> Result<Self, ApiError> {
        let attended = read_attended(conn, caller, id)?;
        let appointment = &attended.booking.appointment.id;
        let rules = rules::for_scoring(conn, appointment, house)?;
        let running =
            view::status(&attended.booking, &attended.case.meeting) == MeetingStatus::Started.as_str();
        let marks = if running { Vec::new() } else { attendance::of_appointment(conn, appointment)? };
        Ok(Self { attended, marks, rules })
    }

    /// Who was there.
    pub(super) fn roll(&self, now: Instant) -> Roll<'_> {
        Roll::call(&self.attended.case, &self.rules, now).by_marks(&self.marks)
    }
}

/// The figures of a meeting; hosts are no part of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Figures {
    /// Attendees who are expected.
    pub(super) expected: i64,
    /// Those who were there.
    pub(super) joined: i64,
    /// In per cent of the marks that count; before there are marks, of the expected. 0 of nobody.
    pub(super) rate: f64,
    /// What they attended, added up.
    pub(super) seconds: i64,
    /// The same per person who was there.
    pub(super) seconds_each: i64,
}

impl Figures {
    /// The figures of those that `share` covers.
    pub(super) fn of(roll: &Roll<'_>, share: &Share) -> Self {
        let mut tally = Tally::default();
        let mut marked_seconds = 0;
        for (mark, correction) in roll.marks(share) {
            tally.add(attendance::effective_status(mark, correction), mark.held_against, 1);
            marked_seconds += mark.attended_seconds;
        }
        let attendees = roll.attendees(share);
        let expected = count(attendees.len());
        let (joined, rate, seconds) = match tally.total() {
            0 => {
                let joined = count(attendees.iter().filter(|person| person.attended).count());
                let seconds = attendees.iter().map(|person| person.attended_seconds).sum();
                (joined, per_cent(joined, expected), seconds)
            }
            _ => (tally.were_there(), tally.rate(), marked_seconds),
        };
        let rate = rate.unwrap_or_default();
        Self { expected, joined, rate, seconds, seconds_each: seconds / joined.max(1) }
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
