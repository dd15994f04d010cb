//! After a simulated meeting: instances, reports, recordings; and the users of the account.

use std::time::Duration;

use convened::sandbox::model::{Plan, ReportRow};
use convened::sandbox::settings::Settings;
use convened::zoom::ids;
use convened::zoom::wire::{PastInstances, ReportParticipantPage};
use serde_json::{Value, json};

use crate::support::sandbox::Zoom;

/// Runs an instance of a new meeting with so many people; the answer is the meeting and the instance's UUID.
async fn held(zoom: &Zoom, people: usize, uuid: &str) -> Value {
    let meeting = zoom.meeting("ada@school.example", json!({})).await;
    let number = meeting["id"].as_u64().unwrap();
    let started = zoom.now();
    zoom.state().begin_instance(number, uuid, started).unwrap();
    assert_eq!(zoom.get(&format!("/meetings/{number}")).await.json()["status"], "started");
    zoom.clock.advance(Duration::from_secs(600));
    for person in 0..people {
        let row = ReportRow {
            user_id: Some((16_778_240 + person * 1_024).to_string()),
            name: Some(format!("Pupil {person}")),
            join_time: Some(started),
            leave_time: Some(zoom.now()),
            duration: 600,
            registrant_id: Some(format!("registrant-{person}")),
            ..ReportRow::default()
        };
        zoom.state().add_report_row(uuid, row).unwrap();
    }
    assert!(zoom.state().end_instance(uuid, zoom.now()));
    assert!(!zoom.state().end_instance(uuid, zoom.now()), "it ends once");
    meeting
}

#[tokio::test]
async fn a_report_comes_later_in_pages_and_by_every_encoding_of_the_uuid() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.host("ada@school.example");
    let uuid = "/Ab//cdEfGhIjKlMnOpQrg==";
    let meeting = held(&zoom, 5, uuid).await;
    let path = format!("/report/meetings/{}/participants", ids::encode_uuid(uuid));
    let early = zoom.get(&path).await;
    assert_eq!(early.refusal(), (404, 3001));
    assert!(early.json()["message"].as_str().unwrap().starts_with("Meeting  "), "two spaces");
    let details = format!("/past_meetings/{}", ids::encode_uuid(uuid));
    assert_eq!(zoom.get(&details).await.json()["duration"], 0, "Zoom is still counting");

    zoom.clock.advance(Duration::from_secs(300));
    assert_eq!(zoom.get(&details).await.json()["duration"], 10);
    let first = zoom.get(&format!("{path}?page_size=3&include_fields=registrant_id")).await.json();
    assert_eq!(first["participants"][0]["registrant_id"], "registrant-0");
    assert_eq!(first["participants"][0]["id"], "", "guests have an empty id, not none");
    let token = first["next_page_token"].as_str().unwrap();
    let rest = format!("{path}?page_size=3&include_fields=registrant_id&next_page_token={token}");
    let rest: ReportParticipantPage = serde_json::from_value(zoom.get(&rest).await.json()).unwrap();
    assert_eq!((rest.participants.len(), rest.next_page_token), (2, None));

    for encoded in [ids::encode_segment(uuid), ids::encode_segment(&ids::encode_segment(uuid))] {
        let bare = zoom.get(&format!("/report/meetings/{encoded}/participants")).await.json();
        assert_eq!(bare["total_records"], 5);
        assert!(bare["participants"][0].get("registrant_id").is_none(), "only when asked for");
    }
    let instances = zoom.get(&format!("/past_meetings/{}/instances", meeting["id"])).await.json();
    let instances: PastInstances = serde_json::from_value(instances).unwrap();
    assert_eq!(instances.meetings[0].uuid, uuid);
    let next = zoom.get(&format!("/meetings/{}", meeting["id"])).await.json();
    assert_ne!(next["uuid"], uuid, "the next instance has its own UUID");
}

#[tokio::test]
async fn one_person_has_no_report_and_a_free_account_none_at_all() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.host("ada@school.example");
    held(&zoom, 1, "alone===").await;
    zoom.clock.advance(Duration::from_secs(300));
    assert_eq!(zoom.get("/report/meetings/alone%3D%3D%3D/participants").await.refusal(), (404, 3001));
    assert_eq!(zoom.get("/past_meetings/alone%3D%3D%3D/participants").await.json()["total_records"], 0);
    assert_eq!(zoom.get("/past_meetings/alone%3D%3D%3D").await.status, 200);
    zoom.state().set_settings(Settings { plan: Plan::Free, limits: false, ..Settings::default() });
    assert_eq!(zoom.get("/report/meetings/alone%3D%3D%3D/participants").await.refusal(), (400, 200));
}

#[tokio::test]
async fn ending_over_the_api_ends_the_instance_and_tells_the_player() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.host("ada@school.example");
    let number = zoom.meeting("ada@school.example", json!({})).await["id"].as_u64().unwrap();
    zoom.state().begin_instance(number, "run", zoom.now()).unwrap();
    let mut endings = zoom.state().endings();
    let end = Some(json!({"action": "end"}));
    assert_eq!(zoom.call("PUT", &format!("/meetings/{number}/status"), end.clone()).await.status, 204);
    assert_eq!(endings.try_recv().unwrap(), "run");
    assert_eq!(zoom.state().instance("run").unwrap().ended, Some(zoom.now()));
    assert_eq!(zoom.call("PUT", &format!("/meetings/{number}/status"), end).await.status, 204);
    assert!(endings.try_recv().is_err(), "nothing runs any more");
}

#[tokio::test]
async fn recordings_are_listed_fetched_in_ranges_and_thrown_away() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.host("ada@school.example");
    let number = held(&zoom, 2, "recorded").await["id"].clone();
    let path = format!("/meetings/{number}/recordings");
    assert_eq!(zoom.get(&path).await.refusal(), (404, 3301));
    zoom.state().publish_recording("recorded").unwrap();

    let listed = zoom.get("/users/ada@school.example/recordings").await.json();
    assert_eq!(listed["meetings"][0]["recording_count"], 3);
    let found = zoom.get(&format!("{path}?include_fields=download_access_token")).await.json();
    let (file, token) = (&found["recording_files"][0], found["download_access_token"].as_str().unwrap());
    let url = file["download_url"].as_str().unwrap();
    assert_eq!(zoom.client.get(url).send().await.unwrap().status(), 401);
    let whole = zoom.client.get(url).bearer_auth(token).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(whole.len() as u64, file["file_size"].as_u64().unwrap());
    let part = zoom.client.get(url).bearer_auth(token).header("range", "bytes=10-19").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers().get("content-range").unwrap(), &format!("bytes 10-19/{}", whole.len())[..]);
    assert_eq!(part.bytes().await.unwrap(), whole[10..20]);

    assert_eq!(zoom.call("DELETE", &path, None).await.status, 204);
    assert_eq!(zoom.get(&path).await.refusal(), (404, 3301));
    let recover = Some(json!({"action": "recover"}));
    assert_eq!(zoom.call("PUT", &format!("{path}/status"), recover).await.status, 200);
    assert_eq!(zoom.get(&path).await.status, 200);
}

#[tokio::test]
async fn users_are_invited_licensed_within_the_seats_and_removed() {
    let zoom = Zoom::start(Plan::Business).await;
    zoom.state().set_settings(Settings { seats: 2, ..Settings::default() });
    let create = |action: &str, email: &str, kind: i64| {
        let info = json!({"email": email, "type": kind, "first_name": "New", "last_name": "User"});
        Some(json!({"action": action, "user_info": info}))
    };
    let made = zoom.call("POST", "/users", create("custCreate", "a@school.example", 2)).await;
    assert_eq!((made.status, &made.json()["type"]), (201, &json!(2)));
    assert_eq!(
        zoom.call("POST", "/users", create("custCreate", "A@school.example", 1)).await.refusal(),
        (409, 1005)
    );
    assert_eq!(
        zoom.call("POST", "/users", create("custCreate", "b@school.example", 2)).await.refusal(),
        (400, 2034)
    );
    assert_eq!(zoom.call("POST", "/users", create("create", "c@school.example", 1)).await.status, 201);
    let pending = zoom.get("/users?status=pending").await.json();
    assert_eq!(pending["users"][0]["email"], "c@school.example");
    assert!(pending["users"][0].get("id").is_none(), "pending users have no id");

    let features = json!({"feature_type": "user_type", "feature_value": "1",
        "users": [{"email": "a@school.example"}, {"id": "nobody"}]});
    let answer = zoom.call("POST", "/users/features", Some(features)).await.json();
    assert_eq!(answer["success_user_ids"].as_array().unwrap().len(), 1);
    assert_eq!(answer["fail_details"][0]["reason"], "Users not found");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let token = zoom.get(&format!("/users/{id}/token?type=zak")).await.json();
    assert!(!token["token"].as_str().unwrap().contains(' '));
    assert_eq!(zoom.call("DELETE", &format!("/users/{id}?action=delete"), None).await.status, 204);
    assert_eq!(zoom.get(&format!("/users/{id}")).await.refusal(), (404, 1001));
}
