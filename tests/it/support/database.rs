//! One test body, run on both databases.

#[path = "../../support/database.rs"]
mod shared;

pub(crate) use shared::TestDatabase;

/// Makes two tests, `on_sqlite` and `on_postgres`, in a module that is named by the sentence.
macro_rules! on_each_database {
    ($($name:ident($database:ident) $body:block)+) => {$(
        mod $name {
            use super::*;

            fn body($database: &crate::support::database::TestDatabase) $body

            #[test]
            fn on_sqlite() {
                body(&crate::support::database::TestDatabase::sqlite().migrated());
            }

            #[test]
            fn on_postgres() {
                if let Some(database) = crate::support::database::TestDatabase::postgres() {
                    body(&database.migrated());
                }
            }
        }
    )+};
}
pub(crate) use on_each_database;
