//! The live half of a meeting's actor: what its webhooks made known, and how a batch of them changes it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::echo;
use crate::actors::attendance::auto_end;
use crate::actors::engine::Engine;
use crate::domain::appointment::AppointmentStatus;
use crate::domain::connection::{Connection, Connections};
use crate::domain::events::{EventKind, ZoomEvent};
use crate::domain::lifecycle::{MeetingStatus, Planned, Run, appointment_status, meeting_status};
use crate::store::due::{self, DueKind};
use crate::store::inbox::{self, InboxEvent};
use crate::store::instance::{self, InstanceRow};
use crate::store::meeting::{self, SyncView};
use crate::store::outbox::Event;
use crate::store::registrant::{self, Heard};
use crate::store::shard::Fence;
use crate::store::{
    Conn, StoreError, UtcMillis, appointment, judging, lifecycle, look, news, participant, story,
};
use crate::zoom::event;

/// What is known of a meeting's runs; a cache of the store.
#[derive(Debug, Default)]
pub(super) struct Live {
    connections: Connections,
    instances: BTreeMap<String, Run>,
}

/// What a batch of events changed.
#[derive(Debug, Default)]
struct Changes {
    /// By their places.
    connections: BTreeSet<usize>,
    instances: BTreeSet<String>,
}

impl Live {
    /// Reads what the store knows.
    pub(super) async fn load(engine: &Engine, meeting_id: &str) -> Result<Self, StoreError> {
        let id = meeting_id.to_owned();
        let (rows, instances) = engine
            .store
            .read(move |conn| Ok((participant::of_meeting(conn, &id)?, instance::of_meeting(conn, &id)?)))
            .await?;
        let mut live = Self::default();
        for row in rows {
            live.connections.add(row.connection()?);
        }
        for row in instances {
            let run = Run { started: row.started_at.map(Into::into), ended: row.ended_at.map(Into::into) };
            live.instances.insert(row.uuid, run);
        }
        Ok(live)
    }

    /// Takes in one event. The order and the number of times make no difference.
    fn take(&mut self, event: &ZoomEvent, changes: &mut Changes) {
        let Some(uuid) = event.meeting.as_ref().and_then(|meeting| meeting.uuid.clone()) else { return };
        let seen = match &event.kind {
            EventKind::Started { start_time } => Some((start_time.or(event.event_ts), None)),
            EventKind::Ended { start_time, end_time } => Some((*start_time, end_time.or(event.event_ts))),
            _ => None,
        };
        if let Some((started, ended)) = seen {
            let known = self.instances.entry(uuid.clone()).or_insert(Run { started: None, ended: None });
            let next = Run { started: earliest(known.started, started), ended: known.ended.max(ended) };
            if *known != next {
                *known = next;
                changes.instances.insert(uuid);
            }
        }
        changes.connections.extend(self.connections.see(event));
    }

    fn runs(&self) -> Vec<Run> {
        self.instances.values().cloned().collect()
    }
}

fn earliest(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// What applying a batch came to.
#[derive(Debug)]
pub(super) struct Applied {
    /// The cache afterwards.
    pub(super) live: Live,
    /// The booking, when it has to be scored anew.
    pub(super) score: Option<String>,
    /// Something changed at Zoom that is not from us.
    pub(super) look: bool,
}

/// Applies events: folds them into what is known, writes what changed, and marks them done, all in one write.
pub(super) async fn apply(
    engine: &Engine,
    fence: Fence,
    view: &SyncView,
    mut live: Live,
    events: &[InboxEvent],
) -> Result<Applied, StoreError> {
    let before = meeting_status(&planned(view), &live.runs(), true);
    let mut changes = Changes::default();
    let (mut done, mut dead, mut look, mut heard) = (Vec::new(), Vec::new(), false, Vec::new());
    for stored in events {
        match event::parse(stored.body.as_bytes()) {
            Ok(event) => {
                look = look || echo::wants_a_look(view, &event, &stored.body)?;
                live.take(&event, &mut changes);
                heard.extend(echo::of_registration(view, &event));
                done.push(stored.id);
            }
            Err(error) => dead.push((stored.id, error.to_string())),
        }
    }
    let runs = live.runs();
    let status = meeting_status(&planned(view), &runs, view.meeting.zoom_meeting_id.is_some());
    let mut write = Batch::new(engine, view, &live, &changes, before, status);
    (write.done, write.dead, write.look, write.heard) = (done, dead, look, heard);
    engine
        .store
        .write(move |conn| {
            // What is written are wholes: a process that holds an old view must not write it over a newer one.
            fence.hold(conn)?;
            write.perform(conn)
        })
        .await?;
    if !(changes.connections.is_empty() && changes.instances.is_empty()) {
        engine.live.changed(&view.meeting.id);
    }
    let score = (status == MeetingStatus::Ended
        && !(changes.connections.is_empty() && changes.instances.is_empty()))
    .then(|| view.booking.id.clone());
    Ok(Applied { live, score, look })
}

fn planned(view: &SyncView) -> Planned {
    Planned { start: view.booking.start_at.into(), end: view.booking.end_at.into() }
}

/// Everything one write needs, owned, because the writer is another thread.
struct Batch {
    now: DateTime<Utc>,
    meeting_id: String,
    appointment_id: String,
    connections: Vec<Connection>,
    instances: Vec<InstanceRow>,
    /// The runs that belong to the booking.
    ours: BTreeSet<String>,
    done: Vec<i64>,
    dead: Vec<(i64, String)>,
    look: bool,
    /// What was said of registrations.
    heard: Vec<Heard>,
    before: MeetingStatus,
    status: MeetingStatus,
    started_at: Option<UtcMillis>,
    ended_at: Option<UtcMillis>,
    report_at: UtcMillis,
    window_end: UtcMillis,
    /// When it is to be ended should it still run then.
    auto_end_at: Option<UtcMillis>,
    score: bool,
}

impl Batch {
    fn new(
        engine: &Engine,
        view: &SyncView,
        live: &Live,
        changes: &Changes,
        before: MeetingStatus,
        status: MeetingStatus,
    ) -> Self {
        let now = engine.clock.now();
        let at = UtcMillis::from(now);
        let number = view.meeting.zoom_meeting_id.clone().unwrap_or_default();
        let instances = changes
            .instances
            .iter()
            .filter_map(|uuid| live.instances.get_key_value(uuid))
            .map(|(uuid, run)| InstanceRow {
                uuid: uuid.clone(),
                meeting_id: view.meeting.id.clone(),
                zoom_meeting_id: number.clone(),
                started_at: run.started.map(UtcMillis::from),
                ended_at: run.ended.map(UtcMillis::from),
                created_at: at,
                updated_at: at,
            })
            .collect();
        let covered = live.instances.iter().filter(|(_, run)| planned(view).covers(run));
        let (uuids, ours): (BTreeSet<String>, Vec<Run>) =
            covered.map(|(uuid, run)| (uuid.clone(), run.clone())).unzip();
        let last_end = ours.iter().filter_map(|run| run.ended).max();
        Self {
            now,
            meeting_id: view.meeting.id.clone(),
            appointment_id: view.booking.id.clone(),
            connections: changes
                .connections
                .iter()
                .filter_map(|place| live.connections.get(*place))
                .cloned()
                .collect(),
            instances,
            ours: uuids,
            done: Vec::new(),
            dead: Vec::new(),
            look: false,
            heard: Vec::new(),
            before,
            status,
            started_at: ours.iter().filter_map(|run| run.started).min().map(UtcMillis::from),
            ended_at: last_end.filter(|_| status == MeetingStatus::Ended).map(UtcMillis::from),
            report_at: UtcMillis::from(
                last_end.unwrap_or(now).max(now - engine.attendance.report_delay)
                    + engine.attendance.report_delay,
            ),
            window_end: UtcMillis::from(planned(view).end.max(now) + engine.attendance.report_delay),
            auto_end_at: auto_end::due_at(engine, planned(view).end)
                .filter(|_| status == MeetingStatus::Started),
            score: status == MeetingStatus::Ended,
        }
    }

    fn perform(self, conn: &mut Conn) -> Result<(), StoreError> {
        inbox::mark_done(conn, &self.done)?;
        for (id, error) in &self.dead {
            inbox::mark_dead(conn, *id, error)?;
        }
        if self.look {
            look::want(conn, &self.meeting_id, UtcMillis::from(self.now))?;
        }
        for heard in &self.heard {
            registrant::heard(conn, &self.meeting_id, heard, UtcMillis::from(self.now))?;
        }
        participant::save(conn, &self.meeting_id, &self.connections, self.now)?;
        for row in &self.instances {
            instance::save(conn, row)?;
            // A visit in the night needs no report.
            if row.ended_at.is_some() && self.ours.contains(&row.uuid) {
                let (at, now) = (self.report_at, row.updated_at);
                judging::expect_report(conn, &row.uuid, &self.meeting_id, at, now, false)?;
            }
        }
        if !self.instances.is_empty() {
            self.advance(conn)?;
            if let Some(at) = self.auto_end_at {
                due::set(conn, DueKind::AutoEnd, &self.appointment_id, at)?;
            }
            // Somebody sees how it came out, also where Zoom heard of the booking only after its end.
            due::replace(conn, DueKind::WindowEnd, &self.appointment_id, None, Some(self.window_end))?;
        }
        if self.score && !(self.connections.is_empty() && self.instances.is_empty()) {
            due::set(conn, DueKind::Score, &self.appointment_id, UtcMillis::from(self.now))?;
        }
        Ok(())
    }

    /// Brings meeting and booking to the status that the runs give them.
    fn advance(&self, conn: &mut Conn) -> Result<(), StoreError> {
        if matches!(self.status, MeetingStatus::Started | MeetingStatus::Ended) {
            let now = UtcMillis::from(self.now);
            let word = self.status.as_str();
            meeting::save_run(conn, &self.meeting_id, word, self.started_at, self.ended_at, now)?;
        }
        advance_booking(conn, &self.appointment_id, self.status, self.now)?;
        if self.before != self.status {
            let (event, text) = match self.status {
                MeetingStatus::Started => (Event::MeetingStarted, "the meeting started"),
                MeetingStatus::Ended => (Event::MeetingEnded, "the meeting ended"),
                _ => return Ok(()),
            };
            let details = json!({ "started_at": self.started_at.map(DateTime::<Utc>::from),
                "ended_at": self.ended_at.map(DateTime::<Utc>::from) });
            news::of_meeting(conn, self.now.into(), event, &self.meeting_id, details.clone())?;
            story::tell(conn, &self.appointment_id, self.now, event.as_str(), text, Some(details))?;
        }
        Ok(())
    }
}

/// Brings a booking to the status that its meeting gives it.
pub(crate) fn advance_booking(
    conn: &mut Conn,
    appointment_id: &str,
    meeting: MeetingStatus,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let now = UtcMillis::from(now);
    let next = loop {
        let Some(word) = lifecycle::status(conn, appointment_id)? else { return Ok(()) };
        let Some(current) = AppointmentStatus::parse(&word) else {
            return Err(StoreError::corrupt("appointments.status", "unknown word"));
        };
        let next = appointment_status(current, meeting);
        if next == current {
            return Ok(());
        }
        // Another process may have moved it since it was read: then by the status that it has now.
        if lifecycle::set_status(conn, appointment_id, (&word, next.as_str()), now)? {
            break next;
        }
    };
    match appointment::by_id(conn, appointment_id)?.filter(|_| next == AppointmentStatus::Completed) {
        Some(row) => news::of_booking(conn, now, Event::AppointmentCompleted, &row, Value::Null),
        None => Ok(()),
    }
}
