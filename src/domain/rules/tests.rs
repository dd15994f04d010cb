//! How thresholds combine.

use super::*;

fn needed(minutes: i64, thresholds: Thresholds) -> i64 {
    Rules::standard(thresholds).needed(TimeDelta::minutes(minutes)).num_seconds()
}

#[test]
fn the_standard_rules_are_those_of_the_contract() {
    let rules = Rules::default();
    assert_eq!(rules.label(), "standard@1");
    assert_eq!(rules.needed(TimeDelta::minutes(60)), TimeDelta::minutes(15));
    assert_eq!(rules.needed(TimeDelta::minutes(20)), TimeDelta::minutes(10));
    assert_eq!(rules.needed(TimeDelta::zero()), TimeDelta::milliseconds(1));
    for window in [TimeDelta::minutes(5), TimeDelta::minutes(60)] {
        assert_eq!(rules.late_after(window), TimeDelta::minutes(10));
        assert_eq!(rules.left_early(window), TimeDelta::minutes(10));
    }
    assert!(!rules.count_together());
}

#[test]
fn a_label_is_read_back_also_when_the_name_has_an_at() {
    assert_eq!(Rules::parse_label("standard@12"), Some(("standard", 12)));
    assert_eq!(Rules::parse_label("x@school@3"), Some(("x@school", 3)));
    assert_eq!(Rules::parse_label("standard"), None);
    assert_eq!(Rules::parse_label("standard@new"), None);
}

#[test]
fn a_share_is_rounded_up_to_whole_milliseconds() {
    assert_eq!(Rules::default().needed(TimeDelta::milliseconds(3)), TimeDelta::milliseconds(2));
}

#[test]
fn minutes_and_share_are_asked_as_the_rules_say() {
    let asked = |present_needs| Thresholds { present_needs, ..Thresholds::default() };
    // Of an hour, the quarter and the half of it.
    for (needs, seconds) in [
        (PresentNeeds::Either, 15 * 60),
        (PresentNeeds::Both, 30 * 60),
        (PresentNeeds::Minutes, 15 * 60),
        (PresentNeeds::Share, 30 * 60),
    ] {
        assert_eq!(needed(60, asked(needs)), seconds, "{needs:?}");
        assert_eq!(PresentNeeds::parse(needs.as_str()), Some(needs));
        assert!(PresentNeeds::WORDS.contains(&needs.as_str()));
    }
}

#[test]
fn a_short_lesson_is_asked_for_no_more_than_it_has() {
    let minutes_alone = Thresholds { present_needs: PresentNeeds::Minutes, ..Thresholds::default() };
    assert_eq!(needed(10, minutes_alone), 10 * 60);
    assert_eq!(needed(10, Thresholds { present_at_most_share: 0.8, ..minutes_alone }), 8 * 60);
    let least = Thresholds { present_at_least_minutes: 4, ..Thresholds::default() };
    assert_eq!(needed(6, least), 4 * 60, "half of it would be three minutes");
    assert_eq!(needed(2, least), 2 * 60, "more than all of it cannot be asked");
}

#[test]
fn in_a_short_lesson_lateness_may_be_a_share() {
    let tight =
        Thresholds { late_after_share: Some(0.25), left_early_share: Some(0.1), ..Thresholds::default() };
    let rules = Rules::standard(tight);
    assert_eq!(rules.late_after(TimeDelta::minutes(20)), TimeDelta::minutes(5));
    assert_eq!(rules.left_early(TimeDelta::minutes(20)), TimeDelta::minutes(2));
    assert_eq!(rules.late_after(TimeDelta::minutes(60)), TimeDelta::minutes(10));
}

#[test]
fn json_may_leave_fields_out_but_not_invent_them() {
    let read: Thresholds = serde_json::from_str(r#"{"late_after_minutes": 5}"#).unwrap();
    assert_eq!(read, Thresholds { late_after_minutes: 5, ..Thresholds::default() });
    assert!(serde_json::from_str::<Thresholds>(r#"{"late_after": 5}"#).is_err());
}

#[test]
fn what_older_programs_stored_means_what_it_meant() {
    let old =
        r#"{"present_after_minutes":15,"present_share":0.5,"late_after_minutes":10,"left_early_minutes":10}"#;
    assert_eq!(serde_json::from_str::<Thresholds>(old).unwrap(), Thresholds::default());
    let new = serde_json::to_string(&Thresholds::default()).unwrap();
    assert_eq!(serde_json::from_str::<Thresholds>(&new).unwrap(), Thresholds::default());
}

#[test]
fn every_bad_threshold_is_named() {
    let bad = Thresholds {
        present_share: f64::NAN,
        late_after_minutes: -1,
        left_early_share: Some(1.5),
        host_late_minutes: 1441,
        ..Thresholds::default()
    };
    let fields: Vec<_> = bad.validate().unwrap_err().into_iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["late_after_minutes", "host_late_minutes", "present_share", "left_early_share"]);
    assert_eq!(Thresholds::default().validate(), Ok(()));
}
