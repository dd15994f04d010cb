//! The integration tests, one binary. Needs nothing but this repository; tests on PostgreSQL run when
//! `CONVENED_TEST_POSTGRES` names a server (`scripts/test` starts one) and print a line when they are left out.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test may fail it"
)]

mod support;

// One line per file; keep them in alphabetical order.
mod agreement;
mod architecture;
mod class;
mod classes;
mod cli;
mod conformance;
mod door;
mod drift;
mod due_work;
mod erasure;
mod fixtures;
mod hands;
mod hosts;
mod http_bookings;
mod http_errors;
mod http_meetings;
mod http_series;
mod http_together;
mod inbox;
mod judge;
mod licences;
mod live_view;
mod notifications;
mod outbox;
mod overrun;
mod registrants;
mod reports;
mod retention;
mod rules;
mod sandbox_after;
mod sandbox_faults;
mod sandbox_meetings;
mod sandbox_oauth;
mod several;
mod shards;
mod store_directory;
mod store_door;
mod store_erasure;
mod store_judge;
mod store_licences;
mod store_marks;
mod store_parity;
mod store_registrants;
mod store_rules;
mod store_seats;
mod store_settlement;
mod store_story;
mod store_writer;
mod webhook;
mod zoom_stays_true;
