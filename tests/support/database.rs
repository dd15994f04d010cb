//! A database of its own for each test: SQLite in a file, PostgreSQL on the server that `CONVENED_TEST_POSTGRES`
//! names (for example `postgres://postgres@127.0.0.1:5432/`).

use convened::store::connection::{Manager, Role};
use convened::store::{Conn, DatabaseUrl, migrate};
use diesel::connection::SimpleConnection;

/// A database of its own for one test; gone with it.
pub(crate) struct TestDatabase {
    /// Its URL as a configuration would have it.
    pub(crate) text: String,
    _keep: Keep,
}

#[expect(dead_code, reason = "what is held is taken away when it is dropped")]
enum Keep {
    Folder(tempfile::TempDir),
    Server(DropDatabase),
}

impl TestDatabase {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("sqlite://{}", folder.path().join("convened.db").display());
        Self { text, _keep: Keep::Folder(folder) }
    }

    /// `None`, and a printed line, when no server is named.
    pub(crate) fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var("CONVENED_TEST_POSTGRES") else {
            println!("left out: CONVENED_TEST_POSTGRES names no PostgreSQL server");
            return None;
        };
        let server = server.trim_end_matches('/').to_owned();
        let name = format!("convened_test_{}", uuid::Uuid::new_v4().simple());
        on_server(&server, &format!("CREATE DATABASE {name}"));
        let text = format!("{server}/{name}");
        Some(Self { text, _keep: Keep::Server(DropDatabase { server, name }) })
    }

    pub(crate) fn url(&self) -> DatabaseUrl {
        DatabaseUrl::parse(&self.text).unwrap()
    }

    /// Brings it to this program's tables.
    pub(crate) fn migrated(self) -> Self {
        migrate::run(&self.url()).unwrap();
        self
    }

    /// A connection that may write.
    pub(crate) fn conn(&self) -> Conn {
        Manager::new(self.url(), Role::Writer).open().unwrap()
    }
}

struct DropDatabase {
    server: String,
    name: String,
}

impl Drop for DropDatabase {
    fn drop(&mut self) {
        on_server(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn on_server(server: &str, sql: &str) {
    let url = DatabaseUrl::parse(&format!("{server}/postgres")).unwrap();
    Manager::new(url, Role::Writer).open().unwrap().batch_execute(sql).unwrap();
}
