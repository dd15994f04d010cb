//! What is asked of a run, on the command line.

use clap::{Parser, ValueEnum};

/// Runs the real daemon against a simulated Zoom account on its worst days, one seed a day.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "scripts/chaos",
    after_help = "Exit code 0 only if no seed found a violation. What a failing seed \
                                               leaves behind is in target/chaos."
)]
pub(crate) struct Options {
    /// How many seeds.
    #[arg(long, default_value_t = 200, value_name = "COUNT", conflicts_with = "seed")]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1, value_name = "SEED", conflicts_with = "seed")]
    from: u64,
    /// One seed only, and everything that happens in it.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Where the daemon keeps its tables; PostgreSQL needs CONVENED_TEST_POSTGRES.
    #[arg(long, value_enum, default_value_t = Databases::Both)]
    database: Databases,
    /// How many runs at a time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) jobs: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Databases {
    Sqlite,
    Postgres,
    Both,
}

/// The database under the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// As the command line takes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// One seed on one database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) engine: Engine,
}

impl Run {
    /// The line that plays it again.
    pub(crate) fn replay(self) -> String {
        format!("scripts/chaos --seed {} --database {}", self.seed, self.engine.name())
    }
}

impl Options {
    /// Reads the command line; nothing when no seeds are asked for, as under a plain `cargo test`.
    pub(crate) fn read() -> Option<Self> {
        let own = ["--seed", "--from", "--database", "--jobs", "--help"];
        let asked = |argument: &str| own.iter().any(|own| argument.starts_with(own));
        std::env::args().skip(1).any(|argument| asked(&argument)).then(Self::parse)
    }

    /// Everything that is to be run, a seed's databases side by side.
    pub(crate) fn runs(&self) -> Vec<Run> {
        let seeds = match self.seed {
            Some(seed) => seed..seed.saturating_add(1),
            None => self.from..self.from.saturating_add(self.seeds),
        };
        let engines: &[Engine] = match self.database {
            Databases::Sqlite => &[Engine::Sqlite],
            Databases::Postgres => &[Engine::Postgres],
            Databases::Both => &[Engine::Sqlite, Engine::Postgres],
        };
        seeds.flat_map(|seed| engines.iter().map(move |&engine| Run { seed, engine })).collect()
    }
}
