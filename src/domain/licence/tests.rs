//! The fast plan beside a slow one that looks at every minute, and a day played through.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
}

fn policy(seats: usize) -> Policy {
    Policy {
        seats,
        margin: Duration::minutes(30),
        keep: Duration::minutes(60),
        look_ahead: Duration::hours(24),
    }
}

fn need(user: &str, from: i64, minutes: i64) -> Need {
    Need {
        user: user.to_owned(),
        appointment: Some(format!("{user}@{from}")),
        reason: Reason::LongMeeting,
        from: at(from),
        until: at(from + minutes),
    }
}

fn held(user: &str) -> Lease {
    Lease { user: user.to_owned(), state: LeaseState::Held, not_before: None }
}

fn facts(needs: Vec<Need>, leases: Vec<Lease>) -> Facts {
    Facts { needs, leases, ..Facts::default() }
}

fn users(claims: &[Claim]) -> Vec<&str> {
    claims.iter().map(|claim| claim.user.as_str()).collect()
}

#[test]
fn long_meetings_registration_and_cloud_recording_need_a_licence_and_nothing_else_does() {
    let settings = |name: &str, value: Value| BTreeMap::from([(name.to_owned(), value)]);
    assert_eq!(reason(40, &BTreeMap::new()), None);
    assert_eq!(reason(41, &BTreeMap::new()), Some(Reason::LongMeeting));
    assert_eq!(reason(30, &settings("approval_type", json!(0))), Some(Reason::Registration));
    assert_eq!(reason(30, &settings("approval_type", json!(2))), None);
    assert_eq!(reason(30, &settings("auto_recording", json!("cloud"))), Some(Reason::CloudRecording));
    assert_eq!(reason(30, &settings("auto_recording", json!("local"))), None);
}

#[test]
fn a_licence_is_given_the_margin_before_and_taken_the_margin_after() {
    let before = facts(vec![need("ana", 100, 60)], vec![]);
    assert_eq!(users(&plan(&before, &policy(1), at(69)).grant), Vec::<&str>::new());
    assert_eq!(plan(&before, &policy(1), at(69)).next_at, Some(at(70)));
    assert_eq!(users(&plan(&before, &policy(1), at(70)).grant), ["ana"]);
    let after = facts(vec![need("ana", 100, 60)], vec![held("ana")]);
    assert_eq!(plan(&after, &policy(1), at(189)).take_back, Vec::<String>::new());
    assert_eq!(plan(&after, &policy(1), at(190)).take_back, ["ana"]);
}

#[test]
fn whoever_needs_it_again_soon_keeps_it_even_with_others_in_line() {
    let needs = vec![need("ana", 0, 60), need("ana", 180, 60), need("ben", 120, 60)];
    let between = plan(&facts(needs, vec![held("ana")]), &policy(1), at(100));
    assert_eq!(between.take_back, Vec::<String>::new());
    assert_eq!(users(&between.line), ["ben"]);
}

#[test]
fn a_cancelled_meeting_frees_its_licence_unless_the_next_is_near() {
    let far = facts(vec![need("ana", 300, 60)], vec![held("ana")]);
    assert_eq!(plan(&far, &policy(1), at(0)).take_back, ["ana"]);
    let near = facts(vec![need("ana", 85, 60)], vec![held("ana")]);
    assert_eq!(plan(&near, &policy(1), at(0)).take_back, Vec::<String>::new());
}

#[test]
fn nobody_in_a_running_meeting_loses_it() {
    let mut overrun = facts(vec![], vec![held("ana")]);
    overrun.live.insert("ana".to_owned());
    assert_eq!(plan(&overrun, &policy(1), at(0)).take_back, Vec::<String>::new());
}

#[test]
fn the_soonest_need_is_served_first_and_the_rest_waits_in_line() {
    let needs = vec![need("cleo", 30, 60), need("ben", 20, 60), need("ana", 20, 60)];
    let plan = plan(&facts(needs, vec![]), &policy(2), at(25));
    assert_eq!(users(&plan.grant), ["ana", "ben"]);
    assert_eq!(users(&plan.line), ["cleo"]);
    assert_eq!(plan.shortage, Some(Shortage { from: at(25), short_by: 1 }));
}

#[test]
fn what_zoom_gave_at_most_counts_more_than_what_was_configured() {
    let mut facts = facts(vec![need("ana", 0, 60), need("ben", 0, 60)], vec![held("ana")]);
    facts.seats_found = Some(Found { seats: 1, until: at(10) });
    let plan = plan(&facts, &policy(5), at(0));
    assert_eq!((users(&plan.grant).len(), users(&plan.line)), (0, vec!["ben"]));
}

#[test]
fn one_more_than_zoom_gave_is_tried_now_and_then_which_ends_no_shortage() {
    let needs = ["ana", "ben", "cleo"].map(|user| need(user, 0, 60)).to_vec();
    let mut facts = facts(needs, vec![held("ana")]);
    facts.seats_found = Some(Found { seats: 1, until: at(10) });
    let short = Some(Shortage { from: at(9), short_by: 2 });
    let believed = plan(&facts, &policy(5), at(9));
    assert_eq!((users(&believed.grant).len(), believed.shortage, believed.next_at), (0, short, Some(at(10))));
    let tried = plan(&facts, &policy(5), at(10));
    assert_eq!((users(&tried.grant), users(&tried.line)), (vec!["ben"], vec!["cleo"]));
    assert_eq!(tried.shortage, Some(Shortage { from: at(10), short_by: 2 }));
    facts.leases.push(Lease { user: "ben".to_owned(), state: LeaseState::Granting, not_before: None });
    assert!(plan(&facts, &policy(5), at(10)).shortage.is_some(), "asked for is not given");
}

#[test]
fn what_zoom_said_long_ago_is_forgotten_when_nobody_is_in_want() {
    let mut facts = facts(vec![need("ana", 0, 60), need("ben", 300, 60)], vec![held("ana")]);
    facts.seats_found = Some(Found { seats: 0, until: at(10) });
    assert!(!plan(&facts, &policy(5), at(9)).forget_found);
    let over = plan(&facts, &policy(5), at(10));
    assert_eq!((over.forget_found, over.shortage), (true, None));
}

#[test]
fn a_user_whom_zoom_refused_waits_and_does_not_hold_up_the_others() {
    let mut facts = facts(vec![need("ana", 0, 60), need("ben", 0, 60)], vec![]);
    facts.refused.insert("ana".to_owned(), at(10));
    let now = plan(&facts, &policy(1), at(0));
    assert_eq!((users(&now.grant), users(&now.line)), (vec!["ben"], vec!["ana"]));
    assert_eq!(users(&plan(&facts, &policy(1), at(10)).grant), ["ana"]);
}

#[test]
fn a_shortage_is_seen_a_day_ahead() {
    let needs = vec![need("ana", 1000, 60), need("ben", 1050, 60)];
    let seen = plan(&facts(needs, vec![]), &policy(1), at(0)).shortage;
    assert_eq!(seen, Some(Shortage { from: at(1020), short_by: 1 }));
}

#[test]
fn doubts_are_settled_first_then_seats_freed_then_given() {
    let needs = vec![need("ana", 0, 60)];
    let mut facts = facts(needs, vec![held("ben")]);
    let step = |facts: &Facts, idle: &[&str]| {
        let idle = idle.iter().map(|user| (*user).to_owned()).collect();
        next_step(facts, &plan(facts, &policy(2), at(0)), &idle, at(0))
    };
    assert_eq!(step(&facts, &[]), Step::AskLive("ben".to_owned()));
    assert_eq!(step(&facts, &["ben"]), Step::TakeBack("ben".to_owned()));
    facts.live.insert("ben".to_owned());
    assert!(matches!(step(&facts, &[]), Step::Grant(claim) if claim.user == "ana"));
    let doubt = Lease { user: "cleo".to_owned(), state: LeaseState::Granting, not_before: None };
    facts.leases.push(doubt.clone());
    assert_eq!(step(&facts, &[]), Step::Settle("cleo".to_owned()));
    facts.leases.pop();
    facts.leases.push(Lease { not_before: Some(at(1)), ..doubt });
    assert_eq!(step(&facts, &[]), Step::Rest, "a seat in doubt is a seat taken");
}

/// Whether the user wants a licence at a minute: said of each minute by itself, without joining anything.
fn wants(needs: &[Need], policy: &Policy, user: &str, now: DateTime<Utc>) -> bool {
    let padded: Vec<(DateTime<Utc>, DateTime<Utc>)> = needs
        .iter()
        .filter(|need| need.user == user)
        .map(|need| (need.from - policy.margin, need.until + policy.margin))
        .collect();
    let inside = padded.iter().any(|(from, until)| *from <= now && now < *until);
    let last_end = padded.iter().map(|(_, until)| *until).filter(|until| *until <= now).max();
    let next_start = padded.iter().map(|(from, _)| *from).filter(|from| *from > now).min();
    inside || matches!((last_end, next_start), (Some(end), Some(start)) if start - end <= policy.keep)
}

fn some_needs() -> impl Strategy<Value = Vec<Need>> {
    let one = (0_usize..6, 0_i64..1200, 41_i64..200);
    prop::collection::vec(one, 0..14).prop_map(|all| {
        all.into_iter().map(|(user, from, minutes)| need(&format!("u{user}"), from, minutes)).collect()
    })
}

const NAMES: [&str; 6] = ["u0", "u1", "u2", "u3", "u4", "u5"];

proptest! {
    #[test]
    fn claims_are_what_each_minute_says(needs in some_needs()) {
        let policy = policy(1);
        let claims = claims(&needs, &policy);
        for minute in (-120..1500).step_by(7) {
            let slow = NAMES.iter().filter(|user| wants(&needs, &policy, user, at(minute))).count();
            prop_assert_eq!(demand_at(&claims, at(minute)), slow, "at minute {}", minute);
        }
    }

    #[test]
    fn the_forecast_is_the_first_and_the_worst_of_all_minutes(needs in some_needs(), seats in 0_usize..4) {
        let policy = Policy { look_ahead: Duration::minutes(900), ..policy(seats) };
        let seen = plan(&facts(needs.clone(), vec![]), &policy, at(0)).shortage;
        let over: Vec<(i64, usize)> = (0..=900)
            .map(|minute| {
                (minute, NAMES.iter().filter(|user| wants(&needs, &policy, user, at(minute))).count())
            })
            .filter(|(_, wanted)| *wanted > seats)
            .collect();
        let slow = over.first().map(|(first, _)| Shortage {
            from: at(*first),
            short_by: over.iter().map(|(_, wanted)| wanted - seats).max().unwrap_or_default(),
        });
        prop_assert_eq!(seen, slow);
    }

    /// A day, minute by minute: what the plan says is done at once, and nobody is ever treated unfairly.
    #[test]
    fn a_day_goes_by_the_rules(needs in some_needs(), seats in 0_usize..5, overrun in 0_i64..90) {
        let policy = policy(seats);
        let mut leases: Vec<Lease> = Vec::new();
        let mut waited: Vec<String> = Vec::new();
        for minute in -60..1700 {
            let now = at(minute);
            let mut facts = facts(needs.clone(), leases.clone());
            facts.live = needs
                .iter()
                .filter(|need| need.from <= now && now < need.until + Duration::minutes(overrun))
                .map(|need| need.user.clone())
                .collect();
            let plan = plan(&facts, &policy, now);
            for user in &plan.take_back {
                prop_assert!(!facts.live.contains(user) && !wants(&needs, &policy, user, now));
            }
            leases.retain(|lease| !plan.take_back.contains(&lease.user));
            leases.extend(plan.grant.iter().map(|claim| held(&claim.user)));
            prop_assert!(leases.len() <= seats);
            for user in NAMES.iter().filter(|user| wants(&needs, &policy, user, now)) {
                let has = leases.iter().any(|lease| lease.user == **user);
                prop_assert!(has || plan.line.iter().any(|claim| claim.user == **user));
            }
            // Nobody who came later is served before somebody who still waits.
            let newly: Vec<&Claim> = plan.grant.iter().collect();
            prop_assert!(newly.iter().all(|given| plan.line.iter().all(|waits| given.from <= waits.from)));
            waited.extend(plan.line.iter().map(|claim| claim.user.clone()));
        }
        prop_assert!(leases.is_empty(), "all are given back at the end of the day");
        let claims = claims(&needs, &policy);
        let enough = (-60..1700).all(|minute| demand_at(&claims, at(minute)) <= seats);
        prop_assert!(!enough || overrun > 30 || waited.is_empty(), "nobody waits while there are enough");
    }

    /// A day on which Zoom has fewer licences than are configured: it is told once for as long as somebody is in
    /// want, and Zoom is asked in vain no more than every ten minutes.
    #[test]
    fn a_shortage_at_zoom_is_news_once_and_costs_a_call_now_and_then(
        needs in some_needs(),
        before in 0_usize..4,
        bought in 0_usize..4,
        turn in 0_i64..1200,
    ) {
        let policy = Policy { look_ahead: Duration::zero(), ..policy(6) };
        let idle: BTreeSet<String> = NAMES.iter().map(|user| (*user).to_owned()).collect();
        let mut facts = facts(needs, vec![]);
        let mut short = false;
        // Nobody was in want since the last news; and when Zoom refused last.
        let (mut relieved, mut refused_at) = (true, None);
        for minute in -60..1700 {
            let (now, at_zoom) = (at(minute), if minute < turn { before } else { before + bought });
            let mut steps = 0;
            let in_want = loop {
                let plan = plan(&facts, &policy, now);
                if plan.shortage.is_some() && !short {
                    prop_assert!(relieved, "told again at minute {minute} of a shortage that was not over");
                    relieved = false;
                }
                short = plan.shortage.is_some();
                if plan.forget_found {
                    facts.seats_found = None;
                }
                steps += 1;
                prop_assert!(steps < 30, "a minute has an end");
                match next_step(&facts, &plan, &idle, now) {
                    Step::TakeBack(user) => facts.leases.retain(|lease| lease.user != user),
                    Step::Grant(claim) if facts.leases.len() < at_zoom => {
                        facts.leases.push(held(&claim.user));
                        if let Some(found) = &mut facts.seats_found {
                            found.seats = found.seats.max(facts.leases.len());
                        }
                    }
                    Step::Grant(_) => {
                        prop_assert!(refused_at.is_none_or(|last| last + 10 <= minute), "asked too often");
                        refused_at = Some(minute);
                        let until = now + Duration::minutes(10);
                        facts.seats_found = Some(Found { seats: facts.leases.len(), until });
                    }
                    _ => break !plan.line.is_empty(),
                }
            };
            prop_assert!(!in_want || short, "somebody waits, and nobody was told");
            relieved |= !in_want;
        }
    }

    #[test]
    fn the_order_of_the_facts_changes_nothing(mut needs in some_needs(), seats in 0_usize..4, now in 0_i64..1200) {
        let forward = plan(&facts(needs.clone(), vec![]), &policy(seats), at(now));
        needs.reverse();
        prop_assert_eq!(forward, plan(&facts(needs, vec![]), &policy(seats), at(now)));
    }
}
