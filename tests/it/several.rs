//! Three daemons on one PostgreSQL and one Zoom account: whoever is asked, and whoever dies, the end is the same as
//! with one. The sandbox's ledger is the judge, and the inbox for what was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use convened::store::Conn;
use convened::zoom::http::Method;
use diesel::RunQueryDsl as _;
use diesel::sql_types::{Bool, Text};
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::database::TestDatabase;
use crate::support::fleet::Fleet;

/// How fast the common clock runs: a lesson of 45 minutes lasts some thirteen seconds.
const SPEED: f64 = 200.0;
const PATIENCE: Duration = Duration::from_secs(90);
const DAEMONS: usize = 3;
const BOOKINGS: usize = 36;
const HOSTS: usize = 4;
const SETTINGS: &str =
    "timeout = \"2s\"\n[sync]\nsecond_look = \"60s\"\n[attendance]\nreport_delay = \"5m\"\n";
const CREATE: &str = "POST /users/{userId}/meetings";

/// The seed of this run; `SEVERAL_SEED` plays another one.
fn seed() -> u64 {
    std::env::var("SEVERAL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_121)
}

async fn fleet() -> Option<Fleet> {
    let fleet = Fleet::start(TestDatabase::postgres()?, DAEMONS, SPEED, SETTINGS).await;
    for host in 0..HOSTS {
        let email = format!("host{host}@school.example");
        let user = json!({ "email": email, "first_name": "Host", "type": 2 });
        fleet.rig.control(Method::POST, "/users", Some(user)).await;
        let person = json!({ "name": format!("Host {host}"), "email": email, "role": "host" });
        ok(fleet.anybody(Method::PUT, &format!("/api/people/h{host}"), Some(person), None).await);
    }
    Some(fleet)
}

fn ok((status, body): (u16, Value)) -> Value {
    assert!((200..300).contains(&status), "{status}: {body}");
    body
}

fn title(number: usize) -> String {
    format!("Lesson {number}")
}

/// Books one lesson through whoever answers; gives its id.
async fn book(fleet: &Fleet, number: usize) -> String {
    let start = fleet.rig.clock.now() + chrono::Duration::days(2) + chrono::Duration::hours(number as i64);
    let body = json!({ "kind": "consultation", "title": title(number), "host": format!("h{}", number % HOSTS),
        "duration": 30, "start_time": start.to_rfc3339() });
    let key = format!("lesson-{number}");
    let booked = ok(fleet.anybody(Method::POST, "/api/appointments", Some(body), Some(&key)).await);
    booked["appointment"]["id"].as_str().unwrap().to_owned()
}

/// What is to become of a lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Moves,
    Goes,
}

impl Fate {
    fn draw(rng: &mut StdRng) -> Self {
        match rng.random_range(0..3) {
            0 => Self::Stays,
            1 => Self::Moves,
            _ => Self::Goes,
        }
    }

    async fn befall(self, fleet: &Fleet, id: &str) {
        let path = format!("/api/appointments/{id}");
        match self {
            Self::Stays => {}
            Self::Moves => {
                let body = Some(json!({ "duration": 50 }));
                ok(fleet.anybody(Method::PATCH, &path, body, None).await);
            }
            Self::Goes => {
                let body = Some(json!({ "reason": "snow" }));
                let (status, answer) =
                    fleet.anybody(Method::POST, &format!("{path}/cancel"), body, None).await;
                // Asked again, because the first daemon died after it had done it.
                assert!((200..300).contains(&status) || status == 409 || status == 410, "{status}: {answer}");
            }
        }
    }
}

/// Kills one daemon at a moment that the seed chose.
async fn kill_within(fleet: &Fleet, which: usize, millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    fleet.kill(which);
}

/// Asks one daemon again and again until `good` likes the answer.
async fn until(fleet: &Fleet, which: usize, path: &str, what: &str, good: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let answered = fleet.ask(which, Method::GET, path, None, None).await;
        let answer = answered.map_or(Value::Null, |(_, answer)| answer);
        if good(&answer) {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "seed {}: never {what}; {path}: {answer:#}", seed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn in_sync(answer: &Value) -> bool {
    let meeting = &answer["appointment"]["meeting"];
    meeting["sync"]["state"] == "in_sync" || meeting["sync"].is_null() && meeting["status"] != "pending"
}

/// The meetings at Zoom by their topic, deleted ones too.
async fn ledger(fleet: &Fleet) -> BTreeMap<String, Vec<Value>> {
    let all = fleet.rig.control(Method::GET, "/meetings", None).await;
    let all = all.as_array().cloned().or(all["meetings"].as_array().cloned()).unwrap();
    let mut by_topic: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for meeting in all {
        by_topic.entry(meeting["topic"].as_str().unwrap().to_owned()).or_default().push(meeting);
    }
    by_topic
}

async fn check_meetings(fleet: &Fleet, fates: &[Fate]) {
    let ledger = ledger(fleet).await;
    for (number, fate) in fates.iter().enumerate() {
        let made = ledger.get(&title(number)).cloned().unwrap_or_default();
        let live: Vec<&Value> = made.iter().filter(|meeting| meeting["deleted_at"].is_null()).collect();
        let seed = seed();
        assert!(made.len() <= 1, "seed {seed}: {} was made more than once: {made:#?}", title(number));
        match fate {
            Fate::Goes => assert!(live.is_empty(), "seed {seed}: {} still lives", title(number)),
            Fate::Stays | Fate::Moves => {
                let minutes = if *fate == Fate::Moves { 50 } else { 30 };
                assert_eq!(live.len(), 1, "seed {seed}: {}", title(number));
                assert_eq!(live[0]["duration"], minutes, "seed {seed}: {}", title(number));
            }
        }
    }
    // And no create was repeated, not even one that Zoom refused or whose meeting was taken away again.
    let path = format!("/ledger?endpoint={}", CREATE.replace(' ', "%20"));
    let calls = fleet.rig.control(Method::GET, &path, None).await;
    let mut topics = BTreeSet::new();
    for call in calls.as_array().unwrap().iter().filter(|call| call["status"] == 201) {
        assert!(topics.insert(call["body"]["topic"].to_string()), "seed {}: twice: {call}", seed());
    }
}

const PUPILS: [&str; 3] = ["ada", "boole", "cantor"];

/// Books a class that begins soon; gives the ids of the booking and of its meeting.
async fn book_class(fleet: &Fleet) -> (String, String) {
    let mut members = vec![json!({ "person": "h0", "role": "host" })];
    for pupil in PUPILS {
        let person = json!({ "name": pupil, "email": format!("{pupil}@school.example"), "role": "attendee" });
        ok(fleet.anybody(Method::PUT, &format!("/api/people/{pupil}"), Some(person), None).await);
        members.push(json!({ "person": pupil, "role": "attendee" }));
    }
    let group = json!({ "kind": "class", "name": "Algebra", "members": members });
    ok(fleet.anybody(Method::PUT, "/api/groups/algebra", Some(group), None).await);
    let booking = json!({ "kind": "class", "title": "Algebra", "group": "algebra", "duration": 45,
        "start_time": (fleet.rig.clock.now() + chrono::Duration::minutes(20)).to_rfc3339() });
    let booked = ok(fleet.anybody(Method::POST, "/api/appointments", Some(booking), Some("algebra")).await);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&booked["appointment"]["id"]), text(&booked["appointment"]["meeting"]["id"]))
}

/// Plays the class: in time, late, and on and off; gives its number in the sandbox.
async fn play_class(fleet: &Fleet, survivor: usize, appointment: &str) -> String {
    let scheduled = |answer: &Value| answer["appointment"]["meeting"]["status"] == "scheduled";
    let path = format!("/api/appointments/{appointment}");
    let answer = until(fleet, survivor, &path, "scheduled", scheduled).await;
    let pupil = |name: &str, stay: Value| json!({ "name": name, "devices": [stay] });
    let timetable = json!({
        "meeting": answer["appointment"]["meeting"]["zoom_meeting_id"], "seed": 11, "host_ends": ["45m"],
        "persons": [
            { "name": "Host 0", "email": "host0@school.example", "role": "host", "devices": [["-2m join"]] },
            pupil("ada", json!(["-1m join"])),
            pupil("boole", json!(["14m join", "30m leave", "35m join"])),
            pupil("cantor", json!(["0s join", "12m die", "14m join", "44m leave"])),
        ],
        "delivery": { "seed": seed(), "double": 0.3, "shuffle": 0.5 },
    });
    let played = fleet.rig.control(Method::POST, "/classes", Some(timetable)).await;
    played["class_id"].to_string()
}

async fn check_marks(fleet: &Fleet, survivor: usize, meeting: &str, class: &str) {
    let path = format!("/api/zoom/meetings/{meeting}/attendance");
    let is_final = |answer: &Value| {
        let records = answer["records"].as_array().cloned().unwrap_or_default();
        !records.is_empty() && records.iter().all(|record| record["provisional"] == false)
    };
    let answer = until(fleet, survivor, &path, "final", is_final).await;
    let truth = fleet.rig.control(Method::GET, &format!("/classes/{class}"), None).await;
    let people = truth["truth"]["persons"].as_array().unwrap();
    for person in people.iter().filter(|person| person["role"] != "host") {
        let records = answer["records"].as_array().unwrap();
        let record = records.iter().find(|record| record["student"]["name"] == person["name"]).unwrap();
        assert_eq!(record["status"], person["status"], "seed {}: {person}: {record:#}", seed());
        let score = (record["score"].as_f64().unwrap() * 1000.0).round();
        assert_eq!(Some(score), person["score_milli"].as_f64(), "seed {}: {person}", seed());
    }
}

#[derive(diesel::QueryableByName)]
struct EventRow {
    #[diesel(sql_type = Text)]
    hash: String,
    #[diesel(sql_type = Text)]
    event: String,
    #[diesel(sql_type = Text)]
    state: String,
    /// Whether a meeting of ours has its number. One that was deleted at Zoom has none any more, and what Zoom says
    /// of it afterwards is rightly nobody's.
    #[diesel(sql_type = Bool)]
    ours: bool,
}

fn inbox(fleet: &Fleet) -> Vec<EventRow> {
    let Conn::Postgres(mut conn) = fleet.rig.database.conn() else { panic!("it is PostgreSQL") };
    let query = "SELECT encode(substr(digest, 9), 'hex') AS hash, event, state, EXISTS (SELECT 1 FROM zoom_meetings m \
        WHERE m.zoom_meeting_id = webhook_events.zoom_meeting_id) AS ours FROM webhook_events";
    diesel::sql_query(query).load(&mut conn).unwrap()
}

/// Every webhook that was acknowledged is in the inbox, and none is left behind.
async fn check_webhooks(fleet: &Fleet) {
    let began = Instant::now();
    let is_left = |row: &EventRow| match row.state.as_str() {
        "pending" | "dead" => true,
        "unowned" => row.ours,
        _ => false,
    };
    loop {
        let left: Vec<(String, String)> =
            inbox(fleet).into_iter().filter(is_left).map(|row| (row.event, row.state)).collect();
        if left.is_empty() {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "seed {}: webhooks that nobody applied: {left:?}", seed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let delivered = fleet.rig.control(Method::GET, "/deliveries?state=delivered", None).await;
    let delivered = delivered.as_array().or(delivered["deliveries"].as_array()).cloned().unwrap();
    assert!(!delivered.is_empty());
    let stored: BTreeSet<String> = inbox(fleet).into_iter().map(|row| row.hash).collect();
    for delivery in &delivered {
        let hash = &delivery["sha256"].as_str().unwrap()[..32];
        assert!(stored.contains(hash), "seed {}: acknowledged and lost: {delivery}", seed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_die_at_any_moment_and_the_end_is_the_same_as_with_one() {
    let Some(fleet) = fleet().await else { return };
    let mut rng = StdRng::seed_from_u64(seed());
    let survivor = rng.random_range(0..DAEMONS);
    let (first, second) = ((survivor + 1) % DAEMONS, (survivor + 2) % DAEMONS);
    let (algebra, meeting) = book_class(&fleet).await;
    let early = rng.random_range(0..1500);
    let (ids, ()) = tokio::join!(
        join_all((0..BOOKINGS).map(|number| book(&fleet, number))),
        kill_within(&fleet, first, early)
    );
    let class = play_class(&fleet, survivor, &algebra).await;
    let fates: Vec<Fate> = ids.iter().map(|_| Fate::draw(&mut rng)).collect();
    let late = rng.random_range(0..9000);
    tokio::join!(
        join_all(ids.iter().zip(&fates).map(|(id, fate)| fate.befall(&fleet, id))),
        kill_within(&fleet, second, late)
    );
    for id in &ids {
        until(&fleet, survivor, &format!("/api/appointments/{id}"), "in sync", in_sync).await;
    }
    check_meetings(&fleet, &fates).await;
    check_marks(&fleet, survivor, &meeting, &class).await;
    check_webhooks(&fleet).await;
}

/// How many shards each daemon has, and how many daemons it sees.
async fn standing(fleet: &Fleet, which: usize) -> Option<(u64, u64)> {
    let (_, answer) = fleet.ask(which, Method::GET, "/readyz", None, None).await?;
    Some((answer["shards"]["owned"].as_u64()?, answer["shards"]["processes"].as_u64()?))
}

async fn until_shared(fleet: &Fleet, alive: &[usize]) {
    let began = Instant::now();
    loop {
        let standings = join_all(alive.iter().map(|which| standing(fleet, *which))).await;
        let seen: Vec<(u64, u64)> = standings.into_iter().flatten().collect();
        let share = 64_u64.div_ceil(alive.len() as u64);
        let fair = seen.len() == alive.len()
            && seen.iter().all(|(owned, live)| *owned <= share && *live == alive.len() as u64)
            && seen.iter().map(|(owned, _)| owned).sum::<u64>() == 64;
        if fair {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "never shared among {alive:?}: {seen:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_are_shared_fairly_and_a_dead_daemons_are_taken_over_in_seconds() {
    let Some(fleet) = fleet().await else { return };
    until_shared(&fleet, &[0, 1, 2]).await;
    fleet.kill(1);
    let died = Instant::now();
    until_shared(&fleet, &[0, 2]).await;
    assert!(died.elapsed() < Duration::from_secs(10), "{:?}", died.elapsed());
    fleet.kill(0);
    until_shared(&fleet, &[2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_waits_at_one_daemon_gets_the_meeting_that_another_one_makes() {
    let Some(fleet) = fleet().await else { return };
    until_shared(&fleet, &[0, 1, 2]).await;
    // Of nine bookings through one daemon most belong to the others.
    let waits = (0..9).map(|number| {
        let fleet = &fleet;
        async move {
            let start = fleet.rig.clock.now() + chrono::Duration::days(2 + number as i64);
            let body = json!({ "kind": "consultation", "title": title(number), "host": "h1", "duration": 30,
                "start_time": start.to_rfc3339() });
            let url = format!("http://127.0.0.1:{}/api/appointments", fleet.rig.port());
            let request = fleet.rig.http.request(Method::POST, url).header("Prefer", "wait=20");
            let answer = request.bearer_auth(fleet.rig.token("service", "tests")).json(&body).send().await;
            let answer = answer.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        }
    });
    for (status, answer) in join_all(waits).await {
        assert_eq!(status, 201, "{answer:#}");
        assert!(answer["appointment"]["meeting"]["join_url"].is_string(), "{answer:#}");
    }
}

/// As a suspended machine: the process is there and does nothing.
fn signal(fleet: &Fleet, which: usize, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(fleet.pid(which)).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_slept_while_its_meetings_went_to_another_does_no_harm_when_it_wakes() {
    let Some(fleet) = fleet().await else { return };
    until_shared(&fleet, &[0, 1, 2]).await;
    fleet.kill(2);
    until_shared(&fleet, &[0, 1]).await;
    // Slow enough that the sleeper has requests on their way.
    let rule = json!({ "endpoint": CREATE, "fault": "delay", "millis": 400, "count": BOOKINGS });
    fleet.rig.control(Method::POST, "/faults", Some(rule)).await;
    let ids = join_all((0..BOOKINGS).map(|number| book(&fleet, number))).await;
    signal(&fleet, 0, Signal::STOP);
    until_shared(&fleet, &[1]).await;
    let mut rng = StdRng::seed_from_u64(seed());
    let fates: Vec<Fate> = ids.iter().map(|_| Fate::draw(&mut rng)).collect();
    for (id, fate) in ids.iter().zip(&fates) {
        let path = format!("/api/appointments/{id}");
        let (method, path, body) = match fate {
            Fate::Stays => continue,
            Fate::Moves => (Method::PATCH, path, json!({ "duration": 50 })),
            Fate::Goes => (Method::POST, format!("{path}/cancel"), json!({ "reason": "snow" })),
        };
        ok(fleet.ask(1, method, &path, Some(&body), None).await.expect("it is awake"));
    }
    signal(&fleet, 0, Signal::CONT);
    until_shared(&fleet, &[0, 1]).await;
    for id in &ids {
        until(&fleet, 1, &format!("/api/appointments/{id}"), "in sync", in_sync).await;
    }
    check_meetings(&fleet, &fates).await;
}
