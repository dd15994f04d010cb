//! An endpoint as another system would run it: takes signed messages, remembers them, and answers as it is told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// A message as it came.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Message {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        &self.headers[name]
    }
}

/// The endpoint. Its thread ends with the process.
pub(crate) struct Listener {
    port: u16,
    status: Arc<Mutex<u16>>,
    came: Arc<Mutex<Vec<Message>>>,
}

/// The status of an endpoint that takes a message and never answers.
pub(crate) const NEVER: u16 = 0;

impl Listener {
    /// Listens on `port` (0 for a free one) and answers everything with `status`.
    pub(crate) fn start(port: u16, status: u16) -> Self {
        let socket = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let listener = Self { port, status: Arc::new(Mutex::new(status)), came: Arc::default() };
        let (status, came) = (Arc::clone(&listener.status), Arc::clone(&listener.came));
        std::thread::spawn(move || {
            for stream in socket.incoming() {
                let (status, came) = (Arc::clone(&status), Arc::clone(&came));
                std::thread::spawn(move || serve(stream.unwrap(), &status, &came));
            }
        });
        listener
    }

    /// A port on which nobody listens yet.
    pub(crate) fn free_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    /// From now on it answers with this.
    pub(crate) fn answer(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    pub(crate) fn came(&self) -> Vec<Message> {
        self.came.lock().unwrap().clone()
    }

    /// The lines of a configuration for it.
    pub(crate) fn config(port: u16, secret: &str, events: &[&str]) -> String {
        format!(
            "[[webhooks.endpoints]]\nurl = \"http://127.0.0.1:{port}/hook\"\nsecret = \"{secret}\"\nevents = {events:?}\n"
        )
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Waits for a message of this event.
    pub(crate) async fn until(&self, event: &str) -> Message {
        let began = Instant::now();
        loop {
            if let Some(message) = self.came().into_iter().find(|message| message.json()["type"] == event) {
                return message;
            }
            assert!(began.elapsed() < PATIENCE, "{event} never came; {:?}", self.came());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn serve(stream: TcpStream, status: &Mutex<u16>, came: &Mutex<Vec<Message>>) {
    let mut reader = BufReader::new(stream);
    while let Some(message) = read(&mut reader) {
        came.lock().unwrap().push(message);
        let status = *status.lock().unwrap();
        if status == NEVER {
            std::thread::park();
        }
        let answer = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\n\r\n");
        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// One request; `None` when the connection is closed.
fn read(reader: &mut BufReader<TcpStream>) -> Option<Message> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    Some(Message { headers, body: String::from_utf8(body).unwrap() })
}
