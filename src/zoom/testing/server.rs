//! A Zoom of a few lines, for the ways in which an answer can fail to arrive. The sandbox is the better Zoom;
//! this one is worse on purpose.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// For example `GET /meetings/1`.
    pub(crate) line: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// What to do with a request.
#[derive(Debug, Clone)]
pub(crate) enum Play {
    /// Answers with a status, header lines and a body.
    Answer(u16, Vec<String>, String),
    /// Waits, then answers.
    Late(Duration, Box<Play>),
    /// Reads the request and never answers.
    Silence,
    /// Reads the request and closes the connection.
    HangUp,
    /// Promises a body and closes the connection in the midst of it.
    CutShort,
}

impl Play {
    /// An answer in JSON.
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::Answer(status, vec!["content-type: application/json".into()], body.to_string())
    }

    /// An answer with one more header line.
    pub(crate) fn with(self, header: &str) -> Self {
        match self {
            Self::Answer(status, mut headers, body) => {
                headers.push(header.to_owned());
                Self::Answer(status, headers, body)
            }
            other => other,
        }
    }
}

/// A server on a port of its own; ends with the runtime.
pub(crate) struct BadZoom {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

type Script = dyn Fn(&Seen, usize) -> Play + Send + Sync;

impl BadZoom {
    /// Plays what `script` says for each request and its number, counted from 0.
    pub(crate) async fn start(script: impl Fn(&Seen, usize) -> Play + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, script): (_, Arc<Script>) = (Arc::clone(&seen), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&log), Arc::clone(&script)));
            }
        });
        Self { url, seen }
    }

    /// Everything that arrived so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// An address where nobody listens.
    pub(crate) async fn nobody() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }
}

async fn serve(mut connection: TcpStream, log: Arc<Mutex<Vec<Seen>>>, script: Arc<Script>) {
    while let Some(request) = read_request(&mut connection).await {
        let number = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            log.len() - 1
        };
        let mut play = script(&request, number);
        while let Play::Late(wait, then) = play {
            tokio::time::sleep(wait).await;
            play = *then;
        }
        match play {
            Play::Answer(status, headers, body) => {
                let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
                let length =
                    if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
                let answer = format!("HTTP/1.1 {status} x\r\n{headers}{length}\r\n{body}");
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
            Play::CutShort => {
                connection.write_all(b"HTTP/1.1 201 x\r\ncontent-length: 100\r\n\r\n{\"id\":").await.unwrap();
                return;
            }
            Play::Silence => std::future::pending().await,
            Play::HangUp | Play::Late(..) => return,
        }
    }
}

async fn read_request(connection: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.parse().unwrap());
            if body.len() >= length {
                let line = head.lines().next()?.trim_end_matches(" HTTP/1.1").to_owned();
                return Some(Seen { line, head: head.to_owned(), body: body.to_owned() });
            }
        }
        let mut chunk = [0; 4096];
        match connection.read(&mut chunk).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&chunk[..count]),
            _ => return None,
        }
    }
}
