//! A load generator: one thread, keep-alive connections, HTTP/1.1 written by hand so that it costs little beside
//! the server it shares the machine with.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Makes the `n`-th request of a run, all its bytes, into the buffer.
pub(crate) trait Requests: Clone + Send + Sync + 'static {
    fn write(&self, n: u64, buffer: &mut Vec<u8>);
}

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) requests_per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
}

/// Sends requests over `connections` connections for `span`, each as soon as the last is answered.
///
/// Every answer must have a status of 2xx: a server that refuses is not fast.
pub(crate) fn drive<R: Requests>(
    address: &str,
    connections: u64,
    span: Duration,
    requests: &R,
) -> Result<Measured> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for first in 0..connections {
            let (address, requests) = (address.to_owned(), requests.clone());
            tasks.spawn(async move {
                let mut connection = Connection::open(&address).await?;
                connection.drive(first, connections, started + span, &requests).await
            });
        }
        let mut latencies = Vec::new();
        while let Some(done) = tasks.join_next().await {
            latencies.extend(done??);
        }
        summarise(latencies, started.elapsed())
    })
}

fn summarise(mut latencies: Vec<Duration>, elapsed: Duration) -> Result<Measured> {
    latencies.sort_unstable();
    let at = |share: f64| {
        let index = (latencies.len() as f64 * share) as usize;
        latencies
            .get(index.min(latencies.len().saturating_sub(1)))
            .copied()
            .context("no request was answered")
    };
    Ok(Measured {
        requests_per_second: latencies.len() as f64 / elapsed.as_secs_f64(),
        p50: at(0.5)?,
        p99: at(0.99)?,
        max: at(1.0)?,
    })
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("no server at {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(4096) })
    }

    async fn drive(
        &mut self,
        first: u64,
        step: u64,
        until: Instant,
        requests: &impl Requests,
    ) -> Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        let mut request = Vec::with_capacity(2048);
        let mut n = first;
        while Instant::now() < until {
            request.clear();
            requests.write(n, &mut request);
            let sent = Instant::now();
            self.stream.write_all(&request).await?;
            self.read_answer().await?;
            latencies.push(sent.elapsed());
            n += step;
        }
        Ok(latencies)
    }

    async fn read_answer(&mut self) -> Result<()> {
        self.received.clear();
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                bail!("the server closed the connection");
            }
            let Some(head) = self.received.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let (head, body) = self.received.split_at(head + 4);
            if body.len() < content_length(head)? {
                continue;
            }
            if !head.starts_with(b"HTTP/1.1 2") {
                bail!("refused: {}", String::from_utf8_lossy(&self.received));
            }
            return Ok(());
        }
    }
}

fn content_length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?;
    head.split("\r\n")
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("an answer without a length")?
        .1
        .parse()
        .context("a length that is no number")
}
