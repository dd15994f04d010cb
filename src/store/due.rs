//! What has to happen when: one indexed table that wakes the daemon after any silence or crash.

use diesel::prelude::*;

use super::schema::{due_work, meeting_instances, zoom_meetings};
use super::types::text_enum;
use super::{Conn, StoreError, UtcMillis, each_backend};
use crate::domain::shard::{Shard, ShardSet};

/// In the place of a shard: the work is about no meeting, so any process may do it.
const ANYBODYS: i64 = -1;

text_enum! {
    /// What kind of work is due; the key says of what.
    pub enum DueKind {
        /// Bring Zoom in line; the key is a meeting id.
        Sync = "sync",
        /// The planned end has passed: see how the booking came out; the key is a booking's id.
        WindowEnd = "window_end",
        /// The meeting may be running on after its planned end; the key is a booking's id.
        AutoEnd = "auto_end",
        /// Read Zoom's report of an instance; the key is the instance's uuid.
        Report = "report",
        /// Score a booking; the key is its id.
        Score = "score",
        /// Lend and take back licences; the key is [`ACCOUNT`].
        Licences = "licences",
        /// Read all users of the account; the key is [`ACCOUNT`].
        ZoomUsers = "zoom_users",
        /// Read one user, and tell Zoom what is wanted of them; the key is their id or address.
        ZoomUser = "zoom_user",
        /// Compare Zoom's meetings with ours; the key is `account` (find the hosts) or a host's Zoom user.
        Sweep = "sweep",
        /// The second look at a meeting at Zoom that nobody owns; the key is its number.
        Orphan = "orphan",
        /// Forget what others were told long ago; the key is [`ACCOUNT`].
        Notify = "notify",
        /// Look through the seats of a host; the key is theirs, or [`ACCOUNT`] for all of them.
        Seats = "seats",
    }
}

/// The key of work about the account as a whole.
pub const ACCOUNT: &str = "account";

/// What a key names that belongs to a meeting.
enum About {
    Meeting,
    Booking,
    Instance,
}

impl DueKind {
    /// Work about a meeting is done by the process that has the meeting's shard; `None` for work about no
    /// meeting, or about the whole account: any process may do it.
    fn about(self) -> Option<About> {
        match self {
            Self::Sync => Some(About::Meeting),
            Self::WindowEnd | Self::AutoEnd | Self::Score => Some(About::Booking),
            Self::Report => Some(About::Instance),
            Self::Licences | Self::ZoomUsers | Self::ZoomUser | Self::Seats => None,
            Self::Sweep | Self::Orphan | Self::Notify => None,
        }
    }
}

/// One piece of due work.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = due_work)]
pub struct DueRow {
    /// What to do.
    pub kind: DueKind,
    /// Of what.
    pub key: String,
    /// When.
    pub due_at: UtcMillis,
    /// Whose: the shard of the meeting, or -1 for anybody's.
    pub shard: i64,
}

/// The shard of the meeting that the work is about.
fn shard_of(conn: &mut Conn, kind: DueKind, key: &str) -> Result<i64, StoreError> {
    let meetings = zoom_meetings::table.select(zoom_meetings::shard);
    let found: Option<i64> = match kind.about() {
        Some(About::Meeting) => return Ok(Shard::of(key).number()),
        None => None,
        Some(About::Booking) => {
            meetings.filter(zoom_meetings::appointment_id.eq(key)).first(conn).optional()?
        }
        Some(About::Instance) => {
            let instance = meeting_instances::table.find(key).inner_join(zoom_meetings::table);
            instance.select(zoom_meetings::shard).first(conn).optional()?
        }
    };
    Ok(found.unwrap_or(ANYBODYS))
}

/// Sets the time of a piece of work, whatever it was before.
///
/// # Errors
/// [`StoreError`].
pub fn set(conn: &mut Conn, kind: DueKind, key: &str, due_at: UtcMillis) -> Result<(), StoreError> {
    let shard = shard_of(conn, kind, key)?;
    let row = DueRow { kind, key: key.to_owned(), due_at, shard };
    each_backend!(conn, |c| diesel::insert_into(due_work::table)
        .values(&row)
        .on_conflict((due_work::kind, due_work::key))
        .do_update()
        .set((due_work::due_at.eq(due_at), due_work::shard.eq(shard)))
        .execute(c))?;
    Ok(())
}

/// Forgets a piece of work.
///
/// # Errors
/// [`StoreError`].
pub fn clear(conn: &mut Conn, kind: DueKind, key: &str) -> Result<(), StoreError> {
    diesel::delete(due_work::table.find((kind.as_str(), key))).execute(conn)?;
    Ok(())
}

/// When a piece of work is due.
///
/// # Errors
/// [`StoreError`].
pub fn at(conn: &mut Conn, kind: DueKind, key: &str) -> Result<Option<UtcMillis>, StoreError> {
    Ok(due_work::table.find((kind.as_str(), key)).select(due_work::due_at).first(conn).optional()?)
}

/// Puts off or forgets (`None`) work that was due at `seen` when its state was read. Work that somebody made due at
/// another time since then stays: what made it due has not been seen.
///
/// # Errors
/// [`StoreError`].
pub fn replace(
    conn: &mut Conn,
    kind: DueKind,
    key: &str,
    seen: Option<UtcMillis>,
    due_at: Option<UtcMillis>,
) -> Result<(), StoreError> {
    match (seen, due_at) {
        (Some(seen), Some(due_at)) => {
            diesel::update(due_work::table.find((kind.as_str(), key)).filter(due_work::due_at.eq(seen)))
                .set(due_work::due_at.eq(due_at))
                .execute(conn)?;
        }
        (Some(seen), None) => {
            diesel::delete(due_work::table.find((kind.as_str(), key)).filter(due_work::due_at.eq(seen)))
                .execute(conn)?;
        }
        (None, Some(due_at)) => {
            let row = DueRow { kind, key: key.to_owned(), due_at, shard: shard_of(conn, kind, key)? };
            each_backend!(conn, |c| diesel::insert_into(due_work::table)
                .values(&row)
                .on_conflict_do_nothing()
                .execute(c))?;
        }
        (None, None) => {}
    }
    Ok(())
}

/// Sets the time, or forgets the work when there is none.
///
/// # Errors
/// [`StoreError`].
pub fn set_or_clear(
    conn: &mut Conn,
    kind: DueKind,
    key: &str,
    due_at: Option<UtcMillis>,
) -> Result<(), StoreError> {
    match due_at {
        Some(due_at) => set(conn, kind, key, due_at),
        None => clear(conn, kind, key),
    }
}

/// The shards whose work a process may take that has `mine`: these, and what is anybody's.
fn takeable(mine: ShardSet) -> Vec<i64> {
    std::iter::once(ANYBODYS).chain(mine.iter().map(Shard::number)).collect()
}

/// Whether anything is due at `now` for a process that has the shards `mine`.
///
/// # Errors
/// [`StoreError`].
pub fn any(conn: &mut Conn, mine: ShardSet, now: UtcMillis) -> Result<bool, StoreError> {
    let mut due = due_work::table.filter(due_work::due_at.le(now)).select(due_work::key).into_boxed();
    if mine != ShardSet::ALL {
        due = due.filter(due_work::shard.eq_any(takeable(mine)));
    }
    let first: Option<String> = due.first(conn).optional()?;
    Ok(first.is_some())
}

/// Takes up to `limit` pieces of work that are due at `now` and puts them off until `again_at`, so that each is
/// handed out once, and again should whoever got it die. What another process is taking at this moment is
/// passed over.
///
/// # Errors
/// [`StoreError`].
pub fn claim(
    conn: &mut Conn,
    mine: ShardSet,
    now: UtcMillis,
    again_at: UtcMillis,
    limit: i64,
) -> Result<Vec<DueRow>, StoreError> {
    let due = due_work::table
        .filter(due_work::due_at.le(now))
        .order((due_work::due_at, due_work::kind, due_work::key))
        .limit(limit);
    let due: Vec<DueRow> = match conn {
        Conn::Sqlite(conn) => due.select(DueRow::as_select()).load(conn)?,
        Conn::Postgres(conn) => due
            .filter(due_work::shard.eq_any(takeable(mine)))
            .select(DueRow::as_select())
            .for_update()
            .skip_locked()
            .load(conn)?,
    };
    for row in &due {
        diesel::update(due_work::table.find((row.kind, &row.key)))
            .set(due_work::due_at.eq(again_at))
            .execute(conn)?;
    }
    Ok(due)
}

/// Makes due at `now` what the former owner of the shards `taken` may have had in hand when it died: bringing
/// Zoom in line, and scoring, put off until at most `before`. Both are safe to do once too often.
///
/// # Errors
/// [`StoreError`].
pub fn recall(conn: &mut Conn, taken: ShardSet, now: UtcMillis, before: UtcMillis) -> Result<(), StoreError> {
    let shards: Vec<i64> = taken.iter().map(Shard::number).collect();
    diesel::update(due_work::table)
        .filter(due_work::shard.eq_any(shards))
        .filter(due_work::kind.eq_any([DueKind::Sync, DueKind::Score]))
        .filter(due_work::due_at.gt(now).and(due_work::due_at.le(before)))
        .set(due_work::due_at.eq(now))
        .execute(conn)?;
    Ok(())
}
