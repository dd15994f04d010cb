//! What has to happen when: one indexed table that wakes the daemon after any silence or crash.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::schema::{appointments, due_work, meeting_instances, zoom_meetings};
use super::types::text_enum;
use super::{Conn, StoreError, UtcMillis, each_backend};
use crate::domain::appointment::AppointmentStatus;
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
        /// Register people at Zoom; the key is a meeting id.
        Register = "register",
        /// Put away what is old; the key is [`ACCOUNT`].
        Retention = "retention",
        /// Erase a person; the key is the `ref` under which their history goes on.
        Erasure = "erasure",
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
    /// The kinds that can do nothing while Zoom cannot be called: they stay rows until it can.
    pub const NEEDING_ZOOM: &'static [Self] = &[Self::Sync, Self::Report, Self::Register];

    /// Work about a meeting is done by the process that has the meeting's shard; `None` for work about no
    /// meeting, or about the whole account: any process may do it.
    fn about(self) -> Option<About> {
        match self {
            Self::Sync | Self::Register => Some(About::Meeting),
            Self::WindowEnd | Self::AutoEnd | Self::Score => Some(About::Booking),
            Self::Report => Some(About::Instance),
            Self::Licences | Self::ZoomUsers | Self::ZoomUser | Self::Seats => None,
            Self::Sweep | Self::Orphan | Self::Notify => None,
            Self::Retention | Self::Erasure => None,
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
    /// Who goes first of what is due, the earliest first: for meetings their planned start, and the beginning of
    /// time for those that must go away; for everything else the time it is due.
    pub rank_at: UtcMillis,
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

/// How much may be handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Meetings to be synced: as many as there are places for on the way to Zoom.
    pub sync: i64,
    /// Everything else.
    pub other: i64,
    /// Whether Zoom can be called; while not, [`DueKind::NEEDING_ZOOM`] is left alone.
    pub zoom: bool,
}

impl Room {
    /// The kinds that are handed out beside meetings.
    fn left_out(&self) -> &'static [DueKind] {
        if self.zoom { &[DueKind::Sync] } else { DueKind::NEEDING_ZOOM }
    }

    fn takes_meetings(&self) -> bool {
        self.zoom && self.sync > 0
    }
}

/// The place in line of what must go away: before everything that is to be made or moved.
#[must_use]
pub fn first_in_line() -> UtcMillis {
    UtcMillis::from(chrono::DateTime::UNIX_EPOCH)
}

/// Sets the time of a piece of work, whatever it was before. A meeting's place in line is looked up: whoever
/// knows it already spares that with [`set_ranked`].
///
/// # Errors
/// [`StoreError`].
pub fn set(conn: &mut Conn, kind: DueKind, key: &str, due_at: UtcMillis) -> Result<(), StoreError> {
    let rank_at = match kind {
        DueKind::Sync => rank_of_meeting(conn, key)?.unwrap_or(due_at),
        _ => due_at,
    };
    set_ranked(conn, kind, key, due_at, rank_at)
}

/// Sets the time of a piece of work and its place in line, whatever they were before.
///
/// # Errors
/// [`StoreError`].
pub fn set_ranked(
    conn: &mut Conn,
    kind: DueKind,
    key: &str,
    due_at: UtcMillis,
    rank_at: UtcMillis,
) -> Result<(), StoreError> {
    let shard = shard_of(conn, kind, key)?;
    let row = DueRow { kind, key: key.to_owned(), due_at, shard, rank_at };
    each_backend!(conn, |c| diesel::insert_into(due_work::table)
        .values(&row)
        .on_conflict((due_work::kind, due_work::key))
        .do_update()
        .set((due_work::due_at.eq(due_at), due_work::shard.eq(shard), due_work::rank_at.eq(rank_at)))
        .execute(c))?;
    Ok(())
}

/// The place in line of a meeting: soonest start first, and before them what must go away.
fn rank_of_meeting(conn: &mut Conn, id: &str) -> Result<Option<UtcMillis>, StoreError> {
    let found: Option<(String, UtcMillis)> = zoom_meetings::table
        .inner_join(appointments::table)
        .filter(zoom_meetings::id.eq(id))
        .select((appointments::status, appointments::start_at))
        .first(conn)
        .optional()?;
    Ok(found.map(|(status, start_at)| {
        let wanted = AppointmentStatus::parse(&status).is_some_and(AppointmentStatus::wants_meeting);
        if wanted { start_at } else { first_in_line() }
    }))
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
            let shard = shard_of(conn, kind, key)?;
            let row = DueRow { kind, key: key.to_owned(), due_at, shard, rank_at: due_at };
            each_backend!(conn, |c| diesel::insert_into(due_work::table)
                .values(&row)
                .on_conflict_do_nothing()
                .execute(c))?;
        }
        (None, None) => {}
    }
    Ok(())
}

/// The shards whose work a process may take that has `mine`: these, and what is anybody's.
fn takeable(mine: ShardSet) -> Vec<i64> {
    std::iter::once(ANYBODYS).chain(mine.iter().map(Shard::number)).collect()
}

/// Everything but meetings, in the words of the index `due_work_others`: with a bound value in them neither database
/// would know that it may use it.
fn beside_meetings() -> SqlLiteral<Bool> {
    sql("due_work.kind <> 'sync'")
}

/// Whether there is anything to hand out at `now` to a process that has the shards `mine`.
///
/// # Errors
/// [`StoreError`].
pub fn any(conn: &mut Conn, mine: ShardSet, now: UtcMillis, room: Room) -> Result<bool, StoreError> {
    let mut due = due_work::table.filter(due_work::due_at.le(now)).select(due_work::key).into_boxed();
    if !room.takes_meetings() {
        due = due.filter(beside_meetings()).filter(due_work::kind.ne_all(room.left_out()));
    }
    if mine != ShardSet::ALL {
        due = due.filter(due_work::shard.eq_any(takeable(mine)));
    }
    let first: Option<String> = due.first(conn).optional()?;
    Ok(first.is_some())
}

/// Takes what is due at `now`, as much as there is `room` for, and puts it off until `again_at`, so that each
/// piece is handed out once, and again should whoever got it die. Meetings come in the order of their rank. What
/// another process is taking at this moment is passed over.
///
/// # Errors
/// [`StoreError`].
pub fn claim(
    conn: &mut Conn,
    mine: ShardSet,
    now: UtcMillis,
    again_at: UtcMillis,
    room: Room,
) -> Result<Vec<DueRow>, StoreError> {
    let is_due = due_work::due_at.le(now);
    let others = due_work::table
        .filter(is_due.and(beside_meetings()).and(due_work::kind.ne_all(room.left_out())))
        .order((due_work::due_at, due_work::kind, due_work::key))
        .limit(room.other);
    let meetings = due_work::table
        .filter(is_due.and(due_work::kind.eq(DueKind::Sync)))
        .order((due_work::rank_at, due_work::due_at, due_work::key))
        .limit(if room.takes_meetings() { room.sync } else { 0 });
    let mut due: Vec<DueRow>;
    match conn {
        Conn::Sqlite(conn) => {
            due = others.select(DueRow::as_select()).load(conn)?;
            due.extend(meetings.select(DueRow::as_select()).load(conn)?);
        }
        Conn::Postgres(conn) => {
            let mine = takeable(mine);
            let others = others.filter(due_work::shard.eq_any(mine.clone()));
            due = others.select(DueRow::as_select()).for_update().skip_locked().load(conn)?;
            let meetings = meetings.filter(due_work::shard.eq_any(mine));
            due.extend(meetings.select(DueRow::as_select()).for_update().skip_locked().load(conn)?);
        }
    }
    for row in &due {
        diesel::update(due_work::table.find((row.kind, &row.key)))
            .set(due_work::due_at.eq(again_at))
            .execute(conn)?;
    }
    Ok(due)
}

/// Makes due at `now` what the former owner of the shards `taken` may have had in hand when it died: bringing
/// Zoom in line, registrations and scoring, put off until at most `before`. All are safe to do once too often.
///
/// # Errors
/// [`StoreError`].
pub fn recall(conn: &mut Conn, taken: ShardSet, now: UtcMillis, before: UtcMillis) -> Result<(), StoreError> {
    let shards: Vec<i64> = taken.iter().map(Shard::number).collect();
    diesel::update(due_work::table)
        .filter(due_work::shard.eq_any(shards))
        .filter(due_work::kind.eq_any([DueKind::Sync, DueKind::Score, DueKind::Register]))
        .filter(due_work::due_at.gt(now).and(due_work::due_at.le(before)))
        .set(due_work::due_at.eq(now))
        .execute(conn)?;
    Ok(())
}
