//! The sweep against counting minute by minute, and the line against asking one after the other.

use proptest::prelude::*;

use super::*;

const PADDING_MAX: i64 = 15;
const DAY: i64 = 400;

/// A booking as minutes: its start and its length.
type Minutes = (i64, i64);

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
}

fn span((from, length): Minutes) -> Span {
    Span::of_minutes(at(from), length)
}

fn host(key: &str, capacity: usize, busy: &[Minutes]) -> Host {
    let load = busy.len();
    Host { key: key.to_owned(), capacity, busy: busy.iter().copied().map(span).collect(), load }
}

/// How many of `busy` occupy the host at this minute.
fn running(busy: &[Minutes], minute: i64, padding: i64) -> usize {
    busy.iter().filter(|(from, length)| *from <= minute && minute < from + length + padding).count()
}

fn slowly_fits(busy: &[Minutes], capacity: usize, (from, length): Minutes, padding: i64) -> bool {
    (from..from + length + padding).all(|minute| running(busy, minute, padding) < capacity)
}

fn booking() -> impl Strategy<Value = Minutes> {
    (0..DAY, 1_i64..90)
}

fn bookings(max: usize) -> impl Strategy<Value = Vec<Minutes>> {
    prop::collection::vec(booking(), 0..max)
}

#[test]
fn capacity_follows_licence_and_plan_and_assumes_nothing() {
    let user = |licensed, active| Some(UserFacts { licensed, active });
    assert_eq!(capacity(Plan::Business, user(true, true)), 2);
    assert_eq!(capacity(Plan::Business, user(false, true)), 1);
    assert_eq!(capacity(Plan::Pro, user(true, true)), 1);
    assert_eq!(capacity(Plan::Free, user(true, true)), 1);
    assert_eq!(capacity(Plan::Business, None), 1);
    assert_eq!(capacity(Plan::Business, user(true, false)), 0);
}

#[test]
fn two_that_follow_each_other_need_one_seat_and_a_third_at_one_instant_is_refused() {
    let host = host("h", 2, &[(0, 30), (35, 30)]);
    let padding = Duration::minutes(5);
    assert!(host.fits(span((10, 50)), padding), "overlaps both, but never at one instant");
    let fuller = self::host("h", 2, &[(0, 30), (35, 30), (40, 10)]);
    assert!(!fuller.fits(span((10, 50)), padding));
    assert_eq!(fuller.in_the_way(span((10, 50)), padding), [1, 2], "the first is over by then");
}

#[test]
fn a_host_who_may_run_nothing_is_never_free() {
    let none = host("h", 0, &[]);
    let full = none.full(Duration::zero());
    assert!(!none.fits(span((0, 30)), Duration::zero()));
    assert!(next_free(span((0, 30)), &full, Duration::zero(), at(DAY), 3).is_empty());
    let within = Span { from: at(0), until: at(DAY) };
    assert!(free_starts(within, Duration::minutes(30), &full, Duration::zero()).is_empty());
}

#[test]
fn the_next_free_starts_lie_in_the_gaps() {
    let host = host("h", 1, &[(0, 45), (120, 60)]);
    let padding = Duration::minutes(5);
    let free = next_free(span((10, 45)), &host.full(padding), padding, at(1000), 3);
    assert_eq!(free, [at(50), at(185), at(235)]);
}

#[test]
fn the_pool_takes_turns() {
    let pool = [host("a", 1, &[(0, 30), (100, 30)]), host("b", 1, &[(0, 30)]), host("c", 1, &[(200, 30)])];
    assert_eq!(choose(&pool, span((60, 30)), Duration::zero()), Some(1));
    assert_eq!(choose(&pool, span((0, 30)), Duration::zero()), Some(2));
    let roomy = [host("a", 1, &[(0, 30)]), host("b", 2, &[(0, 30)])];
    assert_eq!(choose(&roomy, span((60, 30)), Duration::zero()), Some(1), "half as full");
}

#[test]
fn who_waited_longest_is_served_first_but_does_not_keep_others_from_what_they_cannot_use() {
    let waiting = |booking| Waiting { span: span(booking), own: None };
    let line = [waiting((0, 60)), waiting((0, 30)), waiting((30, 30))];
    let grants = serve(&line, Vec::new(), vec![host("a", 1, &[(40, 10)])], Duration::zero());
    assert_eq!(grants, [Grant { waiting: 1, host: "a".to_owned() }]);
}

#[test]
fn a_booking_that_waited_goes_to_its_own_host_before_the_pool() {
    let line = [Waiting { span: span((0, 30)), own: Some("own".to_owned()) }];
    let given = |own| serve(&line, vec![own], vec![host("pool", 1, &[])], Duration::zero());
    assert_eq!(given(host("own", 1, &[]))[0].host, "own");
    assert_eq!(given(host("own", 1, &[(10, 10)]))[0].host, "pool");
}

proptest! {
    #[test]
    fn fitting_is_what_counting_every_minute_says(
        busy in bookings(12), wanted in booking(), capacity in 0_usize..4, padding in 0..PADDING_MAX,
    ) {
        let host = host("h", capacity, &busy);
        let pause = Duration::minutes(padding);
        prop_assert_eq!(host.fits(span(wanted), pause), slowly_fits(&busy, capacity, wanted, padding));
    }

    #[test]
    fn what_is_in_the_way_are_the_bookings_of_full_minutes(
        busy in bookings(12), wanted in booking(), capacity in 1_usize..4, padding in 0..PADDING_MAX,
    ) {
        let host = host("h", capacity, &busy);
        let full: Vec<i64> = (wanted.0..wanted.0 + wanted.1 + padding)
            .filter(|minute| running(&busy, *minute, padding) >= capacity)
            .collect();
        let slowly: Vec<usize> = (0..busy.len())
            .filter(|index| full.iter().any(|minute| running(&busy[*index..=*index], *minute, padding) == 1))
            .collect();
        prop_assert_eq!(host.in_the_way(span(wanted), Duration::minutes(padding)), slowly);
    }

    #[test]
    fn a_proposed_start_fits_and_so_do_all_of_them_together(
        busy in bookings(12), wanted in booking(), capacity in 1_usize..4, padding in 0..PADDING_MAX,
    ) {
        let pause = Duration::minutes(padding);
        let mut host = host("h", capacity, &busy);
        let free = next_free(span(wanted), &host.full(pause), pause, at(10 * DAY), 3);
        prop_assert_eq!(free.len(), 3);
        prop_assert!(free.is_sorted() && free.iter().all(|start| *start >= at(wanted.0)));
        for start in free {
            let proposed = Span::of_minutes(start, wanted.1);
            prop_assert!(host.fits(proposed, pause));
            host.busy.push(proposed);
        }
    }

    #[test]
    fn free_starts_are_all_the_starts_that_fit(
        busy in bookings(8), length in 1_i64..60, capacity in 0_usize..3, padding in 0..PADDING_MAX,
    ) {
        let host = host("h", capacity, &busy);
        let pause = Duration::minutes(padding);
        let within = Span { from: at(0), until: at(DAY) };
        let gaps = free_starts(within, Duration::minutes(length), &host.full(pause), pause);
        let starts = (0..=DAY - length).filter(|minute| at(*minute) == on_grid(at(*minute)));
        for minute in starts {
            let listed = gaps.iter().any(|gap| gap.first <= at(minute) && at(minute) <= gap.last);
            let fits = slowly_fits(&busy, capacity, (minute, length), padding);
            prop_assert_eq!(listed, fits, "minute {}", minute);
        }
        prop_assert!(gaps.iter().all(|gap| gap.first <= gap.last && gap.last <= at(DAY - length)));
    }

    #[test]
    fn serving_the_line_is_asking_one_after_the_other(
        waiting in prop::collection::vec((booking(), prop::option::of(0_usize..2)), 0..10),
        own in prop::collection::vec((bookings(6), 0_usize..3), 2),
        pool in prop::collection::vec((bookings(6), 0_usize..3), 0..4),
        padding in 0..PADDING_MAX,
    ) {
        let keys = |prefix: &str, hosts: &[(Vec<Minutes>, usize)]| -> Vec<Host> {
            let hosts = hosts.iter().enumerate();
            hosts.map(|(index, (busy, seats))| host(&format!("{prefix}{index}"), *seats, busy)).collect()
        };
        let line: Vec<Waiting> = waiting
            .iter()
            .map(|(booking, own)| Waiting { span: span(*booking), own: own.map(|own| format!("own{own}")) })
            .collect();
        let grants = serve(&line, keys("own", &own), keys("pool", &pool), Duration::minutes(padding));
        let (mut own, mut pool) = (own, pool);
        let mut slowly = Vec::new();
        for (index, (booking, named)) in waiting.iter().enumerate() {
            let fits = |host: &(Vec<Minutes>, usize)| slowly_fits(&host.0, host.1, *booking, padding);
            if let Some(named) = named.filter(|named| fits(&own[*named])) {
                own[named].0.push(*booking);
                slowly.push((index, format!("own{named}")));
                continue;
            }
            let free: Vec<usize> = (0..pool.len()).filter(|at| fits(&pool[*at])).collect();
            let fullness = |at: usize| pool[at].0.len() * if pool[at].1 == 1 { 2 } else { 1 };
            if let Some(at) = free.into_iter().min_by_key(|at| (fullness(*at), *at)) {
                pool[at].0.push(*booking);
                slowly.push((index, format!("pool{at}")));
            }
        }
        let fast: Vec<(usize, String)> =
            grants.into_iter().map(|grant| (grant.waiting, grant.host)).collect();
        prop_assert_eq!(fast, slowly);
    }

    #[test]
    fn who_is_not_too_many_fits_and_who_is_does_not(seated in bookings(12), capacity in 0_usize..3) {
        let spans: Vec<Span> = seated.iter().copied().map(span).collect();
        let over = too_many(&spans, capacity);
        let mut kept: Vec<Minutes> = Vec::new();
        for (index, booking) in seated.iter().enumerate() {
            let fits = slowly_fits(&kept, capacity, *booking, 0);
            prop_assert_eq!(over.contains(&index), !fits);
            if fits {
                kept.push(*booking);
            }
        }
    }
}
