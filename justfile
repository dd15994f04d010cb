# `just` lists these; each is one line you could type yourself.

_default:
    @just --list

# Everything that CI runs.
check:
    .ci/run

# All tests, on SQLite and on a private PostgreSQL.
test *arguments:
    scripts/test {{arguments}}

# Unit tests only: no database server, a few seconds.
quick:
    cargo test --lib

# Format and repair what can be repaired.
tidy:
    cargo fmt
    cargo clippy --all-targets --fix --allow-dirty --allow-staged

# A class of 25 from booking to scored roster.
demo *arguments:
    cargo run --release -- demo {{arguments}}

# The daemon against a simulated Zoom account.
serve:
    cargo run -- serve --sandbox

# Throughput of the real binary, beside a bare actix-web handler.
load *arguments:
    cargo bench --bench load -- {{arguments}}

# Licences, sources and duplicates of the dependencies (needs cargo-deny).
deny:
    cargo deny check bans licenses sources
