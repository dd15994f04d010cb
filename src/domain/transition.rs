//! What a caller's word does to the status of a booking.

use super::appointment::AppointmentStatus::{
    self, Cancelled, Completed, Confirmed, InProgress, NoShow, Requested,
};

/// What a caller can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Agree to it.
    Confirm,
    /// Call it off.
    Cancel,
    /// Say that it is over.
    Complete,
}

impl Command {
    /// What the booking is after it, in words.
    #[must_use]
    pub fn past(self) -> &'static str {
        match self {
            Self::Confirm => "confirmed",
            Self::Cancel => "cancelled",
            Self::Complete => "completed",
        }
    }
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The booking's status is now another.
    To(AppointmentStatus),
    /// It was so already: asking twice changes nothing.
    Already,
    /// This cannot follow.
    Refused,
}

/// What `command` does to a booking that is `status`.
#[must_use]
pub fn transition(status: AppointmentStatus, command: Command) -> Transition {
    match (command, status) {
        (Command::Confirm, Requested) => Transition::To(Confirmed),
        (Command::Confirm, Confirmed | InProgress) => Transition::Already,
        (Command::Cancel, Requested | Confirmed | InProgress) => Transition::To(Cancelled),
        (Command::Cancel, Cancelled) => Transition::Already,
        (Command::Complete, Confirmed | InProgress) => Transition::To(Completed),
        (Command::Complete, Completed) => Transition::Already,
        (Command::Confirm, Completed | NoShow | Cancelled)
        | (Command::Cancel, Completed | NoShow)
        | (Command::Complete, Requested | NoShow | Cancelled) => Transition::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_harmless_when_repeated() {
        for command in [Command::Confirm, Command::Cancel, Command::Complete] {
            for status in [Requested, Confirmed, InProgress, Completed, NoShow, Cancelled] {
                if let Transition::To(next) = transition(status, command) {
                    assert_eq!(transition(next, command), Transition::Already, "{command:?} of {status:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_follows_the_end_but_its_repetition() {
        for command in [Command::Confirm, Command::Cancel, Command::Complete] {
            for status in [Completed, NoShow, Cancelled] {
                assert!(
                    !matches!(transition(status, command), Transition::To(_)),
                    "{command:?} of {status:?}"
                );
            }
        }
    }
}
