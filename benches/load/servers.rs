//! What is measured: two handlers that store nothing, as the yardstick, and the daemon itself. Each is a process
//! of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::{Context, Result};
use bytes::Bytes;
use convened::zoom::signature::WebhookKey;
use secrecy::SecretString;

use crate::databases::Database;

/// Shared by the servers and the generator.
pub(crate) const WEBHOOK_SECRET: &str = "a secret for the load test";

/// A running server; stopped when dropped.
pub(crate) struct Server {
    process: Child,
    /// `host:port`.
    pub(crate) address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which the run has noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// One of the yardsticks: this program again, as [`serve_yardstick`].
    pub(crate) fn yardstick(kind: &str) -> Result<Self> {
        Self::start(Command::new(std::env::current_exe()?).args(["--yardstick", kind]))
    }

    /// The daemon on a database, without Zoom and without a limit on callers.
    pub(crate) fn daemon(database: &Database) -> Result<Self> {
        Self::start(daemon_command(database).arg("serve"))
    }

    fn start(command: &mut Command) -> Result<Self> {
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(output).lines();
        let address = loop {
            let line = lines.next().context("the server ended before it listened")??;
            if let Some((_, address)) = line.split_once("listening on http://") {
                break address.trim_end_matches('/').to_owned();
            }
        };
        // Goes on reading, so that the server never waits for its reader.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { process, address })
    }
}

/// The daemon's command with its configuration; the caller adds the subcommand.
fn daemon_command(database: &Database) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_convened"));
    // The caller's environment may hold keys of another installation.
    command.current_dir(database.folder()).env_clear().envs([
        ("CONVENED_SERVER__BIND", "127.0.0.1:0"),
        ("CONVENED_DATABASE__URL", database.url.as_str()),
        ("CONVENED_DATABASE__ENCRYPTION_KEY", "bG9hZC10ZXN0LWxvYWQtdGVzdC1sb2FkLXRlc3QtMTI="),
        ("CONVENED_AUTH__JWT_SECRET", "a secret for the tokens of the load test"),
        ("CONVENED_LIMITS__REQUESTS_PER_SECOND", "1000000"),
        ("CONVENED_LIMITS__BURST", "1000000"),
        ("ZOOM_WEBHOOK_SECRET_TOKEN", WEBHOOK_SECRET),
        ("LOG_LEVEL", "error"),
    ]);
    command
}

/// A token of the daemon's, from its own command line.
pub(crate) fn token(database: &Database) -> Result<String> {
    let output = daemon_command(database).args(["token", "--role", "service", "--sub", "load"]).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Runs a yardstick until it is killed: `bare` reads the body and answers, `hmac` verifies it as well.
pub(crate) fn serve_yardstick(kind: &str) -> Result<()> {
    let verify = kind == "hmac";
    let key = WebhookKey::new(&SecretString::from(WEBHOOK_SECRET)).context("the secret is empty")?;
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let route = match verify {
                true => web::post().to(verified),
                false => web::post().to(bare),
            };
            App::new().app_data(web::Data::new(key.clone())).route("/api/zoom/webhook", route)
        })
        .bind("127.0.0.1:0")?;
        let address = server.addrs().first().copied().context("nothing is bound")?;
        println!("listening on http://{address}");
        Ok(server.run().await?)
    })
}

async fn bare(_body: Bytes) -> HttpResponse {
    answer()
}

async fn verified(request: HttpRequest, key: web::Data<WebhookKey>, body: Bytes) -> HttpResponse {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match key.verify(header("x-zm-request-timestamp"), &body, header("x-zm-signature")) {
        true => answer(),
        false => HttpResponse::Unauthorized().finish(),
    }
}

fn answer() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(r#"{"received": true}"#)
}
