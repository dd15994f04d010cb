//! Between the rows of a meeting's registrations and the shape that `domain::registration` decides on.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{Asked, ControlRow, Invited, RegistrantRow, RegistrantStatus, at, invited};
use crate::domain::appointment::{AppointmentStatus, MeetingSpec};
use crate::domain::registration::{Approval, Ask, Entry, Known, Standing};
use crate::store::due::{self, DueKind};
use crate::store::meeting::MeetingRow;
use crate::store::{Conn, StoreError, UtcMillis, appointment, meeting};

/// Everything that a decision about a meeting's registrations rests on.
#[derive(Debug, Clone)]
pub struct View {
    /// Our id of the meeting.
    pub meeting_id: String,
    /// Its booking.
    pub appointment_id: String,
    /// Its number at Zoom.
    pub number: String,
    /// How registrations become good.
    pub approval: Approval,
    /// The roster.
    pub invited: Invited,
    /// The registrations under this number.
    pub rows: Vec<RegistrantRow>,
    /// The addresses that were barred under the number before this one, as far as they were known under one.
    pub barred: BTreeSet<String>,
    /// How far they are.
    pub control: ControlRow,
    /// When the work was due, read before anything else.
    pub due_at: Option<UtcMillis>,
}

/// What Zoom said of an address, beside how it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// The registrant's id.
    pub registrant: Option<String>,
    /// The sealed link.
    pub link: Option<Vec<u8>>,
    /// The address and the name as Zoom has them, for somebody whom nobody here knows.
    pub stranger: Option<(String, String)>,
}

/// What there is to decide on; `None` when the meeting has no registration now, or nobody needs it any more.
///
/// # Errors
/// [`StoreError`].
pub fn view(
    conn: &mut Conn,
    meeting_id: &str,
    domain: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<View>, StoreError> {
    // First of all: what becomes due after this is not in what is read next, and must not be forgotten with it.
    let due_at = due::at(conn, DueKind::Register, meeting_id)?;
    let Some(meeting) = meeting::by_id(conn, meeting_id)? else { return Ok(None) };
    let Some(booking) = appointment::by_id(conn, &meeting.appointment_id)? else { return Ok(None) };
    let wanted = AppointmentStatus::parse(&booking.status).is_some_and(AppointmentStatus::wants_meeting);
    let over = DateTime::<Utc>::from(booking.end_at) <= now;
    let (Some(number), Some(approval), true, false) =
        (meeting.zoom_meeting_id.clone(), approval(&meeting)?, wanted, over)
    else {
        return Ok(None);
    };
    let control = super::control(conn, meeting_id)?.filter(|row| row.zoom_meeting_id == number);
    let (rows, earlier): (Vec<_>, Vec<_>) =
        super::of_meeting(conn, meeting_id)?.into_iter().partition(|row| row.zoom_meeting_id == number);
    Ok(Some(View {
        invited: invited(conn, &booking.id, &meeting, domain)?,
        rows: without_doubles(rows),
        barred: still_barred(&earlier),
        control: control.unwrap_or_else(|| ControlRow::new(meeting_id, &number, now.into())),
        meeting_id: meeting.id,
        appointment_id: booking.id,
        number,
        approval,
        due_at,
    }))
}

/// Leaves out what an erased person shared with somebody who is still there: that one's row speaks for the registration.
fn without_doubles(rows: Vec<RegistrantRow>) -> Vec<RegistrantRow> {
    let named: BTreeSet<String> = rows
        .iter()
        .filter(|row| !row.email.is_empty())
        .filter_map(|row| row.zoom_registrant_id.clone())
        .collect();
    let is_double = |row: &RegistrantRow| {
        row.email.is_empty() && row.zoom_registrant_id.as_ref().is_some_and(|id| named.contains(id))
    };
    rows.into_iter().filter(|row| !is_double(row)).collect()
}

/// The addresses that the last of these rows, in the order in which they were made, bars.
fn still_barred(rows: &[RegistrantRow]) -> BTreeSet<String> {
    let last: BTreeMap<&str, bool> = rows.iter().map(|row| (row.email_key.as_str(), row.barred)).collect();
    last.into_iter().filter(|(_, barred)| *barred).map(|(address, _)| address.to_owned()).collect()
}

/// How registrations become good at Zoom, as far as is known; `None` without registration. While that is uncertain, a
/// meeting that has its page for registering goes on as most do.
///
/// # Errors
/// [`StoreError::Corrupt`].
pub fn approval(meeting: &MeetingRow) -> Result<Option<Approval>, StoreError> {
    match &meeting.told {
        Some(told) => Ok(Approval::of(&told.parse::<MeetingSpec>("zoom_meetings.told")?.settings)),
        None => {
            let had = meeting.zoom_meeting_id.is_some() && meeting.registration_url.is_some();
            Ok(had.then_some(Approval::Automatic))
        }
    }
}

impl View {
    /// The addresses of who is invited.
    #[must_use]
    pub fn wanted(&self) -> BTreeSet<String> {
        self.invited.people.iter().map(|person| person.email_key.clone()).collect()
    }

    /// What is known, address by address.
    #[must_use]
    pub fn known(&self) -> Known {
        let mut entries: BTreeMap<&str, Entry> = BTreeMap::new();
        for row in &self.rows {
            let entry = entries.entry(&row.email_key).or_insert_with(|| entry(row));
            entry.ours |= row.person_ref.is_some();
        }
        let control = &self.control;
        Known {
            entries: entries.into_values().collect(),
            look: control.look,
            looked_at: at(control.looked_at),
            asked_at: at(control.asked_at),
            attempts: control.attempts,
            not_before: at(control.next_attempt_at),
        }
    }
}

fn entry(row: &RegistrantRow) -> Entry {
    Entry {
        address: row.email_key.clone(),
        standing: match row.status {
            RegistrantStatus::Approved => Standing::Approved,
            RegistrantStatus::Pending => Standing::Pending,
            RegistrantStatus::Denied => Standing::Denied,
            RegistrantStatus::New | RegistrantStatus::Cancelled | RegistrantStatus::Closed => Standing::Out,
        },
        asked: row.asked.map(|asked| match asked {
            Asked::Add => Ask::Add,
            Asked::Approve => Ask::Approve,
            Asked::Cancel => Ask::Cancel,
        }),
        barred: row.barred,
        alone: row.alone,
        attempts: row.attempts,
        not_before: at(row.next_attempt_at),
        ours: row.person_ref.is_some(),
        missed: at(row.missed_at),
    }
}

/// Gives everybody who is invited a row: a stranger's under the same address becomes theirs, and who shares an address
/// shares what is known of it. `true` when a row was written; the view is to be read again then.
///
/// # Errors
/// [`StoreError`].
pub fn reconcile(conn: &mut Conn, view: &View, now: UtcMillis) -> Result<bool, StoreError> {
    let mut rows = by_address(&view.rows);
    let mut written = false;
    for person in &view.invited.people {
        let of_address = rows.entry(&person.email_key).or_default();
        if of_address.iter().any(|row| row.person_ref.as_deref() == Some(person.person.as_str())) {
            continue;
        }
        written = true;
        if let Some(row) = of_address.iter_mut().find(|row| row.person_ref.is_none()) {
            super::give(conn, &row.id, person, now)?;
            row.to_mut().person_ref = Some(person.person.clone());
            continue;
        }
        let shared = of_address.first().map(|row| row.clone().into_owned());
        let row = RegistrantRow {
            id: uuid::Uuid::now_v7().to_string(),
            person_ref: Some(person.person.clone()),
            email: person.email.clone(),
            name: person.name.clone(),
            created_at: now,
            updated_at: now,
            ..shared.unwrap_or_else(|| blank(view, &person.email_key, now))
        };
        super::insert(conn, &row)?;
        of_address.push(Cow::Owned(row));
    }
    Ok(written)
}

fn by_address(rows: &[RegistrantRow]) -> BTreeMap<&str, Vec<Cow<'_, RegistrantRow>>> {
    let mut found: BTreeMap<&str, Vec<Cow<'_, RegistrantRow>>> = BTreeMap::new();
    for row in rows {
        found.entry(&row.email_key).or_default().push(Cow::Borrowed(row));
    }
    found
}

fn blank(view: &View, email_key: &str, now: UtcMillis) -> RegistrantRow {
    RegistrantRow {
        id: String::new(),
        meeting_id: view.meeting_id.clone(),
        zoom_meeting_id: view.number.clone(),
        person_ref: None,
        email: email_key.to_owned(),
        email_key: email_key.to_owned(),
        name: String::new(),
        zoom_registrant_id: None,
        join_url_enc: None,
        status: RegistrantStatus::New,
        asked: None,
        // Whoever removed them meant the meeting, not its number.
        barred: view.barred.contains(email_key),
        alone: false,
        attempts: 0,
        last_error: None,
        next_attempt_at: None,
        registered_at: None,
        created_at: now,
        updated_at: now,
        missed_at: None,
    }
}

/// Writes what is known after a step, and what Zoom said beside it. `error` is told of whoever waits because of it.
/// Who it is about, and whether they are barred, is not decided here: others may have written that since `view`.
///
/// # Errors
/// [`StoreError`].
pub fn conclude(
    conn: &mut Conn,
    view: &View,
    after: &Known,
    learned: &BTreeMap<String, Learned>,
    error: Option<&str>,
    now: UtcMillis,
) -> Result<(), StoreError> {
    let rows = by_address(&view.rows);
    for entry in &after.entries {
        let learned = learned.get(&entry.address);
        let of_address = rows.get(entry.address.as_str());
        for row in of_address.into_iter().flatten() {
            let mut next = row.clone().into_owned();
            note(&mut next, entry, learned, error, now);
            if next != **row {
                super::progress(conn, row, &next, now)?;
            }
        }
        let stranger = learned.and_then(|known| known.stranger.clone());
        if let (None, Some((email, name))) = (of_address, stranger) {
            let id = uuid::Uuid::now_v7().to_string();
            let mut row = RegistrantRow { id, email, name, ..blank(view, &entry.address, now) };
            note(&mut row, entry, learned, None, now);
            super::insert(conn, &row)?;
        }
    }
    let waits = after.not_before.map(UtcMillis::from);
    super::save_control(
        conn,
        &ControlRow {
            look: after.look,
            looked_at: after.looked_at.map(UtcMillis::from),
            asked_at: after.asked_at.map(UtcMillis::from),
            attempts: after.attempts,
            last_error: if waits.is_some() { error.map(str::to_owned) } else { None },
            next_attempt_at: waits,
            updated_at: now,
            ..view.control.clone()
        },
    )
}

fn note(
    row: &mut RegistrantRow,
    entry: &Entry,
    learned: Option<&Learned>,
    error: Option<&str>,
    now: UtcMillis,
) {
    row.asked = entry.asked.map(|asked| match asked {
        Ask::Add => Asked::Add,
        Ask::Approve => Asked::Approve,
        Ask::Cancel => Asked::Cancel,
    });
    row.status = match entry.standing {
        Standing::Approved => RegistrantStatus::Approved,
        Standing::Pending => RegistrantStatus::Pending,
        Standing::Denied => RegistrantStatus::Denied,
        Standing::Out if row.status == RegistrantStatus::New => RegistrantStatus::New,
        Standing::Out => RegistrantStatus::Cancelled,
    };
    (row.alone, row.attempts) = (entry.alone, entry.attempts);
    row.missed_at = entry.missed.map(UtcMillis::from);
    let parked = entry.not_before.map(UtcMillis::from);
    if parked != row.next_attempt_at {
        row.last_error = error.filter(|_| parked.is_some()).map(str::to_owned);
        row.next_attempt_at = parked;
    }
    if let Some(learned) = learned {
        row.zoom_registrant_id = learned.registrant.clone().or_else(|| row.zoom_registrant_id.take());
        row.join_url_enc = learned.link.clone().or_else(|| row.join_url_enc.take());
    }
    match entry.standing {
        Standing::Approved => row.registered_at = row.registered_at.or(Some(now)),
        // A link that opens nothing is nobody's.
        Standing::Out | Standing::Denied => (row.join_url_enc, row.registered_at) = (None, None),
        Standing::Pending => {}
    }
}
