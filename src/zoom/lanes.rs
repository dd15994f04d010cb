//! Who goes first when calls to Zoom have to wait.
//!
//! Pure: a queue per lane and label, so that a label whose limit is reached holds up nobody else's calls.

use std::collections::VecDeque;
use std::time::Duration;

use super::call::{Label, ZoomCall};
use super::error::Limit;
use super::limits::{Admission, Limits, Now};

/// The lanes, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Somebody waits at a screen.
    Interactive,
    /// A meeting that must go away.
    Cancel,
    /// Bookings that Zoom must learn of.
    Sync,
    /// Reports of meetings that ended.
    Report,
    /// Looking for what differs.
    Sweep,
}

impl Lane {
    /// Every lane, the most urgent first.
    pub const ALL: [Self; 5] = [Self::Interactive, Self::Cancel, Self::Sync, Self::Report, Self::Sweep];

    /// The name in metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Cancel => "cancel",
            Self::Sync => "sync",
            Self::Report => "report",
            Self::Sweep => "sweep",
        }
    }

    /// Whether people or meetings in the way wait for it; a part of every bound is kept for these.
    #[must_use]
    pub fn is_urgent(self) -> bool {
        self <= Self::Cancel
    }
}

/// Something that waits to be sent.
pub trait Waiting {
    /// What is to be sent.
    fn call(&self) -> &ZoomCall;
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;
}

/// The queues of one account.
#[derive(Debug)]
pub struct Lanes<T> {
    lane_max: usize,
    arrived: u64,
    queues: [Queues<T>; Lane::ALL.len()],
}

/// The queues of one lane.
#[derive(Debug)]
struct Queues<T> {
    by_label: [VecDeque<(u64, T)>; Label::ALL.len()],
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// Send this; it is counted already.
    Send(Lane, T),
    /// Tell this that its limit is reached for the day.
    Refuse(T, Limit),
    /// Forget this; nobody waits for it.
    Forget(T),
    /// Nothing can go before this span has passed.
    Wait(Duration),
    /// Nothing waits that could go.
    Idle,
}

impl<T: Waiting> Lanes<T> {
    /// Empty queues; no lane takes more than `lane_max`.
    #[must_use]
    pub fn new(lane_max: usize) -> Self {
        let queues = Lane::ALL.map(|_| Queues { by_label: Label::ALL.map(|_| VecDeque::new()) });
        Self { lane_max, arrived: 0, queues }
    }

    /// Takes `item` to the end of its lane.
    ///
    /// # Errors
    /// Gives it back when the lane is full. A lane full of calls nobody waits for is swept first.
    pub fn push(&mut self, lane: Lane, item: T) -> Result<(), T> {
        if self.depth(lane) >= self.lane_max {
            for queue in &mut self.lane(lane).by_label {
                queue.retain(|(_, waiting)| !waiting.is_abandoned());
            }
        }
        if self.depth(lane) >= self.lane_max {
            return Err(item);
        }
        self.arrived += 1;
        let arrived = self.arrived;
        self.queue(lane, item.call().label).push_back((arrived, item));
        Ok(())
    }

    /// Takes `item` back to the head of its lane, because sending it did nothing. It had a place before, so it
    /// is not counted against the bound.
    pub fn push_again(&mut self, lane: Lane, item: T) {
        self.queue(lane, item.call().label).push_front((0, item));
    }

    /// What to do next, the most urgent lane first and within a lane the longest waiting first.
    /// `has_room` says whether a lane may send at all just now.
    pub fn next(&mut self, limits: &mut Limits, has_room: impl Fn(Lane) -> bool, now: Now) -> Next<T> {
        let mut waits: [Option<Duration>; Label::ALL.len()] = [None; Label::ALL.len()];
        for lane in Lane::ALL.into_iter().filter(|lane| has_room(*lane)) {
            while let Some(label) = self.longest_waiting(lane, &waits) {
                let Some((_, head)) = self.queue(lane, label).front() else { break };
                if head.is_abandoned() {
                    return self.take(lane, label).map_or(Next::Idle, Next::Forget);
                }
                match limits.admit(head.call(), now) {
                    Admission::Go => {
                        return self.take(lane, label).map_or(Next::Idle, |it| Next::Send(lane, it));
                    }
                    Admission::Refuse(limit) => {
                        return self.take(lane, label).map_or(Next::Idle, |it| Next::Refuse(it, limit));
                    }
                    Admission::Wait(wait) => {
                        if let Some(slot) = waits.get_mut(label as usize) {
                            *slot = Some(wait);
                        }
                    }
                }
            }
        }
        waits.into_iter().flatten().min().map_or(Next::Idle, Next::Wait)
    }

    /// Takes out everything that waits in the lanes that `which` names.
    pub fn take_all(&mut self, which: impl Fn(Lane) -> bool) -> Vec<T> {
        let chosen = Lane::ALL.into_iter().zip(&mut self.queues).filter(|(lane, _)| which(*lane));
        chosen
            .flat_map(|(_, queues)| queues.by_label.iter_mut())
            .flat_map(|queue| queue.drain(..).map(|(_, item)| item))
            .collect()
    }

    /// How many wait in a lane.
    #[must_use]
    pub fn depth(&self, lane: Lane) -> usize {
        self.queues.get(lane as usize).map_or(0, |lane| lane.by_label.iter().map(VecDeque::len).sum())
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queues.iter().all(|lane| lane.by_label.iter().all(VecDeque::is_empty))
    }

    /// Of the labels that need not wait, the one whose first call has waited longest.
    fn longest_waiting(&mut self, lane: Lane, waits: &[Option<Duration>]) -> Option<Label> {
        let free = Label::ALL.into_iter().zip(waits).filter(|(_, wait)| wait.is_none());
        free.filter_map(|(label, _)| self.queue(lane, label).front().map(|(arrived, _)| (*arrived, label)))
            .min()
            .map(|(_, label)| label)
    }

    fn take(&mut self, lane: Lane, label: Label) -> Option<T> {
        self.queue(lane, label).pop_front().map(|(_, item)| item)
    }

    fn lane(&mut self, lane: Lane) -> &mut Queues<T> {
        let [interactive, cancel, sync, report, sweep] = &mut self.queues;
        match lane {
            Lane::Interactive => interactive,
            Lane::Cancel => cancel,
            Lane::Sync => sync,
            Lane::Report => report,
            Lane::Sweep => sweep,
        }
    }

    fn queue(&mut self, lane: Lane, label: Label) -> &mut VecDeque<(u64, T)> {
        let [light, medium, heavy, resource_intensive] = &mut self.lane(lane).by_label;
        match label {
            Label::Light => light,
            Label::Medium => medium,
            Label::Heavy => heavy,
            Label::ResourceIntensive => resource_intensive,
        }
    }
}

#[cfg(test)]
mod tests;
