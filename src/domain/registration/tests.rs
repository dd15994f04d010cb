//! The loop against a model of Zoom that loses requests and answers, refuses people and is changed by others.

use proptest::prelude::*;

use super::*;

const GAP: Duration = Duration::seconds(10);

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn patience() -> Patience {
    Patience { gap: GAP, retry_min: Duration::seconds(1), retry_max: Duration::minutes(15) }
}

fn address(number: usize) -> String {
    format!("p{number:02}@school.example")
}

fn wanted(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
    numbers.into_iter().map(address).collect()
}

fn known(numbers: impl IntoIterator<Item = usize>) -> Known {
    Known { entries: numbers.into_iter().map(|n| Entry::new(address(n))).collect(), ..Known::default() }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    AnswerLost,
    RequestLost,
    Shut,
    TooFast,
    Refused,
}

/// What others do.
#[derive(Debug, Clone)]
enum Meddling {
    Nothing,
    Invite(usize),
    Uninvite(usize),
    RegisterAtZoom(usize),
    CancelAtZoom(usize),
}

/// Zoom, and what is known of it.
#[derive(Debug)]
struct World {
    now: DateTime<Utc>,
    zoom: BTreeMap<String, Standing>,
    /// Addresses that Zoom refuses.
    bad: BTreeSet<String>,
    wanted: BTreeSet<String>,
    known: Known,
    /// An answer was lost and Zoom has not been looked at since.
    unlooked: bool,
    by_hand: bool,
}

impl World {
    fn new(bad: BTreeSet<String>, by_hand: bool) -> Self {
        let (zoom, wanted) = (BTreeMap::new(), BTreeSet::new());
        Self { now: at(0), zoom, bad, wanted, known: Known::default(), unlooked: false, by_hand }
    }

    fn befall(&mut self, meddling: &Meddling) {
        match meddling {
            Meddling::Nothing => {}
            Meddling::Invite(n) => {
                self.wanted.insert(address(*n));
                if !self.known.entries.iter().any(|entry| entry.address == address(*n)) {
                    self.known.entries.push(Entry::new(address(*n)));
                }
                for entry in self.known.entries.iter_mut().filter(|entry| entry.address == address(*n)) {
                    entry.ours = true;
                }
            }
            Meddling::Uninvite(n) => {
                self.wanted.remove(&address(*n));
            }
            Meddling::RegisterAtZoom(n) => {
                let status = if self.by_hand { Standing::Pending } else { Standing::Approved };
                self.zoom.entry(address(*n)).or_insert(status);
                self.known.look = true;
            }
            Meddling::CancelAtZoom(n) => {
                self.zoom.remove(&address(*n));
                self.known.look = true;
            }
        }
    }

    /// One step, if there is one; otherwise time goes on.
    fn turn(&mut self, fate: Fate) -> Result<bool, TestCaseError> {
        let step = next_step(&self.wanted, &self.known, self.now, GAP);
        match &step {
            Step::Rest(None) => return Ok(false),
            Step::Rest(Some(until)) => {
                prop_assert!(*until > self.now, "time alone must change it: {self:?}");
                self.now = *until;
                return Ok(true);
            }
            Step::Ask(ask, addresses) => {
                prop_assert!(!addresses.is_empty() && addresses.len() <= BATCH_MAX);
                prop_assert!(!self.unlooked, "an unknown outcome is looked up first: {step:?}");
                for one in addresses {
                    prop_assert_eq!(*ask != Ask::Cancel, self.wanted.contains(one), "{:?}", step);
                }
                self.known.asked_at = Some(self.now);
                for entry in &mut self.known.entries {
                    if addresses.contains(&entry.address) {
                        entry.asked = Some(*ask);
                    }
                }
            }
            Step::Look => {}
        }
        let outcome = self.perform(&step, fate);
        self.now += Duration::seconds(1);
        self.unlooked = match step {
            Step::Look => outcome == Outcome::Unknown && self.unlooked,
            _ => outcome == Outcome::Unknown,
        };
        self.known = settle(&self.wanted, &self.known, &step, &outcome, self.now, &patience(), 0.5);
        Ok(true)
    }

    fn perform(&mut self, step: &Step, fate: Fate) -> Outcome {
        match fate {
            Fate::RequestLost => return Outcome::Unknown,
            Fate::Shut => return Outcome::Failed(Failure::Shut),
            Fate::TooFast => return Outcome::Failed(Failure::NotDone),
            Fate::Refused => return Outcome::Failed(Failure::Refused),
            Fate::Fine | Fate::AnswerLost => {}
        }
        let outcome = match step {
            Step::Look => Outcome::Listed { listed: self.zoom.clone(), since: self.now },
            Step::Ask(_, addresses) if addresses.iter().any(|one| self.bad.contains(one)) => {
                Outcome::Failed(Failure::Theirs(None))
            }
            Step::Ask(Ask::Add, addresses) => {
                for one in addresses {
                    self.zoom.entry(one.clone()).or_insert(Standing::Approved);
                }
                let given = |one: &String| match self.zoom[one] {
                    Standing::Approved => Given::Link,
                    _ => Given::NoLink,
                };
                Outcome::Added(addresses.iter().map(|one| (one.clone(), given(one))).collect())
            }
            Step::Ask(Ask::Approve, addresses) => {
                for one in addresses {
                    if let Some(standing) = self.zoom.get_mut(one) {
                        *standing = Standing::Approved;
                    }
                }
                Outcome::Done
            }
            Step::Ask(Ask::Cancel, addresses) => {
                self.zoom.retain(|one, _| !addresses.contains(one));
                Outcome::Done
            }
            Step::Rest(_) => Outcome::Done,
        };
        if fate == Fate::AnswerLost { Outcome::Unknown } else { outcome }
    }

    /// With nothing going wrong any more, it comes to rest, and everything is as it should be.
    fn calm(&mut self) -> Result<(), TestCaseError> {
        self.known.look = true;
        for _ in 0..2_000 {
            let parked = self
                .known
                .entries
                .iter()
                .any(|entry| self.bad.contains(&entry.address) && entry.attempts > 3);
            if !self.turn(Fate::Fine)? || parked && self.all_good() {
                break;
            }
        }
        prop_assert!(self.all_good(), "{self:?}");
        Ok(())
    }

    fn all_good(&self) -> bool {
        self.known.entries.iter().all(|entry| {
            let bad = self.bad.contains(&entry.address);
            let refused = entry.standing == Standing::Denied && !self.zoom.contains_key(&entry.address);
            let wants = self.wanted.contains(&entry.address) && !refused;
            let at_zoom = self.zoom.get(&entry.address).copied();
            let in_doubt = entry.asked.is_some();
            !in_doubt
                && match (wants, bad) {
                    (_, true) => true,
                    (true, false) => {
                        at_zoom == Some(Standing::Approved) && entry.standing == Standing::Approved
                    }
                    (false, false) => at_zoom.is_none() || !entry.ours,
                }
        })
    }
}

fn scripts() -> impl Strategy<Value = Vec<(Fate, Meddling)>> {
    let fate = prop_oneof![
        4 => Just(Fate::Fine),
        2 => Just(Fate::AnswerLost),
        2 => Just(Fate::RequestLost),
        1 => Just(Fate::Shut),
        1 => Just(Fate::TooFast),
        1 => Just(Fate::Refused),
    ];
    let somebody = 0..45_usize;
    let meddling = prop_oneof![
        6 => Just(Meddling::Nothing),
        8 => somebody.clone().prop_map(Meddling::Invite),
        3 => somebody.clone().prop_map(Meddling::Uninvite),
        1 => somebody.clone().prop_map(Meddling::RegisterAtZoom),
        1 => somebody.prop_map(Meddling::CancelAtZoom),
    ];
    proptest::collection::vec((fate, meddling), 0..120)
}

proptest! {
    #[test]
    fn whatever_happens_everybody_wanted_is_registered_in_the_end_and_nobody_else_of_ours(
        script in scripts(),
        bad in proptest::collection::btree_set(0..45_usize, 0..3),
        by_hand in any::<bool>(),
    ) {
        let mut world = World::new(wanted(bad), by_hand);
        for (fate, meddling) in script {
            world.befall(&meddling);
            world.turn(fate)?;
        }
        world.calm()?;
    }

    #[test]
    fn names_keep_within_zooms_limits_and_lose_nothing_short(name in "\\PC{1,200}") {
        let (first, last) = split_name(&name);
        prop_assert!(first.chars().count() <= 64);
        prop_assert!(last.iter().all(|last| last.chars().count() <= 64));
        prop_assert_eq!(first.is_empty(), name.trim().is_empty());
    }
}

#[test]
fn thirty_five_people_are_two_requests() {
    let (wanted, mut known) = (wanted(0..35), known(0..35));
    let mut sizes = Vec::new();
    while let Step::Ask(Ask::Add, addresses) = next_step(&wanted, &known, at(0), GAP) {
        sizes.push(addresses.len());
        let given = addresses.iter().map(|one| (one.clone(), Given::Link)).collect();
        let step = Step::Ask(Ask::Add, addresses);
        known = settle(&wanted, &known, &step, &Outcome::Added(given), at(0), &patience(), 0.5);
    }
    assert_eq!(sizes, [30, 5]);
    assert_eq!(next_step(&wanted, &known, at(0), GAP), Step::Rest(None));
}

#[test]
fn who_is_refused_among_others_is_tried_alone_and_only_they_are_parked() {
    let (wanted, mut known) = (wanted(0..3), known(0..3));
    let bad = address(1);
    let until = at(50_000);
    let mut asked = Vec::new();
    while let step @ Step::Ask(Ask::Add, _) = next_step(&wanted, &known, at(0), GAP) {
        let Step::Ask(_, addresses) = &step else { unreachable!() };
        asked.push(addresses.len());
        let outcome = if addresses.contains(&bad) {
            Outcome::Failed(Failure::Theirs((addresses.len() == 1).then_some(until)))
        } else {
            Outcome::Added(addresses.iter().map(|one| (one.clone(), Given::Link)).collect())
        };
        known = settle(&wanted, &known, &step, &outcome, at(0), &patience(), 0.5);
    }
    assert_eq!(asked, [3, 1, 1, 1]);
    let parked: Vec<&str> =
        known.entries.iter().filter(|e| e.is_parked(at(1))).map(|e| e.address.as_str()).collect();
    assert_eq!(parked, [bad.as_str()]);
    assert_eq!(next_step(&wanted, &known, at(0), GAP), Step::Rest(Some(until)), "tomorrow");
    assert_eq!(next_step(&wanted, &known, until, GAP), Step::Ask(Ask::Add, vec![bad]));
}

#[test]
fn a_lost_answer_is_looked_up_at_once_and_once_more_before_it_is_repeated() {
    let (wanted, mut known) = (wanted(0..2), known(0..2));
    known.asked_at = Some(at(0));
    known.entries.iter_mut().for_each(|entry| entry.asked = Some(Ask::Add));
    assert_eq!(next_step(&wanted, &known, at(1), GAP), Step::Look);
    let nothing = |since| Outcome::Listed { listed: Listed::new(), since };
    let once = settle(&wanted, &known, &Step::Look, &nothing(at(1)), at(1), &patience(), 0.5);
    assert_eq!(next_step(&wanted, &once, at(2), GAP), Step::Rest(Some(at(10))), "it may still be on its way");
    assert_eq!(next_step(&wanted, &once, at(10), GAP), Step::Look);
    let twice = settle(&wanted, &once, &Step::Look, &nothing(at(10)), at(10), &patience(), 0.5);
    assert!(matches!(next_step(&wanted, &twice, at(10), GAP), Step::Ask(Ask::Add, _)));
    let there = wanted.iter().map(|one| (one.clone(), Standing::Approved)).collect();
    let found = Outcome::Listed { listed: there, since: at(1) };
    let found = settle(&wanted, &known, &Step::Look, &found, at(1), &patience(), 0.5);
    assert_eq!(next_step(&wanted, &found, at(1), GAP), Step::Rest(None));
}

#[test]
fn who_was_removed_at_zoom_is_not_registered_again_unasked_and_strangers_are_left_alone() {
    let (wanted, mut known) = (wanted(0..1), known(0..1));
    known.entries[0].standing = Standing::Approved;
    known.look = true;
    let stranger = BTreeMap::from([("x@home.example".to_owned(), Standing::Approved)]);
    let listed = Outcome::Listed { listed: stranger.clone(), since: at(0) };
    let once = settle(&wanted, &known, &Step::Look, &listed, at(0), &patience(), 0.5);
    assert_eq!((once.entries[0].standing, once.look), (Standing::Approved, true), "one reading may err");
    assert_eq!(next_step(&wanted, &once, at(1), GAP), Step::Rest(Some(at(10))));
    assert_eq!(next_step(&wanted, &once, at(10), GAP), Step::Look);
    let listed = Outcome::Listed { listed: stranger, since: at(10) };
    let mut after = settle(&wanted, &once, &Step::Look, &listed, at(10), &patience(), 0.5);
    assert!(after.entries[0].standing == Standing::Denied && !after.entries[1].ours);
    assert_eq!(next_step(&wanted, &after, at(0), GAP), Step::Rest(None));
    let again = settle(&wanted, &after, &Step::Look, &listed, at(19), &patience(), 0.5);
    assert_eq!(again.entries[0].standing, Standing::Denied, "also at the next look");
    after.entries[0].standing = Standing::Out;
    assert!(matches!(next_step(&wanted, &after, at(0), GAP), Step::Ask(Ask::Add, _)));
    after.entries[1].barred = true;
    let cancel = Step::Ask(Ask::Cancel, vec!["x@home.example".to_owned()]);
    assert_eq!(next_step(&wanted, &after, at(0), GAP), cancel);
}

#[test]
fn who_is_found_after_one_reading_missed_them_stays_registered() {
    let (wanted, mut known) = (wanted(0..1), known(0..1));
    (known.entries[0].standing, known.look) = (Standing::Approved, true);
    let reading = |known: &Known, found: bool, second: i64| {
        let listed = wanted.iter().filter(|_| found).map(|one| (one.clone(), Standing::Approved)).collect();
        let outcome = Outcome::Listed { listed, since: at(second) };
        settle(&wanted, known, &Step::Look, &outcome, at(second), &patience(), 0.5)
    };
    let missed = reading(&known, false, 0);
    let missed = reading(&missed, false, 5);
    assert_eq!(missed.entries[0].standing, Standing::Approved, "the second was too soon to be another");
    let found = reading(&missed, true, 10);
    assert_eq!((found.entries[0].missed, found.look), (None, false));
    let again = reading(&found, false, 20);
    assert_eq!(again.entries[0].standing, Standing::Approved, "the two were not in succession");
    assert_eq!(reading(&again, false, 30).entries[0].standing, Standing::Denied);
}

#[test]
fn registration_is_decided_when_the_meeting_is_made() {
    let made = Circumstances { licensed: true, licence_stays: true, somebody: true, at_zoom: None };
    let table = [
        (Mode::Auto, made, Some(0)),
        (Mode::Auto, Circumstances { licensed: false, ..made }, None),
        (Mode::Auto, Circumstances { licence_stays: false, ..made }, None),
        (Mode::Auto, Circumstances { somebody: false, ..made }, None),
        (Mode::Auto, Circumstances { at_zoom: Some(false), ..made }, None),
        (Mode::Auto, Circumstances { at_zoom: Some(true), somebody: false, ..made }, Some(0)),
        (Mode::Auto, Circumstances { at_zoom: Some(true), licensed: false, ..made }, None),
        (Mode::Always, Circumstances::default(), Some(0)),
        (Mode::Never, made, None),
    ];
    for (mode, circumstances, expected) in table {
        assert_eq!(approval_type(mode, circumstances), expected, "{mode:?} {circumstances:?}");
    }
}

#[test]
fn a_domain_is_compared_without_case_and_without_its_subdomains() {
    for (email, fits) in [
        ("a@school.example", true),
        ("A@School.Example ", true),
        ("a@x.school.example", false),
        ("a@notschool.example", false),
        ("school.example", false),
    ] {
        assert_eq!(is_of_domain(email, "@SCHOOL.example"), fits, "{email}");
    }
}
