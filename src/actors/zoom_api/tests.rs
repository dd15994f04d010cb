//! The door against a Zoom that misbehaves; who goes first and how fast is tested where it is decided.

mod outage;
mod taken_back;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::prelude::*;
use chrono::{DateTime, Utc};
use futures::future::{BoxFuture, join_all};
use secrecy::SecretString;
use serde_json::json;

use super::*;
use crate::actors::supervision::Crash;
use crate::clock::SystemClock;
use crate::store::StoreError;
use crate::zoom::breaker::BreakerPolicy;
use crate::zoom::error::{Doubt, Limit};
use crate::zoom::limits::{Plan, Purse, Quotas, Reservation, Spent};
use crate::zoom::testing::{BadZoom, Play, Seen};
use crate::zoom::types::MeetingRequest;
use crate::zoom::{ZoomReply, call, http};

type Outcome = Result<ZoomReply, ZoomError>;

/// Hands out `token 1`, and the next one when that was refused; or an error as long as there are any.
#[derive(Default)]
struct Tokens {
    given: Mutex<usize>,
    errors: Mutex<Vec<ZoomError>>,
}

impl TokenSource for Tokens {
    fn token(&self, request: GetToken) -> BoxFuture<'static, Result<Token, ZoomError>> {
        let mut given = self.given.lock().unwrap();
        if *given == 0 || request.refused.is_some() {
            *given += 1;
        }
        let secret = SecretString::from(format!("token {given}"));
        let outcome = match self.errors.lock().unwrap().pop() {
            Some(error) => Err(error),
            None => Ok(Token {
                secret,
                ask_again_at: chrono::DateTime::<chrono::Utc>::MAX_UTC,
                scopes: Arc::new([]),
            }),
        };
        Box::pin(std::future::ready(outcome))
    }
}

/// Rows that are no database.
#[derive(Default)]
struct Memory {
    sums: Mutex<HashMap<(Purse, NaiveDate), u32>>,
    lost: Mutex<Vec<Option<&'static str>>>,
    broken: AtomicBool,
}

impl Records for Memory {
    fn reserve(&self, reservation: Reservation) -> BoxFuture<'static, Result<u32, StoreError>> {
        let mut sums = self.sums.lock().unwrap();
        let sum = sums.entry((reservation.purse, reservation.day)).or_default();
        *sum += reservation.permits;
        let answer = if self.broken.load(Ordering::SeqCst) { Err(StoreError::Panicked) } else { Ok(*sum) };
        Box::pin(async move {
            tokio::task::yield_now().await;
            answer
        })
    }

    fn spend(&self, spent: Spent) -> BoxFuture<'static, Result<(), StoreError>> {
        self.sums.lock().unwrap().insert((spent.purse, spent.day), spent.used);
        Box::pin(std::future::ready(Ok(())))
    }

    fn connection(
        &self,
        lost: Option<&'static str>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'static, Result<DateTime<Utc>, StoreError>> {
        self.lost.lock().unwrap().push(lost);
        Box::pin(std::future::ready(Ok(now)))
    }
}

struct Door {
    actor: Addr<ZoomApiActor>,
    zoom: BadZoom,
    records: Arc<Memory>,
    sign: super::Door,
}

impl Door {
    async fn open(script: impl Fn(&Seen, usize) -> Play + Send + Sync + 'static) -> Self {
        Self::with(config(), Tokens::default(), script).await
    }

    async fn with(
        config: ZoomApiConfig,
        tokens: Tokens,
        script: impl Fn(&Seen, usize) -> Play + Send + Sync + 'static,
    ) -> Self {
        Self::remembering(Arc::default(), config, tokens, script).await
    }

    async fn remembering(
        records: Arc<Memory>,
        config: ZoomApiConfig,
        tokens: Tokens,
        script: impl Fn(&Seen, usize) -> Play + Send + Sync + 'static,
    ) -> Self {
        let zoom = BadZoom::start(script).await;
        let clock: SharedClock = Arc::new(SystemClock);
        let http = http::client(Duration::from_secs(5)).unwrap();
        let client = ZoomClient::new(http, &zoom.url, Arc::clone(&clock));
        let sign = super::Door::new(None);
        let rows = Arc::clone(&records) as _;
        let actor =
            ZoomApiActor::new(Arc::new(config), client, Arc::new(tokens), clock, rows, sign.clone()).start();
        Self { actor, zoom, records, sign }
    }

    async fn call(&self, lane: Lane, call: ZoomCall) -> Outcome {
        self.actor.send(CallZoom { lane, call }).await.unwrap()
    }

    fn seen(&self) -> Vec<String> {
        self.zoom.seen().into_iter().map(|seen| seen.line).collect()
    }

    /// Waits until so many requests have arrived.
    async fn arrived(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.zoom.seen().len() < count {
            assert!(Instant::now() < deadline, "only {:?}", self.seen());
            tokio::task::yield_now().await;
        }
    }
}

fn config() -> ZoomApiConfig {
    let rest = Duration::from_millis(200);
    let breaker = BreakerPolicy { failures: 3, rest, rest_max: rest };
    ZoomApiConfig { breaker, begins_full: false, ..Quotas::from(Plan::Business).into() }
}

fn fine() -> Play {
    Play::json(200, &json!({"id": 1}))
}

fn too_much(message: &str) -> Play {
    Play::json(429, &json!({"code": 429, "message": message}))
}

fn get(number: &str) -> ZoomCall {
    call::get_meeting(number)
}

fn create(host: &str) -> ZoomCall {
    call::create_meeting(host, &MeetingRequest::default())
}

fn limit(outcome: Outcome) -> Limit {
    match outcome {
        Err(ZoomError::RateLimited(limit)) => limit,
        other => panic!("{other:?}"),
    }
}

#[actix::test]
async fn every_caller_gets_the_answer_to_its_own_call() {
    let door = Door::open(|seen, _| Play::json(200, &json!({"line": seen.line}))).await;
    let numbers: Vec<_> = (0..40).map(|number| number.to_string()).collect();
    let answers = join_all(numbers.iter().map(|number| door.call(Lane::Sync, get(number)))).await;
    for (number, answer) in numbers.iter().zip(answers) {
        assert_eq!(answer.unwrap().body["line"], format!("GET /meetings/{number}"));
    }
}

#[actix::test]
async fn a_refused_token_is_renewed_and_the_call_repeated_once() {
    let door = Door::open(|seen, _| {
        let renewed = seen.head.contains("Bearer token 2");
        if renewed {
            fine()
        } else {
            Play::json(401, &json!({"code": 124, "message": "Access token is expired."}))
        }
    })
    .await;
    let answers = join_all((0..5).map(|_| door.call(Lane::Sync, create("h")))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(door.seen().len(), 10, "each twice");
}

#[actix::test]
async fn a_fresh_token_that_is_refused_too_ends_the_matter() {
    let door =
        Door::open(|_, _| Play::json(400, &json!({"code": 124, "message": "Invalid access token."}))).await;
    assert_eq!(door.call(Lane::Sync, get("1")).await, Err(ZoomError::TokenInvalid));
    assert_eq!(door.seen().len(), 2);
}

#[actix::test]
async fn too_fast_is_waited_out_and_the_caller_never_hears_of_it() {
    let door =
        Door::open(|_, number| if number == 0 { too_much("per-second rate limit") } else { fine() }).await;
    let started = Instant::now();
    assert!(door.call(Lane::Sync, create("h")).await.is_ok());
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(door.seen().len(), 2);
}

#[actix::test]
async fn a_used_up_day_stops_its_label_and_nothing_else() {
    let door = Door::open(|seen, _| {
        if seen.line.contains("/report/") { too_much("maximum daily rate limit") } else { fine() }
    })
    .await;
    for _ in 0..3 {
        let report = door.call(Lane::Report, call::report_participants("a", None)).await;
        assert!(matches!(limit(report), Limit::Daily { .. }));
    }
    assert!(door.call(Lane::Sweep, get("1")).await.is_ok());
    assert_eq!(door.seen().len(), 2, "zoom is asked once");
    let status = door.actor.send(DescribeZoom).await.unwrap();
    assert_eq!(status.parked.iter().map(|(label, _)| *label).collect::<Vec<_>>(), [Label::Heavy]);
}

#[actix::test]
async fn a_used_up_host_fails_fast_while_others_and_cancels_go_on() {
    let door = Door::open(|seen, _| match seen.line.as_str() {
        "POST /users/full/meetings" => too_much("limit (100) of Meeting Create/Update API requests"),
        _ => fine(),
    })
    .await;
    for _ in 0..3 {
        assert!(matches!(limit(door.call(Lane::Sync, create("full")).await), Limit::HostDaily { .. }));
    }
    assert!(door.call(Lane::Sync, create("free")).await.is_ok());
    assert!(door.call(Lane::Cancel, call::delete_meeting("1")).await.is_ok());
    assert_eq!(door.seen().len(), 3);
}

#[actix::test]
async fn what_was_used_up_in_one_life_is_not_used_in_the_next() {
    let records = Arc::<Memory>::default();
    let mut made = 0;
    for _life in 0..4 {
        let rows = Arc::clone(&records);
        let door = Door::remembering(rows, config(), Tokens::default(), |_, _| fine()).await;
        let answers = join_all((0..30).map(|_| door.call(Lane::Sync, create("h")))).await;
        made += answers.iter().filter(|answer| answer.is_ok()).count();
    }
    assert!((90 - 3 * 4..=90).contains(&made), "{made}");
}

#[actix::test]
async fn a_call_that_cannot_be_counted_is_not_made() {
    let door = Door::open(|_, _| fine()).await;
    door.records.broken.store(true, Ordering::SeqCst);
    assert_eq!(door.call(Lane::Sync, create("h")).await, Err(ZoomError::Overloaded));
    assert!(door.call(Lane::Cancel, call::delete_meeting("1")).await.is_ok(), "a cancel always gets through");
    door.records.broken.store(false, Ordering::SeqCst);
    assert!(door.call(Lane::Sync, create("h")).await.is_ok());
    assert_eq!(door.seen().len(), 2);
}

#[actix::test]
async fn a_lost_answer_is_reported_and_never_repeated() {
    let door = Door::open(|_, _| Play::HangUp).await;
    let lost = Err(ZoomError::Unknown { doubt: Doubt::ConnectionLost, status: None });
    assert_eq!(door.call(Lane::Sync, create("h")).await, lost);
    assert_eq!(door.seen().len(), 1);
}

#[actix::test]
async fn a_call_nobody_waits_for_is_not_sent() {
    let one_at_a_time = ZoomApiConfig { in_flight_max: 1, ..config() };
    let wait = Duration::from_millis(100);
    let door =
        Door::with(one_at_a_time, Tokens::default(), move |_, _| Play::Late(wait, Box::new(fine()))).await;
    let first = door.call(Lane::Sync, get("first"));
    let others = async {
        door.arrived(1).await;
        let given_up = tokio::time::timeout(wait / 2, door.call(Lane::Interactive, create("given-up")));
        futures::join!(given_up, door.call(Lane::Sync, get("last")))
    };
    let (first, (given_up, last)) = futures::join!(first, others);
    assert!(first.is_ok() && last.is_ok() && given_up.is_err());
    assert_eq!(door.seen(), ["GET /meetings/first", "GET /meetings/last"]);
}

#[actix::test]
async fn slow_machines_work_leaves_room_for_people() {
    let two = ZoomApiConfig { in_flight_max: 2, in_flight_kept_for_urgent: 1, ..config() };
    let door =
        Door::with(
            two,
            Tokens::default(),
            |seen, _| {
                if seen.line.contains("slow") { Play::Silence } else { fine() }
            },
        )
        .await;
    let stuck = join_all(["slow-1", "slow-2"].map(|number| door.call(Lane::Sync, get(number))));
    let people = async {
        door.arrived(1).await;
        door.call(Lane::Interactive, get("person")).await
    };
    let person = tokio::select! {
        _ = stuck => None,
        person = people => Some(person),
    };
    assert!(matches!(person, Some(Ok(_))));
    assert_eq!(door.seen(), ["GET /meetings/slow-1", "GET /meetings/person"]);
}

#[actix::test]
async fn a_full_lane_says_so() {
    let small = ZoomApiConfig { in_flight_max: 1, lane_max: 1, ..config() };
    let wait = Duration::from_millis(100);
    let door = Door::with(small, Tokens::default(), move |_, _| Play::Late(wait, Box::new(fine()))).await;
    let first = door.call(Lane::Sync, get("first"));
    let rest = async {
        door.arrived(1).await;
        join_all((0..3).map(|_| door.call(Lane::Sync, get("more")))).await
    };
    let (first, rest) = futures::join!(first, rest);
    assert!(first.is_ok());
    let refused = rest.iter().filter(|outcome| **outcome == Err(ZoomError::Overloaded)).count();
    assert_eq!(refused, 2, "{rest:?}");
}

#[actix::test]
async fn no_more_calls_leave_than_the_plan_allows() {
    let slow = ZoomApiConfig { quotas: Quotas { light: 3, ..Plan::Pro.into() }, ..config() };
    let door = Door::with(slow, Tokens::default(), |_, _| fine()).await;
    let started = Instant::now();
    join_all((0..7).map(|_| door.call(Lane::Sync, get("1")))).await;
    assert!(started.elapsed() >= Duration::from_millis(2_030), "{:?}", started.elapsed());
}

#[actix::test]
async fn a_new_life_waits_a_second_because_the_last_may_have_used_it_up() {
    let full = ZoomApiConfig { begins_full: true, ..config() };
    let started = Instant::now();
    let door = Door::with(full, Tokens::default(), |_, _| fine()).await;
    assert!(door.call(Lane::Interactive, get("1")).await.is_ok());
    assert!(started.elapsed() >= Duration::from_millis(1_015), "{:?}", started.elapsed());
}

#[actix::test]
async fn draining_finishes_what_is_under_way_and_refuses_the_rest() {
    let one_at_a_time = ZoomApiConfig { in_flight_max: 1, ..config() };
    let wait = Duration::from_millis(100);
    let door =
        Door::with(one_at_a_time, Tokens::default(), move |_, _| Play::Late(wait, Box::new(fine()))).await;
    let under_way = door.call(Lane::Sync, get("under-way"));
    let queued = door.call(Lane::Sync, get("queued"));
    let drain = async {
        door.arrived(1).await;
        door.actor.send(Drain).await.unwrap();
        door.call(Lane::Interactive, get("late")).await
    };
    let (under_way, queued, late) = futures::join!(under_way, queued, drain);
    assert!(under_way.is_ok());
    assert_eq!((queued, late), (Err(ZoomError::ShuttingDown), Err(ZoomError::ShuttingDown)));
}

#[actix::test]
async fn callers_of_a_door_that_dies_learn_of_it() {
    let door = Door::open(|_, _| Play::Silence).await;
    let call = door.actor.send(CallZoom { lane: Lane::Sync, call: create("h") });
    let crash = async {
        door.arrived(1).await;
        door.actor.send(Crash).await
    };
    let (call, _) = futures::join!(call, crash);
    assert!(matches!(call, Err(MailboxError::Closed)));
}
