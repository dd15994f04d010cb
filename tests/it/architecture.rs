//! The house rules that no compiler knows: who may use what, how long a file may be, where the time comes from.
//!
//! Reads `src/**`; a failure names file, line and rule. `ARCHITECTURE.md` gives the reasons.

mod source;

use source::{SourceFile, all_sources};

/// The longest file, tests included.
const FILE_LINES_MAX: usize = 400;

/// Crates that only some rooms may use.
const CRATES: &[(&str, &[&str])] = &[
    ("actix", &["actors", "app"]),
    ("actix_rt", &["actors", "app"]),
    ("actix_web", &["http", "console", "sandbox", "app"]),
    ("diesel", &["store"]),
    ("diesel_migrations", &["store"]),
    ("reqwest", &["zoom"]),
];

/// What each room may use of ours, beside itself. Rooms that are not here (`app`, `cli`, `lib`, `main`) wire the
/// others together and may use all of them.
const ROOMS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("domain", &[]),
    ("config", &["clock"]),
    ("telemetry", &["config"]),
    ("zoom", &["clock", "domain"]),
    ("store", &["clock", "domain"]),
    ("sandbox", &["clock", "zoom::ids", "zoom::wire", "zoom::http"]),
    ("hooks", &["clock", "domain", "zoom::http"]),
    ("actors", &["clock", "config", "domain", "store", "zoom", "hooks", "telemetry"]),
    ("http", &["clock", "config", "domain", "store", "zoom", "actors", "telemetry"]),
    ("console", &["clock", "config", "domain", "store", "actors", "http"]),
];

/// What a pure decision cannot depend on.
const NOT_IN_DOMAIN: &[&str] = &[
    "tokio",
    "rand",
    "uuid",
    "tracing",
    "metrics",
    "futures",
    "Utc::now",
    "SystemTime",
    "Instant::now",
    "std::env",
    "std::fs",
];

/// Fails with all of `broken`, one a line.
fn assert_none(broken: &[String]) {
    assert!(broken.is_empty(), "{} broken rules:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn each_room_uses_only_the_crates_that_are_its_business() {
    let mut broken = Vec::new();
    for file in all_sources() {
        for (name, rooms) in CRATES.iter().filter(|(_, rooms)| !rooms.contains(&file.room())) {
            for line in file.lines_with_path(name) {
                broken.push(format!("{}:{line}: only {} may use {name}", file.path, rooms.join(", ")));
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn each_room_uses_only_the_rooms_below_it() {
    let mut broken = Vec::new();
    for file in all_sources() {
        let Some((room, allowed)) = ROOMS.iter().find(|(room, _)| *room == file.room()) else { continue };
        for (line, used) in file.own_paths() {
            let fine = |name: &&str| used == **name || used.starts_with(&format!("{name}::"));
            if !fine(room) && !allowed.iter().any(fine) {
                broken.push(format!("{}:{line}: `{room}` may not use `crate::{used}`", file.path));
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn the_domain_knows_no_clock_no_chance_and_no_outside_world() {
    let mut broken = Vec::new();
    for file in all_sources().iter().filter(|file| file.room() == "domain") {
        for name in NOT_IN_DOMAIN {
            for line in file.lines_with_path(name) {
                broken.push(format!("{}:{line}: `domain` may not use {name}", file.path));
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn no_file_is_longer_than_a_reader_wants() {
    let long = |file: &SourceFile| {
        let lines = file.lines();
        (lines > FILE_LINES_MAX)
            .then(|| format!("{}: {lines} lines, the limit is {FILE_LINES_MAX}", file.path))
    };
    assert_none(&source::all_with_tests().iter().filter_map(long).collect::<Vec<_>>());
}

#[test]
fn every_file_begins_by_saying_what_it_is() {
    let silent = |file: &SourceFile| {
        (!file.text.starts_with("//! ")).then(|| format!("{}:1: no module doc", file.path))
    };
    assert_none(&source::all_with_tests().iter().filter_map(silent).collect::<Vec<_>>());
}

#[test]
fn every_metric_is_explained_and_every_explained_metric_exists() {
    let sources = all_sources();
    let help = sources.iter().find(|file| file.path == "src/telemetry.rs").expect("the table of metrics");
    let explained = help.strings_beginning("convened_");
    let others = sources.iter().filter(|file| file.path != help.path);
    let counted: std::collections::BTreeSet<String> = others.flat_map(SourceFile::metrics).collect();
    let own = ["convened_panics_total".to_owned()];
    let unexplained: Vec<_> = counted.iter().filter(|name| !explained.contains(*name)).collect();
    let gone: Vec<_> =
        explained.iter().filter(|name| !counted.contains(*name) && !own.contains(name)).collect();
    assert!(
        unexplained.is_empty() && gone.is_empty(),
        "add to telemetry::HELP: {unexplained:?}; take out: {gone:?}"
    );
}
