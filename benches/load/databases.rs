//! The databases that are measured, each new and gone after the run.

use std::path::Path;

use anyhow::Result;
use convened::store::DatabaseUrl;
use convened::store::connection::{Manager, Role};
use diesel::connection::SimpleConnection;
use tempfile::TempDir;

/// A database of this run.
pub(crate) struct Database {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    folder: TempDir,
    /// Dropped on its server with this value.
    _on_server: Option<OnServer>,
}

impl Database {
    /// SQLite, and PostgreSQL where `CONVENED_TEST_POSTGRES` names a server.
    pub(crate) fn all() -> Result<Vec<Self>> {
        // In a folder of `target`, which is on a disk: `/tmp` may be memory.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let url = format!("sqlite://{}", folder.path().join("load.db").display());
        let mut databases = vec![Self { name: "SQLite", url, folder, _on_server: None }];
        match std::env::var("CONVENED_TEST_POSTGRES") {
            Ok(server) => {
                let server = OnServer::create(&server)?;
                databases.push(Self {
                    name: "PostgreSQL",
                    url: server.url(),
                    folder: TempDir::new()?,
                    _on_server: Some(server),
                });
            }
            Err(_) => println!("PostgreSQL is left out: CONVENED_TEST_POSTGRES names no server"),
        }
        Ok(databases)
    }

    /// A folder for the daemon to run in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

struct OnServer {
    server: String,
    name: String,
}

impl OnServer {
    fn create(server: &str) -> Result<Self> {
        let server = server.trim_end_matches('/').to_owned();
        let database = Self { server, name: format!("convened_load_{}", std::process::id()) };
        database.execute(&format!("CREATE DATABASE {}", database.name))?;
        Ok(database)
    }

    fn url(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    fn execute(&self, sql: &str) -> Result<()> {
        let url = DatabaseUrl::parse(&format!("{}/postgres", self.server))?;
        Ok(Manager::new(url, Role::Writer).open()?.batch_execute(sql)?)
    }
}

impl Drop for OnServer {
    fn drop(&mut self) {
        if let Err(error) = self.execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)) {
            eprintln!("{} was not dropped: {error}", self.name);
        }
    }
}
