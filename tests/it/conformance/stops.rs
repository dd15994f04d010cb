//! The stops of the tour, in an order in which each finds what it needs.

use convened::zoom::call::{self, UserRemoval};
use convened::zoom::ids::encode_uuid;
use convened::zoom::types::{
    BatchRequest, CreateUser, MeetingPatch, MeetingRequest, MeetingSettings, NewUser, RegistrantRequest,
    RegistrantStatusChange, RegistrantTarget, StatusChange, UserPatch,
};
use serde_json::{Value, json};

use super::tour::Tour;

/// Visits everything.
pub(crate) async fn visit_all(tour: &mut Tour) {
    let host = users(tour).await;
    let number = meetings(tour, &host).await;
    registrants(tour, &number).await;
    let uuid = class(tour, &number).await;
    past(tour, &number, &uuid).await;
    recordings(tour, &host, &uuid).await;
    refusals(tour, &host).await;
    goodbyes(tour, &host, &number).await;
}

async fn users(tour: &mut Tour) -> String {
    let new = NewUser {
        email: "reyes@school.example".to_owned(),
        kind: 2,
        first_name: Some("Ana".to_owned()),
        last_name: Some("Reyes".to_owned()),
        ..NewUser::default()
    };
    let (_, pending) =
        tour.call(call::create_user(&CreateUser { action: "create".to_owned(), user_info: new })).await;
    assert!(pending["id"].is_string(), "{pending}");
    let owner = tour.sandbox.state().users().into_iter().find(|user| user.first_name == "Olga").unwrap().id;
    for status in ["active", "inactive", "pending"] {
        tour.call(call::list_users(status, None)).await;
    }
    tour.call(call::get_user(&owner)).await;
    let patch = UserPatch { last_name: Some("Owens".to_owned()), ..UserPatch::default() };
    tour.call(call::update_user(&owner, &patch)).await;
    tour.call(call::zak(&owner)).await;
    tour.ask("GET", "/users/me/zak", &[], None).await;
    tour.ask("GET", "/users/summary", &[], None).await;
    tour.ask("GET", "/users/email", &[("email", "owner@sandbox.example")], None).await;
    tour.ask("GET", &format!("/users/{owner}/settings"), &[], None).await;
    let settings = json!({"in_meeting": {"waiting_room": true}});
    tour.ask("PATCH", &format!("/users/{owner}/settings"), &[], Some(settings)).await;
    let feature = json!({"feature_type": "user_type", "feature_value": "2", "users": [{"id": owner}, {"id": "nobody"}]});
    tour.ask("POST", "/users/features", &[], Some(feature)).await;
    owner
}

async fn meetings(tour: &mut Tour, host: &str) -> String {
    let request = MeetingRequest {
        topic: Some("Algebra".to_owned()),
        kind: Some(2),
        start_time: Some(tour.sandbox.state().now() + chrono::Duration::hours(1)),
        duration: Some(45),
        timezone: Some("Europe/Berlin".to_owned()),
        agenda: Some("[convened:1] Quadratic equations".to_owned()),
        settings: Some(MeetingSettings {
            approval_type: Some(0),
            waiting_room: Some(true),
            join_before_host: Some(false),
            ..MeetingSettings::default()
        }),
        ..MeetingRequest::default()
    };
    let (_, meeting) = tour.call(call::create_meeting(host, &request)).await;
    let number = meeting["id"].to_string();
    let series = MeetingRequest {
        kind: Some(8),
        recurrence: Some(json!({"type": 1, "repeat_interval": 1, "end_times": 3})),
        ..request
    };
    let (_, series) = tour.call(call::create_meeting(host, &series)).await;
    tour.call(call::get_meeting(&number)).await;
    tour.call(call::get_meeting(&series["id"].to_string())).await;
    tour.call(call::list_meetings(host, None)).await;
    tour.call(call::live_meetings(host)).await;
    let patch = MeetingPatch { topic: Some("Algebra II".to_owned()), ..MeetingPatch::default() };
    tour.call(call::update_meeting(&number, &patch, host)).await;
    tour.ask("GET", &format!("/meetings/{number}/invitation"), &[], None).await;
    tour.call(call::delete_meeting(&series["id"].to_string())).await;
    number
}

async fn registrants(tour: &mut Tour, number: &str) {
    let ada = RegistrantRequest {
        email: "ada@school.example".to_owned(),
        first_name: "Ada".to_owned(),
        last_name: Some("Lovelace".to_owned()),
        ..RegistrantRequest::default()
    };
    let (_, added) = tour.call(call::add_registrant(number, &ada)).await;
    let ada_id = added["registrant_id"].as_str().unwrap().to_owned();
    let others = ["ben", "cara"].map(|name| RegistrantRequest {
        email: format!("{name}@school.example"),
        first_name: name.to_owned(),
        ..RegistrantRequest::default()
    });
    let batch = BatchRequest { registrants: others.to_vec(), ..BatchRequest::default() };
    let (_, batch) = tour.call(call::batch_registrants(number, &batch)).await;
    tour.call(call::list_registrants(number, "approved", None)).await;
    tour.ask("GET", &format!("/meetings/{number}/registrants/{ada_id}"), &[], None).await;
    let cara = batch["registrants"][1]["registrant_id"].as_str().unwrap().to_owned();
    for action in ["deny", "approve", "cancel"] {
        let target =
            RegistrantTarget { id: Some(cara.clone()), email: Some("cara@school.example".to_owned()) };
        let change = RegistrantStatusChange { action: action.to_owned(), registrants: vec![target] };
        tour.call(call::change_registrants(number, &change)).await;
    }
    let ben = batch["registrants"][0]["registrant_id"].as_str().unwrap().to_owned();
    tour.call(call::delete_registrant(number, &ben)).await;
}

/// Plays a class in which everything happens that can happen; answers the UUID of its first instance.
async fn class(tour: &mut Tour, number: &str) -> String {
    // Long ago, so that everything about it has been published.
    let start = tour.sandbox.state().now() - chrono::Duration::hours(12);
    let class = json!({
        "meeting": number, "instant": true, "host_ends": ["45m"], "planned": {"start": start, "duration": 45},
        "persons": [
            {"name": "Olga Owens", "role": "host", "devices": [["2m join"]]},
            {"name": "Early", "devices": [["-2m join", "10m leave"]]},
            {"name": "Ada Lovelace", "email": "ada@school.example", "registrant_id": "bqFnvTWYQ6qgWPhTUAoNqA",
                "customer_key": "person-ada",
                "devices": [["-1m wait", "1m admit", "5m breakout Blue", "10m breakout Red", "15m return", "20m wait",
                    "21m admit", "30m die"], ["30m10s join"]]},
            {"name": "Never", "devices": [["0s wait", "20m leave"]]},
            {"name": "Colleague", "zoom_user_id": "UaNQgyQYSM-qKsOyfaDzGQ", "email": "c@school.example",
                "devices": [["5m join", "44m breakout Blue"]]},
            {"name": "Night", "devices": [["10h join", "10h5m leave"]]},
        ],
    });
    let view = tour.play(class).await;
    assert_eq!(view.instances.len(), 2);
    view.instances[0].uuid.clone()
}

async fn past(tour: &mut Tour, number: &str, uuid: &str) {
    tour.call(call::past_instances(number)).await;
    tour.call(call::past_meeting(uuid)).await;
    tour.call(call::past_participants(uuid, None)).await;
    tour.call(call::report_meeting(uuid)).await;
    let (status, report) = tour.call(call::report_participants(uuid, None)).await;
    assert_eq!((status, report["participants"].as_array().unwrap().len()), (200, 13), "{report}");
    let path = format!("/report/meetings/{}/participants", encode_uuid(uuid));
    tour.ask("GET", &path, &[("page_size", "5")], None).await;
}

async fn recordings(tour: &mut Tour, host: &str, uuid: &str) {
    tour.sandbox.state().publish_recording(uuid).unwrap();
    let today = tour.sandbox.state().now().date_naive();
    let (from, to) = ((today - chrono::Days::new(1)).to_string(), today.to_string());
    tour.call(call::user_recordings(host, &from, &to, None)).await;
    let (_, recording) = tour.call(call::meeting_recordings(uuid)).await;
    let Some(file) = recording["recording_files"][0]["id"].as_str() else { panic!("no files: {recording}") };
    let path = format!("/meetings/{}/recordings", encode_uuid(uuid));
    tour.ask("DELETE", &format!("{path}/{file}"), &[("action", "trash")], None).await;
    tour.ask("DELETE", &path, &[("action", "trash")], None).await;
    tour.ask("PUT", &format!("{path}/status"), &[], Some(json!({"action": "recover"}))).await;
}

/// Statuses only: the documents describe errors in prose.
async fn refusals(tour: &mut Tour, host: &str) {
    for call in [
        call::get_meeting("11111111111"),
        call::past_meeting("11111111111"),
        call::report_participants("nosuchuuid==", None),
        call::get_user("nobody@school.example"),
        call::meeting_recordings("11111111111"),
        call::list_registrants("11111111111", "approved", None),
    ] {
        let (status, error) = tour.call(call).await;
        assert_eq!((status, error["code"].is_i64()), (404, true), "{error}");
    }
    let (status, _) =
        tour.ask("POST", &format!("/users/{host}/meetings"), &[], Some(json!({"duration": "x"}))).await;
    assert_eq!(status, 400);
}

async fn goodbyes(tour: &mut Tour, host: &str, number: &str) {
    let state = tour.sandbox.state();
    state.begin_instance(number.parse().unwrap(), "Jt4PAh1jSaiRSDnd90ssWA==", state.now()).unwrap();
    tour.call(call::end_meeting(number)).await;
    tour.call(call::delete_meeting(number)).await;
    let colleague = json!({"email": "colleague@school.example", "first_name": "Col", "last_name": "League"});
    let colleague = tour.sandbox.state().add_user(&serde_json::from_value(colleague).unwrap()).unwrap().id;
    for action in ["deactivate", "activate"] {
        tour.call(call::change_user_status(&colleague, &StatusChange { action: action.to_owned() })).await;
    }
    tour.call(call::change_email(&colleague, "league@school.example")).await;
    tour.call(call::delete_user(&colleague, UserRemoval::Disassociate)).await;
    let _: Value = tour.call(call::get_user(host)).await.1;
}
