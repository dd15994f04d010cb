//! What may be asked of reports, and how.

use serde_json::{Value, json};

use super::School;

/// Times without an offset are wall time in Berlin, in every filter.
pub(super) async fn filters_are_in_the_default_zone(school: &School) {
    let number = |answer: &Value, list: &str| answer[list].as_array().unwrap().len();
    for (path, list, found) in [
        // The first lesson is over a quarter past midnight.
        ("/api/appointments?from=2099-07-01&to=2099-07-01", "appointments", 2),
        ("/api/appointments?from=2099-07-01T00:15:00&to=2099-07-01", "appointments", 1),
        ("/api/zoom/meetings?from=2099-07-01T00:15:00&to=2099-07-01", "meetings", 1),
    ] {
        assert_eq!(number(&school.rig.get(path).await, list), found, "{path}");
    }
    for path in [
        "/api/appointments?from=2099-03-29T02:30:00",
        "/api/zoom/meetings?to=2099-03-29T02:30:00",
        "/api/zoom/reports/history?from=2099-03-29T02:30:00",
        "/api/attendance/unmatched?from=2099-03-29T02:30:00",
        "/api/zoom/reports?startDate=2099-03-29T02:30:00",
        "/api/zoom/stats?from=2099-03-29T02:30:00",
        "/api/hosts/availability?duration=30&from=2099-03-29T02:30:00",
    ] {
        let (status, answer) = school.as_person("admin", "ops", path).await;
        assert_eq!(status, 400, "{path}: {answer}");
        assert!(answer.to_string().contains("clocks jump"), "{path}: {answer}");
    }
    let path = "/api/zoom/analytics/meetings?from=2099-07-01T00:30:00&to=2099-07-01T01:00:00";
    let hour = school.rig.get(path).await;
    assert_eq!((&hour["totals"]["meetings"], &hour["from"]), (&json!(1), &json!("2099-07-01")), "{hour:#}");
    assert_eq!(hour["buckets"][0]["start"], "2099-06-30T22:30:00Z");
}

pub(super) async fn what_nobody_knows_is_named(school: &School) {
    let (appointment, meeting) = &school.lessons[0];
    let meeting = format!("/api/zoom/meetings/{meeting}");
    for path in [
        format!("{meeting}/attendance"),
        format!("{meeting}/attendance.csv"),
        format!("{meeting}/attendance.xlsx"),
        format!("{meeting}/participants"),
        format!("{meeting}/registrants"),
        format!("{meeting}/live"),
        format!("/api/appointments/{appointment}/story"),
    ] {
        let (status, answer) = school.as_person("admin", "ops", &format!("{path}?colour=red")).await;
        assert_eq!(status, 400, "{path}: {answer}");
        assert_eq!(answer["error"]["details"]["fields"][0]["field"], "colour", "{path}: {answer}");
    }
}
