//! What the moves of a device amount to: stays in rooms, as Zoom's servers see them.

use super::timetable::{Act, Move, Offset, Timetable, TimetableError, Told};

/// One unbroken stay of one connection in one room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stay {
    /// Index of the person in the timetable.
    pub person: usize,
    /// Index of the device among the person's.
    pub device: usize,
    /// Where.
    pub place: Place,
    /// How the stay began.
    pub beginning: Beginning,
    /// How the stay ended.
    pub ending: Ending,
    /// First second, from the planned start.
    pub from: i64,
    /// First second after it.
    pub to: i64,
    /// `from` of the stay in the main room that a breakout stay left, the same as `from` otherwise.
    pub entered: i64,
    /// What becomes of the webhooks about its beginning and its end.
    pub told: (Told, Told),
}

/// Where a connection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Before a host who has not come; no part of any instance.
    Door,
    Waiting,
    Main,
    Breakout(String),
}

/// How a stay began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    /// From outside.
    Came,
    /// Out of the waiting room.
    Admitted,
    /// Into the waiting room, from the meeting.
    PutBack,
    /// Between the main room and the breakout rooms.
    Moved,
}

/// How a stay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Left,
    Admitted,
    PutBack,
    Moved,
    HostEnded,
    /// The connection died earlier; this is when Zoom noticed.
    Died,
}

/// All stays of a class, ordered by their beginning.
pub(super) fn of_class(class: &Timetable) -> Result<Vec<Stay>, TimetableError> {
    let mut ends: Vec<i64> = class.host_ends.iter().map(|end| end.0).collect();
    ends.sort_unstable();
    let mut stays = Vec::new();
    for (person, entry) in class.persons.iter().enumerate() {
        for (device, moves) in entry.devices.iter().enumerate() {
            let walk = Walk { person, device, ends: &ends, now: None, thrown_out: false, stays: Vec::new() };
            let walked = walk.all(moves).map_err(|(action, reason)| TimetableError::Impossible {
                person: entry.name.clone(),
                device: device + 1,
                action,
                reason,
            })?;
            stays.extend(walked);
        }
    }
    stays.sort_by_key(|stay| (stay.from, stay.person, stay.device));
    Ok(stays)
}

type Fault = (String, &'static str);

/// Follows one device through its moves.
struct Walk<'a> {
    person: usize,
    device: usize,
    /// When the host ends the meeting, ascending.
    ends: &'a [i64],
    /// The open stay; its `to` and `ending` are not decided yet.
    now: Option<Stay>,
    /// The host's end, not a move of its own, took the device out.
    thrown_out: bool,
    stays: Vec<Stay>,
}

impl Walk<'_> {
    fn all(mut self, moves: &[Move]) -> Result<Vec<Stay>, Fault> {
        let mut last: Option<Offset> = None;
        for action in moves {
            if last.is_some_and(|last| action.at <= last) {
                return Err((action.to_string(), "it is not later than the move before it"));
            }
            last = Some(action.at);
            self.end_by_host_until(action.at.0);
            self.step(action).map_err(|reason| (action.to_string(), reason))?;
        }
        self.end_by_host_until(i64::MAX);
        match (self.now, moves.last()) {
            (Some(_), Some(action)) => {
                Err((action.to_string(), "nothing ends this stay: add a leave or a host_ends"))
            }
            _ => Ok(self.stays),
        }
    }

    /// Lets the host end the meeting before a move of the same second. Whoever knocks is not in it.
    fn end_by_host_until(&mut self, at: i64) {
        let inside = self.now.as_ref().filter(|stay| stay.place != Place::Door);
        let Some(from) = inside.map(|stay| stay.from) else { return };
        if let Some(end) = self.next_end(from).filter(|end| *end <= at) {
            self.close(end, Ending::HostEnded, Told::Normally);
            self.thrown_out = true;
        }
    }

    fn next_end(&self, after: i64) -> Option<i64> {
        self.ends.iter().copied().find(|end| *end > after)
    }

    fn step(&mut self, action: &Move) -> Result<(), &'static str> {
        let (at, told) = (action.at.0, action.told);
        let place = self.now.as_ref().map(|stay| stay.place.clone());
        match (&action.act, place) {
            (Act::Knock, None) => self.open(Place::Door, Beginning::Came, at, told),
            (Act::Wait, None) => self.open(Place::Waiting, Beginning::Came, at, told),
            (Act::Join, None) => self.open(Place::Main, Beginning::Came, at, told),
            (Act::Join, Some(Place::Door)) => {
                self.close(at, Ending::Admitted, told);
                self.open(Place::Main, Beginning::Came, at, told);
            }
            (Act::Wait, Some(Place::Main)) => {
                self.close(at, Ending::PutBack, told);
                self.open(Place::Waiting, Beginning::PutBack, at, told);
            }
            (Act::Admit, Some(Place::Waiting)) => {
                self.close(at, Ending::Admitted, told);
                self.open(Place::Main, Beginning::Admitted, at, told);
            }
            (Act::Breakout(room), Some(Place::Main | Place::Breakout(_))) => {
                let entered = self.now.as_ref().map_or(at, |stay| stay.entered);
                self.close(at, Ending::Moved, told);
                self.open(Place::Breakout(room.clone()), Beginning::Moved, at, told);
                if let Some(stay) = &mut self.now {
                    stay.entered = entered;
                }
            }
            (Act::Return, Some(Place::Breakout(_))) => {
                self.close(at, Ending::Moved, told);
                self.open(Place::Main, Beginning::Moved, at, told);
            }
            (Act::Leave, Some(_)) => self.close(at, Ending::Left, told),
            (Act::Die { noticed_after }, Some(_)) => self.die(at, *noticed_after, told),
            (Act::Leave | Act::Die { .. }, None) if self.thrown_out => {}
            (Act::Knock | Act::Join | Act::Wait, Some(_)) => return Err("the device is there already"),
            (Act::Admit, _) => return Err("the device is not in the waiting room"),
            (Act::Return, _) => return Err("the device is not in a breakout room"),
            (_, _) => return Err("the device is not in the meeting"),
        }
        Ok(())
    }

    fn open(&mut self, place: Place, beginning: Beginning, at: i64, told: Told) {
        let (person, device) = (self.person, self.device);
        let (ending, told) = (Ending::Left, (told, Told::Normally));
        self.thrown_out = false;
        self.now =
            Some(Stay { person, device, place, beginning, ending, from: at, to: at, entered: at, told });
    }

    fn close(&mut self, at: i64, ending: Ending, told: Told) {
        if let Some(stay) = self.now.take() {
            self.stays.push(Stay { to: at, ending, told: (stay.told.0, told), ..stay });
        }
    }

    /// A dead connection stays with Zoom until it is noticed, or until the host ends the meeting.
    fn die(&mut self, at: i64, noticed_after: i64, told: Told) {
        let noticed = at + noticed_after;
        match self.next_end(at).filter(|end| *end <= noticed) {
            Some(end) => self.close(end, Ending::HostEnded, told),
            None => self.close(noticed, Ending::Died, told),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::timetable::Person;
    use super::*;

    fn class(devices: &[&[&str]], host_ends: &[i64]) -> Timetable {
        let devices =
            devices.iter().map(|moves| moves.iter().map(|m| m.parse().unwrap()).collect()).collect();
        let mut class: Timetable = serde_json::from_value(serde_json::json!({"meeting": "1"})).unwrap();
        let mut person: Person = serde_json::from_value(serde_json::json!({"name": "Ada"})).unwrap();
        person.devices = devices;
        class.persons.push(person);
        class.host_ends = host_ends.iter().map(|end| Offset(*end)).collect();
        class
    }

    fn spans(class: &Timetable) -> Vec<(i64, i64, Ending)> {
        of_class(class).unwrap().into_iter().map(|stay| (stay.from, stay.to, stay.ending)).collect()
    }

    #[test]
    fn a_dead_phone_lingers_while_it_joins_again() {
        let class = class(&[&["0s join", "10m die 75s", "10m20s join", "20m leave"]], &[]);
        assert_eq!(spans(&class), [(0, 675, Ending::Died), (620, 1200, Ending::Left)]);
    }

    #[test]
    fn the_host_ends_every_stay_and_a_later_leave_is_harmless() {
        let class = class(&[&["0s join", "10m leave"], &["0s join", "9m50s die"], &["1s wait"]], &[600]);
        let ended = [(0, 600, Ending::HostEnded), (0, 600, Ending::HostEnded), (1, 600, Ending::HostEnded)];
        assert_eq!(spans(&class), ended);
    }

    #[test]
    fn a_breakout_stay_remembers_the_entry_it_came_from() {
        let class =
            class(&[&["5s join", "60s breakout A", "90s breakout B", "120s return", "150s leave"]], &[]);
        let entered: Vec<_> =
            of_class(&class).unwrap().iter().map(|stay| (stay.from, stay.entered)).collect();
        assert_eq!(entered, [(5, 5), (60, 5), (90, 5), (120, 120)]);
    }

    #[test]
    fn nobody_does_what_cannot_be_done() {
        for moves in [
            &["0s admit"][..],
            &["0s leave"],
            &["0s join", "1s join"],
            &["0s wait", "1s breakout A"],
            &["0s join", "1s return"],
            &["1s join", "1s leave"],
            &["0s join"],
        ] {
            assert!(of_class(&class(&[moves], &[])).is_err(), "{moves:?}");
        }
    }
}
