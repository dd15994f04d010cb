//! Several daemons on one database and one Zoom, behind one front: what a load balancer does, and no more.

use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use convened::zoom::http::Method;
use serde_json::Value;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use super::database::TestDatabase;
use super::rig::{Answer, Rig, free_port};

/// How long a caller waits after a 503.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Several daemons. The sandbox and the clock are the rig's; its own daemon is the first of the fleet.
pub(crate) struct Fleet {
    pub(crate) rig: Rig,
    daemons: Vec<(u16, Mutex<Option<Child>>)>,
    next: AtomicUsize,
}

impl Fleet {
    /// Starts `size` daemons.
    pub(crate) async fn start(database: TestDatabase, size: usize, speed: f64, extra: &str) -> Self {
        let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut rig = Rig::start_behind(database, speed, extra, Some(front.local_addr().unwrap().port()));
        let mut daemons = vec![(rig.port(), rig.take_daemon())];
        for _ in 1..size {
            let port = free_port();
            daemons.push((port, rig.spawn(port)));
        }
        let ports: Arc<[u16]> = daemons.iter().map(|(port, _)| *port).collect();
        tokio::spawn(forward(front, ports));
        let daemons = daemons.into_iter().map(|(port, child)| (port, Mutex::new(Some(child)))).collect();
        Self { rig, daemons, next: AtomicUsize::new(0) }
    }

    /// `kill -9` of one of them.
    pub(crate) fn kill(&self, which: usize) {
        if let Some(mut child) = self.daemons[which].1.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// The process id of one of them.
    pub(crate) fn pid(&self, which: usize) -> u32 {
        self.daemons[which].1.lock().unwrap().as_ref().unwrap().id()
    }

    /// One call to one daemon; `None` when it did not answer, because it is dead or died over it.
    pub(crate) async fn ask(
        &self,
        which: usize,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Option<Answer> {
        let url = format!("http://127.0.0.1:{}{path}", self.daemons[which].0);
        let token = self.rig.token("service", "tests");
        let mut request = self.rig.http.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let text = response.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// One call to whichever daemon answers, each in its turn: what a caller behind a balancer does. Asked again
    /// where one died over it, or was in another's way (503), so `key` makes a create happen once.
    pub(crate) async fn anybody(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        key: Option<&str>,
    ) -> Answer {
        for _ in 0..self.daemons.len() * 10 {
            let which = self.next.fetch_add(1, Ordering::Relaxed) % self.daemons.len();
            match self.ask(which, method.clone(), path, body.as_ref(), key).await {
                Some((503, _)) => tokio::time::sleep(RETRY_AFTER).await,
                Some(answer) => return answer,
                None => {}
            }
        }
        panic!("{path}: nobody answers");
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for which in 0..self.daemons.len() {
            self.kill(which);
        }
    }
}

/// Hands each connection to the next daemon that takes it.
async fn forward(front: TcpListener, ports: Arc<[u16]>) {
    let mut turn = 0;
    while let Ok((mut caller, _)) = front.accept().await {
        turn += 1;
        let (ports, first) = (Arc::clone(&ports), turn);
        tokio::spawn(async move {
            for step in 0..ports.len() {
                let port = ports[(first + step) % ports.len()];
                if let Ok(mut daemon) = TcpStream::connect(("127.0.0.1", port)).await {
                    // Either side may break off; the other learns it by its own connection.
                    let _ = copy_bidirectional(&mut caller, &mut daemon).await;
                    return;
                }
            }
        });
    }
}
