//! The daemon as a process of its own, started again when it dies, as systemd would.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::narrator::Narrator;

/// How long a stop may take before it is no longer asked for but done.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// A daemon that dies more often than this is broken.
const RESTARTS_MAX: u32 = 10;

/// Where the daemon lives.
#[derive(Debug, Clone)]
pub(super) struct Home {
    pub(super) config: PathBuf,
    pub(super) log: PathBuf,
}

/// The running daemon.
#[derive(Debug)]
pub(super) struct Daemon {
    pid: watch::Receiver<Option<u32>>,
    stopping: watch::Sender<bool>,
    keeper: JoinHandle<anyhow::Result<()>>,
}

impl Daemon {
    /// Starts it, and starts it again whenever it dies.
    pub(super) fn start(home: &Home, narrator: &Narrator) -> anyhow::Result<Self> {
        let first = spawn(home)?;
        let (pid_now, pid) = watch::channel(first.id());
        let (stopping, asked) = watch::channel(false);
        let keeper = tokio::spawn(keep(first, home.clone(), narrator.clone(), pid_now, asked));
        Ok(Self { pid, stopping, keeper })
    }

    /// The process's id, while there is one.
    pub(super) fn pid(&self) -> Option<u32> {
        *self.pid.borrow()
    }

    /// `kill -9`.
    pub(super) fn kill(&self) -> anyhow::Result<()> {
        self.signal(Signal::KILL)
    }

    /// Asks it to stop and waits until it has.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.stopping.send_replace(true);
        self.signal(Signal::TERM)?;
        match tokio::time::timeout(STOP_WITHIN, self.keeper).await {
            Ok(ended) => ended?,
            Err(_) => bail!("the daemon did not stop within {} s", STOP_WITHIN.as_secs()),
        }
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = self.pid().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        kill_process(pid.context("the daemon is not running")?, signal)
            .context("the daemon cannot be signalled")
    }
}

async fn keep(
    mut child: Child,
    home: Home,
    narrator: Narrator,
    pid: watch::Sender<Option<u32>>,
    stopping: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    for _ in 0..RESTARTS_MAX {
        let ended = child.wait().await?;
        pid.send_replace(None);
        if *stopping.borrow() {
            return Ok(());
        }
        narrator.step("daemon", format_args!("died ({}); started again, as systemd would", how(ended)));
        child = spawn(&home)?;
        pid.send_replace(child.id());
    }
    bail!("the daemon died {RESTARTS_MAX} times: see {}", home.log.display())
}

fn spawn(home: &Home) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("this program does not know where it is")?;
    let log = || -> anyhow::Result<Stdio> { Ok(append(&home.log)?.into()) };
    Command::new(program)
        .arg("--config")
        .arg(&home.config)
        .arg("serve")
        // The configuration of whoever runs the demo is none of its business.
        .env_clear()
        .stdin(Stdio::null())
        .stdout(log()?)
        .stderr(log()?)
        // Ctrl-C in the terminal is for the demo, which then stops the daemon in its order.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .context("the daemon cannot be started")
}

fn append(path: &Path) -> anyhow::Result<std::fs::File> {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.with_context(|| format!("{} cannot be written", path.display()))
}

fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match status.signal() {
        Some(signal) => format!("signal {signal}"),
        None => status.to_string(),
    }
}
