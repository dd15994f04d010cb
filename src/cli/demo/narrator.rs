//! Tells what happens, with the demo's own time and the time of the class.

use std::fmt::Display;
use std::time::{Duration, Instant as RealInstant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::output;
use crate::clock::{Instant, SharedClock};

/// How often the progress bar is drawn anew.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Prints steps above a progress bar; its clones share the bar.
#[derive(Debug, Clone)]
pub(super) struct Narrator {
    began: RealInstant,
    clock: SharedClock,
    bar: ProgressBar,
}

impl Narrator {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { began: RealInstant::now(), clock, bar: ProgressBar::hidden() }
    }

    /// One line: real seconds since the start, the time in the demo's world, who, what.
    pub(super) fn step(&self, who: &str, what: impl Display) {
        let real = self.began.elapsed().as_secs_f64();
        let world = self.clock.now().format("%H:%M:%S");
        self.line(format_args!("{real:5.1} s  {world}  {who:<8} {what}"));
    }

    /// A line of its own.
    pub(super) fn line(&self, what: impl Display) {
        // A reader that went away has no use for the rest, but the demo's exit code may still be wanted.
        let _ = self.bar.suspend(|| output::line(what));
    }

    /// How long the demo has been running.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Shows how far the class is until `end`; `told` says what is worth knowing meanwhile.
    pub(super) async fn watch(&self, start: Instant, end: Instant, told: impl Fn() -> String) {
        let minutes = |span: chrono::Duration| u64::try_from(span.num_minutes()).unwrap_or(0);
        self.bar.set_length(minutes(end - start));
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} min  {msg}") {
            self.bar.set_style(style);
        }
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
        while self.clock.now() < end {
            self.bar.set_position(minutes(self.clock.now() - start));
            self.bar.set_message(told());
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.bar.finish_and_clear();
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
    }
}
