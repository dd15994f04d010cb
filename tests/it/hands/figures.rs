//! One meeting has one set of figures, whichever answer shows them.

use serde_json::json;

use crate::support::rig::Rig;

/// What every answer about the meeting, the only one, says of it.
pub(super) async fn figures_agree(rig: &Rig, meeting: &str) {
    let attendance = rig.get(&format!("/api/zoom/meetings/{meeting}/attendance")).await;
    let (summary, records) = (&attendance["summary"], attendance["records"].as_array().unwrap());
    let there: i64 = ["present", "late", "partial"].iter().map(|word| summary[word].as_i64().unwrap()).sum();
    let seconds: i64 = records.iter().map(|record| record["attended_seconds"].as_i64().unwrap()).sum();
    let (there, seconds) = (json!(there), json!(seconds));
    let people = rig.get(&format!("/api/zoom/meetings/{meeting}/participants")).await;
    let one = rig.get(&format!("/api/zoom/reports?meetingId={meeting}")).await;
    let list = rig.get("/api/zoom/reports").await;
    let stats = rig.get("/api/zoom/stats").await;
    let expected = people["expectedAttendees"].as_array().unwrap();
    let came = json!(expected.iter().filter(|person| person["attended"] == true).count());
    for (what, figure) in [
        ("expected attendees", &came),
        ("participants", &people["stats"]["joinedCount"]),
        ("report of the meeting", &one["stats"]["totalJoined"]),
        ("report", &list["meetings"][0]["attendeeCount"]),
        ("report, all", &list["stats"]["totalAttendees"]),
    ] {
        assert_eq!(figure, &there, "{what}: {attendance:#}");
    }
    let rate = &stats["attendance_rate"];
    for (what, figure) in [
        ("participants", &people["stats"]["attendanceRate"]),
        ("report of the meeting", &one["stats"]["attendanceRate"]),
        ("report", &list["stats"]["avgAttendanceRate"]),
    ] {
        assert_eq!(figure, rate, "{what}");
    }
    for (what, answer) in [("participants", &people), ("report of the meeting", &one)] {
        assert_eq!(answer["stats"]["totalDurationSeconds"], seconds, "{what}");
    }
    let heads = &people["stats"]["totalParticipants"];
    for (what, figure) in [
        ("report", &list["meetings"][0]["participantCount"]),
        ("report, all", &list["stats"]["totalParticipants"]),
        ("counters", &stats["total_participants"]),
    ] {
        assert_eq!(figure, heads, "{what}");
    }
}
