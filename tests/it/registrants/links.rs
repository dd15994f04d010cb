//! How people come to their links, and who may not.

use convened::domain::connection::Source;
use convened::store::participant;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn everybody_joins_by_what_is_theirs() {
    let keys = "sdk_key = \"the key\"\nsdk_secret = \"the secret\"";
    let class = Class::booked(TestDatabase::sqlite().migrated(), keys, 2, json!({})).await;
    class.until_registered(0..2).await;
    let join = class.join_of(0).await;
    assert_eq!((&join["userName"], &join["userEmail"]), (&json!("Pupil 00"), &json!(email(0))));
    assert_eq!((&join["startUrl"], &join["sdkKey"]), (&Value::Null, &json!("the key")));
    assert_eq!(join["sdkSignature"].as_str().unwrap().split('.').count(), 3);
    assert_eq!(join["meetingNumber"], class.at_zoom().number.to_string());
    let base = format!("/api/zoom/meetings/{}", class.meeting);
    let (_, link) = class.by(0, Method::GET, &format!("{base}/link"), None).await;
    assert_eq!(link["url"], join["joinUrl"]);
    let (_, host) = class.by_role("host", "reyes", Method::GET, &format!("{base}/join"), None).await;
    assert_eq!((&host["isHost"], &host["isRegistered"]), (&json!(true), &json!(false)), "{host}");
    assert!(host["startUrl"].is_string());
    assert_eq!(class.by(0, Method::GET, &class.path(), None).await.0, 403);
    assert_eq!(class.by_role("attendee", "stranger", Method::GET, &class.path(), None).await.0, 404);
    let signature = format!("/api/zoom/sdk-signature?meetingNumber={}", class.at_zoom().number);
    assert_eq!(class.by(0, Method::GET, &signature, None).await.0, 200);
    assert_eq!(class.by(0, Method::GET, &format!("{signature}&role=1"), None).await.0, 403);
    assert_eq!(
        class.by_role("host", "reyes", Method::GET, &format!("{signature}&role=1"), None).await.0,
        200
    );
    class.rig.post(&format!("/api/appointments/{}/cancel", class.appointment), json!({})).await;
    let (status, gone) = class.by(0, Method::GET, &format!("{base}/join"), None).await;
    assert_eq!((status, &gone["error"]["code"]), (410, &json!("CANCELLED")));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_sdk_keys_the_two_fields_are_null_and_a_signature_is_a_503() {
    let class = Class::booked(TestDatabase::sqlite().migrated(), "", 1, json!({})).await;
    class.until_registered(0..1).await;
    let join = class.join_of(0).await;
    assert_eq!((&join["sdkSignature"], &join["sdkKey"]), (&Value::Null, &Value::Null));
    let path = format!("/api/zoom/sdk-signature?meetingNumber={}", class.at_zoom().number);
    let (status, answer) = class.by(0, Method::GET, &path, None).await;
    assert_eq!((status, &answer["error"]["code"]), (503, &json!("ZOOM_NOT_CONFIGURED")));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_allowed_domain_registers_and_joins() {
    let extra = "allowed_email_domain = \"school.example\"\n---\n";
    let rig = Rig::start(TestDatabase::sqlite().migrated(), 1.0, extra);
    people(&rig, 2, 1).await;
    let person = json!({ "name": "In House", "email": "in@school.example", "role": "attendee" });
    rig.put("/api/people/inside", person).await;
    rig.put(GROUP, roster(0..1)).await;
    let (appointment, meeting) = book(&rig, Duration::days(3), json!({ "attendees": ["inside"] })).await;
    let class = Class { rig, appointment, meeting };
    let inside = |_: &Value| {
        class.standing(RegistrantStatus::Approved) == BTreeSet::from(["in@school.example".to_owned()])
    };
    let path = format!("/api/appointments/{}", class.appointment);
    let made = |answer: &Value| answer["appointment"]["meeting"]["status"] == "scheduled";
    class.rig.until(&path, "made", made).await;
    let listed = class.rig.until(&class.path(), "registered", inside).await;
    assert_eq!(listed["not_registered"], json!([{ "person": "p00", "reason": "email_domain" }]));
    let press = json!({ "action": "join" });
    for (method, door, body) in
        [(Method::GET, "join", None), (Method::POST, "join", Some(press)), (Method::GET, "link", None)]
    {
        let path = format!("/api/zoom/meetings/{}/{door}", class.meeting);
        let (status, answer) = class.by(0, method.clone(), &path, body.clone()).await;
        assert_eq!((status, &answer["error"]["code"]), (403, &json!("EMAIL_DOMAIN_NOT_ALLOWED")), "{path}");
        assert_eq!(class.by_role("attendee", "inside", method, &path, body).await.0, 200, "{path}");
    }
    let (status, answer) =
        class.rig.call(Method::POST, &class.path(), Some(json!({ "person": "p00" }))).await;
    assert_eq!((status, &answer["error"]["code"]), (403, &json!("EMAIL_DOMAIN_NOT_ALLOWED")));
}

#[tokio::test(flavor = "multi_thread")]
async fn presses_of_the_buttons_are_evidence_once() {
    let class = Class::booked(TestDatabase::sqlite().migrated(), "", 1, json!({})).await;
    class.until_registered(0..1).await;
    let path = format!("/api/zoom/meetings/{}/join", class.meeting);
    for action in ["leave", "join", "join", "leave", "leave", "join"] {
        let (status, answer) = class.by(0, Method::POST, &path, Some(json!({ "action": action }))).await;
        assert_eq!((status, answer), (200, json!({ "success": true })));
    }
    let bad = class.by(0, Method::POST, &path, Some(json!({ "action": "wave" }))).await;
    assert_eq!(bad.0, 400);
    let rows = participant::of_meeting(&mut class.rig.database.conn(), &class.meeting).unwrap();
    let stays: Vec<(bool, bool)> = rows
        .iter()
        .filter(|row| row.source == Source::App.as_str() && row.customer_key.as_deref() == Some("p00"))
        .map(|row| (row.join_time.is_some(), row.leave_time.is_some()))
        .collect();
    assert_eq!(stays, [(true, true), (true, false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_student_is_registered_for_every_meeting_of_the_class_to_come() {
    let class = Class::booked(TestDatabase::sqlite().migrated(), "", 2, json!({})).await;
    class.rig.put(GROUP, roster(0..1)).await;
    let (_, second) = book(&class.rig, Duration::days(5), json!({})).await;
    let body = json!({ "studentId": "p01", "classId": "algebra" });
    let path = "/api/zoom/meetings/register-student";
    assert_eq!(class.by(0, Method::POST, path, Some(body.clone())).await.0, 403);
    let answer = class.rig.post(path, body).await;
    assert_eq!((&answer["message"], &answer["registered"]), (&json!("Registered for 2 meetings"), &json!(2)));
    assert_eq!(answer["meetingIds"], json!([class.meeting, second]));
    class.until_registered(0..2).await;
    let later = Class { meeting: second, ..class };
    later.until_registered(0..2).await;
    let unknown = json!({ "studentId": "nobody", "classId": "algebra" });
    assert_eq!(later.rig.call(Method::POST, path, Some(unknown)).await.0, 400);
}
