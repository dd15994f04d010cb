//! Which bookings of the past a `convened resync --from` means, and how far one has come.

use diesel::prelude::*;

use super::judging::HELD;
use super::schema::{appointments, meeting_judgings, resyncs, zoom_meetings};
use super::{Conn, StoreError, UtcMillis, each_backend};

/// A booking of the past.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Past {
    /// Our id of its meeting.
    pub meeting_id: String,
    /// Its id.
    pub appointment_id: String,
    /// When it began.
    pub start_at: UtcMillis,
    /// When everything about it was last begun to be read again.
    pub served_at: Option<UtcMillis>,
    /// Raised by whoever wants that.
    pub wanted: Option<i64>,
    /// Up to where it is begun.
    pub served: Option<i64>,
}

/// The bookings that began from `from` to before `to`, are over at `now` and have a meeting at Zoom, in the order of
/// their beginning, after `after`.
///
/// # Errors
/// [`StoreError`].
pub fn past(
    conn: &mut Conn,
    (from, to): (UtcMillis, UtcMillis),
    now: UtcMillis,
    after: Option<(UtcMillis, String)>,
    limit: i64,
) -> Result<Vec<Past>, StoreError> {
    let mut query = zoom_meetings::table
        .inner_join(appointments::table)
        .left_join(meeting_judgings::table)
        .filter(appointments::start_at.ge(from).and(appointments::start_at.lt(to)))
        .filter(appointments::end_at.le(now).and(appointments::status.eq_any(HELD)))
        // Zoom would say again who was there, which is put away.
        .filter(appointments::anonymised_at.is_null())
        .filter(zoom_meetings::zoom_meeting_id.is_not_null())
        .order((appointments::start_at, zoom_meetings::id))
        .limit(limit)
        .select((
            zoom_meetings::id,
            appointments::id,
            appointments::start_at,
            meeting_judgings::served_at.nullable(),
            meeting_judgings::wanted.nullable(),
            meeting_judgings::served.nullable(),
        ))
        .into_boxed();
    if let Some((at, id)) = after {
        let same = appointments::start_at.eq(at).and(zoom_meetings::id.gt(id));
        query = query.filter(appointments::start_at.gt(at).or(same));
    }
    Ok(query.load(conn)?)
}

/// How many bookings [`past`] would give.
///
/// # Errors
/// [`StoreError`].
pub fn count(conn: &mut Conn, (from, to): (UtcMillis, UtcMillis), now: UtcMillis) -> Result<i64, StoreError> {
    Ok(zoom_meetings::table
        .inner_join(appointments::table)
        .filter(appointments::start_at.ge(from).and(appointments::start_at.lt(to)))
        .filter(appointments::end_at.le(now).and(appointments::status.eq_any(HELD)))
        // Zoom would say again who was there, which is put away.
        .filter(appointments::anonymised_at.is_null())
        .filter(zoom_meetings::zoom_meeting_id.is_not_null())
        .count()
        .get_result(conn)?)
}

/// Begins a resync of a span, or goes on with the one that was interrupted; gives when it was begun.
///
/// # Errors
/// [`StoreError`].
pub fn begin(conn: &mut Conn, span: &str, now: UtcMillis) -> Result<UtcMillis, StoreError> {
    each_backend!(conn, |c| diesel::insert_into(resyncs::table)
        .values((resyncs::span.eq(span), resyncs::started_at.eq(now)))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(resyncs::table.find(span).select(resyncs::started_at).first(conn)?)
}

/// The resync of a span is through: the next begins anew.
///
/// # Errors
/// [`StoreError`].
pub fn finish(conn: &mut Conn, span: &str) -> Result<(), StoreError> {
    diesel::delete(resyncs::table.find(span)).execute(conn)?;
    Ok(())
}
