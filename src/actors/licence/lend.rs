//! Lends licences and takes them back, one step after the other: decide on the rows, write the intent, ask Zoom,
//! write down what came of it.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use super::outcome;
use crate::actors::engine::Engine;
use crate::domain::licence::{Facts, LeaseState, Plan, Policy, Reason, Shortage, Step, next_step, plan};
use crate::store::due::{self, ACCOUNT, DueKind};
use crate::store::licence::{self, Cause, State};
use crate::store::{Conn, StoreError, UtcMillis, outbox, story};

/// More steps than this in one go are left for the next.
const STEPS_MAX: usize = 200;
/// How often is looked, beside being told of changes and of times that come.
const LOOK_EVERY: Duration = Duration::seconds(60);
/// What a story says of a booking whose host is in line.
const WAITING: &str = "licence.waiting";
/// Should the process die between two steps, another goes on after this.
const STEP_LEASE: Duration = Duration::seconds(120);

/// What was decided, its intent written.
struct Decision {
    step: Step,
    /// A shortage that nobody was told of before.
    news: Option<Shortage>,
    counts: [(&'static str, usize); 4],
    short_by: usize,
}

impl Decision {
    /// Nothing is lent here, and nobody asks.
    fn nothing() -> Self {
        Self {
            step: Step::Rest,
            news: None,
            counts: counts(&Facts::default(), &Plan::default()),
            short_by: 0,
        }
    }
}

/// Does what there is to do now.
pub(super) async fn run(engine: &Engine) -> Result<(), StoreError> {
    let mut idle = BTreeSet::new();
    for _ in 0..STEPS_MAX {
        let decision = decide(engine, idle.clone()).await?;
        report(&decision);
        let going_on = match decision.step {
            Step::Rest => false,
            Step::Settle(user) => outcome::settle(engine, &user).await?,
            Step::AskLive(user) => {
                let answer = outcome::ask_live(engine, &user).await?;
                if answer.idle {
                    idle.insert(user);
                }
                answer.going_on
            }
            Step::Grant(claim) => outcome::grant(engine, &claim).await?,
            Step::TakeBack(user) => {
                idle.remove(&user);
                outcome::take_back(engine, &user).await?
            }
        };
        if !going_on {
            return Ok(());
        }
    }
    let now = UtcMillis::from(engine.clock.now());
    engine.store.write(move |conn| due::set(conn, DueKind::Licences, ACCOUNT, now)).await
}

/// Reads, decides, and writes the intent, the line and the next look, all in one transaction.
async fn decide(engine: &Engine, idle: BTreeSet<String>) -> Result<Decision, StoreError> {
    let (now, policy, look_gap) = (engine.clock.now(), engine.licences, engine.sync.look_gap);
    let defaults = engine.meetings.settings.clone();
    engine
        .store
        .write(move |conn| {
            licence::lock(conn)?;
            if policy.seats == 0 && licence::all(conn)?.is_empty() {
                due::set(conn, DueKind::Licences, ACCOUNT, (now + LOOK_EVERY).into())?;
                return Ok(Decision::nothing());
            }
            let facts = licence::facts(conn, &policy, &defaults, look_gap, now)?;
            let plan = if policy.seats == 0 {
                by_hand_only(&facts, &policy, now)
            } else {
                plan(&facts, &policy, now)
            };
            let step = next_step(&facts, &plan, &idle, now);
            write_line(conn, &facts, &plan, now)?;
            if plan.forget_found {
                licence::found(conn, None)?;
            }
            let news = licence::note_shortage(conn, plan.shortage, now.into())?;
            if let Some(shortage) = plan.shortage.filter(|_| news) {
                alert(conn, &facts, shortage, policy.seats, now)?;
            }
            intend(conn, &step, now)?;
            let next = plan.next_at.map_or(now + LOOK_EVERY, |at| at.min(now + LOOK_EVERY));
            let again_at = if step == Step::Rest { next } else { now + STEP_LEASE };
            due::set(conn, DueKind::Licences, ACCOUNT, again_at.into())?;
            Ok(Decision {
                step,
                news: plan.shortage.filter(|_| news),
                counts: counts(&facts, &plan),
                short_by: plan.shortage.map_or(0, |shortage| shortage.short_by),
            })
        })
        .await
}

/// Without licences to lend only what was asked for by hand is given, as far as Zoom has it; nobody stands in line,
/// and nobody misses anything.
fn by_hand_only(facts: &Facts, policy: &Policy, now: DateTime<Utc>) -> Plan {
    let without_limit = Policy { seats: usize::MAX, ..*policy };
    let mut asked = facts.clone();
    asked.needs.retain(|need| need.reason == Reason::Asked);
    // What is lent stays where a meeting needs it.
    let Plan { take_back, next_at, .. } = plan(facts, &without_limit, now);
    Plan { take_back, next_at, shortage: None, ..plan(&asked, &without_limit, now) }
}

/// Who is in line stands in the table, for everybody to see, and nobody else does.
fn write_line(conn: &mut Conn, facts: &Facts, plan: &Plan, now: DateTime<Utc>) -> Result<(), StoreError> {
    let rows = licence::all(conn)?;
    let waiting: BTreeSet<&str> =
        rows.iter().filter(|row| row.state == State::Waiting).map(|row| row.zoom_user_id.as_str()).collect();
    for row in rows.iter().filter(|row| row.state == State::Waiting && row.reason != Cause::Asked) {
        let mut wanted = plan.line.iter().chain(&plan.grant);
        if !wanted.any(|claim| claim.user == row.zoom_user_id) {
            licence::end(conn, &row.zoom_user_id)?;
        }
    }
    for claim in plan.line.iter().filter(|claim| !waiting.contains(claim.user.as_str())) {
        licence::put(conn, claim, State::Waiting, now.into())?;
    }
    // Whom Zoom refuses for their own sake does not wait for a licence to be free.
    let refused = |user: &str| facts.refused.get(user).is_some_and(|until| now < *until);
    let without = plan.line.iter().filter(|claim| !refused(&claim.user));
    tell_waiting(conn, without.filter_map(|claim| claim.appointment.clone()).collect(), now)
}

/// Tells in the stories of these bookings that their host is in line, once in each: who is in line comes there from
/// more than one side (none was free, or Zoom had no more), and leaves it for each try.
fn tell_waiting(conn: &mut Conn, appointments: Vec<String>, now: DateTime<Utc>) -> Result<(), StoreError> {
    let told = story::told(conn, &appointments, WAITING)?;
    for appointment in appointments.iter().filter(|appointment| !told.contains(*appointment)) {
        let text = "the host needs a Zoom licence and none is free: they are in line for the next one";
        story::tell(conn, appointment, now, WAITING, text, None)?;
    }
    Ok(())
}

/// Tells others, once a shortage, that there are or will be too few.
fn alert(
    conn: &mut Conn,
    facts: &Facts,
    shortage: Shortage,
    seats: usize,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let data = json!({
        "from": shortage.from,
        "short_by": shortage.short_by,
        "licences": seats,
        "licences_given_by_zoom": facts.seats_found.map(|found| found.seats),
    });
    outbox::tell(conn, now.into(), outbox::Event::LicenceExhausted, data)
}

/// Writes the intent of a step before its request leaves.
fn intend(conn: &mut Conn, step: &Step, now: DateTime<Utc>) -> Result<(), StoreError> {
    match step {
        Step::Grant(claim) => licence::put(conn, claim, State::Granting, now.into()),
        Step::TakeBack(user) => licence::move_to(conn, user, State::Returning, now.into()),
        Step::Settle(_) | Step::AskLive(_) | Step::Rest => Ok(()),
    }
}

fn counts(facts: &Facts, plan: &Plan) -> [(&'static str, usize); 4] {
    let in_state = |state| facts.leases.iter().filter(|lease| lease.state == state).count();
    [
        ("granting", in_state(LeaseState::Granting)),
        ("held", in_state(LeaseState::Held)),
        ("returning", in_state(LeaseState::Returning)),
        ("waiting", plan.line.len()),
    ]
}

fn report(decision: &Decision) {
    for (state, count) in decision.counts {
        metrics::gauge!("convened_licences", "state" => state).set(count as f64);
    }
    metrics::gauge!("convened_licences_short").set(decision.short_by as f64);
    if let Some(shortage) = decision.news {
        tracing::error!(
            from = %shortage.from,
            short_by = shortage.short_by,
            "there are too few Zoom licences: meetings of Basic hosts will end after 40 minutes"
        );
    }
}
