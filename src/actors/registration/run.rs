//! The loop over one meeting's registrations: decide on the rows and write the intent, ask Zoom, write down what came
//! of it, until there is nothing to do now.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use rand::RngExt;
use serde_json::json;

use super::perform::{self, Performed};
use crate::actors::engine::Engine;
use crate::domain::registration::{
    Ask, Failure, Known, Outcome, Patience, Standing, Step, next_step, settle,
};
use crate::store::due::{self, DueKind};
use crate::store::registrant::{self, View};
use crate::store::shard::Fence;
use crate::store::{Conn, StoreError, UtcMillis, look, story};

/// More steps than this in one go mean that something flaps; five thousand people are 170 requests.
const STEPS_MAX: usize = 400;
/// A crash between two steps is noticed by the clock after this.
const STEP_LEASE: Duration = Duration::seconds(60);
/// The pause of a meeting whose call was refused while nothing is wrong with Zoom, or that flaps.
const COME_AGAIN: Duration = Duration::seconds(5);

/// What was decided, its intent written.
struct Decision {
    view: View,
    step: Step,
}

/// Does what there is to do now for one meeting.
pub(super) async fn run(engine: &Engine, meeting_id: &str) -> Result<(), StoreError> {
    for _ in 0..STEPS_MAX {
        // Another process's by now: it does it.
        let Some(fence) = engine.shards.fence(meeting_id) else { return Ok(()) };
        if engine.zoom.door().outage().is_some() {
            return put_off(engine, fence, meeting_id, Duration::zero()).await;
        }
        let Some(Decision { view, step }) = decide(engine, fence, meeting_id).await? else { return Ok(()) };
        let performed = perform::step(engine, &view, &step).await;
        let shut = performed.outcome == Outcome::Failed(Failure::Shut);
        conclude(engine, fence, view, step, performed).await?;
        if shut {
            return put_off(engine, fence, meeting_id, COME_AGAIN).await;
        }
    }
    let Some(fence) = engine.shards.fence(meeting_id) else { return Ok(()) };
    put_off(engine, fence, meeting_id, COME_AGAIN).await
}

async fn put_off(engine: &Engine, fence: Fence, id: &str, pause: Duration) -> Result<(), StoreError> {
    let (id, at) = (id.to_owned(), UtcMillis::from(engine.clock.now() + pause));
    engine
        .store
        .write(move |conn| {
            fence.hold(conn)?;
            due::set(conn, DueKind::Register, &id, at)
        })
        .await
}

/// Reads, decides, and writes the intent, all in one transaction; `None` when there is nothing to do now.
async fn decide(engine: &Engine, fence: Fence, meeting_id: &str) -> Result<Option<Decision>, StoreError> {
    let (now, gap, id) = (engine.clock.now(), engine.sync.look_gap, meeting_id.to_owned());
    let domain = engine.meetings.email_domain.clone();
    engine
        .store
        .write(move |conn| {
            fence.hold(conn)?;
            let Some(view) = read(conn, &id, domain.as_deref(), now)? else {
                due::clear(conn, DueKind::Register, &id)?;
                return Ok(None);
            };
            let mut known = view.known();
            let step = next_step(&view.wanted(), &known, now, gap);
            match &step {
                Step::Rest(again_at) => {
                    let again_at = again_at.map(UtcMillis::from);
                    due::replace(conn, DueKind::Register, &id, view.due_at, again_at)?;
                    return Ok(None);
                }
                Step::Look => {}
                Step::Ask(ask, addresses) => {
                    intend(&mut known, *ask, addresses, now);
                    registrant::conclude(conn, &view, &known, &Default::default(), None, now.into())?;
                }
            }
            due::set(conn, DueKind::Register, &id, UtcMillis::from(now + STEP_LEASE))?;
            Ok(Some(Decision { view, step }))
        })
        .await
}

/// What there is to decide on, with a row for everybody who is invited.
fn read(
    conn: &mut Conn,
    id: &str,
    domain: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<View>, StoreError> {
    let Some(view) = registrant::view(conn, id, domain, now)? else { return Ok(None) };
    if registrant::reconcile(conn, &view, now.into())? {
        return registrant::view(conn, id, domain, now);
    }
    Ok(Some(view))
}

fn intend(known: &mut Known, ask: Ask, addresses: &[String], now: DateTime<Utc>) {
    known.asked_at = Some(now);
    for entry in known.entries.iter_mut().filter(|entry| addresses.contains(&entry.address)) {
        entry.asked = Some(ask);
    }
}

async fn conclude(
    engine: &Engine,
    fence: Fence,
    view: View,
    step: Step,
    performed: Performed,
) -> Result<(), StoreError> {
    let (now, jitter) = (engine.clock.now(), rand::rng().random::<f64>());
    let domain = engine.meetings.email_domain.clone();
    let patience = Patience {
        gap: engine.sync.look_gap,
        retry_min: engine.sync.retry_min,
        retry_max: engine.sync.retry_max,
    };
    let Performed { outcome, learned, error } = performed;
    engine
        .store
        .write(move |conn| {
            fence.hold(conn)?;
            // Read again: somebody may have been invited or barred meanwhile. A meeting that has another number by
            // now, or none, has lost what was asked for.
            let fresh = registrant::view(conn, &view.meeting_id, domain.as_deref(), now)?;
            let Some(fresh) = fresh.filter(|fresh| fresh.number == view.number) else { return Ok(()) };
            let before = fresh.known();
            let after = settle(&fresh.wanted(), &before, &step, &outcome, now, &patience, jitter);
            registrant::conclude(conn, &fresh, &after, &learned, error.as_deref(), now.into())?;
            count(&step, &before, &after);
            tell(conn, &fresh, &step, &outcome, &before, &after, error.as_deref(), now)?;
            if outcome == Outcome::Failed(Failure::Refused) {
                // Zoom may have it without registration.
                look::want(conn, &fresh.meeting_id, UtcMillis::from(now))?;
            }
            Ok(())
        })
        .await
}

/// The addresses whose standing became this by the step.
fn became<'a>(before: &'a Known, after: &'a Known, standing: Standing) -> impl Iterator<Item = &'a str> {
    let was: BTreeMap<&str, Standing> =
        before.entries.iter().map(|entry| (entry.address.as_str(), entry.standing)).collect();
    after
        .entries
        .iter()
        .filter(move |entry| entry.standing == standing && was.get(entry.address.as_str()) != Some(&standing))
        .map(|entry| entry.address.as_str())
}

fn count(step: &Step, before: &Known, after: &Known) {
    let counted = |what: &'static str, number: usize| {
        metrics::counter!("convened_registrations_total", "what" => what).increment(number as u64);
    };
    counted("registered", became(before, after, Standing::Approved).count());
    if matches!(step, Step::Ask(Ask::Cancel, _)) {
        counted("cancelled", became(before, after, Standing::Out).count());
    }
    counted("refused", newly_parked(before, after).count());
    if *step == Step::Look {
        metrics::counter!("convened_registration_looks_total").increment(1);
    }
}

/// The addresses that a refusal has just parked.
fn newly_parked<'a>(before: &'a Known, after: &'a Known) -> impl Iterator<Item = &'a str> {
    let attempts: BTreeMap<&str, i64> =
        before.entries.iter().map(|entry| (entry.address.as_str(), entry.attempts)).collect();
    after
        .entries
        .iter()
        .filter(move |entry| {
            entry.attempts > attempts.get(entry.address.as_str()).copied().unwrap_or_default()
        })
        .map(|entry| entry.address.as_str())
}

/// Adds what happened to the story: people by their `ref`, failures once and not at every attempt.
#[expect(clippy::too_many_arguments, reason = "a step, what came of it, and the two states around it")]
fn tell(
    conn: &mut Conn,
    view: &View,
    step: &Step,
    outcome: &Outcome,
    before: &Known,
    after: &Known,
    error: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let people = |addresses: BTreeSet<&str>| -> Vec<String> {
        let of = |row: &&registrant::RegistrantRow| addresses.contains(row.email_key.as_str());
        view.rows.iter().filter(of).filter_map(|row| row.person_ref.clone()).collect()
    };
    let mut line = |kind: &str, text: String, people: Vec<String>| match people.is_empty() {
        true => Ok(()),
        false => {
            let details = json!({ "zoom_meeting_id": view.number, "people": people });
            story::tell(conn, &view.appointment_id, now, kind, &text, Some(details))
        }
    };
    let registered = people(became(before, after, Standing::Approved).collect());
    line("registration.registered", format!("{} registered", were(registered.len())), registered)?;
    let gone = people(became(before, after, Standing::Out).collect());
    let text = match step {
        Step::Look => format!("the registrations of {} are gone at Zoom", persons(gone.len())),
        _ => format!("the registrations of {} were taken back", persons(gone.len())),
    };
    line("registration.cancelled", text, gone)?;
    let first: BTreeSet<&str> = after
        .entries
        .iter()
        .filter(|entry| entry.attempts == 1)
        .map(|entry| entry.address.as_str())
        .collect();
    let refused = people(newly_parked(before, after).filter(|address| first.contains(address)).collect());
    let text =
        format!("Zoom could not register {}: {}", persons(refused.len()), error.unwrap_or("no reason given"));
    line("registration.refused", text, refused)?;
    let whole = matches!(outcome, Outcome::Failed(Failure::Refused)) && after.attempts == 1;
    if whole {
        let text = format!("Zoom takes no registrations: {}", error.unwrap_or("no reason given"));
        let details = json!({ "zoom_meeting_id": view.number });
        story::tell(conn, &view.appointment_id, now, "registration.failed", &text, Some(details))?;
    }
    Ok(())
}

fn persons(count: usize) -> String {
    if count == 1 { "one person".to_owned() } else { format!("{count} people") }
}

fn were(count: usize) -> String {
    if count == 1 { "one person was".to_owned() } else { format!("{count} people were") }
}
