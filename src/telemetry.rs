//! What the process tells about itself: log lines to standard error, metrics, and panics.
//!
//! A log line is a sentence with fields (`docs/LOGGING.md` has their names); it carries no names of people, no
//! addresses and no tokens.

mod latency;

use std::io::IsTerminal as _;
use std::panic::PanicHookInfo;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat, LogLevel};

pub use latency::{Latency, latency};

/// Bounds of everything that is measured in seconds.
const SECONDS: [f64; 12] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Bounds of everything that is counted in a batch.
const SIZES: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1000.0];

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts logging. Called once, before anything else can fail.
pub fn start_logging(log: &Log) {
    let ours = log.level.as_str();
    // Other people's crates are only let in when somebody is looking for a fault.
    let others = match log.level {
        LogLevel::Debug => "info",
        LogLevel::Trace => "debug",
        LogLevel::Error => "error",
        LogLevel::Info | LogLevel::Warn => "warn",
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("{others},convened={ours}")))
        .with_writer(std::io::stderr);
    let terminal = std::io::stderr().is_terminal();
    let human = matches!(log.format, LogFormat::Human) || (log.format == LogFormat::Auto && terminal);
    // A second start, as in a test, keeps the first one's logging.
    let _ = if human {
        builder.with_ansi(terminal).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    std::panic::set_hook(Box::new(report_panic));
}

/// Starts counting. Without it every metric goes nowhere, at no cost.
///
/// # Errors
/// When the buckets above are empty, which they are not.
pub fn start_metrics() -> Result<(), BuildError> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), &SIZES)?
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_ok() {
        let _ = METRICS.set(handle);
        describe();
    }
    Ok(())
}

/// The page that Prometheus reads; empty when counting was not started.
#[must_use]
pub fn metrics_page() -> String {
    METRICS.get().map_or_else(String::new, |handle| {
        handle.run_upkeep();
        handle.render()
    })
}

/// Logs and counts a panic, and does nothing else: supervision decides what follows from it.
fn report_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(String::new, ToString::to_string);
    let text = panic.payload_as_str().unwrap_or("(no text)");
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    metrics::counter!("convened_panics_total").increment(1);
    tracing::error!(place, thread, "a panic: {text}");
}

/// What a metric is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Every metric and what it tells. `tests/it/architecture.rs` holds this table to the code.
const HELP: &[(&str, Kind, &str)] = &[
    ("convened_panics_total", Kind::Counter, "Panics anywhere in the process"),
    ("convened_actor_deaths_total", Kind::Counter, "Actors that ended unasked, by actor"),
    ("convened_requests_limited_total", Kind::Counter, "Requests answered 429: a caller above its rate"),
    ("convened_requests_refused_total", Kind::Counter, "Requests answered 503: too many at a time"),
    (
        "convened_meeting_actor_deaths_total",
        Kind::Counter,
        "Meeting actors that ended unasked; each is rebuilt",
    ),
    (
        "convened_meetings_overrun_total",
        Kind::Counter,
        "Meetings that ran on after meetings.auto_end_after, by outcome: ended, given_up",
    ),
    ("convened_webhooks_rejected_total", Kind::Counter, "Webhooks that were not signed by Zoom"),
    ("convened_inbox_stored_total", Kind::Counter, "Webhooks stored"),
    ("convened_inbox_duplicates_total", Kind::Counter, "Webhooks that were stored already"),
    (
        "convened_inbox_refused_total",
        Kind::Counter,
        "Webhooks answered 503: too many waiting; Zoom sends them again",
    ),
    (
        "convened_registrations_total",
        Kind::Counter,
        "People registered for meetings at Zoom, by what became of it: registered, cancelled, refused",
    ),
    (
        "convened_registration_looks_total",
        Kind::Counter,
        "Readings of Zoom's lists of registrants, after lost answers and changes at Zoom",
    ),
    (
        "convened_runs_unheard_total",
        Kind::Counter,
        "Runs of meetings that Zoom told of and no webhook did: worth an alert",
    ),
    ("convened_inbox_batch_size", Kind::Histogram, "Webhooks stored in one transaction"),
    (
        "convened_notifications_total",
        Kind::Counter,
        "Messages to other systems, by what came of each attempt",
    ),
    ("convened_live_moments_total", Kind::Counter, "Moments of running meetings that readers were told of"),
    (
        "convened_put_away_total",
        Kind::Counter,
        "What became too old: rows deleted, and bookings made nameless, put away or without marks, by `what`",
    ),
    ("convened_erasures_total", Kind::Counter, "People erased"),
    ("convened_event_readers", Kind::Gauge, "Readers of the stream of events"),
    (
        "convened_event_readers_dropped_total",
        Kind::Counter,
        "Readers of the stream that took nothing any more and were sent away",
    ),
    ("convened_store_panics_total", Kind::Counter, "Panics in database work; each failed one piece of work"),
    ("convened_store_failed_groups_total", Kind::Counter, "Transactions that failed as a whole"),
    ("convened_store_queue_depth", Kind::Gauge, "Writes waiting for the writer"),
    ("convened_store_log_pages", Kind::Gauge, "Pages of SQLite's write-ahead log that wait for a checkpoint"),
    ("convened_store_group_size", Kind::Histogram, "Writes committed together"),
    (
        "convened_licences",
        Kind::Gauge,
        "Licences lent, being given, being taken back, and hosts in line, by state",
    ),
    ("convened_licences_short", Kind::Gauge, "Licences missing at the worst moment of the next day"),
    (
        "convened_licence_changes_total",
        Kind::Counter,
        "Licences asked to be given or taken back, by change and what came of it",
    ),
    (
        "convened_drift_total",
        Kind::Counter,
        "Meetings found changed or missing at Zoom, or put right, by what",
    ),
    (
        "convened_drifting_meetings",
        Kind::Gauge,
        "Meetings that Zoom goes on having otherwise, at the last sweep",
    ),
    ("convened_links_changed_total", Kind::Counter, "Join links that became others than people have"),
    (
        "convened_orphans_total",
        Kind::Counter,
        "Marked meetings at Zoom without a booking, by what became of them",
    ),
    ("convened_sweeps_total", Kind::Counter, "Sweeps of the account, of hosts and of orphans, by outcome"),
    ("convened_zoom_calls_total", Kind::Counter, "Calls to Zoom, by call and what came of it"),
    ("convened_zoom_tokens_total", Kind::Counter, "Access tokens asked for, by what came of it"),
    ("convened_zoom_call_seconds", Kind::Histogram, "How long Zoom took to answer, by call"),
    ("convened_zoom_wait_seconds", Kind::Histogram, "How long a call waited for its turn, by lane"),
    ("convened_zoom_queue_depth", Kind::Gauge, "Calls to Zoom waiting for their turn, by lane"),
    ("convened_shards_owned", Kind::Gauge, "Shards of meetings that are this process's (PostgreSQL)"),
    ("convened_processes_live", Kind::Gauge, "Processes that share the database (PostgreSQL)"),
    (
        "convened_shards_lost_total",
        Kind::Counter,
        "Times the connection that holds this process's shards broke; they are taken anew",
    ),
    (
        "convened_meetings_waiting",
        Kind::Gauge,
        "Meetings that Zoom does not agree with yet, by state: `pending`, `waiting_for_host`, `parked`, `failed`",
    ),
    ("convened_zoom_outage", Kind::Gauge, "1 while Zoom cannot be called, by cause: worth an alert"),
    ("convened_zoom_in_flight", Kind::Gauge, "Calls to Zoom under way"),
];

fn describe() {
    for (name, kind, help) in HELP {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *help),
            Kind::Gauge => metrics::describe_gauge!(*name, *help),
            Kind::Histogram => metrics::describe_histogram!(*name, *help),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_page_shows_what_was_counted() {
        start_metrics().expect("a recorder");
        metrics::counter!("convened_panics_total").increment(3);
        assert!(metrics_page().contains("convened_panics_total 3"));
        assert!(metrics_page().contains("# HELP convened_panics_total Panics anywhere"));
    }
}
