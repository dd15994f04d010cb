//! The daemon as a process: the real binary, killed and started again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

/// How long a start may take, on a machine that is busy with other seeds.
const START_WITHIN: Duration = Duration::from_secs(60);

/// One daemon in a folder of its own.
pub(crate) struct Daemon {
    folder: PathBuf,
    child: Mutex<Option<Child>>,
}

impl Daemon {
    /// Writes its configuration; it runs once it is started.
    pub(crate) fn new(folder: &Path, configuration: &str) -> Result<Self> {
        std::fs::write(folder.join("convened.toml"), configuration)?;
        Ok(Self { folder: folder.to_owned(), child: Mutex::new(None) })
    }

    /// Starts it and waits until it listens.
    pub(crate) async fn start(&self) -> Result<()> {
        let mut running = self.child.lock().await;
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_convened"))
            .arg("--config")
            .arg(self.folder.join("convened.toml"))
            .arg("serve")
            .env_remove("DATABASE_URL")
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("the daemon cannot be started")?;
        let stdout = child.stdout.take().context("the daemon has no standard output")?;
        let mut line = String::new();
        let mut reader = BufReader::new(stdout);
        let read = tokio::time::timeout(START_WITHIN, reader.read_line(&mut line)).await;
        read.with_context(|| format!("the daemon did not listen within {START_WITHIN:?}"))??;
        if !line.starts_with("listening on http://") {
            bail!("the daemon said {line:?} instead of where it listens; see {}", self.log().display());
        }
        *running = Some(child);
        Ok(())
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) async fn kill(&self) -> Result<()> {
        if let Some(mut child) = self.child.lock().await.take() {
            child.kill().await.context("the daemon cannot be killed")?;
        }
        Ok(())
    }

    /// Where it writes its log.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("daemon.log")
    }
}
