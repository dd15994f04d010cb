//! What others change at Zoom, and what nobody owns there: found by webhooks, by the sweep, or because a person asks.

use std::process::Command;

use convened::zoom::http::Method;
use serde_json::{Value, json};

use crate::support::booked::{CREATE, UPDATE, at_zoom, book, fault, in_sync, rig_with_host, settled};
use crate::support::database::TestDatabase;
use crate::support::rig::Rig;

/// Often enough that a test need not wait for it.
const SWEEP_OFTEN: &str = "sweep_every = \"30s\"\n";

async fn meddle(rig: &Rig, number: &str, fields: Value) {
    rig.control(Method::POST, &format!("/meetings/{number}/patch"), Some(fields)).await;
}

fn number(answer: &Value) -> String {
    answer["appointment"]["meeting"]["zoom_meeting_id"].as_str().unwrap().to_owned()
}

/// No webhook reaches the daemon from now on.
async fn without_webhooks(rig: &Rig) {
    rig.control(Method::PUT, "/webhook", Some(json!({ "url": null }))).await;
}

async fn story_kinds(rig: &Rig, appointment: &str) -> Vec<String> {
    let story = rig.get(&format!("/api/appointments/{appointment}/story")).await;
    let lines = story["story"].as_array().unwrap();
    lines.iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect()
}

/// Waits until the story has a line of this kind.
async fn told(rig: &Rig, appointment: &str, kind: &str) {
    let has = |story: &Value| {
        story["story"].as_array().is_some_and(|lines| lines.iter().any(|line| line["kind"] == kind))
    };
    rig.until(&format!("/api/appointments/{appointment}/story"), kind, has).await;
}

/// How many requests of one kind Zoom got.
async fn requests(rig: &Rig, method: &str) -> usize {
    let ledger = rig.control(Method::GET, "/ledger", None).await;
    let entries = ledger.as_array().cloned().or(ledger["entries"].as_array().cloned()).unwrap();
    entries.iter().filter(|entry| entry["endpoint"] == method).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_about_a_change_that_is_not_ours_puts_the_schedule_right_and_takes_the_passcode_over() {
    let rig = rig_with_host(TestDatabase::sqlite(), "").await;
    let appointment = book(&rig).await;
    let number = number(&settled(&rig, &appointment).await);
    meddle(&rig, &number, json!({ "duration": 10, "topic": "Cancelled" })).await;
    told(&rig, &appointment, "zoom.restored").await;
    let meetings = at_zoom(&rig).await;
    assert_eq!((&meetings[0]["duration"], &meetings[0]["topic"]), (&json!(30), &json!("Algebra")));
    meddle(&rig, &number, json!({ "password": "portal1" })).await;
    let taken_over = |answer: &Value| answer["appointment"]["meeting"]["password"] == "portal1";
    rig.until(&format!("/api/appointments/{appointment}"), "the new passcode", taken_over).await;
    assert!(story_kinds(&rig, &appointment).await.contains(&"zoom.link_changed".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_echoes_cause_nothing() {
    let rig = rig_with_host(TestDatabase::sqlite(), "").await;
    let appointment = book(&rig).await;
    settled(&rig, &appointment).await;
    let path = format!("/api/appointments/{appointment}");
    let before = requests(&rig, "GET /meetings/{meetingId}").await;
    rig.call(Method::PATCH, &path, Some(json!({ "duration": 50 }))).await;
    rig.until(&path, "changed", |answer| in_sync(answer) && answer["appointment"]["duration"] == 50).await;
    // A change of somebody else comes after the echo of ours: once it is served, the echo is long applied.
    let number = number(&rig.get(&path).await);
    meddle(&rig, &number, json!({ "duration": 10 })).await;
    told(&rig, &appointment, "zoom.restored").await;
    rig.until(&path, "read back", in_sync).await;
    let looks = requests(&rig, "GET /meetings/{meetingId}").await - before;
    assert_eq!(looks, 2, "for the one change: one look, and one to see that Zoom keeps what it was told");
}

async fn the_sweep_finds_what_no_webhook_told(database: TestDatabase) {
    let rig = rig_with_host(database, SWEEP_OFTEN).await;
    let appointment = book(&rig).await;
    let first = number(&settled(&rig, &appointment).await);
    without_webhooks(&rig).await;
    meddle(&rig, &first, json!({ "topic": "Geometry" })).await;
    told(&rig, &appointment, "zoom.restored").await;
    assert_eq!(at_zoom(&rig).await[0]["topic"], "Algebra");
    rig.control(Method::POST, &format!("/meetings/{first}/delete"), None).await;
    told(&rig, &appointment, "zoom.link_changed").await;
    let again = settled(&rig, &appointment).await;
    assert_ne!(number(&again), first, "made again");
    assert_eq!(at_zoom(&rig).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_finds_what_no_webhook_told_on_sqlite() {
    the_sweep_finds_what_no_webhook_told(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_finds_what_no_webhook_told_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        the_sweep_finds_what_no_webhook_told(database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_zoom_drops_is_told_once_more_then_shown_and_resync_tries_anew() {
    let rig = rig_with_host(TestDatabase::sqlite(), "").await;
    for endpoint in [CREATE, UPDATE] {
        let rule = json!({ "endpoint": endpoint, "fault": "drop_settings", "names": ["registrants_email_notification"] });
        rig.control(Method::POST, "/faults", Some(rule)).await;
    }
    let appointment = book(&rig).await;
    let path = format!("/api/appointments/{appointment}");
    let parked = |answer: &Value| answer["appointment"]["meeting"]["sync"]["state"] == "parked";
    let shown = rig.until(&path, "parked", parked).await;
    let drift =
        json!([{ "field": "settings.registrants_email_notification", "wanted": false, "at_zoom": true }]);
    assert_eq!(shown["appointment"]["meeting"]["sync"]["drift"], drift);
    assert_eq!(requests(&rig, UPDATE).await, 1, "told once more, and no oftener");
    let listed = rig.get("/api/appointments?sync=drift").await;
    assert_eq!(listed["appointments"].as_array().unwrap().len(), 1);
    rig.control(Method::DELETE, "/faults", None).await;
    rig.post(&format!("{path}/resync"), json!({})).await;
    let right = settled(&rig, &appointment).await;
    assert_eq!(right["appointment"]["meeting"]["sync"]["drift"], json!([]));
    assert_eq!(requests(&rig, UPDATE).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarrel_with_another_system_ends_at_the_limit_and_is_shown() {
    let rig = rig_with_host(TestDatabase::sqlite(), "").await;
    let appointment = book(&rig).await;
    let path = format!("/api/appointments/{appointment}");
    let number = number(&settled(&rig, &appointment).await);
    for round in 1..=3 {
        meddle(&rig, &number, json!({ "duration": 10 })).await;
        let right = |story: &Value| {
            let lines = story["story"].as_array().unwrap();
            lines.iter().filter(|line| line["kind"] == "zoom.restored").count() == round
        };
        rig.until(&format!("{path}/story"), "put right", right).await;
        // What differs before Zoom was read once more would be taken for something that Zoom does not keep.
        settled(&rig, &appointment).await;
    }
    meddle(&rig, &number, json!({ "duration": 10 })).await;
    told(&rig, &appointment, "zoom.drift").await;
    assert_eq!(requests(&rig, UPDATE).await, 3);
    let shown = rig.get(&path).await;
    assert_eq!(shown["appointment"]["meeting"]["sync"]["drift"][0]["field"], "duration");
}

async fn a_double_is_removed(database: TestDatabase) {
    let rig = rig_with_host(database, SWEEP_OFTEN).await;
    // The list lags longer than the looks last, so a create whose answer is lost is made twice.
    rig.control(Method::PUT, "/settings", Some(json!({ "list_lag_secs": 400 }))).await;
    fault(&rig, CREATE, "lose_answer", 1).await;
    let appointment = book(&rig).await;
    let kept = number(&settled(&rig, &appointment).await);
    told(&rig, &appointment, "zoom.double_removed").await;
    let left = at_zoom(&rig).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["number"].to_string(), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_is_removed_on_sqlite() {
    a_double_is_removed(TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_is_removed_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        a_double_is_removed(database).await;
    }
}

/// A meeting made by some other program, with this agenda.
async fn stray(rig: &Rig, agenda: &str) -> String {
    let base = rig.sandbox.url();
    let form = [("grant_type", "account_credentials"), ("account_id", "account")];
    let request = rig.http.post(format!("{base}/oauth/token")).basic_auth("client", Some("client secret"));
    let token: Value =
        serde_json::from_str(&request.form(&form).send().await.unwrap().text().await.unwrap()).unwrap();
    let start = rig.clock.now() + chrono::Duration::days(3);
    let body = json!({ "topic": "Left behind", "type": 2, "duration": 30, "agenda": agenda,
        "start_time": start.format("%Y-%m-%dT%H:%M:%SZ").to_string() });
    let request = rig.http.post(format!("{base}/v2/users/reyes@school.example/meetings")).json(&body);
    let request = request.bearer_auth(token["access_token"].as_str().unwrap());
    let made: Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
    made["id"].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn meetings_of_a_lost_database_are_removed_those_of_others_are_not() {
    let sync = format!("{SWEEP_OFTEN}installation = \"here\"\n");
    let rig = rig_with_host(TestDatabase::sqlite(), &sync).await;
    let appointment = book(&rig).await;
    let own = number(&settled(&rig, &appointment).await);
    let lost = stray(&rig, "[convened:here-0123456789ab] of a lost database").await;
    let foreign = stray(&rig, "[convened:there-0123456789ab] of another installation").await;
    let unsigned = stray(&rig, "[convened:0123456789ab] of an old version").await;
    let people = stray(&rig, "Bring a ruler").await;
    let seen = || async {
        let request = rig.http.get(rig.url("/api/zoom/orphans")).bearer_auth(rig.token("admin", "ops"));
        serde_json::from_str::<Value>(&request.send().await.unwrap().text().await.unwrap()).unwrap()
    };
    let state = |orphans: &Value, number: &str| {
        let all = orphans["orphans"].as_array().unwrap();
        all.iter().find(|one| one["zoom_meeting_id"] == number).map(|one| one["state"].clone())
    };
    let began = std::time::Instant::now();
    let orphans = loop {
        let orphans = seen().await;
        let states = (state(&orphans, &lost), state(&orphans, &unsigned));
        if states == (Some(json!("removed")), Some(json!("kept"))) {
            break orphans;
        }
        assert!(began.elapsed().as_secs() < 60, "{orphans:#}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!((orphans["installation"].as_str(), state(&orphans, &foreign)), (Some("here"), None));
    let mut left: Vec<String> = at_zoom(&rig).await.iter().map(|one| one["number"].to_string()).collect();
    left.sort();
    let mut expected = vec![own, foreign, unsigned, people];
    expected.sort();
    assert_eq!(left, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_has_everything_looked_at_and_waits_for_it() {
    let rig = rig_with_host(TestDatabase::sqlite(), "").await;
    let appointment = book(&rig).await;
    let first = number(&settled(&rig, &appointment).await);
    without_webhooks(&rig).await;
    rig.control(Method::POST, &format!("/meetings/{first}/delete"), None).await;
    let resync = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_convened"));
        command
            .arg("--config")
            .arg(rig.config_file(rig.port()))
            .arg("resync")
            .args(arguments)
            .env_remove("DATABASE_URL");
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, done, faults) = resync(&["--all", "--json"]);
    assert_eq!((code, done.as_str()), (Some(0), "{\"asked\":1,\"done\":1}\n"), "{faults}");
    let again = settled(&rig, &appointment).await;
    assert_ne!(number(&again), first, "the second look came at once, and it was made again");
    assert_eq!(resync(&["--appointment", "nobody"]).0, Some(1));
}
