//! Registrations: who has which personal link to a meeting, who shall have one, and what Zoom was asked for.
//!
//! Zoom keeps them by address and for one number of the meeting. People who share an address have a row each, with the
//! same registrant and the same link. What Zoom says of an address is written to all rows of it.

mod invited;
mod progress;
mod state;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

pub use self::invited::{Invited, LeftOut, Person, invited};
pub use self::state::{Learned, View, approval, conclude, reconcile, view};

use self::progress::{give, progress};
use super::due::{self, DueKind};
use super::meeting::MeetingRow;
use super::schema::{appointments, meeting_registrants, meeting_registration, people, zoom_meetings};
use super::types::text_enum;
use super::{Conn, StoreError, UtcMillis, each_backend, look};

/// What personal links are sealed for.
pub const LINK: &str = "registrant_link";

text_enum! {
    /// How a registration stands.
    pub enum RegistrantStatus {
        /// Zoom has not heard of it, or has taken it in without our knowing.
        New = "new",
        /// It is good.
        Approved = "approved",
        /// It waits for an approval.
        Pending = "pending",
        /// Somebody at Zoom refused it, or took it back there.
        Denied = "denied",
        /// It was taken back.
        Cancelled = "cancelled",
        /// Its meeting is no more.
        Closed = "closed",
    }
}

text_enum! {
    /// What Zoom was asked for.
    pub enum Asked {
        /// To register.
        Add = "add",
        /// To approve.
        Approve = "approve",
        /// To take back.
        Cancel = "cancel",
    }
}

/// A row of `meeting_registrants`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = meeting_registrants, treat_none_as_default_value = false)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct RegistrantRow {
    pub id: String,
    pub meeting_id: String,
    pub zoom_meeting_id: String,
    pub person_ref: Option<String>,
    pub email: String,
    pub email_key: String,
    pub name: String,
    pub zoom_registrant_id: Option<String>,
    pub join_url_enc: Option<Vec<u8>>,
    pub status: RegistrantStatus,
    pub asked: Option<Asked>,
    pub barred: bool,
    pub alone: bool,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub next_attempt_at: Option<UtcMillis>,
    pub registered_at: Option<UtcMillis>,
    pub created_at: UtcMillis,
    pub updated_at: UtcMillis,
    pub missed_at: Option<UtcMillis>,
}

/// A row of `meeting_registration`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = meeting_registration, treat_none_as_default_value = false, treat_none_as_null = true)]
#[diesel(primary_key(meeting_id))]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct ControlRow {
    pub meeting_id: String,
    pub zoom_meeting_id: String,
    pub look: bool,
    pub looked_at: Option<UtcMillis>,
    pub asked_at: Option<UtcMillis>,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub next_attempt_at: Option<UtcMillis>,
    pub updated_at: UtcMillis,
}

impl ControlRow {
    fn new(meeting_id: &str, number: &str, now: UtcMillis) -> Self {
        Self {
            meeting_id: meeting_id.to_owned(),
            zoom_meeting_id: number.to_owned(),
            look: false,
            looked_at: None,
            asked_at: None,
            attempts: 0,
            last_error: None,
            next_attempt_at: None,
            updated_at: now,
        }
    }
}

/// The registrations of a meeting, those of its earlier numbers included, in the order in which they were made.
///
/// # Errors
/// [`StoreError`].
pub fn of_meeting(conn: &mut Conn, meeting_id: &str) -> Result<Vec<RegistrantRow>, StoreError> {
    Ok(meeting_registrants::table
        .filter(meeting_registrants::meeting_id.eq(meeting_id))
        .order((meeting_registrants::created_at, meeting_registrants::id))
        .select(RegistrantRow::as_select())
        .load(conn)?)
}

/// The registrations of a meeting under this number.
fn of_number(conn: &mut Conn, meeting_id: &str, number: &str) -> Result<Vec<RegistrantRow>, StoreError> {
    let rows = of_meeting(conn, meeting_id)?;
    Ok(rows.into_iter().filter(|row| row.zoom_meeting_id == number).collect())
}

/// The sealed personal link of somebody for a meeting as it is at Zoom now ([`LINK`]), if they are registered under the
/// address that they have now, and the meeting still has registration.
///
/// # Errors
/// [`StoreError`].
pub fn link_of(conn: &mut Conn, meeting: &MeetingRow, person: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let (Some(number), Some(_)) = (&meeting.zoom_meeting_id, approval(meeting)?) else { return Ok(None) };
    let address: Option<Option<String>> =
        people::table.find(person).select(people::email_key).first(conn).optional()?;
    let Some(address) = address.flatten() else { return Ok(None) };
    let links: Vec<Option<Vec<u8>>> = meeting_registrants::table
        .filter(meeting_registrants::meeting_id.eq(&meeting.id))
        .filter(meeting_registrants::zoom_meeting_id.eq(number))
        .filter(meeting_registrants::person_ref.eq(person))
        .filter(meeting_registrants::email_key.eq(address))
        .filter(meeting_registrants::status.eq(RegistrantStatus::Approved))
        .order(meeting_registrants::created_at.desc())
        .select(meeting_registrants::join_url_enc)
        .load(conn)?;
    Ok(links.into_iter().flatten().next())
}

/// How far a meeting's registrations are.
///
/// # Errors
/// [`StoreError`].
pub fn control(conn: &mut Conn, meeting_id: &str) -> Result<Option<ControlRow>, StoreError> {
    let row = meeting_registration::table.find(meeting_id).select(ControlRow::as_select());
    Ok(row.first(conn).optional()?)
}

fn save_control(conn: &mut Conn, row: &ControlRow) -> Result<(), StoreError> {
    each_backend!(conn, |c| diesel::insert_into(meeting_registration::table)
        .values(row)
        .on_conflict(meeting_registration::meeting_id)
        .do_update()
        .set(row)
        .execute(c))?;
    Ok(())
}

fn insert(conn: &mut Conn, row: &RegistrantRow) -> Result<(), StoreError> {
    diesel::insert_into(meeting_registrants::table).values(row).execute(conn)?;
    Ok(())
}

/// Zoom has a meeting with registration: there may be people to register for it. `anew`: it was made or changed just
/// now, so that what it refused before is worth another try; `links`: the links are other ones than before.
///
/// # Errors
/// [`StoreError`].
pub fn open(
    conn: &mut Conn,
    meeting_id: &str,
    number: &str,
    anew: bool,
    links: bool,
    now: UtcMillis,
) -> Result<(), StoreError> {
    let known = control(conn, meeting_id)?.filter(|row| row.zoom_meeting_id == number);
    let mut row = known.unwrap_or_else(|| ControlRow::new(meeting_id, number, now));
    if anew {
        (row.attempts, row.next_attempt_at, row.last_error) = (0, None, None);
    }
    row.look |= links;
    row.updated_at = now;
    save_control(conn, &row)?;
    due::set(conn, DueKind::Register, meeting_id, now)
}

/// The meeting has lost this number: its registrations went with it. Who they were stays, for those who used them.
///
/// # Errors
/// [`StoreError`].
pub fn close(conn: &mut Conn, meeting_id: &str, number: &str, now: UtcMillis) -> Result<(), StoreError> {
    let lost = meeting_registrants::table
        .filter(meeting_registrants::meeting_id.eq(meeting_id))
        .filter(meeting_registrants::zoom_meeting_id.eq(number));
    diesel::update(lost)
        .set((
            meeting_registrants::status.eq(RegistrantStatus::Closed),
            meeting_registrants::asked.eq(None::<Asked>),
            meeting_registrants::join_url_enc.eq(None::<Vec<u8>>),
            meeting_registrants::next_attempt_at.eq(None::<UtcMillis>),
            meeting_registrants::updated_at.eq(now),
        ))
        .execute(conn)?;
    due::clear(conn, DueKind::Register, meeting_id)
}

/// The meeting keeps this number without registration: nobody's link opens anything, and who is registered is found out
/// when it has registration again.
///
/// # Errors
/// [`StoreError`].
pub fn suspend(conn: &mut Conn, meeting_id: &str, number: &str, now: UtcMillis) -> Result<(), StoreError> {
    let good = [RegistrantStatus::Approved, RegistrantStatus::Pending];
    let of_number = meeting_registrants::table
        .filter(meeting_registrants::meeting_id.eq(meeting_id))
        .filter(meeting_registrants::zoom_meeting_id.eq(number))
        .filter(meeting_registrants::status.eq_any(good));
    diesel::update(of_number)
        .set((
            meeting_registrants::status.eq(RegistrantStatus::New),
            meeting_registrants::asked.eq(None::<Asked>),
            meeting_registrants::join_url_enc.eq(None::<Vec<u8>>),
            meeting_registrants::missed_at.eq(None::<UtcMillis>),
            meeting_registrants::registered_at.eq(None::<UtcMillis>),
            meeting_registrants::updated_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// A booking has another roster, or somebody on it another address: its registrations follow.
///
/// # Errors
/// [`StoreError`].
pub fn roster_changed(conn: &mut Conn, appointment_id: &str, now: UtcMillis) -> Result<(), StoreError> {
    // A meeting that never had registration has none to change.
    let meetings: Vec<String> = zoom_meetings::table
        .filter(zoom_meetings::appointment_id.eq(appointment_id))
        .filter(zoom_meetings::zoom_meeting_id.is_not_null())
        .filter(zoom_meetings::registration_url.is_not_null())
        .select(zoom_meetings::id)
        .load(conn)?;
    meetings.iter().try_for_each(|meeting| due::set(conn, DueKind::Register, meeting, now))
}

/// What a webhook says of somebody's registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The meeting's number.
    pub number: String,
    /// Zoom's id of the registrant.
    pub registrant: String,
    /// The address, as Zoom tells it.
    pub email: String,
    /// How it stands now; `None` when the event does not say.
    pub status: Option<RegistrantStatus>,
}

/// Takes a webhook in: what is no news, our own echo above all, changes nothing; otherwise Zoom's lists are read.
///
/// # Errors
/// [`StoreError`].
pub fn heard(conn: &mut Conn, meeting_id: &str, heard: &Heard, now: UtcMillis) -> Result<(), StoreError> {
    let rows = of_number(conn, meeting_id, &heard.number)?;
    let email_key = super::person::email_key(heard.email.trim());
    let own_or_known = |row: &RegistrantRow| {
        let same = row.zoom_registrant_id.as_deref() == Some(heard.registrant.as_str());
        // Our own request is on its way; should its answer be lost, Zoom's lists are read anyway.
        row.email_key == email_key && row.asked.is_some()
            || same && heard.status.is_none_or(|status| status == row.status)
            // A registration that we took back may have another one in its place by now.
            || same && row.status == RegistrantStatus::Cancelled
            || row.email_key == email_key
                && heard.status == Some(RegistrantStatus::Cancelled)
                && (row.status == RegistrantStatus::Cancelled || !same && row.zoom_registrant_id.is_some())
    };
    if rows.iter().any(own_or_known) {
        return Ok(());
    }
    want_look(conn, meeting_id, &heard.number, now)
}

/// Somebody wants Zoom's lists of a meeting's registrants read.
///
/// # Errors
/// [`StoreError`].
pub fn want_look(conn: &mut Conn, meeting_id: &str, number: &str, now: UtcMillis) -> Result<(), StoreError> {
    open(conn, meeting_id, number, false, true, now)
}

/// Bars an address from a meeting: what it has is taken back, and nothing is asked for it any more until somebody
/// lifts that (`barred` false), also where somebody at Zoom refused it.
///
/// # Errors
/// [`StoreError`].
pub fn bar(conn: &mut Conn, row: &RegistrantRow, barred: bool, now: UtcMillis) -> Result<(), StoreError> {
    let of_address = meeting_registrants::table
        .filter(meeting_registrants::meeting_id.eq(&row.meeting_id))
        .filter(meeting_registrants::zoom_meeting_id.eq(&row.zoom_meeting_id))
        .filter(meeting_registrants::email_key.eq(&row.email_key));
    diesel::update(of_address)
        .set((
            meeting_registrants::barred.eq(barred),
            meeting_registrants::attempts.eq(0),
            meeting_registrants::next_attempt_at.eq(None::<UtcMillis>),
            meeting_registrants::updated_at.eq(now),
        ))
        .execute(conn)?;
    if !barred {
        diesel::update(of_address.filter(meeting_registrants::status.eq(RegistrantStatus::Denied)))
            .set(meeting_registrants::status.eq(RegistrantStatus::New))
            .execute(conn)?;
    }
    due::set(conn, DueKind::Register, &row.meeting_id, now)
}

/// A host has a licence now: their meetings to come that Zoom keeps otherwise than they are wanted, without registration
/// above all, are told once more, and who waits to be registered is.
///
/// # Errors
/// [`StoreError`].
pub fn host_is_licensed(conn: &mut Conn, zoom_user_id: &str, now: UtcMillis) -> Result<(), StoreError> {
    let ahead = zoom_meetings::table
        .inner_join(appointments::table)
        .filter(zoom_meetings::host_id.eq(zoom_user_id))
        .filter(zoom_meetings::zoom_meeting_id.is_not_null())
        .filter(appointments::end_at.gt(now));
    let parked: Vec<String> = ahead
        .filter(zoom_meetings::sync_state.eq("parked"))
        .order(appointments::start_at)
        .limit(WAKE_MAX)
        .select(zoom_meetings::id)
        .load(conn)?;
    parked.iter().try_for_each(|meeting| look::want_resync(conn, meeting, now))?;
    let refused: Vec<(String, String)> = ahead
        .inner_join(meeting_registration::table.on(meeting_registration::meeting_id.eq(zoom_meetings::id)))
        .filter(meeting_registration::next_attempt_at.is_not_null())
        .order(appointments::start_at)
        .limit(WAKE_MAX)
        .select((zoom_meetings::id, meeting_registration::zoom_meeting_id))
        .load(conn)?;
    refused.iter().try_for_each(|(meeting, number)| open(conn, meeting, number, true, false, now))
}

/// More meetings than this are not woken at once; the others come with their own next try.
const WAKE_MAX: i64 = 1000;

/// A time as the row has it.
fn at(time: Option<UtcMillis>) -> Option<DateTime<Utc>> {
    time.map(Into::into)
}
