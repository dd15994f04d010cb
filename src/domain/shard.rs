//! Shards: the meetings are dealt out to the processes in [`COUNT`] parts. Which part a meeting belongs to follows
//! from its id alone; which process has a part is decided at run time, and [`next_move`] says by what rule.

use std::fmt;

/// How many parts there are: enough that a few processes get even shares, few enough to be asked for one by one.
/// The rows hold a meeting's part, so another number needs a migration.
pub const COUNT: u8 = 64;

/// One part of the meetings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(u8);

impl Shard {
    /// The part that a meeting belongs to: the last two hexadecimal digits of its id, which are random in a
    /// UUID of version 7. As plain as this, so that the migration says the same in SQL on both databases.
    #[must_use]
    pub fn of(meeting_id: &str) -> Self {
        let mut last = meeting_id.bytes().rev().map(digit);
        let (low, high) = (last.next().unwrap_or(0), last.next().unwrap_or(0));
        Self((high * 16 + low) % COUNT)
    }

    /// The part with this number, if there is one.
    #[must_use]
    pub fn numbered(number: i64) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| *number < COUNT).map(Self)
    }

    /// Its number, as it is in rows: from 0 to below [`COUNT`].
    #[must_use]
    pub fn number(self) -> i64 {
        i64::from(self.0)
    }

    /// Its place in a table of [`COUNT`] entries.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The value of a hexadecimal digit; anything else counts as 0.
fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => 0,
    }
}

/// Some of the parts.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ShardSet(u64);

impl ShardSet {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them: one bit each.
    pub const ALL: Self = Self(u64::MAX);

    /// Whether `shard` is among them.
    #[must_use]
    pub fn contains(self, shard: Shard) -> bool {
        self.0 & (1 << shard.0) != 0
    }

    /// Adds `shard`.
    pub fn insert(&mut self, shard: Shard) {
        self.0 |= 1 << shard.0;
    }

    /// Those that are in this set and not in `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those that are in either set.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// How many there are.
    #[must_use]
    pub fn len(self) -> usize {
        usize::try_from(self.0.count_ones()).unwrap_or_default()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// They, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Shard> {
        (0..COUNT).map(Shard).filter(move |shard| self.contains(*shard))
    }

    /// The first `most` of them, counted in a ring from `from`.
    fn first(self, most: usize, from: u8) -> Self {
        let ring = (0..COUNT).map(|step| Shard((from % COUNT + step) % COUNT));
        ring.filter(|shard| self.contains(*shard)).take(most).collect()
    }
}

impl FromIterator<Shard> for ShardSet {
    fn from_iter<I: IntoIterator<Item = Shard>>(shards: I) -> Self {
        let mut set = Self::NONE;
        shards.into_iter().for_each(|shard| set.insert(shard));
        set
    }
}

impl fmt::Debug for ShardSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.iter().map(|shard| shard.0)).finish()
    }
}

/// The most parts that one of `processes` keeps; together they have room for all.
#[must_use]
pub fn fair_share(processes: usize) -> usize {
    usize::from(COUNT).div_ceil(processes.max(1))
}

/// What a process does next about its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Nobody has them, and this process has room.
    pub take: ShardSet,
    /// More than its share: somebody else shall have them, once they are at rest.
    pub give: ShardSet,
}

/// What a process that has `mine` does, when `free` belong to nobody and `processes` are alive, itself included.
///
/// `start` differs between processes, so that two of them who see the same orphans do not reach for the same ones.
#[must_use]
pub fn next_move(mine: ShardSet, free: ShardSet, processes: usize, start: u8) -> Move {
    let share = fair_share(processes);
    Move {
        take: free.without(mine).first(share.saturating_sub(mine.len()), start),
        give: mine.first(mine.len().saturating_sub(share), start),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_meeting_keeps_its_part_for_ever() {
        for (id, number) in [
            ("0197a3c2-7b1e-7c11-9d7c-2f6f0a3b4cff", 63),
            ("0197a3c2-7b1e-7c11-9d7c-2f6f0a3b4c40", 0),
            ("0197a3c2-7b1e-7c11-9d7c-2f6f0a3b4c1a", 26),
            ("", 0),
            ("7", 7),
            ("zz", 0),
        ] {
            assert_eq!(Shard::of(id).number(), number, "{id}");
        }
    }

    #[test]
    fn one_process_has_everything_and_three_have_a_third_each() {
        assert_eq!(next_move(ShardSet::NONE, ShardSet::ALL, 1, 5).take, ShardSet::ALL);
        assert_eq!(fair_share(3), 22);
        assert_eq!(next_move(ShardSet::ALL, ShardSet::NONE, 3, 0).give.len(), 42);
    }

    /// Processes as a slow, obvious model: each in turn looks at who has what, and moves.
    fn settle(owned: &mut [ShardSet]) {
        // One round lets the rich give, the next lets the poor take.
        for _ in 0..3 {
            for me in 0..owned.len() {
                let taken = owned.iter().fold(ShardSet::NONE, |all, set| all.and(*set));
                let free = ShardSet::ALL.without(taken);
                let plan = next_move(owned[me], free, owned.len(), (me * 23) as u8);
                owned[me] = owned[me].without(plan.give).and(plan.take);
            }
        }
    }

    proptest! {
        #[test]
        fn whoever_comes_and_goes_every_part_finds_exactly_one_owner(
            changes in prop::collection::vec((any::<bool>(), 0_usize..8), 1..20),
        ) {
            let mut owned = vec![ShardSet::NONE];
            for (comes, which) in changes {
                if comes || owned.len() == 1 {
                    owned.push(ShardSet::NONE);
                } else {
                    owned.remove(which % owned.len());
                }
                settle(&mut owned);
                let total: usize = owned.iter().map(|set| set.len()).sum();
                let all = owned.iter().fold(ShardSet::NONE, |all, set| all.and(*set));
                prop_assert_eq!(total, usize::from(COUNT), "no part has two owners");
                prop_assert_eq!(all, ShardSet::ALL, "no part is left over");
                prop_assert!(owned.iter().all(|set| set.len() <= fair_share(owned.len())));
            }
        }

        #[test]
        fn ids_spread_evenly_enough(seeds in prop::collection::vec(any::<u128>(), 6400)) {
            let mut counts = [0_usize; COUNT as usize];
            for seed in seeds {
                counts[Shard::of(&format!("{seed:032x}")).index()] += 1;
            }
            prop_assert!(counts.iter().all(|count| (40..200).contains(count)), "{counts:?}");
        }
    }
}
