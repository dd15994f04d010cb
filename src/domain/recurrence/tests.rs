//! The rules beside a slow obvious model that walks day by day, in zones where the clocks do odd things.

mod model;

use chrono::{Duration, NaiveDate, NaiveDateTime};
use chrono_tz::{America, Australia, Europe, Pacific, Tz};
use proptest::prelude::*;

use self::model::{Model, Pattern};
use super::*;

const ZONES: [Tz; 6] =
    [Tz::UTC, Europe::Berlin, America::St_Johns, Australia::Lord_Howe, Pacific::Kiritimati, Pacific::Apia];

fn wall(year: i32, month: u32, day: u32, hour: u32, minute: u32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(year, month, day).unwrap().and_hms_opt(hour, minute, 0).unwrap()
}

fn times(rule: &str, start: NaiveDateTime, zone: Tz) -> Result<Vec<Occurrence>, RuleError> {
    Rule::parse(rule)?.occurrences(start, &zone)
}

fn instants(rule: &str, start: NaiveDateTime, zone: Tz) -> Vec<String> {
    let found = times(rule, start, zone).unwrap();
    found.iter().map(|one| one.landed.at.format("%m-%dT%H:%M").to_string()).collect()
}

#[test]
fn ten_o_clock_stays_ten_o_clock_when_the_clocks_change() {
    let found = instants("FREQ=WEEKLY;COUNT=3", wall(2027, 3, 22, 10, 0), Europe::Berlin);
    assert_eq!(found, ["03-22T09:00", "03-29T08:00", "04-05T08:00"]);
    let found = instants("FREQ=WEEKLY;COUNT=2", wall(2027, 10, 27, 10, 0), America::St_Johns);
    assert_eq!(found, ["10-27T12:30", "11-03T12:30"]);
    let found = instants("FREQ=WEEKLY;COUNT=3", wall(2027, 4, 2, 9, 0), Australia::Lord_Howe);
    assert_eq!(found, ["04-01T22:00", "04-08T22:30", "04-15T22:30"]);
    // Fourteen hours ahead: Monday morning there is Sunday in UTC, and the rule means Monday.
    let found = instants("FREQ=WEEKLY;BYDAY=MO;COUNT=2", wall(2027, 3, 1, 8, 0), Pacific::Kiritimati);
    assert_eq!(found, ["02-28T18:00", "03-07T18:00"]);
}

#[test]
fn a_time_in_the_gap_is_read_with_the_offset_before_it() {
    let found = times("FREQ=DAILY;COUNT=3", wall(2027, 3, 27, 2, 30), Europe::Berlin).unwrap();
    let landed: Vec<_> = found.iter().map(|one| (one.landed.at.to_rfc3339(), one.landed.oddity)).collect();
    assert_eq!(landed[0], ("2027-03-27T01:30:00+00:00".to_owned(), None));
    assert_eq!(landed[1], ("2027-03-28T01:30:00+00:00".to_owned(), Some(Oddity::Gap)));
    assert_eq!(landed[2], ("2027-03-29T00:30:00+00:00".to_owned(), None));
    // Lord Howe moves its clocks by half an hour only.
    let landed = land(wall(2027, 10, 3, 2, 15), &Australia::Lord_Howe);
    assert_eq!(
        (landed.at.to_rfc3339().as_str(), landed.oddity),
        ("2027-10-02T15:45:00+00:00", Some(Oddity::Gap))
    );
    // Samoa left out a whole day.
    let landed = land(wall(2011, 12, 30, 10, 0), &Pacific::Apia);
    assert_eq!(landed.at.to_rfc3339(), "2011-12-30T20:00:00+00:00");
}

#[test]
fn a_time_that_comes_twice_is_the_earlier() {
    let found = times("FREQ=DAILY;COUNT=2", wall(2027, 10, 30, 2, 30), Europe::Berlin).unwrap();
    assert_eq!(found[1].landed.oddity, Some(Oddity::Twice));
    assert_eq!(found[1].landed.at.to_rfc3339(), "2027-10-31T00:30:00+00:00");
}

#[test]
fn the_end_may_be_a_day_a_wall_time_or_an_instant() {
    let start = wall(2027, 3, 1, 8, 0);
    let count =
        |until: &str| times(&format!("FREQ=DAILY;UNTIL={until}"), start, Pacific::Kiritimati).unwrap().len();
    assert_eq!(count("20270303"), 3, "the whole day is meant");
    assert_eq!(count("20270303T080000"), 3);
    assert_eq!(count("20270303T075959"), 2);
    assert_eq!(count("20270302T180000Z"), 3, "eight o'clock of the third there");
    assert_eq!(count("20270302T175959Z"), 2);
}

#[test]
fn what_is_wrong_with_a_rule_is_named() {
    let start = wall(2027, 3, 1, 10, 0);
    let error = |rule: &str| times(rule, start, Europe::Berlin).unwrap_err();
    assert_eq!(error("FREQ=WEEKLY"), RuleError::Endless);
    assert_eq!(error("FREQ=WEEKLY;COUNT=201"), RuleError::TooMany);
    assert_eq!(error("FREQ=WEEKLY;COUNT=99999999999999999999999"), RuleError::TooMany);
    assert_eq!(error("FREQ=DAILY;UNTIL=20300101"), RuleError::TooMany);
    assert_eq!(error("FREQ=WEEKLY;COUNT=0"), RuleError::Never);
    assert_eq!(error("FREQ=WEEKLY;INTERVAL=0;COUNT=2"), RuleError::Never);
    assert_eq!(error("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2"), RuleError::Never);
    assert_eq!(error("FREQ=WEEKLY;COUNT=2;UNTIL=20270401"), RuleError::TwoEnds);
    assert_eq!(error("FREQ=HOURLY;COUNT=2"), RuleError::Frequency);
    assert_eq!(error("FREQ=WEEKLY;UNTIL=20270201"), RuleError::EndsBeforeStart);
    assert_eq!(error("FREQ=WEEKLY;BYDAY=TU;COUNT=2"), RuleError::StartOutside(wall(2027, 3, 2, 10, 0)));
    assert_eq!(error("FREQ=YEARLY;COUNT=200"), RuleError::TooFar);
    // Every 28 years or more: the walk does not go on to the end of time.
    assert_eq!(
        times("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=TU;COUNT=200", wall(2028, 2, 29, 10, 0), Tz::UTC)
            .unwrap_err(),
        RuleError::TooFar
    );
    for nonsense in [
        "",
        "weekly",
        "COUNT=3",
        "FREQ=WEEKLY;COUNT=2;COUNT=3",
        "FREQ=WEEKLY;COUNT=two",
        "FREQ=WEEKLY;BYEASTER=1;COUNT=2",
        "FREQ=WEEKLY;BYDAY=ÄÖ;COUNT=2",
        "FREQ=WEEKLY;BYDAY=XX;COUNT=2",
        "FREQ=MONTHLY;BYMONTHDAY=40;COUNT=2",
        "FREQ=WEEKLY;UNTIL=2027;",
        "FREQ=WEEKLY;UNTIL=tomorrow",
        "FREQ=WEEKLY;COUNT=2\nEXDATE:20270301T100000",
    ] {
        assert!(matches!(error(nonsense), RuleError::Syntax(_)), "{nonsense}");
    }
}

#[test]
fn a_rule_is_cut_whatever_lies_behind_its_end() {
    let rule = Rule::parse("FREQ=YEARLY;UNTIL=20350101").unwrap();
    let halves = rule.halves(wall(2027, 3, 1, 10, 0), 2).unwrap().unwrap();
    assert_eq!(
        (halves.head.as_str(), halves.tail.as_str()),
        ("FREQ=YEARLY;COUNT=2", "FREQ=YEARLY;UNTIL=20350101")
    );
    assert_eq!(halves.tail_start, wall(2029, 3, 1, 10, 0));
    assert_eq!(rule.halves(wall(2027, 3, 1, 10, 0), 0).unwrap(), None);
}

#[test]
fn the_name_of_the_property_may_stand_before_the_rule() {
    let rule = Rule::parse(" rrule:freq=weekly;byday=mo;count=2 ").unwrap();
    assert_eq!(rule.text(), "FREQ=WEEKLY;BYDAY=MO;COUNT=2");
}

#[test]
fn exceptions_are_named_by_day_wall_time_or_instant() {
    let found = times("FREQ=DAILY;COUNT=3", wall(2027, 3, 1, 8, 0), Pacific::Kiritimati).unwrap();
    let named = |moment: Moment| {
        found.iter().filter(|one| moment.names(one)).map(|one| one.number).collect::<Vec<_>>()
    };
    assert_eq!(named(Moment::Day(NaiveDate::from_ymd_opt(2027, 3, 2).unwrap())), [1]);
    assert_eq!(named(Moment::Wall(wall(2027, 3, 3, 8, 0))), [2]);
    assert_eq!(named(Moment::Instant(wall(2027, 2, 28, 18, 0).and_utc())), [0]);
    assert!(named(Moment::Wall(wall(2027, 3, 3, 9, 0))).is_empty());
}

fn zones() -> impl Strategy<Value = Tz> {
    prop::sample::select(ZONES.to_vec())
}

fn starts() -> impl Strategy<Value = NaiveDateTime> {
    // From 2027 on, at every quarter of an hour.
    (0_i64..1500, 0_i64..96).prop_map(|(day, quarter)| {
        wall(2027, 1, 1, 0, 0) + Duration::days(day) + Duration::minutes(15 * quarter)
    })
}

proptest! {
    #[test]
    fn common_rules_give_what_a_walk_day_by_day_gives(
        pattern in Pattern::any(), start in starts(), count in 1_usize..12, zone in zones(),
    ) {
        let model = Model { pattern, start };
        let start = model.first();
        let rule = Rule::parse(&format!("{};COUNT={count}", model.rule())).unwrap();
        let found = rule.occurrences(start, &zone).unwrap();
        let walls: Vec<NaiveDateTime> = found.iter().map(|one| one.wall).collect();
        prop_assert_eq!(&walls, &Model { start, ..model }.walls(count));
        for one in &found {
            prop_assert_eq!(one.landed, model::land_slowly(one.wall, &zone), "{} in {}", one.wall, zone);
        }
    }

    #[test]
    fn two_halves_are_the_whole(
        pattern in Pattern::any(), start in starts(), count in 2_usize..30, at in 0_usize..30, by_day in any::<bool>(),
    ) {
        let model = Model { pattern, start };
        let start = model.first();
        let last = *model.walls(count).last().unwrap();
        let end = if by_day { format!("UNTIL={}", last.format("%Y%m%d")) } else { format!("COUNT={count}") };
        let rule = Rule::parse(&format!("{};{end}", model.rule())).unwrap();
        let walls = |rule: &Rule, start| -> Vec<NaiveDateTime> {
            rule.occurrences(start, &Tz::UTC).unwrap().iter().map(|one| one.wall).collect()
        };
        let whole = walls(&rule, start);
        if at == 0 || at >= whole.len() {
            return Ok(());
        }
        let halves = rule.halves(start, at).unwrap().unwrap();
        let (head, tail) = (Rule::parse(&halves.head).unwrap(), Rule::parse(&halves.tail).unwrap());
        let mut both = walls(&head, start);
        prop_assert_eq!(both.len(), at);
        both.extend(walls(&tail, halves.tail_start));
        prop_assert_eq!(both, whole);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY);)?(BY[A-Z]{2,7}=[-+0-9A-Z,]{0,9};){0,3}(INTERVAL=[0-9]{0,6};)?(COUNT=[0-9]{1,3}|UNTIL=[0-9TZ]{6,16})") {
        if let Ok(rule) = Rule::parse(&text) {
            let _ = rule.occurrences(wall(2027, 3, 1, 10, 0), &Europe::Berlin);
        }
    }
}
