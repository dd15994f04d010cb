//! What a reading of pages is worth, against an account of everything that was on them; and that patience ends.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
}

fn read(pages: &[(Vec<Option<u8>>, i64)]) -> Reading<u8> {
    let mut reading = Pages::default();
    for (rows, total) in pages {
        reading.take(rows.iter().copied(), *total);
    }
    reading.close()
}

fn rows(rows: &[u8]) -> Vec<Option<u8>> {
    rows.iter().copied().map(Some).collect()
}

#[test]
fn a_report_is_whole_when_as_many_came_as_were_told() {
    let whole = read(&[(rows(&[1, 2]), 3), (rows(&[3]), 3)]);
    assert_eq!(whole, Reading::Whole(Whole { rows: vec![1, 2, 3], unreadable: 0, pages: 2 }));
    assert_eq!(read(&[(rows(&[1, 2]), 3)]), Reading::Short { came: 2, told: 3 });
    assert_eq!(read(&[(rows(&[]), 0)]), Reading::Empty);
}

#[test]
fn a_total_that_is_missing_negative_or_absurd_is_none() {
    for total in [0, -1, 808_591_414, i64::MAX, i64::MIN] {
        assert!(matches!(read(&[(rows(&[1]), total)]), Reading::Whole(_)), "{total}");
    }
}

#[test]
fn a_row_on_two_pages_or_a_total_that_changes_makes_a_reading_that_moved() {
    assert!(matches!(read(&[(rows(&[1, 2]), 3), (rows(&[2]), 3)]), Reading::Moved(_)));
    assert!(matches!(read(&[(rows(&[1, 2]), 3), (rows(&[3, 4]), 4)]), Reading::Moved(_)));
    // Zoom's own double on one page is a double, no sign of anything.
    assert!(matches!(read(&[(rows(&[1, 1]), 2)]), Reading::Whole(whole) if whole.rows == [1]));
}

#[test]
fn an_entry_that_is_no_row_is_counted_and_the_others_stay() {
    let read = read(&[(vec![Some(1), None, Some(2)], 3)]);
    assert_eq!(read, Reading::Whole(Whole { rows: vec![1, 2], unreadable: 1, pages: 1 }));
}

#[test]
fn zoom_is_asked_ever_less_often_until_its_time_is_over() {
    let patience = Patience { delay: Duration::from_secs(900), give_up: Duration::from_secs(72 * 3600) };
    let next = |now, attempts, why| patience.next(at(0), at(now), attempts, why);
    assert_eq!(next(15, 1, Why::Word), Some(at(30)));
    assert_eq!(next(30, 2, Why::Word), Some(at(60)));
    assert_eq!(next(71 * 60, 9, Why::Word), Some(at(72 * 60)), "the last one comes when the time is over");
    assert_eq!(next(72 * 60, 10, Why::Word), None);
}

#[test]
fn a_daemon_that_comes_late_asks_twice_before_it_believes_that_there_is_none() {
    let patience = Patience { delay: Duration::from_secs(900), give_up: Duration::from_secs(72 * 3600) };
    let late = 5 * 24 * 60;
    assert_eq!(patience.next(at(0), at(late), 1, Why::Word), Some(at(late + 15)));
    assert_eq!(patience.next(at(0), at(late + 15), 2, Why::Word), None);
}

#[test]
fn a_zoom_that_cannot_be_asked_is_no_reason_to_give_up_in_time() {
    let patience = Patience { delay: Duration::from_secs(900), give_up: Duration::from_secs(72 * 3600) };
    assert!(patience.next(at(0), at(73 * 60), 20, Why::Silence).is_some());
    assert_eq!(patience.next(at(0), at(144 * 60), 20, Why::Silence), None);
    assert!(patience.next(at(0), at(1000 * 60), 1, Why::Silence).is_some(), "it was asked once only");
}

#[test]
fn a_class_that_zoom_knows_nothing_of_is_looked_for_ever_less_often() {
    let patience = Patience { delay: Duration::from_secs(900), give_up: Duration::from_secs(72 * 3600) };
    let (mut now, mut looks) = (at(15), Vec::new());
    while !patience.is_over(at(0), now, Why::Word) {
        now = patience.look_again(at(0), now);
        looks.push(now);
    }
    assert_eq!(looks[..5], [at(30), at(60), at(120), at(240), at(480)]);
    assert_eq!(looks.last(), Some(&at(72 * 60)), "the last one comes when the time is over");
    assert!(looks.len() < 20, "{}", looks.len());
    assert!(
        !patience.is_over(at(0), at(143 * 60), Why::Silence)
            && patience.is_over(at(0), at(144 * 60), Why::Silence)
    );
    assert_eq!(patience.look_again(at(0), at(143 * 60)), at(144 * 60));
    assert_eq!(patience.look_again(at(0), at(145 * 60)), at(151 * 60));
}

proptest! {
    #[test]
    fn a_reading_holds_each_row_once_and_is_never_whole_with_fewer_than_were_told(
        pages in proptest::collection::vec((proptest::collection::vec(proptest::option::of(0_u8..20), 0..6), 0_i64..20), 1..5)
    ) {
        let all: Vec<Option<u8>> = pages.iter().flat_map(|(rows, _)| rows.clone()).collect();
        let distinct: BTreeSet<u8> = all.iter().flatten().copied().collect();
        let told = pages.iter().map(|(_, told)| *told).max().unwrap();
        match read(&pages) {
            Reading::Whole(whole) | Reading::Moved(whole) => {
                prop_assert!(i64::try_from(all.len()).unwrap() >= told);
                prop_assert_eq!(whole.rows.len(), distinct.len());
                prop_assert_eq!(whole.rows.iter().copied().collect::<BTreeSet<u8>>(), distinct);
                prop_assert_eq!(whole.unreadable, all.iter().filter(|row| row.is_none()).count());
            }
            Reading::Short { came, .. } => prop_assert!(i64::try_from(came).unwrap() < told),
            Reading::Empty => prop_assert!(distinct.is_empty()),
        }
    }

    #[test]
    fn patience_always_ends_and_never_looks_back(
        delay in 1_u64..40_000, give_up in 1_u64..1_000_000, late in 0_i64..100_000, silent in any::<bool>()
    ) {
        let patience = Patience { delay: Duration::from_secs(delay), give_up: Duration::from_secs(give_up) };
        let why = if silent { Why::Silence } else { Why::Word };
        let (mut now, mut attempts) = (at(late), 1);
        while let Some(next) = patience.next(at(0), now, attempts, why) {
            prop_assert!(next > now);
            (now, attempts) = (next, attempts + 1);
            prop_assert!(attempts < 200, "still waiting at {}", now);
        }
    }
}
