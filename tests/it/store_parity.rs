//! Both folders of migrations make the same tables, and `store::schema` says what they make.

use std::collections::BTreeSet;

use convened::store::Conn;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};

use crate::support::database::TestDatabase;

/// A column as both databases tell it: table, name, kind of type, whether it may be null.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

/// An index or a foreign key: the table, its columns in order, and what makes it one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
struct Rule {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    columns: String,
    #[diesel(sql_type = Text)]
    rule: String,
}

const SQLITE_COLUMNS: &str = "
    SELECT m.name AS table_name, c.name AS column_name, c.type AS kind, c.\"notnull\" = 0 AS nullable
    FROM sqlite_master m JOIN pragma_table_info(m.name) c
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\'";
const POSTGRES_COLUMNS: &str = "
    SELECT table_name::text, column_name::text, data_type::text AS kind, is_nullable = 'YES' AS nullable
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'";

const SQLITE_INDEXES: &str = "
    SELECT m.name AS table_name,
        (SELECT group_concat(name, ',') FROM (SELECT i.name FROM pragma_index_info(l.name) i ORDER BY i.seqno))
            AS columns,
        CASE WHEN l.\"unique\" THEN 'unique' ELSE 'index' END AS rule
    FROM sqlite_master m JOIN pragma_index_list(m.name) l
    WHERE m.type = 'table' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\'";
const POSTGRES_INDEXES: &str = "
    SELECT t.relname::text AS table_name,
        (SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k (attnum, n)
            JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum) AS columns,
        CASE WHEN i.indisunique THEN 'unique' ELSE 'index' END AS rule
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace s ON s.oid = t.relnamespace
    WHERE s.nspname = 'public' AND t.relname NOT LIKE '\\_\\_%'";

const SQLITE_REFERENCES: &str = "
    SELECT m.name AS table_name, f.\"from\" AS columns, f.\"table\" || ' ' || f.on_delete AS rule
    FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'";
const POSTGRES_REFERENCES: &str = "
    SELECT t.relname::text AS table_name, a.attname::text AS columns, p.relname || ' ' ||
        CASE c.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'NO ACTION' END AS rule
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class p ON p.oid = c.confrelid
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
    WHERE c.contype = 'f'";

fn columns(conn: &mut Conn) -> BTreeSet<Column> {
    let sql = match conn {
        Conn::Sqlite(_) => SQLITE_COLUMNS,
        Conn::Postgres(_) => POSTGRES_COLUMNS,
    };
    diesel::sql_query(sql).load(conn).unwrap().into_iter().collect()
}

fn rules(conn: &mut Conn) -> BTreeSet<Rule> {
    let (indexes, references) = match conn {
        Conn::Sqlite(_) => (SQLITE_INDEXES, SQLITE_REFERENCES),
        Conn::Postgres(_) => (POSTGRES_INDEXES, POSTGRES_REFERENCES),
    };
    let mut rules: BTreeSet<Rule> = diesel::sql_query(indexes).load(conn).unwrap().into_iter().collect();
    let references: Vec<Rule> = diesel::sql_query(references).load(conn).unwrap();
    rules.extend(references);
    rules
}

/// The word SQLite has for a PostgreSQL type.
fn on_sqlite(mut column: Column) -> Column {
    column.kind = match column.kind.as_str() {
        "text" | "timestamp without time zone" => "TEXT",
        "bigint" | "boolean" => "INTEGER",
        "bytea" => "BLOB",
        other => panic!("{}.{}: no column should be {other}", column.table_name, column.column_name),
    }
    .to_owned();
    column
}

/// What `store::schema` declares.
const SCHEMA: &str = concat!(
    include_str!("../../src/store/schema/account.rs"),
    include_str!("../../src/store/schema/attendance.rs"),
    include_str!("../../src/store/schema/bookings.rs"),
    include_str!("../../src/store/schema/directory.rs"),
    include_str!("../../src/store/schema/engine.rs"),
    include_str!("../../src/store/schema/meetings.rs"),
);

/// The columns that the schema declares, in PostgreSQL's words.
fn declared() -> BTreeSet<Column> {
    let mut table_name = String::new();
    let mut sql_name = None;
    let mut columns = BTreeSet::new();
    for line in SCHEMA.lines().map(str::trim) {
        if let Some((name, kind)) = line.strip_suffix(',').and_then(|line| line.split_once(" -> ")) {
            let (nullable, kind) =
                match kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>')) {
                    Some(kind) => (true, kind),
                    None => (false, kind),
                };
            let kind = match kind {
                "Text" => "text",
                "BigInt" => "bigint",
                "Bool" => "boolean",
                "Binary" => "bytea",
                "Timestamp" => "timestamp without time zone",
                other => panic!("{table_name}.{name}: {other} is not among the types both databases share"),
            };
            columns.insert(Column {
                table_name: table_name.clone(),
                column_name: sql_name.take().unwrap_or_else(|| name.to_owned()),
                kind: kind.to_owned(),
                nullable,
            });
        } else if let Some(name) = line.strip_prefix("#[sql_name = \"") {
            sql_name = Some(name.trim_end_matches("\"]").to_owned());
        } else if let Some((name, _)) = line.strip_suffix(") {").and_then(|line| line.split_once(" (")) {
            table_name = name.to_owned();
        }
    }
    columns
}

/// All down, with nothing left over, and all up again.
fn down_and_up(conn: &mut Conn) {
    let before = (columns(conn), rules(conn));
    match conn {
        Conn::Sqlite(conn) => conn.revert_all_migrations(folder("sqlite")).map(|_| ()),
        Conn::Postgres(conn) => conn.revert_all_migrations(folder("postgres")).map(|_| ()),
    }
    .unwrap();
    assert_eq!(columns(conn), BTreeSet::new());
    match conn {
        Conn::Sqlite(conn) => conn.run_pending_migrations(folder("sqlite")).map(|_| ()),
        Conn::Postgres(conn) => conn.run_pending_migrations(folder("postgres")).map(|_| ()),
    }
    .unwrap();
    assert_eq!((columns(conn), rules(conn)), before);
}

fn folder(database: &str) -> FileBasedMigrations {
    FileBasedMigrations::from_path(format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn sqlite_has_the_columns_that_the_schema_declares() {
    let declared: BTreeSet<Column> = declared().into_iter().map(on_sqlite).collect();
    assert!(declared.len() > 200, "the schema was not understood");
    assert_eq!(columns(&mut TestDatabase::sqlite().migrated().conn()), declared);
}

#[test]
fn postgres_has_the_columns_that_the_schema_declares() {
    if let Some(database) = TestDatabase::postgres() {
        assert_eq!(columns(&mut database.migrated().conn()), declared());
    }
}

#[test]
fn both_have_the_same_keys_indexes_and_references() {
    if let Some(postgres) = TestDatabase::postgres() {
        let sqlite = TestDatabase::sqlite().migrated();
        let (on_sqlite, on_postgres) = (rules(&mut sqlite.conn()), rules(&mut postgres.migrated().conn()));
        // SQLite's integer primary keys are the table itself and no index.
        let is_row_id = |rule: &&Rule| rule.columns == "id" || rule.table_name == "shards";
        let row_ids: BTreeSet<Rule> = on_postgres.difference(&on_sqlite).filter(is_row_id).cloned().collect();
        assert_eq!(on_sqlite, on_postgres.difference(&row_ids).cloned().collect());
        assert_eq!(row_ids.len(), 6, "{row_ids:?}");
    }
}

#[test]
fn every_migration_can_be_taken_back_and_run_again() {
    down_and_up(&mut TestDatabase::sqlite().migrated().conn());
    if let Some(database) = TestDatabase::postgres() {
        down_and_up(&mut database.migrated().conn());
    }
}

#[test]
fn machines_that_start_together_migrate_once() {
    let Some(database) = TestDatabase::postgres() else { return };
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| convened::store::migrate::run(&database.url()).unwrap().len()))
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert_eq!(counts.iter().filter(|count| **count > 0).count(), 1, "{counts:?}");
}
