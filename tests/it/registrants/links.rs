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
    assert_eq!(join["customerKey"], pupil(0));
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
    let (meeting, booking) = (class.meeting.clone(), class.appointment.clone());
    for (who, shown) in [("p00", false), ("inside", true)] {
        let get = |path: String| {
            let class = &class;
            async move { class.by_role("attendee", who, Method::GET, &path, None).await.1 }
        };
        let one = get(format!("/api/zoom/meetings/{meeting}")).await["meeting"].clone();
        let of_list = get("/api/zoom/meetings".to_owned()).await["meetings"][0].clone();
        let of_booking = get(format!("/api/appointments/{booking}")).await["appointment"]["meeting"].clone();
        for view in [one, of_list, of_booking] {
            assert_eq!(view["id"], json!(meeting), "{view}");
            for field in ["join_url", "password", "registration_url"] {
                assert_eq!(view[field].is_string(), shown, "{who} {field}: {view}");
            }
        }
        let path = format!("/api/appointments/{booking}/calendar.ics");
        let request = class.rig.http.get(class.rig.url(&path)).bearer_auth(class.rig.token("attendee", who));
        let text = request.send().await.unwrap().text().await.unwrap();
        assert_eq!((text.contains("LOCATION:"), text.contains("URL:")), (shown, shown), "{text}");
    }
    let (status, answer) =
        class.rig.call(Method::POST, &class.path(), Some(json!({ "person": "p00" }))).await;
    assert_eq!((status, &answer["error"]["code"]), (403, &json!("EMAIL_DOMAIN_NOT_ALLOWED")));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_press_of_a_button_is_evidence() {
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
    let mut stays: Vec<(bool, bool)> = rows
        .iter()
        .filter(|row| row.source == Source::App.as_str() && row.customer_key.as_deref() == Some("p00"))
        .map(|row| (row.join_time.is_some(), row.leave_time.is_some()))
        .collect();
    stays.sort_unstable();
    // Two leaves without a join, two joins without a leave, and one stay: only that has a length.
    assert_eq!(stays, [(false, true), (false, true), (true, false), (true, false), (true, true)]);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_made_once_for_a_key_and_removed_under_every_address() {
    let class = Class::booked(TestDatabase::sqlite().migrated(), "", 3, json!({})).await;
    class.rig.put(GROUP, roster(0..2)).await;
    class.until_registered(0..2).await;
    let post = |person: &'static str| {
        let (request, token) =
            (class.rig.http.post(class.rig.url(&class.path())), class.rig.token("service", "tests"));
        let request =
            request.bearer_auth(token).header("idempotency-key", "one").json(&json!({ "person": person }));
        async move {
            let response = request.send().await.unwrap();
            let replayed = response.headers().get("idempotent-replayed").is_some();
            (response.status().as_u16(), replayed, response.text().await.unwrap())
        }
    };
    let first = post("p02").await;
    assert_eq!((first.0, first.1), (201, false), "{}", first.2);
    let again = post("p02").await;
    assert_eq!((again.0, again.1, &again.2), (201, true, &first.2));
    assert_eq!(post("p01").await.0, 422);
    class.until_registered(0..3).await;
    let moved = json!({ "name": "Pupil 00", "email": "new@home.example", "role": "attendee" });
    class.rig.put("/api/people/p00", moved).await;
    let new = || "new@home.example".to_owned();
    let moved = |_: &Value| class.standing(RegistrantStatus::Approved).contains(&new());
    class.rig.until(&class.path(), "the new address", moved).await;
    let (status, _) = class.rig.call(Method::DELETE, &format!("{}/p00", class.path()), None).await;
    assert_eq!(status, 200);
    let gone = |_: &Value| class.standing(RegistrantStatus::Approved) == BTreeSet::from([email(1), email(2)]);
    class.rig.until(&class.path(), "taken back under the new address", gone).await;
    let back = class.rig.post(&class.path(), json!({ "person": "p00" })).await;
    assert_eq!((&back["registrant"]["email"], &back["registrant"]["barred"]), (&json!(new()), &json!(false)));
    class.rig.until(&class.path(), "registered anew", moved).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_that_is_turned_off_takes_the_links_with_it_until_it_is_on_again() {
    let class = Class::booked(TestDatabase::sqlite().migrated(), "", 2, json!({})).await;
    class.until_registered(0..2).await;
    let link = class.join_of(0).await["joinUrl"].clone();
    let path = format!("/api/appointments/{}", class.appointment);
    let turned =
        |to: i64| class.rig.call(Method::PATCH, &path, Some(json!({ "settings": { "approval_type": to } })));
    assert!(turned(2).await.0 < 300);
    let off = |answer: &Value| answer["appointment"]["meeting"]["registration_enabled"] == false;
    let shown = class.rig.until(&path, "off", off).await;
    assert_eq!(shown["appointment"]["meeting"]["registration_url"], Value::Null);
    let join = class.join_of(0).await;
    assert_eq!(join["isRegistered"], false);
    assert!(join["joinUrl"].as_str().unwrap().contains("/j/"), "{join}");
    assert!(turned(0).await.0 < 300);
    class.until_registered(0..2).await;
    assert!(!class.calls(LIST).is_empty(), "looked up, and not believed");
    assert_eq!(class.join_of(0).await["joinUrl"], link, "Zoom had kept it");
    assert_eq!(class.at_zoom().registrants.len(), 2, "each once");
}
