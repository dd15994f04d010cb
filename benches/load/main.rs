//! The daemon under load: the real binary on SQLite and, where `CONVENED_TEST_POSTGRES` names a server, on
//! PostgreSQL, beside handlers that store nothing, in one run. Absolute figures are this machine's; the ratios
//! travel.
//!
//! `cargo bench --bench load`; `CONVENED_LOAD_SECONDS` sets the length of each measurement (default 10).

mod client;
mod databases;
mod servers;

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use client::{Measured, Requests, drive};
use convened::zoom::signature::WebhookKey;
use databases::Database;
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
    for database in Database::all()? {
        let server = Server::daemon(&database)?;
        row(&format!("webhooks stored, {}", database.name), &events(&server, span)?, &hmac);
        let token = servers::token(&database)?;
        row(&format!("bookings stored, {}", database.name), &bookings(&server, &token, span)?, &hmac);
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
