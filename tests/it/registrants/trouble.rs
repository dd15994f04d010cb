//! What gets lost, is refused, or is changed at Zoom by somebody else.

use super::*;

/// The same thirty-five, whatever happens to the first batch.
async fn in_spite_of(fault: Value, batches: usize) {
    let rig = Rig::start(TestDatabase::sqlite().migrated(), 1.0, "timeout = \"2s\"");
    rig.control(Method::POST, "/faults", Some(fault)).await;
    let class = Class::on(rig, 2, 35, Duration::days(3), json!({})).await;
    class.until_registered(0..35).await;
    assert_eq!(class.at_zoom().registrants.len(), 35, "each once");
    assert_eq!(class.calls(BATCH).len(), batches);
    assert!(!class.calls(LIST).is_empty(), "looked up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_a_batch_is_looked_up_and_nothing_is_repeated() {
    in_spite_of(json!({ "endpoint": BATCH, "fault": "lose_answer", "count": 1 }), 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_batch_is_looked_up_and_then_repeated() {
    in_spite_of(json!({ "endpoint": BATCH, "fault": "lose_request", "count": 1 }), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_a_batch_doubles_nobody_and_loses_nobody() {
    // A crash between two steps is noticed after a minute of the daemon's clock.
    let rig = Rig::start(TestDatabase::sqlite().migrated(), 30.0, "timeout = \"2s\"");
    let delay = json!({ "endpoint": BATCH, "fault": "delay", "millis": 700, "count": 1 });
    rig.control(Method::POST, "/faults", Some(delay)).await;
    let mut class = Class::on(rig, 2, 35, Duration::days(3), json!({})).await;
    // The intent is a row before the request leaves, and the answer takes its time.
    let struck = |answer: &Value| {
        let rows = answer["registrants"].as_array().cloned().unwrap_or_default();
        rows.iter().filter(|row| row["id"].is_string()).count() == 35
    };
    class.rig.until(&class.path(), "asked for", struck).await;
    class.rig.kill();
    class.rig.start_daemon();
    class.until_registered(0..35).await;
    assert_eq!(class.at_zoom().registrants.len(), 35, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_day_parks_one_person_until_tomorrow_and_nobody_else() {
    let rig = Rig::start(TestDatabase::sqlite().migrated(), 1.0, "");
    people(&rig, 2, 4).await;
    let class = Class { rig, appointment: String::new(), meeting: String::new() };
    // Somebody else has added pupil 2 three times today.
    let start = (class.rig.clock.now() + Duration::days(9)).to_rfc3339();
    let other = json!({ "topic": "Other", "type": 2, "start_time": start, "duration": 30,
        "settings": { "approval_type": 0 } });
    let other = class.at_zoom_by_hand(Method::POST, "/users/reyes@school.example/meetings", other).await;
    for _ in 0..3 {
        let path = format!("/meetings/{}/registrants", other["id"]);
        let person = json!({ "email": email(2), "first_name": "Pupil" });
        class.at_zoom_by_hand(Method::POST, &path, person).await;
    }
    class.rig.control(Method::POST, &format!("/meetings/{}/delete", other["id"]), None).await;
    class.fault(json!({ "endpoint": BATCH, "fault": "rate_limit", "limit": "registrant", "count": 1 })).await;
    class.rig.put(GROUP, roster(0..4)).await;
    let (appointment, meeting) = book(&class.rig, Duration::days(3), json!({})).await;
    let class = Class { appointment, meeting, ..class };
    let listed = class.until_registered([0, 1, 3]).await;
    let parked = |answer: &Value| {
        let rows = answer["registrants"].as_array().cloned().unwrap_or_default();
        rows.into_iter().find(|row| row["person"] == "p02").filter(|row| row["next_attempt_at"].is_string())
    };
    let listed = match parked(&listed) {
        Some(_) => listed,
        None => class.rig.until(&class.path(), "parked", |answer| parked(answer).is_some()).await,
    };
    let row = parked(&listed).unwrap();
    assert!(row["next_attempt_at"].as_str().unwrap().contains("T00:00:00"), "{row}");
    assert!(!row["last_error"].as_str().unwrap().contains('@'), "{row}");
    let story = class.story().await;
    let refused: Vec<&Value> = story.iter().filter(|line| line["kind"] == "registration.refused").collect();
    assert_eq!((refused.len(), &refused[0]["details"]["people"]), (1, &json!(["p02"])), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_that_is_made_again_has_new_links_for_everybody() {
    let class =
        Class::booked(TestDatabase::sqlite().migrated(), "[sync]\nsecond_look = \"1s\"", 3, json!({}));
    let class = class.await;
    class.until_registered(0..3).await;
    let (old, link) = (class.at_zoom().number, class.join_of(1).await["joinUrl"].clone());
    class.rig.control(Method::POST, &format!("/meetings/{old}/delete"), None).await;
    class.rig.post(&format!("/api/appointments/{}/resync", class.appointment), json!({})).await;
    let path = format!("/api/zoom/meetings/{}", class.meeting);
    let anew = |answer: &Value| {
        let number = answer["meeting"]["zoom_meeting_id"].as_str();
        number.is_some_and(|number| number != old.to_string())
    };
    class.rig.until(&path, "made again", anew).await;
    class.until_registered(0..3).await;
    let join = class.join_of(1).await;
    assert_ne!(join["joinUrl"], link);
    assert_eq!(class.approved().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_do_at_zoom_is_found_and_respected() {
    let class = Class::booked(TestDatabase::sqlite().migrated(), "timeout = \"1s\"", 3, json!({})).await;
    class.until_registered(0..3).await;
    let path = format!("/meetings/{}/registrants", class.at_zoom().number);
    let stranger = json!({ "email": "aunt@home.example", "first_name": "Aunt", "last_name": "May" });
    class.at_zoom_by_hand(Method::POST, &path, stranger).await;
    let row = |answer: &Value, email: &str| {
        let rows = answer["registrants"].as_array().cloned().unwrap_or_default();
        rows.into_iter().find(|row| row["email"] == email)
    };
    let seen = |answer: &Value| row(answer, "aunt@home.example").is_some();
    let listed = class.rig.until(&class.path(), "found", seen).await;
    let aunt = row(&listed, "aunt@home.example").unwrap();
    assert_eq!(
        (&aunt["person"], &aunt["name"], &aunt["status"]),
        (&json!(null), &json!("Aunt May"), &json!("approved"))
    );
    let cancel = json!({ "action": "cancel", "registrants": [{ "email": email(1) }] });
    class.at_zoom_by_hand(Method::PUT, &format!("{path}/status"), cancel).await;
    let barred = |answer: &Value| row(answer, &email(1)).is_some_and(|row| row["status"] == "denied");
    class.rig.until(&class.path(), "taken for meant", barred).await;
    assert_eq!(class.standing(RegistrantStatus::Approved).len(), 3, "two pupils and the aunt");
    let again = class.rig.post(&class.path(), json!({ "person": "p01" })).await;
    assert_eq!(again["registrant"]["person"], "p01");
    class.until_registered(0..3).await;
    let (status, _) = class
        .rig
        .call(Method::DELETE, &format!("{}/{}", class.path(), aunt["id"].as_str().unwrap()), None)
        .await;
    assert_eq!(status, 200);
    let gone = |_: &Value| !class.standing(RegistrantStatus::Approved).contains("aunt@home.example");
    class.rig.until(&class.path(), "removed", gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_approval_is_by_hand_the_roster_is_approved_and_strangers_wait() {
    let more = json!({ "settings": { "approval_type": 1 } });
    let class = Class::booked(TestDatabase::sqlite().migrated(), "timeout = \"1s\"", 3, more).await;
    class.rig.put(GROUP, roster(0..2)).await;
    class.until_registered(0..2).await;
    let path = format!("/meetings/{}/registrants", class.at_zoom().number);
    for (email, name) in [("aunt@home.example", "Aunt"), (&email(2), "Pupil")] {
        let person = json!({ "email": email, "first_name": name });
        class.at_zoom_by_hand(Method::POST, &path, person).await;
    }
    let waits = |_: &Value| class.standing(RegistrantStatus::Pending).len() == 2;
    class.rig.until(&class.path(), "two wait", waits).await;
    // Who registered by hand and comes onto the roster is approved, and is theirs.
    class.rig.put(GROUP, roster(0..3)).await;
    let listed = class.until_registered(0..3).await;
    assert_eq!(listed["registration"]["approval"], "by_hand");
    assert_eq!(class.standing(RegistrantStatus::Pending), BTreeSet::from(["aunt@home.example".to_owned()]));
    assert_eq!(class.at_zoom().registrants.len(), 4, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_is_taken_back_at_zoom_also_after_a_lost_cancel() {
    let class = Class::booked(TestDatabase::sqlite().migrated(), "timeout = \"1s\"", 2, json!({})).await;
    class.until_registered(0..2).await;
    let status = "PUT /meetings/{meetingId}/registrants/status";
    class.fault(json!({ "endpoint": status, "fault": "lose_request", "count": 1 })).await;
    let (code, answer) = class.rig.call(Method::DELETE, "/api/people/p00", None).await;
    assert!(code < 300, "{answer}");
    let gone = |_: &Value| class.standing(RegistrantStatus::Approved) == BTreeSet::from([email(1)]);
    let listed = class.rig.until(&class.path(), "taken back", gone).await;
    assert!(!class.calls(LIST).is_empty(), "looked up");
    assert!(!listed.to_string().contains(&email(0)), "nobody's name came back: {listed}");
}
