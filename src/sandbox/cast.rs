//! The identifiers that Zoom gives the stays of an instance.

use std::collections::HashMap;

use chrono::Duration;
use rand::RngExt;

use super::dice::Dice;
use super::runs::Run;
use super::stays::{Place, Stay};
use super::timetable::{Person, Timetable};
use crate::zoom::ids;

/// Zoom numbers the stays of an instance from here …
const FIRST_USER_ID: u64 = 16_778_240;
/// … in steps of this.
const USER_ID_STEP: usize = 1024;
/// Zoom tells of a coming or going between one and three and a half seconds after it happened.
const LATENCY_MS: std::ops::Range<i64> = 1000..3500;

/// A stay with the identifiers Zoom gives it.
pub(super) struct Appearance<'a> {
    pub stay: &'a Stay,
    pub person: &'a Person,
    /// New for every stay.
    pub user_id: u64,
    /// The `user_id` of the main room that a breakout stay left.
    pub parent: Option<u64>,
    /// New for every entry; a breakout stay keeps that of the main room.
    pub participant_uuid: String,
    /// How long after the beginning and after the end Zoom tells of it.
    pub told_after: (Duration, Duration),
}

/// The stays of `run` with their identifiers.
pub(super) fn of_run<'a>(run: &'a Run, class: &'a Timetable, dice: Dice) -> Vec<Appearance<'a>> {
    let mut entries = HashMap::new();
    let mut appearances = Vec::with_capacity(run.stays.len());
    for (stay, user_id) in run.stays.iter().zip((FIRST_USER_ID..).step_by(USER_ID_STEP)) {
        let Some(person) = class.persons.get(stay.person) else { continue };
        let entry = (stay.person, stay.device, stay.entered);
        if stay.place == Place::Main {
            entries.insert(entry, user_id);
        }
        let in_breakout = matches!(stay.place, Place::Breakout(_));
        let mut latencies = dice.of(&format!("latency {entry:?} {}", stay.from));
        let mut latency = || Duration::milliseconds(latencies.random_range(LATENCY_MS));
        appearances.push(Appearance {
            stay,
            person,
            user_id,
            parent: entries.get(&entry).copied().filter(|_| in_breakout),
            participant_uuid: ids::participant_uuid(&mut dice.of(&format!("participant {entry:?}"))),
            told_after: (latency(), latency()),
        });
    }
    appearances
}
