//! The daemon under load: the real binary on SQLite and, where `CONVENED_TEST_POSTGRES` names a server, on
//! PostgreSQL, beside handlers that store nothing, in one run. Absolute figures are this machine's; the ratios
//! travel.
//!
//! `cargo bench --bench load`; `CONVENED_LOAD_SECONDS` sets the length of each measurement (default 10).

mod client;
mod servers;

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use client::{Measured, Requests, drive};
use convened::zoom::signature::WebhookKey;
use secrecy::SecretString;
use servers::{Server, WEBHOOK_SECRET};

/// Zoom's senders, as far as we know, are many; so are these.
const CONNECTIONS: u64 = 64;
/// About the size of a `meeting.participant_joined`.
const BODY_BYTES: usize = 700;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [flag, kind] if flag == "--yardstick" => servers::serve_yardstick(kind),
        arguments if arguments.iter().any(|argument| argument == "--bench") => measure(),
        _ => {
            println!("left out: the load test runs under `cargo bench --bench load`");
            Ok(())
        }
    }
}

fn measure() -> Result<()> {
    let seconds =
        std::env::var("CONVENED_LOAD_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let span = Duration::from_secs(seconds);
    println!("{CONNECTIONS} connections, {BODY_BYTES}-byte signed unique events, {seconds} s each\n");
    println!(
        "{:<34} {:>11} {:>9} {:>9} {:>9} {:>9}",
        "", "requests/s", "p50 ms", "p99 ms", "max ms", "of +HMAC"
    );

    let bare = events(&Server::yardstick("bare")?, span)?;
    let hmac = events(&Server::yardstick("hmac")?, span)?;
    row("bare actix-web", &bare, &hmac);
    row("+ HMAC", &hmac, &hmac);
    for (name, url, database) in databases()? {
        let folder = servers::folder()?;
        let url = url.unwrap_or_else(|| format!("sqlite://{}", folder.path().join("load.db").display()));
        let server = Server::daemon(&url, folder.path())?;
        row(&format!("webhooks stored, {name}"), &events(&server, span)?, &hmac);
        let token = servers::token(&url, folder.path())?;
        row(&format!("bookings stored, {name}"), &bookings(&server, &token, span)?, &hmac);
        drop(server);
        drop(database);
    }
    Ok(())
}

fn row(name: &str, measured: &Measured, yardstick: &Measured) {
    let ms = |span: Duration| span.as_secs_f64() * 1000.0;
    println!(
        "{name:<34} {:>11.0} {:>9.2} {:>9.2} {:>9.2} {:>9.2}",
        measured.requests_per_second,
        ms(measured.p50),
        ms(measured.p99),
        ms(measured.max),
        measured.requests_per_second / yardstick.requests_per_second,
    );
}

/// The databases to measure: name, URL where it is fixed, and what has to be kept meanwhile.
fn databases() -> Result<Vec<(&'static str, Option<String>, Option<PostgresDatabase>)>> {
    let mut databases = vec![("SQLite", None, None)];
    match std::env::var("CONVENED_TEST_POSTGRES") {
        Ok(server) => {
            let database = PostgresDatabase::create(server)?;
            databases.push(("PostgreSQL", Some(database.url()), Some(database)));
        }
        Err(_) => println!("PostgreSQL is left out: CONVENED_TEST_POSTGRES names no server"),
    }
    Ok(databases)
}

/// A database of this run; gone with it.
struct PostgresDatabase {
    server: String,
    name: String,
}

impl PostgresDatabase {
    fn create(server: String) -> Result<Self> {
        let database = Self {
            server: server.trim_end_matches('/').to_owned(),
            name: format!("convened_load_{}", std::process::id()),
        };
        database.on_server(&format!("CREATE DATABASE {}", database.name))?;
        Ok(database)
    }

    fn url(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    fn on_server(&self, sql: &str) -> Result<()> {
        use convened::store::DatabaseUrl;
        use convened::store::connection::{Manager, Role};
        use diesel::connection::SimpleConnection;

        let url = DatabaseUrl::parse(&format!("{}/postgres", self.server))?;
        Ok(Manager::new(url, Role::Writer).open()?.batch_execute(sql)?)
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        if let Err(error) = self.on_server(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)) {
            eprintln!("{} was not dropped: {error}", self.name);
        }
    }
}

fn events(server: &Server, span: Duration) -> Result<Measured> {
    let key = WebhookKey::new(&SecretString::from(WEBHOOK_SECRET)).context("the secret is empty")?;
    drive(&server.address, CONNECTIONS, span, &Events { key })
}

/// Joins of participants, each another one, signed as Zoom signs.
#[derive(Clone)]
struct Events {
    key: WebhookKey,
}

impl Requests for Events {
    fn write(&self, n: u64, buffer: &mut Vec<u8>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut body = format!(
            r#"{{"event":"meeting.participant_joined","event_ts":{},"payload":{{"account_id":"AAAAAABBBB","object":{{"id":"{}","uuid":"4444AAAiAAAAAiAiAiiAii==","host_id":"x1yCzABCDEfg23HiJKl4mN","topic":"Algebra","type":2,"start_time":"2026-07-13T21:44:51Z","timezone":"UTC","duration":60,"participant":{{"user_id":"{n}","user_name":"Student {n}","id":"iFxeBPYun6SAiWUzBcEkX","participant_uuid":"{n:032x}","registrant_id":"abcdefghij0-klmnopq{n}","email":"student{n}@example.com","join_time":"2026-07-13T21:44:51Z","customer_key":"349589LkJyeW","phone_number":""}}}},"padding":""#,
            now.as_millis(),
            80_000_000_000 + n % 1000,
        );
        while body.len() < BODY_BYTES - 3 {
            body.push('x');
        }
        body.push_str("\"}}");
        let timestamp = now.as_secs().to_string();
        let signature = self.key.sign(&timestamp, body.as_bytes());
        // Writing to a vector cannot fail.
        let _ = write!(
            buffer,
            "POST /api/zoom/webhook HTTP/1.1\r\nhost: load\r\ncontent-type: application/json\r\n\
             x-zm-request-timestamp: {timestamp}\r\nx-zm-signature: {signature}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
    }
}

fn bookings(server: &Server, token: &str, span: Duration) -> Result<Measured> {
    drive(&server.address, CONNECTIONS, span, &Bookings { token: token.to_owned() })
}

/// Bookings that do not clash.
#[derive(Clone)]
struct Bookings {
    token: String,
}

impl Requests for Bookings {
    fn write(&self, n: u64, buffer: &mut Vec<u8>) {
        let (day, minute) = (1 + n / 1440 % 28, n % 1440);
        let year = 2030 + n / (1440 * 28);
        let body = format!(
            r#"{{"ref":"load-{n}","kind":"class","title":"Lesson {n}","start_time":"{year}-01-{day:02}T{:02}:{:02}:00Z","duration":45,"on_conflict":"allow","attendees":[{{"name":"Student {n}","email":"student{n}@example.com"}}]}}"#,
            minute / 60,
            minute % 60,
        );
        let _ = write!(
            buffer,
            "POST /api/appointments HTTP/1.1\r\nhost: load\r\ncontent-type: application/json\r\n\
             authorization: Bearer {}\r\ncontent-length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        );
    }
}
