//! A simulated Zoom account for rehearsals and tests: API, OAuth, limits, webhooks, faults, ground truth.
//!
//! It listens on a port of its own, so that the daemon and Zoom's published clients talk to it as they would to
//! Zoom: the API below `/v2`, tokens below `/oauth`, recordings below `/rec`. Below `/sandbox` it is controlled
//! and tells the truth (see `control`).
//!
//! A request passes `exchange` (faults, ledger) and `gate` (token, scope, limits) and reaches one plain function
//! over the [`account`](state::SandboxState), found in the table of `endpoints`. Where sources about Zoom
//! disagree, a switch in [`settings`] decides.

mod account;
pub mod announce;
mod cast;
pub mod classes;
mod control;
pub mod courier;
pub mod deliveries;
pub mod delivery;
mod dice;
mod downloads;
mod endpoints;
mod errors;
mod exchange;
pub mod faults;
mod gate;
pub mod ledger;
mod licences;
mod limits;
mod meeting_fields;
mod meeting_views;
mod meetings;
pub mod mischief;
pub mod model;
pub mod moves;
mod oauth;
mod oauth_routes;
mod pages;
mod past;
pub mod play;
mod recordings;
mod recurrence;
mod registrants;
#[cfg(test)]
mod rehearsal;
mod reports;
mod request;
mod runner;
mod runs;
mod schedule;
pub mod settings;
pub mod state;
mod stays;
pub mod timetable;
pub mod truth;
mod user_reads;
mod users;
pub mod webhook;

use std::io;
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread::JoinHandle;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{App, HttpServer, web};

use self::classes::Classes;
use self::delivery::Delivery;
use self::model::Plan;
use self::state::SandboxState;
use crate::clock::SharedClock;

/// The largest body taken.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Threads that serve.
const WORKERS: usize = 2;

/// How to set a sandbox up.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Where to listen; port 0 takes a free one.
    pub bind: String,
    /// The sandbox's time.
    pub clock: SharedClock,
    /// The account's id.
    pub account_id: String,
    /// The app's client id, for both kinds of grant.
    pub client_id: String,
    /// The app's client secret.
    pub client_secret: String,
    /// The secret token webhooks are signed with.
    pub webhook_secret: String,
    /// Where webhooks go; nowhere without.
    pub webhook_url: Option<String>,
    /// The account's plan.
    pub plan: Plan,
    /// Where the randomness starts.
    pub seed: u64,
}

/// The simulated Zoom account.
#[derive(Debug)]
pub struct Sandbox;

impl Sandbox {
    /// Starts the server on a thread of its own, with an actix system of its own.
    pub fn start(options: SandboxOptions) -> io::Result<SandboxHandle> {
        let listener = TcpListener::bind(&options.bind)?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = SandboxState::new(options, url);
        let (ready, started) = mpsc::channel();
        let served = state.clone();
        let thread = std::thread::Builder::new()
            .name("sandbox".to_owned())
            .spawn(move || actix_web::rt::System::new().block_on(serve(served, listener, ready)))?;
        let running = started.recv().map_err(|_| io::Error::other("the sandbox did not start"))??;
        Ok(SandboxHandle { state, running, thread: Some(thread) })
    }

    /// The simulated endpoints, as `GET /users/{userId}`.
    pub fn endpoints() -> impl Iterator<Item = &'static str> {
        endpoints::ENDPOINTS.iter().map(|endpoint| endpoint.name)
    }
}

/// Runs the server until it is stopped.
async fn serve(
    state: SandboxState,
    listener: TcpListener,
    ready: mpsc::Sender<io::Result<Running>>,
) -> io::Result<()> {
    let (server, running) = match assemble(state, listener) {
        Ok(assembled) => assembled,
        Err(error) => {
            let _ = ready.send(Err(error));
            return Ok(());
        }
    };
    // A caller that is gone has no use for the handle; the server then ends with the process.
    let _ = ready.send(Ok(running));
    server.await
}

fn assemble(state: SandboxState, listener: TcpListener) -> io::Result<(Server, Running)> {
    let delivery = Delivery::start(state.clone())?;
    let classes = Classes::new(state.clone(), delivery.clone());
    let data = (web::Data::new(state), web::Data::new(classes.clone()), web::Data::new(delivery.clone()));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(data.0.clone())
            .app_data(data.1.clone())
            .app_data(data.2.clone())
            .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
            .configure(oauth_routes::routes)
            .configure(control::routes)
            .configure(downloads::routes)
            .configure(schedule::routes)
            .service(web::scope("/v2").default_service(web::to(gate::serve)))
    })
    .workers(WORKERS)
    .disable_signals()
    .shutdown_timeout(1)
    .listen(listener)?
    .run();
    let running = Running { server: server.handle(), delivery, classes };
    Ok((server, running))
}

/// What lives on the server's thread.
#[derive(Debug)]
struct Running {
    server: ServerHandle,
    delivery: Delivery,
    classes: Classes,
}

/// A running sandbox; dropping it stops the server.
#[derive(Debug)]
pub struct SandboxHandle {
    state: SandboxState,
    running: Running,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl SandboxHandle {
    /// Where it listens, as `http://127.0.0.1:4711`.
    #[must_use]
    pub fn url(&self) -> &str {
        self.state.url()
    }

    /// The account.
    #[must_use]
    pub fn state(&self) -> &SandboxState {
        &self.state
    }

    /// Plays classes.
    #[must_use]
    pub fn classes(&self) -> &Classes {
        &self.running.classes
    }

    /// Delivers the webhooks.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        &self.running.delivery
    }

    /// Stops the server and waits for its thread.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(thread) = self.thread.take() {
            // The command is sent by the call; the future would only wait for its end, and so does `join`.
            drop(self.running.server.stop(false));
            if thread.join().is_err() {
                tracing::error!("the sandbox's server thread panicked");
            }
        }
    }
}

impl Drop for SandboxHandle {
    fn drop(&mut self) {
        self.end();
    }
}
