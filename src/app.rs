//! Builds and wires the actors: the order of the start, the order of the shutdown.
//!
//! Start: database and migrations → store → Zoom (tokens, pacing) → meetings, attendance, clock → inbox → HTTP.
//! Shutdown: not ready → HTTP drained → calls to Zoom end, the meetings rest → the shards are given back → the store
//! writes what it has → the end.
//! All of the shutdown is politeness: `kill -9` loses nothing that was acknowledged either.

mod options;
#[cfg(test)]
mod tests;
mod watchdog;
mod wiring;
mod zoom;

use std::net::TcpListener;
use std::time::Duration;

use actix::Arbiter;
use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::actors::health::Health;
use crate::actors::shards::{Keeper, Shards};
use crate::actors::store::Store;
use crate::actors::supervision::{RestartPolicy, Supervision};
use crate::config::Settings;
use crate::http;
use wiring::{Arbiters, Wired};

/// The code of a process whose essential actor kept dying: the service manager starts it afresh.
const EXIT_GAVE_UP: i32 = 1;
/// How long calls to Zoom that are under way may take to end, and their outcome to be written down.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// How long the store may take to write what it has.
const FLUSH_MAX: Duration = Duration::from_secs(10);

/// Runs the daemon until it is told to stop. Gives the process's exit code.
///
/// # Errors
/// Whatever keeps it from starting, in one line.
pub fn run(settings: Settings) -> anyhow::Result<i32> {
    crate::telemetry::start_metrics().context("metrics cannot be counted")?;
    let (database, sealer) = wiring::prepare_database(&settings)?;
    let listener = listen(&settings)?;
    let system = actix_rt::System::new();
    system.block_on(async move {
        let app = App::start(&settings, &database, sealer, listener).await?;
        println!("listening on {}", app.url());
        Ok(app.until_stopped(settings.server.shutdown_grace).await)
    })
}

/// Binds the port, so that a taken one is told before anything is started.
fn listen(settings: &Settings) -> anyhow::Result<TcpListener> {
    let bind = settings.server.bind;
    TcpListener::bind(bind).with_context(|| format!("server.bind: {bind} cannot be listened on"))
}

/// The running daemon.
#[derive(Debug)]
pub struct App {
    address: std::net::SocketAddr,
    health: Health,
    store: Store,
    supervision: Supervision,
    arbiters: Arbiters,
    server: actix_web::dev::ServerHandle,
    server_ended: tokio::task::JoinHandle<std::io::Result<()>>,
    gave_up: mpsc::Receiver<&'static str>,
    /// What the parts are reached by.
    pub wired: Wired,
}

impl App {
    /// Starts everything, on the present actix system.
    ///
    /// # Errors
    /// Whatever keeps it from starting, in one line.
    pub async fn start(
        settings: &Settings,
        database: &crate::store::DatabaseUrl,
        sealer: crate::store::Sealer,
        listener: TcpListener,
    ) -> anyhow::Result<Self> {
        let clock = settings.clock.build();
        let store =
            Store::start(database, settings.database.readers).context("the database cannot be opened")?;
        let (give_up, gave_up) = mpsc::channel(1);
        let supervision = Supervision::start(RestartPolicy::default(), give_up);
        let shards = Shards::on(database);
        let health = Health::new(store.clone(), supervision.clone(), shards.clone());
        let arbiters = Arbiters::start();
        let identity = wiring::identity(settings, &store, sealer, clock.now()).await?;
        let wired = wiring::wire(settings, &store, shards, clock, identity, &supervision, &arbiters)?;
        Keeper::start(database, &wired.engine, &wired.registry).context("no thread for the shards")?;
        let address = listener.local_addr().context("the listening address is unknown")?;
        let (front, intake) = wiring::front(settings, &wired, health.clone())?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = settings.server.workers.unwrap_or(cores);
        let server = http::server::server(front, intake, listener, workers, settings.server.shutdown_grace)
            .context("the HTTP server cannot start")?;
        let handle = server.handle();
        let server_ended = actix_rt::spawn(server);
        watchdog::start(health.clone());
        Ok(Self {
            address,
            health,
            store,
            supervision,
            arbiters,
            server: handle,
            server_ended,
            gave_up,
            wired,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The health of the process.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Waits for a signal (or for an actor that keeps dying), then stops. A second signal ends it at once.
    pub async fn until_stopped(mut self, grace: Duration) -> i32 {
        let code = tokio::select! {
            () = terminated() => 0,
            name = self.gave_up.recv() => {
                tracing::error!(actor = name.unwrap_or("?"), "stopping, to be started afresh");
                EXIT_GAVE_UP
            }
            ended = &mut self.server_ended => {
                tracing::error!(?ended, "the HTTP server ended by itself");
                EXIT_GAVE_UP
            }
        };
        tokio::select! {
            () = self.stop(grace) => {}
            () = terminated() => tracing::warn!("a second signal: ending at once"),
        }
        code
    }

    /// Stops everything in its order.
    pub async fn stop(self, grace: Duration) {
        tracing::info!("stopping");
        watchdog::stopping();
        self.health.stopping();
        self.supervision.stopping();
        // Its readers would otherwise hold the server up: they never finish by themselves.
        self.wired.events.close();
        if tokio::time::timeout(grace, self.server.stop(true)).await.is_err() {
            tracing::warn!("requests were still running when the grace was over");
        }
        let at_rest = async {
            self.wired.engine.zoom.drain().await;
            self.wired.registry.quiesce().await;
        };
        if tokio::time::timeout(DRAIN_MAX, at_rest).await.is_err() {
            tracing::warn!(
                "calls to Zoom were still under way; their outcome is looked up at the next start"
            );
        }
        if tokio::time::timeout(DRAIN_MAX, self.wired.engine.shards.close()).await.is_err() {
            tracing::warn!("the shards fall to the other processes with this one's connection");
        }
        if tokio::time::timeout(FLUSH_MAX, self.store.close()).await.is_err() {
            tracing::warn!("the store did not come to its end; what it had acknowledged is safe");
        }
        self.arbiters.stop();
        tracing::info!("stopped");
    }
}

/// SIGTERM or SIGINT.
async fn terminated() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be listened for");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

impl Arbiters {
    fn stop(self) {
        for arbiter in [self.meetings, self.zoom] {
            stop(arbiter);
        }
    }
}

fn stop(arbiter: Arbiter) {
    arbiter.stop();
    if arbiter.join().is_err() {
        tracing::warn!("a thread of actors ended badly");
    }
}
